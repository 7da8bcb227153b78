"""torchlogix: tables with input 0 as the most significant bit, Walsh coefficients of 1 - 2 x with the sign turned."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor, nn

from lutsmith.interop.checkpoint import CheckpointError, Source, rank_of, read_state, split_layers, tensor
from lutsmith.interop.gates import convert_gates, from_msb_first
from lutsmith.interop.layers import ImportedLayer, assemble, group_sum
from lutsmith.nn.parametrizations import msb_first

Kind = Literal["raw", "light", "warp"]
_NAMES = r"weight|_export_lut_ids|connections\.(?:indices|weights|_export_indices)"


def from_torchlogix(
    source: Source,
    *,
    parametrization: Kind | None = None,
    num_classes: int | None = None,
    tau: float | None = None,
    beta: float | None = None,
    in_dim: int | None = None,
    skip: Collection[str] = (),
    **settings: Any,
) -> nn.Sequential:
    """A model of torchlogix's dense logic layers, `Sequential(LogicDense..., GroupSum)`, with the weights to train on.

    Slot j of a LUT stays slot j; tables and coefficients are reordered. Learned connections become fixed ones at their
    argmax, without the noise that torchlogix may add to it.

    Args:
        source: a state dict with `weight`, `connections.indices` and, of learned connections, `connections.weights`
            for each layer, a file with one, or the model.
        parametrization: `"raw"`, `"light"` or `"warp"`. The state dict does not say whether weights of `2**rank`
            numbers are light or warp; None: raw where that is what the shape says, else the model's own.
        num_classes: of the group sum, which has nothing in the state dict; None: the model's own, or no head.
        tau: of the group sum in training; None: the model's own, or 1.
        beta: of the group sum; None: the model's own, or 0.
        in_dim: inputs of the first layer; None: the highest input that is read (torchlogix wires all of them).
        skip: beginnings of the names of tensors to leave out, such as those of a binarization.
        **settings: of the layers' parametrization: `forward_sampling`, `temperature`. (They have no part in the tables
            and none in the state dict.)

    Raises:
        CheckpointError: the source cannot be read or is no such model.
    """
    if parametrization is not None and parametrization not in get_args(Kind):
        raise CheckpointError(f"parametrization is {parametrization!r}; expected one of {', '.join(get_args(Kind))}")
    layers = [
        _layer(prefix, tensors, parametrization or _own_kind(source, prefix), settings)
        for prefix, tensors in split_layers(read_state(source), _NAMES, skip, library="torchlogix")
    ]
    return assemble(layers, in_dim, group_sum(source, num_classes, tau, beta))


def _own_kind(source: object, prefix: str) -> Kind | None:
    """The kind of the layer at `prefix` of a model, by the name of its parametrization's class."""
    if not isinstance(source, nn.Module):
        return None
    owner = type(getattr(source.get_submodule(prefix.rstrip(".")), "parametrization", None)).__name__.lower()
    return next((cast("Kind", kind) for kind in get_args(Kind) if owner.startswith(kind)), None)


def _layer(prefix: str, tensors: Mapping[str, Tensor], kind: Kind | None, settings: dict[str, Any]) -> ImportedLayer:
    weight = tensor(tensors, "weight", prefix, (None, None))
    out_dim, width = weight.shape
    inputs, in_dim = _wiring(prefix, tensors, out_dim)
    rank = inputs.shape[1]
    name = f"torchlogix layer {prefix!r}"
    if kind in (None, "raw") and rank == 2 and width == 16:
        converted, tables = convert_gates(weight, from_msb_first())
        return ImportedLayer(name, inputs, tables, "raw", converted, settings, in_dim)
    if kind is None:
        raise CheckpointError(f"{name} is light or warp, which its state dict does not tell; pass parametrization=...")
    if kind == "raw" or rank_of(width, f"{prefix}weight") != rank:
        raise CheckpointError(f"{name} has {width} weights a LUT of rank {rank}, which is not {kind}")
    if kind == "light":
        logits = msb_first(weight)
        return ImportedLayer(name, inputs, logits > 0, "light", logits, settings, in_dim)
    coefficients = msb_first(weight) * _signs(rank)
    tables = _walsh_sums(coefficients.double(), rank) > 0
    return ImportedLayer(name, inputs, tables, "warp", coefficients, settings, in_dim)


def _wiring(prefix: str, tensors: Mapping[str, Tensor], out_dim: int) -> tuple[Tensor, int | None]:
    """The inputs of each LUT `(out, rank)`; and the number of inputs, where all of them are candidates of each slot."""
    if "connections.weights" not in tensors:
        return tensor(tensors, "connections.indices", prefix, (None, out_dim), "indices").t(), None
    scores = tensor(tensors, "connections.weights", prefix, (None, None, out_dim))
    candidates = tensor(tensors, "connections.indices", prefix, tuple(scores.shape), "indices")
    inputs = candidates.gather(0, scores.argmax(0, keepdim=True)).squeeze(0).t()
    everything = torch.arange(len(candidates))[:, None, None].expand_as(candidates)
    return inputs, len(candidates) if torch.equal(candidates, everything) else None


def _signs(rank: int) -> Tensor:
    """-(-1)^|S| for each set S of inputs: from sums over 1 - 2 x, below 0 for a 1, to sums over 2 x - 1, above 0."""
    signs = -torch.ones(1)
    for _ in range(rank):
        signs = torch.cat([signs, -signs])
    return signs


def _walsh_sums(coefficients: Tensor, rank: int) -> Tensor:
    """`sum_S c_S prod_{j in S} (2 k_j - 1)` at each address k, `(out, 2**rank)`, by butterflies."""
    sums = coefficients
    for slot in range(rank):
        low, high = sums.reshape(len(sums), -1, 2, 1 << slot).unbind(2)
        sums = torch.stack([low - high, low + high], 2).reshape(len(sums), -1)
    return sums
