"""Candidate tables of three inputs: from simple to complex, and as the masks that kernels read.

A table is an integer of 8 bits; bit x + 2 y + 4 z is its value of x, y, z. How complex it is is how many AND gates it
needs where XOR and NOT cost nothing: none if it is affine, one if its normal form has no xyz, else two; then, how many
products its normal form adds up.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lutsmith.ground.arrays import packed
from lutsmith.kernels.cells.arrays import BATCH, EXAMPLES, LANES, SLOTS


def normal_forms(tables: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the algebraic normal forms of tables (..., 2^rank): entry m is that of the product of its bits."""
    forms = tables.copy()
    for place in range(tables.shape[-1].bit_length() - 1):
        halves = forms.reshape(*tables.shape[:-1], -1, 2, 1 << place)
        halves[..., 1, :] ^= halves[..., 0, :]
    return forms


ENTRIES = (np.arange(256)[:, None] >> np.arange(8) & 1).astype(np.bool_)
"""The entries of all tables, (256, 8)."""

NORMAL_FORMS = normal_forms(ENTRIES)
COMPLEXITY = np.where(NORMAL_FORMS[:, 7], 2, np.where(NORMAL_FORMS[:, [3, 5, 6]].any(axis=1), 1, 0))
_TERMS = NORMAL_FORMS[:, 1:].sum(axis=1)  # an inversion is none
_FIELDS = np.where(NORMAL_FORMS, np.uint64((1 << EXAMPLES) - 1), np.uint64(0))


def by_complexity(even: bool = False) -> list[NDArray[np.int64]]:
    """All tables that need 0, 1 and 2 ANDs; `even`: those whose entry 0 is 0, of each pair of inverses one."""
    tables = np.arange(0, 256, 1 + even)
    return [tables[COMPLEXITY[tables] == ands] for ands in range(3)]


def in_order(kinds: list[list[NDArray[np.int64]]]) -> Iterator[NDArray[np.int64]]:
    """All choices of a table of each kind, from simple to complex by the ANDs of all: arrays (kinds, candidates), each
    of one sum, and in it by the terms of all normal forms.
    """
    sums: dict[int, list[tuple[int, ...]]] = {}
    for ands in itertools.product(*(range(len(kind)) for kind in kinds)):
        sums.setdefault(sum(ands), []).append(ands)
    for _, choices in sorted(sums.items()):
        for ands in choices:
            grid = np.meshgrid(*(kind[place] for kind, place in zip(kinds, ands, strict=True)), indexing="ij")
            tables = np.stack([axis.reshape(-1) for axis in grid])
            yield tables[:, np.argsort(_TERMS[tables].sum(axis=0), kind="stable")]


def masks_of(tables: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the masks of candidates (kinds, C): uint64 (batches, kinds, 8, LANES); the last batch is filled up."""
    kinds, count = tables.shape
    filled = np.zeros((kinds, -(-count // BATCH) * BATCH), np.int64)
    filled[:, :count] = tables
    fields = _FIELDS[filled].reshape(kinds, -1, LANES, SLOTS, 8)
    words = np.zeros((*fields.shape[:3], 8), np.uint64)
    for slot in range(SLOTS):
        words |= fields[:, :, :, slot] << np.uint64(EXAMPLES * slot)
    return np.ascontiguousarray(words.transpose(1, 0, 3, 2))


def repeated(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return the bits (EXAMPLES, n) of examples as words (n,), the same for each candidate of a word."""
    return packed(np.tile(bits.T, SLOTS))[:, 0]


def answers_of(words: NDArray[np.uint64], count: int) -> NDArray[np.uint16]:
    """Return what kernels wrote, uint64 (batches, LANES), by candidate, (count,): bit e is that of example e."""
    return words.astype("<u8").view("<u2").reshape(-1)[:count]
