"""A convolutional layer and a pool in one pass: values that the pool does not choose are never in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.ground.arguments import instance_of
from lutsmith.kernels.training.fold_pooled.operator import MODES
from lutsmith.nn.connections.at_places import places_of
from lutsmith.nn.convolution import LogicConv
from lutsmith.nn.lowering import lower_bits
from lutsmith.nn.pooling import Pool

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


class PooledConv(nn.Module):
    """`nn.Sequential(conv, pool)`, the same numbers, in less time and memory.

    In training only the pooled values are kept, each with a byte that says which place of its window it came from. In
    the backward pass the gradient of a sample goes to one place of a window, so that only one LUT or tree is
    differentiated, not all of the window.

    This holds if the pool is an OR or an AND, the tables are folded as they are (`raw`, `light` and others whose
    sigmoid sits on the entries of the table), and the output's LUTs have fixed connections (or frozen ones, or a tree
    above). Otherwise one module runs after the other.

    Args:
        conv: a `LogicConv1d`, `LogicConv2d` or `LogicConv3d`, or a transposed one.
        pool: a pool of as many axes.

    Raises:
        TypeError: other modules.
        ValueError: a pool of another number of axes.
    """

    def __init__(self, conv: LogicConv, pool: Pool) -> None:
        super().__init__()
        instance_of("conv", conv, LogicConv)
        instance_of("pool", pool, Pool)
        if conv.axes != pool.axes:
            raise ValueError(f"{type(conv).__name__} has {conv.axes} axes and {type(pool).__name__} {pool.axes}")
        self.conv = conv
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        if not (self.conv.training and self.conv.folds and self.pool.mode in MODES):
            pooled: Tensor = self.pool(self.conv(x))
            return pooled
        channels, *image = self.conv.out_shape(x.shape[-self.conv.axes :])
        windows = places_of(self.pool.sliding, tuple(image), x.device)
        rows = self.conv.rows(x, windows, self.pool.mode)
        return self.conv.shaped(rows, x.shape, (channels, *self.pool.out_shape(image)))

    def lower(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> NDArray[np.int32]:
        """Emit the LUTs of both reading `signals` `(..., channels, *image)`; return the pooled ones."""
        return lower_bits(self.pool, builder, lower_bits(self.conv, builder, signals, "conv"), "pool")
