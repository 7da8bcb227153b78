"""Ctrl-C and SIGTERM: they are noted, the step at work is finished, the checkpoint saved, and then training ends."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM, after what was at work has been brought to an end; the message says how to go on.

    Attributes:
        exit_code: what a program ends with by convention: 128 and the signal's number, so 130 or 143.
    """

    def __init__(self, message: str, number: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.exit_code = 128 + number


class TrainingInterrupted(Interrupted):
    """Ctrl-C or SIGTERM: the step was finished and the checkpoint saved; the message says how to go on.

    Attributes:
        exit_code: what a program ends with by convention: 128 and the signal's number, so 130 or 143.
    """


class Interrupts:
    """Turns the first Ctrl-C or SIGTERM inside the `with` block into `requested`, so that a step can be finished.

    The second one interrupts at once, unless this is `patient`: for processes that somebody else ends if they take too
    long, and to whom one wish to stop may come in several ways. Nothing is changed outside of the main thread, where a
    signal is ignored (a background job), or where SIGTERM has a handler already.

    Attributes:
        requested: the signal that came, or None.
    """

    def __init__(self, *, patient: bool = False) -> None:
        self._patient = patient
        self.requested: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            if callable(before := signal.getsignal(signal.SIGINT)):
                self._before[signal.SIGINT] = before
            if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
                self._before[signal.SIGTERM] = signal.SIG_DFL
            for number in self._before:
                signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self.requested is not None:
            if self._patient:
                return
            raise KeyboardInterrupt
        self.requested = signal.Signals(number)
