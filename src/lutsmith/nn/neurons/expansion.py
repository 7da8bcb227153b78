"""Binary layers to LUT layers: each weight becomes a LUT that computes the same, and may learn to compute more.

A binary weight is a LUT of one input: it gives the input or its inverse. Expansion gives it `rank` inputs; at first
only its own input counts (E. Wang and others, LUTNet, FCCM 2019):

    entry of the LUT of weight i at address a:    tau_a0 w_i,    tau_aj = 1 where bit j of a is 1, else -1

so that the layer computes what it computed before, for every input. With `recover` the other inputs restore votes that
pruning removed, where they happen to read pruned inputs: each vote once, by one LUT:

    tau_a0 w_i + sum_j tau_aj w_(input j)    over those j whose weight was pruned and is not recovered yet

As real numbers these LUTs are exactly the layer with these votes restored. As signs, which they are at the end, they
are the majority of the votes, weighted by the latent weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lutsmith.ground.arguments import one_of, whole_number
from lutsmith.kernels.training.reads import MAX_RANK
from lutsmith.nn.modes import in_eval
from lutsmith.nn.neurons.binary import BinaryConv, BinaryLayer, BinaryLinear
from lutsmith.nn.neurons.lut_conv import COMBINES, LUTConv, LUTConv1d, LUTConv2d, LUTConv3d
from lutsmith.nn.neurons.lut_linear import LUTLinear
from lutsmith.nn.neurons.lut_sum import LUTSum
from lutsmith.nn.neurons.masks import MaskSizes, expanded

LEAST = 2.0**-20
"""The least latent entry that a weight becomes: a sign is never lost because it is 0."""


@torch.no_grad()
def expand(
    layer: BinaryLayer,
    rank: int = 4,
    *,
    recover: bool = False,
    combine: str = "window",
    generator: torch.Generator | None = None,
) -> LUTLinear | LUTConv:
    """Return the LUT layer of a binary layer: one LUT for each weight that is not pruned, with `rank` inputs.

    For inputs of -1 and 1 its outputs are those of the binary layer (`equal_outputs`), unless it recovers votes. Its
    scale and bias are copies of the layer's. If outputs have kept different numbers of weights, each has as many LUTs
    as the one that kept most, some of them pruned.

    Args:
        layer: a `BinaryLinear`, `BinaryConv1d`, `2d` or `3d`; if its `binary` is False, the entries are real numbers
            too.
        rank: inputs of a LUT, 1 to 8.
        recover: whether further inputs restore the votes of pruned weights.
        combine: where the further inputs of a convolution's LUTs come from: the "window", or the "channel" of the
            weight.
        generator: of the further inputs, drawn evenly and distinct; None is torch's global one.

    Raises:
        TypeError: another layer.
        ValueError: fewer inputs to combine than `rank`; a convolution whose padding is not a sign: LUTs read bits;
            weights that are NaN.
    """
    if not isinstance(layer, BinaryLayer):
        raise TypeError(f"layer is a {type(layer).__name__}; expected a BinaryLinear or BinaryConv1d, 2d or 3d")
    whole_number("rank", rank, 1, MAX_RANK, what="the inputs of a LUT")
    one_of("combine", combine, COMBINES)
    weight, kept = layer.weight.detach().flatten(1).cpu(), layer.kept.flatten(1).cpu()
    fan_in = weight.shape[1]
    run = fan_in if combine == "window" or isinstance(layer, BinaryLinear) else math.prod(layer.weight.shape[2:])
    drawn = expanded(MaskSizes(fan_in, rank, layer.outputs, run, True), generator)
    most = max(1, int(kept.sum(1).max()))
    own = (
        (~kept).int().sort(dim=1, stable=True).indices[:, :most].sort(dim=1).values
    )  # those that are kept, and fillers
    mask = drawn.gather(1, own.unsqueeze(2).expand(-1, -1, rank))
    made = _like(layer, mask)
    votes = signed(weight)
    coefficients = torch.zeros(mask.shape, dtype=weight.dtype)
    coefficients[:, :, 0] = votes.gather(1, own)
    there = kept.gather(1, own)
    if recover:
        coefficients[:, :, 1:] = _recovered(votes, kept, mask, there)
    made.weight.copy_((coefficients @ corners(rank).to(weight.dtype)).view(-1, 1 << rank))
    made.kept.copy_(there)
    for ours, theirs in ((made.scale, layer.scale), (made.bias, layer.bias)):
        if ours is not None and theirs is not None:
            ours.copy_(theirs)
    made.train(layer.training)
    return made.to(layer.weight.device)


@torch.no_grad()
def equal_outputs(
    one: nn.Module,
    other: nn.Module,
    inputs: Tensor | Sequence[int],
    *,
    samples: int = 1024,
    generator: torch.Generator | None = None,
) -> bool:
    """Whether two modules have the same outputs in eval mode, bit for bit, as an expansion must keep them.

    Args:
        one: a module, such as a layer or a network.
        other: another.
        inputs: a batch; or the shape of one sample: then `samples` of random signs are tried.
        samples: how many, 1 or more.
        generator: of them; None is torch's global one.

    Raises:
        TypeError, ValueError: no samples, for which any two modules would be equal.
    """
    if not isinstance(inputs, Tensor):
        shape = (whole_number("samples", samples, 1), *inputs)
        device = next((p.device for p in one.parameters()), torch.device("cpu"))
        inputs = (torch.randint(2, shape, generator=generator) * 2.0 - 1).to(device)
    if inputs.numel() == 0:
        raise ValueError(f"inputs are of shape {tuple(inputs.shape)}, no numbers; expected one sample or more")
    with in_eval(one, other):
        return torch.equal(one(inputs), other(inputs))


def expand_layers(
    model: nn.Module, names: Sequence[str], rank: int = 4, *, make: Callable[..., LUTSum] = expand, **options: Any
) -> None:
    """Replace binary layers of a model by LUT layers.

    Args:
        model: the model, which is changed.
        names: of the layers, as `model.named_modules()` has them.
        rank: inputs of a LUT, at most as many as a layer combines.
        make: `expand`, or `expand_tiled`.
        **options: further arguments of `make`.

    Raises:
        TypeError, ValueError: as `make` raises; a name that is not a module of the model.
    """
    modules = dict(model.named_modules())
    for name in names:
        layer = modules[one_of("names", name, modules)]
        if not isinstance(layer, BinaryLayer):
            raise TypeError(f"{name} is a {type(layer).__name__}; expected a binary layer to expand")
        owner, _, attribute = name.rpartition(".")
        setattr(modules[owner], attribute, make(layer, rank, **options))


def signed(weight: Tensor) -> Tensor:
    """Latent weights within -1 to 1, none of them 0, each of the sign that a layer reads; ValueError: NaN."""
    if weight.isnan().any():
        raise ValueError("a weight of the layer is NaN, which no LUT says; was the training unstable?")
    signs = torch.where(weight >= 0, 1.0, -1.0).to(weight.dtype)
    return torch.where(weight.abs() < LEAST, signs * LEAST, weight.clamp(-1, 1))


def corners(rank: int) -> Tensor:
    """tau: whether each input is 1 or -1 at each address, (rank, 2**rank)."""
    return ((torch.arange(1 << rank) >> torch.arange(rank)[:, None]) & 1) * 2.0 - 1


def _recovered(votes: Tensor, kept: Tensor, mask: Tensor, there: Tensor) -> Tensor:
    """The votes of pruned inputs (outputs, LUTs, rank - 1), each where its output's LUTs read it first; 0 elsewhere."""
    outputs, luts, rank = mask.shape
    read = mask[:, :, 1:].reshape(outputs, -1)
    open_ = ~kept.gather(1, read) & there.repeat_interleave(rank - 1, 1)
    keys = (read + torch.arange(outputs)[:, None] * votes.shape[1]).flatten().numpy()
    some = np.flatnonzero(open_.flatten().numpy())
    first = some[np.unique(keys[some], return_index=True)[1]]
    found = torch.zeros(read.numel(), dtype=votes.dtype)
    found[torch.from_numpy(first)] = votes.gather(1, read).flatten()[torch.from_numpy(first)]
    return found.view(outputs, luts, rank - 1)


