"""Netlists with registers as machines: what they depend on, and whether they differ from the initial state on.

The two machines get the same inputs in every cycle. Their joint states are explored from the initial one: with all
inputs where these are few, which decides the question once no state is new, else with random ones.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist
from lutsmith.formats.assembly import assemble
from lutsmith.hardware.equivalence.proof import Proof

ROWS = 1024
"""States times inputs that are evaluated in a round."""

FEW_INPUTS = 8
"""Up to so many inputs, all of their values are tried in each state."""

ROUNDS = 256
"""Rounds, at most: so many cycles deep at least, where inputs are many."""

WORK = 1 << 28
"""Signals times rows that are evaluated in all: some seconds."""


@dataclass(frozen=True)
class Exploration:
    """What was seen.

    Attributes:
        trace: bool (T, I), inputs from the initial state on, after which the outputs differ in the last cycle; or None.
        output: the first output that differs there.
        complete: whether there is no difference: all states were seen, each with all inputs.
        states: how many joint states were seen.
    """

    trace: NDArray[np.bool_] | None
    output: int | None
    complete: bool
    states: int


def live(netlist: Netlist, also: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Return bool (R,), the registers that some output, or a register in `also` (R,), depends on in any clock cycle."""
    return _needed(netlist, also)[netlist.num_inputs : netlist.num_inputs + netlist.num_registers]


def alive(netlist: Netlist, also: NDArray[np.bool_] | None = None) -> Netlist:
    """Return the netlist without its other registers, and without the nodes that only they need.

    It is written apart from `circuit.simplify`, whose results are proved with it.
    """
    first, ranks = netlist.num_inputs + netlist.num_registers, netlist.ranks
    needed = _needed(netlist, also)
    held, kept = needed[netlist.num_inputs : first], needed[first:]
    if held.all():
        return netlist
    needed[: netlist.num_inputs] = True
    number = np.cumsum(needed) - 1
    return assemble(
        netlist.num_inputs,
        netlist.register_init[held],
        ranks[kept],
        number[netlist.fanin[np.repeat(kept, ranks)]],
        netlist.tables()[kept],
        number[netlist.outputs],
        number[netlist.register_next[held]],
    )


