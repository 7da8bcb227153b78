"""What users see while a network grows: progress on the terminal, metrics.jsonl and TensorBoard."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lutsmith.ground.metrics_log import MetricsLog
from lutsmith.ground.progress import ProgressBar

if TYPE_CHECKING:
    from lutsmith.additive import Growth


class GrowthLog(contextlib.AbstractContextManager["GrowthLog"]):
    """Shows rounds and writes them down; a bar is removed at the end of the block.

    Args:
        folder: where metrics.jsonl goes; None: nothing is written.
        quiet: show no progress.

    Attributes:
        begun: whether the rounds of earlier sessions are written down.
    """

    def __init__(self, folder: Path | None, *, quiet: bool) -> None:
        self.begun = False
        self._folder = folder
        self._log: MetricsLog | None = None
        self._bar = ProgressBar(1.0, quiet=quiet)
        self._rounds, self._seconds = 0, 0.0
        self._last = ""

    def __enter__(self) -> GrowthLog:
        self._bar.start()
        return self

    def begin(self, history: Sequence[Growth]) -> None:
        """Write down the rounds of earlier sessions, in place of what is there."""
        self.begun = True
        lines = [self._figures(growth) for growth in history]
        if self._folder is not None:
            self._log = MetricsLog(self._folder, lines)

    def append(self, growth: Growth) -> None:
        """Write a round down, and show it."""
        if not growth.stage.startswith("fold"):  # which is of another network
            figures = self._figures(growth)
            if self._log is not None:
                self._log.append(figures)
        reached = "" if growth.validation is None else f"  validation {growth.validation:.2%}"
        text = f"{growth.stage}  {growth.luts:,}/{growth.total:,} LUTs  loss {growth.loss:.4f}{reached}"
        self._last = f"{text}  {growth.seconds:.1f} s"
        if self._bar.due():
            left = growth.left or 0.0
            share = growth.seconds / max(growth.seconds + left, 1e-9)
            self._bar.draw(share, text, f"{self._last}, {left:.0f} s left", left)

    def __exit__(self, *error: object) -> None:
        self._bar.stop()
        if self._last and error[0] is None:
            self._bar.line(self._last, last=True)
        if self._log is not None:
            self._log.close()

    def _figures(self, growth: Growth) -> dict[str, Any]:
        self._rounds += 1
        took, self._seconds = growth.seconds - self._seconds, growth.seconds
        return {
            "round": self._rounds,
            "stage": growth.stage,
            "luts": growth.luts,
            "loss": growth.loss,
            "hard": growth.validation,
            "validation_loss": growth.validation_loss,
            "seconds": took,
        }
