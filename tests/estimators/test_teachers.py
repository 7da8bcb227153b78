"""Teachers: what they are asked about, what they have not seen, and that true targets measure what is measured."""

import pickle
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from lutsmith.additive import AdditiveSettings, AdditiveTrainer
from lutsmith.circuit import Metadata
from lutsmith.circuit.file import to_bytes
from lutsmith.data import from_arrays
from lutsmith.sklearn import LUTClassifier, LUTRegressor
from lutsmith.sklearn.merging import equal_rows
from lutsmith.sklearn.teachers import make_teacher
from tests.estimators.data import moons, people


def pupil(teacher, **more):
    return LUTClassifier(**{"max_luts": 40, "random_state": 0, "teacher": teacher, **more})


def same(one, other):
    """Whether two have the same circuit, whatever it tells of its settings."""
    one, other = (replace(each.circuit_, metadata=Metadata()) for each in (one, other))
    return to_bytes(one) == to_bytes(other)


class Noting(ClassifierMixin, BaseEstimator):
    """Says of a row that it has learned from its class, and of others nothing; notes which rows it saw."""

    seen: list = []  # noqa: RUF012
    asked: list = []  # noqa: RUF012

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.known_ = {tuple(row): label for row, label in zip(X.tolist(), y, strict=True)}
        self.seen.append(set(self.known_))
        return self

    def predict_proba(self, X):
        told = np.full((len(X), len(self.classes_)), 1 / len(self.classes_))
        self.asked.append({tuple(row) for row in X.tolist()})
        for place, row in enumerate(X.tolist()):
            if tuple(row) in self.known_:
                told[place] = self.classes_ == self.known_[tuple(row)]
        return told


@pytest.fixture
def noting():
    Noting.seen.clear()
    Noting.asked.clear()
    return Noting()


# What it sees


def test_a_teacher_has_not_learned_from_what_it_is_asked_about(noting):
    x, y = moons(200)
    x = np.round(x)  # many rows of equal features, some of both classes
    pupil(noting, early_stopping=False).fit(x, y)
    assert len(noting.seen) == 5 == len(noting.asked)
    assert all(seen.isdisjoint(asked) for seen, asked in zip(noting.seen, noting.asked, strict=True))
    rows = {tuple(row) for row in x.astype(np.float32).tolist()}
    assert set.union(*noting.asked) == rows == set.union(*noting.seen)


def test_rows_that_are_held_out_are_unknown_to_the_teacher(noting):
    x, y = moons(300)
    held_out = {tuple(row) for row in x[200:].tolist()}
    pupil(noting).fit(x[:200], y[:200], eval_set=(x[200:], y[200:]))
    assert not held_out & set.union(*noting.seen, *noting.asked)
    noting.seen.clear()
    model = pupil(noting, early_stopping=True, validation_fraction=0.25).fit(x, y)
    assert len(set.union(*noting.seen)) == 300 - model.report_.rows == 225


def test_folds_are_unknown_to_the_teacher_of_the_networks_without_them(noting):
    x, y = moons(100)
    pupil(noting, n_estimators=2).fit(x, y)
    known = [set.union(*noting.seen[at : at + 5]) for at in range(0, len(noting.seen), 5)]
    assert [len(rows) for rows in known] == [80] * 5 + [100] + [80] * 5  # networks of folds, then the whole one
    assert len({frozenset(rows) for rows in known}) == 11
    assert set.union(*known[:5]) == set.union(*known[6:]) == known[5]


class Liar(Noting):
    """Is sure that every row is of the first class."""

    def predict_proba(self, X):
        return np.tile(np.eye(len(self.classes_))[0], (len(X), 1))


def test_what_is_held_out_is_measured_by_its_true_class():
    x, y = moons(400)
    kept = LUTClassifier(max_luts=40, random_state=0).fit(x[:300], y[:300], eval_set=(x[300:], y[300:]))
    model = pupil(Liar(), teacher_weight=1.0).fit(x[:300], y[:300], eval_set=(x[300:], y[300:]))
    assert (model.predict(x) == "in").mean() > 0.9
    assert model.report_.score == pytest.approx(np.mean(y[300:] == model.predict(x[300:])))
    told = [each.evals_result_["validation"]["loss"] for each in (kept, model)]
    assert min(told[1]) > min(told[0])
    assert told[1][-1] > told[1][0]  # the longer it learns from a liar the worse


