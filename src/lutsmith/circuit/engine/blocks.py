"""The compiled engine: comparators, netlist and popcounts on 64 samples a machine word, on all cores.

    for each block of 1,024 samples (a few blocks at a time belong to one thread):
        pack       raw numbers -> one row of bits for each comparator         kernels.engine.bits
        evaluate   LUTs, level by level, rank by rank                         kernels.engine.lanes
        count      popcounts and the highest of them, or plain bits           kernels.engine.bits

The bits of a block, and nothing larger, lie in a workspace that the thread uses again for the next block. Rows are read
in place where they are uint8 or float32 and contiguous; other numbers, and the last rows, are copied block by block: a
memory map is never copied as a whole. Up to `FEW` samples are evaluated one by one without packing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.engine.few import FEW
from lutsmith.circuit.engine.packing import Packing
from lutsmith.circuit.engine.plan import EnginePlan, Network, aligned
from lutsmith.circuit.engine.thresholds import as_float32
from lutsmith.circuit.engine.workers import num_threads, share
from lutsmith.circuit.heads import Head
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.netlist import Netlist
from lutsmith.kernels.engine import bits, lanes, single

BLOCK = bits.BLOCK
PIECE = 8
"""Blocks that a thread takes at once."""


class Blocks:
    """Evaluates a circuit by blocks of samples. Immutable, and safe under concurrent callers.

    Results are those of `Inputs.encode`, `Netlist.evaluate` and `Head.counts`, bit for bit. A netlist with
    registers is evaluated for one clock cycle from their initial values.

    All methods take rows (N, F) of numbers, `tables` uint64 (nodes,) to use instead of the netlist's own, and a number
    of `threads` (by default LUTSMITH_NUM_THREADS, else all cores that the process may use).

    Args:
        encoder: what the inputs of the netlist are.
        netlist: the LUTs.
        head: its groups are counted, its affine map is the caller's; None if only bits are asked for.
        coded: machine code of the netlist (`engine.machine_code`): a plan, and a function of a matrix of its bits;
            without, the LUTs are interpreted. Few samples and other tables are interpreted always.

    Raises:
        ValueError: an encoder of other bits than the netlist has inputs.
    """

    def __init__(
        self,
        encoder: Comparators | Inputs,
        netlist: Netlist,
        head: Head | None = None,
        *,
        coded: tuple[EnginePlan, Network] | None = None,
    ) -> None:
        self._netlist = netlist
        self._num_groups = 0 if head is None else head.places * head.num_groups
        plan, network = coded or (EnginePlan(netlist, fixed=True), None)
        self._own = _Program(plan, self._num_groups, network)
        first = int(self._own.plan.input_rows.start)
        self._packing = Packing(Inputs.of(encoder), first)
        if len(self._packing.inputs) != netlist.num_inputs:
            raise ValueError(
                f"the encoder gives {len(self._packing.inputs)} bits and the netlist has {netlist.num_inputs} inputs; "
                "expected as many, as those of circuit.inputs"
            )
        compared = self._packing.inputs.comparators
        self._comparators = np.array(compared.feature), np.array(compared.threshold), first
        self._rest = None if self._packing.inputs.are_comparators else first + len(compared)

    @cached_property
    def _general(self) -> _Program:
        """For other tables than the netlist's own; made when these are first given."""
        return _Program(EnginePlan(self._netlist), self._num_groups)

    def _program(self, tables: ArrayLike | None) -> tuple[_Program, NDArray[np.uint64]]:
        """What to run, on which tables."""
        if tables is None:
            return self._own, self._own.tables
        return self._general, self._general.plan.tables(tables)

    def predict(
        self, rows: NDArray[Any], *, tables: ArrayLike | None = None, threads: int | None = None
    ) -> NDArray[np.int64]:
        """The group of each sample with most ones, int64 (N,); the lowest wins a tie. Needs a head."""
        labels = np.empty(len(rows), np.int64)
        if len(rows) <= FEW:
            counts = np.empty(self._num_groups, np.int32)
            for index, (program, values) in enumerate(self._one_by_one(rows, tables)):
                labels[index] = single.count(values, program.group_rows, counts)
            return labels
        nothing = np.empty((0, self._num_groups), np.int32)

        def finish(program: _Program, space: _Workspace, part: slice) -> None:
            bits.count(space.values, program.groups, space.counter, space.totals, labels[part], nothing)

        self._run(rows, tables, threads, finish)
        return labels

    def counts(
        self, rows: NDArray[Any], *, tables: ArrayLike | None = None, threads: int | None = None
    ) -> NDArray[np.int32]:
        """The ones in each group, int32 (N, num_groups). Needs a head."""
        counts = np.empty((len(rows), self._num_groups), np.int32)
        if len(rows) <= FEW:
            for index, (program, values) in enumerate(self._one_by_one(rows, tables)):
                single.count(values, program.group_rows, counts[index])
            return counts
        nothing = np.empty(0, np.int64)

        def finish(program: _Program, space: _Workspace, part: slice) -> None:
            bits.count(space.values, program.groups, space.counter, space.totals, nothing, counts[part])

        self._run(rows, tables, threads, finish)
        return counts

    def outputs(
        self, rows: NDArray[Any], *, tables: ArrayLike | None = None, threads: int | None = None
    ) -> NDArray[np.bool_]:
        """The output bits of each sample, bool (N, O)."""
        result = np.empty((len(rows), self._netlist.outputs.size), np.bool_)
        if len(rows) <= FEW:
            for index, (program, values) in enumerate(self._one_by_one(rows, tables)):
                result[index] = values[program.plan.output_rows]
            return result

        def finish(program: _Program, space: _Workspace, part: slice) -> None:
            samples = part.stop - part.start
            unpacked = space.unpacked(-(-samples // 64) * 64, program.outputs.size)
            bits.unpack(space.values, program.outputs, space.scratch[: bits.SCRATCH], unpacked)
            result[part] = unpacked[:samples, : result.shape[1]]

        self._run(rows, tables, threads, finish)
        return result

    def packed(self, rows: NDArray[Any], *, threads: int | None = None) -> NDArray[np.uint64]:
        """The output bits, uint64 (O, ceil(N / 64)): bit b of word w is that of sample 64 w + b, 0 beyond the last."""
        result = np.empty((self._netlist.outputs.size, -(-len(rows) // 64)), np.uint64)

        def finish(program: _Program, space: _Workspace, part: slice) -> None:
            words = slice(part.start // 64, -(-part.stop // 64))
            result[:, words] = space.values[program.plan.output_rows, : words.stop - words.start]

        self._run(rows, None, threads, finish)
        if len(rows) % 64:
            result[:, -1] &= np.uint64((1 << len(rows) % 64) - 1)
        return result

    def _one_by_one(self, rows: NDArray[Any], tables: ArrayLike | None) -> Iterator[tuple[_Program, NDArray[np.uint8]]]:
        """Evaluate a few samples; the bytes of all signals that are alive at the end, good until the next is asked."""
        program, words = self._program(tables)
        numbers = rows if rows.dtype == np.uint8 else as_float32(rows)
        numbers = np.ascontiguousarray(numbers)
        near, far, groups = program.single
        values = program.take_bytes()
        for index, sample in enumerate(numbers):
            if self._rest is not None:
                self._packing.rest(rows[index], values, self._rest)
            single.evaluate(sample, *self._comparators, values, near, far, words, groups)
            yield program, values
        program.bytes.append(values)

    def _run(
        self,
        rows: NDArray[Any],
        tables: ArrayLike | None,
        threads: int | None,
        finish: Callable[[_Program, _Workspace, slice], None],
    ) -> None:
        """Evaluate block after block; `finish` gets the bits of each and which samples they belong to."""
        program, words = self._program(tables)
        if rows.dtype == np.bool_:
            rows = rows.view(np.uint8)
        count = num_threads(threads)
        blocks = -(-len(rows) // BLOCK)
        piece = max(1, min(PIECE, blocks // (4 * count)))
        packing = self._packing

        def work(take: Callable[[], int | None]) -> None:
            space = program.take_workspace(packing)
            while (index := take()) is not None:
                stop = min((index + 1) * piece * BLOCK, len(rows))
                for start in range(index * piece * BLOCK, stop, BLOCK):
                    part = slice(start, min(start + BLOCK, stop))
                    packing.pack(rows[part], space.values, space.scratch)
                    program.evaluate(space.values, words)
                    finish(program, space, part)
            program.workspaces.append(space)

        share(-(-blocks // piece), count, work)


class _Program:
    """A plan, where its outputs lie, and the workspaces of the threads that run it."""

    def __init__(self, plan: EnginePlan, num_groups: int, network: Network | None = None) -> None:
        self.plan, self._network = plan, network
        self.tables = plan.tables()
        offsets = (plan.output_rows * lanes.ROW_BYTES).astype(np.uint32)
        self.outputs = _padded(offsets[None], 64)[0]
        if num_groups:
            self.groups = _padded(offsets.reshape(num_groups, -1), 8)
            self.group_rows = plan.output_rows.reshape(num_groups, -1).astype(np.uint32)
        self.workspaces: deque[_Workspace] = deque()  # append and pop are atomic
        self.bytes: deque[NDArray[np.uint8]] = deque()

    def evaluate(self, values: NDArray[np.uint64], tables: NDArray[np.uint64]) -> None:
        """Evaluate the network on a matrix of bits."""
        if self._network is None:
            lanes.evaluate(values, self.plan.fanin, tables, self.plan.groups)
        else:
            self._network(values)

    @cached_property
    def single(self) -> tuple[NDArray[np.uint16], NDArray[np.uint32], NDArray[np.int64]]:
        """Wires and groups for single samples."""
        return self.plan.single()

    def take_workspace(self, packing: Packing) -> _Workspace:
        """One that nobody uses, or a new one; its memory is first touched by the thread that will use it."""
        try:
            return self.workspaces.pop()
        except IndexError:
            return _Workspace(self.plan, packing)

    def take_bytes(self) -> NDArray[np.uint8]:
        """The values of a single sample: an array that nobody uses, or a new one."""
        try:
            return self.bytes.pop()
        except IndexError:
            return self.plan.bytes()


class _Workspace:
    """What one thread needs for one block."""

    def __init__(self, plan: EnginePlan, packing: Packing) -> None:
        self.values = plan.values()
        self.scratch = packing.scratch()
        self.counter: NDArray[np.uint64] = aligned((bits.COUNTER_ROWS, bits.WORDS), np.uint64)
        self.totals: NDArray[np.int32] = aligned((2, BLOCK), np.int32)
        self._unpacked: NDArray[np.uint8] | None = None

    def unpacked(self, samples: int, outputs: int) -> NDArray[np.uint8]:
        """Room for the output bits as bytes, made when they are first wanted; `outputs` is the engine's."""
        if self._unpacked is None:
            self._unpacked = aligned((BLOCK, outputs), np.uint8)
        return self._unpacked[:samples]


def _padded(offsets: NDArray[np.uint32], multiple: int) -> NDArray[np.uint32]:
    """Widen (k, n) offsets to a multiple by 0, the row of zeros."""
    width = -(-offsets.shape[1] // multiple) * multiple
    padded = np.zeros((len(offsets), width), np.uint32)
    padded[:, : offsets.shape[1]] = offsets
    return padded
