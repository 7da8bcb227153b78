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


def windows(seed: int, rank: int = 3, outputs: int = 6) -> Netlist:
    """Layers whose LUTs read windows of the layer before, so that many nodes are read by the same one or two; some LUTs
    read a signal of anywhere as well, some a LUT and what that reads. Outputs are drawn, of the last nodes most often.
    """
    draw, builder = np.random.default_rng(seed), NetlistBuilder(8)
    signals, before = list(range(8)), list(range(8))
    for size in (14, 12, 4, 12, 4):
        places = draw.integers(0, 3) + draw.integers(1, 4) * np.arange(size)[:, None] + np.arange(rank)
        reads = np.array(before)[places % len(before)]
        skips = draw.random(size) < 0.1
        reads[skips, 0] = draw.choice(signals, skips.sum())
        layer = np.asarray(builder.lut(reads, draw.integers(0, 2, (size, 1 << rank)))).tolist()
        beside = [[*reads[place, 1:], layer[place]] for place in range(0, size, 4)]
        before = [*layer, *np.asarray(builder.lut(beside, draw.integers(0, 2, (len(beside), 1 << rank)))).tolist()]
        signals += before
    last = draw.random(outputs) < 0.9
    return builder.build(np.where(last, draw.choice(before, outputs), draw.choice(signals, outputs)))


def evaluation(netlist: Netlist, samples: int, seed: int = 0) -> tuple[PackedEvaluation, np.ndarray]:
    """An evaluation on random samples, and these, bool (N, I)."""
    bits = np.random.default_rng(seed).random((samples, netlist.num_inputs)) < 0.5
    return PackedEvaluation(netlist, PackedSamples.of_bits(bits)), bits


def code_head(words: list[list[int]]) -> Head:
    """A head of code words: minus the Hamming distance to each."""
    code = np.array(words)
    return Head(code.shape[1], weights=2 * code - 1, bias=-code.sum(axis=1))
