"""What the next vote of a layer should say, sample by sample, where its LUTs vote for classes with whole weights.

With probabilities p_c of classes, a vote that counts w_c for class c lowers the cross entropy of a sample with label y,
to first order, by g = sum_c p_c (w_y - w_c). Summed that way nothing cancels where p_y is almost 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lutsmith.kernels.compiler import kernel

COMPILING = "compiling the kernels of votes, once per machine, about 2 s"


@kernel(COMPILING)
def shares(scores: Any, tau: float, out: Any) -> None:
    """Write the probabilities of classes.

    Args:
        scores: int64 (C, N).
        tau: above 0; probabilities are a softmax of scores / tau.
        out: float64 (C, N).
    """
    classes, samples = scores.shape
    for sample in range(samples):
        most, total = scores[0, sample], 0.0
        for label in range(1, classes):
            most = max(most, scores[label, sample])
        for label in range(classes):
            out[label, sample] = np.exp((scores[label, sample] - most) / tau)
            total += out[label, sample]
        for label in range(classes):
            out[label, sample] /= total


@kernel()
def gains(shares: Any, labels: Any, weights: Any, most: int, room: Any, out: Any) -> None:
    """Write what a sample gains where the vote is 1 and not 0, as whole numbers of one unit.

    Args:
        shares: float64 (C, N).
        labels: int64 (N,), below C.
        weights: int32 (C,), of the vote.
        most: what the numbers add up to at most, without their signs; above N.
        room: float64 (N,).
        out: int32 (N,); all 0 where nobody gains anything.
    """
    total = 0.0
    for sample in range(labels.size):
        own, gain = weights[labels[sample]], 0.0
        for label in range(weights.size):
            gain += shares[label, sample] * (own - weights[label])
        room[sample] = gain
        total += abs(gain)
    scale = (most - labels.size) / total if total > 0 else 0.0  # each is rounded by up to a half
    if not np.isfinite(scale):
        scale = 0.0
    for sample in range(labels.size):
        out[sample] = np.int32(np.rint(room[sample] * scale))


@kernel()
def count(bits: Any, weights: Any, scores: Any) -> None:
    """Add votes to the scores of classes: their weights where a vote is 1, minus them where it is 0.

    Args:
        bits: uint64 (K, W), the votes, 64 samples a word.
        weights: int32 (K, C).
        scores: int64 (C, N), N at most 64 W.
    """
    one, samples = np.uint64(1), scores.shape[1]
    for vote in range(len(bits)):
        for label in range(len(scores)):
            weight = weights[vote, label]
            if weight == 0:
                continue
            for word in range((samples + 63) >> 6):
                said = bits[vote, word]
                for bit in range(min(64, samples - 64 * word)):
                    scores[label, 64 * word + bit] += weight if said >> np.uint64(bit) & one else -weight
