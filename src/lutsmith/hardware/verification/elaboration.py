"""Is a design the circuit? Each part against what the circuit says of it, before any format is written."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.builder import NetlistBuilder
from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.circuit.netlist import Netlist
from lutsmith.hardware.equivalence import prove
from lutsmith.hardware.verification.cones import bypassed, cone, cut, roots
from lutsmith.hardware.verification.report import Check, Verdict
from lutsmith.hardware.verification.specification import (
    encoder_specification,
    label_specification,
    labels_specification,
)
from lutsmith.hardware.verification.sums import NotDecided, expected_sum, sum_of
from lutsmith.logic import is_balanced
from lutsmith.logic.design import Design, Part, Port

NAME = "design"
"""In the column of formats: the logic that the formats are written from."""

Outcome = tuple[Verdict, str]

MAX_BLOCKS = 16
"""Into how many blocks of outputs a proof falls that was too long as a whole."""


def check_design(circuit: Circuit, design: Design, timeout: float) -> Iterator[Check]:
    """Yield a row for each part of a design, and for its registers.

    The encoder is proved against serial comparators, the network against the circuit's netlist; counts and scores are
    proved to be the sums that the head says, by substitution; label and labels as functions of any scores, against a
    serial search. Registers are bypassed, and every path must cross the same number of them.

    Args:
        circuit: without registers of its own.
        design: elaborated from it.
        timeout: seconds for each part.
    """
    for part in design.parts:
        began = time.perf_counter()
        netlist = bypassed(part.netlist)
        if part.name == "encoder" and design.words is not None:
            verdict, reason = proved(netlist, encoder_specification(circuit.encoder, design.words), timeout)
            reason = f"each comparator against a serial one: {reason}"
        elif part.name == "network":
            verdict, reason = proved(netlist, circuit.netlist, timeout)
            reason = f"against the circuit's netlist: {reason}"
        elif part.name == "popcount" and circuit.head is not None:
            verdict, reason = _counts(netlist, part, circuit.head, circuit.netlist.outputs.size, timeout)
        elif circuit.head is not None:
            verdict, reason = _decision(netlist, part, circuit.head, timeout)
        else:
            verdict, reason = "not run", "a part that circuits do not have"
        yield Check(NAME, "formal", part.name, verdict, reason, time.perf_counter() - began)
    if any(part.netlist.num_registers for part in design.parts):
        began = time.perf_counter()
        bad = [part.name for part in design.parts if not is_balanced(part)]
        text = f"every path crosses {design.latency} registers"
        reason = f"not all paths through {', '.join(bad)} cross as many registers" if bad else text
        yield Check(NAME, "formal", "registers", "failed" if bad else "proved", reason, time.perf_counter() - began)


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
            return "failed", f"output {proof.output} differs, found by {proof.method}" if not proof.note else proof.note
        count = min(MAX_BLOCKS, a.outputs.size)
    blocks = np.linspace(0, a.outputs.size, count + 1).astype(int).tolist()
    for start, stop in pairwise(blocks):
        left = limit - time.perf_counter()
        if left <= 0:
            return "not decided", f"no proof of outputs {start} and on within {timeout:g} s"
        block = slice(start, stop)
        proof = prove(cone(a, block), cone(b, block), left)
        if proof.verdict == "different":
            place = start + (proof.output or 0)
            return "failed", f"output {place} differs, found by {proof.method}"
        if proof.verdict != "equal":
            return "not decided", f"no proof of outputs {start} to {stop - 1} within {timeout:g} s"
    return "proved", f"{len(blocks) - 1} blocks of outputs, each by abc &cec"


def words_of(part: Part) -> int:
    """Return into how many words the outputs of a part fall that have nothing to do with each other."""
    return part.outputs[0].count if part.name == "popcount" else 1


def _counts(netlist: Netlist, part: Part, head: Head, outputs: int, timeout: float) -> Outcome:
    group = outputs // head.num_groups
    weights = [({number * group + bit: 1 for bit in range(group)}, 0) for number in range(head.num_groups)]
    return _sums(netlist, part.outputs[0], 0, weights, "count", timeout)


def _decision(netlist: Netlist, part: Part, head: Head, timeout: float) -> Outcome:
    """Prove the scores as sums, then what is made of them."""
    limit = time.perf_counter() + timeout
    counts = part.inputs[0]
    places = {port.name: end - port.size for port, end in zip(part.outputs, _ends(part.outputs), strict=True)}
    port = next((port for port in part.outputs if port.name == "scores"), None)
    if port is None:
        return "not decided", "a design without scores: give one that hands them out"
    verdict, reason = _sums(netlist, port, places["scores"], _affine(head, counts), "score", timeout)
    if verdict != "proved" or len(part.outputs) == 1:
        return verdict, reason
    result = part.outputs[0]
    scores = netlist.outputs[places["scores"] : places["scores"] + port.size]
    specify = label_specification if result.name == "label" else labels_specification
    wanted = specify(port.count, port.width, signed=port.signed)
    behind = _behind(netlist, scores, slice(places[result.name], places[result.name] + result.size), wanted)
    if behind is None:
        return "not decided", f"{reason}; {result.name} reads more than the scores"
    verdict, how = proved(*behind, max(limit - time.perf_counter(), 1.0))
    return verdict, f"{reason}; {result.name} of any scores against a serial search: {how}"


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
            return "not decided", f"{what} {number}: {reason}"
        if found != expected_sum(weights, constant, 1 << port.width):
            return "failed", f"{what} {number} is not the sum that the head says"
    return "proved", f"{len(expected)} {what}s as sums, by substitution"


def _behind(
    netlist: Netlist, scores: NDArray[np.int32], outputs: slice, wanted: Netlist
) -> tuple[Netlist, Netlist] | None:
    """Return outputs as a function of what the scores are made of, and the specification as a function of the same.

    Scores that are constants or the same signal stay so on both sides.
    """
    root, inverted = roots(netlist, scores)
    first = netlist.num_inputs + netlist.num_registers
    node = np.maximum(root - first, 0)
    constant = (root >= first) & (netlist.ranks[node] == 0) if netlist.num_nodes else np.zeros(root.size, np.bool_)
    boundary, place = np.unique(root[~constant], return_inverse=True)
    found = cut(netlist, boundary, outputs)
    if found is None:
        return None
    builder = NetlistBuilder(boundary.size)
    sources = np.zeros(root.size, np.int32)
    sources[~constant] = place
    if constant.any():
        values = netlist.tables()[node[constant]] == 1
        sources[constant] = [builder.constant(bool(value)) for value in values]
    turned = np.flatnonzero(inverted)
    if turned.size:
        sources[turned] = builder.lut(sources[turned][:, None], np.full(turned.size, 0b01, np.uint64))
    return found, builder.build(builder.embed(wanted, sources))


def _ends(ports: tuple[Port, ...]) -> list[int]:
    return [int(end) for end in np.cumsum([port.size for port in ports])]
