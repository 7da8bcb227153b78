"""Are two netlists, or two circuits, the same function? By looking, by trying, and by proof (ABC `&cec`).

A proof by `&cec` is a SAT sweep over both as ANDs and inverters. Its verdict counts only where ABC prints exactly the
line that says so; anything else is an error, and a time limit leaves the question undecided. A counterexample counts
only after both sides were evaluated on it here.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.builder import NetlistBuilder
from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.netlist import MAX_RANK, Netlist
from lutsmith.formats.aiger import to_aiger
from lutsmith.hardware import abc, toolchain
from lutsmith.hardware.toolchain import ToolFailed, ToolTimeout

TIMEOUT = 600.0
"""Seconds for a proof, unless told otherwise."""

EXHAUSTIVE_INPUTS = 10
"""Up to so many inputs and register bits all combinations are tried."""

TRIES = 256
"""Random inputs that are tried before a proof: most faults show at once."""

VALUES = 1 << 27
"""Signals times inputs that are evaluated at once: the bytes that it takes."""

Verdict = Literal["equal", "different", "undecided"]

_LEGS = ("", "-C 1000000")
"""Options of `&cec`: the second allows more conflicts a node, where the first gives up."""


@dataclass(frozen=True)
class Proof:
    """What is known of two functions.

    Attributes:
        verdict: "equal" is proved, "different" has a counterexample or a reason in `note`, "undecided" ran out of time
            or of ABC's patience.
        seconds: that it took in all.
        method: how it was decided: "identical", "exhaustive", "random inputs", "abc &cec".
        counterexample: input bits (I,) of netlists, or a sample (F,) of circuits, float32, on which the sides differ;
            evaluated here.
        state: bool (R,), what the registers hold in the counterexample; None without registers.
        output: the first output that differs there; from the number of outputs on, what registers take.
        note: what else is to be said.
    """

    verdict: Verdict
    seconds: float
    method: str
    counterexample: NDArray[np.bool_] | NDArray[np.float32] | None = None
    state: NDArray[np.bool_] | None = None
    output: int | None = None
    note: str = ""

    @property
    def equal(self) -> bool:
        """Whether equality is proved."""
        return self.verdict == "equal"

    def __bool__(self) -> bool:
        return self.equal

    def __str__(self) -> str:
        at = "" if self.output is None else f" at output {self.output}"
        return f"{self.verdict}{at} ({self.method}, {self.seconds:.2f} s){f': {self.note}' if self.note else ''}"


@overload
def prove(a: Netlist, b: Netlist, timeout: float | None = TIMEOUT) -> Proof: ...
@overload
def prove(a: Circuit, b: Circuit, timeout: float | None = TIMEOUT) -> Proof: ...
def prove(a: Netlist | Circuit, b: Netlist | Circuit, timeout: float | None = TIMEOUT) -> Proof:
    """Decide whether `a` and `b` are the same function.

    Netlists: inputs, outputs and registers correspond in order. Registers are cut points: equal means that outputs and
    next values are equal whatever the registers hold, and that they start alike. Circuits: comparators correspond by
    feature and threshold, whatever their order, and may be missing on a side; if need be only inputs count that samples
    can make (x > 3 implies x > 2). Heads and tasks must be equal.

    Args:
        a: a netlist or a circuit.
        b: another of the same kind.
        timeout: seconds for the proof; None waits for ever.

    Raises:
        TypeError: a netlist and a circuit, or neither.
        ValueError: they have different numbers of inputs (features) or outputs: there is nothing to compare; or a
            timeout that is negative or NaN.
        ToolMissing: ABC is needed and not there.
        ToolFailed: ABC printed anything else than a verdict.
    """
    began = time.perf_counter()
    if timeout is not None and not timeout >= 0:
        raise ValueError(f"timeout is {timeout}, expected seconds, 0 or more, or None")
    limit = None if timeout is None else began + timeout
    if isinstance(a, Netlist) and isinstance(b, Netlist):
        proof = _netlists(a, b, limit)
    elif isinstance(a, Circuit) and isinstance(b, Circuit):
        proof = _circuits(a, b, limit)
    else:
        raise TypeError(f"cannot compare {type(a).__name__} with {type(b).__name__}: give two netlists or two circuits")
    return replace(proof, seconds=time.perf_counter() - began)


def _netlists(a: Netlist, b: Netlist, limit: float | None) -> Proof:
    for what, left, right in (
        ("inputs", a.num_inputs, b.num_inputs),
        ("outputs", a.outputs.size, b.outputs.size),
    ):
        if left != right:
            raise ValueError(f"netlists of {left} and of {right} {what} cannot be compared: make them equal first")
    if a.num_registers != b.num_registers:
        note = f"{a.num_registers} registers against {b.num_registers}: they cannot be matched"
        return Proof("different", 0.0, "register by register", note=note)
    differ = np.flatnonzero(a.register_init != b.register_init)
    if differ.size:
        return Proof("different", 0.0, "register by register", note=f"register {differ[0]} starts differently")
    if _identical(a, b):
        return Proof("equal", 0.0, "identical")
    proof = _combinational(abc.combinational(a), abc.combinational(b), limit)
    if a.num_registers:
        note = "; ".join(filter(None, [proof.note, f"{a.num_registers} registers are cut points"]))
        state = None
        bits = proof.counterexample
        if bits is not None:
            bits, state = bits[: a.num_inputs], bits[a.num_inputs :].astype(np.bool_)
        proof = replace(proof, counterexample=bits, state=state, note=note)
    return proof


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
                printed = abc.script(f"&cec {options} a.aig b.aig", folder, _left(limit)).stdout
            except ToolTimeout as expired:
                return Proof("undecided", 0.0, "abc &cec", note=str(expired).partition(";")[0])
            verdict = _verdict(printed)
            if verdict == "equal":
                return Proof("equal", 0.0, "abc &cec")
            if verdict == "different":
                return _shown(a, b, printed, limit)
    return Proof("undecided", 0.0, "abc &cec", note="ABC gave up at its limit of conflicts")


def _verdict(printed: str) -> Verdict:
    """Return what ABC's `&cec` says, which is one line that begins with "Networks are"."""
    said = re.findall(r"^Networks are (equivalent|NOT EQUIVALENT|UNDECIDED)\.(?:  Time = .*)?$", printed, re.MULTILINE)
    verdicts: dict[str, Verdict] = {"equivalent": "equal", "NOT EQUIVALENT": "different", "UNDECIDED": "undecided"}
    if len(said) != 1:
        lines = "\n  ".join(printed.strip().splitlines()[-toolchain.LAST_LINES :])
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
            abc.script("read miter.aig; iprove; write_cex inputs.txt", folder, _left(limit))
        except ToolTimeout:
            return Proof(
                "undecided", 0.0, "abc &cec", note="ABC says different and found no inputs in time that show it"
            )
        path = folder / "inputs.txt"
        digits = path.read_text(encoding="ascii", errors="replace").partition("#")[0].strip() if path.is_file() else ""
    if re.fullmatch(rf"[01]{{{a.num_inputs}}}", digits):
        bits = np.array([[digit == "1" for digit in digits]], np.bool_)
        proof = _tried(a, b, bits, "abc &cec")
        if proof is not None:
            return proof
    raise ToolFailed("ABC says that the netlists differ, and gives no inputs on which they do", printed)


