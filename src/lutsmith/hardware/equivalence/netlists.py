"""Whether two netlists are the same function: by looking, by trying, and by proof (ABC `&cec`).

A proof by `&cec` is a SAT sweep over both as ANDs and inverters. Its verdict counts only where ABC prints exactly the
line that says so; anything else is an error, and a time limit leaves the question undecided. A counterexample counts
only after both sides were evaluated on it here: without one, netlists are not called different.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import MAX_RANK, Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.formats.aiger import to_aiger
from lutsmith.hardware import abc
from lutsmith.hardware.equivalence.machines import alive, explore, live, run
from lutsmith.hardware.equivalence.proof import Proof, Suspicion, Verdict, joined, left, undecided
from lutsmith.hardware.tools import toolchain
from lutsmith.hardware.tools.tool import LAST_LINES, ToolFailed, ToolTimeout

EXHAUSTIVE_INPUTS = 10
"""Up to so many inputs and register bits all combinations are tried."""

TRIES = 256
"""Random inputs that are tried before a proof: most faults show at once."""

VALUES = 1 << 27
"""Signals times inputs that are evaluated at once: the bytes that it takes."""

_LEGS = ("", "-C 1000000")
"""Options of `&cec`: the second allows more conflicts a node, where the first gives up."""

_NOT_SHOWN = "ABC says different, and gives no inputs that show it"


def netlists(a: Netlist, b: Netlist, limit: float | None) -> Proof:
    """Decide whether two netlists are the same function, and with registers the same machine.

    Registers are matched and cut: what they hold are further inputs, what they take further outputs. If those functions
    are equal, and the registers start alike, the machines are equal. Otherwise only a run from the initial states can
    tell.

    Raises:
        ValueError, ToolMissing, ToolFailed: as `prove` raises them.
    """
    check_sizes(a, b)
    if _identical(a, b):
        return Proof("equal", 0.0, "identical")
    pairs, proofs = _matched(a, b), []
    for pair in pairs:
        proofs.append(_cut(*pair, limit))
        if proofs[-1].verdict != "undecided":
            return proofs[-1]
    return _simulated(*pairs[-1], proofs[0], limit)


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
    """Raise ValueError where netlists have other numbers of inputs or outputs: there is nothing to compare."""
    for what, of_a, of_b in (
        ("inputs", a.num_inputs, b.num_inputs),
        ("outputs", a.outputs.size, b.outputs.size),
    ):
        if of_a != of_b:
            raise ValueError(f"netlists of {of_a} and of {of_b} {what} cannot be compared: make them equal first")


def _cut(a: Netlist, b: Netlist, limit: float | None) -> Proof:
    """Prove machines equal register by register, or say why this does not come out; without registers, decide."""
    if a.num_registers != b.num_registers:
        note = f"{a.num_registers} registers against {b.num_registers}: they cannot be matched"
        return undecided("register by register", note)
    differ = np.flatnonzero(a.register_init != b.register_init)
    if differ.size:
        return undecided("register by register", f"register {differ[0]} starts differently")
    if not a.num_registers:
        return _combinational(a, b, limit)
    points = f"{a.num_registers} registers are cut points"
    proof = _combinational(abc.combinational(a), abc.combinational(b), limit)
    if proof.counterexample is None:
        return replace(proof, note=joined(proof.note, points))
    bits = proof.counterexample.astype(np.bool_)
    what = f"output {proof.output}"
    if proof.output is not None and proof.output >= a.outputs.size:
        what = f"what register {proof.output - a.outputs.size} takes"
    note = f"{points}: {what} differs in a state that is perhaps never reached"
    return undecided(proof.method, note, suspicion=Suspicion(bits[: a.num_inputs], bits[a.num_inputs :]))


def _simulated(a: Netlist, b: Netlist, proof: Proof, limit: float | None) -> Proof:
    """Look for a difference that machines show from their initial states on; without one, return the proof so far."""
    if not a.num_registers and not b.num_registers:
        return proof
    found = explore(a, b, limit)
    if found.complete:
        return Proof("equal", 0.0, "exhaustive", note=f"in all {found.states} states that are reached together")
    if found.trace is not None:
        differ = np.flatnonzero(run(a, found.trace) != run(b, found.trace))
        if differ.size:
            trace, note = found.trace, f"in cycle {len(found.trace)} from the initial state on"
            return Proof("different", 0.0, "simulation", trace[-1].copy(), trace, int(differ[0]), note=note)
    note = f"none of {found.states} states reached from the initial one shows a difference"
    return replace(proof, note=joined(proof.note, note))


def _combinational(a: Netlist, b: Netlist, limit: float | None) -> Proof:
    inputs = a.num_inputs
    rows_at_once = max(1, VALUES // max(a.num_signals, b.num_signals, 1))
    if inputs <= EXHAUSTIVE_INPUTS and 1 << inputs <= rows_at_once:
        every = (np.arange(1 << inputs)[:, None] >> np.arange(inputs) & 1).astype(np.bool_)
        difference = _tried(a, b, every, "exhaustive")
        return Proof("equal", 0.0, "exhaustive") if difference is None else difference
    rows = np.random.default_rng(0).integers(0, 2, (min(TRIES, rows_at_once), inputs)).astype(np.bool_)
    rows[0] = False
    difference = _tried(a, b, rows, "random inputs")
    return _swept(a, b, limit) if difference is None else difference


def _swept(a: Netlist, b: Netlist, limit: float | None) -> Proof:
    """Prove by ABC."""
    with toolchain.workspace() as folder:
        for name, netlist in (("a.aig", a), ("b.aig", b)):
            (folder / name).write_bytes(to_aiger(netlist))
        for options in _LEGS:
            try:
                printed = abc.script(f"&cec {options} a.aig b.aig", folder, left(limit)).stdout
            except ToolTimeout as expired:
                return undecided("abc &cec", str(expired).partition(";")[0])
            verdict = _verdict(printed)
            if verdict == "equal":
                return Proof("equal", 0.0, "abc &cec")
            if verdict == "different":
                return _shown(a, b, printed, limit)
    return undecided("abc &cec", "ABC gave up at its limit of conflicts")


def _verdict(printed: str) -> Verdict:
    """Return what ABC's `&cec` says, which is one line that begins with "Networks are"."""
    said = re.findall(r"^Networks are (equivalent|NOT EQUIVALENT|UNDECIDED)\.(?:  Time = .*)?$", printed, re.MULTILINE)
    verdicts: dict[str, Verdict] = {"equivalent": "equal", "NOT EQUIVALENT": "different", "UNDECIDED": "undecided"}
    if len(said) != 1:
        lines = "\n  ".join(printed.strip().splitlines()[-LAST_LINES:])
        raise ToolFailed(f"ABC's &cec gave no verdict; it printed:\n  {lines}", printed)
    return verdicts[said[0]]


