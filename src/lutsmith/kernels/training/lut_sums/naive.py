"""Sums of LUTs and their gradients in plain torch: what the kernels compute, and what runs on other devices."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from lutsmith.kernels.training.dtypes import compute_dtype
from lutsmith.kernels.training.unrolled import windows, windows_backward

KINDS = ("bits", "signs", "real")


class Neurons(NamedTuple):
    """What neurons read, and as what.

    With `places` the neurons are kernels that stand at P places: rows are planes of pixels, and input c taps + t is
    pixel `places[t, p]` of plane c, or `outside` where that is -1, or 1 where it is -2.
    """

    inputs: Tensor  # int32 (LUTs, n) of all outputs, or (LUTs of one output, n), the same for all
    outputs: int
    points: str = "bits"  # how x is read, a name of KINDS
    entries: str = "bits"  # how tables are read, a name of KINDS
    places: Tensor | None = None  # int32 (taps, P)
    plane: int = 1
    outside: float = -1.0


def read_as(kind: str, values: Tensor) -> Tensor:
    """Numbers as -1 and 1 (`"bits"`: 1 where they are > 0), as their signs, in which 0 is 0, or as they are."""
    if kind == "bits":
        return torch.where(values > 0, 1.0, -1.0).to(values.dtype)
    return values.sign() if kind == "signs" else values


def lut_sums(x: Tensor, tables: Tensor, neurons: Neurons) -> Tensor:
    """The sums `(outputs * P, B)` of x `(features, B)`; see `operator.lut_sums`."""
    rows, entries = _read(x, tables, neurons)
    sums = [_levels(rows[inputs], own)[-1].sum((0, 1)) for inputs, own in _by_output(entries, neurons)]
    count = 1 if neurons.places is None else neurons.places.shape[1]
    return torch.stack(sums).view(neurons.outputs * count, x.shape[1])


def lut_sums_backward(
    grad: Tensor, x: Tensor, tables: Tensor, neurons: Neurons, need: tuple[bool, bool] = (True, True)
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of x and tables.

    That of x is the slope between the two entries that differ in this input, passed straight through the sign; that of
    an entry is passed through its sign by `inward`.
    """
    rows, entries = _read(x, tables, neurons)
    d_rows, d_entries = torch.zeros_like(rows), []
    gradients = grad.to(rows.dtype).view(neurons.outputs, 1, 1, rows.shape[1])
    for (inputs, own), weight in zip(_by_output(entries, neurons), gradients, strict=True):
        points = rows[inputs]
        levels = _levels(points, own)
        weight = weight.expand(len(own), -1, -1)
        for slot in reversed(range(inputs.shape[1])):
            low, high = levels[slot][:, ::2], levels[slot][:, 1::2]
            d_rows.index_add_(0, inputs[:, slot], (weight * (high - low)).sum(1) / 2)
            share = (1 + points[:, slot, None]) / 2
            weight = torch.stack((weight * (1 - share), weight * share), 2).flatten(1, 2)
        d_entries.append(weight.sum(-1))
    dt = torch.cat(d_entries)
    if neurons.entries != "real":
        dt = inward(dt, tables)
    return (_to_pixels(d_rows, x, neurons) if need[0] else None), (dt if need[1] else None)


def inward(gradient: Tensor, latent: Tensor) -> Tensor:
    """The gradient, without what would lead numbers beyond -1 or 1 further away: none is lost there for good."""
    return torch.where((latent.abs() <= 1) | (gradient * latent > 0), gradient, 0)


def _levels(points: Tensor, entries: Tensor) -> list[Tensor]:
    """Tables halved input by input, `(LUTs, 2**(n - j), N)`: at a corner an entry, between two their mean."""
    levels = [entries.unsqueeze(2)]
    for slot in range(points.shape[1]):
        share = (1 + points[:, slot, None]) / 2
        levels.append(levels[-1][:, ::2] * (1 - share) + levels[-1][:, 1::2] * share)
    return levels


def _by_output(entries: Tensor, neurons: Neurons) -> list[tuple[Tensor, Tensor]]:
    own = entries.view(neurons.outputs, -1, entries.shape[1])
    inputs = neurons.inputs.long()
    shared = len(inputs) != len(entries)
    mine = inputs.expand(neurons.outputs, *inputs.shape) if shared else inputs.view(*own.shape[:2], -1)
    return list(zip(mine, own, strict=True))


def _read(x: Tensor, tables: Tensor, neurons: Neurons) -> tuple[Tensor, Tensor]:
    """The rows that inputs are numbers of, `(inputs, P * B)`, and entries, as they are read."""
    dtype = compute_dtype(x, tables)
    rows = x.to(dtype)
    if neurons.places is not None:
        rows = windows(rows, neurons.places, neurons.plane, neurons.outside).flatten(2).flatten(0, 1)
    return read_as(neurons.points, rows), read_as(neurons.entries, tables.to(dtype))


def _to_pixels(d_rows: Tensor, x: Tensor, neurons: Neurons) -> Tensor:
    if neurons.places is None:
        return d_rows
    shape = x.shape[0] // neurons.plane, *neurons.places.shape, x.shape[1]
    return windows_backward(d_rows.view(shape), neurons.places, neurons.plane)
