"""Heads: bits to scores. Integers in eval mode, the circuit's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lutsmith.ground.arguments import check_options, one_of, options_of
from lutsmith.nn.heads.at_places import GroupSum1d, GroupSum2d, GroupSum3d, GroupSumAtPlaces
from lutsmith.nn.heads.base import GroupHead, ScoredHead, Tau
from lutsmith.nn.heads.code_words import code_words
from lutsmith.nn.heads.group_affine import GroupAffine
from lutsmith.nn.heads.group_sum import GroupSum
from lutsmith.nn.heads.grouped_dsp import GroupedDSP
from lutsmith.nn.heads.multi_label import MultiLabel
from lutsmith.nn.heads.output_code import OutputCode
from lutsmith.nn.heads.reduction import LearnableReduction
from lutsmith.nn.heads.regression import Regression

__all__ = [
    "HEADS",
    "GroupAffine",
    "GroupHead",
    "GroupSum",
    "GroupSum1d",
    "GroupSum2d",
    "GroupSum3d",
    "GroupSumAtPlaces",
    "GroupedDSP",
    "LearnableReduction",
    "MultiLabel",
    "OutputCode",
    "Regression",
    "ScoredHead",
    "Tau",
    "code_words",
    "setup_head",
]

HEADS: dict[str, Callable[..., GroupHead]] = {
    "affine": GroupAffine,
    "group-sum": GroupSum,
    "grouped-dsp": GroupedDSP,
    "multi-label": MultiLabel,
    "output-code": OutputCode,
    "reduction": LearnableReduction,
    "regression": Regression,
}
"""The heads by name. Their first argument is the number of classes, labels or targets, and all take `in_dim`."""


def setup_head(name: str, num_classes: int, *, in_dim: int | None = None, **options: Any) -> GroupHead:
    """Make the head `name` for a number of classes, labels or targets.

    Args:
        name: a key of `HEADS`.
        num_classes: k.
        in_dim: the width of the last layer; `reduction`, permutations and drawn code words need it, others check it.
        **options: further arguments of the head's class.

    Raises:
        ValueError: an unknown name, an option that the head does not have, impossible sizes or invalid values.
        TypeError: a value of a wrong type.
    """
    kind: Any = HEADS[one_of("head", name, sorted(HEADS))]
    if kind is not LearnableReduction:  # it hands the rest to its LUTs, which check them
        check_options(
            f"the head {name!r}", options, [known for known in options_of(kind) if known not in ("k", "in_dim")]
        )
    head: GroupHead = kind(num_classes, in_dim=in_dim, **options)
    return head
