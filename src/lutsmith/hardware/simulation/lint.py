"""Verilog as Verilator's lint sees it."""

from __future__ import annotations

from collections.abc import Mapping

from lutsmith.hardware.tools.confinement import TOOL
from lutsmith.hardware.tools.toolchain import find, workspace
from lutsmith.logic.design import Design

_PASSED = ("DECLFILENAME", "UNUSEDSIGNAL", "UNUSEDPARAM")
"""What Verilator may warn of: modules in a file of another name, and what nothing reads."""


def lint(sources: Mapping[str, bytes], design: Design, timeout: float, *, confined: bool = False) -> None:
    """Let Verilator read Verilog with all its warnings, each of which is an error.

    Args:
        sources: the files.
        design: whose top module they have.
        timeout: seconds.
        confined: the files come from elsewhere: Verilator has no network, and limits.

    Raises:
        ToolMissing: Verilator is not there.
        ToolTimeout, ToolFailed: it is too slow, or complains.
    """
    tool = find("verilator")
    with workspace() as folder:
        names = [f"source{number}.v" for number in range(len(sources))]
        for name, data in zip(names, sources.values(), strict=True):
            (folder / name).write_bytes(data)
        passed = [f"-Wno-{warning}" for warning in _PASSED]
        options = ["--lint-only", "-Wall", *passed, "--top-module", design.name]
        tool.run([*options, *names], None, folder, timeout, TOOL if confined else None)
