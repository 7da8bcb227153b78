"""The trees of LUTs that kernels are."""

from __future__ import annotations

from itertools import pairwise

import torch

from lutsmith.kernels.training.reads import Reads


def nodes_of(rank: int, depth: int) -> int:
    """LUTs of a tree whose LUTs read `rank` others each, in `depth` levels."""
    return sum(rank**level for level in range(depth))


def levels(reads: Reads, depth: int) -> list[tuple[slice, Reads]]:
    """The levels of trees from the lowest up: which of all tables are theirs, and what their LUTs read.

    `reads` is of the lowest level, `rank ** (depth - 1)` LUTs a kernel. Those of the others read the rows of the level
    below, at their own place.
    """
    rank, device = reads.inputs.shape[1], reads.inputs.device
    widths = [reads.inputs.shape[0] // rank**level for level in range(depth)]
    begins = [sum(widths[:level]) for level in range(depth + 1)]
    found = []
    for width, (first, last) in zip(widths, pairwise(begins), strict=True):
        found.append((slice(first, last), reads) if reads.table_ptr is None else (slice(None), reads))
        above = width // rank
        inputs = torch.arange(above * rank, dtype=torch.int32, device=device).view(above, rank)
        alone = torch.arange(reads.num_places, dtype=torch.int32, device=device).unsqueeze(0)
        reads = Reads(inputs, places=alone, plane=reads.num_places)
    return found
