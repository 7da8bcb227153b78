"""Tools: where they are found, how they are run, what is said when they are missing or fail."""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path

import pytest

from lutsmith.hardware import Tool, ToolFailed, ToolMissing, ToolTimeout
from lutsmith.hardware.tools import toolchain

PYTHON = Tool("python", (sys.executable,), (3,), sys.executable)


def program(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH that is one empty folder."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_a_missing_tool_says_how_to_install_it(path: Path) -> None:
    with pytest.raises(ToolMissing, match=r"iverilog is needed and not there: .* Install it: apt install iverilog"):
        toolchain.find("iverilog")
    assert not toolchain.available("iverilog")


def test_a_missing_wheel_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "find_spec", lambda name: None)
    with pytest.raises(ToolMissing, match=r"pip install 'lutsmith\[hardware\]'"):
        toolchain.find("abc")


def test_a_program_on_path_is_found_with_its_version(path: Path) -> None:
    made = program(path, "ghdl", "echo GHDL 4.1.0 something")
    tool = toolchain.find("ghdl")
    assert (tool.argv, tool.version, tool.source) == ((str(made),), (4, 1, 0), str(made))
    assert str(tool) == f"ghdl 4.1.0 ({made})"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("echo GHDL 0.35", "is version 0.35, older than 1"),
        ("echo hello", "does not say its version in 'hello'"),
        ("exit 3", "ghdl ended with status 3"),
    ],
)
def test_an_old_or_broken_program_is_not_taken(path: Path, text: str, message: str) -> None:
    program(path, "ghdl", text)
    with pytest.raises(ToolMissing, match=message):
        toolchain.find("ghdl")


def test_the_variable_cc_names_the_compiler_and_its_options(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = program(path, "mycc", "echo mycc 9.9")
    program(path, "cc", "echo cc 1.1")
    monkeypatch.setenv("CC", "mycc -m32")
    assert toolchain.find("cc").argv == (str(made), "-m32")
    monkeypatch.setenv("CC", "nosuchcc")
    with pytest.raises(ToolMissing, match="CC names 'nosuchcc', which is not on PATH"):
        toolchain.find("cc")


def test_an_unknown_name_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="the tool is 'hammer'; expected one of yosys, abc"):
        toolchain.find("hammer")


def test_a_run_gives_what_was_printed(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd()); print(sys.stdin.read(), file=sys.stderr)"
    finished = PYTHON.run(["-c", code], input="héllo", cwd=tmp_path, timeout=60)
    assert finished.stdout.strip() == os.path.realpath(tmp_path)
    assert finished.stderr.strip() == "héllo"


def test_a_failure_quotes_the_last_lines() -> None:
    with pytest.raises(ToolFailed, match=r"python ended with status 3; it printed:\n  line 38\n") as caught:
        PYTHON.run(["-c", "import sys; [print('line', i) for i in range(50)]; sys.exit(3)"])
    assert caught.value.returncode == 3
    assert "line 0\n" in caught.value.output


def test_a_crash_and_a_program_that_is_not_there_are_failures() -> None:
    with pytest.raises(ToolFailed, match="python was ended by signal 6"):
        PYTHON.run(["-c", "import os; os.abort()"])
    with pytest.raises(ToolFailed, match="cannot start ghost"):
        Tool("ghost", ("/nonexistent/ghost",), (1,), "/nonexistent/ghost").run()


def test_a_time_limit_kills_children_too(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    child = f"import os, time; print(os.getpid(), file=open({str(mark)!r}, 'w'), flush=True); time.sleep(60)"
    code = f"import subprocess, sys; print('begun', flush=True); subprocess.run([sys.executable, '-c', {child!r}])"
    for limit in (0.6, 6, 30):  # until the child has begun: a busy machine is slow
        began = time.perf_counter()
        with pytest.raises(ToolTimeout, match=rf"python was stopped at its time limit of {limit} s"):
            PYTHON.run(["-c", code], timeout=limit)
        assert time.perf_counter() - began < limit + 25
        if mark.exists() and mark.read_text().endswith("\n"):
            break
    process = Path("/proc") / mark.read_text().strip()
    for _ in range(200):
        if not process.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"process {process.name} lives on")


def test_temporary_files_of_a_tool_go_with_its_folder(tmp_path: Path) -> None:
    code = "import os, tempfile; handle, path = tempfile.mkstemp(); print(path); os.kill(os.getpid(), 9)"
    with pytest.raises(ToolFailed, match="signal 9"):
        PYTHON.run(["-c", code], cwd=tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_workspace_is_gone_after_an_error() -> None:
    folders = []

    def broken() -> None:
        with toolchain.workspace() as folder:
            folders.append(folder)
            (folder / "file").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert not folders[0].exists()


@pytest.mark.needs("yosys")
def test_yosys_takes_commands_and_scripts_and_its_errors_are_failures(tmp_path: Path) -> None:
    yosys = toolchain.find("yosys")
    (tmp_path / "a.blif").write_text(".model m\n.inputs a\n.outputs y\n.names a y\n0 1\n.end\n")
    (tmp_path / "b.ys").write_text("opt_clean\nwrite_verilog b.v\n")
    yosys.run(["-q", "-p", "read_blif a.blif; rename m n", "-s", "b.ys"], cwd=tmp_path, timeout=120)
    assert "module n(" in (tmp_path / "b.v").read_text()
    with pytest.raises(ToolFailed, match=r"yosys ended with status 1; it printed:\n[^$]*ERROR"):
        yosys.run(["-q", "-p", "read_blif missing.blif"], cwd=tmp_path, timeout=120)
