"""Whether two netlists are the same function, and with registers the same machine, by whatever decides it.

Registers are cut where they can be matched, machines are run, and ABC's engines for machines are asked. A method that
finds a difference has to give inputs, and they count only after both machines were run on them here.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lutsmith.circuit.netlist import Netlist
from lutsmith.hardware import abc
from lutsmith.hardware.equivalence.combinational import combinational
from lutsmith.hardware.equivalence.induction import corresponding
from lutsmith.hardware.equivalence.machines import alive, explore, live, shown
from lutsmith.hardware.equivalence.proof import Proof, Suspicion, joined, share, undecided
from lutsmith.hardware.equivalence.sequential import bounded, by_abc


def netlists(a: Netlist, b: Netlist, limit: float | None) -> Proof:
    """Decide whether two netlists are the same function, and with registers the same machine.

    First registers are matched in order and cut: what they hold are further inputs, what they take further outputs. If
    those functions are equal, and the registers start alike, the machines are equal. Then they are matched by what they
    hold when they run (`induction`), in any order, inverted or twice. Then small machines are run through all of their
    states, and ABC is asked. Where nothing decides, it is shown for how many cycles they are equal.

    Raises:
        ValueError, ToolMissing, ToolFailed: as `prove` raises them.
    """
    check_sizes(a, b)
    if a.same_as(b):
        return Proof("equal", 0.0, "identical")
    pairs = _matched(a, b)
    sides = pairs[-1]
    if not sides[0].num_registers and not sides[1].num_registers:
        return combinational(*sides, limit)
    steps = [*((_cut, pair, 0.5) for pair in pairs), (corresponding, sides, 0.3), (_explored, sides, 0.3)]
    proofs: list[Proof] = []
    for step, machines, part in (*steps, (by_abc, sides, 0.8), (bounded, sides, 1.0)):
        proofs.append(step(*machines, share(limit, part)))
        if proofs[-1].verdict != "undecided":
            return proofs[-1]
    first, last, notes = proofs[0], proofs[-1], dict.fromkeys(proof.note for proof in proofs)
    return replace(last, note=joined(*notes), suspicion=first.suspicion)


def _matched(a: Netlist, b: Netlist) -> list[tuple[Netlist, Netlist]]:
    """Return the machines with registers matched in order: those that matter on a side, then those that do on each.

    The first keeps a register that one side has no use for any more, as synthesis finds. The second matches whatever
    order is left once a side has dropped what it does not need.
    """
    each = alive(a), alive(b)
    if a.num_registers != b.num_registers:
        return [each]
    kept, some = live(a) | live(b), np.zeros(a.num_registers, np.bool_)
    while not np.array_equal(kept, some):
        some = kept
        kept = live(a, some) | live(b, some)
    if each[0].num_registers == each[1].num_registers == np.count_nonzero(kept):
        return [each]
    return [(alive(a, kept), alive(b, kept)), each]


def check_sizes(a: Netlist, b: Netlist) -> None:
    """Raise ValueError where the netlists differ in the number of inputs or outputs: there is nothing to compare."""
    for what, of_a, of_b in (
        ("inputs", a.num_inputs, b.num_inputs),
        ("outputs", a.outputs.size, b.outputs.size),
    ):
        if of_a != of_b:
            raise ValueError(f"netlists of {of_a} and of {of_b} {what} cannot be compared: make them equal first")


def _cut(a: Netlist, b: Netlist, limit: float | None) -> Proof:
    """Prove machines equal register by register, or say why this does not come out."""
    if a.num_registers != b.num_registers:
        note = f"{a.num_registers} registers against {b.num_registers}: they cannot be matched"
        return undecided("register by register", note)
    differ = np.flatnonzero(a.register_init != b.register_init)
    if differ.size:
        return undecided("register by register", f"register {differ[0]} starts differently")
    points = f"{a.num_registers} registers are cut points"
    proof = combinational(abc.combinational(a), abc.combinational(b), limit)
    if proof.counterexample is None:
        return replace(proof, note=joined(proof.note, points))
    bits = proof.counterexample.astype(np.bool_)
    what = f"output {proof.output}"
    if proof.output is not None and proof.output >= a.outputs.size:
        what = f"what register {proof.output - a.outputs.size} takes"
    note = f"{points}: {what} differs in a state that is perhaps never reached"
    return undecided(proof.method, note, suspicion=Suspicion(bits[: a.num_inputs], bits[a.num_inputs :]))


def _explored(a: Netlist, b: Netlist, limit: float | None) -> Proof:
    """Run machines side by side from their initial states, until they differ or all states were seen."""
    found = explore(a, b, limit)
    if found.complete:
        return Proof("equal", 0.0, "exhaustive", note=f"in all {found.states} states that are reached together")
    proof = None if found.trace is None else shown(a, b, found.trace, "simulation")
    return proof or undecided("simulation", f"none of {found.states} states reached in runs shows a difference")
