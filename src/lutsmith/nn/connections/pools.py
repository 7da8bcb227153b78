"""The pools of candidates of learned connections, and how the worst-scored of them are replaced."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lutsmith.nn.connections.sources import Sources
from lutsmith.nn.places import as_tensor

TRIES = 100  # proposals for a new candidate: where a tenth of the inputs is free, one in 40,000 finds none


def replace_worst(
    candidates: Tensor,
    scores: Tensor,
    chosen: Tensor,
    count: int,
    sources: Sources,
    generator: torch.Generator | None,
    owners: Tensor | None = None,
    slots: Tensor | None = None,
) -> Tensor:
    """Replace in place the `count` worst-scored candidates of each slot by new inputs; return where, a bool mask.

    A candidate in use stays. A new candidate is an input that its slot does not have yet, nor, if the pools of the LUT
    were disjoint, any other slot of the LUT. If they were not disjoint and K < rank, an input that only one slot has
    stays its own. This keeps the promise of `candidate_pools`. If no such input is found, the old candidate stays.

    Args:
        candidates: int32 `(W, n, K)` on the CPU, changed in place.
        scores: of that shape.
        chosen: the inputs in use, `(W, n)`.
        count: candidates of a slot, below K.
        sources: what new candidates may be.
        generator: draws them.
        owners: the kernel of each LUT, int64 `(W,)`. The LUTs of a kernel share scores and choice, so that a candidate
            is replaced at all of its places or at none. None: each LUT stands alone.
        slots: bool `(W, n)`, the slots that get new candidates; None: all.

    Raises:
        ValueError: owners together with overlapping pools: new candidates would overlap differently at each place.
    """
    luts, rank, choices = candidates.shape
    pools = candidates.view(luts, -1)
    overlap = _overlap(pools)
    if overlap and owners is not None:
        raise ValueError(
            f"places share scores, and the pools of their slots overlap: such candidates cannot be refreshed; take "
            f"fewer of them, so that a LUT's {rank} x {choices} are different inputs"
        )
    fixed = candidates == chosen.unsqueeze(-1)
    if overlap and choices < rank:
        fixed |= _is_private(candidates)
    if slots is not None:
        fixed |= ~slots.unsqueeze(-1)
    worst = scores.masked_fill(fixed, torch.inf).argsort(dim=2, stable=True)[:, :, :count]
    changed = torch.zeros_like(fixed)
    for slot in range(rank):
        for number in range(count):
            place = worst[:, slot, number]
            before = candidates[:, slot].gather(1, place.unsqueeze(1)).squeeze(1)
            open_ = (~fixed[:, slot].gather(1, place.unsqueeze(1)).squeeze(1)).nonzero().flatten()
            for _ in range(TRIES):
                if not len(open_):
                    break
                at = place[open_]
                new, allowed = sources.propose(open_, candidates[open_, slot, at].long(), generator)
                others = candidates[open_, slot] if overlap and choices >= rank else pools[open_]
                free = allowed & ~(others == new.unsqueeze(1)).any(1)
                candidates[open_[free], slot, at[free]] = new[free].to(candidates.dtype)
                changed[open_[free], slot, at[free]] = True
                open_ = open_[~free]
            if owners is not None and len(open_):
                back = torch.isin(owners, owners[open_]).nonzero().flatten()
                candidates[back, slot, place[back]] = before[back]
                changed[back, slot, place[back]] = False
    return changed


def checked_pools(given: Any, slots: tuple[int, int], usable: Tensor) -> Tensor:
    """Candidates that were given, as a tensor of our own, int32 `(*slots, K)`.

    Args:
        given: integers of that shape.
        slots: LUTs and their rank.
        usable: bool `(in_dim,)`, inputs that may be candidates.

    Raises:
        TypeError: they are not integers.
        ValueError: another shape, inputs that do not exist or are not usable, a slot that has an input twice or may
            find all of its candidates taken.
    """
    pools = as_tensor("candidates", given)
    if pools.is_floating_point() or pools.is_complex() or pools.dtype == torch.bool:
        raise TypeError(f"candidates are {pools.dtype}; expected integers, such as torch.int32")
    if pools.ndim != 3 or pools.shape[:2] != slots or pools.shape[2] < 2:
        raise ValueError(
            f"candidates have shape {tuple(pools.shape)}; expected (out_dim, lut_rank, K) = ({slots[0]}, {slots[1]}, "
            "2 or more)"
        )
    pools = pools.long()  # there is no minimum of torch.uint64
    low, high = int(pools.min()), int(pools.max())
    if low < 0 or high >= len(usable):
        raise ValueError(f"candidates range over {low}..{high}; expected 0..{len(usable) - 1}: the layer's inputs")
    wasted = ~usable[pools]
    if wasted.any():
        raise ValueError(f"candidates name input {int(pools[wasted][0])}, which is not usable; leave it out")
    if any(_overlap(pools[:, slot]) for slot in range(slots[1])):
        raise ValueError("candidates of a slot are equal; expected different inputs within each slot")
    pools = pools.int().contiguous()
    if slots[1] > pools.shape[2] and _overlap(pools.flatten(1)):
        stuck = ~_is_private(pools).any(2)
        stuck[:, : pools.shape[2]] = False  # fewer slots before than candidates
        if stuck.any():
            lut, slot = stuck.nonzero()[0].tolist()
            raise ValueError(
                f"all {pools.shape[2]} candidates of slot {slot} of LUT {lut} may be taken by slots before it; give it "
                "one that is in no other slot of the LUT"
            )
    return pools


def first_places(owners: Tensor) -> Tensor:
    """The first LUT of each kernel, int64, from the kernel of each LUT."""
    order = owners.argsort(stable=True)
    counts = torch.bincount(owners)
    return order[counts.cumsum(0) - counts]


def check_alike(pools: Tensor, owners: Tensor) -> None:
    """Raise ValueError if the LUTs of a kernel do not agree on which of their candidates are the same input.

    Slots choose in turn among the inputs that no earlier slot has taken. Places that agree in this way and share one
    score vector choose the same candidate numbers.

    Args:
        pools: `(W, n, K)`.
        owners: integers `(W,)`, the kernel of each LUT.
    """
    flat = pools.flatten(1)
    if not _overlap(flat):
        return
    ordered, order = flat.sort(stable=True, dim=1)
    place = torch.arange(flat.shape[1]).expand_as(flat)
    starts = torch.ones_like(flat, dtype=torch.bool)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = order.gather(1, torch.where(starts, place, 0).cummax(1).values)  # stable: the lowest number of each input
    same = torch.empty_like(first).scatter_(1, order, first)
    wrong = (same != same[first_places(owners)[owners.long()]]).any(1).nonzero().flatten()
    if len(wrong):
        rank, choices = pools.shape[1:]
        raise ValueError(
            f"LUT {int(wrong[0])} shares scores with LUTs whose candidates are the same input at other slots, so that "
            f"they might not choose alike; take fewer candidates, so that {rank} x {choices} are different inputs, or "
            "give candidates that repeat in the same way at all places of a kernel"
        )


def _overlap(pools: Tensor) -> bool:
    """Whether a row `(W, numbers)` has an input twice."""
    ordered = pools.sort(1).values
    return bool((ordered[:, 1:] == ordered[:, :-1]).any())


def _is_private(candidates: Tensor) -> Tensor:
    """Where a candidate is in no other pool of its LUT, bool `(W, n, K)`."""
    luts, rank, _ = candidates.shape
    private = torch.empty_like(candidates, dtype=torch.bool)
    for slot in range(rank):
        others = torch.cat([candidates[:, :slot], candidates[:, slot + 1 :]], dim=1).reshape(luts, 1, -1)
        private[:, slot] = ~(candidates[:, slot].unsqueeze(2) == others).any(2)
    return private
