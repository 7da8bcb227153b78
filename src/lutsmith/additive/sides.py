"""On which side of the thresholds of its column a missing value is put: the side that says more about the target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.dataset import Dataset


@dataclass(frozen=True, eq=False)
class TargetValues:
    """What is learned of samples, as numbers.

    Attributes:
        values: float32 (N, K): of classes a 1 for each sample's own, of labels zeros and ones, of numbers themselves.
        weight: float64 (N,), what each sample counts.
    """

    values: NDArray[np.float32]
    weight: NDArray[np.float64]

    @classmethod
    def of_dataset(cls, dataset: Dataset) -> TargetValues:
        """Return the target of the training part of a data set."""
        y = dataset.y_train
        values = np.eye(dataset.num_classes, dtype=np.float32)[y] if dataset.objective == "classification" else y
        given = dataset.sample_weight
        weight = np.ones(len(y)) if given is None else np.asarray(given, np.float64)
        return cls(values.reshape(len(y), -1).astype(np.float32, copy=False), weight)

    def of(self, rows: NDArray[np.int64] | None) -> TargetValues:
        """Return the target of some samples, or of all."""
        return self if rows is None else TargetValues(self.values[rows], self.weight[rows])

    def sums(self, groups: NDArray[np.int64], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the sums of the values, float64 (count, K), and of the weights, (count,), of each group of samples.

        Args:
            groups: int64 (N,), the group of each sample, from 0 to `count` - 1.
            count: how many groups there are.
        """
        weighted = (np.bincount(groups, self.weight * column, count) for column in self.values.T)
        weights: NDArray[np.float64] = np.bincount(groups, self.weight, count).astype(np.float64)
        return np.stack([*weighted], axis=1), weights


def is_above(column: NDArray[np.float32], places: NDArray[np.float32], target: TargetValues) -> bool:
    """Return whether missing values say more about a target above all thresholds of their column than below them.

    Each side is judged by the one threshold that splits the samples best: by how much the squared error of the target's
    means falls, the gain of a regression tree with one split. So do boosted trees choose the way that missing values
    take (Chen and Guestrin, 2016, "sparsity-aware split finding"). Equal gains: below.

    Args:
        column: (N,) numbers, NaN where missing.
        places: float32 (L,), the thresholds, ascending.
        target: of these samples.
    """
    numbers = column.astype(np.float32)
    gone = np.isnan(numbers)
    places = places[np.isfinite(places)]
    if not places.size or gone.all():
        return False
    level = np.searchsorted(places, numbers)  # the thresholds below; of NaN all
    level[gone] = places.size + 1
    sums, weights = target.sums(level, places.size + 2)
    sums = sums - (weights / weights.sum())[:, None] * sums.sum(axis=0)  # of no mean: large numbers lose nothing
    right = np.cumsum(sums[-2::-1], axis=0)[:-1]  # of the numbers above each threshold, the last first
    counts = np.cumsum(weights[-2::-1])[:-1]

    def best(right: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
        left = weights.sum() - counts
        with np.errstate(divide="ignore", invalid="ignore"):
            gains = (right**2).sum(axis=1) * (1 / counts + 1 / left)  # the sums of both sides add up to 0
        return float(np.max(gains, where=(counts > 0) & (left > 0), initial=0.0))

    return best(right + sums[-1], counts + weights[-1]) > best(right, counts) * (1 + CLOSE)


CLOSE = 1e-9
"""By what share a gain has to be larger: sums in another order differ by less."""
