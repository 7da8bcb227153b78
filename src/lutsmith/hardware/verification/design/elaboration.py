"""Is a design the circuit? Each part against what the circuit says of it, before any format is written."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.formats.assembly import CycleError
from lutsmith.hardware.equivalence import prove
from lutsmith.hardware.tools.tool import ToolError, ToolMissing, ToolTimeout
from lutsmith.hardware.verification.design.cones import behind, bypassed, cone
from lutsmith.hardware.verification.design.specification import (
    Ports,
    counts_specification,
    encoder_specification,
    label_specification,
    labels_specification,
    ports_specification,
)
from lutsmith.hardware.verification.design.sums import NotDecided, expected_sum, sum_of
from lutsmith.hardware.verification.report import DESIGN, Check, Verdict
from lutsmith.logic import is_balanced
from lutsmith.logic.design import Design, Part, Port
from lutsmith.logic.words import Words

Outcome = tuple[Verdict, str]

MAX_BLOCKS = 16
"""Into how many blocks of outputs a proof falls that was too long as a whole."""

TRIES = 256
"""Random inputs on which a sum is tried whose proof does not come out."""


def check_design(
    circuit: Circuit, design: Design, timeout: float, *, head: bool = True, scores: bool = True
) -> Iterator[Check]:
    """Yield a row for the ports of a design, for each of its parts, and for its registers.

    Parts, their order, ports, widths and signs, classes and objective must be exactly those that follow from the
    circuit and the words. The encoder is proved against serial comparators, the network against the circuit's netlist;
    counts and scores are proved to be the sums that the head says, by substitution, in words of the specified width,
    which hold every sum; label and labels as functions of any scores, against a serial search. Registers are bypassed,
    and every path must cross the same number of them; those of a circuit that has a state are matched with its own.

    A tool that is missing makes the rows "not run" that need it, one that fails or takes too long "not decided": no
    `ToolError` is raised.

    Args:
        circuit: any.
        design: elaborated from it. Without `words`, it begins with the bits of the comparators.
        timeout: seconds for each part.
        head: whether the design should have popcounts and the decision, if the circuit has a head.
        scores: whether scores should be handed out beside a label or labels.
    """
    began = time.perf_counter()
    specified = ports_specification(circuit, design.words, head=head, scores=scores)
    problem = _ports_problem(circuit, design, specified)
    text = f"{len(specified)} parts, their ports, widths and signs, classes and objective are those of the circuit"
    verdict: Verdict = "failed" if problem else "proved"
    yield Check(DESIGN, "formal", "ports", verdict, problem or text, time.perf_counter() - began)
    known = {ports.name: ports for ports in specified}
    for part in design.parts:
        began = time.perf_counter()
        verdict, reason = _checked(circuit, design.words, part, known.get(part.name), timeout)
        yield Check(DESIGN, "formal", part.name, verdict, reason, time.perf_counter() - began)
    if design.latency or any(part.netlist.num_registers for part in design.parts):
        began = time.perf_counter()
        stateful = circuit.netlist.num_registers > 0  # then its network was compared, registers and all
        bad = [
            part.name
            for part in design.parts
            if not (part.latency == 0 if stateful and part.name == "network" else is_balanced(part))
        ]
        text = f"every path crosses {design.latency} registers" + (", but for the circuit's own" if stateful else "")
        reason = f"not all paths through {', '.join(bad)} cross as many registers" if bad else text
        yield Check(DESIGN, "formal", "registers", "failed" if bad else "proved", reason, time.perf_counter() - began)


def _ports_problem(circuit: Circuit, design: Design, specified: tuple[Ports, ...]) -> str:
    """Return what of a design, seen from outside, is not as it should be, or nothing."""
    names, wanted = [part.name for part in design.parts], [ports.name for ports in specified]
    if names != wanted:
        return f"the parts are {', '.join(names)}, specified are {', '.join(wanted)}"
    for part, ports in zip(design.parts, specified, strict=True):
        for kind, found, right in (("takes", part.inputs, ports.inputs), ("gives", part.outputs, ports.outputs)):
            if found != right:
                return f"{part.name} {kind} {_listed(found)}, specified is {_listed(right)}"
    if design.words is not None and design.words.num_features != circuit.encoder.num_features:
        return f"words of {design.words.num_features} features for a circuit of {circuit.encoder.num_features}"
    if design.objective != circuit.objective:
        return f"the objective is {design.objective!r}, that of the circuit {circuit.objective!r}"
    if _typed(design.classes) != _typed(circuit.classes):
        return f"the classes are {design.classes!r}, those of the circuit {circuit.classes!r}"
    return ""


def _listed(ports: tuple[Port, ...]) -> str:
    return ", ".join(f"{port.count} words {port.name} of {port.width} {'signed ' * port.signed}bits" for port in ports)


def _typed(classes: tuple[object, ...] | None) -> list[tuple[type, object]] | None:
    return None if classes is None else [(type(name), name) for name in classes]


def _checked(circuit: Circuit, words: Words | None, part: Part, ports: Ports | None, timeout: float) -> Outcome:
    """Return what is known of one part."""
    if ports is None:
        return "not run", "a part that the design should not have"
    sizes = part.netlist.num_inputs, part.netlist.outputs.size
    if sizes != ports.sizes:
        return "failed", f"{sizes[0]} bits to {sizes[1]}, specified are {ports.sizes[0]} to {ports.sizes[1]}"
    try:
        if part.name == "network":
            netlist = part.netlist if circuit.netlist.num_registers else bypassed(part.netlist)
            verdict, reason = proved(netlist, circuit.netlist, timeout)
            return verdict, f"against the circuit's netlist: {reason}"
        netlist = bypassed(part.netlist)
        if part.name == "encoder" and words is not None:
            if words.num_features != circuit.encoder.num_features:
                return "failed", f"words of {words.num_features} features"
            verdict, reason = proved(netlist, encoder_specification(circuit.encoder, words), timeout)
            return verdict, f"each comparator against a serial one: {reason}"
        if circuit.head is None:
            return "not run", "a part that the design should not have"
        size = circuit.netlist.outputs.size // circuit.head.num_groups
        if part.name == "popcount":
            return _counts(netlist, ports, circuit.head, size, timeout)
        return _decision(netlist, ports, circuit.head, size, circuit.objective, timeout)
    except CycleError:
        return "failed", "its registers feed themselves"
    except ToolMissing as missing:
        return "not run", str(missing)
    except ToolTimeout as slow:
        return "not decided", str(slow).partition(";")[0]
    except ToolError as problem:
        return "not decided", str(problem).partition("\n")[0]


def proved(a: Netlist, b: Netlist, timeout: float, words: int = 1) -> Outcome:
    """Decide whether two netlists are the same function: as a whole, or where this takes too long, block by block.

    With more than one of `words`, into which the outputs fall equally, each is a block from the start: counts of
    different classes share nothing, and a proof of all at once runs away.
    """
    limit = time.perf_counter() + timeout
    count = min(words, a.outputs.size)
    if count <= 1:
        proof = prove(a, b, timeout / 2)
        if proof.verdict == "equal":
            return "proved", proof.method
        if proof.verdict == "different":
            return "failed", f"output {proof.output} differs, found by {proof.method}"
        count = min(MAX_BLOCKS, a.outputs.size)
    blocks = np.linspace(0, a.outputs.size, count + 1).astype(int).tolist()
    methods: dict[str, None] = {}
    for start, stop in pairwise(blocks):
        left = limit - time.perf_counter()
        if left <= 0:
            return "not decided", f"no proof of outputs {start} and on within {timeout:g} s"
        block = slice(start, stop)
        proof = prove(cone(a, block), cone(b, block), left)
        methods[proof.method] = None
        if proof.verdict == "different":
            return "failed", f"output {start + (proof.output or 0)} differs, found by {proof.method}"
        if proof.verdict != "equal":
            return "not decided", f"no proof of outputs {start} to {stop - 1} within {timeout:g} s: {proof.note}"
    return "proved", f"{len(blocks) - 1} blocks of outputs, each by {' or '.join(methods)}"


def words_of(part: Part) -> int:
    """Return into how many words the outputs of a part fall that have nothing to do with each other."""
    return part.outputs[0].count if part.name == "popcount" else 1


def _counts(netlist: Netlist, ports: Ports, head: Head, size: int, timeout: float) -> Outcome:
    weights = [({number * size + bit: 1 for bit in range(size)}, 0) for number in range(head.num_groups)]
    return _sums(netlist, ports.outputs[0], 0, weights, "count", timeout)


def _decision(netlist: Netlist, ports: Ports, head: Head, size: int, objective: str | None, timeout: float) -> Outcome:
    """Prove the scores as sums, then what is made of them."""
    limit = time.perf_counter() + timeout
    counts, port, result = ports.inputs[0], ports.outputs[-1], ports.outputs[0]
    if port.name != "scores":
        return "not decided", "a design without scores: give one that hands them out"
    start = sum(each.size for each in ports.outputs[:-1])
    verdict, reason = _sums(netlist, port, start, _affine(head, counts), "score", timeout)
    if verdict != "proved" or start == 0:
        return verdict, reason
    scores, results = slice(start, start + port.size), slice(0, start)
    specify = labels_specification if objective == "multilabel" else label_specification
    wanted = specify(port.count, port.width, signed=port.signed)
    inner = behind(netlist, netlist.outputs[scores], results, wanted)
    if inner is not None:
        verdict, how = proved(*inner, max(limit - time.perf_counter(), 1.0))
        if verdict != "failed":
            return verdict, f"{reason}; {result.name} of any scores against a serial search: {how}"
    # It reads other signals, or differs on scores that there may never be. The scores were just proved: behind them, as
    # a function of the counts that a group can have.
    possible = counts_specification(counts, size)
    sides: list[Netlist] = []
    for part in (cone(netlist, results), cone(netlist, scores)):
        builder = NetlistBuilder(counts.size)
        signals = builder.embed(part, builder.embed(possible, np.arange(counts.size)))
        sides.append(builder.build(builder.embed(wanted, signals) if sides else signals))
    verdict, how = proved(sides[0], sides[1], max(limit - time.perf_counter(), 1.0))
    return verdict, f"{reason}; {result.name} of any counts against a serial search: {how}"


def _affine(head: Head, counts: Port) -> list[tuple[dict[int, int], int]]:
    """Return the weight of each bit of the counts, and the constant, of each score."""
    weights = np.eye(head.num_groups, dtype=np.int64) if head.weights is None else head.weights
    rows = []
    for number, row in enumerate(weights):
        used = np.flatnonzero(row).tolist()
        each = {
            group * counts.width + place: int(row[group]) << place for group in used for place in range(counts.width)
        }
        rows.append((each, 0 if head.bias is None else int(head.bias[number])))
    return rows


def _sums(
    netlist: Netlist,
    port: Port,
    start: int,
    expected: list[tuple[dict[int, int], int]],
    what: str,
    timeout: float,
) -> Outcome:
    """Prove that each word of a port, whose first output is `start`, is a weighted sum of the inputs."""
    deadline = time.monotonic() + timeout
    for number, (weights, constant) in enumerate(expected):
        place = start + number * port.width
        bits = netlist.outputs[place : place + port.width].tolist()
        try:
            found = sum_of(netlist, bits, 1 << port.width, deadline)
        except NotDecided as reason:
            if _tried(netlist, bits, weights, constant):
                return "failed", f"{what} {number} is not the sum that the head says, on random inputs"
            return "not decided", f"{what} {number}: {reason}"
        if found != expected_sum(weights, constant, 1 << port.width):
            return "failed", f"{what} {number} is not the sum that the head says"
    return "proved", f"{len(expected)} {what}s as sums, by substitution"


def _tried(netlist: Netlist, signals: list[int], weights: dict[int, int], constant: int) -> bool:
    """Whether a number that signals make up is seen not to be `constant + sum weights[input] * input`."""
    rows = np.random.default_rng(0).integers(0, 2, (TRIES, netlist.num_inputs)).astype(np.bool_)
    rows[:1], rows[1:2] = False, True
    bits = netlist.evaluate(rows, keep="all")[:, signals]
    found = bits.astype(np.int64) @ (np.int64(1) << np.arange(len(signals), dtype=np.int64))
    sums = rows[:, list(weights)].astype(np.int64) @ np.array(list(weights.values()), np.int64) + constant
    return bool((found != sums % (1 << len(signals))).any())
