"""What lutsmith's own encoders, layers and heads state."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.circuit.rows import OutOfRangeWarning
from lutsmith.nn.dense import LogicDense
from lutsmith.nn.encoders import ENCODERS, Categorical, Columns, Encoder, LearnableThermometer, Missing
from lutsmith.nn.encoders.edges import EdgeThermometer
from lutsmith.nn.encoders.several import ImageThermometer, Several
from lutsmith.nn.heads import (
    GroupAffine,
    GroupedDSP,
    GroupHead,
    GroupSum,
    LearnableReduction,
    MultiLabel,
    OutputCode,
    Regression,
)
from lutsmith.nn.modes import in_eval
from lutsmith.nn.read_back.statements import Bits, ChosenBits, Computed, Luts, Scores, states
from lutsmith.nn.skip import Skip, Wires

Shape = tuple[int, ...]


@states(LogicDense)
def _dense(layer: LogicDense, shape: Shape) -> Luts:  # noqa: ARG001
    tables, shared = _array(layer.hard_tables()).astype(np.bool_), layer.tables_read()
    inputs = _array(layer.connections.inputs())
    return Luts(layer.in_dim, inputs, tables, table_of=None if shared is None else _array(shared))


@states(Skip)
def _skip(module: Skip, shape: Shape) -> Luts:
    if type(module.layer) is not LogicDense:
        raise ValueError(f"its layer is a {type(module.layer).__name__}, which is not known")
    luts: Any = _dense(module.layer, shape)
    return Luts(luts.width, luts.inputs, luts.tables, _array(module.kept), luts.table_of)


@states(Wires)
def _wires(module: Wires, shape: Shape) -> ChosenBits:  # noqa: ARG001
    return ChosenBits(_array(module.inputs))


@states(*ENCODERS.values(), Categorical, Missing)
def _encoder(encoder: Encoder, shape: Shape) -> Bits:  # noqa: ARG001
    return _bits(encoder, encoder.feature_shape, _thresholds(encoder), _owners(encoder))


def _owners(encoder: Encoder) -> NDArray[np.int64]:
    """The feature that each bit of an encoded sample is of."""
    own = encoder.feature_shape
    places = np.arange(int(np.prod(own))).reshape(own)
    axis = encoder.encode_axis - 1 if encoder.encode_axis > 0 else encoder.encode_axis  # without the batch axis
    return np.repeat(places, encoder.num_bits, axis=axis)  # bit b of channel c is output channel c z + b


@states(EdgeThermometer)
def _edges(encoder: EdgeThermometer, shape: Shape) -> Computed:  # noqa: ARG001
    return _computed(encoder, [encoder])


@states(Several, ImageThermometer)
def _several(encoder: Several, shape: Shape) -> Computed:  # noqa: ARG001
    known = (EdgeThermometer, Missing, *ENCODERS.values())
    if any(type(part) not in known for part in encoder.parts):
        raise ValueError(f"one of {', '.join(type(part).__name__ for part in encoder.parts)} is not known")
    return _computed(encoder, encoder.parts)


def _computed(encoder: Any, parts: list[Encoder]) -> Computed:
    """State encoders of which some are LUTs over the words of pixels, each proved for all values of what it reads."""
    own = encoder.feature_shape
    thresholds, features, steps, outputs, owners, cones = [], [], [], [], [], set()
    narrow = [_word_owners(part) if isinstance(part, EdgeThermometer) else _owners(part) for part in parts]
    start, behind = 2, 2 + sum(owner.size for owner in narrow)
    for part, owner in zip(parts, narrow, strict=True):
        features.append(owner.reshape(-1))
        if isinstance(part, EdgeThermometer):
            half = np.arange((1 << part.pixel_bits) - 1, dtype=np.float32) + np.float32(0.5)
            thresholds.append(np.broadcast_to(half, (int(np.prod(own)), half.size)))
            plan, ends = part.plan()
            here = [2, 2 + owner.size]  # in the numbers of the plan: from where bits of words and steps are others'
            shifts = np.array([0, start - here[0], behind - here[1]])
            for cone, reads in plan:
                if cone not in cones:
                    cone.check()
                cones.add(cone)
                steps.append((cone.netlist, reads + shifts[np.searchsorted(here, reads, side="right")]))
            outputs.append(ends + shifts[np.searchsorted(here, ends, side="right")])
            behind += sum(len(reads) * cone.num_outputs for cone, reads in plan)
            places = np.arange(int(np.prod(own[1:]))).reshape(1, *own[1:])
            owners.append(np.broadcast_to(places, ends.shape))
        else:
            thresholds.append(_thresholds(part))
            outputs.append(start + np.arange(owner.size).reshape(owner.shape))
            owners.append(owner)
        start += owner.size

    def encode(x: NDArray[np.float32]) -> NDArray[np.bool_]:
        return np.concatenate([_narrow_bits(part, x) for part in parts], axis=1)

    note = f"{len(cones)} cones equal the integers for every value of what they read" if cones else ""
    return Computed(
        own, np.concatenate(thresholds, axis=1), np.concatenate(features), encode, encoder.fitted_range,
        tuple(steps), np.concatenate(outputs), np.concatenate(owners), note,
    )  # fmt: skip


def _word_owners(encoder: EdgeThermometer) -> NDArray[np.int64]:
    return np.repeat(np.arange(int(np.prod(encoder.feature_shape))), encoder.pixel_bits)


def _narrow_bits(encoder: Encoder, x: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return what LUTs read of an encoder, (N, B): the bits of words that it takes pixels for, or its own bits."""
    if not isinstance(encoder, EdgeThermometer):
        return _encoded(encoder, x).reshape(len(x), -1)
    words = encoder.words(torch.from_numpy(np.ascontiguousarray(x))).numpy().astype(np.int64)
    bits: NDArray[np.bool_] = words.reshape(len(x), -1, 1) >> np.arange(encoder.pixel_bits) & 1 == 1
    return bits.reshape(len(x), -1)


