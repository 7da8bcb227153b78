"""Connections of kernels that stand at places: their inputs are the taps of windows over planes of pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from lutsmith.circuit.sliding import Sliding, table_of_places
from lutsmith.kernels.training.reads import Reads
from lutsmith.kernels.training.unrolled import windows

WINDOWS = 1 << 25  # bytes of windows that are in memory at a time, where kernels read more than single rows of them


class Places(NamedTuple):
    """Where kernels stand, as `Reads` has it."""

    table: Tensor  # (taps, P) int32
    plane: int  # pixels

    @classmethod
    def alone(cls, count: int, device: torch.device) -> Places:
        """Windows of one tap at each of `count` pixels: they read the rows of kernels at that many places."""
        return cls(torch.arange(count, dtype=torch.int32, device=device).view(1, count), count)


def places_of(sliding: Sliding, image: tuple[int, ...], device: torch.device) -> Tensor:
    """The pixel of each tap at each place of an image, int32 `(taps, places)`, on a device."""
    if torch.compiler.is_compiling():  # caches are not for programs
        return torch.from_numpy(table_of_places(sliding, image)).to(device)
    return torch.tensor(sliding.places(image), device=device)


def placed(reads: Reads, places: Places | None) -> Reads:
    """The same at these places."""
    return reads if places is None else reads._replace(places=places.table, plane=places.plane)


def by_windows(x: Tensor, places: Places, read: Callable[[Tensor], Tensor]) -> Tensor:
    """What slots read when they mix or score many inputs: `(S P, B)`, slot by slot, from `x` `(channels * plane, B)`.

    The windows of all places together are many times as large as x. They are therefore made for a few places at a time,
    and again for the gradient, so that only `WINDOWS` bytes of them, or those of one place, are in memory.

    Args:
        x: planes of pixels.
        places: of the kernels.
        read: what the slots read, `(S, N)`, of inputs `(channels * taps, N)`; no random numbers.
    """
    taps, samples = places.table.shape[0], x.shape[1]
    size = x.shape[0] // places.plane * taps * samples * x.itemsize

    def some(rows: Tensor, table: Tensor) -> Tensor:
        seen = windows(rows, table, places.plane).flatten(2).flatten(0, 1)
        return read(seen).view(-1, table.shape[1], samples)

    tables = torch.split(places.table, max(1, WINDOWS // max(size, 1)), dim=1)
    if len(tables) == 1 or not torch.is_grad_enabled():
        found = [some(x, table) for table in tables]
    else:
        found = [checkpoint(some, x, table, use_reentrant=False, preserve_rng_state=False) for table in tables]
    return torch.cat(found, dim=1).flatten(0, 1)
