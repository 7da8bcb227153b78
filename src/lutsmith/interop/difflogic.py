"""difflogic: sixteen gate logits a LUT; the wiring is an attribute of the model and not in its state dict."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lutsmith.interop.gates import convert_gates, from_msb_first
from lutsmith.interop.imported import ImportedLayer, assemble, group_sum, width_of
from lutsmith.interop.state_dicts import ForeignModelError, Source, read_file, read_state, split_layers, tensor
from lutsmith.interop.told import Told, number

Indices = Sequence[Any] | Tensor


def _stand_in(name: str) -> type[nn.Module]:
    return type(name, (nn.Module,), {"__module__": "difflogic.difflogic", "__doc__": "Attributes of a pickled module."})


# What torch.save(model) names; a file may hold these and nothing else, and none of them runs code when it is made.
_PICKLED = (_stand_in("LogicLayer"), _stand_in("GroupSum"), nn.Sequential, nn.Flatten, nn.ModuleList, nn.Identity, set)


def from_difflogic(
    source: Source,
    indices: Sequence[Indices] | None = None,
    *,
    num_classes: int | None = None,
    tau: float | None = None,
    in_dim: int | None = None,
    grad_factor: float | Sequence[float] | None = None,
    skip: Collection[str] = (),
    **settings: Any,
) -> nn.Sequential:
    """A model of difflogic's layers, `Sequential(LogicDense..., GroupSum)` of `raw` LUTs, to train on.

    Whatever a state dict lacks must be given. From a model it is read, and arguments take precedence over the model.

    Args:
        source: the model (`torch.save(model, file)` files too, read without difflogic and without running code), or
            a state dict, which has only the `weights` `(out, 16)` of each layer.
        indices: the wiring of each layer, a pair of index tensors `(out,)` or a tensor `(2, out)`: difflogic's
            `layer.indices`. A state dict lacks it, and the network cannot be restored without it; a model has it.
        num_classes: of the group sum; None: the model's own, or no head.
        tau: of the group sum in training; None: the model's own.
        in_dim: inputs of the first layer; None: the model's own.
        grad_factor: what each layer multiplies the gradient toward its inputs by, for all layers or for each; None: the
            model's own. A factor other than 1 is kept as a `GradientFactor` before the layer.
        skip: beginnings of the names of tensors to leave out.
        **settings: of the layers' parametrization, if they should differ from difflogic's plain softmax:
            `forward_sampling`, `temperature`.

    Raises:
        ForeignModelError: the source cannot be read, is not such a model, or leaves open something that must then be
            given.
    """
    if isinstance(source, (str, PathLike)):
        source = read_file(Path(source), _PICKLED)
    layers = split_layers(read_state(source), "weights", skip, library="difflogic")
    if indices is not None and len(indices) != len(layers):
        raise ForeignModelError(f"indices has the wiring of {len(indices)} layers; the checkpoint has {len(layers)}")
    told = Told("difflogic", source, [prefix for prefix, _ in layers])
    factors = [told.option("grad_factor", i, grad_factor, "grad_factor", "1") for i in range(len(layers))]
    wirings = [told.attribute(i, "indices") if indices is None else indices[i] for i in range(len(layers))]
    widths = [told.attribute(i, "in_dim") for i in range(len(layers))]
    if any(wiring is None for wiring in wirings):
        told.miss("indices", example="[layer.indices for each layer]")
    width = width_of(told, widths[0], in_dim)
    head = group_sum(told, source, num_classes, tau)
    told.check()
    imported = [
        _layer(prefix, tensors, wirings[i], settings, widths[i], number("grad_factor", factors[i]))
        for i, (prefix, tensors) in enumerate(layers)
    ]
    return assemble(imported, width, head)


def _layer(
    prefix: str,
    tensors: Mapping[str, Tensor],
    indices: Indices,
    settings: dict[str, Any],
    in_dim: int | None,
    factor: float,
) -> ImportedLayer:
    weight, tables = convert_gates(tensor(tensors, "weights", prefix, (None, 16)), from_msb_first())
    try:
        pair = torch.stack([torch.as_tensor(side) for side in indices])
    except (TypeError, ValueError, RuntimeError) as error:
        raise ForeignModelError(f"the wiring of layer {prefix!r} is not a pair of index tensors: {error}") from error
    wiring = tensor({"indices": pair}, "indices", prefix, (2, len(weight)), "indices")
    if in_dim is not None and not isinstance(in_dim, int):
        raise ForeignModelError(f"in_dim of layer {prefix!r} is {in_dim!r}; expected an integer")
    name = f"difflogic layer {prefix!r}"
    return ImportedLayer(name, wiring.t(), tables, "raw", weight, settings, in_dim, gradient_in=factor)
