"""What lacks a tool is skipped, fails where CI=true and the tool could be had, and is named at the end either way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lutsmith.hardware.tools import toolchain
from tests.tools import chromium, dispensable, module, needs, untested

FAILED, SKIPPED = pytest.fail.Exception, pytest.skip.Exception


@pytest.fixture
def nothing_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "_find", lambda name, environment: f"{name} is hidden")
    for name in ("pyarrow", "torchlogix"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize(("ci", "outcome"), [("", SKIPPED), ("true", FAILED)])
def test_without_chromium_pages_are_not_tested_and_ci_fails(
    ci: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(outcome, match="needs chromium: install it from your system's packages"):
        chromium()


@pytest.mark.parametrize(("apt", "code"), [("exit 1", 1), ('touch "$0.chromium"', 0)])
def test_ci_gets_chromium_from_the_system_or_ends_with_a_line(apt: str, code: int, tmp_path: Path) -> None:
    """With programs of its own in place of the system's."""
    for name, text in {"apt-get": apt, "make": "exit 0", "ghdl": "exit 0", "iverilog": "exit 0"}.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o755)
    for name in ("bash", "dirname", "env", "timeout", "touch"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / name).symlink_to(found)
    script = Path(__file__).parents[1] / ".ci" / "run"
    ran = subprocess.run(
        [tmp_path / "bash", script], env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == code, ran.stderr
    assert ("apt-get could not install it: install chromium" in ran.stderr) == (code == 1)
    assert (tmp_path / "apt-get.chromium").exists() == (code == 0)


@pytest.mark.parametrize("ci", ["", "true"])
@pytest.mark.parametrize(
    "name", ["yosys", "abc", "verilator", "node", "cc", "pyarrow", "torchlogix", "ghdl", "iverilog"]
)
def test_what_the_set_up_brings_must_be_there_in_ci(
    name: str, ci: str, nothing_here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    fails = ci == "true" and name not in ("ghdl", "iverilog")
    assert dispensable(name) is not fails
    with pytest.raises((FAILED, SKIPPED), match=f"needs {name}") as raised:
        needs("json", name)
    assert isinstance(raised.value, FAILED) is fails


def test_what_is_here_is_handed_out() -> None:
    assert module("json").dumps([1]) == "[1]"


def test_the_last_line_says_what_was_skipped_and_how_often(tmp_path: Path) -> None:
    assert untested([]) == ""
    reasons = ["Skipped: needs ghdl: hidden", "needs iverilog", "needs ghdl", "Skipped: needs node", "no fork here"]
    said = "VHDL in ghdl (2 tests), Verilog in Icarus (1 test), needs node (1 test), no fork here (1 test)"
    assert untested(reasons) == f"not tested here: {said}"

    for name in ("conftest.py", "tools.py", "__init__.py"):
        (tmp_path / "tests").mkdir(exist_ok=True)
        (tmp_path / "tests" / name).write_text((Path(__file__).parent / name).read_text())
    marked = "import pytest\n\n@pytest.mark.needs(%r)\ndef test_it(): pass\n"
    for name in ("hammer", "json"):
        (tmp_path / "tests" / f"test_{name}.py").write_text(marked % name)
    for ci, code in (("", 0), ("true", 1)):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "tests"]
        environment = {**os.environ, "CI": ci, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=200)
        assert done.returncode == code, done.stdout
        if not ci:
            assert done.stdout.splitlines()[-1].startswith("not tested here: needs hammer")
            assert "(1 test)" in done.stdout
        else:
            assert "needs hammer" in done.stdout
