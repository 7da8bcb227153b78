"""Candidates around existing wires: each slot may keep its wire or take another input."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]


def candidates_around(
    wires: NDArray[np.integer],
    count: int,
    usable: NDArray[np.bool_],
    rng: np.random.Generator,
    *,
    places: Places | None = None,
    reach: int = 0,
) -> NDArray[np.int32]:
    """Draw the candidates of each slot, int32 `(W, n, count)`: its wire first, then inputs that the LUT does not read.

    A slot therefore always finds an input that no other slot has taken. The pools of a LUT are disjoint where there are
    enough inputs.

    Args:
        wires: `(W, n)`, the inputs that the slots read now, distinct in each LUT.
        count: K, at most the usable inputs less n - 1.
        usable: bool `(in_dim,)`, inputs that may be candidates.
        rng: draws.
        places: integers `(in_dim, D)`, where inputs lie: candidates come from inputs that lie within `reach` of the
            wire along each axis, and where these are too few, from all. A negative number is not a place; None: from
            all.
        reach: as above.
    """
    luts, rank = wires.shape
    inputs = np.flatnonzero(usable)
    disjoint = rank * count <= inputs.size
    pools = np.empty((luts, rank, count), np.int32)
    pools[:, :, 0] = wires
    near: dict[bytes, NDArray[np.int64]] = {}
    for pool in pools:
        taken = set(pool[:, 0].tolist())
        for slot in range(rank):
            own = set(taken)
            found: list[int] = []
            sources = [inputs]
            if places is not None and (places[pool[slot, 0]] >= 0).all():
                at = places[pool[slot, 0]]
                if at.tobytes() not in near:
                    near[at.tobytes()] = inputs[(np.abs(places[inputs] - at) <= reach).all(axis=1)]
                sources.insert(0, near[at.tobytes()])
            for source in sources:
                found += drawn(source, count - 1 - len(found), own, rng)
            pool[slot, 1:] = found
            if disjoint:
                taken = own
    return pools


def drawn(source: NDArray[np.int64], count: int, taken: set[int], rng: np.random.Generator) -> list[int]:
    """Return up to `count` different inputs of `source` that are not taken, and take them."""
    if count <= 0:
        return []
    if source.size > 4 * (len(taken) + count):  # most draws are free
        found: list[int] = []
        while len(found) < count:
            value = int(source[rng.integers(source.size)])
            if value not in taken:
                taken.add(value)
                found.append(value)
        return found
    free = [value for value in source.tolist() if value not in taken]
    found = [free[place] for place in rng.permutation(len(free))[:count]]
    taken.update(found)
    return found
