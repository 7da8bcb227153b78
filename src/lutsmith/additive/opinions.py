"""What a teacher says of the rows that a network learns from, learned beside their targets (distillation)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Teacher = Callable[[NDArray[np.int64]], Any]
"""Rows of the training part that are learned from, int64 (n,), to what a teacher says of them that has not learned from
any others: (n, K) probabilities of classes or labels, or (n,) or (n, K) numbers."""


class Opinions(NamedTuple):
    """What a teacher says of rows, and how much of the loss is told by that: the rest by the targets.

    Hinton et al., "Distilling the Knowledge in a Neural Network" (arXiv:1503.02531), at temperature 1.

    Attributes:
        said: float64 (N, K), probabilities of classes, whose rows add up to 1, or of labels; of numbers the numbers.
        weight: the share of the loss, 0 to 1.
    """

    said: NDArray[np.float64]
    weight: float

    @classmethod
    def asked(cls, teacher: Teacher, rows: NDArray[np.int64], objective: str, scores: int, weight: float) -> Opinions:
        """Ask a teacher about rows.

        Raises:
            ValueError: answers of another shape, that are not finite, or no probabilities.
        """
        said = np.asarray(teacher(rows), np.float64)
        said = said[:, None] if said.ndim == 1 else said
        right = said.shape == (len(rows), scores) and bool(np.isfinite(said).all())
        if right and objective != "regression":
            right = bool((said >= 0).all() and (said <= 1 + 1e-6).all())
        if right and objective == "classification":
            right = bool(np.allclose(said.sum(axis=1), 1, atol=1e-3))
        if not right:
            what = "finite numbers" if objective == "regression" else "probabilities"
            raise ValueError(
                f"the teacher's answers have shape {said.shape}, or are none; expected {what}, {(len(rows), scores)}"
            )
        return cls(said, weight)
