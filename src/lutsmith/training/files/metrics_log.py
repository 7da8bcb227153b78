"""Where epochs are written down: a line each in metrics.jsonl, and TensorBoard events."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from lutsmith.ground.atomic import FULL, out_of_space, write_atomically
from lutsmith.training.metrics import Epoch

METRICS = "metrics.jsonl"


class MetricsLog:
    """Writes one JSON line an epoch, and TensorBoard events where it is installed."""

    def __init__(self, folder: Path, history: list[Epoch]) -> None:
        """Begin with the epochs that are done already, whatever an interrupted run wrote after them."""
        self.path = folder / METRICS
        write_atomically(self.path, "".join(_line(epoch) for epoch in history).encode())
        self._board = _tensorboard(folder / "tensorboard", first_epoch=(history[-1].epoch if history else 0) + 1)

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
