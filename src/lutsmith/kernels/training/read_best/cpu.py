"""Products of slopes and inputs on the CPU."""

from __future__ import annotations

from torch import Tensor

from lutsmith.kernels import threads
from lutsmith.kernels.training import build
from lutsmith.kernels.training import templates as at
from lutsmith.kernels.training.arguments import name_of, split, workspace
from lutsmith.kernels.training.read_best.loops import TILE_SLOTS


def products(slopes: Tensor, x: Tensor, out: Tensor) -> None:
    """out (S, F) = slopes (S, B) x (B, F), all contiguous and of one dtype."""
    space, fields = workspace, workspace.begin()
    slots, samples = slopes.shape
    parts = split(out.numel() * samples, slots // TILE_SLOTS)
    fields[at.SLOTS], fields[at.SAMPLES], fields[at.FEATURES] = slots, samples, x.shape[1]
    fields[at.LUT_PARTS] = parts
    fields[at.GRAD], fields[at.X], fields[at.OUT] = slopes.data_ptr(), x.data_ptr(), out.data_ptr()
    threads.run(build.address("products", 0, name_of(out)), space.address, parts)
