"""The head that gives a circuit's scores, to go on with its training."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.circuit.traits import popcount_head
from lutsmith.nn.heads.base import GroupHead, Tau
from lutsmith.nn.heads.group_affine import GroupAffine
from lutsmith.nn.heads.group_sum import GroupSum
from lutsmith.nn.heads.grouped_dsp import GroupedDSP
from lutsmith.nn.heads.multi_label import MultiLabel
from lutsmith.nn.heads.output_code import OutputCode
from lutsmith.nn.heads.regression import Regression
from lutsmith.nn.precision import EXACT

WIDEST = (1 << 15) - 1
"""The largest weight of 16 bits."""


def head_of_circuit(circuit: Circuit, tau: Tau = "auto") -> GroupHead:
    """Make the head that gives the same result as the circuit's head for the same bits.

    For classes the scores are equal; in training they are divided by tau. For several labels and for numbers each group
    must have its own score: the same labels are set, by counts and thresholds alone; numbers are the same up to the
    rounding of scale and offset to float32, and there is no tau.

    Args:
        circuit: one with a head.
        tau: divisor of the circuit's scores in training; `"auto"` is that of `GroupSum`, for plain counts and code
            words; otherwise it is that times the largest weight.

    Raises:
        ValueError: scores that no head can give.
    """
    head = popcount_head(circuit, "a head to train", "train a new network")
    if head is None:
        raise ValueError("the circuit has no head, and nothing says what its bits are counted for")
    size = circuit.netlist.outputs.size // head.num_groups
    scores, groups = head.num_classes, head.num_groups
    weights = np.eye(groups, dtype=np.int64) if head.weights is None else head.weights.astype(np.int64)
    bias = np.zeros(scores, np.int64) if head.bias is None else head.bias.astype(np.int64)
    own = None if scores != groups or (weights - np.diag(np.diag(weights))).any() else np.diag(weights)
    if circuit.objective == "regression":
        return _regression(head, own, bias, size)
    if circuit.objective == "multilabel":
        return _multi_label(own, bias, size, tau)
    if own is not None and (own == 1).all() and not bias.any():
        return GroupSum(scores, tau)
    largest = int(np.abs(weights).max())
    if (np.abs(weights) == 1).all() and np.array_equal(bias, -size * (weights > 0).sum(axis=1)):
        return OutputCode(scores, tau, torch.from_numpy(weights > 0))
    divisor = float(np.sqrt(size / 3)) * largest if isinstance(tau, str) else tau
    most = min(size * _limit(largest), EXACT)
    if own is not None and largest <= WIDEST and np.abs(bias).max() <= most:
        affine = GroupAffine(scores, 1.0, wbits=_bits(largest))
        affine.tau = divisor / affine.unit
        _set(affine, scale=own / affine.unit, offset=bias / affine.unit)
        return affine
    if not bias.any() and largest <= WIDEST:
        product = GroupedDSP(scores, 1.0, wbits=_bits(largest), num_groups=groups)
        product.tau = divisor / product.limit
        _set(product, weight=np.arctanh(np.clip(weights / product.limit, -1 + 1e-9, 1 - 1e-9)))
        return product
    raise ValueError(
        f"no head to train has the circuit's: {groups} groups, {scores} scores, weights up to {largest}, bias up to "
        f"{np.abs(bias).max()}; there are counts, a weight and a bias of 16 bits for each class, a matrix of such "
        "weights without bias, and code words"
    )


def _regression(head: Head, own: NDArray[np.int64] | None, bias: NDArray[np.int64], size: int) -> Regression:
    if own is None:
        raise ValueError("a target of the circuit is a sum over several groups; heads to train have a group for each")
    scale = np.ones(own.size) if head.scale is None else head.scale
    offset = np.zeros(own.size) if head.offset is None else head.offset
    half = own * scale * size / 2
    return Regression(own.size, half.tolist(), (bias * scale + offset + half).tolist())


def _multi_label(own: NDArray[np.int64] | None, bias: NDArray[np.int64], size: int, tau: Tau) -> MultiLabel:
    if own is None or (own < 1).any():
        raise ValueError("a label of the circuit is not set by more ones of a group of its own, as heads to train do")
    threshold = -bias // own  # a n + b > 0 where n > -b / a
    if (threshold < 0).any() or (threshold >= size).any():
        label = int(((threshold < 0) | (threshold >= size)).argmax())
        raise ValueError(f"label {label} of the circuit is always set or never: there is nothing to train")
    return MultiLabel(own.size, tau, None if (threshold == size // 2).all() else threshold.tolist())


def _bits(largest: int) -> int:
    """The word length, 2 to 16, of weights up to `largest`."""
    return max(2, largest.bit_length() + 1)


def _limit(largest: int) -> int:
    return (1 << (_bits(largest) - 1)) - 1


def _set(head: Any, **values: NDArray[Any]) -> None:
    with torch.no_grad():
        for name, value in values.items():
            getattr(head, name).copy_(torch.from_numpy(np.asarray(value)))
