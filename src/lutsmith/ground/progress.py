"""What long work shows while it runs, on stderr: a bar with ETA on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

_REDRAW_SECONDS = 0.1
_LINE_SECONDS = 10.0


class _Left(TimeRemainingColumn):
    """The time left as the work says, else as its pace so far does."""

    def render(self, task: Task) -> Text:
        left = task.fields.get("left")
        if left is None:
            return super().render(task)
        return Text(str(timedelta(seconds=round(left))), style="progress.remaining")


class ProgressBar:
    """A bar over `total` steps; silent when `quiet`."""

    def __init__(self, total: float, *, quiet: bool) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._next_draw = self._next_line = 0.0
        if not quiet and self._console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f}%"),
                TimeElapsedColumn(),
                TextColumn("ETA"),
                _Left(),
            )
            self._bar = Progress(*columns, console=self._console, auto_refresh=False, transient=True)
            self._task = self._bar.add_task("training", total=total)

    def start(self) -> None:
        """Begin to draw."""
        self._next_line = time.monotonic() + _LINE_SECONDS
        if self._bar is not None:
            self._bar.start()

    def due(self) -> bool:
        """Return whether it is time to redraw: at most ten times a second."""
        now = time.monotonic()
        if now < self._next_draw:
            return False
        self._next_draw = now + _REDRAW_SECONDS
        return True

    def draw(self, done: float, text: str, line: str, left: float | None = None) -> None:
        """Show how far the work is.

        Args:
            done: steps of the total.
            text: what stands before the bar.
            line: what is printed off a terminal, at most every ten seconds.
            left: seconds to the end; None: what the pace so far says.
        """
        if self._bar is not None:
            self._bar.update(self._task, completed=done, description=text, refresh=True, left=left)
        else:
            self.line(line, last=False)

    def line(self, text: str, *, last: bool) -> None:
        """Print a line where there is no bar, unless one was printed just now; the last one always is."""
        now = time.monotonic()
        if self._bar is None and (now >= self._next_line or last):
            self._next_line = now + _LINE_SECONDS
            self._print(text)

    def note(self, line: str) -> None:
        """Say something else than progress, above the bar."""
        self._print(f"lutsmith: {line}")

    def stop(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)
