"""Circuits with every head kind and objective for the tests of the logic floor."""

from __future__ import annotations

import numpy as np

from lutsmith.circuit import Circuit, Comparators, Head, Netlist
from tests.circuit.examples import random_affine, random_netlist

HOSTILE = np.array(
    [
        *(0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, 1e-45, -1e-45, 0.5, -2.0, 255.0, 1 / 3),
        *(1.1754944e-38, -1.1754942e-38, 3.4028235e38, -3.4028235e38),
    ],
    np.float32,
)
"""Thresholds at the edges of float32."""


def hostile_patterns(thresholds: np.ndarray, seed: int) -> np.ndarray:
    """Bit patterns, uint32: the thresholds and their neighbours, infinities, NaNs of both signs, and random bits."""
    at = np.concatenate([thresholds, HOSTILE]).astype(np.float32).view(np.uint32)
    quiet = np.array([0x7F800001, 0x7FC00000, 0x7FFFFFFF, 0xFF800001, 0xFFFFFFFF, 0x7F800000, 0xFF800000], np.uint32)
    rough = np.random.default_rng(seed).integers(0, 1 << 32, 64, dtype=np.uint32)
    return np.concatenate([at, at + np.uint32(1), at - np.uint32(1), at ^ np.uint32(1 << 31), quiet, rough])


def any_circuit(
    seed: int,
    *,
    features: int = 4,
    comparators: int = 9,
    groups: int = 3,
    size: int = 5,
    scores: int | None = None,
    objective: str | None = "classification",
    plain: bool = False,
) -> Circuit:
    """A random netlist of mixed ranks on thresholds from -2 to 5, half of them integers, with a head of any kind."""
    rng = np.random.default_rng(seed)
    threshold = rng.uniform(-2, 5, comparators).astype(np.float32)
    threshold[::2] = np.round(threshold[::2])
    encoder = Comparators(rng.integers(0, features, comparators), threshold, features)
    netlist: Netlist = random_netlist(seed, inputs=comparators, outputs=groups * size)
    affine = {} if plain else random_affine(seed, groups, groups if scores is None else scores, objective or "")
    span = np.zeros(features, np.float32), np.full(features, 3, np.float32)
    return Circuit((features,), encoder, netlist, Head(groups, **affine), objective=objective, fitted_range=span)
