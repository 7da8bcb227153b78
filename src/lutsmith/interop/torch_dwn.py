"""torch_dwn: tables with the least significant slot first, an entry is 1 where it is > 0."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from lutsmith.dwn.lut_layer import contraction
from lutsmith.interop.imported import ImportedLayer, assemble, find_head, group_sum, width_of
from lutsmith.interop.state_dicts import ForeignModelError, Source, rank_of, read_state, split_layers, tensor
from lutsmith.interop.told import Told, flag, number

_DUMMY = "_LUTLayer__dummy_mapping"
_NAMES = rf"luts|mapping|mapping\.weights|{_DUMMY}"


def from_torch_dwn(
    source: Source,
    *,
    num_classes: int | None = None,
    tau: float | None = None,
    in_dim: int | None = None,
    permutation: Tensor | None = None,
    ste: bool | None = None,
    alpha: float | Sequence[float] | None = None,
    beta: float | Sequence[float] | None = None,
    skip: Collection[str] = (),
) -> nn.Sequential:
    """A model of torch_dwn's LUT layers, `Sequential(LogicDense..., GroupSum)`, with the weights to train on.

    torch_dwn's layer with a learnable mapping also saves `_LUTLayer__dummy_mapping`, which looks like a wiring, int32
    `(out, n)`, but says which slot of the mapping each input of the LUTs is. The wiring is the argmax of
    `mapping.weights` at those slots, and here the layers get it as a fixed wiring. (`lutsmith.dwn.LUTLayer` loads the
    same state dict with the mapping still learnable.) Thermometers are not part of a torch_dwn checkpoint: the model's
    inputs are bits.

    Whatever a state dict lacks must be given. From a model it is read, and arguments take precedence over the model.

    Args:
        source: a state dict with `luts` `(out, 2**n)` and `mapping` `(out, n)` or `mapping.weights` `(in, out * n)`
            for each layer, a file with one, or the model.
        num_classes: of the group sum, which the state dict does not hold; None: the model's own, or no head.
        tau: of the group sum; None: the model's own.
        in_dim: inputs of the first layer; None: as a learnable mapping or the model says.
        permutation: of the group sum's inputs, `(out,)`; it is applied to the last layer's LUTs. None: the model's
            own `randperm`, if it has one. (torch_dwn's state dict does not, lutsmith.dwn's does.)
        ste: whether the layers give bits; None: the models' own. A last layer that gives entries instead of bits has no
            counterpart.
        alpha: factor of the gradient toward the inputs, for all layers or for each; None: the model's own. The default
            alpha belongs to the default beta; any other is kept as a `GradientFactor` before the layer.
        beta: decay of that gradient by Hamming distance, for all layers or for each; None: the model's own.
        skip: beginnings of the names of tensors to leave out.

    Raises:
        ForeignModelError: the source cannot be read, is not such a model, or leaves open something that must then be
            given.
    """
    state = read_state(source)
    saved = [state.pop(name) for name in list(state) if name.rpartition(".")[2] == "randperm"]
    parts = split_layers(state, _NAMES, skip, library="torch_dwn")
    told = Told("torch_dwn", source, [prefix for prefix, _ in parts])
    options = [
        (
            told.option("ste", i, ste, "ste", "True"),
            told.option("alpha", i, alpha, "alpha", "0.5 * 0.75**(n - 1)"),
            told.option("beta", i, beta, "beta", "1 / 3"),
        )
        for i in range(len(parts))
    ]
    width = width_of(told, _inputs_of(parts[0][1], told.attribute(0, "input_size")), in_dim)
    head = group_sum(told, source, num_classes, tau, pads=True)
    told.check()
    if not flag("ste", options[-1][0]) and not _is_followed_by_bits(source):
        raise ForeignModelError(
            "the last layer has ste=False: its outputs are entries of its tables, real numbers, which LUTs do not have"
        )
    layers = [
        _layer(prefix, tensors, number("alpha", a), number("beta", b), told.attribute(i, "input_size"))
        for i, ((prefix, tensors), (_, a, b)) in enumerate(zip(parts, options, strict=True))
    ]
    orders = [permutation, *saved, getattr(find_head(source), "randperm", None)]
    order = next((order for order in orders if isinstance(order, Tensor)), None)
    if order is not None:
        layers[-1] = _permuted(layers[-1], order)
    return assemble(layers, width, head)


def _inputs_of(tensors: Mapping[str, Tensor], told: Any) -> Any:
    """The number of inputs of a layer, where its mapping or its module tells."""
    scores = tensors.get("mapping.weights")
    return scores.shape[0] if scores is not None and scores.ndim == 2 else told


def _is_followed_by_bits(source: object) -> bool:
    """Whether a model makes bits of its last layer's outputs by a module of its own."""
    if not isinstance(source, nn.Module):
        return False
    names = [type(module).__name__ for module in source.modules()]
    return "STE" in names[len(names) - names[::-1].index("LUTLayer") :] if "LUTLayer" in names else False


def _layer(prefix: str, tensors: Mapping[str, Tensor], alpha: float, beta: float, in_dim: int | None) -> ImportedLayer:
    luts = tensor(tensors, "luts", prefix, (None, None))
    out_dim, rank = len(luts), rank_of(luts.shape[1], f"{prefix}luts")
    if "mapping.weights" in tensors:
        scores = tensor(tensors, "mapping.weights", prefix, (None, out_dim * rank))
        in_dim = len(scores)
        inputs = scores.argmax(0)[_slots(prefix, tensors, out_dim, rank)]
    elif "mapping" in tensors:
        inputs = tensor(tensors, "mapping", prefix, (out_dim, rank), "indices")
    elif _DUMMY in tensors:
        raise ForeignModelError(
            f"layer {prefix!r} has {_DUMMY} but no mapping.weights: the dummy is not a wiring; the learned one is lost"
        )
    else:
        raise ForeignModelError(f"layer {prefix!r} has neither mapping nor mapping.weights")
    try:
        rho, factor = contraction(alpha, beta, rank)
    except ValueError as error:
        raise ForeignModelError(f"layer {prefix!r}: {error}") from error
    return ImportedLayer(
        f"torch_dwn layer {prefix!r}",
        inputs,
        luts > 0,
        "dwn",
        luts,
        {"rho": rho},
        in_dim=in_dim,
        gradient_in=factor,
    )


def _slots(prefix: str, tensors: Mapping[str, Tensor], out_dim: int, rank: int) -> Tensor:
    """The slot of the mapping that each input of each LUT is, `(out, n)`: the dummy; one after another without it."""
    if _DUMMY not in tensors:
        return torch.arange(out_dim * rank).reshape(out_dim, rank)
    slots = tensor(tensors, _DUMMY, prefix, (out_dim, rank), "indices")
    if int(slots.min()) < 0 or int(slots.max()) >= out_dim * rank:
        raise ForeignModelError(f"{prefix}{_DUMMY} names slots that are not there; expected 0 to {out_dim * rank - 1}")
    return slots


def _permuted(layer: ImportedLayer, order: Tensor) -> ImportedLayer:
    out_dim = len(layer.inputs)
    if order.shape != (out_dim,) or not torch.equal(order.long().sort().values, torch.arange(out_dim)):
        raise ForeignModelError(f"the permutation is not one of the {out_dim} LUTs of the last layer")
    rows = order.long().cpu()
    weight = None if layer.weight is None else layer.weight[rows]
    return replace(layer, inputs=layer.inputs[rows], tables=layer.tables[rows], weight=weight)
