"""Estimators among scikit-learn's tools, with tables, stopping, files and exports."""

import copy
import pickle
import pickletools

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import lutsmith
from lutsmith.circuit.file import to_bytes
from lutsmith.sklearn import LUTClassifier, LUTRegressor, ThermometerEncoder
from tests.estimators.data import moons, people


@pytest.fixture(scope="module")
def table():
    return people()


@pytest.fixture(scope="module")
def on_table(table):
    return LUTClassifier(max_luts=60, random_state=0).fit(*table)


# Tables


def test_a_table_is_learned(table, on_table):
    frame, y = table
    assert on_table.score(frame, y) > 0.9
    assert on_table.feature_names_in_.tolist() == ["age", "city", "member"]
    assert on_table.n_features_in_ == 3
    assert on_table.classes_.tolist() == ["no", "yes"]


FORMS = {
    "polars": pl.from_pandas,
    "arrow": lambda frame: pl.from_pandas(frame).to_arrow(),
    "categories": lambda frame: frame.astype({"city": "category"}),
    "another index": lambda frame: frame.set_index(np.arange(len(frame))[::-1] * 3),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_frames_of_other_libraries_say_the_same(table, on_table, form):
    frame, y = table
    np.testing.assert_array_equal(on_table.predict(form(frame)), on_table.predict(frame))
    again = LUTClassifier(max_luts=60, random_state=0).fit(form(frame), y)
    np.testing.assert_array_equal(again.predict_proba(form(frame)), on_table.predict_proba(frame))


def test_arrays_that_hold_text_are_tables_too(table, on_table):
    frame, y = table
    cells = frame.to_numpy()
    model = LUTClassifier(max_luts=60, random_state=0).fit(cells, y)
    np.testing.assert_array_equal(model.predict(cells), on_table.predict(frame))
    assert not hasattr(model, "feature_names_in_")
    with pytest.raises(ValueError, match="2 features"):
        model.predict(cells[:, :2])


def test_numbers_may_be_names(table):
    frame, _ = table
    x = np.stack([frame["age"].fillna(0), np.arange(len(frame)) % 7], axis=1)
    y = np.isin(x[:, 1], [1, 4, 6])
    for chosen in ([1], [False, True]):
        model = LUTClassifier(max_luts=20, random_state=0, categorical_features=chosen).fit(x, y)
        assert model.score(x, y) == 1
        assert model.circuit_.schema.categories[1] is not None
    with pytest.raises(ValueError, match="categorical_features holds 2; expected 0 to 1"):
        LUTClassifier(categorical_features=[2]).fit(x, y)


def test_many_names_are_in_the_order_of_their_target():
    rng = np.random.default_rng(0)
    code = rng.integers(0, 400, 4000)
    frame = pd.DataFrame({"street": [f"street {number}" for number in code], "size": rng.normal(size=4000)})
    y = rng.permutation(400)[code] > 200
    model = LUTClassifier(max_luts=40, random_state=0).fit(frame[:3000], y[:3000])
    assert model.score(frame[3000:], y[3000:]) > 0.85  # names of few rows tell nothing
    assert model.feature_importances_[0] > 0.3 > model.feature_importances_[1]


def test_other_names_are_refused(table, on_table):
    frame, _ = table
    with pytest.raises(ValueError, match="must be in the same order"):
        on_table.predict(frame[["member", "age", "city"]])
    for other in (frame.rename(columns={"age": "years"}), frame.drop(columns="age")):
        with pytest.raises(ValueError, match=r"features|names"):
            on_table.predict(other)
        with pytest.raises(ValueError, match=r"features|names"):
            on_table.predict(pl.from_pandas(other).to_arrow())


@pytest.mark.parametrize(("x", "what"), [
    (np.array([["a", object()], ["b", 1]], object), "argument must be a string or a number"),
    (np.array([[np.inf], [0.0]]), "infinity"),
    (np.zeros((0, 3)), "0 sample"),
    (np.zeros((3, 0)), "0 feature"),
    (pd.DataFrame({"a": []}), "0 sample"),
    (pd.DataFrame(index=[0, 1]), "0 feature"),
    (np.array([1.0, 2.0]), "Expected 2D array"),
])  # fmt: skip
def test_what_is_no_table_is_refused(x, what):
    with pytest.raises((TypeError, ValueError), match=what):
        LUTClassifier().fit(x, np.arange(len(x)) % 2)


# Parameters


@pytest.mark.parametrize(("parameters", "what"), [
    ({"method": "magic"}, "method is 'magic'"),
    ({"early_stopping": 3}, "early_stopping is 3"),
    ({"class_weight": "even"}, "class_weight is 'even'"),
    ({"class_weight": {"sideways": 2}}, "sideways"),
    ({"n_jobs": 0}, "n_jobs is 0"),
    ({"max_luts": 0}, "max_luts is 0"),
    ({"settings": {"speed": 1}}, "speed"),
    ({"rank": 9}, "rank is 9"),
    ({"input_shape": (3, 3)}, "reshape|shape"),
])  # fmt: skip
def test_wrong_parameters_are_told_when_fitting(parameters, what):
    model = LUTClassifier(**parameters)
    assert clone(model).get_params() == model.get_params()
    with pytest.raises(ValueError, match=what):
        model.fit(*moons(60))


@pytest.mark.parametrize(("weights", "what"), [
    ([1.0], "shape"), (np.full(60, -1.0), "Negative"), (np.full(60, np.nan), "NaN"), (np.zeros(60), "non-zero"),
    (np.ones((60, 2)), "1D array"),
])  # fmt: skip
def test_weights_that_are_none_are_refused(weights, what):
    with pytest.raises(ValueError, match=what):
        LUTClassifier().fit(*moons(60), weights)


def test_class_weights_move_the_answer():
    x, y = moons(600)
    y[:450] = "out"
    plain, weighted = (LUTClassifier(max_luts=40, random_state=0, class_weight=each).fit(x, y)
                       for each in (None, "balanced"))  # fmt: skip
    assert (weighted.predict(x) == "in").sum() > (plain.predict(x) == "in").sum()
    assert (LUTClassifier(max_luts=40, class_weight={"in": 1e4}).fit(x, y).predict(x) == "in").mean() > 0.9


def test_threads_do_not_matter():
    x, y = moons(300)
    one, two = (to_bytes(LUTClassifier(max_luts=40, random_state=0, n_jobs=jobs).fit(x, y).circuit_) for jobs in (1, 2))
    assert one == two


def test_a_fit_that_fails_leaves_what_was_fitted():
    x, y = moons(200)
    model = LUTClassifier(max_luts=20, random_state=0).fit(x, y)
    told = model.predict(x)
    with pytest.raises(ValueError, match="rank is 9"):
        model.set_params(rank=9).fit(x[:, :2], np.arange(200) % 3)
    np.testing.assert_array_equal(model.predict(x), told)
    with pytest.raises(ValueError, match="rank is 9"):
        LUTClassifier(rank=9).fit(x, y)


# Stopping


def test_rows_of_ones_own_choose_how_many_luts_are_kept():
    x, y = moons(500)
    model = LUTClassifier(max_luts=200, random_state=0).fit(x[:300], y[:300], eval_set=(x[300:], y[300:]))
    told = model.evals_result_["validation"]
    assert len(told["loss"]) == model.n_iter_
    assert model.best_iteration_ == len(told["loss"]) - int(np.argmin(told["loss"][::-1]))
    assert model.report_.rows == 200
    assert model.report_.score == pytest.approx(model.score(x[300:], y[300:]))
    with pytest.raises(ValueError, match="neither a pair"):
        model.fit(x, y, eval_set=x)
    with pytest.raises(ValueError, match="none of the classes"):
        model.fit(x, y, eval_set=(x, np.repeat("above", 500)))


def test_patience_and_callbacks_end_growing():
    x, y = moons(500)
    whole = LUTClassifier(max_luts=600, random_state=0, early_stopping=True, validation_fraction=0.3).fit(x, y)
    impatient = clone(whole).set_params(n_iter_no_change=5).fit(x, y)
    assert impatient.n_iter_ < whole.n_iter_ == 300
    assert impatient.n_iter_ - impatient.best_iteration_ == 5
    seen = []
    stopped = clone(whole).set_params(callbacks=[seen.append, lambda growth: growth.luts >= 20]).fit(x, y)
    assert stopped.n_iter_ == 10 == len(seen)


def test_without_early_stopping_all_luts_are_kept():
    x, y = moons(500)
    model = LUTClassifier(max_luts=80, random_state=0, early_stopping=False).fit(x, y)
    assert model.best_iteration_ == model.n_iter_ == 40
    assert model.report_.measured_on == "training"
    assert model.temperature_ > 0
    few = clone(model).set_params(early_stopping="auto").fit(x, y)
    assert few.report_.measured_on == "cross-validation"
    assert few.report_.rows == 500
    assert abs(few.report_.score - clone(few).fit(x[:400], y[:400]).score(x[400:], y[400:])) < 0.1


def test_a_warm_start_goes_on_from_the_circuit():
    x, y = moons(500)
    model = LUTClassifier(max_luts=20, random_state=0, warm_start=True, early_stopping=True).fit(x, y)
    before, luts = model.score(x, y), model.n_luts_
    model.fit(x, y)
    assert model.n_luts_ == luts
    assert model.score(x, y) >= before - 0.02
    assert "sweep" not in str(model.get_params())


def test_truth_values_of_numpy_stop_as_pythons_do():
    x, y = moons(300)
    for value in (True, False):
        one, other = (LUTClassifier(max_luts=20, random_state=0, early_stopping=each).fit(x, y) for each in
                      (value, np.bool_(value)))  # fmt: skip
        assert to_bytes(one.circuit_) == to_bytes(other.circuit_)
    with pytest.raises(ValueError, match="early_stopping is 1"):
        LUTClassifier(early_stopping=1).fit(x, y)


def test_classes_are_balanced_by_the_rows_that_are_learned():
    x, y = moons(400)
    model = LUTClassifier(max_luts=20, random_state=0, class_weight="balanced")
    even = model.fit(x[:200], y[:200], eval_set=(x[200:], y[200:])).evals_result_["training"]["loss"]
    odd = model.fit(x[:200], y[:200], eval_set=(x[200:][y[200:] == "in"], y[200:][y[200:] == "in"]))
    assert odd.evals_result_["training"]["loss"] == even


# Targets


def test_several_labels():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3))
    y = (x > 0.2).astype(int)
    model = LUTClassifier(max_luts=90, random_state=0).fit(x, y)
    assert model.score(x, y) > 0.8
    told = model.predict_proba(x)
    assert told.shape == (400, 3)
    np.testing.assert_array_equal(told > 0.5, model.predict(x) == 1)


