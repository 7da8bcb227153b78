"""What LUTs share if one kernel stands at several places: its table, or the scores of its inputs.

A layer without sharing has a table and scores for every LUT, and no owner numbers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def checked_owners(name: str, owners: Any, out_dim: int) -> Tensor:
    """The number of the table or score vector of each LUT as a tensor of our own, int32 `(out_dim,)`.

    Raises:
        TypeError: they are not integers.
        ValueError: there is not one for each LUT, or a number from 0 to the largest is missing.
    """
    numbers = as_tensor(name, owners)
    if numbers.is_floating_point() or numbers.is_complex() or numbers.dtype == torch.bool:
        raise TypeError(f"{name} is {numbers.dtype}; expected integers, such as torch.int32")
    if numbers.shape != (out_dim,):
        raise ValueError(f"{name} has shape {tuple(numbers.shape)}; expected (out_dim,) = ({out_dim},), one for a LUT")
    numbers = numbers.long()  # there is no minimum of torch.uint64
    low, high = int(numbers.min()), int(numbers.max())
    if low < 0 or high >= out_dim:
        raise ValueError(f"{name} ranges over {low}..{high}; expected numbers from 0 on, at most {out_dim - 1}")
    unused = (torch.bincount(numbers) == 0).nonzero().flatten()
    if len(unused):
        raise ValueError(f"{name} names {int(unused[0])} nowhere and {high} as its largest; leave no number out")
    return numbers.int()


def as_tensor(name: str, values: Any) -> Tensor:
    """Arrays, lists or tensors of numbers as a detached tensor in this machine's memory.

    Raises:
        TypeError: they are none of these.
        ValueError: lists of unequal lengths.
    """
    try:
        return torch.as_tensor(values).detach().cpu()
    except ValueError as error:
        raise ValueError(f"{name} cannot become a tensor ({error}); give lists of equal lengths") from error
    except (TypeError, RuntimeError) as error:
        raise TypeError(f"{name} is a {type(values).__name__} that cannot become a tensor ({error})") from error


def wrong_owners(name: str, saved: Tensor, count: int) -> str | None:
    """Return what is wrong with saved numbers of `count` owners, None if nothing is: kernels read memory at them."""
    if saved.is_meta or not saved.numel():
        return None
    if saved.is_floating_point() or saved.is_complex() or saved.dtype == torch.bool:
        return f"{name} is {saved.dtype}; expected integers"
    low, high = (int(bound) for bound in torch.aminmax(saved.long()))
    if low < 0 or high >= count:
        return f"{name} ranges over {low}..{high}; expected 0..{count - 1}"
    return None


def runs_of(owners: Tensor, count: int) -> tuple[Tensor, Tensor | None]:
    """Where the LUTs of each owner lie after sorting by owner: pointers, int32 `(count + 1,)`, and the LUTs in that
    order, int64; None if they are sorted already.
    """
    ends = torch.bincount(owners, minlength=count).cumsum(0)
    pointers = torch.cat([ends.new_zeros(1), ends]).int()
    return pointers, None if bool((owners[1:] >= owners[:-1]).all()) else owners.argsort(stable=True)


def owners_of(pointers: Tensor, order: Tensor | None) -> Tensor:
    """The owner of each LUT, int64 `(out_dim,)`, from what `runs_of` returns."""
    counts = pointers.diff().long()
    owners = torch.arange(len(counts), device=pointers.device).repeat_interleave(counts)
    return owners if order is None else torch.empty_like(owners).index_copy_(0, order, owners)
