"""`lutsmith report` and `lutsmith compare`: what they write and print, and mistakes in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lutsmith.circuit import Circuit
from lutsmith.circuit.file import save
from lutsmith.data import load
from tests.reporting.examples import Page


def test_report_writes_one_page_of_the_models_test_rows(
    lutsmith, model: Path, circuit: Circuit, tmp_path: Path
) -> None:
    out = tmp_path / "r.html"
    outcome = lutsmith("report", model, "-o", out, "--title", "<mine>", "--json")
    assert outcome.code == 0, outcome.err
    result = json.loads(outcome.out)
    assert result == {"output": str(out), "bytes": out.stat().st_size, "title": "<mine>"}
    page = Page.of(out.read_text("utf-8"))
    digits = load("digits")
    right = (circuit.predict(digits.x_test) == digits.y_test).mean()
    assert f"{100 * right:.2f} %" in page.text
    assert "<mine>" in page.text
    again = lutsmith("report", model, "-o", out)
    assert again.code == 0
    assert f"{out} written" in again.out.replace("\n", "")


def test_compare_prints_a_table_and_writes_a_page(lutsmith, model: Path, make_circuit, tmp_path: Path) -> None:
    save(make_circuit((64,), tuple(range(10)), task="digits", seed=7), tmp_path / "[red]b.lut")
    outcome = lutsmith("compare", model, tmp_path / "[red]b.lut", "-o", tmp_path / "c.html")
    assert outcome.code == 0, outcome.err
    assert "second minus first" in outcome.out
    assert "[red]b.lut" in outcome.out
    assert "seed" in outcome.out
    assert Page.of((tmp_path / "c.html").read_text("utf-8")).all("section", "id")[0] == "numbers"
    told = json.loads(lutsmith("compare", model, model, "--json").out)
    assert told["output"] is None
    assert told["settings"] == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("report nowhere -o r.html", "nowhere does not exist; expected the folder of a run, or a model file"),
        ("report . -o r.html", "nor model.lut; it holds m.lut, other.lut: give one of these files"),
        ("report m.lut -o m.lut", "m.lut is read by this command; give OUT another name"),
        ("report m.lut -o no/r.html", "there is no folder no; create it first"),
        ("report m.lut -o .", "is a folder; give OUT the name of a file in it"),
        ("report m.lut -o r.html --task mist", "--task is 'mist'"),
        ("report m.lut", "Missing option"),
        ("compare m.lut", "Missing argument 'B'"),
        ("compare m.lut nowhere", "nowhere does not exist"),
        ("compare m.lut other.lut -o other.lut", "is read by this command"),
    ],
)
def test_mistakes_are_one_line(
    lutsmith, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("m.lut", "other.lut"):
        (tmp_path / name).write_bytes(model.read_bytes())
    outcome = lutsmith(*line.split())
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert said in outcome.err
    assert not (tmp_path / "r.html").exists()
