"""Balanced random wirings: rows of distinct inputs in which every input is used equally often."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from lutsmith.circuit.wiring import cut_rows


def balanced_rows(num_inputs: int, num_rows: int, width: int, generator: torch.Generator | None) -> NDArray[np.int64]:
    """Draw `(num_rows, width)` input numbers: no row has an input twice, and every input is used k or k + 1 times.

    This is DWN's scheme (permutations written one after another and cut into rows) with one change: a permutation that
    completes a row starts with inputs that the row does not have yet.

    Raises:
        ValueError: `width > num_inputs`.
    """
    orders = (
        torch.randperm(num_inputs, generator=generator).numpy() for _ in range(-(-num_rows * width // num_inputs))
    )
    return cut_rows(num_inputs, num_rows, width, orders)


def candidate_pools(
    num_inputs: int, num_luts: int, rank: int, num_candidates: int, generator: torch.Generator | None
) -> NDArray[np.int64]:
    """Draw the candidates `(num_luts, rank, num_candidates)` of each slot, distinct within a slot.

    If rank * num_candidates <= num_inputs, the pools of a LUT's slots are disjoint. Otherwise they overlap, but each
    slot in turn can still choose an input that no earlier slot has taken: slot l has at least l + 1 candidates, or one
    that is in no other pool of its LUT.

    Raises:
        ValueError: `rank > num_inputs` or `num_candidates > num_inputs`.
    """
    if rank > num_inputs:
        raise ValueError(f"{rank} distinct inputs were asked of {num_inputs}")
    if rank * num_candidates <= num_inputs:
        pools = balanced_rows(num_inputs, num_luts, rank * num_candidates, generator)
    elif num_candidates >= rank:
        pools = balanced_rows(num_inputs, num_luts * rank, num_candidates, generator)
    else:
        pools = _pools_with_private_inputs(num_inputs, num_luts, rank, num_candidates, generator)
    return pools.reshape(num_luts, rank, num_candidates)


def _pools_with_private_inputs(
    num_inputs: int, num_luts: int, rank: int, num_candidates: int, generator: torch.Generator | None
) -> NDArray[np.int64]:
    """Slots from number `num_candidates` on get a private input each; all draw the rest of their pool from the
    others.
    """
    order = torch.rand(num_luts, num_inputs, generator=generator).argsort(1).numpy()
    private, shared = np.split(order, [rank - num_candidates], axis=1)
    pools = np.empty((num_luts, rank, num_candidates), dtype=np.int64)
    for slot in range(rank):
        shuffle = torch.rand(shared.shape, generator=generator).argsort(1).numpy()
        pools[:, slot] = np.take_along_axis(shared, shuffle[:, :num_candidates], axis=1)
        if slot >= num_candidates:
            pools[:, slot, 0] = private[:, slot - num_candidates]
    return pools
