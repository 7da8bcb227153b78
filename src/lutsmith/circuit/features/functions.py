"""A signal as an exact function of the levels of the features that it depends on, in plain NumPy."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.features.levels import FeatureLevels, inputs_by_feature
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.netlist import Netlist

CELLS = 1 << 16
"""Combinations of levels that are gone through for a signal."""


AXES = 32
"""Features that a signal depends on at the most: an array has so many axes."""


@dataclass(frozen=True, eq=False)
class LevelFunction:
    """A signal as a function of levels.

    Attributes:
        levels: those of the features that it depends on by its wires, one for each axis.
        tells_missing: for each feature, whether the last place of its axis is the missing value. It has a place of its
            own where it differs from the lowest numbers.
        values: bool, the signal; axis a has a place for each level of feature a.
    """

    levels: tuple[FeatureLevels, ...]
    tells_missing: tuple[bool, ...]
    values: NDArray[np.bool_]

    @classmethod
    def of(cls, inputs: Inputs, netlist: Netlist, signal: int, most: int = CELLS) -> LevelFunction | None:
        """Return a signal's function; None where it depends on registers, on words too long to go through, or on more
        than `most` combinations of levels.
        """
        nodes, read = cone_of(netlist, signal)
        if read.size and read[-1] >= netlist.num_inputs:
            return None
        found = []
        for which in inputs_by_feature(inputs, read).values():
            level = FeatureLevels.of(inputs, which)
            if level is None:
                return None
            found.append(level)
        gone = [bool((each.missing != each.bits[0]).any()) for each in found]
        shape = tuple(len(each) + more for each, more in zip(found, gone, strict=True))
        if math.prod(shape) > most or len(shape) > AXES:
            return None
        values: dict[int, NDArray[np.bool_]] = {}
        for axis, (each, more) in enumerate(zip(found, gone, strict=True)):
            bits = np.concatenate([each.bits, each.missing[None]]) if more else each.bits
            own = [1] * len(shape)
            own[axis] = len(bits)
            values.update({place: bits[:, i].reshape(own) for i, place in enumerate(each.inputs.tolist())})
        first, tables = netlist.num_inputs + netlist.num_registers, netlist.tables()
        for node in nodes.tolist():
            reads = netlist.fanin[netlist.fanin_ptr[node] : netlist.fanin_ptr[node + 1]].tolist()
            table = (int(tables[node]) >> np.arange(1 << len(reads)).astype(object) & 1).astype(np.bool_)
            address = np.zeros((1,) * len(shape), np.int64)
            for slot, place in enumerate(reads):
                address = address | values[place].astype(np.int64) << slot
            values[first + node] = table[address]
        return cls(tuple(found), tuple(gone), np.broadcast_to(values[signal], shape))


def cone_of(netlist: Netlist, signal: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the nodes that a signal depends on by its wires, itself included; and the inputs and registers."""
    first = netlist.num_inputs + netlist.num_registers
    seen, waiting = {signal}, [signal]
    while waiting:
        node = waiting.pop() - first
        if node >= 0:
            new = set(netlist.fanin[netlist.fanin_ptr[node] : netlist.fanin_ptr[node + 1]].tolist()) - seen
            seen |= new
            waiting.extend(new)
    signals = np.array(sorted(seen), np.int64)
    return signals[signals >= first] - first, signals[signals < first]
