"""The mix of candidates on the CPU."""

from __future__ import annotations

from torch import Tensor

from lutsmith.kernels import threads
from lutsmith.kernels.training import build
from lutsmith.kernels.training import templates as at
from lutsmith.kernels.training.arguments import name_of, split, workspace
from lutsmith.kernels.training.fold.pieces import ROW


def mix(x: Tensor, candidates: Tensor, scores: Tensor, temperature: float, out: Tensor) -> None:
    """out (W n, B) = rows of x (F, B) at each slot's candidates (W, n, K), in shares softmax(scores / temperature)."""
    space, (features, samples), choices = workspace, x.shape, scores.shape[2]
    fields = space.begin()
    slots = scores.shape[0] * scores.shape[1]
    parts = split(slots * choices * samples, slots)
    step = 2 * ROW * x.itemsize
    fields[at.SLOTS], fields[at.CHOICES], fields[at.LUT_PARTS] = slots, choices, parts
    fields[at.FEATURES], fields[at.SAMPLES], fields[at.BATCH_PARTS] = features, samples, 1
    fields[at.X], fields[at.OUT] = x.data_ptr(), out.data_ptr()
    fields[at.CANDIDATES], fields[at.SCORES] = candidates.data_ptr(), scores.data_ptr()
    fields[at.SHARES] = space.reserve("shares", slots * choices * x.itemsize)
    fields[at.SCRATCH], fields[at.SCRATCH_STEP] = space.reserve("scratch", parts * step), step
    space.numbers[at.TEMPERATURE] = temperature
    for kind in ("spread", "mix"):
        threads.run(build.address(kind, 0, name_of(x)), space.address, parts)
