"""Which signals the LUTs of a layer read, where that is a pattern: windows over a box, and permutations cut into rows.

Wirings of networks that learn by gradients (`nn.connections`) and of those that are searched (`search.networks`) are
made of these.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
"""(LUTs, rank), what each LUT reads, input 0 first."""


class Span(NamedTuple):
    """Windows that slide over a box of inputs (lutnets' SpanGenerator). Axes are (x, y, z), x the fastest."""

    offset: int  # the input where the box begins
    dims: tuple[int, int, int]  # of the box
    lens: tuple[int, int, int]  # of a window: one LUT each, so their product is the rank
    hops: tuple[int, int, int]  # between windows; the last one of an axis ends at the border

    @property
    def counts(self) -> tuple[int, int, int]:
        """Windows along each axis: the box that the LUTs make."""
        x, y, z = (-(-(dim - len_) // hop) + 1 for dim, len_, hop in zip(self.dims, self.lens, self.hops, strict=True))
        return x, y, z

    @property
    def rank(self) -> int:
        """Cells of a window: inputs of a LUT."""
        return math.prod(self.lens)

    def rows(self) -> Rows:
        """The inputs of each window, `(LUTs, rank)`: windows and the cells within them x first, then y, then z."""
        strides = (1, self.dims[0], self.dims[0] * self.dims[1])
        starts, cells = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
        axes = zip(self.dims, self.lens, self.hops, self.counts, strides, strict=True)
        for dim, len_, hop, count, stride in axes:
            at = np.minimum(np.arange(count) * hop, dim - len_) * stride
            starts = (at[:, None] + starts).reshape(-1)
            cells = ((np.arange(len_) * stride)[:, None] + cells).reshape(-1)
        return self.offset + starts[:, None] + cells


def checked_span(group: Any, num_inputs: int, rank: int | None = None) -> Span:
    """Return `(offset, dims, lens, hops)` as a `Span` that lies in the inputs, before anything of its size is made.

    Args:
        group: a `Span`, or a sequence of the four.
        num_inputs: of the layer.
        rank: of its LUTs; None: any.

    Raises:
        ValueError: it is not a span, its windows are larger than its box or have another number of cells, or the box
            lies outside of the inputs.
    """
    try:
        offset, *boxes = group
        dims, lens, hops = (tuple(map(_whole, box)) for box in boxes)
        span = Span(_whole(offset), dims, lens, hops)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{group!r} is not a span; expected (offset, dims, lens, hops), the last three of 3 numbers"
        ) from error
    if any(len(box) != 3 for box in (dims, lens, hops)) or min(*dims, *lens, *hops) < 1 or span.offset < 0:
        raise ValueError(f"{span} has a size below 1 or a box that is not of 3 numbers")
    if rank is not None and span.rank != rank:
        raise ValueError(f"{span} has windows of {span.rank} inputs; the LUTs are of rank {rank}")
    if any(len_ > dim for dim, len_ in zip(dims, lens, strict=True)):
        raise ValueError(f"{span} has windows larger than its box")
    if span.offset + math.prod(dims) > num_inputs:
        raise ValueError(f"{span} ends at input {span.offset + math.prod(dims)}; there are {num_inputs}")
    return span


def _whole(size: Any) -> int:
    if int(size) != size:
        raise ValueError(f"{size!r} is not whole")
    return int(size)


def cut_rows(num_inputs: int, num_rows: int, width: int, orders: Iterable[Rows]) -> Rows:
    """Cut permutations of the inputs, as many as are needed, into `(num_rows, width)`, so that no row has an input
    twice.

    Where a row ends in another permutation than it began in, the first inputs of the new permutation that the row does
    not have yet fill it up.

    Raises:
        ValueError: `width > num_inputs`.
    """
    if width > num_inputs:
        raise ValueError(f"{width} distinct inputs were asked of {num_inputs}")
    total = num_rows * width
    stream = np.empty(total + num_inputs, dtype=np.int64)
    for start, permutation in zip(range(0, total, num_inputs), orders, strict=True):
        order = permutation
        begun = start % width
        if begun:
            is_new = ~np.isin(order, stream[start - begun : start])
            completes = is_new & (np.cumsum(is_new) <= width - begun)
            order = np.concatenate([order[completes], order[~completes]])
        stream[start : start + num_inputs] = order
    return stream[:total].reshape(num_rows, width)
