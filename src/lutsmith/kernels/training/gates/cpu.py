"""The tables of mixed gates, and their gradient, on the CPU."""

from __future__ import annotations

from torch import Tensor

from lutsmith.kernels import threads
from lutsmith.kernels.training import build
from lutsmith.kernels.training import templates as at
from lutsmith.kernels.training.arguments import name_of, split, workspace
from lutsmith.kernels.training.gates.loops import GATES, ROOM
from lutsmith.kernels.vectors import VECTOR_BYTES


def gate_tables(logits: Tensor, temperature: float, out: Tensor) -> None:
    """out (T, 4) = the tables of two inputs that softmax(logits / temperature), (T, 16) gates, gives."""
    _gates("gates", logits, temperature, None, out)


def gate_gradient(grad: Tensor, logits: Tensor, temperature: float, out: Tensor) -> None:
    """out (T, 16) = the gradient of the logits (T, 16), given that of the tables (T, 4)."""
    _gates("gate_gradient", logits, temperature, grad, out)


def _gates(kind: str, logits: Tensor, temperature: float, grad: Tensor | None, out: Tensor) -> None:
    space, tables = workspace, logits.shape[0]
    fields = space.begin()
    parts = split(tables << 6, tables // GATES)
    fields[at.LUTS], fields[at.LUT_PARTS] = tables, parts
    fields[at.X], fields[at.OUT] = logits.data_ptr(), out.data_ptr()
    if grad is not None:
        fields[at.GRAD] = grad.data_ptr()
    step = ROOM * VECTOR_BYTES
    fields[at.SCRATCH], fields[at.SCRATCH_STEP] = space.reserve("scratch", parts * step), step
    space.numbers[at.TEMPERATURE] = temperature
    threads.run(build.address(kind, 0, name_of(logits)), space.address, parts)
