"""What kernels at places, pools and containers state: LUTs one by one, from the geometry and the module's own tables.

Nothing here is shared with the code that lowers them: a window is laid over the image pixel by pixel. Majorities of
many pixels are an exception: their LUTs are the ones that lowering uses, and are proved to be majorities.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.sliding import Sliding
from lutsmith.logic.linear import placed
from lutsmith.logic.majority import Majority
from lutsmith.nn.containers import LogicResidual, Parallel, Residual, axis_of_sample
from lutsmith.nn.convolution import (
    LogicConv,
    LogicConv1d,
    LogicConv2d,
    LogicConv3d,
    LogicConvTranspose1d,
    LogicConvTranspose2d,
    LogicConvTranspose3d,
)
from lutsmith.nn.dense import LogicDense
from lutsmith.nn.heads import GroupSum1d, GroupSum2d, GroupSum3d, GroupSumAtPlaces
from lutsmith.nn.pooled_convolution import PooledConv
from lutsmith.nn.pooling import (
    AndPool1d,
    AndPool2d,
    AndPool3d,
    MajorityPool1d,
    MajorityPool2d,
    MajorityPool3d,
    OrPool1d,
    OrPool2d,
    OrPool3d,
    Pool,
)
from lutsmith.nn.read_back.statements import Branches, LutGroups, Luts, Scores, states
from lutsmith.nn.recurrent import LogicRecurrent

Shape = tuple[int, ...]


def taps_at(sliding: Sliding, image: Shape) -> tuple[Shape, NDArray[np.int64], NDArray[np.bool_]]:
    """The places of windows over an image, the pixel nearest to each tap `(taps, places)`, and whether it is inside."""
    axes = zip(image, sliding.padding, sliding.span, sliding.stride, sliding.output_padding, strict=True)
    if sliding.transposed:
        places = tuple((size - 1) * stride + span - 2 * around + more for size, around, span, stride, more in axes)
    else:
        places = tuple((size + 2 * around - span) // stride + 1 for size, around, span, stride, _ in axes)
    if any(count < 1 for count in places):
        raise ValueError(f"an image of shape {image} is smaller than the window")
    corner = np.stack(np.unravel_index(np.arange(math.prod(places)), places), axis=1)
    offsets = np.array(list(itertools.product(*map(range, sliding.window)))) * sliding.dilation
    last = np.array(image) - 1
    if sliding.transposed:
        steps = corner + sliding.padding - offsets[:, None]
        pixels, inside = steps // sliding.stride, (steps % sliding.stride == 0)
    else:
        pixels = corner * sliding.stride - sliding.padding + offsets[:, None]
        inside = np.ones(pixels.shape, np.bool_)
    within: NDArray[np.bool_] = np.logical_and.reduce(inside & (pixels >= 0) & (pixels <= last), axis=2)
    nearest = np.ravel_multi_index(tuple(np.moveaxis(np.clip(pixels, 0, last), 2, 0)), image)
    return places, nearest.astype(np.int64), within


@states(LogicConv1d, LogicConv2d, LogicConv3d, LogicConvTranspose1d, LogicConvTranspose2d, LogicConvTranspose3d)
def _conv(layer: LogicConv, shape: Shape) -> LutGroups:
    image, channels = shape[-layer.axes :], layer.channels
    if len(shape) != layer.axes + 1 or shape[0] != channels:
        raise ValueError(f"it reads {channels} channels of images, and there are bits of shape {shape}")
    sliding = layer.sliding
    places, nearest, inside = taps_at(sliding, image)
    plane, count = math.prod(image), math.prod(places)
    size = channels * plane
    around = {"zeros": size, "ones": size + 1}.get(sliding.padding_mode)  # behind all bits: the constants 0 and 1
    read = layer.connections.inputs().cpu().numpy().astype(np.int64)
    channel, tap = read // sliding.taps, read % sliding.taps
    bits = channel[:, :, None] * plane + nearest[tap]  # (LUTs, slots, places)
    if around is not None:
        bits = np.where(inside[tap], bits, around)
    tables = layer.hard_tables().cpu().numpy().astype(np.bool_)
    steps, rank, first, width, begin = [], layer.lut_rank, 0, len(read), size + 2
    outputs: NDArray[Any] = bits
    for level in range(layer.tree_depth):
        if level:
            width //= rank
            bits = outputs.reshape(width, rank, count)
        own = tables[first : first + width]
        inputs = bits.transpose(0, 2, 1).reshape(-1, rank)
        steps.append(Luts(begin, inputs, own, table_of=np.repeat(np.arange(width), count)))
        outputs = begin + np.arange(width * count).reshape(width, count)
        begin, first = begin + width * count, first + width
    if first != len(tables):
        raise ValueError(f"it has {len(tables)} tables, and its trees {first}")
    return LutGroups(tuple(steps), outputs.reshape(layer.num_kernels, *places))


@states(OrPool1d, OrPool2d, OrPool3d, AndPool1d, AndPool2d, AndPool3d, MajorityPool1d, MajorityPool2d, MajorityPool3d)
def _pool(pool: Pool, shape: Shape) -> LutGroups:
    image = shape[-pool.axes :]
    places, nearest, inside = taps_at(pool.sliding, image)
    planes = math.prod(shape) // math.prod(image)
    windows = [
        plane * math.prod(image) + nearest[inside[:, place], place]
        for plane in range(planes)
        for place in range(math.prod(places))
    ]
    steps: list[Luts] = []
    begin = math.prod(shape) + 2
    counted = sorted({len(window) for window in windows if len(window) > 6}) if pool.mode == "majority" else []
    for width in counted:
        majority = Majority(width)
        majority.check()
        chosen = [number for number, window in enumerate(windows) if len(window) == width]
        reads = np.stack([windows[number] for number in chosen])
        for netlist in (majority.counter, majority.comparator):
            reads, begin = _stand(netlist, reads, begin, steps)
        for number, signal in zip(chosen, reads, strict=True):
            windows[number] = signal
    while any(len(window) > 1 for window in windows):
        by_width: dict[int, list[tuple[int, int, NDArray[np.int64]]]] = defaultdict(list)
        following: list[list[int]] = []
        for number, window in enumerate(windows):
            chunks = [window[k : k + 6] for k in range(0, len(window), 6)]
            following.append([-1] * len(chunks))
            for place, chunk in enumerate(chunks):
                if len(chunk) == 1:
                    following[number][place] = int(chunk[0])
                else:
                    by_width[len(chunk)].append((number, place, chunk))
        for width, group in sorted(by_width.items()):
            ones = np.array([bin(address).count("1") for address in range(1 << width)])
            least = {"or": 1, "and": width, "majority": width // 2 + 1}[pool.mode]
            inputs = np.stack([chunk for _, _, chunk in group])
            steps.append(Luts(begin, inputs, (ones >= least)[None], table_of=np.zeros(len(group), np.int64)))
            for signal, (number, place, _) in enumerate(group, begin):
                following[number][place] = signal
            begin += len(group)
        windows = [np.array(window) for window in following]
    sizes = " and ".join(map(str, counted))
    note = f"counts of {sizes} pixels are their sums, by substitution, and compared with half for every count"
    outputs = np.array([window[0] for window in windows]).reshape(*shape[: -pool.axes], *places)
    return LutGroups(tuple(steps), outputs, note if counted else "")


def _stand(netlist: Netlist, reads: NDArray[np.int64], begin: int, steps: list[Luts]) -> tuple[NDArray[np.int64], int]:
    """State a netlist's LUTs in several places, `reads` (places, inputs) being what its inputs are: append them to the
    steps, whose next signal is `begin`; return the signals of its outputs (places, outputs), and the next one.
    """

    def make(fanin: NDArray[np.int64], words: NDArray[np.uint64]) -> NDArray[np.int64]:
        nonlocal begin
        entries = words[:, None] >> np.arange(1 << fanin.shape[1], dtype=np.uint64) & np.uint64(1)
        tables, owners = np.unique(entries.astype(np.bool_), axis=0, return_inverse=True)
        steps.append(Luts(begin, fanin, tables, table_of=owners.reshape(-1)))
        made = begin + np.arange(len(fanin))
        begin += len(fanin)
        return made

    return placed(netlist, reads, make), begin


@states(GroupSum1d, GroupSum2d, GroupSum3d)
def _sums_at_places(head: GroupSumAtPlaces, shape: Shape) -> Scores:
    if len(shape) != head.axes + 1:
        raise ValueError(f"it reads channels of one image, and there are bits of shape {shape}")
    head.group_size(shape[0])
    numbers = np.arange(math.prod(shape)).reshape(shape)
    if head.permutation is not None:
        numbers = numbers[head.permutation.cpu().numpy()]
    return Scores(np.moveaxis(numbers, 0, -1).reshape(-1), head.num_groups, shape=shape[1:])


@states(LogicRecurrent)
def _recurrent(layer: LogicRecurrent, shape: Shape) -> LutGroups:
    if len(shape) != 2 or shape[0] != layer.channels or type(layer.cell) is not LogicDense:
        raise ValueError(f"it reads {layer.channels} channels over time, and there are bits of shape {shape}")
    tables, shared = layer.cell.hard_tables().cpu().numpy().astype(np.bool_), layer.cell.tables_read()
    table_of = None if shared is None else shared.cpu().numpy()
    read = layer.cell.connections.inputs().cpu().numpy()
    size, length = math.prod(shape), shape[1]
    state = np.full(layer.state, size)  # the constant 0
    steps, after = [], []
    for step in range(length):
        bits = np.concatenate([np.arange(layer.channels) * length + step, state])
        begin = size + 2 + step * layer.state
        steps.append(Luts(begin, bits[read], tables, table_of=table_of))
        state = begin + np.arange(layer.state)
        after.append(state)
    return LutGroups(tuple(steps), state if layer.output == "last" else np.stack(after, axis=1))


@states(Parallel)
def _parallel(module: Parallel, shape: Shape) -> Branches:  # noqa: ARG001
    branches = [(f"branches.{number}", branch) for number, branch in enumerate(module.branches)]
    return Branches(tuple(branches), axis_of_sample(module.dim))


@states(PooledConv)
def _pooled_conv(module: PooledConv, shape: Shape) -> Branches:  # noqa: ARG001
    return Branches((), 0, (("conv", module.conv), ("pool", module.pool)))


class Gate(nn.Module):
    """The gates of a `Residual`, over its input and then its module's output, as a module that states them."""

    def __init__(self, table: NDArray[np.bool_]) -> None:
        super().__init__()
        self.table = table


