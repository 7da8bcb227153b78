"""An installed tool, how it is run, and the errors when it fails.

A run is a child process with its own process group, so that a time limit stops everything that the tool started. What
it prints goes to files, which hold more than a pipe and are read when it has ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lutsmith.hardware.tools import confinement
from lutsmith.hardware.tools.confinement import Limits

LAST_LINES = 12
"""Of a tool's output, quoted when it fails."""

MAX_ERRORS = 1 << 24
"""Bytes of its errors and warnings that are read, from the end."""

MAX_LINE = 1000
"""Characters of such a line."""

Version = tuple[int, ...]


class ToolError(RuntimeError):
    """An external tool is missing or did not do its work."""


class ToolMissing(ToolError):  # noqa: N818
    """A tool is not on this machine, or is too old. The message says how to install it."""


class ToolFailed(ToolError):  # noqa: N818
    """A tool ended with an error.

    Attributes:
        output: all that it printed.
        returncode: its exit status; negative where a signal ended it; None where it could not be started.
    """

    def __init__(self, message: str, output: str = "", returncode: int | None = None) -> None:
        super().__init__(message)
        self.output = output
        self.returncode = returncode


class ToolTimeout(ToolFailed):
    """A tool was stopped at its time limit."""


@dataclass(frozen=True)
class Finished:
    """A run that ended well.

    Attributes:
        stdout: what it printed; empty where that is not text.
        stderr: what it printed as errors or warnings; if that is long, only the end.
        seconds: wall time.
        data: what it printed, where that is not text.
    """

    stdout: str
    stderr: str
    seconds: float
    data: bytes = b""


@dataclass(frozen=True)
class Tool:
    """A tool that was found.

    Attributes:
        name: as `find` knows it.
        argv: what starts it; arguments follow.
        version: that of the wheel, or the one that the program on PATH reports.
        source: where it was found: "wheel pyosys", or a path.
    """

    name: str
    argv: tuple[str, ...]
    version: Version
    source: str

    def __str__(self) -> str:
        return " ".join([self.name, *([dotted(self.version)] if self.version else []), f"({self.source})"])

    def run(
        self,
        args: Sequence[str | os.PathLike[str]] = (),
        input: str | None = None,  # noqa: A002
        cwd: str | os.PathLike[str] | None = None,
        timeout: float | None = None,
        limits: Limits | None = None,
        binary: bool = False,
    ) -> Finished:
        """Run the tool to its end.

        Args:
            args: its arguments.
            input: text for its standard input; nothing by default.
            cwd: the folder that it runs in, and leaves its temporary files in.
            timeout: seconds after which it and all its children are killed; None waits for ever.
            limits: what it may use, where it is confined: it, or what it reads, came from elsewhere. Needs a folder and
                a time limit.
            binary: whether what it prints is not text.

        Raises:
            ToolMissing: it should be confined, and this system cannot do that.
            ToolTimeout: the time limit was reached.
            ToolFailed: it could not be started, or its exit status is not 0; the last lines that it printed are quoted.
        """
        command = [*self.argv, *(os.fspath(word) for word in args)]
        environment = {**os.environ, "LC_ALL": "C"}
        if cwd is not None:
            environment["TMPDIR"] = str(Path(cwd).resolve())
        if limits is not None:
            if cwd is None or timeout is None:
                raise ValueError("a tool that is confined needs a folder and a time limit")
            why = confinement.problem()
            if why is not None:
                raise ToolMissing(f"{self.name} would run what came from elsewhere, which cannot be confined: {why}")
            command = confinement.launched(command, limits, timeout, cwd)
            if limits.program:
                environment = confinement.environment(cwd)
        began = time.perf_counter()
        try:
            code, data, errors = _run(command, input, cwd, timeout, environment)
        except OSError as error:
            raise ToolFailed(f"cannot start {self.name} ({self.source}): {error}") from error
        stderr = _text(errors)
        printed = _text(data[-MAX_ERRORS:]) + stderr if code != 0 else ""
        if code is None or (limits is not None and code == -getattr(signal, "SIGXCPU", 0)):
            message = f"{self.name} was stopped at its time limit of {timeout:g} s"
            raise ToolTimeout(message + _quoted(printed), printed)
        if code:
            how = f"was ended by signal {_signal(-code)}" if code < 0 else f"ended with status {code}"
            raise ToolFailed(f"{self.name} {how}{_quoted(printed)}", printed, code)
        seconds = time.perf_counter() - began
        return Finished("", stderr, seconds, data) if binary else Finished(_text(data), stderr, seconds)


def dotted(version: Version) -> str:
    """Return a version as it is written."""
    return ".".join(map(str, version))


def _run(
    command: list[str],
    text: str | None,
    cwd: str | os.PathLike[str] | None,
    timeout: float | None,
    environment: dict[str, str],
) -> tuple[int | None, bytes, bytes]:
    """Return (exit status, stdout, stderr); the status is None at the time limit.

    At the limit, and on any exception, the process group is killed.
    """
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            cwd=cwd,
            env=environment,
            start_new_session=True,
        ) as process:
            code = None
            try:
                process.communicate(None if text is None else text.encode(), timeout)
                code = process.returncode
            except subprocess.TimeoutExpired:
                _kill(process)
            except BaseException:
                _kill(process)
                raise
        return code, _end(stdout, None), _end(stderr, MAX_ERRORS)


def _end(file: IO[bytes], most: int | None) -> bytes:
    """Return the last bytes of a file, or all."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0 if most is None else max(0, size - most))
    return file.read()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _text(printed: bytes) -> str:
    return printed.decode("utf-8", "replace").replace("\r\n", "\n")


def _signal(number: int) -> str:
    with contextlib.suppress(ValueError):
        return f"{number} ({signal.Signals(number).name})"
    return str(number)


def _quoted(printed: str) -> str:
    """Return the last lines; what would move a terminal's cursor is left out."""
    lines = [line.expandtabs().rstrip() for line in printed.splitlines() if line.strip()][-LAST_LINES:]
    plain = ["".join(letter if letter.isprintable() else "?" for letter in line[:MAX_LINE]) for line in lines]
    return "; it printed:\n  " + "\n  ".join(plain) if plain else " and printed nothing"
