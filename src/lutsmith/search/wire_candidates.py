"""Which signals an input of a node may read instead of its own: others of the same kind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.engine.stages import PackedEvaluation


class WireCandidates:
    """Draws candidates. In the place of an input of the circuit come others, of images those near it; in the place of
    a node other nodes of its level: layers stay layers.

    Args:
        circuit: whose wires these are.
        count: how many are drawn.
        window: of images, how many pixels they are away at the most; None: any distance.
    """

    def __init__(self, circuit: Circuit, count: int, window: int | None) -> None:
        self._count, self._inputs = count, circuit.netlist.num_inputs
        self._first = circuit.netlist.num_inputs + circuit.netlist.num_registers
        self._levels = circuit.netlist.level_ptr
        self._window = window if len(circuit.input_shape) > 1 else None
        place = np.unravel_index(circuit.inputs.feature, circuit.input_shape)
        self._rows, self._columns = (place[-2], place[-1]) if self._window is not None else (place[0], place[0])

    def of(self, evaluation: PackedEvaluation, node: int, draw: np.random.Generator) -> tuple[int, NDArray[np.int32]]:
        """Return an input of a node, drawn at random, and signals, int32 (k,), that it does not read yet."""
        reads = evaluation.reads(node)
        if not self._count or not len(reads):
            return 0, np.empty(0, np.int32)
        slot = int(draw.integers(len(reads)))
        pool = np.setdiff1d(self._like(int(reads[slot])), reads)
        return slot, draw.choice(pool, min(self._count, pool.size), replace=False).astype(np.int32)

    def _like(self, signal: int) -> NDArray[np.int64]:
        """Signals of the kind of one."""
        if signal >= self._first:
            level = int(np.searchsorted(self._levels, signal - self._first, side="right")) - 1
            return self._first + np.arange(self._levels[level], self._levels[level + 1])
        if self._window is None:
            return np.arange(self._inputs)
        away = [np.abs(places - places[signal]) for places in (self._rows, self._columns)]
        return np.flatnonzero(np.maximum(*away) <= self._window)
