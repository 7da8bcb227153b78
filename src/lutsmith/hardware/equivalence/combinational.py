"""Whether two netlists without registers are the same function: by trying, and by proof (ABC `&cec`).

A proof by `&cec` is a SAT sweep over both as ANDs and inverters. Its verdict counts only where ABC prints exactly the
line that says so; anything else is an error, and a time limit leaves the question undecided. A counterexample counts
only after both sides were evaluated on it here: without a counterexample, netlists are never called different.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import MAX_RANK, Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.formats.aiger import to_aiger
from lutsmith.hardware import abc
from lutsmith.hardware.equivalence.proof import Proof, Verdict, left, undecided
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

NOT_SHOWN = "ABC says different, and gives no inputs that show it"


def combinational(a: Netlist, b: Netlist, limit: float | None) -> Proof:
    """Decide whether netlists without registers, with equal numbers of inputs and outputs, are the same function."""
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
        (folder / "miter.aig").write_bytes(to_aiger(miter(a, b)))
        try:
            abc.script("read miter.aig; iprove; write_cex inputs.txt", folder, left(limit))
        except ToolTimeout:
            return undecided("abc &cec", "ABC says different, and found no inputs in time that show it")
        except ToolFailed as failure:
            return undecided("abc &cec", f"{NOT_SHOWN}: {str(failure).partition(chr(10))[0]}")
        path = folder / "inputs.txt"
        digits = path.read_text(encoding="ascii", errors="replace").partition("#")[0].strip() if path.is_file() else ""
    if re.fullmatch(rf"[01]{{{a.num_inputs}}}", digits):
        bits = np.array([[digit == "1" for digit in digits]], np.bool_)
        proof = _tried(a, b, bits, "abc &cec")
        if proof is not None:
            return proof
    return undecided("abc &cec", NOT_SHOWN)


def _tried(a: Netlist, b: Netlist, rows: NDArray[np.bool_], method: str) -> Proof | None:
    """Evaluate both on rows of input bits; return the first difference, or None."""
    differ = a.evaluate(rows) != b.evaluate(rows)
    if not differ.any():
        return None
    row = int(differ.any(axis=1).argmax())
    return Proof("different", 0.0, method, rows[row].copy(), output=int(differ[row].argmax()))


def miter(a: Netlist, b: Netlist) -> Netlist:
    """Return the netlist of one output that is 1 where an output of `a` differs from that of `b`, in any cycle."""
    builder = NetlistBuilder(a.num_inputs)
    inputs = np.arange(a.num_inputs, dtype=np.int32)
    ends = [builder.embed(netlist, inputs) for netlist in (a, b)]
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