def _tried(a: Netlist, b: Netlist, rows: NDArray[np.bool_], method: str) -> Proof | None:
    """Evaluate both on rows of input bits; return the first difference, or None."""
    differ = a.evaluate(rows) != b.evaluate(rows)
    if not differ.any():
        return None
    row = int(differ.any(axis=1).argmax())
    return Proof("different", 0.0, method, rows[row].copy(), None, int(differ[row].argmax()))


def _circuits(a: Circuit, b: Circuit, limit: float | None) -> Proof:
    if a.encoder.num_features != b.encoder.num_features:
        features = f"{a.encoder.num_features} and of {b.encoder.num_features} features"
        raise ValueError(f"circuits of {features} cannot be compared: make them equal first")
    for what, left, right in (("task", a.task, b.task), ("head", a.head, b.head), ("classes", a.classes, b.classes)):
        if left != right:
            return Proof("different", 0.0, "compared", note=f"the {what} of one is {left!r}, of the other {right!r}")
    comparators, places = _united(a.encoder, b.encoder)
    netlists = [_wired(side.netlist, place, len(comparators)) for side, place in zip((a, b), places, strict=True)]
    proof = _netlists(netlists[0], netlists[1], limit)
    if proof.counterexample is not None and not _possible(comparators, proof.counterexample.astype(np.bool_)):
        ordered = [_ordered(netlist, comparators) for netlist in netlists]
        proof = _netlists(ordered[0], ordered[1], limit)
        proof = replace(proof, note="; ".join(filter(None, [proof.note, "on inputs that samples can make"])))
        if proof.counterexample is not None:
            bits = proof.counterexample.astype(np.bool_)
            proof = replace(proof, counterexample=_closed(comparators, bits))
    if proof.counterexample is None:
        return proof
    sample = _sample(comparators, proof.counterexample.astype(np.bool_))
    return replace(proof, counterexample=sample)


