"""The page about additive learning: its code runs as it stands there."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "additive.md"


def test_the_code_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(PAGE), "exec"), {})
    score, measured_on, luts = capsys.readouterr().out.split()
    assert float(score) > 0.9
    assert (measured_on, int(luts) <= 1000) == ("test", True)
    assert [path.name for path in tmp_path.iterdir()] == ["digits.lut"]


def test_the_example_runs(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    example = PAGE.parents[1] / "examples" / "additive.py"
    monkeypatch.setattr(sys, "argv", [str(example), "--luts", "100"])
    runpy.run_path(str(example), run_name="__main__")
    said = capsys.readouterr().out
    assert "sweep 1" in said
    assert "predicts the same" in said
