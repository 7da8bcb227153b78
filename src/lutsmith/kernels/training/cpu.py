"""The operations on the CPU, on NumPy arrays: fills in the argument block, splits the work, and runs the kernels.

Forward passes split the LUTs over the threads: a result is computed by itself. Backward passes add up, and are cut by
sizes alone, never by the number of threads: batches of 256 samples and more into parts of samples, smaller ones into
parts of the LUTs, each with its own copy of the input gradient (threads that own columns of one row would fetch each
other's cache lines). Copies are added up in a fixed order, so that any number of threads gives the same bits.
All arrays are C-contiguous and of one dtype, float32 or float64; indices are int32 and have been checked. Torch
tensors are taken as they are.
"""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lutsmith.kernels.training import build, gates, loops, threads
from lutsmith.kernels.training.pieces import ROW
from lutsmith.kernels.training.vectors import VECTOR_BYTES

Array = Any  # a C-contiguous NumPy array, or anything with shape, itemsize, nbytes and data_ptr() (a torch tensor)
SMALL = 1 << 17  # table entries times samples that one thread finishes before a second one has woken up
COLUMNS = 128  # samples a part that make it worth splitting the batch
MOST = 16  # parts of a sum
WORTH = 64  # table entries a feature that make one more pair of copies of the input gradient cheap


class Wires(NamedTuple):
    """`Wiring` as arrays."""

    inputs: Array
    table_ptr: Array | None = None
    candidates: Array | None = None
    scores: Array | None = None
    temperature: float = 1.0
    rule: str = "softmax"


def _address(array: Array) -> int:
    if isinstance(array, np.ndarray):
        return int(array.__array_interface__["data"][0])
    return int(array.data_ptr())


def _dtype(array: Array) -> str:
    return "float32" if array.itemsize == 4 else "float64"


