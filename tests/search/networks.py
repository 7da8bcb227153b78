"""Small random networks of LUTs for tests of search: duplicate reads, meeting paths, outputs that are inputs."""

from __future__ import annotations

import numpy as np

from lutsmith.circuit import Head
from lutsmith.circuit.engine.stages import PackedEvaluation, PackedSamples
from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder


def network(seed: int, inputs: int = 5, layers: tuple[int, ...] = (6, 5, 4), rank: int = 3) -> Netlist:
    """Layers of random LUTs that read anything before them, the same signal twice included."""
    draw = np.random.default_rng(seed)
    builder = NetlistBuilder(inputs)
    signals = list(range(inputs))
    for size in layers:
        reads = draw.choice(signals, (size, rank))
        signals += np.asarray(builder.lut(reads, draw.integers(0, 2, (size, 1 << rank)))).tolist()
    return builder.build(signals[-layers[-1] :])


def evaluation(netlist: Netlist, samples: int, seed: int = 0) -> tuple[PackedEvaluation, np.ndarray]:
    """An evaluation on random samples, and these, bool (N, I)."""
    bits = np.random.default_rng(seed).random((samples, netlist.num_inputs)) < 0.5
    return PackedEvaluation(netlist, PackedSamples.of_bits(bits)), bits


def code_head(words: list[list[int]]) -> Head:
    """A head of code words: minus the Hamming distance to each."""
    code = np.array(words)
    return Head(code.shape[1], weights=2 * code - 1, bias=-code.sum(axis=1))