@pytest.mark.parametrize("wrong", [lambda y: 2 * y - 1, lambda y: y + 1, lambda y: 3 * y])
def test_labels_are_0_and_1(wrong):
    x, _ = moons(60)
    y = (x[:, :2] > 0).astype(int)
    with pytest.raises(ValueError, match=r"expected 0 and 1|not supported|Unknown label type"):
        LUTClassifier(max_luts=10).fit(x, wrong(y))
    with pytest.raises(ValueError, match="expected 0 and 1"):
        LUTClassifier(max_luts=10).fit(x, y, eval_set=(x, wrong(y)))


def test_several_numbers_and_quantiles():
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(600, 2))
    y = np.stack([x[:, 0], x[:, 0] * x[:, 1]], axis=1)
    assert LUTRegressor(max_luts=300, random_state=0).fit(x, y).score(x, y) > 0.9
    noisy = x[:, 0] + rng.normal(size=600)
    high = LUTRegressor(max_luts=100, random_state=0, loss="quantile", quantile=0.9).fit(x, noisy)
    assert 0.8 < (noisy < high.predict(x)).mean() < 0.97


def test_images_by_their_shape():
    digits = lutsmith.data.load("digits")
    model = LUTClassifier(max_luts=100, random_state=0, input_shape=(1, 8, 8))
    model.fit(digits.x_train.reshape(-1, 64), digits.y_train)
    assert model.circuit_.input_shape == (1, 8, 8)
    assert model.score(digits.x_test.reshape(-1, 64), digits.y_test) > 0.85


