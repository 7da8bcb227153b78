"""Adders and comparators of neurons, emitted into a circuit."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist
from lutsmith.logic.weighted_sums import WeightedSums, WordBounds
from lutsmith.nn.sums.numbers import Block, Ids, Sums

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


MOST_LUTS = 1 << 24
"""LUTs of a circuit with neurons at several places: some six gigabytes, and forty seconds, while it is made."""


class NeuronEmitter:
    """A `counting.Maker` that adds to a circuit. What stands at several places is a part with instances."""

    def __init__(self, builder: CircuitBuilder) -> None:
        self.builder = builder
        self.constants = builder.constant(False), builder.constant(True)

    def blocks(self, sums: Sums) -> list[Block]:
        return sums.blocks(self.constants)

    def words(self, sums: WeightedSums, bits: Ids) -> Ids:
        return self._copies("sums", sums.netlist, bits)

    def compared(self, compared: WordBounds, words: Ids) -> Ids:
        return self._copies("compared", compared.netlist, words)

    def lut(self, inputs: Ids, table: int) -> Ids:
        words = np.array([table], np.uint64)
        return self.builder.lut(inputs, words, np.zeros(len(inputs), np.int64)).astype(np.int64)

    def luts(self, inputs: Ids, tables: NDArray[np.bool_], table_of: NDArray[np.int64]) -> Ids:
        self._check_room(1, len(inputs))
        return self.builder.lut(inputs, tables, table_of).astype(np.int64)

    def _copies(self, kind: str, netlist: Netlist, inputs: Ids) -> Ids:
        """The outputs (P, O) of copies of a netlist that read inputs (P, I)."""
        self._check_room(netlist.num_nodes, len(inputs))
        first, outputs = netlist.num_inputs, netlist.outputs
        made = np.unique(outputs[outputs >= first])
        read = np.unique(netlist.fanin[netlist.fanin < first]).size
        if len(inputs) == 1 or read < first or not made.size:
            if not made.size:
                return inputs[:, outputs]
            return np.stack([self.builder.embed(netlist, row) for row in inputs]).astype(np.int64)
        part = replace(netlist, outputs=made)  # each of its outputs once, and no input
        parts = (part.fanin, part.fanin_ptr, part.tables(), made)
        digest = hashlib.sha256(b"".join(array.tobytes() for array in parts)).hexdigest()[:12]
        found = self.builder.instances(f"{kind}_{digest}", part, inputs).astype(np.int64)
        return np.concatenate([inputs, found], axis=1)[
            :, np.where(outputs < first, outputs, first + np.searchsorted(made, outputs))
        ]

    def _check_room(self, luts: int, copies: int) -> None:
        """Raise ValueError if copies of so many LUTs are too many."""
        before = self.builder.num_luts
        if copies > 1 and before + luts * copies > MOST_LUTS:
            raise ValueError(
                f"{luts:,} LUTs at each of {copies:,} places, with {before:,} before them, are more than the "
                f"{MOST_LUTS:,} of a circuit, in which each place has LUTs of its own; to_stream(model, input_shape) "
                "makes a machine that has them once, and reads a pixel in each clock cycle"
            )
