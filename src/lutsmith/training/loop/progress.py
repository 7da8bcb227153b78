"""What training shows while it runs, on stderr: a bar with ETA on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from lutsmith.training.metrics import Epoch

_REDRAW_SECONDS = 0.1
_LINE_SECONDS = 10.0


class TrainingProgress:
    """A progress bar over all steps of a run; silent when `quiet`."""

    def __init__(self, epochs: int, steps: int, *, quiet: bool) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._epochs, self._steps = epochs, steps
        self._reached = ""
        self._next_draw = self._next_line = 0.0
        if not quiet and self._console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f}%"),
                TimeElapsedColumn(),
                TextColumn("ETA"),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=self._console, auto_refresh=False, transient=True)
            self._task = self._bar.add_task("training", total=epochs * steps)

    def start(self) -> None:
        """Begin to draw."""
        self._next_line = time.monotonic() + _LINE_SECONDS
        if self._bar is not None:
            self._bar.start()

    def due(self) -> bool:
        """Return whether it is time to look at the loss and redraw: at most ten times a second."""
        now = time.monotonic()
        if now < self._next_draw:
            return False
        self._next_draw = now + _REDRAW_SECONDS
        return True

    def draw(self, step: int, loss: float) -> None:
        """Show the steps done so far and the mean loss of this epoch."""
        text = f"epoch {(step - 1) // self._steps + 1}/{self._epochs}  loss {loss:.4f}{self._reached}"
        if self._bar is not None:
            self._bar.update(self._task, completed=step, description=text, refresh=True)
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _LINE_SECONDS
            self._print(f"{text}  {step / (self._epochs * self._steps):.0%}")

    def epoch(self, done: Epoch) -> None:
        """Take up the figures of a finished epoch; off a terminal, print them unless a line was printed just now."""
        if done.hard is not None:
            self._reached = f"  hardened {done.hard:.2%}  soft {done.soft:.2%}"
        now = time.monotonic()
        if self._bar is None and (now >= self._next_line or done.epoch in (0, self._epochs)):
            self._next_line = now + _LINE_SECONDS
            loss = "before the first step" if done.loss is None else f"loss {done.loss:.4f}"
            self._print(f"epoch {done.epoch}/{self._epochs}  {loss}{self._reached}  {done.seconds:.1f} s")

    def note(self, line: str) -> None:
        """Say something else than progress, above the bar."""
        self._print(f"lutsmith: {line}")

    def stop(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)
