"""Machines compared by ABC's engines for machines, and cycle by cycle as far as the time goes.

ABC gets one machine, whose only output is 1 where the outputs of the two differ. A verdict counts only where its
`print_status` says it. A trace counts only after both machines were run on it here.
"""

from __future__ import annotations

import re
import time

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist, with_inputs
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.formats.aiger import to_aiger
from lutsmith.hardware import abc
from lutsmith.hardware.equivalence.combinational import NOT_SHOWN, added, combinational, miter
from lutsmith.hardware.equivalence.induction import zero_started
from lutsmith.hardware.equivalence.machines import shown
from lutsmith.hardware.equivalence.proof import Proof, joined, left, share, undecided
from lutsmith.hardware.tools import toolchain
from lutsmith.hardware.tools.tool import LAST_LINES, ToolFailed

LEGS = ("dprove", "pdr")
"""ABC's engines for machines: a portfolio (signal correspondence, retiming, interpolation), and IC3."""

MAX_CYCLES = 1024
"""Cycles that are unrolled, at most."""

MAX_NODES = 1 << 20
"""Nodes of a machine that is unrolled, at most."""


def by_abc(a: Netlist, b: Netlist, limit: float | None) -> Proof:
    """Decide by ABC whether two machines have the same outputs in all cycles, if it can."""
    notes = []
    inputs = max(a.num_inputs, 1)  # without any, its engines crash
    sides = [with_inputs(zero_started(side), np.arange(side.num_inputs), inputs) for side in (a, b)]
    with toolchain.workspace() as folder:
        (folder / "miter.aig").write_bytes(to_aiger(miter(*sides)))
        for number, leg in enumerate(LEGS):
            commands = f"read miter.aig; {leg}; print_status; write_cex -a {leg}.txt"
            try:
                printed = abc.script(commands, folder, left(share(limit, 1 / (len(LEGS) - number)))).stdout
                said = status(printed)
            except ToolFailed as failure:  # the next one may do better
                notes.append(str(failure).partition(";")[0].partition("\n")[0])
                continue
            if said == 1:
                return Proof("equal", 0.0, f"abc {leg}")
            if said == 0:
                path = folder / f"{leg}.txt"
                trace = _trace(path.read_text(encoding="ascii", errors="replace") if path.is_file() else "", inputs)
                proof = None if trace is None else shown(a, b, trace[:, : a.num_inputs], f"abc {leg}")
                return proof or undecided(f"abc {leg}", NOT_SHOWN)
            notes.append(f"abc {leg} gave up")
    return undecided("abc", joined(*notes))


def status(printed: str) -> int:
    """Return what ABC's `print_status` says: 1 is never, 0 is that the output can be 1, -1 is not known.

    Raises:
        ToolFailed: it prints none of these.
    """
    said = re.findall(r"^Status = (-1|0|1) +Frames = ", printed, re.MULTILINE)
    if len(said) != 1:
        lines = "\n  ".join(printed.strip().splitlines()[-LAST_LINES:])
        raise ToolFailed(f"ABC gave no verdict on a machine; it printed:\n  {lines}", printed)
    return int(said[0])


def _trace(text: str, inputs: int) -> NDArray[np.bool_] | None:
    """Return the inputs (T, I) of a trace of ABC: a line of the state, then one of each cycle; None if it is none."""
    lines = text.split("#")[0].split("\n")[1:-1]
    if not lines or any(not re.fullmatch(rf"[01]{{{inputs}}}", line) for line in lines):
        return None
    return np.array([[digit == "1" for digit in line] for line in lines], np.bool_)


def bounded(a: Netlist, b: Netlist, limit: float | None) -> Proof:
    """Compare machines in the first 1, 2, 4, ... cycles, until they differ, or time or memory runs out: never
    "equal".
    """
    cycles, done, note = 1, 0, ""
    while cycles <= MAX_CYCLES and cycles * max(a.num_nodes, b.num_nodes) <= MAX_NODES:
        if limit is not None and time.perf_counter() > limit:
            break
        proof = combinational(unrolled(a, cycles), unrolled(b, cycles), limit)
        if proof.counterexample is not None:
            trace = proof.counterexample.astype(np.bool_).reshape(cycles, a.num_inputs)
            shows = shown(a, b, trace, proof.method)
            if shows is not None:
                return shows
        if not proof.equal:
            note = proof.note or NOT_SHOWN
            break
        cycles, done = 2 * cycles, cycles
    said = f"no difference within {done} cycle{'s' if done != 1 else ''} from the initial state on"
    return undecided("bounded", joined(note, said), cycles=done)


def unrolled(netlist: Netlist, cycles: int) -> Netlist:
    """Return the netlist from the inputs of some cycles, cycle after cycle, to the outputs in all of them."""
    inputs = netlist.num_inputs
    builder = NetlistBuilder(inputs * cycles)
    state = np.array([builder.constant(bool(init)) for init in netlist.register_init], np.int32)
    ends = [np.zeros(0, np.int32)]
    for cycle in range(cycles):
        given = np.arange(inputs * cycle, inputs * (cycle + 1), dtype=np.int32)
        values = added(builder, netlist, np.concatenate([given, state]))
        state = values[netlist.register_next]
        ends.append(values[netlist.outputs])
    return builder.build(np.concatenate(ends))
