"""Temperatures and probabilities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from sklearn.metrics import brier_score_loss, log_loss

from lutsmith.data.calibration import fit_temperature
from lutsmith.sklearn import LUTClassifier
from tests.estimators.data import moons


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 5), st.floats(0.5, 50))
def test_the_temperature_is_that_of_the_lowest_loss(seed, classes, true):
    rng = np.random.default_rng(seed)
    scores = rng.integers(-60, 60, (300, classes))
    y = np.array([rng.choice(classes, p=row) for row in softmax(scores / true, axis=1)])
    weights = rng.random(300)
    labels = np.arange(classes)

    def loss(temperature):
        return log_loss(y, softmax(scores / temperature, axis=1), sample_weight=weights, labels=labels)

    found = fit_temperature(scores, y, weights)
    assert loss(found) <= min(map(loss, np.geomspace(0.05, 3000, 200))) + 1e-9


def test_labels_have_one_temperature_too():
    rng = np.random.default_rng(0)
    scores = rng.integers(-40, 40, (4000, 3))
    y = rng.random((4000, 3)) < expit(scores / 7.0)
    assert fit_temperature(scores, y) == pytest.approx(7.0, rel=0.1)


@pytest.mark.parametrize("scores", [np.zeros((5, 2)), np.array([[9, 0], [0, 9]]), np.array([[0, 9], [9, 0]])])
def test_a_temperature_is_finite_whatever_the_rows_say(scores):
    found = fit_temperature(scores, np.arange(len(scores)) % 2)
    assert 0 < found < np.inf
    assert np.isfinite(softmax(scores / found, axis=1)).all()


def test_probabilities_add_up_and_agree_with_predictions():
    x, y = moons(3000)
    model = LUTClassifier(max_luts=200, random_state=0).fit(x[:2400], y[:2400])
    told = model.predict_proba(x[2400:])
    np.testing.assert_allclose(told.sum(axis=1), 1, atol=1e-12)
    assert (model.classes_[told.argmax(axis=1)] == model.predict(x[2400:])).all()
    truth = y[2400:] == "out"
    known = brier_score_loss(truth, told[:, 1])
    for other in (model.temperature_ / 3, model.temperature_ * 3):  # what a wrong temperature would cost
        model.temperature_, kept = other, model.temperature_
        assert brier_score_loss(truth, model.predict_proba(x[2400:])[:, 1]) > known
        model.temperature_ = kept
