"""The pooled fold on the CPU."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from lutsmith.kernels import threads
from lutsmith.kernels.training import build
from lutsmith.kernels.training import templates as at
from lutsmith.kernels.training.arguments import Workspace, name_of, split
from lutsmith.kernels.training.fold.cpu import begin, placed_parts
from lutsmith.kernels.training.fold_pooled.loops import scratch_rows
from lutsmith.kernels.training.fold_pooled.trees import nodes_of
from lutsmith.kernels.training.reads import Reads


def fold_pooled(
    x: Tensor, tables: Tensor, reads: Reads, windows: Tensor, mode: str, depth: int, out: Tensor, members: Tensor
) -> None:
    """out, members (kernels W, B) = what `naive.fold_pooled` gives, for OR and AND."""
    instances, rank = out.shape[0], reads.inputs.shape[1]
    parts = split(instances * nodes_of(rank, depth) * windows.shape[0] * x.shape[1] << rank, instances)
    space, fields = _begin(x, tables, reads, windows, depth, instances, (parts, 1))
    fields[at.HARD] = mode == "and"
    fields[at.OUT], fields[at.SHARES] = out.data_ptr(), members.data_ptr()
    threads.run(build.address("fold_pooled", rank, name_of(x)), space.address, parts)


def _begin(
    x: Tensor, tables: Tensor, reads: Reads, windows: Tensor, depth: int, instances: int, parts: tuple[int, int]
) -> tuple[Workspace, NDArray[Any]]:
    rank = reads.inputs.shape[1]
    nodes, width = nodes_of(rank, depth), rank ** (depth - 1)
    space, fields = begin(x, tables, reads, parts, scratch_rows(nodes, width * rank, windows.shape[0], x.itemsize))
    fields[at.LUTS], fields[at.INNER], fields[at.CHOICES] = instances, windows.shape[1], windows.shape[0]
    fields[at.DEPTH], fields[at.WIDTH], fields[at.NODES] = depth, width, nodes
    fields[at.WINDOWS] = windows.data_ptr()
    return space, fields


def backward(
    grad: Tensor,
    members: Tensor,
    x: Tensor,
    tables: Tensor,
    reads: Reads,
    windows: Tensor,
    depth: int,
    dx: Tensor | None,
    dt: Tensor | None,
) -> None:
    """Write what `naive.fold_pooled_backward` gives; None: not needed."""
    instances, rank = grad.shape[0], reads.inputs.shape[1]
    lut_parts, batch_parts = placed_parts(instances * nodes_of(rank, depth), rank, x, dx)
    parts = lut_parts * batch_parts
    space, fields = _begin(x, tables, reads, windows, depth, instances, (lut_parts, batch_parts))
    fields[at.GRAD], fields[at.SHARES] = grad.data_ptr(), members.data_ptr()
    if dx is not None:
        fields[at.DX], fields[at.DX_MORE] = dx.data_ptr(), space.reserve("dx", (lut_parts - 1) * dx.nbytes)
    if dt is not None:
        fields[at.DT], fields[at.DT_COPIES] = dt.data_ptr(), parts
        fields[at.DT_MORE] = space.reserve("dt", (parts - 1) * dt.nbytes)
    threads.run(build.address("backward_pooled", rank, name_of(x)), space.address, parts)
    if parts > 1:
        fields[at.CHOICES] = 0
        threads.run(build.address("finish", 0, name_of(x)), space.address, parts)
