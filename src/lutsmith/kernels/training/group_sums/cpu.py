"""Sums of groups on the CPU."""

from __future__ import annotations

from torch import Tensor

from lutsmith.kernels import threads, vectors
from lutsmith.kernels.training import build
from lutsmith.kernels.training import templates as at
from lutsmith.kernels.training.arguments import name_of, split, workspace


def group_sums(rows: Tensor, out: Tensor) -> None:
    """out (groups, B) = the sums of equal runs of rows (groups * g, B)."""
    space, (groups, samples) = workspace, out.shape
    fields = space.begin()
    parts = split(rows.numel(), groups)
    fields[at.GROUPS], fields[at.ROWS], fields[at.SAMPLES] = groups, rows.shape[0] // groups, samples
    fields[at.X], fields[at.OUT], fields[at.LUT_PARTS] = rows.data_ptr(), out.data_ptr(), parts
    step = 2 * vectors.VECTOR_BYTES + samples * out.itemsize  # the last samples of a row, and the sums of a run
    fields[at.SCRATCH], fields[at.SCRATCH_STEP] = space.reserve("scratch", parts * step), step
    threads.run(build.address("group_sums", 0, name_of(rows)), space.address, parts)
