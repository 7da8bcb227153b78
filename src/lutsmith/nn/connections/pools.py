"""The pools of candidates of learned connections, and how the worst-scored of them are replaced."""

from __future__ import annotations

import torch
from torch import Tensor

from lutsmith.nn.connections.sources import Sources

TRIES = 100  # proposals for a new candidate: where a tenth of the inputs is free, one in 40,000 finds none


def replace_worst(
    candidates: Tensor,
    scores: Tensor,
    chosen: Tensor,
    count: int,
    sources: Sources,
    generator: torch.Generator | None,
) -> Tensor:
    """Replace in place the `count` worst-scored candidates of each slot by new inputs; return where, a bool mask.

    A candidate in use stays. A new one is no candidate of its slot, nor of another slot of its LUT where the pools of
    the LUT were disjoint; where they were not and K < rank, an input that one slot has for itself stays its own. So
    the promise of `candidate_pools` is kept. Where no such input is found, the old candidate stays.

    Args:
        candidates: int32 `(W, n, K)` on the CPU, changed in place.
        scores: of that shape.
        chosen: the inputs in use, `(W, n)`.
        count: candidates of a slot, below K.
        sources: what new candidates may be.
        generator: draws them.
    """
    luts, rank, choices = candidates.shape
    pools = candidates.view(luts, -1)
    ordered = pools.sort(1).values
    overlap = bool((ordered[:, 1:] == ordered[:, :-1]).any())
    fixed = candidates == chosen.unsqueeze(-1)
    if overlap and choices < rank:
        fixed |= _is_private(candidates)
    worst = scores.masked_fill(fixed, torch.inf).argsort(2)[:, :, :count]
    changed = torch.zeros_like(fixed)
    for slot in range(rank):
        for number in range(count):
            place = worst[:, slot, number]
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
    return changed


def _is_private(candidates: Tensor) -> Tensor:
    """Where a candidate is in no other pool of its LUT, bool `(W, n, K)`."""
    luts, rank, _ = candidates.shape
    private = torch.empty_like(candidates, dtype=torch.bool)
    for slot in range(rank):
        others = torch.cat([candidates[:, :slot], candidates[:, slot + 1 :]], dim=1).reshape(luts, 1, -1)
        private[:, slot] = ~(candidates[:, slot].unsqueeze(2) == others).any(2)
    return private