def test_gradients_too():
    x, _ = moons(400)
    y = x[:, 0] + x[:, 1] > 0.3
    model = LUTClassifier(method="gradients", max_luts=60, random_state=0, settings={"epochs": 10, "batch_size": 64})
    model.fit(x, y, np.random.default_rng(0).integers(1, 3, 400))
    assert model.method_ == "gradients"
    assert model.score(x, y) > 0.8
    assert model.predict_proba(x).shape == (400, 2)
    with pytest.raises(ValueError, match="eval_set is of method='additive'"):
        model.fit(x, y, eval_set=(x, y))


# scikit-learn's tools


def test_searches_pipelines_and_scores(table):
    frame, y = table
    search = GridSearchCV(LUTClassifier(random_state=0), {"max_luts": [10, 40], "rank": [2, 4]}, cv=2, n_jobs=2)
    assert search.fit(*moons(120)).best_params_["max_luts"] in (10, 40)
    columns = ColumnTransformer([("age", StandardScaler(), ["age"]), ("rest", "passthrough", ["city", "member"])])
    columns.set_output(transform="pandas")
    pipeline = make_pipeline(columns, LUTClassifier(max_luts=40, random_state=0))
    assert cross_val_score(pipeline, frame, y, cv=2).mean() > 0.85


def test_weights_are_routed():
    x, y = moons(120)
    weights = np.random.default_rng(0).integers(0, 3, 120)
    with sklearn.config_context(enable_metadata_routing=True):
        model = LUTClassifier(max_luts=20, random_state=0).set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, model).fit(x, y, sample_weight=weights)
    alone = LUTClassifier(max_luts=20, random_state=0).fit(StandardScaler().fit_transform(x), y, weights)
    assert to_bytes(pipeline[-1].circuit_) == to_bytes(alone.circuit_)


