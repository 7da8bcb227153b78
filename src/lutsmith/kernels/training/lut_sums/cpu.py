"""Sums of LUTs on the CPU. Outputs are cut into parts by sizes alone, each with its own copy of the input gradient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.kernels import threads
from lutsmith.kernels.training import arguments, build
from lutsmith.kernels.training import templates as at
from lutsmith.kernels.training.arguments import Workspace, name_of, split, workspace
from lutsmith.kernels.training.fold.pieces import ROW
from lutsmith.kernels.training.lut_sums.loops import scratch_bytes
from lutsmith.kernels.training.lut_sums.naive import Neurons
from lutsmith.kernels.training.lut_sums.pieces import shuffles

MOST = 16  # parts of a sum
COPIES = 1 << 26  # bytes that copies of the input gradient take at most, or one of them


def pack(x: Tensor, tables: Tensor, neurons: Neurons) -> int:
    """Address of tables as bits, where bits say all: no real numbers, no zeros that count; else 0."""
    if "real" in (neurons.points, neurons.entries) or x.itemsize != 4 or not shuffles() or not tables.numel():
        return 0
    if neurons.points == "signs":
        places = neurons.places if neurons.outside == 0 else None
        if (places is not None and bool(places.eq(-1).any())) or bool(x.eq(0).any()):
            return 0
    fields, entries = workspace.begin(), tables.numel()
    parts = split(entries, -(-entries // 4096))
    fields[at.ENTRIES], fields[at.LUT_PARTS], fields[at.TABLES] = entries, parts, tables.data_ptr()
    fields[at.SCRATCH], fields[at.SCRATCH_STEP] = workspace.reserve("flags", 64 * parts), 64
    fields[at.BITS] = bits = workspace.reserve("bits", -(-entries // 64) * 8)
    threads.run(build.address("bits_of", 0, name_of(x)), workspace.address, parts)
    zeros = not workspace.words("flags", 64, parts).all()
    return 0 if zeros and neurons.entries == "signs" else bits


def _begin(
    x: Tensor, tables: Tensor, bits: int, neurons: Neurons, parts: tuple[int, int]
) -> tuple[Workspace, NDArray[np.int64]]:
    space = workspace
    fields = space.begin()
    fields[at.FEATURES], fields[at.SAMPLES] = x.shape
    fields[at.OUTPUTS], fields[at.LUTS] = neurons.outputs, len(tables) // neurons.outputs
    fields[at.SHARED] = len(neurons.inputs) != len(tables)
    fields[at.X], fields[at.TABLES], fields[at.BITS] = x.data_ptr(), tables.data_ptr(), bits
    fields[at.INPUTS] = neurons.inputs.data_ptr()
    fields[at.TAPS], fields[at.PLACE_COUNT], fields[at.PLANE] = 1, 1, 1
    fields[at.ROWS] = x.shape[0]
    if neurons.places is not None:
        fields[at.TAPS], fields[at.PLACE_COUNT] = neurons.places.shape
        fields[at.PLANE], fields[at.PIXELS] = neurons.plane, neurons.places.data_ptr()
        fields[at.ROWS] = x.shape[0] // neurons.plane * neurons.places.shape[0]
    fields[at.OUTSIDE] = space.reserve("around", 16)
    outside = space.array("around", 8, 2)
    around = {"bits": 1 if neurons.outside > 0 else -1, "signs": np.sign(neurons.outside), "real": neurons.outside}
    outside[:] = (around[neurons.points], 1) if bits else ((around[neurons.points] + 1) / 2, 1)
    fields[at.LUT_PARTS], fields[at.BATCH_PARTS] = parts
    step = -(-scratch_bytes(int(fields[at.ROWS]), x.itemsize) // 64) * 64
    fields[at.SCRATCH], fields[at.SCRATCH_STEP] = space.reserve("scratch", parts[0] * parts[1] * step), step
    return space, fields


def _work(x: Tensor, tables: Tensor, neurons: Neurons) -> tuple[int, int]:
    """Columns, and table entries times columns."""
    columns = x.shape[1] * (1 if neurons.places is None else neurons.places.shape[1])
    return columns, columns * tables.numel()


def sums(x: Tensor, tables: Tensor, bits: int, neurons: Neurons, out: Tensor) -> None:
    """out (outputs * P, B): counted where there are bits, else the fold of tables at points x from 0 to 1."""
    columns, work = _work(x, tables, neurons)
    if not columns:
        return
    parts = split(work, max(neurons.outputs, columns // ROW))
    cut = (1, parts) if columns >= 4 * parts * ROW else (min(parts, neurons.outputs), 1)
    space, fields = _begin(x, tables, bits, neurons, cut)
    fields[at.OUT] = out.data_ptr()
    kernel = build.address("count_sums" if bits else "fold_sums", neurons.inputs.shape[1], name_of(x))
    threads.run(kernel, space.address, cut[0] * cut[1])


def backward(
    grad: Tensor, x: Tensor, tables: Tensor, bits: int, neurons: Neurons, dx: Tensor | None, dt: Tensor | None
) -> None:
    """Write the gradients of `sums`: of numbers -1 and 1 where there are bits, else of points and tables."""
    columns, work = _work(x, tables, neurons)
    parts = 1 if work < arguments.SMALL else min(MOST, neurons.outputs)
    if dx is not None:
        parts = min(parts, max(2, COPIES // max(dx.nbytes, 1)))
    if not columns:
        for tensor in (dx, dt):
            if tensor is not None:
                tensor.zero_()
        return
    space, fields = _begin(x, tables, bits, neurons, (parts, 1))
    fields[at.GRAD] = grad.data_ptr()
    if dx is not None:
        fields[at.DX], fields[at.DX_MORE] = dx.data_ptr(), space.reserve("dx", (parts - 1) * dx.nbytes)
    if dt is not None:
        fields[at.DT] = dt.data_ptr()
    kernel = build.address("slope_sums" if bits else "backward_sums", neurons.inputs.shape[1], name_of(x))
    threads.run(kernel, space.address, parts)
    if dx is not None and parts > 1:
        fields[at.DT], fields[at.CHOICES] = 0, 0
        threads.run(build.address("finish", 0, name_of(x)), space.address, parts)
