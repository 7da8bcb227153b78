"""The heads of a circuit: from output bits to scores and labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Popcount:
    """Class c scores the number of ones in the c-th of `num_classes` equal, contiguous groups of the outputs.

    Raises:
        TypeError, ValueError: num_classes is not a positive int.
    """

    num_classes: int

    def __post_init__(self) -> None:
        if isinstance(self.num_classes, bool) or not isinstance(self.num_classes, (int, np.integer)):
            raise TypeError(f"num_classes must be an int, not {type(self.num_classes).__name__}")
        if self.num_classes < 1:
            raise ValueError(f"num_classes is {self.num_classes}, expected at least 1")
        object.__setattr__(self, "num_classes", int(self.num_classes))

    def check(self, num_outputs: int) -> None:
        """Raise ValueError where `num_outputs` bits do not fall into equal groups of at least one bit."""
        if num_outputs == 0 or num_outputs % self.num_classes:
            raise ValueError(
                f"{num_outputs} outputs do not fall into {self.num_classes} equal groups: "
                f"make their number a positive multiple of {self.num_classes}"
            )

    def scores(self, outputs: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Return int32 (N, num_classes) popcounts of the output bits (N, O)."""
        self.check(outputs.shape[1])
        groups = outputs.reshape(len(outputs), self.num_classes, outputs.shape[1] // self.num_classes)
        scores: NDArray[np.int32] = groups.sum(axis=2, dtype=np.int32)
        return scores

    def labels(self, scores: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return int64 (N,), the class of the highest score in each row; the lowest class wins a tie."""
        labels: NDArray[np.int64] = scores.argmax(axis=1).astype(np.int64, copy=False)
        return labels
