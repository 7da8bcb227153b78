"""Pooling on the CPU."""

from __future__ import annotations

from torch import Tensor

from lutsmith.kernels import threads
from lutsmith.kernels.training import build
from lutsmith.kernels.training import templates as at
from lutsmith.kernels.training.arguments import Workspace, name_of, split, workspace
from lutsmith.kernels.training.pool.loops import AND, MAJORITY, OR

MODES = {"or": OR, "and": AND, "majority": MAJORITY}


def pool(x: Tensor, places: Tensor, plane: int, mode: str, out: Tensor, taps: Tensor) -> None:
    """out, taps (channels P, B) = what `naive.pool` gives."""
    space = _begin(places, plane, x.shape[1])
    fields, rows = space.fields, out.shape[0]
    parts = split(out.numel() * places.shape[0] * 2, rows)
    fields[at.SLOTS], fields[at.LUT_PARTS], fields[at.HARD] = rows, parts, MODES[mode]
    fields[at.X], fields[at.OUT], fields[at.DX] = x.data_ptr(), out.data_ptr(), taps.data_ptr()
    step = -(-x.shape[1] * x.itemsize // 64) * 64
    fields[at.SCRATCH], fields[at.SCRATCH_STEP] = space.reserve("scratch", parts * step), step
    threads.run(build.address("pool", 0, name_of(x)), space.address, parts)


def backward(grad: Tensor, taps: Tensor, places: Tensor, plane: int, dx: Tensor) -> None:
    """dx (channels plane, B) = what `naive.pool_backward` gives."""
    space = _begin(places, plane, grad.shape[1])
    fields, channels = space.fields, dx.shape[0] // plane
    parts = split(grad.numel() * places.shape[0] * 2, channels)
    fields[at.SLOTS], fields[at.LUT_PARTS] = channels, parts
    fields[at.GRAD], fields[at.X], fields[at.DX] = grad.data_ptr(), taps.data_ptr(), dx.data_ptr()
    threads.run(build.address("pool_gradient", 0, name_of(grad)), space.address, parts)


def _begin(places: Tensor, plane: int, samples: int) -> Workspace:
    fields = workspace.begin()
    fields[at.CHOICES], fields[at.PLACE_COUNT] = places.shape
    fields[at.FEATURES], fields[at.SAMPLES], fields[at.PIXELS] = plane, samples, places.data_ptr()
    return workspace
