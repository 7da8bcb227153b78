"""Losses that are sums over scores, one of each label or target, under a change of output bits, on packed rows.

A score s is an integer. Of a label with the sign q, 1 where it is to be set and else -1, the loss is
log(1 + exp(-q (s - 1/2) a)); of a target t it is (a s - t)**2. Only samples and scores that change cost anything.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lutsmith.kernels.compiler import kernel
from lutsmith.kernels.search import softmax
from lutsmith.kernels.search.softmax import COMPILING, first_bit, votes_of

_SOURCES = (softmax.__file__,)


@kernel(sources=_SOURCES)
def _lost(margin: Any) -> Any:
    """log(1 + exp(-margin))."""
    return max(-margin, 0.0) + np.log1p(np.exp(-abs(margin)))


@kernel(sources=_SOURCES)
def _moved(word: Any, before: Any, after: Any, groups: Any, weights: Any, votes: Any, moved: Any, which: Any) -> Any:
    """Write what scores of 64 samples rise by, int64 (C, 64), and which scores those are; return how many, and the
    samples whose outputs change. Other rows of `moved` are left as they are.
    """
    some, count = np.uint64(0), 0
    for row in range(len(before)):
        now = after[row, word]
        differ = before[row, word] ^ now
        if not differ:
            continue
        some |= differ
        votes[:] = 0
        votes_of(now, differ, votes)
        if len(weights) == 0:
            group = groups[row]
            if count == 0 or which[count - 1] != group:  # groups ascend
                which[count] = group
                moved[group] = 0
                count += 1
            moved[group] += votes
            continue
        if count == 0:
            moved[:] = 0
            count = len(moved)
            for score in range(count):
                which[score] = score
        for score in range(count):
            moved[score] += weights[score, groups[row]] * votes
    return count, some


@kernel(COMPILING, sources=_SOURCES)
def rises(before: Any, after: Any, groups: Any, weights: Any, scores: Any, wanted: Any, slopes: Any, logistic: bool,
          samples: Any, values: Any) -> int:  # fmt: skip
    """List the samples whose outputs change, and by how much their loss rises; return how many there are.

    Args:
        before: uint64 (K, W), rows of outputs as they were.
        after: uint64 (K, W), as they are.
        groups: int64 (K,), ascending, the group of each.
        weights: int32 (C, G), or (0, 0): group c is score c.
        scores: int32 (C, 64 W), before.
        wanted: float64 (C, 64 W), q of labels, t of targets.
        slopes: float64 (C,), a.
        logistic: whether the loss is that of labels.
        samples: int32 (64 W,): the samples, ascending.
        values: float64 (64 W,): their rises.
    """
    votes, moved, which = np.empty(64, np.int64), np.empty((len(scores), 64), np.int64), np.empty(len(scores), np.int64)
    found = 0
    for word in range(before.shape[1]):
        count, some = _moved(word, before, after, groups, weights, votes, moved, which)
        while some:
            place = first_bit(some)
            some &= some - np.uint64(1)
            sample, total = 64 * word + place, 0.0
            for changed in range(count):
                score = which[changed]
                step, slope = moved[score, place], slopes[score]
                if step == 0:
                    continue
                if logistic:
                    margin = wanted[score, sample] * slope * (scores[score, sample] - 0.5)
                    total += _lost(margin + wanted[score, sample] * slope * step) - _lost(margin)
                else:
                    way = slope * step
                    total += way * (2.0 * (slope * scores[score, sample] - wanted[score, sample]) + way)
            samples[found], values[found] = sample, total
            found += 1
    return found


@kernel(sources=_SOURCES)
def follow(before: Any, after: Any, groups: Any, weights: Any, scores: Any) -> None:
    """Let the scores follow a change of outputs; arguments as for `rises`."""
    votes, moved, which = np.empty(64, np.int64), np.empty((len(scores), 64), np.int64), np.empty(len(scores), np.int64)
    for word in range(before.shape[1]):
        count, _ = _moved(word, before, after, groups, weights, votes, moved, which)
        for changed in range(count):
            score = which[changed]
            for place in range(64):
                scores[score, 64 * word + place] += np.int32(moved[score, place])
