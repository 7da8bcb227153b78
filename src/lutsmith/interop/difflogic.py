"""difflogic: sixteen gate logits a LUT; the wiring is an attribute of the model and not in its state dict."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lutsmith.interop.checkpoint import CheckpointError, Source, read_file, read_state, split_layers, tensor
from lutsmith.interop.gates import convert_gates, from_msb_first
from lutsmith.interop.layers import ImportedLayer, assemble, group_sum

Wiring = Sequence[Any] | Tensor


def _stand_in(name: str) -> type[nn.Module]:
    return type(name, (nn.Module,), {"__module__": "difflogic.difflogic", "__doc__": "Attributes of a pickled module."})


# What torch.save(model) names; a file may hold these and nothing else, and none of them runs code when it is made.
_PICKLED = (_stand_in("LogicLayer"), _stand_in("GroupSum"), nn.Sequential, nn.Flatten, nn.ModuleList, nn.Identity, set)


def from_difflogic(
    source: Source,
    indices: Sequence[Wiring] | None = None,
    *,
    num_classes: int | None = None,
    tau: float | None = None,
    in_dim: int | None = None,
    skip: Collection[str] = (),
    **settings: Any,
) -> nn.Sequential:
    """A model of difflogic's layers, `Sequential(LogicDense..., GroupSum)` of `raw` LUTs, to train on.

    Args:
        source: the model (`torch.save(model, file)` files too, read without difflogic and without running code), or
            a state dict, which has only the `weights` `(out, 16)` of each layer.
        indices: the wiring of each layer, a pair of index tensors `(out,)` or a tensor `(2, out)`: difflogic's
            `layer.indices`. A state dict lacks it, and without it the network is lost; a model has it.
        num_classes: of the group sum; None: the model's own, or no head.
        tau: of the group sum in training; None: the model's own, or 1.
        in_dim: inputs of the first layer; None: the model's own, or the highest input that is read.
        skip: beginnings of the names of tensors to leave out.
        **settings: of the layers' parametrization: `forward_sampling`, `temperature`.

    Raises:
        CheckpointError: the source cannot be read or is no such model, or the wiring is missing.
    """
    if isinstance(source, (str, PathLike)):
        source = read_file(Path(source), _PICKLED)
    layers = split_layers(read_state(source), "weights", skip, library="difflogic")
    if indices is not None and len(indices) != len(layers):
        raise CheckpointError(f"indices has the wiring of {len(indices)} layers; the checkpoint has {len(layers)}")
    imported = []
    for number, (prefix, tensors) in enumerate(layers):
        module = source.get_submodule(prefix.rstrip(".")) if isinstance(source, nn.Module) else None
        given = indices[number] if indices is not None else getattr(module, "indices", None)
        if given is None:
            raise CheckpointError(
                f"difflogic keeps the wiring of layer {prefix!r} in an attribute that its state dict lacks; "
                "pass indices=[layer.indices for each layer], or the model itself"
            )
        imported.append(_layer(prefix, tensors, given, settings, getattr(module, "in_dim", None)))
    return assemble(imported, in_dim, group_sum(source, num_classes, tau))


def _layer(
    prefix: str, tensors: Mapping[str, Tensor], indices: Wiring, settings: dict[str, Any], in_dim: int | None
) -> ImportedLayer:
    weight, tables = convert_gates(tensor(tensors, "weights", prefix, (None, 16)), from_msb_first())
    try:
        pair = torch.stack([torch.as_tensor(side) for side in indices])
    except (TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"the wiring of layer {prefix!r} is no pair of index tensors: {error}") from error
    wiring = tensor({"indices": pair}, "indices", prefix, (2, len(weight)), "indices")
    if in_dim is not None and not isinstance(in_dim, int):
        raise CheckpointError(f"in_dim of layer {prefix!r} is {in_dim!r}; expected an integer")
    return ImportedLayer(f"difflogic layer {prefix!r}", wiring.t(), tables, "raw", weight, settings, in_dim)
