"""Separately trained circuits as one: their networks side by side, and a head that adds up their votes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.heads import Head
from lutsmith.circuit.metadata import Metadata
from lutsmith.circuit.simplify.circuits import rebuilt
from lutsmith.circuit.simplify.dead import remove_dead
from lutsmith.circuit.simplify.duplicates import merge_equal_nodes
from lutsmith.circuit.traits import popcount_head, refuse
from lutsmith.ensembles.inputs import SharedTable, emit_inputs, shared_metadata
from lutsmith.ground.arguments import instance_of

FINEST = 1 << 12
"""Votes that the largest scale of numbers counts at the most, where scales have no small common divisor."""

DIVISORS = 64
"""Divisors of the smallest scale that are tried, so that all are multiples of it."""

_INT32 = np.iinfo(np.int32)


def merge(circuits: Iterable[Circuit]) -> Circuit:
    """Return one circuit whose scores are the sums of the scores of several: an ensemble that votes.

        one = lutsmith.merge([first, second, third])  # e.g. of three seeds

    The networks are placed side by side; equal inputs become one, and so do LUTs that compute the same function of the
    same signals. For classes and labels the scores of each sample are exactly the sums of its scores in the circuits,
    and predictions follow from them as in any circuit: the lowest class wins a tie, a label is set above 0. For
    regression the prediction is the mean of the circuits' predictions. If the scales are multiples of a common one that
    is at least 1/64 of the smallest, the sums of scores are exact, and the mean is exact up to the rounding of float64.
    Else the common scale is 1/4096 of the largest, or as fine as int32 allows, and each circuit's number is off by at
    most its score times half of it.

    Features, classes and objective have to be the same. Names of categories and their order may differ, as happens when
    circuits are trained on different rows: the merged circuit knows all names. For each circuit, a name that it does
    not know is a missing value, as when it is used alone.

    Args:
        circuits: at least one, each with one decision by popcounts. A single circuit is returned as it is. A circuit
            that is given twice counts twice.

    Raises:
        TypeError: an item is not a circuit.
        ValueError: no circuits; one without scores, with registers, or with other features, classes or objective than
            the first; tables that are read differently; scores that int32 might not hold.
    """
    if isinstance(circuits, Circuit):
        raise TypeError("circuits is one Circuit; expected several, such as [first, second]")
    members = list(circuits)
    for member in members:
        instance_of("one of circuits", member, Circuit, "(lutsmith.load reads one)")
    if not members:
        raise ValueError("there are no circuits to merge; expected at least one")
    heads = [_head_of(member) for member in members]
    _check_alike(members)
    if len(members) == 1:
        return members[0]
    table = SharedTable.of(members)
    builder = CircuitBuilder(members[0].input_shape)
    ends = []
    for number, member in enumerate(members):
        try:
            ends.append(builder.embed(member.netlist, emit_inputs(builder, member, table)))
        except ValueError as error:
            raise ValueError(f"circuit {number} cannot be merged with those before it: {error}") from error
    numbers = members[0].objective == "regression"
    factors, affine = _scaled(heads, [end.size for end in ends]) if numbers else (np.ones((len(heads), 1)), {})
    plain = all(head.is_plain for head in heads) and bool((factors == 1).all())
    codes = np.concatenate([
        np.repeat(_columns(head) * factor, end.size // head.num_groups, axis=0)
        for head, end, factor in zip(heads, ends, factors.astype(np.int64), strict=True)
    ])  # fmt: skip
    bias = sum((0 if head.bias is None else head.bias) * factor for head, factor in zip(heads, factors, strict=True))
    if np.any(bias):
        affine["bias"] = np.broadcast_to(bias, codes.shape[1:]).astype(np.int64)
    signals, kinds = _grouped(np.concatenate(ends), codes, builder.constant(False), plain)
    if not np.array_equal(kinds, np.eye(len(kinds))):
        affine["weights"] = kinds.T
    try:
        builder.popcount(signals, len(kinds), **affine)
    except ValueError as error:
        raise ValueError(f"the votes of {len(members)} circuits are too many for one head: {error}") from error
    told = shared_metadata(members, table)
    luts = [member.netlist.num_nodes for member in members]
    merged = builder.build(
        classes=members[0].classes,
        objective=members[0].objective,
        fitted_range=_range_of(members, table),
        metadata=Metadata(**told, merged={"circuits": len(members), "luts": luts}),
    )
    return rebuilt(merged, remove_dead(merge_equal_nodes(merged.netlist)))


def _head_of(circuit: Circuit) -> Head:
    who, instead = "an ensemble", "it adds up the scores of one decision by popcounts, without a state"
    head = popcount_head(circuit, who, instead)
    refuse(circuit, ("registers",), who, instead)
    if head is None:
        raise ValueError("a circuit has no head: its outputs are bits, which are not votes to add up")
    return head


def _check_alike(circuits: Sequence[Circuit]) -> None:
    """Raise ValueError where a circuit is not of the same features, classes and objective as the first."""

    def told(circuit: Circuit) -> dict[str, Any]:
        head = circuit.head
        assert isinstance(head, Head)
        return {
            "samples of shape": circuit.input_shape,
            "features": circuit.metadata.feature_names,
            "objective": "classification" if circuit.is_classifier else circuit.objective,
            "scores": head.num_classes,
            "classes": circuit.classes,
        }

    wanted = told(circuits[0])
    for number, circuit in enumerate(circuits):
        for what, value in told(circuit).items():
            if value != wanted[what]:
                raise ValueError(
                    f"circuit {number} has {what} {_brief(value)}, circuit 0 {_brief(wanted[what])}; expected the same"
                )


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _columns(head: Head) -> NDArray[np.int64]:
    """What an output of each group counts for each score, (G, C)."""
    return np.eye(head.num_groups, dtype=np.int64) if head.weights is None else head.weights.T.astype(np.int64)


def _scaled(heads: Sequence[Head], outputs: Sequence[int]) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Return by what the votes of each circuit count more, whole numbers (M, C), and scale and offset of the mean."""
    ones = np.ones(heads[0].num_classes)
    scales = np.stack([ones if head.scale is None else head.scale for head in heads])
    offsets = np.stack([0 * ones if head.offset is None else head.offset for head in heads])
    reaches = np.array([head.reach(count // head.num_groups) for head, count in zip(heads, outputs, strict=True)])
    most = np.abs(reaches).max(axis=1)
    common = [_common(column, most) for column in scales.T]
    unit = np.array([each or 1.0 for each in common])
    scale = np.array(common) / len(heads)
    return np.rint(scales / unit), {"scale": scale, "offset": (offsets / len(heads)).sum(axis=0)}


def _common(scales: NDArray[np.float64], most: NDArray[np.int64]) -> float:
    """A scale of which others are multiples, or nearly; `most` is how far the score of each reaches."""
    sizes = np.abs(scales)
    if not sizes.any():
        return 0.0
    smallest = float(sizes[sizes > 0].min())
    for divisor in range(1, DIVISORS + 1):
        unit = smallest / divisor
        if not unit:  # below what float64 holds
            break
        times = np.rint(sizes / unit)
        if (times * unit == sizes).all() and (times * most).sum() <= _INT32.max:
            return unit
    finest = FINEST
    while finest > 1 and (np.rint(sizes * finest / sizes.max()) * most).sum() > _INT32.max:
        finest //= 2
    return float(sizes.max()) / finest


def _grouped(
    signals: NDArray[np.int32], codes: NDArray[np.int64], nothing: int, plain: bool
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the outputs in equal groups, and what each group counts for the scores, (G, C).

    Outputs of one code are a group, filled up with zeros; where that would take more zeros than outputs, they are
    several groups of fewer.

    Args:
        signals: of the outputs, (O,).
        codes: what each counts, (O, C).
        nothing: the signal that is always 0.
        plain: whether the groups are the scores.
    """
    counts = (signals != nothing) & codes.any(axis=1)
    signals, codes = signals[counts], codes[counts]
    scores = np.eye(codes.shape[1], dtype=np.int64)
    kinds, group = np.unique(np.concatenate([codes, scores[: len(scores) if plain or not len(codes) else 0]]), axis=0,
                             return_inverse=True)  # fmt: skip
    order = np.lexsort(kinds.T[::-1])[::-1]  # of one vote each: that of the scores
    kinds, group = kinds[order], np.argsort(order)[group.ravel()[: len(codes)]]
    sizes = np.bincount(group, minlength=len(kinds))
    size = max(1, int(sizes.max()))
    if not plain:
        usable = [each for each in np.unique(sizes)[::-1].tolist() if each]
        size = next((each for each in usable if each * (-(-sizes // each)).sum() <= 2 * len(codes)), size)
    rows = [part for number in range(len(kinds)) for part in _parts(signals[group == number], size)]
    outputs = np.full((len(rows), size), nothing, np.int32)
    for row, part in zip(outputs, rows, strict=True):
        row[: part.size] = part
    repeats = [max(1, math.ceil(count / size)) for count in sizes.tolist()]
    return outputs.reshape(-1), np.repeat(kinds, repeats, axis=0)


def _parts(signals: NDArray[np.int32], size: int) -> list[NDArray[np.int32]]:
    return [signals[start : start + size] for start in range(0, max(1, signals.size), size)]


def _range_of(
    circuits: Sequence[Circuit], table: SharedTable
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Where features lay in the data of any of the circuits, all codes of names; None where one does not tell."""
    known = [circuit.fitted_range for circuit in circuits if circuit.fitted_range is not None]
    if len(known) < len(circuits):
        return None
    low, high = (bound(each, axis=0) for bound, each in zip((np.min, np.max), zip(*known, strict=True), strict=True))
    for place, names in enumerate(table.categories or ()):
        if names is not None and any(table.codes(circuit, place) is not None for circuit in circuits):
            low[place], high[place] = 0, len(names) - 1
    return low, high