def test_opinions_of_rows_are_learned():
    x, y = moons(600)
    truth = np.where(x[:, 0] * x[:, 1] > 0, "in", "out")

    class Knowing(Noting):
        def predict_proba(self, X):
            return np.stack([X[:, 0] * X[:, 1] > 0, X[:, 0] * X[:, 1] <= 0], axis=1).astype(float)

    rng = np.random.default_rng(0)
    noisy = np.where(rng.random(600) < 0.3, rng.permutation(y), y)
    models = [pupil(each, max_luts=200, early_stopping=False).fit(x[:300], noisy[:300]) for each in (None, Knowing())]
    alone, taught = (model.score(x[300:], truth[300:]) for model in models)
    assert taught > alone + 0.03


# What may teach


@pytest.mark.parametrize("teacher", [
    HistGradientBoostingClassifier(max_iter=5), LogisticRegression(), KNeighborsClassifier(), GaussianNB(),
    LUTClassifier(max_luts=10),
], ids=lambda teacher: type(teacher).__name__)  # fmt: skip
def test_classifiers_teach(teacher):
    x, y = moons(120)
    y = np.where(x[:, 2] > 1, "far", y)
    model = pupil(teacher).fit(x, y)
    assert model.score(x, y) > 0.6
    assert not hasattr(teacher, "classes_")
    assert to_bytes(model.circuit_) == to_bytes(clone(model).fit(x, y).circuit_)
    assert not same(model, pupil(None).fit(x, y))


@pytest.mark.parametrize("teacher", [RandomForestClassifier(5), DecisionTreeClassifier(max_depth=3),
                                     KNeighborsClassifier()])  # fmt: skip
def test_several_labels_are_taught(teacher):
    x, _ = moons(200)
    y = (x[:, :3] > 0.2).astype(int)
    y[:, 2] = 1  # of which a tree knows one value
    assert pupil(teacher, max_luts=60).fit(x, y).score(x, y) > 0.6


@pytest.mark.parametrize("loss", ["squared", "absolute"])
def test_numbers_are_taught(loss):
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(400, 3))
    truth = x[:, 0] + 2 * x[:, 1]
    y = truth + rng.normal(size=400)
    how = {"max_luts": 100, "random_state": 0, "loss": loss}
    alone, taught = (LUTRegressor(teacher=each, teacher_weight=0.9, **how).fit(x[:200], y[:200])
                     for each in (None, LinearRegression()))  # fmt: skip
    assert taught.score(x[200:], truth[200:]) > alone.score(x[200:], truth[200:])
    several = LUTRegressor(teacher=KNeighborsRegressor(), **how).fit(x, np.stack([y, -y], axis=1))
    assert several.predict(x).shape == (400, 2)


def test_tables_are_shown_as_they_are_given():
    frame, y = people(200)
    frame["age"] = frame["age"].fillna(40.0)
    teacher = make_pipeline(make_column_transformer((OneHotEncoder(), ["city"]), remainder="passthrough"),
                            LogisticRegression(max_iter=500))  # fmt: skip
    weights = np.where(np.arange(200) < 10, 0, 1)
    model = pupil(teacher).fit(frame, y, weights)
    assert model.score(frame, y) > 0.8
    trees = HistGradientBoostingClassifier(categorical_features=[1], max_iter=5)
    told = pl.from_pandas(frame.assign(city=frame["city"].astype("category").cat.codes.astype(float)))
    for form in (told, told.to_pandas()):
        assert pupil(trees).fit(form, y).score(form, y) > 0.8


# One that is fitted


def test_a_teacher_that_is_fitted_is_asked_as_it_is():
    x, y = moons(300)
    teacher = KNeighborsClassifier(1).fit(x, y)
    rows = np.arange(200)
    said = make_teacher(teacher, x[rows], y[rows], np.ones(200), rows, classes=np.unique(y))(rows[5:9])
    np.testing.assert_array_equal(said, (y[5:9, None] == np.unique(y)).astype(float))
    fresh = make_teacher(clone(teacher), x[rows], y[rows], np.ones(200), rows, classes=np.unique(y))(rows)
    assert 0.5 < (np.unique(y)[fresh.argmax(axis=1)] == y[rows]).mean() < 1
    one, other = pupil(teacher, teacher_weight=1.0).fit(x, y), pupil(clone(teacher), teacher_weight=1.0).fit(x, y)
    assert not same(one, other)
    frozen = pupil(
        FrozenEstimator(teacher), teacher_weight=1.0
    )  # clones of a teacher are not fitted, of a frozen one are
    assert to_bytes(clone(frozen).fit(x, y).circuit_) == to_bytes(one.circuit_)