@states(Columns)
def _columns(encoder: Columns, shape: Shape) -> Bits:  # noqa: ARG001
    (count,) = encoder.feature_shape
    named = list(encoder.categorical_columns)
    numeric = [column for column in range(count) if column not in named]
    owners, thresholds = [np.zeros(0, np.int64)], []
    if numeric:
        owners.append(np.repeat(numeric, encoder.numeric.num_bits))
        thresholds.append((numeric, _thresholds(encoder.numeric)))
    if named:
        seen = ~np.isnan(_array(encoder.categorical.categories))
        owners.append(np.repeat(named, seen.sum(axis=1)))
        thresholds.append((named, _thresholds(encoder.categorical)))
    table = np.full((count, max(rows.shape[1] for _, rows in thresholds)), np.nan, np.float32)
    for columns, rows in thresholds:
        table[columns, : rows.shape[1]] = rows
    return _bits(encoder, (count,), table, np.concatenate(owners))


def _bits(encoder: Any, own: Shape, thresholds: NDArray[np.float32], feature: NDArray[np.int64]) -> Bits:
    return Bits(own, thresholds, feature, lambda x: _encoded(encoder, x), encoder.fitted_range)


def _encoded(encoder: Any, x: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return what an encoder gives in eval mode."""
    with in_eval(encoder), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", OutOfRangeWarning)
        bits: Tensor = encoder(torch.from_numpy(np.ascontiguousarray(x)).to(next(encoder.buffers()).device))
    if not ((bits == 0) | (bits == 1)).all():
        raise ValueError("in eval mode it gives other numbers than 0 and 1")
    return _array(bits.bool())


def _thresholds(encoder: Encoder) -> NDArray[np.float32]:
    """What the encoder compares with, float32 (F, L)."""
    stated = encoder.learned_thresholds() if isinstance(encoder, LearnableThermometer) else encoder.thresholds
    shape = encoder.feature_shape
    values = np.broadcast_to(_array(stated), (*shape, stated.shape[-1]))
    return values.reshape(math.prod(shape), stated.shape[-1]).astype(np.float32, copy=False)


@states(GroupSum)
def _group_sum(head: GroupSum, shape: Shape) -> Scores:
    return Scores(*_groups(head, shape))


@states(GroupAffine)
def _group_affine(head: GroupAffine, shape: Shape) -> Scores:
    slopes, offsets = head.integers(_size(head, shape))
    return Scores(*_groups(head, shape), weights=np.diag(_array(slopes)), bias=_array(offsets))


@states(GroupedDSP)
def _grouped_dsp(head: GroupedDSP, shape: Shape) -> Scores:
    return Scores(*_groups(head, shape), weights=_array(head.integer_weight()))


@states(OutputCode)
def _output_code(head: OutputCode, shape: Shape) -> Scores:
    # Minus the distance: a group of g inputs with n ones adds n - g where the word has a one, and -n where it has none.
    ones = _array(head.code_words).astype(np.int64)
    return Scores(*_groups(head, shape), weights=np.where(ones, 1, -1), bias=-_size(head, shape) * ones.sum(axis=1))


@states(MultiLabel)
def _multi_label(head: MultiLabel, shape: Shape) -> Scores:
    thresholds = np.broadcast_to(_array(head.thresholds(_size(head, shape))), (head.k,))
    return Scores(*_groups(head, shape), bias=-thresholds, objective="multilabel")


@states(Regression)
def _regression(head: Regression, shape: Shape) -> Scores:
    slope, start = head.line(_size(head, shape))
    return Scores(*_groups(head, shape), scale=_array(slope), offset=_array(start), objective="regression")


@states(LearnableReduction)
def _reduction(head: LearnableReduction, shape: Shape) -> Scores:
    levels = []
    for name, level in head.levels.named_children():
        if type(level) is not LogicDense:
            raise ValueError(f"its level {name} is a {type(level).__name__}, which is not known")
        levels.append((f"levels.{name}", _dense(level, shape)))
    return Scores(*_groups(head, shape), levels=tuple(levels))  # type: ignore[arg-type]


def _groups(head: GroupHead, shape: Shape) -> tuple[NDArray[Any], int]:
    """Return which input each bit of the groups is, and how many groups there are."""
    head.group_size(shape[-1])
    order = np.arange(shape[-1]) if head.permutation is None else _array(head.permutation)
    return order, head.num_groups


def _size(head: GroupHead, shape: Shape) -> int:
    return head.group_size(shape[-1])


def _array(values: Tensor | nn.Parameter) -> NDArray[Any]:
    return values.detach().cpu().numpy()