def _like(layer: BinaryLayer, mask: Tensor) -> LUTLinear | LUTConv:
    """A LUT layer of the binary layer's sizes, its tables still to be filled."""
    options: dict[str, Any] = {
        "scale": layer.kind_of_scale,
        "binary_weights": layer.binary,
        "bias": layer.bias is not None,
    }
    if isinstance(layer, BinaryLinear):
        return LUTLinear(layer.in_features, layer.out_features, mask.shape[2], mask, **options)
    if not isinstance(layer, BinaryConv):
        raise TypeError(f"layer is a {type(layer).__name__}; expected a BinaryLinear or BinaryConv1d, 2d or 3d")
    padding = {"+1": 1, "-1": -1}.get(layer.padding_mode, -1)
    if any(layer.sliding.padding) and layer.padding_mode not in ("+1", "-1"):
        raise ValueError(
            f"its padding_mode is {layer.padding_mode!r}; LUTs read signs: train with padding_mode='-1' or '+1'"
        )
    taps, run = layer.sliding, mask.new_tensor(range(layer.outputs)) // (layer.outputs // layer.groups)
    kind = {1: LUTConv1d, 2: LUTConv2d, 3: LUTConv3d}[layer.axes]
    return kind(
        layer.in_channels,
        layer.out_channels,
        taps.window,
        mask.shape[2],
        mask + (run * math.prod(layer.weight.shape[1:])).view(-1, 1, 1),
        stride=taps.stride,
        padding=taps.padding,
        dilation=taps.dilation,
        groups=layer.groups,
        padding_value=padding,
        **options,
    )