def test_one_that_knows_other_classes_is_refused():
    x, y = moons(100)
    teacher = DummyClassifier().fit(x, np.where(np.arange(100) < 5, "else", y))
    with pytest.raises(
        ValueError, match=r"the teacher predicts the classes \['else', 'in', 'out'\], and y holds \['in', 'ou"
    ):
        pupil(teacher).fit(x, y)


# Weights, order, threads


@pytest.mark.parametrize("teacher", [DecisionTreeClassifier(max_depth=3, max_features=1), KNeighborsClassifier(3)],
                         ids=["with weights", "without"])  # fmt: skip
def test_weights_are_copies_and_merged_rows_have_one_opinion(teacher):
    x, y = moons(120)
    weights = np.random.default_rng(1).integers(0, 8, 120)
    copies = np.random.default_rng(2).permutation(np.repeat(np.arange(120), weights))
    told = [to_bytes(pupil(teacher, n_jobs=jobs).fit(x, y, weights).circuit_) for jobs in (1, 2)]
    told.append(to_bytes(pupil(teacher).fit(x[copies], y[copies]).circuit_))
    assert len(set(told)) == 1
    seen = pupil(teacher, class_weight="balanced").fit(x, y, weights)
    assert to_bytes(seen.circuit_) == to_bytes(
        pupil(teacher, class_weight="balanced").fit(x[copies], y[copies]).circuit_
    )


class Weighed(Noting):
    """Notes how much rows count."""

    counted: list = []  # noqa: RUF012

    def fit(self, X, y, sample_weight):
        self.counted.append(dict(zip(map(tuple, X.tolist()), sample_weight.tolist(), strict=True)))
        return super().fit(X, y)


def test_a_teacher_is_told_how_much_rows_count():
    x, y = moons(50)
    weights = np.random.default_rng(0).uniform(0.5, 2, 50)
    Weighed.counted.clear()
    pupil(Weighed(), early_stopping=False).fit(x, y, weights)
    assert {row: weight for told in Weighed.counted for row, weight in told.items()} == dict(
        zip(map(tuple, x.tolist()), weights.tolist(), strict=True)
    )


def test_equal_rows_have_equal_numbers():
    x = np.array([[0.0, np.nan], [1, 2], [-0.0, np.nan], [1, 2], [2, 1]])
    found = equal_rows(x)
    assert found[0] == found[2] != found[1] == found[3] != found[4]


def test_a_weight_of_0_is_no_teacher():
    x, y = moons(120)
    plain = pupil(None).fit(x, y)
    assert same(pupil(Liar(), teacher_weight=0).fit(x, y), plain)
    assert same(pupil(None, teacher_weight=0.9).fit(x, y), plain)


# scikit-learn's tools


def test_clones_files_and_searches():
    x, y = moons(100)
    model = pupil(DecisionTreeClassifier(max_depth=2)).fit(x, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(x), model.predict_proba(x))
    assert again.teacher.get_params() == model.teacher.get_params()
    assert not hasattr(again.teacher, "tree_")
    assert b"_tree.Tree" not in pickle.dumps(model)
    assert set(vars(model)) == set(vars(pupil(None).fit(x, y)))
    assert b"sklearn.tree" not in pickle.dumps(clone(model).set_params(teacher=None).fit(x, y))
    search = GridSearchCV(model, {"teacher__max_depth": [1, 3], "teacher_weight": [0.2, 0.8]}, cv=2).fit(x, y)
    assert search.best_params_["teacher__max_depth"] in (1, 3)


# What is refused


