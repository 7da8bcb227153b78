"""Where the candidates of learned connections come from: pools per slot, drawn, restricted to groups, and refreshed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.nn.connections.balanced import candidate_pools
from lutsmith.nn.connections.wirings import input_groups

TRIES = 32  # proposals for a new candidate: with half of the inputs free, one in 2^32 finds none


@dataclass(frozen=True)
class Sources:
    """The inputs that a LUT's candidates may be: its own group's, and others.

    Attributes:
        inputs: usable inputs, int64, ascending.
        groups: the group of each of them; one group where there are no groups.
        owners: the group of each LUT.
        own: candidates of a slot that come from its LUT's group; the others come from the other groups.
    """

    inputs: NDArray[np.int64]
    groups: NDArray[np.int64]
    owners: NDArray[np.int64]
    own: int

    def draw(self, rank: int, num_candidates: int, generator: torch.Generator | None) -> NDArray[np.int64]:
        """Pools `(LUTs, rank, num_candidates)`, each slot's own group first, with `candidate_pools`' promise.

        Raises:
            ValueError: a group that has too few inputs.
        """
        pools = np.empty((len(self.owners), rank, num_candidates), dtype=np.int64)
        for group in np.unique(self.owners):
            mine = self.owners == group
            parts = [
                self._part(kind, group, members, (int(mine.sum()), rank, count), generator)
                for kind, members, count in (
                    ("in", self.inputs[self.groups == group], self.own),
                    ("outside of", self.inputs[self.groups != group], num_candidates - self.own),
                )
                if count
            ]
            pools[mine] = np.concatenate(parts, axis=2)
        return pools

    def _part(
        self,
        kind: str,
        group: int,
        members: NDArray[np.int64],
        shape: tuple[int, int, int],
        generator: torch.Generator | None,
    ) -> NDArray[np.int64]:
        luts, rank, count = shape
        if len(members) < max(rank, count):
            raise ValueError(
                f"{len(members)} usable inputs are {kind} group {group}; {count} candidates in each of {rank} slots "
                f"need {max(rank, count)}: take fewer groups, fewer candidates or a smaller rank"
            )
        return members[candidate_pools(len(members), luts, rank, count, generator)]

    def propose(self, luts: Tensor, replaced: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """A random input for each of `luts` in place of the candidate `replaced`, and whether it may be taken.

        It comes from the same side: the LUT's own group, or not.
        """
        groups = torch.from_numpy(self.groups)
        inputs = torch.from_numpy(self.inputs)
        owners = torch.from_numpy(self.owners)[luts]
        is_own = groups[torch.searchsorted(inputs, replaced)] == owners
        first, last = torch.searchsorted(groups, owners), torch.searchsorted(groups, owners, right=True)
        chance = torch.rand(len(luts), dtype=torch.float64, generator=generator)
        place = torch.where(is_own, first + chance * (last - first), chance * len(inputs)).long()
        return inputs[place], (groups[place] == owners) == is_own


def group_sources(
    usable: NDArray[np.bool_],
    num_luts: int,
    num_candidates: int,
    num_groups: int | None,
    group_bias: float | None,
) -> Sources:
    """The sources of all LUTs, where inputs and LUTs are cut into `num_groups` runs.

    Args:
        usable: bool `(num_inputs,)`.
        num_luts: LUTs.
        num_candidates: K.
        num_groups: None and 1: no groups.
        group_bias: the share of a slot's candidates that come from its LUT's group, rounded to whole candidates; None
            and 1: all.

    Raises:
        ValueError: a bias outside of [0, 1] or without groups, or more groups than inputs or LUTs.
    """
    inputs = np.flatnonzero(usable)
    if num_groups is None:
        if group_bias is not None:
            raise ValueError("group_bias needs num_groups")
        return Sources(inputs, np.zeros_like(inputs), np.zeros(num_luts, dtype=np.int64), num_candidates)
    groups = input_groups(len(usable), num_groups, num_luts)[inputs]
    bias = 1.0 if group_bias is None else group_bias
    if not 0 <= bias <= 1:
        raise ValueError(f"group_bias is {group_bias}; expected a share between 0 and 1")
    own = num_candidates if num_groups == 1 else int(bias * num_candidates + 0.5)
    return Sources(inputs, groups, np.arange(num_luts) * num_groups // num_luts, own)


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
