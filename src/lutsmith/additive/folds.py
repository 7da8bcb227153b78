"""How many LUTs are best, measured by networks that are each grown without a part of the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.course import Course, Growth
from lutsmith.data import Dataset
from lutsmith.data.report import score


def parts_of(y: NDArray[Any], folds: int, seed: int) -> NDArray[np.int64]:
    """Return the part of each row, (N,), 0 to `folds` - 1: of each class as many rows in one part as in another, give
    or take one.

    Args:
        y: what is to be spread evenly, (N,) integers.
        folds: of parts.
        seed: of the choice.
    """
    rng = np.random.default_rng([seed, 0xF01D])
    order = rng.permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    found = np.empty(len(y), np.int64)
    found[order] = np.arange(len(y)) % folds
    return found


@dataclass(frozen=True, eq=False)
class Unseen:
    """The answers of networks for rows that they were not trained on.

    Attributes:
        rows: int64 (n,), which rows.
        scores: int32 (n, K), as `Circuit.decision_function` gives them.
        predicted: (n,) or (n, K), as `Circuit.predict` does.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.int32]
    predicted: NDArray[Any]

    def score(self, dataset: Dataset) -> float:
        """Return how good the answers are, as `data.report.score` has it; the rows are those of the training part."""
        return score(dataset.objective, self.predicted, dataset.y_train[self.rows])


def best_steps(
    folds: int,
    parts: NDArray[np.int64],
    course_of: Callable[[NDArray[np.int64], NDArray[np.int64], int], Course],
    by_score: bool = False,
) -> tuple[int, Unseen]:
    """Return after how many steps of growing the left-out rows are predicted best, over all folds, the last of equals;
    and the answers for them at that step.

    Args:
        folds: of parts.
        parts: int64 (N,), the part of each row.
        course_of: the rows to learn from and those to check on, places in `parts`, and the fold, to a course.
        by_score: what is best: the highest score, or the lowest loss.
    """
    lost: list[NDArray[np.float64]] = []
    grown = []
    for fold in range(folds):
        held_out = np.flatnonzero(parts == fold)
        course = course_of(np.flatnonzero(parts != fold), held_out, fold)
        course.run()
        grown.append((held_out, course))
        growing: list[Growth] = [step for step in course.state.steps if step.stage == "growing"]
        weight = course.check.weight if course.check is not None else 0.0
        told = [(-1, step.validation) if by_score else (1, step.validation_loss) for step in growing]
        lost.append(np.array([sign * (value or 0.0) for sign, value in told]) * weight)
    steps = min(map(len, lost))  # a limit of time may have cut some short
    total = np.sum([losses[:steps] for losses in lost], axis=0)
    best = steps - int(np.argmin(total[::-1]))
    said = []
    for held_out, course in grown:
        assert course.check is not None
        course.check.replay(course.grown[: best * course.at_once], 1.0)
        goal = course.source.goal
        said.append((held_out, goal.scores(course.check.votes), goal.predicted(course.check.votes)))
    return best, Unseen(*map(np.concatenate, zip(*said, strict=True)))
