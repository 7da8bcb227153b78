"""The heads of a design: proofs that counts and scores are the sums that they should be, and that decisions follow from
any scores.
"""

from __future__ import annotations

import time

import numpy as np

from lutsmith.circuit.heads import Head
from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.circuit.results import IntegerHead
from lutsmith.hardware.verification.design.cones import behind, cone
from lutsmith.hardware.verification.design.functions import Outcome, proved
from lutsmith.hardware.verification.design.specification import (
    HeadSpecification,
    Ports,
    counts_specification,
    label_specification,
    labels_specification,
)
from lutsmith.logic.design import Port
from lutsmith.logic.sums import NotDecided, expected_sum, sum_of

TRIES = 256
"""Random inputs on which a sum is tried whose proof does not come out."""

Heads = tuple[HeadSpecification, ...]


def counts_checked(netlist: Netlist, ports: Ports, heads: Heads, timeout: float) -> Outcome:
    """Prove that each count is the sum of the bits of its group, and that bits of integers go through as they are."""
    said, start = [], 0
    for each, port in zip(heads, ports.outputs, strict=True):
        if isinstance(each.head, Head):
            weights = [
                ({each.first + number * each.size + bit: 1 for bit in range(each.size)}, 0)
                for number in range(port.count)
            ]
            verdict, reason = _sums(netlist, port, start, weights, "count", timeout)
        else:
            wanted = np.arange(each.first, each.first + each.outputs)
            verdict, reason = _wires(netlist, slice(start, start + port.size), wanted, timeout)
        if verdict != "proved":
            return verdict, f"{port.name}: {reason}"
        said.append(reason)
        start += port.size
    return "proved", _joined(said)


def decision_checked(netlist: Netlist, ports: Ports, heads: Heads, timeout: float) -> Outcome:
    """Prove the scores of each head as sums, then what is made of them; and that integers are their bits."""
    said = []
    results, outputs = iter(ports.outputs), 0
    entering = ports.inputs[0].name == "outputs"
    first = 0
    for each in heads:
        begin = each.first if entering else first
        if isinstance(each.head, IntegerHead):
            length = sum(word.bits for word in each.head.words)
            places = begin + np.arange(each.outputs).reshape(-1, length)
            offset = 0
            for word in each.head.words:
                port = next(results)
                wanted = places[:, offset : offset + word.bits].reshape(-1)
                verdict, reason = _wires(netlist, slice(outputs, outputs + port.size), wanted, timeout)
                if verdict != "proved":
                    return verdict, f"{port.name}: {reason}"
                offset, outputs = offset + word.bits, outputs + port.size
            said.append(reason)
        else:
            own = [next(results)]
            if not own[0].name.endswith("scores"):
                own.append(next(results, own[0]))
            verdict, reason = _decision(netlist, ports.inputs, each, begin, own, outputs, timeout)
            if verdict != "proved":
                return verdict, f"{each.prefix}{reason}" if each.prefix else reason
            said.append(reason)
            outputs += sum(port.size for port in own)
        first += each.counts.size
    return "proved", _joined(said)


def _joined(said: list[str]) -> str:
    return "; ".join(dict.fromkeys(said))


def _wires(netlist: Netlist, outputs: slice, inputs: np.ndarray, timeout: float) -> Outcome:
    """Prove that outputs are these inputs."""
    builder = NetlistBuilder(netlist.num_inputs)
    verdict, reason = proved(cone(netlist, outputs), builder.build(inputs), timeout)
    return verdict, f"bits of words as they are: {reason}"


def _decision(
    netlist: Netlist,
    entering: tuple[Port, ...],
    each: HeadSpecification,
    begin: int,
    own: list[Port],
    start: int,
    timeout: float,
) -> Outcome:
    """Prove one head: its inputs begin at `begin`, its outputs at `start`."""
    limit = time.perf_counter() + timeout
    assert isinstance(each.head, Head)
    result, port = own[0], own[-1]
    if not port.name.endswith("scores"):
        return "not decided", "a design without scores: give one that hands them out"
    offset = sum(other.size for other in own[:-1])
    weights = _affine(each.head, each, begin)
    verdict, reason = _sums(netlist, port, start + offset, weights, "score", timeout)
    if verdict != "proved" or offset == 0:
        return verdict, reason
    scores, results = slice(start + offset, start + offset + port.size), slice(start, start + offset)
    if each.objective == "multilabel":
        wanted = labels_specification(port.count, port.width, signed=port.signed)
    else:
        one = label_specification(port.count // each.places, port.width, signed=port.signed)
        builder = NetlistBuilder(port.size)
        blocks = np.arange(port.size).reshape(each.places, -1)
        wanted = builder.build(np.concatenate([builder.embed(one, block) for block in blocks]))
    inner = behind(netlist, netlist.outputs[scores], results, wanted)
    if inner is not None:
        verdict, how = proved(*inner, max(limit - time.perf_counter(), 1.0), each.places)
        if verdict != "failed":
            return verdict, f"{reason}; {result.name} of any scores against a serial search: {how}"
    # It reads other signals, or differs on scores that there may never be. The scores were just proved: behind them, as
    # a function of the counts that a group can have.
    builder = NetlistBuilder(sum(other.size for other in entering))
    inputs = np.arange(sum(other.size for other in entering))
    counts = slice(begin, begin + each.counts.size)
    possible = inputs.copy()
    possible[counts] = builder.embed(counts_specification(each.counts, each.size), inputs[counts])
    sides: list[Netlist] = []
    for part in (cone(netlist, results), cone(netlist, scores)):
        side = NetlistBuilder(inputs.size)
        signals = side.embed(part, side.embed(builder.build(possible), inputs))
        sides.append(side.build(side.embed(wanted, signals) if sides else signals))
    verdict, how = proved(sides[0], sides[1], max(limit - time.perf_counter(), 1.0), each.places)
    return verdict, f"{reason}; {result.name} of any counts against a serial search: {how}"


def _affine(head: Head, each: HeadSpecification, begin: int) -> list[tuple[dict[int, int], int]]:
    """Return the weight of each bit of the counts, from input `begin` on, and the constant, of each score."""
    weights = np.eye(head.num_groups, dtype=np.int64) if head.weights is None else head.weights
    width = each.counts.width
    rows = []
    for place in range(each.places):
        first = begin + place * head.num_groups * width
        for number, row in enumerate(weights):
            bits = {
                first + group * width + bit: int(row[group]) << bit
                for group in np.flatnonzero(row).tolist()
                for bit in range(width)
            }
            rows.append((bits, 0 if head.bias is None else int(head.bias[number])))
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
