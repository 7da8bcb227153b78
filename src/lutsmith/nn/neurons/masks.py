"""Which inputs the LUTs of a neuron read: masks, by name, or a function of your own from sizes to numbers of inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.ground.arguments import one_of, whole_number
from lutsmith.ground.registry import add_own, own_hint
from lutsmith.kernels.training.reads import MAX_RANK
from lutsmith.nn.places import as_tensor


@dataclass(frozen=True)
class MaskSizes:
    """The sizes that a mask is made for.

    Attributes:
        fan_in: inputs of a neuron: those of the layer, or of the window of a kernel, number c taps + t for tap t of
            channel c.
        rank: inputs of a LUT.
        outputs: neurons for which LUTs are drawn: 1 if all have the same.
        run: the length of a run: a LUT combines inputs of one run only. It is the fan-in, or the taps of one channel.
        distinct: whether the inputs of a LUT must be distinct.
    """

    fan_in: int
    rank: int
    outputs: int
    run: int
    distinct: bool


Mask = Callable[[MaskSizes, "torch.Generator | None"], Any]
"""Returns the inputs of all LUTs, integers `(outputs, LUTs of an output, rank)` from 0 to fan_in - 1."""


def expanded(sizes: MaskSizes, generator: torch.Generator | None = None) -> Tensor:
    """A LUT for each input, which is the LUT's input 0; its other inputs are drawn evenly from the same run.

    Raises:
        ValueError: distinct inputs are wanted from a run that has fewer than a LUT reads.
    """
    n, others = sizes.run, sizes.rank - 1
    least = sizes.rank if sizes.distinct else min(sizes.rank, 2)
    if n < least:
        what = "distinct inputs" if sizes.distinct else "inputs beside its own"
        raise ValueError(
            f"a LUT has rank {sizes.rank} and is to read {what} of {n} that it may combine; take a smaller rank, or a "
            f"larger window or fan-in{'' if n == 1 else ', or distinct=False'}"
        )
    anchors = torch.arange(sizes.fan_in).expand(sizes.outputs, -1)
    found = torch.empty((*anchors.shape, sizes.rank), dtype=torch.int64)
    found[..., 0] = anchors
    own = anchors % n
    for slot in range(1, sizes.rank):  # Floyd's: every set of others is as likely as any
        highest = n - 1 - others + slot - 1 if sizes.distinct else n - 2
        drawn = torch.randint(highest + 1, own.shape, generator=generator)
        drawn += drawn >= own
        if sizes.distinct:
            taken = (found[..., 1:slot] == (anchors - own + drawn).unsqueeze(-1)).any(-1)
            last = torch.full_like(own, highest)
            drawn = torch.where(taken, last + (last >= own), drawn)
        found[..., slot] = anchors - own + drawn
    return found


def minimal(sizes: MaskSizes, _: torch.Generator | None = None) -> Tensor:
    """LUT t reads inputs t rank, t rank + 1, ... in their order; the last LUT continues from the beginning.

    Raises:
        ValueError: distinct inputs are wanted, and there are fewer than a LUT reads.
    """
    if sizes.distinct and sizes.fan_in < sizes.rank:
        raise ValueError(
            f"a LUT has rank {sizes.rank} and is to read distinct inputs of {sizes.fan_in}; take a smaller rank, or "
            "distinct=False"
        )
    luts = -(-sizes.fan_in // sizes.rank)
    rows = torch.arange(luts * sizes.rank) % sizes.fan_in
    return rows.view(1, luts, sizes.rank).expand(sizes.outputs, -1, -1).contiguous()


MASKS: dict[str, Mask] = {"expanded": expanded, "minimal": minimal}
"""Masks by name. `register_mask` adds your own; or give a layer the function."""


def register_mask(name: str, mask: Mask) -> None:
    """Make a mask of your own known by a name, for this process.

    Args:
        name: a text without spaces; not one of lutsmith's own.
        mask: a function from `MaskSizes` and torch's generator, or None, to the inputs of all LUTs; its result is
            checked where it is used.

    Raises:
        TypeError: not a function, a name that is not a text.
        ValueError: a name that is taken.
    """
    if not callable(mask):
        raise TypeError(f"the mask {name!r} is {mask!r}; expected a function of MaskSizes and a generator")
    add_own(MASKS, "mask", name, mask)


def list_masks() -> list[str]:
    """The names of all masks."""
    return list(MASKS)


def mask_of(mask: Any, sizes: MaskSizes, generator: torch.Generator | None, *, shared: bool = False) -> Tensor:
    """The inputs of all LUTs of a layer, int32 `(outputs or 1, LUTs, rank)`.

    Args:
        mask: a name of `MASKS`, a function like those, or the numbers themselves, integers of the shape above or
            `(LUTs, rank)`, the same for all outputs.
        sizes: the sizes that it is made for.
        generator: draws the inputs; None is torch's global one.
        shared: whether LUTs are drawn for one output, and all have the same inputs.

    Raises:
        TypeError: a mask that is none of these, or numbers that are not integers.
        ValueError: an unknown name, a rank that is not 1 to 8, numbers out of range or of another shape, or a LUT that
            reads an input twice where inputs must be distinct.
    """
    whole_number("rank", sizes.rank, 1, MAX_RANK, what="the inputs of a LUT")
    drawn = replace(sizes, outputs=1) if shared else sizes
    if isinstance(mask, str):
        mask = MASKS[one_of("mask", mask, MASKS, hint=own_hint("lutsmith.nn.neurons.register_mask"))]
    numbers = as_tensor("mask", mask(drawn, generator) if callable(mask) else mask)
    if numbers.is_floating_point() or numbers.is_complex() or numbers.dtype == torch.bool:
        raise TypeError(f"mask is {numbers.dtype}; expected integers, the inputs of each LUT")
    numbers = numbers.long()
    if numbers.ndim == 0:
        raise TypeError(f"mask is {mask!r}; expected a name, one of {', '.join(MASKS)}, a function, or numbers")
    if numbers.ndim == 2:
        numbers = numbers.unsqueeze(0)
    shape = tuple(numbers.shape)
    if len(shape) != 3 or shape[0] not in (1, sizes.outputs) or shape[1] < 1 or shape[2] != sizes.rank:
        raise ValueError(
            f"mask has shape {shape}; expected ({sizes.outputs}, LUTs, {sizes.rank}): the inputs of each output's LUTs"
        )
    if int(numbers.min()) < 0 or int(numbers.max()) >= sizes.fan_in:
        raise ValueError(
            f"mask ranges over {int(numbers.min())}..{int(numbers.max())}; expected 0..{sizes.fan_in - 1}, inputs"
        )
    if sizes.distinct and repeats(numbers):
        raise ValueError("mask has a LUT that reads an input twice; give distinct inputs, or pass distinct=False")
    return numbers.int()


def repeats(mask: Tensor | NDArray[np.int64]) -> bool:
    """Whether a LUT reads an input twice."""
    rows = torch.as_tensor(mask).sort(-1).values
    return bool((rows[..., 1:] == rows[..., :-1]).any())
