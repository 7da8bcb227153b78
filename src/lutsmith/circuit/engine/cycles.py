"""Circuits with registers, many cycles of many streams: 1,024 streams at a time, one bit each, on all cores.

    for each block of 1,024 streams (blocks are shared among threads):
        the state, one row of bits for each register
        for some cycles at a time:
            pack       the samples of all of these cycles -> rows of bits       kernels.engine.bits
            evaluate   cycle after cycle: inputs in, LUTs, outputs out, state    kernels.engine.lanes
            unpack     the outputs of all of these cycles

The samples of c cycles of a stream lie side by side in memory and are packed as one sample of c F features. Nothing
larger than that is held besides the result. What a stream gives is a function of its state and its samples alone: cut
in two, with the state of one piece handed to the next, it gives the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.cycles import states
from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.engine.packing import Packing
from lutsmith.circuit.engine.plan import EnginePlan, aligned
from lutsmith.circuit.engine.workers import num_threads, share
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.readout import METHODS, Readout
from lutsmith.circuit.rows import as_rows, as_streams
from lutsmith.circuit.words import WordBits, WordFormats
from lutsmith.ground.arguments import one_of, whole_number
from lutsmith.kernels.engine import bits, lanes

STAGED = 512
"""Rows of bits that are packed, and unpacked, at once; with more comparators or outputs, those of one cycle."""

MOST = 64
"""Cycles that are packed at once, at most."""

MAX_CYCLES = 1 << 31


class Machine:
    """Runs a circuit with registers. Immutable, and safe under concurrent callers.

    Results are those of `circuit.cycles.evaluate_cycles` on the bits of `inputs.encode`, and of `said` on its outputs,
    bit for bit.

    Args:
        inputs: what the inputs of the netlist are of a sample; comparators are enough.
        netlist: the LUTs and registers.
        said: what is made of the outputs of a cycle; by default the bits are the result.
        input_shape: of one sample; by default (F,).
    """

    def __init__(
        self,
        inputs: Inputs | Comparators,
        netlist: Netlist,
        said: Readout | None = None,
        input_shape: tuple[int, ...] | None = None,
    ) -> None:
        self._inputs, self._netlist = Inputs.of(inputs), netlist
        self._said = Readout(None, None, None) if said is None else said
        self._input_shape = (self._inputs.num_features,) if input_shape is None else input_shape

    def run(
        self,
        X: ArrayLike,
        cycles: int | None = None,
        *,
        state: ArrayLike | None = None,
        method: Literal["predict", "predict_labels", "decision_function", "outputs"] = "predict",
        return_state: bool = False,
        threads: int | None = None,
    ) -> Any:
        """Return what the circuit says in each cycle of some streams, and if wanted its state after the last.

        Args:
            X: (N, T, *input_shape) or (N, T, F) numbers: T samples, one a cycle, of each of N streams. With `cycles`,
                (N, *input_shape) or (N, F): one sample, held for so many cycles.
            cycles: T, where samples are held.
            state: bool (N, R) or (R,), what the registers hold before the first cycle; their initial values by default.
            method: what is wanted of each cycle: of the arrays that the method of this name gives, (N, ...), these
                are the ones (N, T, ...); or a dict of such.
            return_state: whether to return (result, state), with bool (N, R): what the registers hold after the last
                cycle, and so before the next.
            threads: by default LUTSMITH_NUM_THREADS, else all cores that the process may use.

        Raises:
            TypeError, ValueError: X holds no real numbers or has another shape; a state that is not one bit for each
                register; another method, one that the circuit's head has no answer for, or cycles below 0.
        """
        one_of("method", method, METHODS)
        self._said.check(method)
        if cycles is None:
            streams = as_streams(X, self._input_shape)
        else:
            count = whole_number("cycles", cycles, 0, MAX_CYCLES, "clock cycles")
            rows = as_rows(X, self._input_shape)
            streams = np.broadcast_to(rows[:, None], (len(rows), count, rows.shape[1]))
        final = states(self._netlist, state, len(streams))
        shape = (len(streams), streams.shape[1])

        def answer(outputs: NDArray[np.bool_]) -> Any:
            return self._said.of_outputs(method, outputs)

        result = _room(answer(np.zeros((0, self._netlist.outputs.size), np.bool_)), shape)
        if all(shape):
            self._run(streams, cycles is not None, final, answer, result, threads)
        return (result, final) if return_state else result

    @cached_property
    def _program(self) -> _Program:
        return _Program(self._inputs, self._netlist)

    def _run(
        self,
        streams: NDArray[Any],
        held: bool,
        state: NDArray[np.bool_],
        answer: Callable[[NDArray[np.bool_]], Any],
        result: Any,
        threads: int | None,
    ) -> None:
        """Run all streams; `state` and `result` are written."""
        program = self._program
        blocks = -(-len(streams) // bits.BLOCK)

        def work(take: Callable[[], int | None]) -> None:
            space = _Workspace(program)
            while (index := take()) is not None:
                part = slice(index * bits.BLOCK, (index + 1) * bits.BLOCK)
                space.load(state[part])
                for start in range(0, streams.shape[1], program.together):
                    cycles = slice(start, min(start + program.together, streams.shape[1]))
                    said = space.step(streams[part, cycles], held)
                    _put(
                        result,
                        (part, cycles),
                        said.shape[:2],
                        answer(said.reshape(said.shape[0] * said.shape[1], said.shape[2])),
                    )
                state[part] = space.state(len(state[part]))

        share(blocks, num_threads(threads), work)


class _Program:
    """The plan of a machine: where inputs, outputs and registers lie, and what packs the samples of some cycles."""

    def __init__(self, inputs: Inputs, netlist: Netlist) -> None:
        self._inputs, self.netlist = inputs, netlist
        ends = np.concatenate([netlist.outputs, netlist.register_next])
        self.plan = EnginePlan(replace(netlist, outputs=ends), fixed=True)
        self.tables = self.plan.tables()
        self.output_rows, self.next_rows = np.split(self.plan.output_rows, [netlist.outputs.size])
        self.first_input = self.plan.input_rows.start
        self.first_register = self.plan.input_rows.stop
        self.together = min(max(STAGED // max(netlist.num_inputs, netlist.outputs.size, 1), 1), MOST)
        self._packings: dict[int, tuple[Packing, NDArray[np.int64] | None]] = {}

    def packing(self, cycles: int) -> tuple[Packing, NDArray[np.int64] | None]:
        """What packs the samples of so many cycles side by side, and which of its rows the inputs of the first are,
        those of the second, and so on: int64 (cycles I,); None where they come in this order.
        """
        if cycles not in self._packings:
            kinds = self._inputs.split(np.arange(len(self._inputs)))
            first = np.cumsum([0, *(cycles * kind.size for kind in kinds[:-1])])
            rows = [
                start + np.arange(cycles * kind.size).reshape(cycles, kind.size)
                for start, kind in zip(first, kinds, strict=True)
            ]
            order = None if self._inputs.are_comparators else np.concatenate(rows, axis=1).reshape(-1)
            self._packings[cycles] = Packing(repeated(self._inputs, cycles), 0), order
        return self._packings[cycles]


class _Workspace:
    """What one thread needs for one block of streams."""

    def __init__(self, program: _Program) -> None:
        self._program = program
        self._values = program.plan.values()
        self._kept = np.empty((program.next_rows.size, lanes.WORDS), np.uint64)
        self._scratch: dict[int, NDArray[np.uint8]] = {}

    @property
    def _registers(self) -> NDArray[np.uint64]:
        first = self._program.first_register
        return self._values[first : first + self._program.next_rows.size]

    def load(self, state: NDArray[np.bool_]) -> None:
        """Let the registers hold a state (n, R)."""
        packed = np.packbits(state.T, axis=1, bitorder="little")
        octets = np.zeros((self._kept.shape[0], lanes.ROW_BYTES), np.uint8)
        octets[:, : packed.shape[1]] = packed
        self._registers[:] = octets.view(np.uint64)

    def state(self, count: int) -> NDArray[np.bool_]:
        """Return what the registers of the first `count` streams hold, bool (count, R)."""
        octets = np.ascontiguousarray(self._registers).view(np.uint8)
        held = np.unpackbits(octets.reshape(-1, lanes.ROW_BYTES), axis=1, bitorder="little", count=count)
        return held.T.astype(np.bool_)

    def step(self, samples: NDArray[Any], held: bool) -> NDArray[np.bool_]:
        """Run some cycles, and return the outputs, bool (n, c, O).

        Args:
            samples: (n, c, F).
            held: whether those of the first cycle are meant in all of them.
        """
        program, (count, cycles, _) = self._program, samples.shape
        packed = 1 if held else cycles
        packing, order = program.packing(packed)
        if packed not in self._scratch:
            self._scratch[packed] = packing.scratch()
        inputs, outputs = program.netlist.num_inputs, program.output_rows.size
        given = aligned((packed * inputs, lanes.WORDS), np.uint64)
        if inputs:
            packing.pack(samples[:, :packed].reshape(count, -1), given, self._scratch[packed])
        if order is not None:
            given = given[order]
        made = aligned((cycles * outputs, lanes.WORDS), np.uint64)
        lanes.evaluate_cycles(
            self._values,
            program.plan.fanin,
            program.tables,
            program.plan.groups,
            given.reshape(packed, inputs, lanes.WORDS),
            program.first_input,
            program.output_rows,
            made.reshape(cycles, outputs, lanes.WORDS),
            program.next_rows,
            self._kept,
            program.first_register,
        )
        if not outputs:
            return np.zeros((count, cycles, 0), np.bool_)
        offsets = np.zeros(-(-len(made) // 64) * 64, np.uint32)
        offsets[: len(made)] = np.arange(len(made)) * lanes.ROW_BYTES
        unpacked = aligned((-(-count // 64) * 64, offsets.size), np.uint8)
        bits.unpack(made, offsets, self._scratch[packed][: bits.SCRATCH], unpacked)
        return unpacked[:count, : len(made)].reshape(count, cycles, outputs).view(np.bool_)


def repeated(inputs: Inputs, cycles: int) -> Inputs:
    """Return the inputs of `cycles` samples side by side, kind by kind: comparators of the first, of the second, ..."""
    compared, features, words = inputs.comparators, inputs.num_features, inputs.words

    def tiled(feature: NDArray[np.int32]) -> NDArray[np.int32]:
        return (np.arange(cycles)[:, None] * features + feature).reshape(-1).astype(np.int32)

    comparators = Comparators(tiled(compared.feature), np.tile(compared.threshold, cycles), cycles * features)
    if words is None:
        return Inputs(comparators, None, tiled(inputs.missing))
    formats = words.formats
    each = (formats.bits, formats.signed, formats.offset, formats.per_unit)
    wide = WordFormats.of(tiled(formats.feature), *(np.tile(values, cycles) for values in each))
    return Inputs(comparators, WordBits(tiled(words.feature), np.tile(words.bit, cycles), wide), tiled(inputs.missing))


def _room(answer: Any, shape: tuple[int, int]) -> Any:
    """Return room for what `answer` is of no samples at all, (0, ...) or a dict of such, in each cycle of streams."""
    if isinstance(answer, dict):
        return {name: _room(part, shape) for name, part in answer.items()}
    return np.zeros((*shape, *answer.shape[1:]), answer.dtype)


def _put(room: Any, place: tuple[slice, slice], shape: tuple[int, ...], answer: Any) -> None:
    """Write an answer (n c, ...) on streams and cycles of this shape (n, c)."""
    if isinstance(answer, dict):
        for name, part in answer.items():
            _put(room[name], place, shape, part)
    else:
        room[place] = answer.reshape(*shape, *answer.shape[1:])
