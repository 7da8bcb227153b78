"""The folder of a training run. It alone reads and writes there: checkpoint.pt, metrics.jsonl, TensorBoard events.

Without a folder nothing is written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lutsmith.ground.atomic import remove_leftovers
from lutsmith.ground.metrics_log import MetricsLog
from lutsmith.training.files import checkpoint
from lutsmith.training.metrics import Epoch

CHECKPOINT = "checkpoint.pt"


class TrainingFolder:
    """The files of a run, or nowhere.

    Args:
        path: of the folder; None: nothing is written, and nothing can be resumed.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._log: MetricsLog | None = None

    @property
    def checkpoint(self) -> Path:
        """The path of the checkpoint; there must be a folder."""
        assert self.path is not None
        return self.path / CHECKPOINT

    def prepare(self, *, resume: bool) -> None:
        """Make the folder, and remove what a kill left half-written.

        Raises:
            ValueError: there is no folder to resume from, or a checkpoint in the way of a new run.
        """
        if self.path is None:
            if resume:
                raise ValueError("resume=True needs the folder of the run: Trainer(settings, folder=...)")
            return
        self.path.mkdir(parents=True, exist_ok=True)
        remove_leftovers(self.path)
        if not resume and self.checkpoint.exists():
            raise ValueError(f"{self.path} holds a checkpoint: resume=True goes on from it, or take another folder")

    def load(self) -> dict[str, Any] | None:
        """Return what the checkpoint holds; None if there is no checkpoint.

        Raises:
            CheckpointError: it cannot be read.
        """
        return checkpoint.load(self.checkpoint) if self.checkpoint.exists() else None

    def save(self, state: dict[str, Any]) -> None:
        """Write a checkpoint that replaces the last one.

        Raises:
            CheckpointError: it cannot be written; the last one is untouched.
        """
        if self.path is not None:
            checkpoint.save(self.checkpoint, state)

    def open_log(self, history: list[Epoch]) -> None:
        """Begin metrics.jsonl with the epochs that are done already."""
        if self.path is not None:
            self._log = MetricsLog(self.path, [epoch.to_json() for epoch in history])

    def append(self, epoch: Epoch) -> None:
        """Write an epoch to the log at once; OSError if the disk is full."""
        if self._log is not None:
            self._log.append(epoch.to_json())

    def close_log(self) -> None:
        """Flush what TensorBoard still holds."""
        if self._log is not None:
            self._log.close()
            self._log = None
