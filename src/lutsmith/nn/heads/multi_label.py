"""MultiLabel: labels that are set or not, each by its own count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.ground.arguments import number
from lutsmith.nn.heads.base import ScoredHead, Tau

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


class MultiLabel(ScoredHead):
    """Labels that are set where the count s of their group exceeds a threshold t.

    In eval mode the scores are the integers `s - t`, exactly the circuit's, and a label is set where its score is above
    0. While training they are the logits `(s - t - 1/2) / tau`, for `binary_cross_entropy_with_logits`; on bits both
    have the same sign.

    Args:
        k: labels.
        tau: see `GroupSum`.
        threshold: one number or k of them, rounded down to integers, from 0 to below g inputs per label; default half
            of g.
        **groups: `permute`, `in_dim`, `generator`, as for `GroupSum`.

    Buffers: `threshold`, int64 `(k,)`, unless it is the default.

    Shapes: `(..., k * g)` to `(..., k)`, float32.

    Raises:
        ValueError: impossible sizes or settings; later, a threshold that no count can exceed.
    """

    objective: ClassVar[str] = "multilabel"
    threshold: Tensor | None
    _highest: int = -1  # threshold

    def __init__(
        self, k: int, tau: Tau = "auto", threshold: float | Sequence[float] | None = None, **groups: Any
    ) -> None:
        super().__init__(k, tau, **groups)
        values = None if threshold is None else _integers(threshold, self.k)
        self._highest = -1 if values is None else max(values)
        self.register_buffer("threshold", None if values is None else torch.tensor(values))
        if self.in_dim is not None:
            self.group_size(self.in_dim)

    def group_size(self, width: int) -> int:
        size = super().group_size(width)
        if self._highest >= size:
            raise ValueError(f"threshold is {self._highest}, and no count of {size} inputs a label exceeds it")
        return size

    def thresholds(self, size: int) -> Tensor:
        """t, int64 `(k,)` or a scalar, for groups of `size` inputs."""
        return torch.tensor(size // 2) if self.threshold is None else self.threshold

    def forward(self, x: Tensor) -> Tensor:
        counts = self.counts(x)
        size = self.group_size(x.shape[-1])
        scores = counts - (size // 2 if self.threshold is None else self.threshold)
        return self.divided(scores - 0.5, size) if self.training else scores

    def lower_head(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> None:
        """Make the groups of `signals`, less the thresholds, the circuit's scores."""
        threshold = self.thresholds(max(1, signals.shape[-1] // self.k))
        self.lower_groups(builder, signals, bias=-threshold.expand(self.k))


def _integers(threshold: float | Sequence[float], k: int) -> list[int]:
    given = list(threshold) if isinstance(threshold, Sequence) else [threshold] * k
    expected = f"a number of at least 0, or one for each of {k} labels"
    if len(given) != k:
        raise ValueError(f"threshold is {threshold!r}; expected {expected}")
    return [math.floor(number("threshold", t, lambda value: 0 <= value < math.inf, expected)) for t in given]