@states(Gate)
def _gate(gate: Gate, shape: Shape) -> LutGroups:
    count = math.prod(shape) // 2
    inputs = np.arange(2 * count).reshape(2, count).T
    luts = Luts(2 * count + 2, inputs, gate.table, table_of=np.zeros(count, np.int64))
    return LutGroups((luts,), (2 * count + 2 + np.arange(count)).reshape(shape[0] // 2, *shape[1:]))


@states(Residual)
def _residual(module: Residual, shape: Shape) -> Branches:  # noqa: ARG001
    table = np.array([["and", "or", "xor"].index(module.gate)])
    entries = np.array([[0, 0, 0, 1], [0, 1, 1, 1], [0, 1, 1, 0]], np.bool_)[table]
    return Branches((("input", nn.Identity()), ("inner", module.inner)), 0, (("gate", Gate(entries)),))


@states(LogicResidual)
def _logic_residual(module: LogicResidual, shape: Shape) -> Branches:
    flat, back = nn.Flatten(2) if len(shape) > 1 else nn.Unflatten(1, (shape[0] * 2, 1)), nn.Unflatten
    image: Any = shape[1:]
    behind = (("pairs", flat), ("gates", module.gates))
    shaped = (("shape", back(2, image)),) if len(shape) > 1 else (("shape", nn.Flatten(1)),)
    return Branches((("input", nn.Identity()), ("inner", module.inner)), 0, behind + shaped)
