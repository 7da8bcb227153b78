"""The comparators of two circuits as one set of bits: which of them samples can make, and the samples that do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.hardware.equivalence.combinational import added


def united(a: Comparators, b: Comparators) -> tuple[Comparators, list[NDArray[np.int32]]]:
    """Return the comparators of both, each once, by feature and threshold; and the place of each of a and of b."""
    pairs = np.stack(
        [
            np.concatenate([a.feature, b.feature]).astype(np.float64),
            np.concatenate([a.threshold, b.threshold]).astype(np.float64) + 0.0,  # -0 is 0
        ],
        axis=1,
    )
    distinct, place = np.unique(pairs, axis=0, return_inverse=True)
    numbers = place.reshape(-1).astype(np.int32)
    both = Comparators(distinct[:, 0].astype(np.int32), distinct[:, 1].astype(np.float32), a.num_features)
    return both, [numbers[: len(a)], numbers[len(a) :]]


def closed(comparators: Comparators, bits: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the bits (..., I) of sorted comparators that `ordered` makes of any bits: those that samples can make.

    Above a threshold is above all lower ones, and nothing is above +inf.
    """
    made = bits & (comparators.threshold < np.inf)
    for place in range(len(comparators) - 2, -1, -1):
        if comparators.feature[place] == comparators.feature[place + 1]:
            made[..., place] |= made[..., place + 1]
    return made


def ordered(netlist: Netlist, comparators: Comparators) -> Netlist:
    """Return the netlist behind gates that turn any bits into some that a sample can make, and keep those that are.

    Of the sorted thresholds of a feature, bit i becomes the OR of bits i, i + 1, ...; nothing is above +inf.
    """
    builder = NetlistBuilder(len(comparators))
    signals = np.arange(len(comparators), dtype=np.int32)
    signals[comparators.threshold == np.inf] = builder.constant(False)
    above = np.zeros(len(comparators), np.int64)  # how many thresholds of the feature are higher
    for place in range(len(comparators) - 2, -1, -1):
        if comparators.feature[place] == comparators.feature[place + 1]:
            above[place] = above[place + 1] + 1
    for step in range(1, int(above.max(initial=0)) + 1):
        places = np.flatnonzero(above == step)
        made = builder.lut(
            np.stack([signals[places], signals[places + 1]], axis=1), np.full(places.size, 14, np.uint64)
        )
        signals[places] = made
    state = builder.register(netlist.num_registers, netlist.register_init)
    values = added(builder, netlist, np.concatenate([signals, state]))
    builder.connect(state, values[netlist.register_next])
    return builder.build(values[netlist.outputs])


def samples(comparators: Comparators, bits: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return samples, float32 (N, F), that make these possible bits (N, I) of sorted comparators.

    A feature is the lowest of its thresholds, or the number above the highest that it should be above; unread, it is 0.
    """
    made = np.zeros((len(bits), comparators.num_features), np.float32)
    lowest = np.flatnonzero(np.diff(comparators.feature, prepend=-1))
    made[:, comparators.feature[lowest]] = comparators.threshold[lowest]  # not above it
    with np.errstate(over="ignore"):
        above = np.nextafter(comparators.threshold, np.float32(np.inf))
    for place, feature in enumerate(comparators.feature.tolist()):  # the highest of a feature comes last
        made[bits[:, place], feature] = above[place]
    return made


def random_bits(comparators: Comparators, count: int, seed: int = 0) -> NDArray[np.bool_]:
    """Return possible bits (count, I): a random level of each feature, between none of its thresholds and all."""
    rng = np.random.default_rng(seed)
    feature = comparators.feature
    place = np.arange(feature.size) - np.searchsorted(feature, feature)  # of a threshold in its feature
    sizes = np.bincount(feature, minlength=comparators.num_features)
    levels = rng.integers(0, sizes + 1, (count, sizes.size))
    levels[:1], levels[1:2] = 0, sizes
    return closed(comparators, place < levels[:, feature])
