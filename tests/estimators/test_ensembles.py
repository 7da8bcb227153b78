"""Estimators of several networks: one circuit, one limit, and figures of rows that none of them learned from."""

import pickle

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import lutsmith
from lutsmith.circuit.file import to_bytes
from lutsmith.sklearn import LUTClassifier, LUTRegressor
from tests.estimators.data import moons, people


def three(**more):
    return LUTClassifier(**{"n_estimators": 3, "max_luts": 90, "random_state": 0, **more})


@pytest.mark.parametrize(("number", "error"), [(0, ValueError), (-1, ValueError), (True, TypeError), (1.5, TypeError),
                                               ("3", TypeError), (None, TypeError)])  # fmt: skip
def test_a_number_that_is_none_is_told_when_fitting(number, error):
    for kind in (LUTClassifier, LUTRegressor):
        model = kind(n_estimators=number)
        with pytest.raises(error, match="n_estimators"):
            model.fit(*moons(60)) if kind is LUTClassifier else model.fit(moons(60)[0], np.arange(60.0))


def test_more_networks_than_luts_and_gradients_are_refused():
    with pytest.raises(ValueError, match="max_luts is 5 for 3 networks; expected"):
        three(max_luts=5).fit(*moons(60))
    with pytest.raises(ValueError, match="n_estimators is of method='additive'"):
        three(method="gradients").fit(*moons(60))


def test_limits_and_rounds_are_of_all_networks():
    x, y = moons(500)
    model = three(early_stopping=True).fit(x, y)
    assert model.circuit_.metadata.merged["circuits"] == 3
    assert model.n_luts_ <= 90
    assert model.n_iter_ == 45
    assert len(model.evals_result_) == 3
    assert model.best_iteration_ == sum(
        len(told["validation"]["loss"]) - int(np.argmin(told["validation"]["loss"][::-1]))
        for told in model.evals_result_
    )
    seen = []
    short = clone(model).set_params(callbacks=[seen.append, lambda growth: growth.luts >= 10]).fit(x, y)
    assert short.n_iter_ == 15 == len(seen)
    impatient = clone(model).set_params(n_iter_no_change=1).fit(x, y)
    assert impatient.n_iter_ - impatient.best_iteration_ <= 3


def test_rows_that_are_given_are_held_out_by_all_and_measured_together():
    x, y = moons(500)
    model = three().fit(x[:300], y[:300], eval_set=(x[300:], y[300:]))
    assert model.report_.rows == 200
    assert model.report_.score == pytest.approx(model.score(x[300:], y[300:]))
    ids = np.searchsorted(model.classes_, y[300:])
    scores = model.circuit_.decision_function(x[300:]).astype(float)
    losses = [-log_softmax(scores / (model.temperature_ * by), axis=1)[np.arange(200), ids].mean()
              for by in (0.9, 1.0, 1.1)]  # fmt: skip
    assert losses[1] < min(losses[0], losses[2])


def test_probabilities_are_of_the_sum_of_votes():
    x, y = moons(3000)
    one, many = (three(n_estimators=number, max_luts=100 * number).fit(x[:2500], y[:2500]) for number in (1, 4))
    losses = [-np.log(model.predict_proba(x[2500:])[np.arange(500), np.searchsorted(model.classes_, y[2500:])]).mean()
              for model in (one, many)]  # fmt: skip
    assert losses[1] < losses[0] + 0.02
    free = three(n_estimators=4, max_luts=400, early_stopping=False).fit(x[:2500], y[:2500])
    assert free.temperature_ == pytest.approx(
        4 * three(n_estimators=1, max_luts=100, early_stopping=False).fit(x[:2500], y[:2500]).temperature_
    )


def test_weights_are_copies_and_neither_threads_nor_order_tell():
    x, y = moons(150)
    weights = np.random.default_rng(1).integers(0, 7, 150)
    copies = np.random.default_rng(2).permutation(np.repeat(np.arange(150), weights))
    told = [to_bytes(three(n_jobs=jobs).fit(x, y, weights).circuit_) for jobs in (1, 2)]
    told.append(to_bytes(three().fit(x[copies], y[copies]).circuit_))
    assert len(set(told)) == 1
    numbers = LUTRegressor(n_estimators=3, max_luts=30, random_state=0)
    one = numbers.fit(x, x[:, 0], weights).predict(x)
    np.testing.assert_array_equal(one, numbers.fit(x[copies], x[copies, 0]).predict(x))


def test_numbers_are_the_mean_of_networks():
    x, _ = moons(800)
    y = x[:, 0] + np.sin(3 * x[:, 1])
    model = LUTRegressor(n_estimators=4, max_luts=400, random_state=0).fit(x[:600], y[:600])
    assert model.score(x[600:], y[600:]) > 0.8
    assert model.report_.score == pytest.approx(model.score(x[600:], y[600:]), abs=0.1)
    several = LUTRegressor(n_estimators=2, max_luts=100, random_state=0).fit(x, np.stack([y, -y], axis=1))
    assert several.predict(x).shape == (800, 2)


def test_several_labels_and_tables():
    frame, y = people(200)
    model = three().fit(frame, y)
    assert model.score(frame, y) > 0.9
    assert model.explain(frame[:1])
    assert three(max_luts=12).fit(frame, y).rules()
    x, _ = moons(200)
    assert three().fit(x, x[:, :2] > 0).score(x, x[:, :2] > 0) > 0.8


def test_a_warm_start_fits_all_networks_anew():
    x, y = moons(400)
    model = three(warm_start=True, early_stopping=True).fit(x, y)
    outputs = model.circuit_.netlist.outputs.size
    before = model.score(x, y)
    model.fit(x, y)
    assert model.circuit_.netlist.outputs.size == outputs
    assert model.score(x, y) >= before - 0.03
    assert isinstance(model.evals_result_, dict)


def test_monotone_features_stay_monotone():
    x, _ = moons(300)
    model = three(monotonic_cst=[1, 0, 0, -1]).fit(x, x[:, 0] - x[:, 3] > 0)
    assert lutsmith.check_monotone(model.circuit_, {0: 1, 3: -1}).ok


def test_files_and_searches():
    x, y = moons(120)
    model = pickle.loads(pickle.dumps(three().fit(x, y)))
    assert len(model.evals_result_) == 3
    np.testing.assert_array_equal(model.predict_proba(x), three().fit(x, y).predict_proba(x))
    assert model.verify(("blif", "c")).ok
    search = GridSearchCV(LUTClassifier(max_luts=20, random_state=0), {"n_estimators": [1, 2]}, cv=2).fit(x, y)
    assert search.best_params_["n_estimators"] in (1, 2)
