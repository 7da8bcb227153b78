"""Processes that share the parts of an input and the cores of this one."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lutsmith.circuit.engine.workers import ENVIRONMENT, SHARE, num_threads
from lutsmith.cli.predicting.folder import PartOptions
from lutsmith.cli.predicting.part import PartOutcome
from lutsmith.cli.predicting.parts import InputPart
from lutsmith.ground.interrupts import Interrupts
from lutsmith.ground.programs import python_environment

_POLL = 0.2
_LAST = 20.0
"""Seconds that a process gets to end after SIGTERM."""
_THREADS = (ENVIRONMENT, SHARE, "NUMBA_NUM_THREADS")


class Crew:
    """As many processes as there are cores or parts; each predicts a part at a time, with its share of the cores.

    Args:
        model: the model's file.
        folder: where predictions go.
        options: of the command.
        batch: samples at a time.
    """

    def __init__(self, model: Path, folder: Path, options: PartOptions, batch: int) -> None:
        shared = {"model": str(model.absolute()), "folder": str(folder.absolute()), "options": asdict(options)}
        self._first = json.dumps({**shared, "batch": batch}) + "\n"
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = threading.Event()

    def outcomes(self, parts: Sequence[InputPart], interrupts: Interrupts) -> Iterator[tuple[InputPart, PartOutcome]]:
        """Yield what became of each part as it is known; a process that dies costs the part that it had.

        No part is begun once the disk is full, or a signal has come: then processes are ended, and so is this.
        """
        cores = num_threads()
        size = max(1, min(cores, len(parts)))
        waiting: queue.SimpleQueue[InputPart] = queue.SimpleQueue()
        known: queue.SimpleQueue[tuple[InputPart, PartOutcome] | None] = queue.SimpleQueue()
        for part in parts:
            waiting.put(part)
        threads = [
            threading.Thread(target=self._drive, args=(waiting, known, max(1, cores // size)), daemon=True)
            for _ in range(size)
        ]
        for thread in threads:
            thread.start()
        ended = 0
        try:
            while ended < size and not interrupts.requested:
                with contextlib.suppress(queue.Empty):
                    item = known.get(timeout=_POLL)
                    if item is None:
                        ended += 1
                        continue
                    if item[1].full:
                        self._stopped.set()
                    yield item
        finally:
            self._stopped.set()
            self._end()
            for thread in threads:
                thread.join()

    def _drive(
        self,
        waiting: queue.SimpleQueue[InputPart],
        known: queue.SimpleQueue[tuple[InputPart, PartOutcome] | None],
        threads: int,
    ) -> None:
        """Hand parts to a process, one after the other; begin another process where one has died."""
        process: subprocess.Popen[str] | None = None
        try:
            while not self._stopped.is_set():
                try:
                    part = waiting.get_nowait()
                except queue.Empty:
                    break
                try:
                    process = process or self._begun(threads)
                    outcome = _asked(process, part)
                except OSError as error:
                    outcome = PartOutcome("failed", problem=f"no process could be started: {error.strerror or error}")
                if outcome is None:
                    assert process is not None
                    outcome = PartOutcome("failed", problem=_death(self._ended(process)))
                    process = None
                if not self._stopped.is_set() or outcome.kind != "failed":
                    known.put((part, outcome))
            if process is not None:
                self._ended(process)
        finally:
            known.put(None)

    def _begun(self, threads: int) -> subprocess.Popen[str]:
        environment = python_environment(**dict.fromkeys(_THREADS, str(threads)))
        options: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {}  # Ctrl-C is not for it
        process = subprocess.Popen(
            [sys.executable, "-m", "lutsmith.cli.predicting.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, encoding="utf-8", **options,
        )  # fmt: skip
        self._running.add(process)
        if self._stopped.is_set():  # by now, and whoever ends processes may not have seen this one
            process.terminate()
        assert process.stdin is not None
        with contextlib.suppress(OSError):  # it has died: so the first part will say
            process.stdin.write(self._first)
            process.stdin.flush()
        return process

    def _ended(self, process: subprocess.Popen[str]) -> int:
        """Let a process end by itself, for want of parts; return its exit code."""
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        code = process.wait()
        self._running.discard(process)
        return code

    def _end(self) -> None:
        """End the processes that are at work: they leave nothing behind."""
        for process in list(self._running):
            with contextlib.suppress(OSError):
                process.terminate()
        for process in list(self._running):
            try:
                process.wait(_LAST)
            except subprocess.TimeoutExpired:
                process.kill()


def _asked(process: subprocess.Popen[str], part: InputPart) -> PartOutcome | None:
    """Return what a process says of a part; None where it has died."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps([str(part.source), part.target]) + "\n")
        process.stdin.flush()
        fields = json.loads(process.stdout.readline())
    except (OSError, ValueError):  # a pipe without a reader, or no answer
        return None
    return PartOutcome(**{**fields, "warnings": tuple(fields["warnings"])})


def _death(code: int) -> str:
    if code >= 0:
        return f"the process that read it ended with exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
    hint = ": was memory short?" if name == "SIGKILL" else ""
    return f"the process that read it was ended by {name}{hint}"
