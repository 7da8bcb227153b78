"""The network that was grown, and the circuit of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.front import Bits
from lutsmith.additive.objectives import Goal
from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.metadata import Metadata
from lutsmith.data.dataset import Dataset


@dataclass(frozen=True, eq=False)
class VotingLut:
    """A LUT whose output is a vote.

    Attributes:
        code: int32 (K,), how many votes each score gets where the LUT is 1.
        inputs: int32 (n,), bits: those of the encoding, and beyond them the outputs of the network's LUTs in their
            order; input 0 is the least significant bit of the address.
        table: bool (2**n,).
    """

    code: NDArray[np.int32]
    inputs: NDArray[np.int32]
    table: NDArray[np.bool_]


def levels(network: Sequence[VotingLut], bits: int) -> NDArray[np.int64]:
    """Return the level of each LUT, (L,): 1 where it reads nothing but the `bits` of the encoding."""
    found = np.ones(len(network), np.int64)
    for place, lut in enumerate(network):
        read = lut.inputs[lut.inputs >= bits] - bits
        if read.size:
            found[place] = found[read].max() + 1
    return found


def are_read(network: Sequence[VotingLut], bits: int) -> NDArray[np.bool_]:
    """Return which LUTs others read, (L,)."""
    found = np.zeros(len(network), np.bool_)
    for lut in network:
        found[lut.inputs[lut.inputs >= bits] - bits] = True
    return found


def emit_network(
    builder: CircuitBuilder, encoding: Bits, network: Sequence[VotingLut], wanted: Sequence[int] | NDArray[Any] = ()
) -> tuple[NDArray[np.int32], int]:
    """Return the signals of the bits that the network reads, or that are wanted too, and behind all B bits those of its
    LUTs, int32 (B + L,); and how many LUTs the bits take.
    """
    bits = len(encoding)
    read = np.concatenate([np.asarray(wanted, np.int64), *(lut.inputs for lut in network)])
    signals = np.concatenate([encoding.emit(builder, read[read < bits]), np.zeros(len(network), np.int32)])
    before = builder.num_luts
    kinds = np.stack([levels(network, bits), [lut.inputs.size for lut in network]], axis=1)
    for kind in np.unique(kinds, axis=0):
        here = np.flatnonzero((kinds == kind).all(axis=1)).tolist()
        inputs = np.stack([network[place].inputs for place in here])
        signals[bits + np.array(here)] = builder.lut(
            signals[inputs], np.stack([network[place].table for place in here])
        )
    return signals, before


def build_circuit(
    dataset: Dataset, encoding: Bits, network: Sequence[VotingLut], goal: Goal, rows: NDArray[np.int64],
    metadata: Metadata | None = None,
) -> Circuit:  # fmt: skip
    """Return the circuit of a network; `rows` are those that it was trained on.

    LUTs of the same code are a group of the head. Smaller groups are filled up with zeros, as all are equally large.
    """
    builder, bits = CircuitBuilder(dataset.input_shape), len(encoding)
    signals, encoder_luts = emit_network(builder, encoding, network)
    codes = np.stack([lut.code for lut in network])
    kinds, group = np.unique(codes, axis=0, return_inverse=True)
    order = np.lexsort(kinds.T[::-1])[::-1]  # of one vote each: that of the scores
    kinds, group = kinds[order], np.argsort(order)[group.ravel()]
    sizes = np.bincount(group)
    outputs = np.full((len(kinds), sizes.max()), builder.constant(False), np.int32)
    for number in range(len(kinds)):
        outputs[number, : sizes[number]] = signals[bits + np.flatnonzero(group == number)]
    builder.popcount(outputs.reshape(-1), len(kinds), **goal.head(kinds, codes.sum(axis=0, dtype=np.int64)))
    low, high = value_range(dataset, rows)
    told = metadata or Metadata()
    return builder.build(
        classes=dataset.classes or None,
        objective=goal.objective,
        fitted_range=None if np.isnan(low).any() else (low, high),
        metadata=replace(
            told,
            encoder_luts=encoder_luts,
            feature_names=dataset.feature_names,
            categories=dataset.categories or None,
            integer_features=dataset.holds_integers,
            table=dataset.schema,
        ),
    )


def value_range(
    dataset: Dataset, rows: NDArray[np.int64], chunk: int = 1 << 13
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the lowest and the highest value of each feature, float32 (F,); NaN where all are missing."""
    features = int(np.prod(dataset.input_shape))
    low, high = np.full(features, np.nan, np.float32), np.full(features, np.nan, np.float32)
    for start in range(0, len(rows), chunk):
        part = dataset.x_train[rows[start : start + chunk]].reshape(-1, features).astype(np.float32)
        low, high = np.fmin(low, np.fmin.reduce(part, axis=0)), np.fmax(high, np.fmax.reduce(part, axis=0))
    return low, high
