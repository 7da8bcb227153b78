"""The inputs of two circuits as one set of bits: which of them samples can make, and the samples that do.

For comparators, the order of the thresholds matters. Bits of words may be any bits, and any values may be missing; the
only rule is that a missing value is above nothing. Where a feature is both compared and read as a word, there may be no
sample with the wanted bits: what is found is replayed, and does not count before that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.circuit.words import WordBits, WordFormats
from lutsmith.hardware.equivalence.combinational import added


def united(a: Inputs, b: Inputs) -> tuple[Inputs, list[NDArray[np.int32]]]:
    """Return the inputs of both, each once, in order; and the place of each of a and of b.

    Raises:
        ValueError: a feature is a word of one kind in a and of another in b.
    """
    formats = _united_formats(a.words, b.words)
    pairs, kinds = [], []
    for side in (a, b):
        own = side.comparators
        pairs.append(np.stack([own.feature.astype(np.float64), own.threshold.astype(np.float64) + 0.0], axis=1))
        kinds.append(np.zeros(len(own)))
        if side.words is not None:
            pairs.append(np.stack([side.words.feature, side.words.bit], axis=1).astype(np.float64))
            kinds.append(np.ones(len(side.words)))
        pairs.append(np.stack([side.missing, np.zeros_like(side.missing)], axis=1).astype(np.float64))
        kinds.append(np.full(side.missing.size, 2.0))
    keys = np.concatenate([np.concatenate(kinds)[:, None], np.concatenate(pairs)], axis=1)
    distinct, place = np.unique(keys, axis=0, return_inverse=True)
    numbers = place.reshape(-1).astype(np.int32)
    compared, words, missing = (distinct[distinct[:, 0] == kind, 1:] for kind in range(3))
    both = Inputs(
        Comparators(compared[:, 0].astype(np.int32), compared[:, 1].astype(np.float32), a.num_features),
        None if formats is None else WordBits(words[:, 0].astype(np.int32), words[:, 1].astype(np.int32), formats),
        missing[:, 0].astype(np.int32),
    )
    return both, [numbers[: len(a)], numbers[len(a) :]]


def _united_formats(a: WordBits | None, b: WordBits | None) -> WordFormats | None:
    if a is None or b is None:
        side = a if a is not None else b
        return None if side is None else side.formats
    shared = b.formats.place(a.formats.feature)
    for own, other in zip(np.flatnonzero(shared >= 0).tolist(), shared[shared >= 0].tolist(), strict=True):
        if a.formats[own : own + 1] != b.formats[other : other + 1]:
            raise ValueError(
                f"feature {a.formats.feature[own]} is a word of one kind in one circuit and of another in the other: "
                "there is nothing to compare"
            )
    new = b.formats[a.formats.place(b.formats.feature) < 0]
    names = ("feature", "bits", "signed", "offset", "per_unit")
    return WordFormats.of(*(np.concatenate([getattr(side, name) for side in (a.formats, new)]) for name in names))


def closed(inputs: Inputs, bits: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the bits (..., I) of united inputs to which `ordered` turns any bits: bits that samples can have.

    A value above a threshold is above all lower ones, nothing is above +inf, and a missing value is not above anything.
    """
    comparators = inputs.comparators
    compared, words, missing = inputs.split(bits)
    made = compared & (comparators.threshold < np.inf)
    for place in range(len(comparators) - 2, -1, -1):
        if comparators.feature[place] == comparators.feature[place + 1]:
            made[..., place] |= made[..., place + 1]
    for number, feature in enumerate(inputs.missing.tolist()):
        made[..., comparators.feature == feature] &= ~missing[..., [number]]
    return np.concatenate([made, words, missing], axis=-1)


