"""Cross entropy under a change of output bits, and votes, in plain NumPy: what kernels beside it compute, slowly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def rises(
    before: NDArray[np.bool_],
    after: NDArray[np.bool_],
    groups: NDArray[np.int64],
    weights: NDArray[np.int32],
    shares: NDArray[np.float64],
    labels: NDArray[np.int64],
    tau: float,
) -> NDArray[np.float64]:
    """Return by how much the cross entropy of each sample rises, float64 (N,), in nats.

    Args:
        before: (K, N), outputs as they were.
        after: (K, N), as they are.
        groups: (K,), the group of each output.
        weights: (C, G), of a head: what a bit of a group counts for the score of a class.
        shares: (C, N), the probabilities of classes before.
        labels: (N,), classes.
        tau: above 0: probabilities are a softmax of scores / tau.
    """
    scores = np.log(shares) + change(before, after, groups, weights) / tau
    own = np.take_along_axis(shares, labels[None], axis=0)[0]
    found: NDArray[np.float64] = (
        np.log(np.exp(scores).sum(axis=0)) - np.take_along_axis(scores, labels[None], axis=0)[0] + np.log(own)
    )
    return found


def change(
    before: NDArray[np.bool_], after: NDArray[np.bool_], groups: NDArray[np.int64], weights: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Return what the scores of classes rise by, (C, N)."""
    risen: NDArray[np.float64] = weights[:, groups].astype(np.float64) @ (after.astype(np.float64) - before)
    return risen


def sums_at(
    reads: NDArray[np.bool_], values: NDArray[np.float64], parts: NDArray[np.uint8], num_parts: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sums of values (N,) and of their squares by part and address, float64 (P, 2**n) each.

    Args:
        reads: (n, N), the inputs of a LUT: row j is bit j of the address.
        values: (N,).
        parts: (N,), of P parts the one that each sample belongs to.
        num_parts: P.
    """
    address = (reads.astype(np.int64) << np.arange(len(reads))[:, None]).sum(axis=0)
    sums = np.zeros((2, num_parts, 1 << len(reads)))
    np.add.at(sums[0], (parts, address), values)
    np.add.at(sums[1], (parts, address), values**2)
    return sums[0], sums[1]


def gains(
    rises: NDArray[np.float64], own: NDArray[np.bool_], parts: NDArray[np.uint8], part: int, scale: float
) -> NDArray[np.int32]:
    """Return what each sample of a part gains where a node's output is 1 and not 0, int32 (N,), `scale` a nat.

    Args:
        rises: (N,), by how much the loss rises if the node is inverted.
        own: (N,), what the node says.
        parts: (N,), of every sample.
        part: the one that counts; other samples gain 0.
        scale: see above.
    """
    gained = np.where(own, rises, -rises) * scale
    return np.rint(np.where(parts == part, gained, 0.0)).astype(np.int32)


def separate_losses(
    scores: NDArray[np.int32], wanted: NDArray[np.float64], slopes: NDArray[np.float64], logistic: bool
) -> NDArray[np.float64]:
    """Return the loss of each sample, float64 (N,), a sum over its scores.

    Args:
        scores: (C, N).
        wanted: (C, N), of labels 1 where they are to be set and else -1; of targets these.
        slopes: (C,), above 0 of labels.
        logistic: log(1 + exp(-wanted slope (score - 1/2))), of labels; else (slope score - wanted)**2.
    """
    values = slopes[:, None] * (scores - 0.5 if logistic else scores)
    each = np.logaddexp(0, -wanted * values) if logistic else (values - wanted) ** 2
    total: NDArray[np.float64] = each.sum(axis=0)
    return total


def vote_shares(scores: NDArray[np.int64], tau: float) -> NDArray[np.float64]:
    """Return the probabilities of classes (C, N) of their scores (C, N): softmax of scores / tau."""
    odds = np.exp((scores - scores.max(axis=0)) / tau)
    found: NDArray[np.float64] = odds / odds.sum(axis=0)
    return found


def vote_gains(
    shares: NDArray[np.float64], labels: NDArray[np.int64], weights: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Return by how much the cross entropy of a sample falls, to first order and times tau, if a vote is 1 and not 0.

    Args:
        shares: (C, N), the probabilities of classes.
        labels: (N,).
        weights: (C,), what the vote counts for each class.
    """
    found: NDArray[np.float64] = weights[labels] - weights @ shares
    return found


def vote_count(bits: NDArray[np.bool_], weights: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the scores of classes (C, N) of votes (K, N), for which weights (K, C) count, or against."""
    found: NDArray[np.int64] = weights.astype(np.int64).T @ np.where(bits, 1, -1)
    return found