def test_inspection_works_on_it(table, on_table):
    frame, y = table
    told = partial_dependence(on_table, frame.fillna({"age": 40.0}), ["age"], kind="average")["average"][0]
    assert told[-1] > told[0]
    importance = permutation_importance(on_table, frame, y, n_repeats=2, random_state=0).importances_mean
    assert importance[:2].min() > importance[2]


def test_what_matters_is_told(table, on_table):
    frame, y = table
    assert on_table.feature_importances_.shape == (3,)
    assert on_table.feature_importances_[:2].min() > 0.1 > on_table.feature_importances_[2]
    told = on_table.explain({"age": 80.0, "city": "Bern", "member": True})
    np.testing.assert_array_equal(
        str(told), str(on_table.explain(pd.DataFrame([{"age": 80.0, "city": "Bern", "member": True}])))
    )
    assert "Bern" in str(told)
    assert on_table.importances(frame, y).score == pytest.approx(on_table.score(frame, y))
    assert "age >" in str(LUTClassifier(max_luts=4, random_state=0).fit(frame, y).rules())
    with pytest.raises(ValueError, match="2 rows are given"):
        on_table.explain(frame[:2])


def test_monotone_features():
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(2500, 3))
    y = (x[:, 0] + 0.3 * np.sin(12 * x[:, 0]) - x[:, 1] > 0).astype(int)
    model = LUTClassifier(max_luts=100, random_state=0, monotonic_cst=[1, -1, 0]).fit(x, y)
    assert lutsmith.check_monotone(model.circuit_, {0: 1, 1: -1}).ok
    one, other = rng.uniform(size=(2, 20_000, 3))
    one[:, 2] = other[:, 2]
    low = np.stack([np.minimum(one[:, 0], other[:, 0]), np.maximum(one[:, 1], other[:, 1]), one[:, 2]], axis=1)
    high = np.stack([np.maximum(one[:, 0], other[:, 0]), np.minimum(one[:, 1], other[:, 1]), one[:, 2]], axis=1)
    assert (model.predict_proba(low)[:, 1] <= model.predict_proba(high)[:, 1]).all()
    free = clone(model).set_params(monotonic_cst=None).fit(x, y)
    assert (free.predict_proba(low)[:, 1] > free.predict_proba(high)[:, 1]).any()
    with pytest.raises(ValueError, match="of method='additive'"):
        clone(model).set_params(method="gradients").fit(x, y)


