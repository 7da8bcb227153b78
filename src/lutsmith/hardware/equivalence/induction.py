"""Machines proved equal by induction over cycles, with registers matched by what they hold when the machines run.

Registers of both machines that hold the same in every cycle of some runs are assumed to be equal, and those that stay 0
to be constant. That is proved, or refined, by induction: all registers start alike, and if they are equal in a cycle,
what they take next is equal too (ABC `&cec`). A counterexample to the step separates those registers that differ in it.
The assumptions that remain hold in all cycles, and the outputs have to be equal under them (C. A. J. van Eijk,
"Sequential equivalence checking based on structural similarities", 2000; here of registers alone). So the order of
registers does not matter, and a register may be there twice, or hold the inverse of another if it starts as the
inverse.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.hardware.equivalence.combinational import added, combinational
from lutsmith.hardware.equivalence.machines import WORK, shown
from lutsmith.hardware.equivalence.proof import Proof, undecided

RUNS, CYCLES = 64, 64
"""Runs of random inputs, and how many cycles they take, at most."""

ROWS = 256
"""Random states that split registers before a proof is tried."""


def corresponding(a: Netlist, b: Netlist, limit: float | None) -> Proof:
    """Prove two machines equal register by register, whatever their order; or find a run in which they differ."""
    both = _joined(zero_started(a), zero_started(b))
    seen = _run(a, b, both, limit)
    if isinstance(seen, Proof):
        return seen
    pair = _Pair(both, a.outputs.size)
    classes = split(np.zeros(both.num_registers, np.int64), seen)
    rng = np.random.default_rng(0)
    while limit is None or time.perf_counter() < limit:
        rows = rng.integers(0, 2, (min(ROWS, pair.rows_at_once), pair.width(classes))).astype(np.bool_)
        finer = split(classes, pair.following(classes, rows))
        if not np.array_equal(finer, classes):
            classes = finer
            continue
        proof = combinational(*pair.step(classes), limit)
        counts = f"{a.num_registers} and {b.num_registers} registers"
        if proof.verdict == "equal":
            groups = f"{counts} hold {int(classes.max(initial=0))} values besides constants"
            return replace(proof, note=f"by induction over cycles: {groups}")
        if proof.counterexample is None:
            return undecided(proof.method, f"induction: {proof.note}")
        if proof.output is not None and proof.output < a.outputs.size:
            return undecided(proof.method, f"outputs do not follow from which of {counts} are equal")
        finer = split(classes, pair.following(classes, proof.counterexample[None].astype(np.bool_)))
        if np.array_equal(finer, classes):
            return undecided(proof.method, "induction: a counterexample distinguishes no registers")
        classes = finer
    return undecided("induction", "no time was left to match registers")


def zero_started(netlist: Netlist) -> Netlist:
    """Return the machine whose registers all start as 0: those that started as 1 hold the inverse."""
    ones = np.flatnonzero(netlist.register_init)
    if not ones.size:
        return netlist
    builder = NetlistBuilder(netlist.num_inputs)
    state = builder.register(netlist.num_registers)
    held, inverter = state.copy(), np.full(ones.size, 0b01, np.uint64)
    held[ones] = builder.lut(state[ones][:, None], inverter)
    values = added(builder, netlist, np.concatenate([np.arange(netlist.num_inputs, dtype=np.int32), held]))
    following = values[netlist.register_next]
    following[ones] = builder.lut(following[ones][:, None], inverter)
    builder.connect(state, following)
    return builder.build(values[netlist.outputs])


def split(classes: NDArray[np.int64], seen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return classes (R,) of registers split by what was seen in them (N, R). Class 0 is of those that were never 1."""
    keys = [(int(own), column.tobytes()) for own, column in zip(classes, np.packbits(seen, axis=0).T, strict=True)]
    nothing = (0, bytes(-(-len(seen) // 8)))
    numbers = {nothing: 0}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)


@dataclass(frozen=True)
class _Pair:
    """Two machines with the same inputs as one netlist, whose first outputs are those of the first machine.

    Attributes:
        netlist: all registers start as 0.
        outputs: of each machine.
    """

    netlist: Netlist
    outputs: int

    @property
    def rows_at_once(self) -> int:
        """States that are evaluated at once, to bound memory."""
        return max(1, WORK // (8 * max(self.netlist.num_signals, 1)))

    def width(self, classes: NDArray[np.int64]) -> int:
        """Inputs of `step`: those of the machines, and one for each class but 0."""
        return self.netlist.num_inputs + int(classes.max(initial=0))

    def following(self, classes: NDArray[np.int64], rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return what the registers take (N, R) in some states in which all of a class are equal."""
        inputs = rows[:, : self.netlist.num_inputs]
        held = np.concatenate([np.zeros((len(rows), 1), np.bool_), rows[:, self.netlist.num_inputs :]], axis=1)
        values = self.netlist.evaluate(inputs, keep="all", state=held[:, classes])
        return values[:, self.netlist.register_next]

    def step(self, classes: NDArray[np.int64]) -> tuple[Netlist, Netlist]:
        """Return what has to be equal: outputs to outputs, what registers take to what the first of a class does."""
        builder = NetlistBuilder(self.width(classes))
        inputs = np.arange(self.netlist.num_inputs, dtype=np.int32)
        nothing = builder.constant(False)
        held = np.append(np.int32(nothing), self.netlist.num_inputs + np.arange(classes.max(initial=0), dtype=np.int32))
        values = added(builder, self.netlist, np.concatenate([inputs, held[classes]]))
        first = np.full(held.size, -1)
        _, places = np.unique(classes, return_index=True)
        first[classes[places]] = places
        following = values[self.netlist.register_next]
        others = np.flatnonzero((classes == 0) | (first[classes] != np.arange(classes.size)))
        wanted = np.where(classes[others] == 0, nothing, following[first[classes[others]]])
        ends = values[self.netlist.outputs]
        left = np.concatenate([ends[: self.outputs], following[others]])
        right = np.concatenate([ends[self.outputs :], wanted])
        return builder.build(left), builder.build(right)


def _joined(a: Netlist, b: Netlist) -> Netlist:
    builder = NetlistBuilder(a.num_inputs)
    inputs = np.arange(a.num_inputs, dtype=np.int32)
    return builder.build(np.concatenate([builder.embed(side, inputs) for side in (a, b)]))


def _run(a: Netlist, b: Netlist, both: Netlist, limit: float | None) -> Proof | NDArray[np.bool_]:
    """Return what all registers hold in some runs (N, R), or a difference that they show.

    Inputs are ones with another probability in each run, so that rare events happen.
    """
    rng = np.random.default_rng(0)
    cycles = max(1, min(CYCLES, WORK // (RUNS * max(both.num_signals, 1))))
    often = rng.choice([0.5, 0.05, 0.95], RUNS)[:, None]
    state = np.zeros((RUNS, both.num_registers), np.bool_)
    inputs: list[NDArray[np.bool_]] = []
    seen = [state[:1]]
    for _ in range(cycles):
        inputs.append(rng.random((RUNS, both.num_inputs)) < often)
        values = both.evaluate(inputs[-1], keep="all", state=state)
        ends = values[:, both.outputs]
        differ = (ends[:, : a.outputs.size] != ends[:, a.outputs.size :]).any(axis=1)
        if differ.any():
            trace = np.stack([row[int(differ.argmax())] for row in inputs])
            proof = shown(a, b, trace, "simulation")
            if proof is not None:
                return proof
        state = values[:, both.register_next]
        seen.append(state)
        if limit is not None and time.perf_counter() > limit:
            break
    return np.concatenate(seen)
