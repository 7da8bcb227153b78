"""Knowledge distillation: a teacher's opinion of each sample, besides its label."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lutsmith.training.callbacks.base import description
from lutsmith.training.penalties.base import Batch, Penalty, check_weight


@dataclass(eq=False)
class Distillation(Penalty):
    """`weight T^2 KL(softmax(teacher / T) || softmax(logits / T))`, mean over the batch (Hinton et al., 2015).

    It is added to the loss of the labels. With weight w, label and teacher count 1 : w. A convex mixture would have
    another common factor, which does not matter to Adam.

    Attributes:
        teacher: the logits of all rows of the training data, (N, classes), an array or a tensor in the order of the
            training rows `x`; or a function (a module, in eval mode) of a batch of raw, augmented features.
        weight: >= 0.
        temperature: T > 0; larger ones show more of what the teacher thinks of the wrong classes.

    Raises:
        ValueError: an invalid weight, temperature or array.
    """

    teacher: Any = field(repr=False)
    weight: float = 1.0
    temperature: float = 2.0
    source: str = field(init=False)  # what tells one teacher from another when a run is resumed
    _table: npt.NDArray[np.float32] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        check_weight(self)
        if not (self.temperature > 0 and np.isfinite(self.temperature)):
            raise ValueError(f"Distillation(temperature={self.temperature}): expected a positive number")
        if callable(self.teacher) and not isinstance(self.teacher, Tensor):
            if isinstance(self.teacher, nn.Module):
                self.teacher.eval()
            self.source = description(self.teacher)
            return
        given = self.teacher.detach().cpu().float() if isinstance(self.teacher, Tensor) else self.teacher
        table = np.ascontiguousarray(given, dtype=np.float32)
        if table.ndim != 2 or not np.isfinite(table).all():
            raise ValueError(
                f"Distillation: the teacher's logits have shape {table.shape}; expected finite numbers of shape "
                "(rows of the training data, classes)"
            )
        self.source = f"{table.shape[0]}x{table.shape[1]} logits {zlib.crc32(table.tobytes()):08x}"
        self._table = table

    def __call__(self, model: nn.Module, batch: Batch, logits: Tensor) -> Tensor:  # noqa: ARG002
        with torch.no_grad():
            wanted = self._ask(batch).to(logits)
        if wanted.shape != logits.shape:
            raise ValueError(
                f"Distillation: the teacher gives {tuple(wanted.shape)} and the network {tuple(logits.shape)}; both "
                "must be (batch, classes)"
            )
        student = torch.log_softmax(logits / self.temperature, -1)
        target = torch.log_softmax(wanted / self.temperature, -1)
        if batch.weights is None:
            divergence = nn.functional.kl_div(student, target, reduction="batchmean", log_target=True)
        else:
            each = nn.functional.kl_div(student, target, reduction="none", log_target=True)
            divergence = batch.mean(each.sum(1))
        return self.weight * self.temperature**2 * divergence

    def _ask(self, batch: Batch) -> Tensor:
        if self._table is None:
            answer: Tensor = self.teacher(batch.x)
            return answer
        if len(batch.rows) and batch.rows.max() >= len(self._table):
            raise ValueError(
                f"Distillation: the teacher has logits for {len(self._table)} rows, and row {batch.rows.max()} is "
                "trained on; give one row of logits for each row of x"
            )
        return torch.from_numpy(self._table[batch.rows])
