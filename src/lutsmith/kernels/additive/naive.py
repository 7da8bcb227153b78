"""Additive learning in plain NumPy: the specification of the kernels beside it, and slow.

Every sample has a gain, an integer: what the loss falls by, in some unit, where the LUT's output is 1 for that sample.
The gain of a whole LUT is the sum over the samples where it is 1, so that for given inputs the best table has a 1 at
exactly the addresses whose samples' gains add up to more than 0: D_a = sum of the gains at address a, and the LUT gains
sum_a max(D_a, 0). Inputs are chosen greedily, slot by slot, for the largest of these sums.

Where a table may not fall along an input, or not rise, its gain is that of the best table among those.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RISES, FALLS = 1, 2
"""How a table may depend on an input: it never falls where the input is turned on, or never rises. With both it does
not depend on it, with neither (0) it may do both."""


class Grown(NamedTuple):
    """A LUT that was grown.

    Attributes:
        inputs: int32 (n,), the rows of bits that it reads; input 0 is the least significant bit of the address.
        sums: int64 (2**n,), D_a; the table is `sums > 0`, or `best_unate` of them.
    """

    inputs: NDArray[np.int32]
    sums: NDArray[np.int64]


def grow(
    bits: NDArray[np.bool_],
    gains: NDArray[np.int32],
    candidates: NDArray[np.int32],
    rank: int,
    *,
    known: int = 0,
    pairs: int = 0,
    exchanges: int = 0,
    unate: NDArray[np.uint8] | None = None,
) -> Grown:
    """Choose the inputs of a LUT among candidates, and add up the gains at its addresses.

    A slot takes the candidate with the largest gain of the LUT so far, the first of equals, and never a row that
    another slot reads.

    Args:
        bits: (F, N).
        gains: (N,).
        candidates: (K,), rows of `bits`, at least `rank` different ones.
        rank: n.
        known: so many inputs there are already: the first candidates, all different.
        pairs: the first two slots take the best pair whose first is among so many of the candidates, so that two
            inputs that tell nothing alone are found.
        exchanges: how often, once the LUT is there, its first input leaves and the best candidate, it too, becomes the
            last. The gain never falls.
        unate: uint8 (F,), how a table may depend on each row of `bits`; None: anyhow.
    """

    def gain_of(rows: list[int]) -> int:
        sums = sums_at(address_of(bits, rows), gains, len(rows))
        table = sums > 0 if unate is None else best_unate(sums, unate[rows])
        return int(sums[table].sum())

    def best(rows: list[int]) -> tuple[int, int]:
        """The largest gain with one more row, and the row."""
        found = -1, -1
        for row in candidates.tolist():
            if row not in rows and (gain := gain_of([*rows, row])) > found[0]:
                found = gain, row
        return found

    chosen: list[int] = candidates[:known].tolist()
    if known == 0 and rank > 1:
        most = -1
        for first in dict.fromkeys(candidates[:pairs].tolist()):
            gain, second = best([first])
            if gain > most:
                most, chosen = gain, [first, second]
    while len(chosen) < rank:
        chosen.append(best(chosen)[1])
    for _ in range(exchanges):
        chosen = chosen[1:]
        chosen.append(best(chosen)[1])
    return Grown(np.array(chosen, np.int32), sums_at(address_of(bits, chosen), gains, rank))


def address_of(bits: NDArray[np.bool_], rows: Iterable[int]) -> NDArray[np.int64]:
    """The address of each sample, (N,): row j of the inputs is bit j."""
    address = np.zeros(bits.shape[1], np.int64)
    for slot, row in enumerate(rows):
        address |= bits[row].astype(np.int64) << slot
    return address


def sums_at(address: NDArray[np.int64], gains: NDArray[np.int32], rank: int) -> NDArray[np.int64]:
    """D_a, int64 (2**n,): the sum of the gains of the samples at each address."""
    sums = np.zeros(1 << rank, np.int64)
    np.add.at(sums, address, gains)
    return sums


def best_unate(weights: NDArray[np.int64], unate: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the table, bool (2**n,), with the largest sum of the weights where it is 1, of all that depend on their
    inputs as `unate` allows; of equals the one with the fewest ones, of which there is one.

    It is a maximum closure by a minimum cut: positive weights are what flows in, negative ones what flows out, and any
    amount flows along the edges from an entry to one that has to be 1 with it.

    Args:
        weights: int64 (2**n,).
        unate: uint8 (n,), of each input.
    """
    size = len(weights)
    source, sink, everything = size, size + 1, int(np.abs(weights).sum()) + 1
    left = np.zeros((size + 2, size + 2), np.int64)
    left[source, :size], left[:size, sink] = np.maximum(weights, 0), np.maximum(-weights, 0)
    for entry in range(size):
        for slot, allowed in enumerate(unate.tolist()):
            if allowed & (FALLS if entry >> slot & 1 else RISES):
                left[entry, entry ^ 1 << slot] = everything
    while True:
        came = {source: source}
        waiting = [source]
        while waiting and sink not in came:
            node = waiting.pop(0)
            for other in np.flatnonzero(left[node]).tolist():
                if other not in came:
                    came[other] = node
                    waiting.append(other)
        if sink not in came:
            return np.array([entry in came for entry in range(size)])
        path = [sink]
        while path[-1] != source:
            path.append(came[path[-1]])
        edges = [(before, after) for after, before in pairwise(path)]
        amount = min(left[edge] for edge in edges)
        for before, after in edges:
            left[before, after] -= amount
            left[after, before] += amount


def values(bits: NDArray[np.bool_], inputs: NDArray[np.int32], table: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What a LUT says of each sample, bool (N,)."""
    return table[address_of(bits, inputs)]


def softmax_gains(
    votes: NDArray[np.int32], classes: NDArray[np.int64], code: NDArray[np.int32], tau: float
) -> NDArray[np.float64]:
    """What the cross entropy of each sample falls by where the classes get the votes of a code, float64 (N,).

    Args:
        votes: (K, N); the scores are votes / tau.
        classes: (N,), of the samples.
        code: (K,), how many votes each class gets more.
        tau: above 0.
    """

    def losses(counts: NDArray[np.int32]) -> NDArray[np.float64]:
        scores = counts / tau
        own = np.take_along_axis(scores, classes[None], axis=0)[0]
        highest = scores.max(axis=0)
        found: NDArray[np.float64] = np.log(np.exp(scores - highest).sum(axis=0)) + highest - own
        return found

    return losses(votes) - losses(votes + code[:, None])


def thin(gains: NDArray[np.int32], threshold: int, seed: int) -> NDArray[np.int32]:
    """Few gains that stand for all, in halves, int32 (N,): those of at least the threshold c as they are; of smaller
    ones sign(g) c with probability |g| / c, else 0. What is drawn is splitmix64 of the seed and the sample.
    """
    z = np.uint64(seed) + np.arange(1, gains.size + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    drawn = (z ^ (z >> np.uint64(31))) >> np.uint64(32)
    size = np.abs(gains.astype(np.int64))
    stays = drawn.astype(object) * threshold < size.astype(object) << 32  # Python's integers do not overflow
    size = np.where(size >= threshold, size, np.where(stays.astype(np.bool_), threshold, 0))
    found: NDArray[np.int32] = (np.sign(gains) * (size >> 1)).astype(np.int32)
    return found
