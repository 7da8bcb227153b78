"""How signals of a circuit may change as a feature goes from one level to the next, whatever the other features are.

A signal is described by the values that it can have before and after the step: a set of pairs. Where few features
decide it, all combinations of their levels are tried, which is exact. Else sets are carried through the netlist, LUT by
LUT, as if the signals that a LUT reads were independent of each other. The result may then include pairs that never
occur, but it leaves out none that does.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.features.functions import CELLS, LevelFunction, cone_of
from lutsmith.circuit.features.levels import FeatureLevels
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.netlist import Netlist

STAYS_0, FALLS, RISES, STAYS_1 = 1, 2, 4, 8
"""Pairs of a value before and after: bit `before + 2 after` of a set."""

STAYS = STAYS_0 | STAYS_1


def changes(inputs: Inputs, netlist: Netlist, levels: FeatureLevels, signals: NDArray[np.int64], most: int = CELLS,
            ) -> NDArray[np.uint8]:  # fmt: skip
    """Return how signals may change at each step of a feature, uint8 (O, L - 1): sets of pairs.

    Args:
        inputs: of the circuit.
        netlist: its LUTs; registers may hold anything.
        levels: of all inputs that are of the feature.
        signals: int64 (O,).
        most: the largest number of combinations of levels that are tried for a signal.
    """
    found = np.full((signals.size, len(levels) - 1), STAYS, np.uint8)
    moved = _reached(netlist, levels.inputs)
    left = []
    for place, signal in enumerate(signals.tolist()):
        if not moved[signal]:
            continue
        function = LevelFunction.of(inputs, netlist, signal, most)
        if function is None:
            left.append(place)
        else:
            found[place] = _steps(function, levels)
    if left:
        found[left] = _propagated(netlist, levels, signals[left])
    return found


def _steps(function: LevelFunction, levels: FeatureLevels) -> NDArray[np.uint8]:
    """The sets of a function at the steps of all levels of a feature, of which it may tell fewer apart."""
    axis = [each.feature for each in function.levels].index(levels.feature)
    own = function.levels[axis]
    values = np.moveaxis(function.values, axis, 0)[: len(own)].reshape(len(own), -1)
    before, after = values[:-1], values[1:]
    pairs = np.zeros(len(own) - 1, np.uint8)
    kinds = ((STAYS_0, ~before & ~after), (FALLS, before & ~after), (RISES, ~before & after), (STAYS_1, before & after))
    for kind, are in kinds:
        pairs |= np.uint8(kind) * are.any(axis=1)
    bits = levels.bits[:, np.searchsorted(levels.inputs, own.inputs)]
    moves = (bits[1:] != bits[:-1]).any(axis=1)
    steps = np.full(moves.size, STAYS, np.uint8)
    steps[moves] = pairs
    return steps


def _propagated(netlist: Netlist, levels: FeatureLevels, signals: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Sets by way of the netlist, LUT by LUT."""
    sets = np.full((netlist.num_signals, len(levels) - 1), STAYS, np.uint8)
    before, after = levels.bits[:-1].T, levels.bits[1:].T
    sets[levels.inputs] = np.uint8(1) << (before + 2 * after.astype(np.uint8))
    first, tables = netlist.num_inputs + netlist.num_registers, netlist.tables()
    wanted = np.unique(np.concatenate([cone_of(netlist, signal)[0] for signal in signals.tolist()]))
    for node in wanted.tolist():
        reads = netlist.fanin[netlist.fanin_ptr[node] : netlist.fanin_ptr[node + 1]]
        if not reads.size:
            sets[first + node] = STAYS_1 if tables[node] else STAYS_0
        else:  # those that the feature does not reach too: they may be constant
            kinds, which = np.unique(sets[reads], axis=1, return_inverse=True)
            told = [_through(int(tables[node]), tuple(kind)) for kind in kinds.T.tolist()]
            sets[first + node] = np.array(told, np.uint8)[which.ravel()]
    found: NDArray[np.uint8] = sets[signals]
    return found


@lru_cache(maxsize=1 << 16)
def _through(table: int, sets: tuple[int, ...]) -> int:
    """The pairs that a LUT's output can have where its inputs have those of some sets."""
    entries = np.array([table >> entry & 1 for entry in range(1 << len(sets))], np.bool_)
    reachable = np.ones((1, 1), np.bool_)  # address before, address after
    for each in reversed(sets):  # input 0 is the least significant bit
        pairs = np.array([[each & STAYS_0, each & RISES], [each & FALLS, each & STAYS_1]]) != 0
        reachable = np.kron(reachable, pairs)
    found = 0
    for before in (0, 1):
        for after in (0, 1):
            if reachable[entries == before][:, entries == after].any():
                found |= 1 << before + 2 * after
    return found


def _reached(netlist: Netlist, inputs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which signals depend on some inputs by their wires, bool (S,); registers hold what they hold."""
    found = np.zeros(netlist.num_signals, np.bool_)
    found[inputs] = True
    first = netlist.num_inputs + netlist.num_registers
    for start, stop in zip(netlist.level_ptr[:-1], netlist.level_ptr[1:], strict=True):
        low, high = netlist.fanin_ptr[start], netlist.fanin_ptr[stop]
        owner = np.repeat(np.arange(start, stop), netlist.ranks[start:stop])
        found[first + owner[found[netlist.fanin[low:high]]]] = True
    return found
