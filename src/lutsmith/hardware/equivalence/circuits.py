"""Whether two circuits are the same function of samples."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.circuit.netlist import with_inputs
from lutsmith.circuit.results import AnyHead, Heads, IntegerHead, Result
from lutsmith.hardware.equivalence.comparators import closed, ordered, random_bits, samples, united
from lutsmith.hardware.equivalence.machines import run
from lutsmith.hardware.equivalence.netlists import check_sizes, netlists
from lutsmith.hardware.equivalence.proof import Proof, Suspicion, joined, undecided

SAMPLES = 1024
"""Samples that are tried where heads, classes or objectives differ."""

BATCH = 128
"""Of them at once, so that a time limit is kept."""


def circuits(a: Circuit, b: Circuit, limit: float | None) -> Proof:
    """Decide whether two circuits have the same outputs for all samples, and the same results from these outputs.

    Raises:
        ValueError, ToolMissing, ToolFailed: as `prove` raises them.
    """
    if a.encoder.num_features != b.encoder.num_features:
        features = f"{a.encoder.num_features} and of {b.encoder.num_features} features"
        raise ValueError(f"circuits of {features} cannot be compared: make them equal first")
    inputs, places = united(a.inputs, b.inputs)
    sides = [with_inputs(side.netlist, place, len(inputs)) for side, place in zip((a, b), places, strict=True)]
    check_sizes(*sides)
    apart = _apart(a, b)
    if apart:
        return _tried(a, b, samples(inputs, random_bits(inputs, SAMPLES)), apart, limit)
    proof = netlists(sides[0], sides[1], limit)
    bits = _trace(proof)
    if not proof.equal and (bits is None or not np.array_equal(closed(inputs, bits), bits)):
        proof = netlists(ordered(sides[0], inputs), ordered(sides[1], inputs), limit)
        proof = replace(proof, note=joined(proof.note, "on inputs that samples can make"))
        bits = _trace(proof)
    if bits is not None:
        return _replayed(a, b, samples(inputs, closed(inputs, bits)), proof)
    if proof.suspicion is not None:
        bits = closed(inputs, proof.suspicion.inputs.astype(np.bool_))[None]
        return replace(proof, suspicion=Suspicion(samples(inputs, bits)[0], proof.suspicion.state))
    return proof


def _trace(proof: Proof) -> NDArray[np.bool_] | None:
    """Return the input bits (T, I) of a counterexample, if there is one."""
    if proof.counterexample is None:
        return None
    trace = proof.counterexample[None] if proof.trace is None else proof.trace
    return trace.astype(np.bool_)


def _replayed(a: Circuit, b: Circuit, rows: NDArray[Any], proof: Proof) -> Proof:
    """Return the proof with samples (T, F) for bits, after both circuits, inputs included, were run on them."""
    ends = [run(side.netlist, side.inputs.encode(rows)) for side in (a, b)]
    differ = np.flatnonzero(ends[0] != ends[1])
    if not differ.size:
        return undecided(proof.method, "networks differ, and no sample was found that shows it")
    trace = None if proof.trace is None else rows
    return replace(proof, counterexample=rows[-1].copy(), trace=trace, output=int(differ[0]))


def _apart(a: Circuit, b: Circuit) -> str:
    """Return in which of objective, head and classes circuits differ, or nothing."""
    said = []
    for what, of_a, of_b, same in (
        ("objective", a.objective, b.objective, _objective(a) == _objective(b)),
        ("head", a.head, b.head, _same_head(a.head, b.head)),
        ("classes", a.classes, b.classes, a.classes == b.classes),
    ):
        if not same:
            said.append(f"the {what} of one is {of_a!r}, of the other {of_b!r}")
    return joined(*said)


def _objective(circuit: Circuit) -> str | None:
    return circuit.objective or ("classification" if isinstance(circuit.head, Head) else None)


def _same_head(a: AnyHead | None, b: AnyHead | None) -> bool:
    """Whether heads say the same of all outputs: what is left out is the identity, 0, or 1."""
    if isinstance(a, Heads) and isinstance(b, Heads):
        return list(a) == list(b) and all(_same_result(a[name], b[name]) for name in a)
    if not (isinstance(a, Head) and isinstance(b, Head)):
        return a == b
    if a.shape != b.shape or (a.num_groups, a.num_classes) != (b.num_groups, b.num_classes):
        return False
    for name in ("weights", "bias", "scale", "offset"):
        of_a, of_b = getattr(a, name), getattr(b, name)
        if of_a is None and of_b is None:
            continue
        neutral = np.eye(a.num_groups) if name == "weights" else np.full(a.num_classes, float(name == "scale"))
        if not np.array_equal(neutral if of_a is None else of_a, neutral if of_b is None else of_b):
            return False
    return True


def _same_result(a: Result, b: Result) -> bool:
    same = a.outputs == b.outputs and a.classes == b.classes and _same_head(a.head, b.head)
    kinds = [each.objective or ("classification" if each.has_scores else None) for each in (a, b)]
    return same and kinds[0] == kinds[1]


def _tried(a: Circuit, b: Circuit, rows: NDArray[Any], apart: str, limit: float | None) -> Proof:
    """Look for a sample on which circuits of other heads, objectives or classes say something else."""
    count = 0
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        bits = [side.evaluate(batch) for side in (a, b)]
        if a.head is None or b.head is None:  # then outputs are all that both have
            differ = bits[0] != bits[1]
            place = np.argwhere(differ)
            if len(place):
                row, output = place[0].tolist()
                return Proof("different", 0.0, "random samples", batch[row].copy(), output=output, note=apart)
        else:
            for row, pair in enumerate(zip(_said(a, a.head, bits[0]), _said(b, b.head, bits[1]), strict=True)):
                if pair[0] != pair[1]:
                    said, other = map(_shortened, pair)
                    note = joined(apart, f"one says {said} of the sample, the other {other}")
                    return Proof("different", 0.0, "random samples", batch[row].copy(), note=note)
        count += len(batch)
        if limit is not None and time.perf_counter() > limit:
            break
    return undecided("random samples", joined(apart, f"none of {count} samples shows it"))


def _said(circuit: Circuit, head: AnyHead, bits: NDArray[np.bool_]) -> list[Any]:
    """Return what users are told for each row of outputs (N, O), in the names of classes, labels and targets.

    A class; the set of labels; the value of each target; integers. Without names, their numbers. With places a list of
    them, of several heads a dict.
    """
    if isinstance(head, Heads):
        each = {name: _of_result(part, own) for name, part, own in head.bits(bits)}
        return [dict(zip(each, row, strict=True)) for row in zip(*each.values(), strict=True)]
    return _of_result(Result(head, bits.shape[1], circuit.objective, circuit.classes), bits)


def _of_result(result: Result, bits: NDArray[np.bool_]) -> list[Any]:
    """Return what users are told of the output bits (N, outputs) of one head."""
    decided, head = result.decide(bits), result.head
    if isinstance(head, IntegerHead):
        words = decided if isinstance(decided, dict) else {head.words[0].name: decided}
        return [
            dict(zip(words, row, strict=True)) for row in zip(*(each.tolist() for each in words.values()), strict=True)
        ]
    names = tuple(range(head.num_classes)) if result.classes is None else result.classes
    rows = decided.reshape(len(bits), head.places, -1).tolist()

    def of_place(row: list[Any]) -> Any:
        if result.objective == "multilabel":
            return {name for name, is_set in zip(names, row, strict=True) if is_set}
        return dict(zip(names, row, strict=True)) if result.objective == "regression" else names[row[0]]

    said = [[of_place(place) for place in row] for row in rows]
    return said if head.shape else [row[0] for row in said]


def _shortened(said: Any) -> str:
    text = repr(said)
    return text if len(text) <= 60 else f"{text[:57]}..."