def ordered(netlist: Netlist, inputs: Inputs) -> Netlist:
    """Return the netlist behind gates that turn any bits into bits that a sample can have, and keep those that a sample
    can have already.

    For the sorted thresholds of a feature, bit i becomes the OR of bits i, i + 1, ...; nothing is above +inf. A missing
    value is not above anything.
    """
    comparators = inputs.comparators
    builder = NetlistBuilder(len(inputs))
    signals = np.arange(len(inputs), dtype=np.int32)
    compared = signals[: len(comparators)]
    compared[comparators.threshold == np.inf] = builder.constant(False)
    above = np.zeros(len(comparators), np.int64)  # how many thresholds of the feature are higher
    for place in range(len(comparators) - 2, -1, -1):
        if comparators.feature[place] == comparators.feature[place + 1]:
            above[place] = above[place + 1] + 1
    for step in range(1, int(above.max(initial=0)) + 1):
        places = np.flatnonzero(above == step)
        pairs = np.stack([compared[places], compared[places + 1]], axis=1)
        compared[places] = builder.lut(pairs, np.full(places.size, 14, np.uint64))
    for number, feature in enumerate(inputs.missing.tolist()):
        places = np.flatnonzero(comparators.feature == feature)
        is_missing = np.full(places.size, len(inputs) - inputs.missing.size + number, np.int32)
        made = np.stack([compared[places], is_missing], axis=1)
        compared[places] = builder.lut(made, np.full(places.size, 0b0010, np.uint64))
    state = builder.register(netlist.num_registers, netlist.register_init)
    values = added(builder, netlist, np.concatenate([signals, state]))
    builder.connect(state, values[netlist.register_next])
    return builder.build(values[netlist.outputs])


def samples(inputs: Inputs, bits: NDArray[np.bool_]) -> NDArray[Any]:
    """Return samples (N, F) that have these possible bits (N, I) of united inputs: float32, integers for long words.

    A feature is the lowest of its thresholds, or the number above the highest that it should be above; unread, it is 0.
    """
    comparators = inputs.comparators
    compared, words, missing = inputs.split(bits)
    made: NDArray[Any] = np.zeros((len(bits), inputs.num_features), np.float32)
    lowest = np.flatnonzero(np.diff(comparators.feature, prepend=-1))
    made[:, comparators.feature[lowest]] = comparators.threshold[lowest]  # not above it
    with np.errstate(over="ignore"):
        above = np.nextafter(comparators.threshold, np.float32(np.inf))
    for place, feature in enumerate(comparators.feature.tolist()):  # the highest of a feature comes last
        made[compared[:, place], feature] = above[place]
    if inputs.words is not None:
        formats = inputs.words.formats
        patterns = np.zeros((len(bits), len(formats)), np.uint64)
        for number, (place, bit) in enumerate(zip(inputs.words.place.tolist(), inputs.words.bit, strict=True)):
            patterns[:, place] |= words[:, number].astype(np.uint64) << np.uint64(bit)
        numbers = formats.numbers(patterns)
        if formats.is_long:
            made = made.astype(np.float64 if len(comparators) or inputs.missing.size else numbers.dtype)
        made[:, formats.feature] = numbers
    made[:, inputs.missing] = np.where(missing, np.nan, made[:, inputs.missing]) if inputs.missing.size else 0
    return made


def random_bits(inputs: Inputs, count: int, seed: int = 0) -> NDArray[np.bool_]:
    """Return possible bits (count, I): a random level of each feature, between none of its thresholds and all; of words
    any bits.
    """
    rng = np.random.default_rng(seed)
    feature = inputs.comparators.feature
    place = np.arange(feature.size) - np.searchsorted(feature, feature)  # of a threshold in its feature
    sizes = np.bincount(feature, minlength=inputs.num_features)
    levels = rng.integers(0, sizes + 1, (count, sizes.size))
    levels[:1], levels[1:2] = 0, sizes
    others = rng.integers(0, 2, (count, len(inputs) - feature.size)).astype(np.bool_)
    return closed(inputs, np.concatenate([place < levels[:, feature], others], axis=1))
