"""The network that was grown, and the circuit of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.encoding import Encoding
from lutsmith.additive.objectives import Goal
from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.metadata import Metadata
from lutsmith.data.dataset import Dataset


@dataclass(frozen=True, eq=False)
class VotingLut:
    """A LUT whose output is a vote.

    Attributes:
        k: the score that it votes for.
        inputs: int32 (n,), bits of the encoding; input 0 is the least significant bit of the address.
        table: bool (2**n,).
    """

    k: int
    inputs: NDArray[np.int32]
    table: NDArray[np.bool_]


def build_circuit(
    dataset: Dataset, encoding: Encoding, network: Sequence[VotingLut], goal: Goal, rows: NDArray[np.int64]
) -> Circuit:
    """Return the circuit of a network with as many LUTs for each score; `rows` are those that it was trained on."""
    builder = CircuitBuilder(dataset.input_shape)
    signals = encoding.emit(builder)
    order = sorted(network, key=lambda lut: lut.k)  # the groups of the head
    inputs, tables = np.stack([lut.inputs for lut in order]), np.stack([lut.table for lut in order])
    builder.popcount(builder.lut(signals[inputs], tables), goal.num_scores, **goal.head(len(order) // goal.num_scores))
    x = dataset.x_train[rows].reshape(len(rows), -1).astype(np.float32)
    missing = np.isnan(x).all(axis=0).any()
    return builder.build(
        classes=dataset.classes or None,
        objective=goal.objective,
        fitted_range=None if missing else (np.nanmin(x, axis=0), np.nanmax(x, axis=0)),
        metadata=Metadata(
            feature_names=dataset.feature_names,
            categories=dataset.categories or None,
            integer_features=dataset.holds_integers,
            table=dataset.schema,
        ),
    )
