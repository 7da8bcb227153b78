"""Bad input of reports: each mistake is one line that says what is wrong, or a page that says what is left out."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import lutsmith
from lutsmith import reporting
from lutsmith.circuit.file import ModelFileError
from lutsmith.cli import app
from lutsmith.data import MissingDataError
from tests.reporting.examples import Page, labelled, voting, write_run

CIRCUIT = voting((4,), ("no", "yes"))
X, Y = labelled(CIRCUIT, 60)


def test_sources_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    lutsmith.save(CIRCUIT, tmp_path / "other" / "mine.lut")
    (tmp_path / "text.lut").write_text("no model")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "run.json").write_text("{")
    for source, kind, said in (
        (tmp_path / "nowhere", FileNotFoundError, "does not exist; expected the folder of a run, or a model file"),
        (tmp_path / "empty", ValueError, "holds neither run.json of a run nor model.lut"),
        (tmp_path / "other", ValueError, "it holds mine.lut: give one of these files"),
        (tmp_path / "text.lut", ModelFileError, "text.lut"),
        (tmp_path / "bad", ValueError, "is not the record of a run"),
        (7, TypeError, "source is a int; expected the folder of a run, a model file, a Circuit or a Run"),
    ):
        with pytest.raises(kind, match=said):
            reporting.report(source)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"X": X}, "y is missing"),
        ({"y": Y}, "X is missing"),
        ({"X": X, "y": Y, "task": "digits"}, "leave out data and task"),
        ({"X": X[:0], "y": Y[:0]}, "no rows"),
        ({"X": X, "y": Y[:-1]}, "60 rows and y 59"),
        ({"X": X, "y": np.full(60, "maybe")}, "y holds maybe; expected labels of the circuit: no, yes"),
        ({"X": X, "y": np.zeros((60, 2))}, r"y has shape \(60, 2\)"),
        ({"X": X[:, :3], "y": Y}, "expected"),
        ({"task": "mist"}, "task is 'mist'"),
        ({"data": "nowhere.csv", "task": "csv"}, "nowhere.csv"),
    ],
)
def test_rows_that_do_not_fit(rows: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        reporting.report(CIRCUIT, **rows)


def test_data_that_were_asked_for_and_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LUTSMITH_DATA", raising=False)
    with pytest.raises(MissingDataError):
        reporting.report(voting((784,), tuple(range(10))), task="mnist")


def test_a_run_that_is_still_training_is_told_as_such(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", None, [{"epoch": 1, "loss": 0.5, "hard": 0.8, "soft": None, "gap": None}])
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 2, "lo')  # being written
    page = Page.of(reporting.report(folder).html)
    assert "The run has not finished: it is still training, or was stopped, after 1 recorded step." in page.text
    assert page.all("section", "id") == ["curves", "classes", "calibration", "mistakes", "proof", "origin"]
    assert "No confusion matrix and no scores by class: there is no model yet." in page.text
    assert "cannot be read" not in page.text
    (folder / "metrics.jsonl").unlink()
    assert "The folder has no metrics.jsonl" in reporting.report(folder).html


def test_damaged_lines_and_losses_that_are_not_finite_are_told(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", CIRCUIT, [])
    losses = ("1.5", "NaN", "Infinity", '"much"', "9" * 400)
    lines = [*(f'{{"epoch": {place}, "loss": {loss}}}' for place, loss in enumerate(losses)), "not json", "[1]"]
    (folder / "metrics.jsonl").write_bytes(
        "\n".join([*lines, '{"epoch": 7, "loss": 1}', "\udcff"]).encode("utf-8", "surrogateescape") + b"\n"
    )
    page = Page.of(reporting.report(folder).html)
    assert "3 of 9 lines of metrics.jsonl cannot be read and are left out." in page.text
    assert "The loss is not a finite number in 2 steps" in page.text
    assert "No scores were recorded: training had no validation rows." in page.text


def test_a_record_of_another_circuit_is_not_believed(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", CIRCUIT, [], luts=999_999, score=0.987654)
    page = Page.of(reporting.report(folder).html)
    assert "run.json describes another circuit than the one in model.lut" in page.text
    assert "98.77" not in page.text
    (folder / "model.lut").unlink()
    assert "The run has finished, and its model.lut is gone." in reporting.report(folder).html


def test_one_row_one_class_and_rows_without_mistakes() -> None:
    one = voting((4,), ("only",))
    page = Page.of(reporting.report(one, X=X, y=["only"] * 60).html)
    assert "at least two classes" in page.text
    assert "There are none: all 60 rows are right." in page.text
    page = Page.of(reporting.report(CIRCUIT, X=X[:1], y=Y[:1]).html)
    assert "1 row: the rows that were handed in" in page.text
    same = np.array(["no"] * 60)
    assert "No calibration" in reporting.report(CIRCUIT, X=X, y=same).html
    assert "1 of 2 classes have no rows here" in reporting.report(CIRCUIT, X=X, y=same).html


def test_many_classes_have_no_matrix_and_short_tables() -> None:
    circuit = voting((6,), tuple(f"class {place}" for place in range(3000)), luts=1)
    x, y = labelled(circuit, 200, wrong=0.9)
    html = reporting.report(circuit, X=x, y=y).html
    assert "Confusion matrix" not in html
    assert "3,000 classes are too many for a matrix" in html
    assert len(html) < 300_000


def test_missing_values_everywhere() -> None:
    x = np.full((60, 4), np.nan, np.float32)
    page = Page.of(reporting.report(CIRCUIT, X=x, y=np.array(["no", "yes"] * 30)).html)
    assert "missing" in page.text
    images = voting((4, 4), ("no", "yes"))
    assert reporting.report(images, X=np.full((30, 16), np.nan), y=["no", "yes"] * 15)


def test_files_are_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.html"
    path.write_text("before")
    reporting.report(CIRCUIT, path)
    written = path.read_bytes()
    assert written.startswith(b"<!DOCTYPE html>")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        reporting.report(CIRCUIT, tmp_path / "no" / "r.html")
    with pytest.raises(IsADirectoryError):
        reporting.report(CIRCUIT, tmp_path)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="bytes are needed"):
        reporting.report(CIRCUIT, path, title="other")
    assert path.read_bytes() == written
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.html"]


def test_an_alus_record_that_says_nonsense_is_survived(tmp_path: Path) -> None:
    from lutsmith.alu.device import LearnedALU
    from lutsmith.cells import TEXTBOOK

    lutsmith.save(LearnedALU.of({"+": TEXTBOOK["+"]}, 3).circuit, tmp_path / "model.lut")
    for learned in ("x", [1, {"operation": "<b>"}, {"operation": "+", "proof": 3}], None, {"a": 1}):
        (tmp_path / "report.json").write_text(json.dumps({"task": "alu", "learned": learned, "bits": "many"}))
        assert "<b>" not in reporting.report(tmp_path).html
    (tmp_path / "report.json").write_text("{" * 100_000)
    assert "Operations" in reporting.report(tmp_path).html


def test_a_model_of_the_same_size_from_elsewhere_is_not_the_run_s(tmp_path: Path) -> None:
    run = lutsmith.train(X, list(Y), method="additive", max_luts=5, quiet=True, out=tmp_path / "run")
    noted = "run.json describes another circuit than the one in model.lut"
    assert noted not in reporting.report(tmp_path / "run").html
    netlist = run.circuit.netlist
    other = replace(run.circuit, netlist=replace(netlist, outputs=netlist.outputs[::-1]))
    lutsmith.save(other, tmp_path / "run" / "model.lut")
    assert noted in reporting.report(tmp_path / "run").html
    assert "network to circuit | not established" in reporting.card(tmp_path / "run")


def test_numbers_of_a_record_beyond_float64_are_shown_as_they_are(tmp_path: Path) -> None:
    large = 10**400
    run = write_run(tmp_path / "run", CIRCUIT, [{"epoch": 1, "loss": large}], score=large, train_seconds=large)
    other = write_run(tmp_path / "other", CIRCUIT, [])
    assert str(large)[:20] not in reporting.card(run).split("---", 2)[1]
    assert reporting.report(run).html
    assert "training, seconds" in {row[0] for row in lutsmith.compare(run, other).figures}


@pytest.mark.parametrize("name", ["run.json", "model.lut", "metrics.jsonl"])
@pytest.mark.parametrize("command", [["report"], ["compare"], ["card", "--overwrite"]], ids=lambda args: args[0])
def test_no_output_replaces_a_file_of_the_run_that_it_is_about(tmp_path: Path, command: list[str], name: str) -> None:
    run = write_run(tmp_path / "run", CIRCUIT, [{"epoch": 1}])
    for source in (run, run / "model.lut"):
        before = (run / name).read_bytes()
        more = [str(source)] if command == ["compare"] else []
        answer = CliRunner().invoke(app, [*command, str(source), *more, "-o", str(run / name)])
        assert answer.exit_code != 0
        assert "give OUT another name" in str(answer.exception)
        assert (run / name).read_bytes() == before


def test_a_model_beside_others_that_is_no_run_s_may_be_replaced(tmp_path: Path) -> None:
    for name in ("first.lut", "model.lut"):
        lutsmith.save(CIRCUIT, tmp_path / name)
    answer = CliRunner().invoke(app, ["merge", *[str(tmp_path / "first.lut")] * 2, "-o", str(tmp_path / "model.lut")])
    assert answer.exit_code == 0, answer.exception


def test_a_verification_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="verification"):
        reporting.report(CIRCUIT, verification=True)  # type: ignore[arg-type]
