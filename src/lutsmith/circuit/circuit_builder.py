"""The builder of circuits: what the layers of a network lower themselves into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.heads import Head
from lutsmith.circuit.netlist import Netlist, drop_unread_inputs
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.ground.arrays import checked_shape, integers


class CircuitBuilder:
    """What the layers of a network lower themselves into: comparators on the features, LUTs, and a head.

    Args:
        input_shape: the shape of one sample, for example (28, 28) or (13,).

    Attributes:
        features: int32 of shape `input_shape`, the number of each feature: its place in the flattened sample.
    """

    def __init__(self, input_shape: Sequence[int]) -> None:
        self.input_shape = checked_shape(input_shape)
        self.features = np.arange(np.prod(self.input_shape), dtype=np.int32).reshape(self.input_shape)
        self._netlist = NetlistBuilder()
        self._comparators: dict[tuple[int, float], int] = {}
        self._head: tuple[NDArray[np.int32], Head] | None = None

    def compare(self, features: ArrayLike, thresholds: ArrayLike) -> NDArray[np.int32]:
        """Return the signals of `X[:, feature] > threshold` (float32), of the shape both broadcast to.

        Equal pairs share one comparator. Nothing is greater than +inf or NaN: such a signal is the constant 0.

        Raises:
            TypeError, ValueError: features that do not exist, or shapes that do not broadcast.
        """
        checked = integers("features", features, low=0, high=self.features.size)
        with np.errstate(over="ignore"):  # beyond float32 is +inf
            ids, values = np.broadcast_arrays(checked, np.asarray(thresholds).astype(np.float32))
        pairs = list(zip(ids.reshape(-1).tolist(), values.reshape(-1).tolist(), strict=True))  # keys: -0.0 equals 0.0
        new = dict.fromkeys(pair for pair in pairs if pair[1] < np.inf and pair not in self._comparators)
        self._comparators.update(zip(new, self._netlist.input(len(new)).tolist(), strict=True))
        nothing = self._netlist.constant(False)
        signals = np.array([self._comparators.get(pair, nothing) for pair in pairs], np.int32)
        return signals.reshape(ids.shape)

    def constant(self, value: bool) -> int:
        """Return the signal that is always `value`."""
        return self._netlist.constant(value)

    def lut(self, fanin: ArrayLike, tables: ArrayLike, table_of: ArrayLike | None = None) -> NDArray[np.int32]:
        """Add LUTs and return their signals: `NetlistBuilder.lut`."""
        return self._netlist.lut(fanin, tables, table_of)

    def embed(self, netlist: Netlist, inputs: ArrayLike) -> NDArray[np.int32]:
        """Add a whole netlist and return the signals of its outputs: `NetlistBuilder.embed`."""
        return self._netlist.embed(netlist, inputs)

    @property
    def num_luts(self) -> int:
        """How many LUTs there are so far, as the netlist will have them: of rank 1 to 6."""
        return self._netlist.num_luts

    def popcount(self, signals: ArrayLike, num_groups: int, **affine: Any) -> None:
        """Make these signals (O,) the outputs, and the counts in `num_groups` equal groups of them the scores.

        Args:
            signals: int (O,).
            num_groups: G.
            affine: further arguments of `Head`: weights, bias, scale, offset.

        Raises:
            TypeError, ValueError: not signals, a width that `num_groups` does not divide, fields that `Head` refuses,
                scores that int32 might not hold, or a second head.
        """
        if self._head is not None:
            raise ValueError("the circuit already has a head")
        outputs = np.array(signals)
        if outputs.ndim != 1:
            raise ValueError(f"signals has shape {outputs.shape}, expected one dimension")
        head = Head(num_groups, **affine)
        head.check(outputs.size)
        self._head = outputs, head

    def build(self, outputs: ArrayLike | None = None, **fields: Any) -> Circuit:
        """Return the circuit. Comparators that no LUT and no output reads are dropped.

        Args:
            outputs: the signals (O,) that leave the circuit; those given to `popcount` by default.
            fields: further fields of `Circuit`: classes, objective, fitted_range, metadata.

        Raises:
            TypeError, ValueError: no outputs, others than those of the head, or fields that `Circuit` refuses.
        """
        head = None
        if self._head is not None:
            ends, head = self._head
            if outputs is not None and not np.array_equal(ends, outputs):
                raise ValueError("outputs are not the signals that were given to popcount: leave them out")
            outputs = ends
        if outputs is None:
            raise ValueError("the circuit has no outputs: give build() the signals, or call popcount() first")
        netlist, wired = drop_unread_inputs(self._netlist.build(outputs))
        pairs = np.array([*self._comparators], np.float64).reshape(-1, 2)[wired]
        encoder = Comparators(pairs[:, 0].astype(np.int32), pairs[:, 1].astype(np.float32), self.features.size)
        return Circuit(self.input_shape, encoder, netlist, head=head, **fields)