@pytest.mark.parametrize("missing", ["below", "indicator", "learned", None])
def test_missing_values(missing):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 2))
    y = x[:, 0] > 0
    x[y & (rng.random(600) < 0.5), 0] = np.nan  # what is missing says that it is large
    model = LUTClassifier(max_luts=30, random_state=0, missing=missing).fit(x, y)
    assert model.score(x, y) > 0.95


def test_tables_are_read_as_is_asked(table):
    frame, y = table
    frame = frame[["member", "age", "city"]]
    model = LUTClassifier(max_luts=20, random_state=0, table={"drop": ["member"]}, monotonic_cst={1: 1}).fit(frame, y)
    assert model.circuit_.schema.names == ("age", "city")
    assert model.predict(frame).shape == (300,)
    assert model.feature_importances_.shape == (3,)
    assert model.feature_importances_[0] == 0
    assert lutsmith.check_monotone(model.circuit_, {"age": 1}).ok
    for other in ([0, 1, 0], {"age": 1}):
        again = clone(model).set_params(monotonic_cst=other).fit(frame, y)
        np.testing.assert_array_equal(again.circuit_.netlist.fanin, model.circuit_.netlist.fanin)
        np.testing.assert_array_equal(again.predict_proba(frame), model.predict_proba(frame))
    with pytest.raises(ValueError, match="names column 0, which is not there or is not read"):
        clone(model).set_params(monotonic_cst={0: 1}).fit(frame, y)
    x, labels = moons(100)
    dropped = LUTClassifier(max_luts=10, random_state=0, table={"drop": ["x2", "x3"]}).fit(x, labels)
    assert dropped.circuit_.input_shape == (2,)
    with pytest.raises(ValueError, match="nonsense"):
        LUTClassifier(table={"nonsense": 1}).fit(x, labels)


def test_columns_without_names_are_found_by_their_places():
    x, y = moons(100)
    for form in (pd.DataFrame, lambda cells: cells.astype(object).astype(str)):
        model = LUTClassifier(max_luts=10, random_state=0).fit(form(x), y)
        np.testing.assert_array_equal(model.predict(form(x)), model.predict(pd.DataFrame(form(x))))
    numbers = LUTClassifier(max_luts=10, random_state=0).fit(pd.DataFrame(x), y)
    np.testing.assert_array_equal(numbers.predict(x), numbers.predict(pd.DataFrame(x)))


# Files and exports


def test_a_pickle_holds_a_model_file_and_calls_nothing_else(on_table, table):
    frame, _ = table
    content = pickle.dumps(on_table)
    called = [code.name for code, _, _ in pickletools.genops(content) if code.name in ("REDUCE", "INST", "OBJ")]
    text = [value for code, value, _ in pickletools.genops(content) if "UNICODE" in code.name]
    assert not called
    assert [code.name for code, _, _ in pickletools.genops(content)].count("STACK_GLOBAL") == 1
    assert "LUTClassifier" in text
    again = pickle.loads(content)
    np.testing.assert_array_equal(again.predict_proba(frame), on_table.predict_proba(frame))
    assert to_bytes(again.circuit_) == to_bytes(on_table.circuit_)
    assert again.get_params() == on_table.get_params()
    assert again.report_ == on_table.report_
    with pytest.raises(ValueError, match="not a pickled estimator"):
        LUTClassifier().__setstate__({"circuit_": b""})


