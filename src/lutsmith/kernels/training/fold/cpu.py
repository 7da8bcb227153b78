"""Fold and look-up on the CPU: fills in the argument block, splits the work, and runs the kernels.

Forward passes split the LUTs over the threads: a result is computed by itself. Backward passes add up. From 128
samples on, rows gather their gradients from their readers where that is quicker: LUTs of two inputs, and learned slots.
Each row is the work of one thread, whichever that is. Other backward passes are cut by sizes alone, never by the number
of threads: batches of 256 samples and more into parts of samples, smaller ones into parts of the LUTs, each with its
own copy of the input gradient (threads that own columns of one row would fetch each other's cache lines). Copies are
added up in a fixed order, so that any number of threads gives the same bits.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.kernels import threads
from lutsmith.kernels.training import arguments, build
from lutsmith.kernels.training import templates as at
from lutsmith.kernels.training.arguments import Workspace, name_of, split, workspace
from lutsmith.kernels.training.fold.loops import SCRATCH_ROWS
from lutsmith.kernels.training.fold.pieces import ROW
from lutsmith.kernels.training.fold.readers import RowReaders, readers_of
from lutsmith.kernels.training.reads import Reads

COLUMNS = 128  # samples a part that make it worth splitting the batch
MOST = 16  # parts of a sum
COPIES = 1 << 26  # bytes that copies of the input gradient of kernels at places take at most, or one of them
NARROW_RANK = 4  # inputs up to which activations of bfloat16 save time
WIDE = 4  # bytes of a number where activations are bfloat16
FEW = 4  # table entries a feature below which one thread is done before two have added up their copies
ROOM = 1 << 16  # bytes of x that stay near a core: slopes are then added to its gradient wherever they belong
GATHERED = 128  # samples from which rows gather their gradients: below, LUTs are quicker to scatter theirs
LINE = 16  # numbers that rows of slopes are filled up to
SLOPED = 1 << 23  # bytes of slopes that are kept at a time, or 128 samples of them
WORTH = 64  # table entries a feature that make one more pair of copies of the input gradient cheap


def narrow_pays(x: Tensor, reads: Reads) -> bool:
    """Whether the fold of x takes less time if activations are bfloat16: memory, not arithmetic, is the limit."""
    plain = reads.table_ptr is None and reads.places is None
    return reads.inputs.shape[1] <= NARROW_RANK and plain and _gathers(x)


def reads_narrow(x: Tensor, tables: Tensor, reads: Reads) -> bool:
    """Whether kernels of the fold read and write bfloat16 as it is. Otherwise activations are copied to float32 and
    back, with the same results for fixed inputs; slopes of learned ones are not rounded then.
    """
    return x.dtype == torch.bfloat16 and tables.dtype != torch.float64 and narrow_pays(x, reads)


def _gathers(x: Tensor) -> bool:
    """Whether rows gather their gradients from the readers of each; bfloat16 is taken for the float32 that it holds."""
    return x.shape[1] >= GATHERED and x.numel() * max(x.itemsize, WIDE) >= ROOM


def gathers_pairs(x: Tensor, reads: Reads) -> bool:
    """Whether rows gather the slopes of LUTs of two inputs."""
    fixed = reads.table_ptr is None and reads.candidates is None and reads.places is None
    return fixed and reads.inputs.shape[1] == 2 and _gathers(x)


def gathers_learned(x: Tensor, reads: Reads) -> bool:
    """Whether rows gather the slopes of learned slots."""
    return reads.candidates is not None and reads.places is None and _gathers(x)


def _parts(luts: int, rank: int, features: int, samples: int, *, dx: bool, shared: bool) -> tuple[int, int]:
    """How many parts the LUTs and the samples of a backward pass are cut into.

    Sums are formed part by part: this may depend on the sizes and on what is wanted, and on nothing else. Where nothing
    is added up across LUTs they are cut for the threads.
    """
    work = luts * samples << rank
    if work < arguments.SMALL:
        return 1, 1
    if not dx:
        return (_power_of_two(min(luts, MOST)) if shared else split(work, luts)), 1
    if samples >= 2 * COLUMNS:
        return 1, _power_of_two(min(samples // COLUMNS, MOST))
    entries = (luts << rank) // max(features, 1)
    return (1 if entries < FEW or luts < 2 else _power_of_two(min(max(2, 2 * entries // WORTH), luts, MOST))), 1


def placed_parts(instances: int, rank: int, x: Tensor, dx: Tensor | None) -> tuple[int, int]:
    """The same of kernels at places, whose copies of a large input gradient are few."""
    lut_parts, batch_parts = _parts(instances, rank, *x.shape, dx=dx is not None, shared=True)
    most = lut_parts if dx is None else max(2, _power_of_two(COPIES // max(dx.nbytes, 1)))
    return min(lut_parts, most), batch_parts


def _power_of_two(most: int) -> int:
    """The largest power of two up to `most`, at least 1: parts that two, four or eight threads share equally."""
    return 1 << max(most, 1).bit_length() - 1


def begin(
    x: Tensor, tables: Tensor, reads: Reads, parts: tuple[int, int], more: int = 0
) -> tuple[Workspace, NDArray[np.int64]]:
    """The argument block with what every kernel over LUTs reads, and scratch of some more rows."""
    space, luts = workspace, reads.inputs.shape[0]
    fields = space.begin()
    if x.dtype == torch.bfloat16:
        more += -(-x.shape[1] // ROW)
    step = (SCRATCH_ROWS + more) * ROW * tables.itemsize
    fields[at.LUTS], fields[at.SLOTS] = luts * reads.num_places, reads.inputs.numel()
    fields[at.TABLE_COUNT], fields[at.ENTRIES] = tables.shape[0], tables.shape[0] * tables.shape[1]
    fields[at.FEATURES], fields[at.SAMPLES] = x.shape
    fields[at.LUT_PARTS], fields[at.BATCH_PARTS] = parts
    fields[at.X], fields[at.TABLES] = x.data_ptr(), tables.data_ptr()
    fields[at.INPUTS] = reads.inputs.data_ptr()
    if reads.places is not None:
        fields[at.INPUTS] = _located(space, "located", reads.inputs, reads)
        fields[at.PIXELS], fields[at.PLACE_COUNT] = reads.places.data_ptr(), reads.num_places
        fields[at.AROUND] = space.reserve("around", 2 * x.shape[1] * x.itemsize)
        around = space.array("around", x.itemsize, 2 * x.shape[1])
        around[: x.shape[1]], around[x.shape[1] :] = 0, 1
    if reads.table_ptr is not None:
        fields[at.TABLE_PTR] = reads.table_ptr.data_ptr()
    fields[at.SCRATCH], fields[at.SCRATCH_STEP] = space.reserve("scratch", parts[0] * parts[1] * step), step
    return space, fields


def _located(space: Workspace, name: str, inputs: Tensor, reads: Reads) -> int:
    """Where inputs of windows lie, int32 pairs: the first pixel of the plane, and where the places of the tap begin."""
    assert reads.places is not None
    taps, count = reads.places.shape
    address = space.reserve(name, 8 * inputs.numel())
    pairs = space.array(name, 4, 2 * inputs.numel()).view(np.int32).reshape(-1, 2)
    channels, tap = np.divmod(inputs.numpy().reshape(-1), np.int32(taps))
    np.multiply(channels, np.int32(reads.plane), out=pairs[:, 0])
    np.multiply(tap, np.int32(count), out=pairs[:, 1])
    return address


def _kernel(kind: str, reads: Reads) -> str:
    return kind if reads.places is None else f"{kind}_placed"


def fold(x: Tensor, tables: Tensor, reads: Reads, out: Tensor) -> None:
    """out (W, B) = multilinear extension of the tables at x (F, B)."""
    _forward("fold", x, tables, reads, out)


def lookup(x: Tensor, tables: Tensor, reads: Reads, out: Tensor) -> None:
    """out (W, B) = table entries at the addresses that x > 1/2 gives."""
    _forward("lookup", x, tables, reads, out)


def fold_logistic(x: Tensor, tables: Tensor, reads: Reads, temperature: float, out: Tensor) -> None:
    """out (W, B) = s(fold / temperature), s the logistic function; not at places."""
    _forward("fold", x, tables, reads, out, temperature)


def _forward(kind: str, x: Tensor, tables: Tensor, reads: Reads, out: Tensor, temperature: float = 0.0) -> None:
    rank = reads.inputs.shape[1]
    luts = reads.inputs.shape[0] * reads.num_places
    samples = x.shape[1]
    parts = split(luts * samples << rank, luts)
    cut = (parts, 1) if luts >= 4 * parts else (1, max(1, min(parts, samples // COLUMNS)))
    space, fields = begin(x, tables, reads, cut)
    fields[at.OUT] = out.data_ptr()
    if temperature:
        fields[at.LOGISTIC], space.numbers[at.SCALE] = 1, 1 / temperature
    threads.run(build.address(_kernel(kind, reads), rank, name_of(x)), space.address, cut[0] * cut[1])


def backward(
    grad: Tensor,
    x: Tensor,
    tables: Tensor,
    reads: Reads,
    rho: float | None,
    dx: Tensor | None,
    dt: Tensor | None,
    dscores: Tensor | None,
    logistic: tuple[Tensor, float] | None = None,
) -> None:
    """Write the gradients of `fold` (rho None) or `lookup`, given that of its result; None: not needed. `logistic`: of
    `fold_logistic`, what this gave and its temperature.
    """
    rank = reads.inputs.shape[1]
    luts = reads.inputs.shape[0] * reads.num_places
    features, samples = x.shape
    name = name_of(x)
    placed = reads.places is not None
    shared = placed or (dt is not None and reads.table_ptr is not None)
    learned = reads.candidates is not None and (dx is not None or dscores is not None)
    by_rows = dx is not None and gathers_learned(x, reads)
    pairs = dx is not None and rho is None and gathers_pairs(x, reads)
    if pairs:
        lut_parts, batch_parts = split(luts * samples << rank, features), 1
    elif placed:
        lut_parts, batch_parts = placed_parts(luts, rank, x, dx)
    else:
        added_up = dx is not None and not by_rows
        lut_parts, batch_parts = _parts(luts, rank, features, samples, dx=added_up, shared=shared)
    space, fields = begin(x, tables, reads, (lut_parts, batch_parts))
    parts = lut_parts * batch_parts
    fields[at.GRAD] = grad.data_ptr()
    if logistic is not None:
        fields[at.LOGISTIC], fields[at.OUT] = 1, logistic[0].data_ptr()
        space.numbers[at.SCALE] = 1 / logistic[1]
    copies = 0
    if rho is not None:
        fields[at.HARD] = 1
        space.numbers[at.RHO] = rho
    else:
        space.numbers[at.RHO] = 1
    if dx is not None:
        fields[at.DX] = dx.data_ptr()
        if not (pairs or by_rows):
            fields[at.DX_MORE] = space.reserve("dx", (lut_parts - 1) * dx.nbytes)
            copies += lut_parts - 1
    if dt is not None:
        dt_copies = parts if shared else batch_parts
        fields[at.DT], fields[at.DT_COPIES] = dt.data_ptr(), dt_copies
        fields[at.DT_MORE] = space.reserve("dt", (dt_copies - 1) * dt.nbytes)
        copies += dt_copies - 1
    if pairs:
        readers = readers_of(reads.inputs, features)
        _tell_readers(fields, readers)
        threads.run(build.address("gather_pairs", 2, name), space.address, parts)
        return
    if learned:
        assert reads.candidates is not None
        assert reads.scores is not None
        choices = reads.scores.shape[2]
        fields[at.CHOICES], fields[at.CANDIDATES] = choices, reads.candidates.data_ptr()
        if placed:
            fields[at.CANDIDATES] = _located(space, "located candidates", reads.candidates, reads)
        fields[at.SCORES] = reads.scores.data_ptr()
        fields[at.DWN] = reads.rule == "dwn"
        space.numbers[at.TEMPERATURE] = reads.temperature
        if dx is not None or reads.rule == "softmax":
            fields[at.SHARES] = space.reserve("shares", reads.scores.nbytes)
            fields[at.LUT_PARTS], fields[at.BATCH_PARTS] = parts, 1
            threads.run(build.address("spread", 0, name_of(tables)), space.address, parts)
        if dscores is not None:
            if not by_rows:
                _pack(space, features, samples, parts, name, hard=rho is not None)
            fields[at.DOTS], fields[at.DOTS_COPIES] = dscores.data_ptr(), parts if placed else batch_parts
            fields[at.DOTS_MORE] = space.reserve("dots", (int(fields[at.DOTS_COPIES]) - 1) * dscores.nbytes)
            copies += 1
    fields[at.LUT_PARTS], fields[at.BATCH_PARTS] = lut_parts, batch_parts
    if by_rows:
        assert reads.candidates is not None
        readers = readers_of(reads.candidates, features)
        _by_rows(space, rank, name, reads.inputs.numel(), x, readers)
    else:
        threads.run(build.address(_kernel("backward", reads), rank, name), space.address, parts)
    if copies:
        threads.run(build.address("finish", 0, name_of(tables)), space.address, parts)


def _by_rows(space: Workspace, rank: int, dtype: str, slots: int, x: Tensor, readers: RowReaders) -> None:
    """Gradients of learned slots: for some samples at a time, the slopes of all slots, then what each row gathers."""
    fields, (features, samples) = space.fields, x.shape
    parts = int(fields[at.LUT_PARTS])
    chunk = max(COLUMNS, SLOPED // max(slots * x.itemsize, 1) // COLUMNS * COLUMNS)
    step = min(chunk, -(-samples // LINE) * LINE) * x.itemsize
    fields[at.SLOPED], fields[at.SLOPED_STEP] = space.reserve("sloped", slots * step), step
    _tell_readers(fields, readers)
    gathering = split(len(readers.entries) * samples, features)
    fields[at.SCRATCH] = space.reserve("scratch", max(parts, gathering) * int(fields[at.SCRATCH_STEP]))
    for begin in range(0, samples, chunk):
        fields[at.BEGIN], fields[at.END] = begin, min(begin + chunk, samples)
        fields[at.LUT_PARTS] = parts
        threads.run(build.address("backward", rank, dtype), space.address, parts)
        fields[at.LUT_PARTS] = gathering
        threads.run(build.address("gather_learned", 0, dtype), space.address, gathering)
    fields[at.LUT_PARTS], fields[at.DX] = parts, 0  # of which there are no copies to add up


def _tell_readers(fields: NDArray[np.int64], readers: RowReaders) -> None:
    """Who reads each row, in the argument block; the arrays have to live until the kernels are done."""
    fields[at.READERS], fields[at.ENTRIES_OF_ROWS] = readers.first.ctypes.data, readers.entries.ctypes.data
    fields[at.SLOTS_OF_ROWS] = readers.slots.ctypes.data


def _pack(space: Workspace, features: int, samples: int, parts: int, dtype: str, *, hard: bool) -> None:
    """Give the backward kernel X as bits where it is binary or read as bits: 32 times less to fetch."""
    fields = space.fields
    step = (samples + 63) // 64 * 8
    fields[at.BITS], fields[at.BITS_STEP] = space.reserve("bits", features * step), step
    fields[at.LUT_PARTS], fields[at.BATCH_PARTS] = parts, 1
    threads.run(build.address("pack", 0, dtype), space.address, parts)
    if not hard and not space.words("scratch", int(fields[at.SCRATCH_STEP]), parts).all():
        fields[at.BITS] = 0
