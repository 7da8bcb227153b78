"""Where the steps of training are written down: a line each in metrics.jsonl, and TensorBoard events."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lutsmith.ground.atomic import FULL, out_of_space, write_atomically

METRICS = "metrics.jsonl"
BOARD = "tensorboard"

Figures = Mapping[str, Any]
"""What a step reached, as JSON values; the first entry is its number, counted from 1, such as `{"epoch": 3, ...}`."""


class MetricsLog:
    """Writes one JSON line a step, and TensorBoard events where it is installed."""

    def __init__(self, folder: Path, history: Sequence[Figures]) -> None:
        """Begin with the steps that are done already, whatever an interrupted run wrote after them."""
        self.path = folder / METRICS
        write_atomically(self.path, "".join(map(_line, history)).encode())
        self._board = Board.of(folder / BOARD, first=1 + (next(iter(history[-1].values())) if history else 0))

    def append(self, figures: Figures) -> None:
        """Write a step down at once.

        Raises:
            OSError: the disk is full; the lines before are whole.
        """
        line = _line(figures).encode()
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
            self._board.add(figures)

    def close(self) -> None:
        """Flush what TensorBoard still holds."""
        if self._board is not None:
            self._board.close()


class Board:
    """The figures as TensorBoard reads them: the events that torch's `SummaryWriter` writes, written without torch.

    Args:
        writer: tensorboard's `EventFileWriter`.
        first: the number of the first step; events of it and of later ones that are there already do not count.
    """

    def __init__(self, writer: Any, first: int) -> None:
        from tensorboard.compat.proto.event_pb2 import SessionLog

        self._writer = writer
        self._write(first, session_log=SessionLog(status=SessionLog.START))

    @classmethod
    def of(cls, folder: Path, first: int) -> Board | None:
        """Return one that writes to a folder; None where TensorBoard is not installed: metrics.jsonl holds it all."""
        try:
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError:
            return None
        return cls(EventFileWriter(str(folder)), first)

    def add(self, figures: Figures) -> None:
        """Write down the numbers of a step."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        (_, step), *others = figures.items()
        numbers = {name: value for name, value in others if isinstance(value, (int, float))}
        values = [Summary.Value(tag=name, simple_value=value) for name, value in numbers.items()]
        self._write(step, summary=Summary(value=values))

    def close(self) -> None:
        """Flush, and close the file."""
        self._writer.close()

    def _write(self, step: int, **content: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer.add_event(Event(step=step, wall_time=time.time(), **content))


def _line(figures: Figures) -> str:
    return json.dumps(dict(figures)) + "\n"
