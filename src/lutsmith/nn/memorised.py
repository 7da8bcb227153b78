"""First tables that memorise the labels: counted layer by layer, on the wires that a network starts with."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lutsmith.circuit.engine.memorised import entry_gains
from lutsmith.ground.arrays import packed
from lutsmith.nn.dense import LogicDense
from lutsmith.nn.heads import GroupAffine, GroupHead, GroupSum, MultiLabel, OutputCode
from lutsmith.nn.modes import in_eval

MOST_ROWS = 1 << 17
"""Rows that are counted; of more as many are drawn."""

_CHUNK = 4096
_SEED = 0x3E3


def memorise(model: nn.Sequential, x: Any, y: Any, seed: int = 0) -> None:
    """Fill the tables of a network's layers: each entry becomes the bit that its LUT's target had more often when the
    entry was read.

    A LUT of the last layer learns the bit that its class, label or code word asks for; any other LUT learns the target
    of one of its readers, which the seed draws. The more samples have the same target bit, the less each of them
    counts. Entries that the data leave open are drawn at random. Entries are as sure as those of a residual table
    (`residual_probability`).

    Args:
        model: as `network.build` makes it: an encoder, layers of the parametrization dwn, hybrid, lagrange, light, raw
            or warp, and the head group-sum, affine, output-code or multi-label.
        x: samples (N, *input_shape).
        y: class ids (N,), or labels (N, L) of 0 and 1.
        seed: of what is drawn.

    Raises:
        ValueError: a head whose output bits do not follow from a label; a parametrization that cannot represent every
            table.
    """
    draw = np.random.default_rng([seed, _SEED])
    rows = np.arange(len(x)) if len(x) <= MOST_ROWS else np.sort(draw.choice(len(x), MOST_ROWS, replace=False))
    places = [place for place, module in enumerate(model) if isinstance(module, LogicDense)]
    layers: list[LogicDense] = [model[place] for place in places]  # type: ignore[misc]
    asked, target_of = _asked(model[-1], np.asarray(y)[rows], layers[-1].out_dim)
    targets = [target_of]
    for layer, reader in pairwise(reversed([*layers])):
        targets.append(_of_readers(targets[-1], layer.connections.inputs().numpy(), reader.out_dim, len(asked), draw))
    with in_eval(model):
        for place, layer, target_of in zip(places, layers, reversed(targets), strict=True):
            gains = entry_gains(
                _bits_before(model[:place], x, rows),
                np.ascontiguousarray(layer.connections.inputs().numpy(), np.int32),
                asked,
                target_of,
                len(rows),
                table_of=None if (tables_read := layer.tables_read()) is None else tables_read.numpy(),
            )
            tables = np.where(gains == 0, draw.integers(0, 2, gains.shape), gains > 0).astype(np.bool_)
            with torch.no_grad():
                layer.weight.copy_(layer.parametrization.weights_of(torch.from_numpy(tables)))


def _asked(head: nn.Module, y: NDArray[Any], width: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The bits that samples ask for, packed (T, W), and which of them each output is to give, int64 (width,)."""
    if isinstance(head, OutputCode):
        bits = head.code_words.numpy()[y].T
    elif isinstance(head, MultiLabel):
        bits = y.T > 0
    elif isinstance(head, (GroupSum, GroupAffine)):
        bits = y == np.arange(head.k)[:, None]
    else:
        raise ValueError(
            f"weight_init 'memorize' learns the bits of classes and labels, and a {type(head).__name__} head asks for "
            "none: take 'residual' or 'random'"
        )
    assert isinstance(head, GroupHead)
    target_of = np.empty(width, np.int64)
    order = np.arange(width) if head.permutation is None else head.permutation.numpy()
    target_of[order] = np.repeat(np.arange(head.num_groups), head.group_size(width))
    return packed(np.ascontiguousarray(bits)), target_of


def _of_readers(
    target_of: NDArray[np.int64], inputs: NDArray[Any], width: int, count: int, draw: np.random.Generator
) -> NDArray[np.int64]:
    """The target of one reader of each LUT, int64 (width,), of those of the next layer; any where there is none."""
    result = draw.integers(0, count, width)
    order = draw.permutation(inputs.size)
    result[inputs.reshape(-1)[order]] = np.repeat(target_of, inputs.shape[1])[order]  # the last of each
    return result


def _bits_before(modules: nn.Module, x: Any, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """What the next layer reads, packed (F, W)."""
    found = []
    with torch.no_grad():
        for start in range(0, len(rows), _CHUNK):
            values = modules(torch.as_tensor(np.asarray(x[rows[start : start + _CHUNK]])))
            found.append(packed(np.ascontiguousarray((values > 0.5).numpy().T)))
    return np.concatenate(found, axis=1)