def _needed(netlist: Netlist, also: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Return bool (S,), the signals that outputs, and registers in `also`, depend on."""
    first, ranks = netlist.num_inputs + netlist.num_registers, netlist.ranks
    needed = np.zeros(netlist.num_signals, np.bool_)
    found = (
        netlist.outputs
        if also is None
        else np.concatenate([netlist.outputs, netlist.num_inputs + np.flatnonzero(also)])
    )
    found = np.unique(found)
    while found.size:
        needed[found] = True
        nodes = found[found >= first] - first
        count = ranks[nodes]
        slots = np.arange(count.sum()) + np.repeat(netlist.fanin_ptr[nodes] - np.cumsum(count) + count, count)
        registers = found[(found >= netlist.num_inputs) & (found < first)] - netlist.num_inputs
        reads = np.concatenate([netlist.fanin[slots], netlist.register_next[registers]])
        found = np.unique(reads[~needed[reads]])
    return needed


def explore(a: Netlist, b: Netlist, limit: float | None) -> Exploration:
    """Run both machines side by side from their initial states, until outputs differ or nothing is new.

    Args:
        a: one machine.
        b: another of as many inputs and outputs; registers may be others.
        limit: of `time.perf_counter()`; there is always one round.
    """
    rng = np.random.default_rng(0)
    few = a.num_inputs <= FEW_INPUTS
    every = (np.arange(1 << a.num_inputs if few else 0)[:, None] >> np.arange(a.num_inputs) & 1).astype(np.bool_)
    seen = _Seen(np.concatenate([a.register_init, b.register_init]))
    rounds = min(ROUNDS, max(1, WORK // (ROWS * max(a.num_signals, b.num_signals))))
    waiting = [0]
    for _ in range(rounds):
        if few:
            taken, waiting = waiting[: ROWS >> a.num_inputs], waiting[ROWS >> a.num_inputs :]
            origin, inputs = np.repeat(taken, len(every)), np.tile(every, (len(taken), 1))
        else:  # the newest states, so that it goes deep; then any
            taken = waiting[-ROWS // 2 :]
            origin = np.concatenate([taken, rng.integers(0, len(seen), ROWS - len(taken))]).astype(np.int64)
            inputs = rng.integers(0, 2, (ROWS, a.num_inputs)).astype(np.bool_)
            waiting = []
        state = seen.rows(origin)
        ends, following = [], []
        for side, part in ((a, state[:, : a.num_registers]), (b, state[:, a.num_registers :])):
            values = side.evaluate(inputs, keep="all", state=part)
            ends.append(values[:, side.outputs])
            following.append(values[:, side.register_next])
        differ = ends[0] != ends[1]
        if differ.any():
            row = int(differ.any(axis=1).argmax())
            trace = np.stack([*seen.path(int(origin[row])), inputs[row]])
            return Exploration(trace, int(differ[row].argmax()), False, len(seen))
        waiting += seen.add(np.concatenate(following, axis=1), origin, inputs)
        if few and not waiting:
            return Exploration(None, None, True, len(seen))
        if limit is not None and time.perf_counter() > limit:
            break
    return Exploration(None, None, False, len(seen))


def run(netlist: Netlist, trace: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the outputs, bool (O,), in the last of some cycles from the initial state on; inputs are (T, I), T > 0."""
    state, outputs = netlist.register_init, np.zeros(0, np.bool_)
    for inputs in trace:
        values = netlist.evaluate(inputs[None], keep="all", state=state)[0]
        state, outputs = values[netlist.register_next], values[netlist.outputs]
    return outputs


def shown(a: Netlist, b: Netlist, trace: NDArray[np.bool_], method: str) -> Proof | None:
    """Run both machines on inputs (T, I), and return the first difference of their outputs as a proof, or None."""
    states = [a.register_init, b.register_init]
    for cycle, inputs in enumerate(trace, 1):
        values = [
            side.evaluate(inputs[None], keep="all", state=state)[0] for side, state in zip((a, b), states, strict=True)
        ]
        states = [value[side.register_next] for side, value in zip((a, b), values, strict=True)]
        differ = np.flatnonzero(values[0][a.outputs] != values[1][b.outputs])
        if differ.size:
            note = f"in cycle {cycle} from the initial state on"
            return Proof("different", 0.0, method, inputs.copy(), trace[:cycle].copy(), int(differ[0]), note=note)
    return None


class _Seen:
    """Joint states, in the order in which they were seen, and from which state and inputs each came."""

    def __init__(self, initial: NDArray[np.bool_]) -> None:
        self._width = initial.size
        self._packed = [np.packbits(initial).tobytes()]
        self._known = set(self._packed)
        self._origin = [-1]
        self._inputs: list[NDArray[np.bool_]] = [np.zeros(0, np.bool_)]

    def __len__(self) -> int:
        return len(self._packed)

    def rows(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the states of these numbers (N,), bool (N, R)."""
        if not self._width:
            return np.zeros((len(numbers), 0), np.bool_)
        joined = np.frombuffer(b"".join(self._packed[number] for number in numbers.tolist()), np.uint8)
        return np.unpackbits(joined.reshape(len(numbers), -1), axis=1, count=self._width).astype(np.bool_)

    def add(self, states: NDArray[np.bool_], origin: NDArray[np.int64], inputs: NDArray[np.bool_]) -> list[int]:
        """Remember the states (N, R) that are new, and return their numbers."""
        packed = np.packbits(states, axis=1)
        added = []
        for row, word in enumerate(map(bytes, packed)):
            if word not in self._known:
                self._known.add(word)
                added.append(len(self._packed))
                self._packed.append(word)
                self._origin.append(int(origin[row]))
                self._inputs.append(inputs[row].copy())
        return added

    def path(self, number: int) -> list[NDArray[np.bool_]]:
        """Return the inputs (I,) of each cycle from the initial state to one."""
        steps = []
        while number:
            steps.append(self._inputs[number])
            number = self._origin[number]
        return steps[::-1]