@pytest.mark.parametrize(("teacher", "error", "what"), [
    ("boosting", TypeError, "teacher is 'boosting'; expected an estimator of scikit-learn, a classifier with"),
    (3, TypeError, "teacher is 3"),
    (DecisionTreeClassifier, TypeError, r"expected an estimator: DecisionTreeClassifier\(\)"),
    (LinearRegression(), TypeError, r"teacher is LinearRegression\(\); expected .* predict_proba"),
    (SVC(), TypeError, r"teacher is SVC\(\)"),
    (DecisionTreeClassifier(max_depth=-1), ValueError, "max_depth"),
])  # fmt: skip
def test_what_is_no_teacher_is_refused(teacher, error, what):
    x, y = moons(60)
    model = pupil(teacher)
    with pytest.raises(error, match=what):
        model.fit(x, y)
    assert not hasattr(model, "classes_")


@pytest.mark.parametrize(("teacher", "what"), [
    (DecisionTreeClassifier(), "predicts classes; expected a regressor"), ("mean", "expected an estimator"),
    (DecisionTreeRegressor, "expected an estimator: DecisionTreeRegressor"),
])  # fmt: skip
def test_what_teaches_no_numbers_is_refused(teacher, what):
    with pytest.raises(TypeError, match=what):
        LUTRegressor(teacher=teacher).fit(moons(60)[0], np.arange(60.0))
    LUTRegressor(teacher=DummyRegressor(), max_luts=10).fit(moons(60)[0], np.arange(60.0))


@pytest.mark.parametrize("weight", [-0.1, 1.5, float("nan"), "half", None])
def test_a_weight_that_is_no_share_is_refused(weight):
    with pytest.raises((TypeError, ValueError), match="teacher_weight"):
        pupil(GaussianNB(), teacher_weight=weight).fit(*moons(60))


class Failing(Noting):
    def fit(self, X, y):
        raise RuntimeError("out of memory")


class Mumbling(Noting):
    def predict_proba(self, X):
        return np.full((len(X), 2), np.nan)


def test_one_that_fails_says_so():
    with pytest.raises(RuntimeError, match="out of memory") as caught:
        pupil(Failing()).fit(*moons(60))
    assert "teacher=Failing() was fitted to" in caught.value.__notes__[0]
    with pytest.raises(ValueError, match=r"the teacher's answers have shape .*; expected probabilities"):
        pupil(Mumbling()).fit(*moons(60))
    with pytest.raises(ValueError, match="teacher is of method='additive'"):
        pupil(GaussianNB(), method="gradients").fit(*moons(60))
    with pytest.raises(ValueError, match="all rows are equal"):
        make_teacher(GaussianNB(), np.zeros((4, 1)), np.arange(4.0), np.ones(4), np.zeros(4, int))(np.arange(4))


def test_few_rows_of_a_class_are_no_fault():
    x, y = moons(40)
    y = np.where(np.arange(40) == 3, "in", "out")
    assert pupil(LogisticRegression(), early_stopping=False).fit(x, y).predict(x).shape == (40,)


# The trainer


def test_the_trainer_asks_about_the_rows_that_it_learns_from(tmp_path):
    x, y = moons(300)
    dataset = from_arrays(x.astype(np.float32), y)
    asked = []

    def teacher(rows):
        asked.append(rows)
        return np.tile([0.3, 0.7], (len(rows), 1))

    trainer = AdditiveTrainer(AdditiveSettings(max_luts=30), teacher=teacher)
    ready = trainer.prepare(dataset, held_out=np.arange(50))
    trainer.fit(ready, checkpoint=tmp_path / "state.npz")
    assert all(np.array_equal(rows, np.arange(50, 300)) for rows in asked)
    assert asked
    for wrong, error in (
        (lambda rows: np.ones((3, 2)), ValueError),
        (lambda rows: np.ones((len(rows), 2)), ValueError),
    ):
        with pytest.raises(error, match="expected probabilities"):
            AdditiveTrainer(AdditiveSettings(max_luts=30), teacher=wrong).fit(ready)
    with pytest.raises(TypeError, match="teacher is 'boosting'; expected a function"):
        AdditiveTrainer(teacher="boosting")


def test_a_start_is_fitted_anew_beside_a_teacher():
    x, y = moons(300)
    model = pupil(GaussianNB(), warm_start=True, early_stopping=True).fit(x, y)
    before = model.report_.score
    assert model.fit(x, y).report_.score >= before - 0.05
