"""What lutsmith's own encoders, layers and heads state."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.circuit.rows import OutOfRangeWarning
from lutsmith.nn.dense import LogicDense
from lutsmith.nn.encoders import ENCODERS, Categorical, Columns, Encoder, LearnableThermometer
from lutsmith.nn.encoders.of_circuit import Several
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
from lutsmith.nn.read_back.statements import Bits, ChosenBits, Luts, Scores, states
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


@states(*ENCODERS.values(), Categorical)
def _encoder(encoder: Encoder, shape: Shape) -> Bits:  # noqa: ARG001
    return _bits(encoder, encoder.feature_shape, _thresholds(encoder), _owners(encoder))


def _owners(encoder: Encoder) -> NDArray[np.int64]:
    """The feature that each bit of an encoded sample is of."""
    own = encoder.feature_shape
    places = np.arange(int(np.prod(own))).reshape(own)
    axis = encoder.encode_axis - 1 if encoder.encode_axis > 0 else encoder.encode_axis  # without the batch axis
    return np.repeat(places, encoder.num_bits, axis=axis)  # bit b of channel c is output channel c z + b


@states(Several)
def _several(encoder: Several, shape: Shape) -> Bits:  # noqa: ARG001
    parts = encoder.parts
    if any(type(part) not in ENCODERS.values() for part in parts):
        raise ValueError(f"one of {', '.join(type(part).__name__ for part in parts)} is not known")
    thresholds = np.concatenate([_thresholds(part) for part in parts], axis=1)
    return _bits(encoder, encoder.feature_shape, thresholds, np.concatenate([_owners(part) for part in parts]))


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
    def encode(x: NDArray[np.float32]) -> NDArray[np.bool_]:
        modes = [(part, part.training) for part in encoder.modules()]
        encoder.eval()
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore", OutOfRangeWarning)
                bits: Tensor = encoder(torch.from_numpy(np.ascontiguousarray(x)).to(next(encoder.buffers()).device))
        finally:
            for part, mode in modes:
                part.training = mode
        if not ((bits == 0) | (bits == 1)).all():
            raise ValueError("in eval mode it gives other numbers than 0 and 1")
        return _array(bits.bool())

    return Bits(own, thresholds, feature, encode, encoder.fitted_range)


def _thresholds(encoder: Encoder) -> NDArray[np.float32]:
    """What the encoder compares with, float32 (F, L)."""
    stated = encoder.learned_thresholds() if isinstance(encoder, LearnableThermometer) else encoder.thresholds
    shape = encoder.feature_shape
    values = np.broadcast_to(_array(stated), (*shape, stated.shape[-1]))
    return values.reshape(-1, stated.shape[-1]).astype(np.float32, copy=False)


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
