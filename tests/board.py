"""A stand-in for TensorBoard, which is not among what the tests install: it notes what is written."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest


def tensorboard(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Put it in the place of TensorBoard, and return the list of what it will be told: its folder, ("start", step) of
    each sitting, (name, step) of each figure, and "closed".
    """
    written: list[Any] = []

    class EventFileWriter:
        def __init__(self, folder: str) -> None:
            written.append(Path(folder))

        def add_event(self, event: SimpleNamespace) -> None:
            assert event.wall_time > 0
            if hasattr(event, "session_log"):
                written.append((event.session_log.status, event.step))
            else:
                assert all(isinstance(value.simple_value, (int, float)) for value in event.summary.value)
                written.extend((value.tag, event.step) for value in event.summary.value)

        def close(self) -> None:
            written.append("closed")

    class SessionLog(SimpleNamespace):
        START = "start"

    class Summary(SimpleNamespace):
        Value = SimpleNamespace

    for name, content in (
        ("summary.writer.event_file_writer", {"EventFileWriter": EventFileWriter}),
        ("compat.proto.event_pb2", {"Event": SimpleNamespace, "SessionLog": SessionLog}),
        ("compat.proto.summary_pb2", {"Summary": Summary}),
    ):
        monkeypatch.setitem(sys.modules, f"tensorboard.{name}", SimpleNamespace(**content))
    return written
