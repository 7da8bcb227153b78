"""Temperatures and probabilities."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from sklearn.metrics import brier_score_loss, log_loss

from lutsmith.data.calibration import calibration, fit_temperature
from lutsmith.sklearn import LUTClassifier
from tests.estimators.data import moons


@pytest.mark.slow
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


def test_the_report_says_how_good_probabilities_are(monkeypatch):
    x, y = moons(6000)
    model = LUTClassifier(max_luts=200, random_state=0).fit(x[:3000], y[:3000])
    report = model.report_
    told = model.predict_proba(x[3000:])
    truth = model.classes_.searchsorted(y[3000:])
    other = calibration(told, truth)
    assert report.brier == pytest.approx(other.brier, abs=0.05)
    assert report.brier == pytest.approx(2 * brier_score_loss(truth, told[:, 1]), abs=0.05)
    assert 0 <= report.calibration_error < 0.1
    assert pickle.loads(pickle.dumps(model)).report_ == report
    labels = LUTClassifier(max_luts=20, random_state=0).fit(x[:300], np.stack([x[:300, 0] > 0, x[:300, 1] > 0], axis=1))
    assert labels.report_.brier is None


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 5), st.integers(1, 9))
def test_weights_of_calibration_are_copies(seed, classes, rows):
    rng = np.random.default_rng(seed)
    told = softmax(rng.normal(size=(rows, classes)), axis=1)
    y, weights = rng.integers(0, classes, rows), rng.integers(1, 4, rows)
    copies = np.repeat(np.arange(rows), weights)
    one, other = calibration(told, y, weights.astype(float)), calibration(told[copies], y[copies])
    for name in ("error", "brier", "log_loss", "confidence", "right"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-12)