def test_the_circuit_is_one_call_away(on_table, table, tmp_path):
    frame, _ = table
    files = on_table.export("c", tmp_path / "exported")
    assert {path.name for path in (tmp_path / "exported").iterdir()} == set(files)
    on_table.save(tmp_path / "model.lut")
    labels = lutsmith.load(tmp_path / "model.lut").predict_labels(frame)
    np.testing.assert_array_equal(labels, on_table.predict(frame))
    with pytest.raises(ValueError, match="format is 'paper'"):
        on_table.export("paper")
    for ask in (lambda model: model.export("c"), lambda model: model.explain([[1]]), lambda model: model.rules()):
        with pytest.raises(sklearn.exceptions.NotFittedError):
            ask(LUTClassifier())
    (check,) = on_table.verify(["blif"], layers=("read-back",)).checks
    assert check.verdict == "proved"


# Bits


def test_bits_of_a_table_have_names(table):
    frame, _ = table
    encoder = ThermometerEncoder(bits=3).fit(frame)
    bits = encoder.set_output(transform="pandas").transform(frame)
    assert [name for name in bits if name.startswith("city")] == ["city = Basel", "city = Bern", "city = Zürich"]
    np.testing.assert_array_equal(bits["city = Bern"] == 1, frame["city"] == "Bern")
    for name in [name for name in bits.columns if name.startswith("age > ")]:
        np.testing.assert_array_equal(bits[name] == 1, frame["age"] > float(name.removeprefix("age > ")))


def test_bits_train_any_classifier():
    from sklearn.linear_model import LogisticRegression

    x = np.random.default_rng(0).uniform(-1, 1, (500, 2))
    y = np.abs(x[:, 0]) > 0.5
    assert make_pipeline(ThermometerEncoder(bits=7), LogisticRegression()).fit(x, y).score(x, y) > 0.9
    other = ThermometerEncoder(bits=4, encoder="gray").fit(x)
    assert other.get_feature_names_out()[0] == "x0, bit 0"
    for again in (pickle.loads(pickle.dumps(other)), copy.deepcopy(other)):  # after it has run
        np.testing.assert_array_equal(again.transform(x), other.transform(x))


@pytest.mark.parametrize(
    "x", [np.ones((90, 2)), np.full((90, 2), np.nan), pd.DataFrame({"a": ["x"] * 90, "b": [3] * 90})]
)
def test_of_rows_that_nothing_tells_apart_what_is_common_is_learned(x):
    y = np.arange(90) % 9 // 4  # 40, 40 and 10 of a class
    y[:10] = 1
    model = LUTClassifier(max_luts=100, random_state=0).fit(x, y)
    assert (model.predict(x) == 1).all()
    np.testing.assert_allclose(model.predict_proba(x)[0], np.bincount(y) / 90, atol=0.1)
    assert lutsmith.simplify(model.circuit_).circuit.depth == 0
    assert not model.feature_importances_.any()
    numbers = LUTRegressor(max_luts=100, random_state=0).fit(x, y + 100.0)
    np.testing.assert_allclose(numbers.predict(x), y.mean() + 100, atol=0.1)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")  # of a row without them
def test_one_row_is_explained_however_it_is_given(table, on_table):
    frame, _ = table
    first = frame.iloc[0]
    expected = str(on_table.explain(frame.iloc[:1]))
    for row in (first, dict(first), first.to_numpy(), first.tolist(), [dict(first)], pl.from_pandas(frame)[:1]):
        assert str(on_table.explain(row)) == expected
    x, y = moons(100)
    model = LUTClassifier(max_luts=10, random_state=0).fit(x, y)
    for row in (x[0], x[0].tolist(), pd.Series(x[0]), dict(enumerate(x[0]))):
        assert str(model.explain(row)) == str(model.explain(x[:1]))
    for wrong in (frame, frame.iloc[:0], [], "Bern", None):
        with pytest.raises(ValueError, match=r"expected one|2D array|features"):
            on_table.explain(wrong)