class _Workspace(threading.local):
    """Memory of one calling thread that grows to what was needed."""

    def __init__(self) -> None:
        self.fields = np.zeros(loops.FIELDS, np.int64)
        self.numbers = self.fields.view(np.float64)
        self.address = self.fields.ctypes.data
        self.memory: dict[str, tuple[NDArray[np.uint8], int]] = {}

    def reserve(self, name: str, size: int) -> int:
        """Address of `size` bytes, on a cache line."""
        memory, address = self.memory.get(name, (None, 0))
        if memory is None or memory.nbytes < size + 64:
            memory = np.empty(size + 64, np.uint8)
            address = memory.ctypes.data + -memory.ctypes.data % 64
            self.memory[name] = memory, address
        return address

    def words(self, name: str, step: int, count: int) -> NDArray[np.int64]:
        """The first 64-bit word of each of `count` pieces of reserved memory."""
        memory, address = self.memory[name]
        first = address - memory.ctypes.data
        return memory[first : first + step * count].view(np.int64)[:: step // 8]


_workspace = _Workspace()


def _split(work: int, luts: int) -> int:
    return 1 if work < SMALL else max(1, min(threads.get_num_threads(), luts))


def _parts(luts: int, rank: int, features: int, samples: int, *, dx: bool, shared: bool) -> tuple[int, int]:
    """How many parts the LUTs and the samples of a backward pass are cut into.

    Sums are formed part by part: this may depend on the sizes and on what is wanted, and on nothing else. Where nothing
    is added up across LUTs they are cut for the threads.
    """
    work = luts * samples << rank
    if work < SMALL:
        return 1, 1
    if not dx:
        return (_power_of_two(min(luts, MOST)) if shared else _split(work, luts)), 1
    if samples >= 2 * COLUMNS:
        return 1, _power_of_two(min(samples // COLUMNS, MOST))
    entries = (luts << rank) // max(features, 1)
    return (1 if entries < 2 or luts < 2 else _power_of_two(min(max(2, 2 * entries // WORTH), luts, MOST))), 1


def _power_of_two(most: int) -> int:
    """The largest power of two up to `most`, at least 1: parts that two, four or eight threads share equally."""
    return 1 << max(most, 1).bit_length() - 1


def _begin(x: Array, tables: Array, wires: Wires, parts: tuple[int, int]) -> tuple[_Workspace, NDArray[np.int64]]:
    """The argument block with what every kernel over LUTs reads."""
    space, luts = _workspace, wires.inputs.shape[0]
    fields = space.fields
    fields[:] = 0
    step = loops.SCRATCH_ROWS * ROW * x.itemsize
    fields[loops.LUTS], fields[loops.SLOTS] = luts, wires.inputs.shape[0] * wires.inputs.shape[1]
    fields[loops.TABLE_COUNT], fields[loops.ENTRIES] = tables.shape[0], tables.shape[0] * tables.shape[1]
    fields[loops.FEATURES], fields[loops.SAMPLES] = x.shape
    fields[loops.LUT_PARTS], fields[loops.BATCH_PARTS] = parts
    fields[loops.X], fields[loops.TABLES] = _address(x), _address(tables)
    fields[loops.INPUTS] = _address(wires.inputs)
    if wires.table_ptr is not None:
        fields[loops.TABLE_PTR] = _address(wires.table_ptr)
    fields[loops.SCRATCH], fields[loops.SCRATCH_STEP] = space.reserve("scratch", parts[0] * parts[1] * step), step
    return space, fields


def fold(x: Array, tables: Array, wires: Wires, out: Array) -> None:
    """out (W, B) = multilinear extension of the tables at x (F, B)."""
    _forward("fold", x, tables, wires, out)


def lookup(x: Array, tables: Array, wires: Wires, out: Array) -> None:
    """out (W, B) = table entries at the addresses that x > 1/2 gives."""
    _forward("lookup", x, tables, wires, out)


def _forward(kind: str, x: Array, tables: Array, wires: Wires, out: Array) -> None:
    luts, rank = wires.inputs.shape
    samples = x.shape[1]
    parts = _split(luts * samples << rank, luts)
    split = (parts, 1) if luts >= 4 * parts else (1, max(1, min(parts, samples // COLUMNS)))
    space, fields = _begin(x, tables, wires, split)
    fields[loops.OUT] = _address(out)
    threads.run(build.address(kind, rank, _dtype(x)), space.address, split[0] * split[1])


def backward(
    grad: Array,
    x: Array,
    tables: Array,
    wires: Wires,
    rho: float | None,
    dx: Array | None,
    dt: Array | None,
    dscores: Array | None,
) -> None:
    """Write the gradients of `fold` (rho None) or `lookup`, given that of its result; None: not needed."""
    luts, rank = wires.inputs.shape
    features, samples = x.shape
    name = _dtype(x)
    shared = dt is not None and wires.table_ptr is not None
    lut_parts, batch_parts = _parts(luts, rank, features, samples, dx=dx is not None, shared=shared)
    space, fields = _begin(x, tables, wires, (lut_parts, batch_parts))
    parts = lut_parts * batch_parts
    fields[loops.GRAD] = _address(grad)
    copies = 0
    if rho is not None:
        fields[loops.HARD] = 1
        space.numbers[loops.RHO] = rho
    else:
        space.numbers[loops.RHO] = 1
    if dx is not None:
        fields[loops.DX] = _address(dx)
        fields[loops.DX_MORE] = space.reserve("dx", (lut_parts - 1) * dx.nbytes)
        copies += lut_parts - 1
    if dt is not None:
        dt_copies = batch_parts if wires.table_ptr is None else parts
        fields[loops.DT], fields[loops.DT_COPIES] = _address(dt), dt_copies
        fields[loops.DT_MORE] = space.reserve("dt", (dt_copies - 1) * dt.nbytes)
        copies += dt_copies - 1
    if wires.candidates is not None and wires.scores is not None and (dx is not None or dscores is not None):
        choices = wires.scores.shape[2]
        fields[loops.CHOICES], fields[loops.CANDIDATES] = choices, _address(wires.candidates)
        fields[loops.SCORES] = _address(wires.scores)
        fields[loops.DWN] = wires.rule == "dwn"
        space.numbers[loops.TEMPERATURE] = wires.temperature
        if dx is not None or wires.rule == "softmax":
            fields[loops.SHARES] = space.reserve("shares", wires.scores.nbytes)
            fields[loops.LUT_PARTS], fields[loops.BATCH_PARTS] = parts, 1
            threads.run(build.address("spread", 0, name), space.address, parts)
        if dscores is not None:
            _pack(space, features, samples, parts, name, hard=rho is not None)
            fields[loops.DOTS] = _address(dscores)
            fields[loops.DOTS_MORE] = space.reserve("dots", (batch_parts - 1) * dscores.nbytes)
            copies += 1
    fields[loops.LUT_PARTS], fields[loops.BATCH_PARTS] = lut_parts, batch_parts
    threads.run(build.address("backward", rank, name), space.address, parts)
    if copies:
        threads.run(build.address("finish", 0, name), space.address, parts)


def _pack(space: _Workspace, features: int, samples: int, parts: int, dtype: str, *, hard: bool) -> None:
    """Give the backward kernel X as bits where it is binary or read as bits: 32 times less to fetch."""
    fields = space.fields
    step = (samples + 63) // 64 * 8
    fields[loops.BITS], fields[loops.BITS_STEP] = space.reserve("bits", features * step), step
    fields[loops.LUT_PARTS], fields[loops.BATCH_PARTS] = parts, 1
    threads.run(build.address("pack", 0, dtype), space.address, parts)
    if not hard and not space.words("scratch", int(fields[loops.SCRATCH_STEP]), parts).all():
        fields[loops.BITS] = 0


def mix(x: Array, candidates: Array, scores: Array, temperature: float, out: Array) -> None:
    """out (W n, B) = rows of x (F, B) at each slot's candidates (W, n, K), in shares softmax(scores / temperature)."""
    space, (features, samples), choices = _workspace, x.shape, scores.shape[2]
    fields = space.fields
    fields[:] = 0
    slots = scores.shape[0] * scores.shape[1]
    parts = _split(slots * choices * samples, slots)
    step = 2 * ROW * x.itemsize
    fields[loops.SLOTS], fields[loops.CHOICES], fields[loops.LUT_PARTS] = slots, choices, parts
    fields[loops.FEATURES], fields[loops.SAMPLES], fields[loops.BATCH_PARTS] = features, samples, 1
    fields[loops.X], fields[loops.OUT] = _address(x), _address(out)
    fields[loops.CANDIDATES], fields[loops.SCORES] = _address(candidates), _address(scores)
    fields[loops.SHARES] = space.reserve("shares", slots * choices * x.itemsize)
    fields[loops.SCRATCH], fields[loops.SCRATCH_STEP] = space.reserve("scratch", parts * step), step
    space.numbers[loops.TEMPERATURE] = temperature
    for kind in ("spread", "mix"):
        threads.run(build.address(kind, 0, _dtype(x)), space.address, parts)


def encode(x: Array, thresholds: Array, inner: int, out: Array) -> None:
    """out (F z, N) = x (N, F) > thresholds (F, z), feature-major; x is uint8 or float32, the others float32."""
    space, (samples, features) = _workspace, x.shape
    fields = space.fields
    fields[:] = 0
    parts = _split(out.nbytes * 2, features // 16)
    fields[loops.SAMPLES], fields[loops.FEATURES], fields[loops.CHOICES] = samples, features, thresholds.shape[1]
    fields[loops.INNER], fields[loops.HARD], fields[loops.LUT_PARTS] = inner, x.itemsize == 1, parts
    fields[loops.X], fields[loops.TABLES], fields[loops.OUT] = _address(x), _address(thresholds), _address(out)
    step = 16 * ROW * 4
    fields[loops.SCRATCH], fields[loops.SCRATCH_STEP] = space.reserve("scratch", parts * step), step
    threads.run(build.address("encode", 0, "float32"), space.address, parts)


def gate_tables(logits: Array, temperature: float, out: Array) -> None:
    """out (T, 4) = the tables of two inputs that softmax(logits / temperature), (T, 16) gates, gives."""
    _gates("gates", logits, temperature, None, out)


def gate_gradient(grad: Array, logits: Array, temperature: float, out: Array) -> None:
    """out (T, 16) = the gradient of the logits (T, 16), given that of the tables (T, 4)."""
    _gates("gate_gradient", logits, temperature, grad, out)


def _gates(kind: str, logits: Array, temperature: float, grad: Array | None, out: Array) -> None:
    space, tables = _workspace, logits.shape[0]
    fields = space.fields
    fields[:] = 0
    parts = _split(tables << 6, tables // gates.GATES)
    fields[loops.LUTS], fields[loops.LUT_PARTS] = tables, parts
    fields[loops.X], fields[loops.OUT] = _address(logits), _address(out)
    if grad is not None:
        fields[loops.GRAD] = _address(grad)
    step = gates.ROOM * VECTOR_BYTES
    fields[loops.SCRATCH], fields[loops.SCRATCH_STEP] = space.reserve("scratch", parts * step), step
    space.numbers[loops.TEMPERATURE] = temperature
    threads.run(build.address(kind, 0, _dtype(logits)), space.address, parts)
