"""Votes under the softmax: what a vote more is worth to each sample, and the sums that tell it.

Votes are int32 (K, N), scores are votes / tau. Kept beside them are e = exp((votes - highest) / tau) and its sum over
the classes, both float32: when a sample's vote changes, its e is multiplied by a constant, and a gain needs a division
and a logarithm, no exponential. Elements stand for themselves: no cut of the work changes a bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lutsmith.kernels.compiler import kernel


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
def gains(powers: Any, sums: Any, classes: Any, k: int, weights: Any, tau: float, scale: float, out: Any) -> None:
    """Write what the loss of each sample falls by where class k gets a vote, times its weight and `scale`, rounded.

    That is 1/tau [y = k] - log(1 + p_k (exp(1/tau) - 1)): exact, not a linearisation. It is the gain that
    `naive.softmax_gains` states.
    """
    more, vote = np.float32(np.expm1(1 / tau)), np.float32(1 / tau)
    for sample in range(sums.size):
        gain = -np.log1p(powers[k, sample] / sums[sample] * more)
        if classes[sample] == k:
            gain += vote
        out[sample] = np.int32(np.rint(gain * weights[sample] * np.float32(scale)))


@kernel()
def add(votes: Any, powers: Any, sums: Any, k: int, words: Any, sign: int, tau: float) -> None:
    """Add `sign` votes, 1 or -1, to class k of the samples whose bits of `words` (W,) are set."""
    factor = np.float32(np.exp(sign / tau))
    for word in range(words.size):
        bits = words[word]
        if bits == np.uint64(0):
            continue
        for bit in range(min(64, sums.size - 64 * word)):
            if bits >> np.uint64(bit) & np.uint64(1):
                sample = 64 * word + bit
                before = powers[k, sample]
                after = before * factor
                votes[k, sample] += sign
                powers[k, sample] = after
                sums[sample] += after - before
