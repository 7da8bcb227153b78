"""Circuits made of parts: an adder and a multiplier of one full adder, and labels of places beside one of the whole."""

from __future__ import annotations

import numpy as np

from lutsmith.circuit import Circuit, CircuitBuilder, Head, Netlist, NetlistBuilder

SUM, CARRY, AND = 0b10010110, 0b11101000, 0b1000
"""Tables: x_0 + x_1 + x_2, its lower and its higher bit; x_0 and x_1."""


def full_adder() -> Netlist:
    """Three bits to their sum, two bits."""
    builder = NetlistBuilder(3)
    return builder.build(builder.lut([[0, 1, 2], [0, 1, 2]], np.array([SUM, CARRY], np.uint64)))


def adder(bits: int = 64) -> Circuit:
    """Two words and the bit that is carried in, to their sum of `bits + 1` bits: one full adder a bit."""
    builder = CircuitBuilder((3,))
    a, b = builder.words([0, 1], bits)
    carry = builder.words(2, 1)[0]
    cell, sums = full_adder(), []
    for place in range(bits):
        low, carry = builder.instances("fa", cell, [[a[place], b[place], carry]])[0]
        sums.append(low)
    builder.integers({"sum": [*sums, carry]})
    return builder.build()


def multiplier(bits: int = 64) -> Circuit:
    """Two words to their product of `2 * bits` bits: rows of full adders that save carries, and one that hands them on.

    There are `bits` squared AND2s, and as many full adders.
    """
    builder = CircuitBuilder((2,))
    a, b = builder.words([0, 1], bits)
    cell, zero = full_adder(), builder.constant(False)
    pairs = np.stack(np.broadcast_arrays(a[None, :], b[:, None]), axis=-1).reshape(-1, 2)
    terms = builder.lut(pairs, np.array([AND], np.uint64), np.zeros(len(pairs), np.int64)).reshape(bits, bits)
    sums, carries = terms[0], np.full(bits, zero)
    product = [sums[0]]
    for row in terms[1:]:
        sums, carries = builder.instances("fa", cell, np.stack([row, np.append(sums[1:], zero), carries], axis=1)).T
        product.append(sums[0])
    high, carry = np.append(sums[1:], zero), zero
    for place in range(bits):
        low, carry = builder.instances("fa", cell, [[high[place], carries[place], carry]])[0]
        product.append(low)
    builder.integers({"product": product})
    return builder.build()


def labels_of_places(height: int = 8, width: int = 8, seed: int = 0) -> Circuit:
    """Images of three channels to a label for each pixel, and one of the whole.

    The channels are words, numbers that are compared, and numbers that may be missing. One kernel stands at all places.
    """
    rng = np.random.default_rng(seed)
    builder = CircuitBuilder((3, height, width))
    low = builder.words(builder.features[0], 4)[..., -2:]
    middle = builder.compare(builder.features[1], 0.5)[..., None]
    high = np.stack([builder.compare(builder.features[2], 1.5), builder.missing(builder.features[2])], axis=-1)
    pixels = np.concatenate([low, middle, high], axis=-1)
    beside = np.roll(pixels, 1, axis=1)
    kernel = NetlistBuilder(10)
    hidden = kernel.lut(
        [[0, 1, 2, 3, 4, 5], [4, 5, 6, 7, 8, 9], [0, 2, 4, 6, 8, 9]], rng.integers(0, 1 << 63, 3, np.uint64)
    )
    ends = kernel.lut(
        np.stack([rng.permutation([*hidden, *rng.choice(10, 1)]) for _ in range(6)]), rng.integers(0, 2, (6, 16))
    )
    reads = np.concatenate([pixels, beside], axis=-1).reshape(height * width, 10)
    votes = builder.instances("kernel", kernel.build(ends), reads)
    whole = builder.lut(rng.choice(votes.reshape(-1), (12, 6)), rng.integers(0, 1 << 63, 12, np.uint64))
    builder.heads(
        {
            "pixel": (votes.reshape(-1), {"head": Head(3, shape=(height, width)), "classes": ("sky", "sea", "land")}),
            "image": (whole, {"head": Head(4), "classes": ("north", "east", "south", "west")}),
        }
    )
    return builder.build()
