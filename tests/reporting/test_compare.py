"""Two runs side by side: figures, rows by who is right, settings that differ, curves in one chart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import lutsmith
from lutsmith import reporting
from lutsmith.reporting.comparison import Comparison
from tests.reporting.examples import Page, labelled, voting, write_run

SMALL, LARGE = voting((5,), ("no", "yes"), luts=4), voting((5,), ("no", "yes"), luts=9)
X, Y = labelled(SMALL, 80)


@pytest.fixture
def found(tmp_path: Path) -> Comparison:
    steps = [{"epoch": n, "loss": 1 / n, "hard": 0.5 + n / 100} for n in (1, 2, 3)]
    one = write_run(tmp_path / "one", SMALL, steps)
    two = write_run(tmp_path / "two", LARGE, steps[:2], score=0.25)
    record = json.loads((two / "run.json").read_text())
    record["arguments"]["settings"] = {"epochs": 7, "extra": "<b>"}
    (two / "run.json").write_text(json.dumps(record))
    return lutsmith.compare(one, two, tmp_path / "c.html", X=X, y=Y)


def test_figures_of_both_and_their_differences(found: Comparison) -> None:
    figures = {name: rest for name, *rest in found.figures}
    assert found.names == ("one", "two")
    shares = [(circuit.predict_labels(X) == Y).mean() for circuit in (SMALL, LARGE)]
    assert figures["accuracy"] == [
        *(f"{100 * share:.2f} %" for share in shares),
        f"{100 * (shares[1] - shares[0]):+.2f} points",
    ]
    assert figures["LUTs"] == ["8", "18", "+10"]
    assert figures["depth"] == ["1", "1", "equal"]
    assert figures["score that the run recorded"] == ["50.00 %", "25.00 %", "-25.00 points"]
    assert found.notes == ()


def test_recorded_scores_of_other_rows_do_not_compare(tmp_path: Path) -> None:
    one = write_run(tmp_path / "one", SMALL, [], measured_on="test")
    two = write_run(tmp_path / "two", LARGE, [], measured_on="training")
    noted = [note for note in lutsmith.compare(one, two, X=X, y=Y).notes if "cannot be compared" in note]
    (note,) = noted
    assert "of test rows of data in memory and of training rows of data in memory" in note


def test_settings_that_differ_and_only_these(found: Comparison) -> None:
    assert found.settings == (
        ("settings.epochs", "3", "7"), ("settings.lr", "0.02", "–"), ("settings.extra", "–", "<b>"),
    )  # fmt: skip


def test_the_page_has_both_curves_in_one_chart_and_who_is_right(found: Comparison, tmp_path: Path) -> None:
    html = (tmp_path / "c.html").read_text("utf-8")
    assert html == found.page.html
    page = Page.of(html)
    assert page.all("section", "id") == ["numbers", "agreement", "curves", "settings"]
    assert [value.split()[-1] for value in page.all("path", "class")] == ["c0", "c1", "c0", "c1"]
    right = [circuit.predict_labels(X) == Y for circuit in (SMALL, LARGE)]
    assert f"only one is right{(right[0] & ~right[1]).sum()}" in page.text.replace("\n", "")


def test_rows_that_differ_and_runs_without_a_model_are_told(tmp_path: Path) -> None:
    unfinished = write_run(tmp_path / "open", None, [{"round": 1, "loss": 1.0}])
    found = reporting.compare(unfinished, SMALL)
    assert "open: not measured, because there is no model yet." in found.notes
    assert any(note.startswith("open: The run has not finished") for note in found.notes)
    assert {name: rest for name, *rest in found.figures}["LUTs"] == ["–", "8", "–"]
    assert "only open has recorded one" in found.page.html


def test_runs_of_other_steps_share_an_axis(tmp_path: Path) -> None:
    one = write_run(tmp_path / "one", SMALL, [{"epoch": n, "loss": 1.0} for n in range(1, 5)])
    two = write_run(tmp_path / "two", SMALL, [{"round": n, "loss": 1.0} for n in range(1, 100)])
    assert "percent of training" in reporting.compare(one, two).page.html
    assert "percent of training" not in reporting.compare(one, one).page.html


def test_equal_names_are_told_apart_and_nothing_differs() -> None:
    found = reporting.compare(SMALL, SMALL, X=X, y=Y)
    assert found.names == ("circuit (first)", "circuit (second)")
    assert found.settings == ()
    assert {name: rest[2] for name, *rest in found.figures}["LUTs"] == "equal"
    assert "None: all settings that are known are equal." in found.page.html
    assert json.dumps(found.to_json())


def test_numbers_to_regress_are_compared_by_r2() -> None:
    circuit = voting((5,), ("t",), objective="regression")
    y = circuit.predict(X) + np.random.default_rng(0).normal(size=len(X))
    found = reporting.compare(circuit, circuit, X=X, y=y)
    assert found.figures[0][0] == "R²"
    assert "agreement" not in Page.of(found.page.html).all("section", "id")
