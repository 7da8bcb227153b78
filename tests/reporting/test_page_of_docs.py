"""The examples of docs/reports.md run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import lutsmith
from lutsmith.hardware import verify
from lutsmith.reporting.sections import SECTIONS
from tests.reporting.examples import labelled, voting, write_run
from tests.tools import module

PAGE = (Path(__file__).parents[2] / "docs" / "reports.md").read_text("utf-8")


@pytest.mark.needs("matplotlib")
def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module("matplotlib").use("Agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lutsmith.hardware.verify", lambda circuit: verify(circuit, ("json",)))
    circuit = voting((5,), ("no", "yes"))
    x, y = labelled(circuit)
    Path("runs").mkdir()
    write_run(Path("runs/mnist"), circuit, [{"epoch": 1, "loss": 0.5, "hard": 0.7}])
    run = lutsmith.train(x, list(y), method="additive", max_luts=5, quiet=True)
    names = {"lutsmith": lutsmith, "circuit": circuit, "run": run, "X_test": x, "y_test": y}
    codes = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    assert len(codes) == 3
    for code in codes:
        exec(code, names)
    assert "read back" in Path("report.html").read_text("utf-8") or "json" in Path("report.html").read_text("utf-8")
    assert names["found"].ok
    module("matplotlib.pyplot").close("all")


def test_every_section_stands_on_the_page() -> None:
    rows = re.findall(r"^\| ([A-Z][^|]+) \| ", PAGE, re.M)
    assert len(rows) == len(SECTIONS)
