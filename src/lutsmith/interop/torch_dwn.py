"""torch_dwn: tables with the least significant slot first, an entry is 1 where it is > 0."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn

from lutsmith.dwn import GroupSum as PaddedGroupSum
from lutsmith.interop.checkpoint import CheckpointError, Source, rank_of, read_state, split_layers, tensor
from lutsmith.interop.layers import ImportedLayer, assemble, find_head, group_sum

_DUMMY = "_LUTLayer__dummy_mapping"
_NAMES = rf"luts|mapping|mapping\.weights|{_DUMMY}"


def from_torch_dwn(
    source: Source,
    *,
    num_classes: int | None = None,
    tau: float | None = None,
    in_dim: int | None = None,
    permutation: Tensor | None = None,
    skip: Collection[str] = (),
) -> nn.Sequential:
    """A model of torch_dwn's LUT layers, `Sequential(LogicDense..., GroupSum)`, with the weights to train on.

    torch_dwn's layer with a learnable mapping also saves `_LUTLayer__dummy_mapping`, which looks like a wiring, int32
    `(out, n)`, but only says that slot s of the mapping is input s of the LUTs. The wiring is the argmax of
    `mapping.weights`, and that is what the layers get here, fixed. (`lutsmith.dwn.LUTLayer` loads the same state dict
    with the mapping still learnable.) Thermometers are not part of a torch_dwn checkpoint: the model's inputs are bits.

    Args:
        source: a state dict with `luts` `(out, 2**n)` and `mapping` `(out, n)` or `mapping.weights` `(in, out * n)`
            for each layer, a file with one, or the model.
        num_classes: of the group sum, which has nothing in the state dict; None: the model's own, or no head.
        tau: of the group sum in training; None: the model's own, or 1.
        in_dim: inputs of the first layer; None: what a learnable mapping tells, or the highest input that is read.
        permutation: of the group sum's inputs, `(out,)`; it is applied to the last layer's LUTs. None: the model's
            own `randperm`, if it has one. (torch_dwn's state dict does not, lutsmith.dwn's does.)
        skip: beginnings of the names of tensors to leave out.

    Raises:
        CheckpointError: the source cannot be read or is no such model.
    """
    state = read_state(source)
    saved = [state.pop(name) for name in list(state) if name.rpartition(".")[2] == "randperm"]
    layers = [_layer(prefix, tensors) for prefix, tensors in split_layers(state, _NAMES, skip, library="torch_dwn")]
    orders = [permutation, *saved, getattr(find_head(source), "randperm", None)]
    order = next((order for order in orders if isinstance(order, Tensor)), None)
    if order is not None:
        layers[-1] = _permuted(layers[-1], order)
    head = group_sum(source, num_classes, tau)
    if head is not None and len(layers[-1].inputs) % head.k:  # torch_dwn pads the last classes with zeros
        divisor = tau if tau is not None else getattr(find_head(source), "tau", 1.0)
        return assemble(layers, in_dim, PaddedGroupSum(head.k, float(divisor)))
    return assemble(layers, in_dim, head)


def _layer(prefix: str, tensors: Mapping[str, Tensor]) -> ImportedLayer:
    luts = tensor(tensors, "luts", prefix, (None, None))
    out_dim, rank = len(luts), rank_of(luts.shape[1], f"{prefix}luts")
    in_dim = None
    if "mapping.weights" in tensors:
        scores = tensor(tensors, "mapping.weights", prefix, (None, out_dim * rank))
        in_dim = len(scores)
        inputs = scores.argmax(0).reshape(out_dim, rank)
    elif "mapping" in tensors:
        inputs = tensor(tensors, "mapping", prefix, (out_dim, rank), "indices")
    elif _DUMMY in tensors:
        raise CheckpointError(
            f"layer {prefix!r} has {_DUMMY} but no mapping.weights: the dummy is no wiring, and the learned one is lost"
        )
    else:
        raise CheckpointError(f"layer {prefix!r} has neither mapping nor mapping.weights")
    return ImportedLayer(f"torch_dwn layer {prefix!r}", inputs, luts > 0, "dwn", luts, in_dim=in_dim)


def _permuted(layer: ImportedLayer, order: Tensor) -> ImportedLayer:
    out_dim = len(layer.inputs)
    if order.shape != (out_dim,) or not torch.equal(order.long().sort().values, torch.arange(out_dim)):
        raise CheckpointError(f"the permutation is not one of the {out_dim} LUTs of the last layer")
    rows = order.long().cpu()
    weight = None if layer.weight is None else layer.weight[rows]
    return ImportedLayer(
        layer.name, layer.inputs[rows], layer.tables[rows], layer.parametrization, weight, in_dim=layer.in_dim
    )
