"""Programs of ours find what this process finds, and run nothing that lies in the current folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lutsmith.ground.programs import python_environment
from lutsmith.kernels.training.ahead import Helper


def test_entries_that_cannot_be_handed_on_are_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    odd = [tmp_path, "", f"a{os.pathsep}b", None, str(tmp_path)]
    monkeypatch.setattr(sys, "path", [*odd, *sys.path])
    found = python_environment(MORE="1")
    assert found["MORE"] == "1"
    assert found["PYTHONPATH"].split(os.pathsep)[0] == str(tmp_path)
    done = subprocess.run([sys.executable, "-c", "import lutsmith"], env=found, check=False)
    assert done.returncode == 0


def test_a_file_in_the_current_folder_is_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("numpy", "numba", "lutsmith"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    helper = Helper([("finish", 0, "float32")])  # cached, or made in a moment
    helper.wait(("finish", 0, "float32"))
    assert helper.process.wait(60) == 0
    assert not (tmp_path / "ran").exists()
