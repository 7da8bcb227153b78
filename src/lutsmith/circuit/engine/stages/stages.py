"""The engine in stages: samples are packed once, and a netlist is run on them again and again.

    stages = Stages(encoder, netlist)
    samples = stages.pack(rows)                     input bits, 64 samples a word
    evaluation = stages.evaluate(samples)           every node's row of bits
    evaluation.change([node], [table]).outputs      the cone of a node, and which outputs that changed
    evaluation.undo()

`Blocks` answers all at once and keeps nothing; a search keeps everything and changes little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.engine.packing import Packing
from lutsmith.circuit.engine.plan import aligned
from lutsmith.circuit.engine.stages.evaluation import PackedEvaluation
from lutsmith.circuit.engine.stages.fanout import padded
from lutsmith.circuit.engine.stages.packed import (
    BLOCK,
    WORDS,
    PackedSamples,
    blocks_of,
    clear_tail,
    header,
    row_addresses,
    row_matrix,
)
from lutsmith.circuit.engine.workers import num_threads, share
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.netlist import Netlist, checked_tables
from lutsmith.circuit.rows import as_numbers
from lutsmith.ground.arrays import packed
from lutsmith.kernels.engine import lanes, scattered

TOGETHER = 2
"""Blocks that are packed before they are copied or evaluated: their rows still lie in a cache."""

FEW = 128
"""So few samples are packed sooner without sorting comparators first."""


class Stages:
    """The stages of a circuit's evaluation. Immutable, and safe under concurrent callers.

    Results are those of `Inputs.encode` and `Netlist.evaluate`, bit for bit, for any number of threads.

    Args:
        encoder: what the inputs of the netlist are of a sample; comparators are enough.
        netlist: the LUTs.

    Raises:
        TypeError, ValueError: another type, or the encoder has another number of bits than the netlist has inputs.
    """

    def __init__(self, encoder: Comparators | Inputs, netlist: Netlist) -> None:
        if not isinstance(netlist, Netlist):
            raise TypeError(f"netlist is a {type(netlist).__name__}, expected a Netlist")
        if not isinstance(encoder, Comparators | Inputs):
            raise TypeError(f"encoder is a {type(encoder).__name__}, expected Comparators or Inputs")
        if len(encoder) != netlist.num_inputs:
            raise ValueError(f"the encoder has {len(encoder)} bits, the netlist {netlist.num_inputs} inputs")
        self._inputs, self._netlist = Inputs.of(encoder), netlist

    def pack(self, rows: ArrayLike, *, threads: int | None = None) -> PackedSamples:
        """Encode and pack raw samples.

        Args:
            rows: (N, F) real numbers, any N.
            threads: to use; by default LUTSMITH_NUM_THREADS, else all cores that the process may use.

        Raises:
            TypeError, ValueError: rows of another type or shape.
        """
        samples = self._checked(rows)
        matrix = row_matrix(self._netlist.num_inputs, len(samples))

        def keep(space: NDArray[np.uint64], first: int, count: int) -> None:
            matrix[:, WORDS * first : WORDS * (first + count)] = space[:, : WORDS * count]

        self._share(samples, threads, lambda: keep)
        return PackedSamples(matrix, len(samples))

    def evaluate(
        self,
        samples: PackedSamples,
        *,
        tables: ArrayLike | None = None,
        table_of: ArrayLike | None = None,
        state: ArrayLike | None = None,
        threads: int | None = None,
    ) -> PackedEvaluation:
        """Run the netlist on packed samples: `PackedEvaluation(netlist, samples, ...)`."""
        return PackedEvaluation(self._netlist, samples, tables=tables, table_of=table_of, state=state, threads=threads)

    def node_rows(
        self, rows: ArrayLike, *, tables: ArrayLike | None = None, threads: int | None = None
    ) -> NDArray[np.uint64]:
        """Return every node's values on raw samples in one go, without keeping the bits of inputs.

        Args:
            rows: (N, F) real numbers; registers hold their initial values.
            tables: uint64 (nodes,), to use instead of the netlist's own.
            threads: as for `pack`.

        Returns:
            uint64 (nodes, ceil(N / 64)): bit b of word w is the value on sample 64 w + b, 0 beyond the last sample.

        Raises:
            TypeError, ValueError: an argument of another type or shape.
        """
        samples, netlist = self._checked(rows), self._netlist
        words = self._tables(tables)
        matrix = row_matrix(netlist.num_nodes, len(samples))
        nodes = row_addresses(matrix)

        def begin() -> Callable[[NDArray[np.uint64], int, int], None]:
            registers = self._registers()
            net = self._net(np.zeros(netlist.num_signals, np.int64), words, len(samples))

            def evaluate(space: NDArray[np.uint64], first: int, count: int) -> None:
                sources = np.concatenate([row_addresses(space), row_addresses(registers)])
                net.rows[:] = np.concatenate([sources - first * lanes.ROW_BYTES, nodes])  # they hold these blocks alone
                scattered.evaluate_rows(net, first, first + count)

            return evaluate

        self._share(samples, threads, begin)
        clear_tail(matrix, len(samples))
        return matrix[:, : -(-len(samples) // 64)]

    def signal_rows(
        self, rows: ArrayLike, *, tables: ArrayLike | None = None, memory: int = 1 << 26
    ) -> Iterator[tuple[NDArray[np.uint64], int]]:
        """Yield all signals' values on raw samples, a few thousand samples at a time, in bounded memory.

        Args:
            rows: (N, F) real numbers; registers hold their initial values.
            tables: uint64 (nodes,), to use instead of the netlist's own.
            memory: bytes that the values may take, where 1,024 samples fit in them.

        Yields:
            uint64 (signals + 1, W) and n, the number of samples that its first ceil(n / 64) words hold: their values as
            in `PackedSamples.words`. The last row is 0. All of it is written again for the next samples.

        Raises:
            TypeError, ValueError: an argument of another type or shape.
        """
        samples, signals = self._checked(rows), self._netlist.num_signals
        together = max(1, min(TOGETHER, blocks_of(len(samples)), memory // ((signals + 1) * lanes.ROW_BYTES)))
        values: NDArray[np.uint64] = aligned((signals + 1, WORDS * together), np.uint64)
        inputs = self._netlist.num_inputs
        values[inputs : inputs + self._netlist.num_registers] = self._registers()[:, :1]
        values[-1] = 0
        words = self._tables(tables)
        packing = None if len(samples) <= FEW else self._packing(together)
        scratch = np.empty(0, np.uint8) if packing is None else packing.scratch()
        for start in range(0, len(samples), BLOCK * together):
            part = samples[start : start + BLOCK * together]
            if packing is None:
                values[:inputs, : -(-len(part) // 64)] = packed(self._inputs.encode(part).T)
            else:
                self._pack(packing, part, values, scratch)
            net = self._net(row_addresses(values)[:-1], words, len(part))
            scattered.evaluate_rows(net, 0, net.blocks)
            clear_tail(values[:, : -(-len(part) // 64)], len(part))
            yield values, len(part)

    def _checked(self, rows: ArrayLike) -> NDArray[Any]:
        samples = as_numbers(rows, "rows")
        if samples.ndim != 2 or samples.shape[1] != self._inputs.num_features:
            raise ValueError(f"rows have shape {samples.shape}, expected (samples, {self._inputs.num_features})")
        return samples.view(np.uint8) if samples.dtype == np.bool_ else samples

    def _tables(self, tables: ArrayLike | None) -> NDArray[np.uint64]:
        return self._netlist.tables() if tables is None else checked_tables(tables, self._netlist.num_nodes)

    def _registers(self) -> NDArray[np.uint64]:
        """Rows of the registers' initial values, of a few blocks."""
        initial = self._netlist.register_init
        rows: NDArray[np.uint64] = aligned((initial.size, WORDS * TOGETHER), np.uint64)
        rows[:] = -initial[:, None].astype(np.int64)
        return rows

    def _net(self, rows: NDArray[np.int64], tables: NDArray[np.uint64], num_samples: int) -> scattered.Scattered:
        wires = self._wires, self._netlist.fanin_ptr
        return scattered.Scattered(header(num_samples), rows, *wires, tables, blocks_of(num_samples))

    @cached_property
    def _wires(self) -> NDArray[np.int32]:
        return padded(self._netlist.fanin)

    def _packing(self, together: int) -> Packing:
        """What packs into a matrix of `together` blocks a row."""
        return self._usual if together == TOGETHER else Packing(self._inputs, 0, together)

    @cached_property
    def _usual(self) -> Packing:
        return Packing(self._inputs, 0, TOGETHER)

    def _pack(
        self, packing: Packing, rows: NDArray[Any], space: NDArray[np.uint64], scratch: NDArray[np.uint8]
    ) -> None:
        """Write the bits of samples into the first rows of a matrix as wide as `packing` is for."""
        flat = space.reshape(-1)
        for block in range(blocks_of(len(rows)) if len(self._inputs) else 0):
            place = flat[WORDS * block :]
            place = place[: place.size // WORDS * WORDS].reshape(-1, WORDS)  # begins where the block does
            packing.pack(rows[BLOCK * block : BLOCK * (block + 1)], place, scratch)

    def _share(
        self,
        samples: NDArray[Any],
        threads: int | None,
        begin: Callable[[], Callable[[NDArray[np.uint64], int, int], None]],
    ) -> None:
        """Pack a few blocks at a time on several threads, each with a function of `begin()`, which gets the bits of
        inputs, uint64 (I, WORDS * TOGETHER), the first block that they are, and how many.
        """
        packing, blocks = self._usual, blocks_of(len(samples))

        def work(take: Callable[[], int | None]) -> None:
            space: NDArray[np.uint64] = aligned((self._netlist.num_inputs, WORDS * TOGETHER), np.uint64)
            scratch, finish = packing.scratch(), begin()
            while (piece := take()) is not None:
                first = piece * TOGETHER
                self._pack(packing, samples[BLOCK * first : BLOCK * (first + TOGETHER)], space, scratch)
                finish(space, first, min(TOGETHER, blocks - first))

        share(-(-blocks // TOGETHER), num_threads(threads), work)
