"""Where the candidates of learned connections come from: all inputs, the groups of a LUT, or its window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.nn.connections.balanced import candidate_pools
from lutsmith.nn.connections.windows import Windows
from lutsmith.nn.connections.wirings import input_groups


class Sources(Protocol):
    """What may become a candidate of a LUT."""

    def propose(self, luts: Tensor, replaced: Tensor, generator: torch.Generator | None, /) -> tuple[Tensor, Tensor]:
        """A random input for each of `luts` in place of the candidate `replaced`, and whether it may be taken."""
        ...


@dataclass(frozen=True)
class GroupSources:
    """The inputs that may become a LUT's candidates: those of its own group, and others.

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
        """Pools `(LUTs, rank, num_candidates)`, each slot's own group first, with the promise of `candidate_pools`.

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
        """It may be taken if it comes from the same side as the old one: the LUT's own group, or the other groups."""
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
) -> GroupSources:
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
        return GroupSources(inputs, np.zeros_like(inputs), np.zeros(num_luts, dtype=np.int64), num_candidates)
    groups = input_groups(len(usable), num_groups, num_luts)[inputs]
    bias = 1.0 if group_bias is None else group_bias
    if not 0 <= bias <= 1:
        raise ValueError(f"group_bias is {group_bias}; expected a share between 0 and 1")
    own = num_candidates if num_groups == 1 else int(bias * num_candidates + 0.5)
    return GroupSources(inputs, groups, np.arange(num_luts) * num_groups // num_luts, own)


class WindowSources:
    """The usable inputs of each LUT's own window."""

    def __init__(self, windows: Windows) -> None:
        sizes = np.array([len(members) for members in windows.members])
        self._inputs = torch.from_numpy(np.concatenate(windows.members))
        self._sizes = torch.from_numpy(sizes[windows.owners])
        self._first = torch.from_numpy((np.cumsum(sizes) - sizes)[windows.owners])

    def propose(self, luts: Tensor, _: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """All inputs of the window may be taken."""
        chance = torch.rand(len(luts), dtype=torch.float64, generator=generator)
        place = self._first[luts] + (chance * self._sizes[luts]).long()
        return self._inputs[place], torch.ones_like(luts, dtype=torch.bool)
