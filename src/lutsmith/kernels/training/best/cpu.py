"""The choice among all inputs on the CPU."""

from __future__ import annotations

from torch import Tensor

from lutsmith.kernels import threads
from lutsmith.kernels.training import build
from lutsmith.kernels.training import templates as at
from lutsmith.kernels.training.arguments import name_of, split, workspace
from lutsmith.kernels.training.best.loops import COLUMNS


def best(scores: Tensor, unique: bool, chosen: Tensor) -> None:
    """Write to `chosen` (W, n) what `naive.best` returns for scores (W, n, F), contiguous."""
    space, fields = workspace, workspace.begin()
    parts = split(scores.numel(), scores.shape[0])
    fields[at.LUTS], fields[at.SLOTS], fields[at.CHOICES] = scores.shape
    fields[at.HARD], fields[at.LUT_PARTS] = unique, parts
    fields[at.SCORES], fields[at.OUT] = scores.data_ptr(), chosen.data_ptr()
    fields[at.SCRATCH] = space.reserve("scratch", parts * 64)
    threads.run(build.address("best", 0, name_of(scores)), space.address, parts)


def best_of_columns(scores: Tensor, chosen: Tensor) -> None:
    """The same without `unique` for scores of which those of a slot lie in a column."""
    space, fields = workspace, workspace.begin()
    slots = chosen.numel()
    parts, step = split(scores.numel(), slots // 16), COLUMNS * scores.itemsize
    fields[at.CHOICES], fields[at.SLOTS] = scores.shape[2], slots
    fields[at.LUT_PARTS] = parts
    fields[at.SCORES], fields[at.OUT] = scores.data_ptr(), chosen.data_ptr()
    fields[at.SCRATCH], fields[at.SCRATCH_STEP] = space.reserve("scratch", parts * step), step
    threads.run(build.address("best_of_columns", 0, name_of(scores)), space.address, parts)