def _shown(a: Netlist, b: Netlist, printed: str, limit: float | None) -> Proof:
    """Return the counterexample of a refuted equality, after both netlists were evaluated on it."""
    vector = re.search(rf"^INPUT: \w+ = {a.num_inputs}'h([0-9A-Fa-f]+)\.", printed, re.MULTILINE)
    if vector:  # input 0 is the lowest bit
        word = int(vector[1], 16)
        bits = np.array([[word >> place & 1 for place in range(a.num_inputs)]], np.bool_)
        proof = _tried(a, b, bits, "abc &cec")
        if proof is not None:
            return proof
    with toolchain.workspace() as folder:  # other versions print no inputs: ask the solver for some
        (folder / "miter.aig").write_bytes(to_aiger(_miter(a, b)))
        try:
            abc.script("read miter.aig; iprove; write_cex inputs.txt", folder, left(limit))
        except ToolTimeout:
            return undecided("abc &cec", "ABC says different, and found no inputs in time that show it")
        except ToolFailed as failure:
            return undecided("abc &cec", f"{_NOT_SHOWN}: {str(failure).partition(chr(10))[0]}")
        path = folder / "inputs.txt"
        digits = path.read_text(encoding="ascii", errors="replace").partition("#")[0].strip() if path.is_file() else ""
    if re.fullmatch(rf"[01]{{{a.num_inputs}}}", digits):
        bits = np.array([[digit == "1" for digit in digits]], np.bool_)
        proof = _tried(a, b, bits, "abc &cec")
        if proof is not None:
            return proof
    return undecided("abc &cec", _NOT_SHOWN)


def _tried(a: Netlist, b: Netlist, rows: NDArray[np.bool_], method: str) -> Proof | None:
    """Evaluate both on rows of input bits; return the first difference, or None."""
    differ = a.evaluate(rows) != b.evaluate(rows)
    if not differ.any():
        return None
    row = int(differ.any(axis=1).argmax())
    return Proof("different", 0.0, method, rows[row].copy(), output=int(differ[row].argmax()))


def _miter(a: Netlist, b: Netlist) -> Netlist:
    """Return the netlist of one output that is 1 where an output of `a` differs from that of `b`."""
    builder = NetlistBuilder(a.num_inputs)
    inputs = np.arange(a.num_inputs, dtype=np.int32)
    ends = [added(builder, netlist, inputs)[netlist.outputs] for netlist in (a, b)]
    layer = builder.lut(np.stack(ends, axis=1), np.full(ends[0].size, 6, np.uint64))
    while layer.size > 1:
        padding = np.full(-layer.size % MAX_RANK, builder.constant(False), np.int32)
        groups = np.concatenate([layer, padding]).reshape(-1, MAX_RANK)
        layer = builder.lut(groups, np.full(len(groups), 2**64 - 2, np.uint64))
    return builder.build(layer)


def added(builder: NetlistBuilder, netlist: Netlist, first: NDArray[np.int32]) -> NDArray[np.int32]:
    """Add the nodes of a netlist whose inputs and registers are the signals `first`; return all its signals."""
    signals = np.concatenate([first, np.zeros(netlist.num_nodes, np.int32)])
    ranks, tables = netlist.ranks, netlist.tables()
    for start, stop in zip(netlist.level_ptr[:-1], netlist.level_ptr[1:], strict=True):
        for rank in np.unique(ranks[start:stop]):
            nodes = start + np.flatnonzero(ranks[start:stop] == rank)
            reads = signals[netlist.fanin[netlist.fanin_ptr[nodes][:, None] + np.arange(rank)]]
            signals[first.size + nodes] = builder.lut(reads, tables[nodes])
    return signals


def _identical(a: Netlist, b: Netlist) -> bool:
    names = ("fanin", "fanin_ptr", "outputs", "register_next", "register_init")
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names) and np.array_equal(
        a.tables(), b.tables()
    )
