"""Wirings by place: windows over images and sequences, and lutnets' windows over boxes of bits."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from lutsmith.circuit.wiring import Rows, checked_span
from lutsmith.nn.connections.balanced import balanced_rows


class Windows(NamedTuple):
    """The usable inputs of each window, ascending, and the window of each LUT."""

    members: list[Rows]
    owners: Rows


def local(
    num_inputs: int,
    num_luts: int,
    rank: int,
    generator: torch.Generator | None,
    *,
    shape: Sequence[int],
    usable: NDArray[np.bool_],
    window: int | Sequence[int] = 3,
    image: bool = True,
) -> Rows:
    """Each LUT reads `rank` distinct inputs of a window, drawn from all its channels; windows are spread evenly.

    The inputs are an image `(C, H, W)`, a sequence `(C, L)` or `(L,)`. There is a window around every place, moved
    inside at the border; those with fewer usable inputs than `rank` are left out. LUT j has place j modulo the number
    of places that are left. If all are left, `num_luts = c H W` LUTs therefore form an image `(c, H, W)` again. Where
    `num_luts` is not a multiple of the number of places, or without `image`, every run of LUTs is spread over all
    places. Within a window the LUTs share the inputs evenly.

    Args:
        num_inputs: the product of `shape`.
        num_luts: LUTs.
        rank: inputs of a LUT.
        generator: draws the inputs in the windows.
        shape: as above.
        usable: bool `(num_inputs,)`.
        window: its size along each axis of places, one number for all of them or one for each; cut to the shape.
        image: whether the LUTs are in the order of an image where they can be.

    Raises:
        ValueError: a shape that does not fit, or no window with enough usable inputs.
    """
    windows, owners = local_windows(num_inputs, num_luts, rank, shape=shape, usable=usable, window=window, image=image)
    order = np.argsort(owners, kind="stable")
    rows = np.empty((num_luts, rank), dtype=np.int64)
    ends = np.searchsorted(owners[order], np.arange(1, len(windows)))
    for members, mine in zip(windows, np.split(order, ends), strict=True):
        rows[mine] = members[balanced_rows(len(members), len(mine), rank, generator)]
    return rows


def local_windows(
    num_inputs: int,
    num_luts: int,
    rank: int,
    *,
    shape: Sequence[int],
    usable: NDArray[np.bool_],
    window: int | Sequence[int] = 3,
    image: bool = True,
) -> Windows:
    """The windows that `local` draws from, by its arguments; it raises the same errors."""
    if not _are_sizes(shape) or len(shape) > 3 or math.prod(shape) != num_inputs:
        raise ValueError(
            f"shape is {shape!r}; expected (C, H, W), (C, L) or (L,) with {num_inputs} elements: the layer's inputs"
        )
    channels = shape[0] if len(shape) > 1 else 1
    places = tuple(shape[1:]) if len(shape) > 1 else tuple(shape)
    sizes = (window,) * len(places) if isinstance(window, int) else window
    if not _are_sizes(sizes) or len(sizes) != len(places):
        raise ValueError(f"window is {window!r}; expected a positive number, or {len(places)} of them")
    axes = [_window_indices(length, min(size, length)) for length, size in zip(places, sizes, strict=True)]
    numbers = np.arange(num_inputs).reshape(channels, *places)
    windows: list[Rows] = []
    for axis_indices in itertools.product(*axes):
        members = numbers[np.ix_(np.arange(channels), *axis_indices)].reshape(-1)
        members = members[usable[members]]
        if len(members) >= rank:
            windows.append(members)
    if not windows:
        raise ValueError(
            f"no window of {' x '.join(map(str, sizes))} over {tuple(shape)} has {rank} usable inputs; take a larger "
            "window or a smaller rank"
        )
    count = len(windows)
    if image and num_luts % count == 0:
        return Windows(windows, np.arange(num_luts) % count)
    return Windows(windows, (2 * interleaved(num_luts) + 1) * count // (2 * num_luts))


def interleaved(count: int) -> Rows:
    """The numbers below `count` in an order that spreads every run of them over the whole range: steps of the golden
    ratio.

    Heads give each class a run of LUTs. Where LUT j has place j, a class would see a part of the image.
    """
    step = max(1, round(count * (math.sqrt(5) - 1) / 2))
    while math.gcd(step, count) != 1:
        step += 1
    order: Rows = np.arange(count, dtype=np.int64) * step % count
    return order


def _are_sizes(values: object) -> bool:
    """Whether they are one or more positive integers."""
    return isinstance(values, Sequence) and len(values) > 0 and all(isinstance(n, int) and n > 0 for n in values)


def _window_indices(length: int, size: int) -> Rows:
    """The places `(length, size)` in the window around each place of an axis, moved inside at the ends."""
    first = np.clip(np.arange(length) - size // 2, 0, length - size)
    indices: Rows = first[:, None] + np.arange(size)
    return indices


def spans(
    num_inputs: int,
    num_luts: int,
    rank: int,
    _: torch.Generator | None,
    *,
    spans: Sequence[Any],
    usable: NDArray[np.bool_],
) -> Rows:
    """The windows of one or more `Span`, one LUT each, one group of LUTs after the other.

    Args:
        num_inputs: inputs, which every box must lie in.
        num_luts: the number of all windows.
        rank: cells of a window.
        spans: `Span` values, or tuples `(offset, dims, lens, hops)`; a box may see the inputs of
            another in a new shape.
        usable: bool `(num_inputs,)`; all inputs that are read have to be usable.

    Raises:
        ValueError: sizes that do not match, or boxes outside of the inputs.
    """
    groups = [checked_span(group, num_inputs, rank) for group in spans]
    rows = np.concatenate([group.rows() for group in groups]) if groups else np.empty((0, rank), dtype=np.int64)
    if len(rows) != num_luts:
        windows = " + ".join(str(math.prod(group.counts)) for group in groups) or "no"
        raise ValueError(f"spans have {windows} windows, one a LUT; the layer has {num_luts} LUTs")
    if not usable[rows].all():
        wasted = int(rows[~usable[rows]][0])
        raise ValueError(f"spans read input {wasted}, which is not usable; spans read all inputs: give no usable mask")
    return rows
