"""The other order of table entries: input 0 as the most significant address bit."""

from __future__ import annotations

import torch
from torch import Tensor


def msb_first(tables: Tensor) -> Tensor:
    """Tables `(..., 2**rank)`, of any dtype, with input 0 as the most significant address bit, as BitLogic orders them.

    The entries are permuted by reversing the bits of their addresses, so that the same function turns tables that are
    given in that order into lutsmith's.

    Raises:
        ValueError: the number of entries is not a power of two.
    """
    entries = tables.shape[-1] if tables.ndim else 0
    if entries < 1 or entries & (entries - 1):
        raise ValueError(f"tables have shape {tuple(tables.shape)}; expected (..., 2**rank) entries")
    rank = entries.bit_length() - 1
    addresses = torch.arange(entries, device=tables.device)
    reverse = torch.zeros_like(addresses)
    for j in range(rank):
        reverse |= ((addresses >> j) & 1) << (rank - 1 - j)
    return tables[..., reverse]
