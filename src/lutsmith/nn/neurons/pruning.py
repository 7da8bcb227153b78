"""Pruning: weights and LUTs that are left out of a sum, and inputs of LUTs that hardly matter to their tables.

A buffer of the layer, `kept` (for inputs of LUTs `tied`), records what is pruned, so that it is saved with the weights.
A layer multiplies by it, or reads tables through it: pruned parts do not count and get no gradient, whatever optimizer
trains the layer, and they never come back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lutsmith.circuit.sliding import sizes
from lutsmith.ground.arguments import number, one_of, whole_number
from lutsmith.nn.neurons.binary import BinaryLayer
from lutsmith.nn.neurons.lut_sum import LUTSum

PER = ("layer", "output", "tile")
"""What is compared with what: all weights of a layer, those of each output, or tiles of weights, pruned as a whole."""

Prunable = BinaryLayer | LUTSum


class Size(NamedTuple):
    """What a layer has, and how much of it is left.

    Attributes:
        name: of the module in its network.
        outputs: neurons, or kernels.
        weights: products of all sums before pruning: weights, or LUTs.
        kept: those that are left.
        inputs: inputs that LUTs have before pruning; weights have one each.
        read: those that are left.
    """

    name: str
    outputs: int
    weights: int
    kept: int
    inputs: int
    read: int


def prunable(model: nn.Module) -> dict[str, Prunable]:
    """The layers of a model that can be pruned, by their names, in the order in which they are registered."""
    return {name: module for name, module in model.named_modules() if isinstance(module, (BinaryLayer, LUTSum))}


def sizes_of(model: nn.Module) -> list[Size]:
    """How much pruning has left of each layer of a model."""
    found = []
    for name, layer in prunable(model).items():
        kept = layer.kept
        inputs, read = kept.numel(), int(kept.sum())
        if isinstance(layer, LUTSum):
            inputs, read = kept.numel() * layer.rank, read * layer.rank - int(_bits(layer)[kept].sum())
        found.append(Size(name, layer.outputs, kept.numel(), int(kept.sum()), inputs, read))
    return found


def magnitudes(layer: Prunable) -> Tensor:
    """What each weight or LUT is worth, >= 0, of the shape of `kept`.

    For a weight this is its latent absolute value. For a LUT it is how much its table varies, the standard deviation of
    its latent entries within -1 to 1: a constant only moves the threshold. LUTs that take weights as inputs define it
    themselves.
    """
    if isinstance(layer, BinaryLayer):
        return layer.weight.detach().abs()
    return layer.magnitudes().detach().view(layer.kept.shape)


@torch.no_grad()
def prune(
    layer: Prunable,
    *,
    density: float | None = None,
    inputs: int | None = None,
    threshold: float | None = None,
    per: str = "layer",
    tile: int | Sequence[int] = (8, 8),
) -> int:
    """Leave the smallest weights of a binary layer, or LUTs of a LUT layer, out of its sums; return how many are left.

    Only `layer.kept` changes. What is pruned stays pruned: a larger density than that of the layer changes nothing.

    Args:
        layer: a `BinaryLinear`, `LUTLinear`, or a convolution of these.
        density: the share to keep, of all weights, of those of each output or of all tiles, as `per` says: rounded, and
            at least one weight, one of each output or one tile.
        inputs: instead of `density`: how many weights each output keeps at most; `per` is then "output".
        threshold: instead of `density`: keep magnitudes above this, for tiles their root mean square (as in LUTNet).
        per: a name of `PER`: what `density` is a share of.
        tile: of "tile": outputs and inputs of a tile of the matrix (outputs, weights of an output), or one number for
            both. The last tiles may be smaller.

    Raises:
        TypeError: not such a layer, or not such numbers.
        ValueError: none or several of `density`, `inputs` and `threshold`; impossible numbers; NaN.
    """
    if not isinstance(layer, (BinaryLayer, LUTSum)):
        raise TypeError(f"layer is a {type(layer).__name__}; expected a binary layer or one that adds up LUTs")
    one_of("per", per, PER)
    given = {"density": density, "inputs": inputs, "threshold": threshold}
    if len(named := [name for name, value in given.items() if value is not None]) != 1:
        raise ValueError(f"prune got {' and '.join(named) or 'nothing'}; expected one of {', '.join(given)}")
    kept = layer.kept.reshape(layer.outputs, -1)
    worth = _no_nan(magnitudes(layer).reshape(kept.shape).masked_fill(~kept, -1))
    if density is not None:
        number("density", density, lambda share: 0 < share <= 1, "a share above 0, at most 1")
    if inputs is not None:
        inputs, per = min(whole_number("inputs", inputs, 1), kept.shape[1]), "output"
    if threshold is not None:
        number("threshold", threshold, lambda least: least >= 0, "0 or more")
    if per == "tile":
        found = _of_tiles(kept, worth, sizes("tile", tile, 2, 1), density, threshold)
    elif threshold is not None:
        found = worth > threshold
    elif per == "layer":
        found = _largest(worth.view(1, -1), _count(density, worth.numel())).view(kept.shape)
    else:
        found = _largest(worth, inputs or _count(density, kept.shape[1]))
    layer.kept &= found.view(layer.kept.shape)
    return int(layer.kept.sum())


@torch.no_grad()
def prune_inputs(layer: LUTSum, *, density: float | None = None, threshold: float | None = None) -> int:
    """Tie away those inputs of LUTs on which their tables depend least, so that these LUTs become smaller; return how
    many inputs are left. The method is Logic Shrinkage (E. Wang and others, FPGA 2022).

    An input is worth the root mean square of half the differences of latent entries, within -1 to 1, along it: 0 if the
    table does not depend on it, and 1 if the entries are a sign of it. An entry and its neighbour along a tied input
    become their mean, and are one entry from then on.

    Args:
        layer: one that adds up LUTs.
        density: the share of the inputs of all LUTs of the layer that are not pruned, to keep.
        threshold: instead of `density`: keep inputs that are worth more than this.

    Raises:
        TypeError: another layer.
        ValueError: none or both of `density` and `threshold`; impossible numbers; LUTs whose tables are shared, or are
            NaN.
    """
    if not isinstance(layer, LUTSum):
        raise TypeError(f"layer is a {type(layer).__name__}; expected one that adds up LUTs, such as LUTLinear")
    if (density is None) == (threshold is None):
        raise ValueError("prune_inputs takes density or threshold; give one of them")
    rank, kept = layer.rank, layer.kept.flatten()
    if layer.weight.shape != (kept.numel(), 1 << rank):
        raise ValueError(
            f"the LUTs of a {type(layer).__name__} share tables; only LUTs of their own have inputs to tie"
        )
    entries = layer.weight.detach().clamp(-1, 1)
    worth = torch.stack([_pairs(entries, slot).diff(dim=2).square().mean((1, 2, 3)) for slot in range(rank)], 1) / 4
    _no_nan(worth[kept])
    worth = worth.sqrt().masked_fill(_bits(layer).view(-1, rank), -1)
    if threshold is not None:
        number("threshold", threshold, lambda least: least >= 0, "0 or more")
        wanted = worth > threshold
    else:
        number("density", density, lambda share: 0 < share <= 1, "a share above 0, at most 1")
        some = worth[kept].reshape(1, -1)
        wanted = torch.ones_like(worth, dtype=torch.bool)
        wanted[kept] = _largest(some, _count(density, some.shape[1])).view(-1, rank)
    tied = ~wanted & kept.unsqueeze(1)
    table = layer.weight.detach()
    for slot in range(rank):
        pairs = _pairs(table, slot)
        even = pairs.mean(2, keepdim=True).expand_as(pairs)
        table = torch.where(tied[:, slot, None], even.reshape(table.shape), table)
    layer.weight.copy_(table)
    layer.tied |= (tied << torch.arange(rank, device=tied.device)).sum(1).to(torch.uint8).view(layer.tied.shape)
    return int(kept.sum()) * rank - int(_bits(layer)[layer.kept].sum())


def _no_nan(worth: Tensor) -> Tensor:
    """What weights are worth; ValueError where one is NaN: it is neither large nor small."""
    if worth.isnan().any():
        raise ValueError("a weight of the layer is NaN, and cannot be compared; was the training unstable?")
    return worth


def _bits(layer: LUTSum) -> Tensor:
    """Which inputs are tied, bool (outputs, LUTs, rank)."""
    return (layer.tied.unsqueeze(-1) >> torch.arange(layer.rank, device=layer.tied.device) & 1) > 0


def _pairs(table: Tensor, slot: int) -> Tensor:
    """Entries (LUTs, above, 2, below): those that differ in one input beside each other."""
    return table.reshape(len(table), -1, 2, 1 << slot)


def _count(density: float | None, size: int) -> int:
    assert density is not None
    return max(1, round(density * size))


def _largest(worth: Tensor, count: int) -> Tensor:
    """Where the `count` largest of each row are, of equal ones the first."""
    order = worth.sort(dim=1, descending=True, stable=True).indices[:, :count]
    return torch.zeros_like(worth, dtype=torch.bool).scatter_(1, order, True)


def _of_tiles(
    kept: Tensor, worth: Tensor, tile: Sequence[int], density: float | None, threshold: float | None
) -> Tensor:
    """What is left where tiles are pruned as a whole: those of the largest root mean square of what is left of them."""
    (rows, columns), (height, width) = kept.shape, tile
    down, across = math.ceil(rows / height), math.ceil(columns / width)
    number_of = torch.arange(rows)[:, None] // height * across + torch.arange(columns) // width
    place = number_of.to(kept.device).flatten()
    total = worth.new_zeros(down * across).index_add_(0, place, (worth.square() * kept).flatten())
    sizes = worth.new_zeros(down * across).index_add_(0, place, torch.ones_like(worth).flatten())
    mean = (total / sizes).sqrt()
    found = mean > (threshold or 0.0) if density is None else _largest(mean[None], _count(density, mean.numel()))[0]
    return found[place].view(kept.shape)
