"""What an epoch reached, how it is measured, and where it is written down."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lutsmith.ground.atomic import FULL, out_of_space, write_atomically
from lutsmith.training.batches import Array, Rows, Samples
from lutsmith.training.objectives import Objective

_EVALUATION_BATCH = 256


@dataclass(frozen=True)
class Epoch:
    """One line of metrics.jsonl.

    Attributes:
        epoch: counted from 1.
        loss: mean over the epoch's training batches.
        soft, hard: validation score of the differentiable network and of the hardened one: accuracy in [0, 1], or what
            the objective has instead (R^2, the share of right bits); None where the epoch was not validated.
        gap: soft - hard.
        lr: learning rate of the tables in the epoch's last step.
        seconds: wall time of the epoch, validation included.
    """

    epoch: int
    loss: float
    soft: float | None
    hard: float | None
    gap: float | None
    lr: float
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return dataclasses.asdict(self)


def logits(model: nn.Module, x: Array, rows: Rows, *, hardened: bool) -> NDArray[np.float32]:
    """Return the logits of some rows of `x` `(N, *input_shape)`, `(len(rows), classes)`, without gradients.

    `hardened` takes the network in eval mode, which is the circuit; otherwise in train mode, without augmentation. The
    mode of `model` is left as it was.
    """
    mode, parts = model.training, []
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    model.train(not hardened)
    try:
        with torch.no_grad():
            for start in range(0, max(1, len(rows)), _EVALUATION_BATCH):
                batch = torch.from_numpy(x[rows[start : start + _EVALUATION_BATCH]])
                parts.append(model(batch.to(device)).float().cpu().numpy())
    finally:
        model.train(mode)
    return np.concatenate(parts)


def score(model: nn.Module, samples: Samples, rows: Rows, objective: Objective, *, hardened: bool) -> float:
    """Return the objective's score of the outputs for `rows`; see `logits`."""
    return objective.score(logits(model, samples.x, rows, hardened=hardened), samples.y[rows])


class MetricsLog:
    """Writes one JSON line an epoch, and TensorBoard events where it is installed."""

    def __init__(self, folder: Path, history: list[Epoch]) -> None:
        """Begin with the epochs that are done already, whatever an interrupted run wrote after them."""
        self.path = folder / "metrics.jsonl"
        write_atomically(self.path, "".join(_line(epoch) for epoch in history).encode())
        self._board = _tensorboard(folder / "tensorboard", first_epoch=len(history) + 1)

    def append(self, epoch: Epoch) -> None:
        """Write an epoch down at once.

        Raises:
            OSError: the disk is full; the lines before are whole.
        """
        line = _line(epoch).encode()
        with self.path.open("ab", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            try:
                written = file.write(line)
                if written != len(line):  # what is left does not fit
                    file.write(line[written:])
            except OSError as error:
                with contextlib.suppress(OSError):
                    file.truncate(end)
                raise (out_of_space(error, self.path, len(line)) if error.errno in FULL else error) from error
        if self._board is not None:
            for name, value in epoch.to_json().items():
                if name != "epoch" and value is not None:
                    self._board.add_scalar(name, value, epoch.epoch)

    def close(self) -> None:
        """Flush what TensorBoard still holds."""
        if self._board is not None:
            self._board.close()


def _line(epoch: Epoch) -> str:
    return json.dumps(epoch.to_json()) + "\n"


def _tensorboard(folder: Path, first_epoch: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None  # an optional view of what metrics.jsonl holds anyway
    return SummaryWriter(str(folder), purge_step=first_epoch)
