"""The encoder on the CPU."""

from __future__ import annotations

from torch import Tensor

from lutsmith.kernels import threads
from lutsmith.kernels.training import build
from lutsmith.kernels.training import templates as at
from lutsmith.kernels.training.arguments import split, workspace
from lutsmith.kernels.training.fold.pieces import ROW


def encode(x: Tensor, thresholds: Tensor, inner: int, out: Tensor) -> None:
    """out (F z, N) = x (N, F) > thresholds (F, z), feature-major; x is uint8 or float32, the others float32."""
    space, (samples, features) = workspace, x.shape
    fields = space.begin()
    parts = split(out.nbytes * 2, features // 16)
    fields[at.SAMPLES], fields[at.FEATURES], fields[at.CHOICES] = samples, features, thresholds.shape[1]
    fields[at.INNER], fields[at.HARD], fields[at.LUT_PARTS] = inner, x.itemsize == 1, parts
    fields[at.X], fields[at.TABLES], fields[at.OUT] = x.data_ptr(), thresholds.data_ptr(), out.data_ptr()
    step = 16 * ROW * 4
    fields[at.SCRATCH], fields[at.SCRATCH_STEP] = space.reserve("scratch", parts * step), step
    threads.run(build.address("encode", 0, "float32"), space.address, parts)