def _united(a: Comparators, b: Comparators) -> tuple[Comparators, list[NDArray[np.int32]]]:
    """Return the comparators of both, each once, by feature and threshold; and the place of each of a and of b."""
    pairs = np.stack(
        [
            np.concatenate([a.feature, b.feature]).astype(np.float64),
            np.concatenate([a.threshold, b.threshold]).astype(np.float64) + 0.0,  # -0 is 0
        ],
        axis=1,
    )
    distinct, place = np.unique(pairs, axis=0, return_inverse=True)
    numbers = place.reshape(-1).astype(np.int32)
    united = Comparators(distinct[:, 0].astype(np.int32), distinct[:, 1].astype(np.float32), a.num_features)
    return united, [numbers[: len(a)], numbers[len(a) :]]


def _wired(netlist: Netlist, place: NDArray[np.int32], inputs: int) -> Netlist:
    """Return the netlist on `inputs` inputs, of which input i of the old one is place[i]."""
    rest = np.arange(inputs, inputs + netlist.num_signals - netlist.num_inputs, dtype=np.int32)
    number = np.concatenate([place, rest])
    return replace(
        netlist,
        num_inputs=inputs,
        fanin=number[netlist.fanin],
        outputs=number[netlist.outputs],
        register_next=number[netlist.register_next],
    )


def _possible(comparators: Comparators, bits: NDArray[np.bool_]) -> bool:
    """Whether some sample makes these bits of sorted comparators: above a threshold is above all lower ones."""
    return np.array_equal(_closed(comparators, bits), bits)


def _closed(comparators: Comparators, bits: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the bits that `_ordered` makes of `bits`."""
    closed = bits & (comparators.threshold < np.inf)
    for place in range(len(comparators) - 2, -1, -1):
        if comparators.feature[place] == comparators.feature[place + 1]:
            closed[place] |= closed[place + 1]
    return closed


def _ordered(netlist: Netlist, comparators: Comparators) -> Netlist:
    """Return the netlist behind gates that turn any bits into some that a sample can make, and keep those that are.

    Of the sorted thresholds of a feature, bit i becomes the OR of bits i, i + 1, ...; nothing is above +inf.
    """
    builder = NetlistBuilder(len(comparators))
    signals = np.arange(len(comparators), dtype=np.int32)
    signals[comparators.threshold == np.inf] = builder.constant(False)
    above = np.zeros(len(comparators), np.int64)  # how many thresholds of the feature are higher
    for place in range(len(comparators) - 2, -1, -1):
        if comparators.feature[place] == comparators.feature[place + 1]:
            above[place] = above[place + 1] + 1
    for step in range(1, int(above.max(initial=0)) + 1):
        places = np.flatnonzero(above == step)
        made = builder.lut(
            np.stack([signals[places], signals[places + 1]], axis=1), np.full(places.size, 14, np.uint64)
        )
        signals[places] = made
    state = builder.register(netlist.num_registers, netlist.register_init)
    values = _added(builder, netlist, np.concatenate([signals, state]))
    builder.connect(state, values[netlist.register_next])
    return builder.build(values[netlist.outputs])


def _sample(comparators: Comparators, bits: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return a sample, float32 (F,), that makes these possible bits of sorted comparators; features unread are 0."""
    sample = np.zeros(comparators.num_features, np.float32)
    lowest = np.flatnonzero(np.diff(comparators.feature, prepend=-1))
    sample[comparators.feature[lowest]] = comparators.threshold[lowest]  # not above it
    with np.errstate(over="ignore"):
        above = np.nextafter(comparators.threshold, np.float32(np.inf))
    for place in np.flatnonzero(bits).tolist():  # the highest of a feature comes last
        sample[comparators.feature[place]] = above[place]
    return sample


def _miter(a: Netlist, b: Netlist) -> Netlist:
    """Return the netlist of one output that is 1 where an output of `a` differs from that of `b`."""
    builder = NetlistBuilder(a.num_inputs)
    inputs = np.arange(a.num_inputs, dtype=np.int32)
    ends = [_added(builder, netlist, inputs)[netlist.outputs] for netlist in (a, b)]
    layer = builder.lut(np.stack(ends, axis=1), np.full(ends[0].size, 6, np.uint64))
    while layer.size > 1:
        padding = np.full(-layer.size % MAX_RANK, builder.constant(False), np.int32)
        groups = np.concatenate([layer, padding]).reshape(-1, MAX_RANK)
        layer = builder.lut(groups, np.full(len(groups), 2**64 - 2, np.uint64))
    return builder.build(layer)


def _added(builder: NetlistBuilder, netlist: Netlist, first: NDArray[np.int32]) -> NDArray[np.int32]:
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
    names = ("fanin", "fanin_ptr", "outputs", "register_next")
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names) and np.array_equal(
        a.tables(), b.tables()
    )


def _left(limit: float | None) -> float | None:
    return None if limit is None else max(limit - time.perf_counter(), 0.001)
