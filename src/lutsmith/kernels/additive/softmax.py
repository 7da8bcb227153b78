"""Votes under the softmax: what votes more are worth to each sample, and the sums that tell it.

Votes are int32 (K, N), scores are votes / tau. Kept beside them are e = exp((votes - highest) / tau) and its sum over
the classes, both float32: when a sample's vote changes, its e is multiplied by a constant, and a gain needs a division
and a logarithm, no exponential. Elements stand for themselves: no cut of the work changes a bit. A code, int32 (K,),
says how many votes each class gets where a LUT is 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lutsmith.kernels.compiler import kernel

STEEP = 80.0
"""Logarithm of factors that float32 hardly holds."""

TINY, LOWEST = np.float32(np.finfo(np.float32).tiny), np.float32(2.0**-24 - 1)
"""The least that logarithms are taken of, and the least less 1."""

BLOCK = 1024
"""Samples at a time: what is kept of them stays in the cache."""


@kernel()
def begin(votes: Any, tau: float, powers: Any, sums: Any) -> None:
    """Fill in e (K, N) and its sum (N,)."""
    for sample in range(votes.shape[1]):
        highest = votes[0, sample]
        for k in range(1, len(votes)):
            highest = max(highest, votes[k, sample])
        total = np.float32(0)
        for k in range(len(votes)):
            power = np.float32(np.exp(np.float32(votes[k, sample] - highest) / np.float32(tau)))
            powers[k, sample] = power
            total += power
        sums[sample] = total


@kernel()
def gains(powers: Any, sums: Any, classes: Any, code: Any, weights: Any, tau: float, scale: float, out: Any) -> None:
    """Write what the loss of each sample falls by where a LUT with this code is 1, times its weight and `scale`,
    rounded.

    That is w_y / tau - log(1 + sum_k p_k (exp(w_k / tau) - 1)): exact, not a linearisation. It is the gain that
    `naive.softmax_gains` states. The logarithm of 1 + u is 2 artanh(u / (2 + u)), by its series where |u| is small.
    """
    factors = np.expm1(code / tau).astype(np.float32)
    votes = (code / tau).astype(np.float32)
    near = factors.max() <= 1.0 and factors.min() >= -0.5
    most = max(code.max(), 0) / tau
    reach = np.float32(most - min(code.min(), 0) / tau)
    steep, rest = most > STEEP, np.float32(np.exp(-most))  # then all is divided by exp(most), to stay a float32
    if steep:
        factors = (np.exp(code / tau - most) - rest).astype(np.float32)
    change, size = np.empty(BLOCK, np.float32), np.float32(scale)
    one, two = np.float32(1), np.float32(2)
    third, fifth, seventh, ninth = np.float32(1 / 3), np.float32(1 / 5), np.float32(1 / 7), np.float32(1 / 9)
    for start in range(0, sums.size, BLOCK):
        stop = min(start + BLOCK, sums.size)
        part = change[: stop - start]
        part[:] = 0
        for k in range(code.size):
            if code[k] != 0:
                for place in range(stop - start):
                    part[place] += powers[k, start + place] * factors[k]
        if near:
            for place in range(stop - start):
                u = part[place] / sums[start + place]
                s = u / (two + u)
                q = s * s
                part[place] = -two * s * (one + q * (third + q * (fifth + q * (seventh + q * ninth))))
        elif steep:
            for place in range(stop - start):
                part[place] = -np.float32(most) - np.log(max(part[place] / sums[start + place] + rest, TINY))
        else:
            for place in range(stop - start):
                part[place] = -np.log1p(max(part[place] / sums[start + place], LOWEST))
        for place in range(stop - start):
            part[place] += votes[classes[start + place]]
        if not near:  # a small p is 0 in float32, and says more than there is
            for place in range(stop - start):
                part[place] = min(max(part[place], -reach), reach)
        for place in range(stop - start):
            out[start + place] = np.int32(np.rint(part[place] * weights[start + place] * size))


@kernel()
def add(votes: Any, powers: Any, sums: Any, code: Any, words: Any, sign: int, tau: float) -> None:
    """Add the votes of a code, or take them away where sign is -1, for samples whose bits of `words` (W,) are set."""
    factors = np.exp(sign * code / tau).astype(np.float32)
    for word in range(words.size):
        bits = words[word]
        if bits == np.uint64(0):
            continue
        for k in range(code.size):
            if code[k] == 0:
                continue
            factor, change = factors[k], sign * code[k]
            for bit in range(min(64, sums.size - 64 * word)):
                if bits >> np.uint64(bit) & np.uint64(1):
                    sample = 64 * word + bit
                    before = powers[k, sample]
                    after = before * factor
                    votes[k, sample] += change
                    powers[k, sample] = after
                    sums[sample] += after - before
