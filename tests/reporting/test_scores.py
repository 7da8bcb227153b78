"""Scores by class and calibration are what others compute, and what their definitions say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from lutsmith.data.calibration import BINS, calibration, cross_fitted
from lutsmith.reporting.scores import class_scores, confused_pairs, confusion, label_scores

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(2, 6), st.integers(1, 50))
@settings(max_examples=40, deadline=None)
def test_confusion_and_scores_of_classes_are_those_of_scikit_learn(seed: int, classes: int, rows: int) -> None:
    truth, said = np.random.default_rng(seed).integers(0, classes, (2, rows))
    truth[:1], said[:1] = 0, 1  # scikit-learn warns of one class
    counts = confusion(truth, said, classes)
    labels = np.arange(classes)
    assert counts.tolist() == metrics.confusion_matrix(truth, said, labels=labels).tolist()
    pairs = confused_pairs(truth, said, classes)
    assert {(i, j): n for i, j, n in pairs.tolist()} == {
        (i, j): int(counts[i, j]) for i in labels.tolist() for j in labels.tolist() if i != j and counts[i, j]
    }
    assert (np.diff(pairs[:, 2]) <= 0).all()
    found = class_scores(truth, said, classes)
    wanted = metrics.precision_recall_fscore_support(truth, said, labels=labels, zero_division=np.nan)
    for own, theirs in zip((found.precision, found.recall), wanted[:2], strict=True):
        np.testing.assert_allclose(own, theirs)
    for own, theirs, there in zip(found.f1, wanted[2], counts.sum(axis=0) + counts.sum(axis=1), strict=True):
        assert own == pytest.approx(theirs, nan_ok=True) if there else np.isnan(own)
    assert found.rows.tolist() == wanted[3].tolist()


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_scores_of_labels_are_those_of_scikit_learn(seed: int) -> None:
    truth, said = np.random.default_rng(seed).random((2, 30, 3)) < 0.4
    found = label_scores(truth, said)
    wanted = metrics.precision_recall_fscore_support(truth, said, zero_division=np.nan)
    np.testing.assert_allclose(found.recall, wanted[1])
    assert found.rows.tolist() == truth.sum(axis=0).tolist()


def slow_error(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """The expected calibration error by its definition, row by row."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for row, true in zip(probabilities, truth, strict=True):
        said = int(row.argmax())
        place = min(int(row[said] * BINS), BINS - 1)
        bins.setdefault(place, []).append((row[said], said == true))
    apart = [abs(sum(right for _, right in each) - sum(sure for sure, _ in each)) for each in bins.values()]
    return sum(apart) / len(truth)


@given(SEEDS, st.integers(2, 5), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_calibration_is_what_its_definitions_say(seed: int, classes: int, rows: int) -> None:
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(classes, 0.5), rows)
    truth = random.integers(0, classes, rows)
    found = calibration(probabilities, truth)
    assert found.error == pytest.approx(slow_error(probabilities, truth))
    squares = [
        sum((p - (place == true)) ** 2 for place, p in enumerate(row))
        for row, true in zip(probabilities, truth, strict=True)
    ]
    assert found.brier == pytest.approx(np.mean(squares))
    assert found.count.sum() == rows
    known = found.count > 0
    assert np.isnan(found.right[~known]).all()
    assert found.right[known] @ found.count[known] == pytest.approx((probabilities.argmax(axis=1) == truth).sum())


def test_probabilities_of_a_row_do_not_depend_on_what_is_true_of_it() -> None:
    random = np.random.default_rng(0)
    scores = random.integers(0, 30, (40, 3)).astype(np.int32)
    truth = random.integers(0, 3, 40)
    before = cross_fitted(scores, truth)
    np.testing.assert_allclose(before.sum(axis=1), 1)
    assert (before.argmax(axis=1) == scores.argmax(axis=1)).mean() > 0.9  # ties apart
    for row in range(5):
        other = truth.copy()
        other[row] = (other[row] + 1) % 3
        np.testing.assert_array_equal(cross_fitted(scores, other)[row], before[row])


def test_overconfident_scores_are_calibrated() -> None:
    random = np.random.default_rng(1)
    truth = random.integers(0, 2, 4000)
    sure = random.random(4000) < 0.8
    scores = np.zeros((4000, 2), np.int32)
    scores[np.arange(4000), np.where(sure, truth, 1 - truth)] = 50
    right = np.eye(2)[scores.argmax(axis=1)]
    assert calibration(right, truth).error == pytest.approx(0.2, abs=0.03)
    assert calibration(cross_fitted(scores, truth), truth).error < 0.04


def test_one_row_has_no_two_halves() -> None:
    with pytest.raises(ValueError, match="1 row; a temperature needs two halves"):
        cross_fitted(np.zeros((1, 2), np.int32), np.zeros(1, np.int64))
