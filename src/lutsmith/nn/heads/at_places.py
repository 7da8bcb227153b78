"""GroupSum at places: a decision for each pixel of an image, of groups of its channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.nn.heads.group_sum import GroupSum

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


class GroupSumAtPlaces(GroupSum):
    """Class scores at each place, as sums over k contiguous groups of the channels: the base of `GroupSum2d` and
    others.

    It stands behind a kernel layer, without `nn.Flatten`. Torch's cross entropy takes its scores with class ids (N,
    *places); in eval mode they are the hardware's popcounts, and `scores.argmax(1)` is what the circuit predicts, int64
    (N, *places).

    Args:
        k: classes.
        tau: as for `GroupSum`; `"auto"` takes g as the channels of a class.
        beta: as for `GroupSum`.
        **groups: as for `GroupSum`; `in_dim` are channels.

    Shapes: `(..., k * g, *places)` to `(..., k, *places)`.

    Raises:
        ValueError: as for `GroupSum`; an input of fewer axes.
    """

    axes: ClassVar[int]

    def forward(self, x: Tensor) -> Tensor:
        self._check(tuple(x.shape))
        return super().forward(x.movedim(-1 - self.axes, -1)).movedim(-1, -1 - self.axes)

    def lower_head(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> None:
        """Make the groups of `signals` `(k * g, *places)` at each place the circuit's popcounts."""
        self._check(signals.shape)
        if signals.ndim != 1 + self.axes:
            raise ValueError(f"{type(self).__name__} lowers channels of one image, not shape {signals.shape}")
        order = self.signals(np.arange(len(signals), dtype=np.int32))
        at_places = np.moveaxis(signals[order], 0, -1)
        builder.popcount(at_places.reshape(-1), self.num_groups, shape=signals.shape[1:])

    def _check(self, shape: tuple[int, ...]) -> None:
        if len(shape) <= self.axes:
            raise ValueError(
                f"{type(self).__name__} got an input of shape {shape}; expected (..., channels, "
                f"{', '.join(['size'] * self.axes)})"
            )


class GroupSum1d(GroupSumAtPlaces):
    """A decision for each step of a sequence: see `GroupSumAtPlaces`."""

    axes = 1


class GroupSum2d(GroupSumAtPlaces):
    """A decision for each pixel of an image: see `GroupSumAtPlaces`."""

    axes = 2


class GroupSum3d(GroupSumAtPlaces):
    """A decision for each voxel of a volume: see `GroupSumAtPlaces`."""

    axes = 3
