"""Model cards: the head is YAML, the body Markdown, and names are texts in both."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from markdown_it import MarkdownIt
from typer.testing import CliRunner

import lutsmith
from lutsmith.circuit.metadata import Accuracy, Training
from lutsmith.cli import app
from lutsmith.export import to_page
from lutsmith.reporting import card
from lutsmith.sklearn import LUTClassifier
from tests.estimators.data import people
from tests.reporting.examples import HOSTILE, Page, voting, write_run

TAGS = {"h1", "h2", "p", "pre", "code", "table", "thead", "tbody", "tr", "th", "td"}


def read(text: str) -> tuple[dict[str, Any], Page, str]:
    """The head, the body as HTML, and the body."""
    _, head, body = text.split("---\n", 2)
    return yaml.safe_load(head), Page.of(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(body)), body


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("card") / "people.lut"
    LUTClassifier(max_luts=30, random_state=0).fit(*people()).save(path)
    return path


def test_a_card_says_what_the_file_tells(model: Path) -> None:
    head, page, body = read(card(model, name="People", license="apache-2.0"))
    circuit = lutsmith.load(model)
    assert head["license"] == "apache-2.0"
    assert head["library_name"] == "lutsmith"
    assert head["pipeline_tag"] == "tabular-classification"
    (result,) = head["model-index"][0]["results"]
    accuracy = circuit.metadata.accuracy
    assert accuracy is not None
    assert result["metrics"][0]["value"] == pytest.approx(accuracy.value)
    assert "cross-validation" in result["metrics"][0]["name"]
    assert {tag for tag, _ in page.tree} <= TAGS
    for told in ("| age | a number |", "city", "Bern", "no, yes"):
        assert told in body
    assert "network to circuit | checked" in body or "not established" in body


def test_a_card_tells_the_version_that_trained_and_claims_no_arithmetic() -> None:
    circuit = voting((4,), ("number",), objective="regression", training=Training(lutsmith="0.0.1"))
    text = card(circuit)
    assert "trained with lutsmith 0.0.1:" in text
    assert "no multiplications" not in text  # a number is a scale times a score
    assert "trained with" not in card(voting((4,), ("a", "b")))


def test_the_code_of_a_card_runs(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model.parent)
    code = re.findall(r"```python\n(.*?)```", card(model), re.DOTALL)[0]
    told: dict[str, Any] = {"X": people()[0][:5]}
    exec(code, told)
    assert len(told["circuit"].predict_labels(told["X"])) == 5


def test_hostile_names_are_texts() -> None:
    names = (*HOSTILE[:18], "http://example.org", "www.example.org", "a@example.org", "_a_ __b__ `c` | d ~~e~~")
    circuit = voting((len(names),), names, luts=3, feature_names=names)
    for name in names:
        head, page, _ = read(card(circuit, name=name or "x", license=name or None))
        assert {tag for tag, _ in page.tree} <= TAGS, name
        assert head["model-index"][0]["name"]
        assert set(head) <= {"license", "library_name", "tags", "pipeline_tag", "model-index"}
        assert not re.search(r"://|www\.|[a-z]@[a-z]", card(circuit).split("---\n", 2)[2].replace("&#58;//", ""))


def test_a_run_tells_more_and_without_a_model_there_is_no_card(tmp_path: Path) -> None:
    circuit = voting((4,), ("a", "b"), luts=3)
    run = write_run(tmp_path / "run", circuit, [], score=0.75, measured_on="test", method="additive", checked_rows=9)
    head, _, body = read(card(run))
    assert head["model-index"][0]["results"][0]["metrics"][0]["value"] == 0.75
    assert "| test rows |" in body
    with pytest.raises(ValueError, match="not finished"):
        card(write_run(tmp_path / "begun", None, []))
    with pytest.raises(FileNotFoundError):
        card(tmp_path / "nothing")


def test_what_is_beside_the_model_stays(model: Path) -> None:
    runner = CliRunner()
    first = runner.invoke(app, ["card", str(model)])
    assert first.exit_code == 0, first.output
    readme = model.parent / "README.md"
    assert readme.read_text().startswith("---\nlibrary_name")
    readme.write_text("mine")
    again = runner.invoke(app, ["card", str(model)])
    assert again.exit_code != 0
    assert readme.read_text() == "mine"
    assert runner.invoke(app, ["card", str(model), "--overwrite"]).exit_code == 0
    assert readme.read_text().startswith("---\n")
    with pytest.raises(TypeError, match="expected the folder of a run"):
        card(np.zeros(3))


@pytest.mark.parametrize("value", [42.0, -0.1])
def test_an_accuracy_that_cannot_be_is_not_told(value: float) -> None:
    circuit = voting((4,), ("a", "b"), luts=3)
    told = replace(circuit, metadata=replace(circuit.metadata, accuracy=Accuracy(value, measured_on="test")))
    assert "Nothing is recorded" in card(told)
    assert f"{100 * value:.2f}" not in lutsmith.report(told).html
    assert '"accuracy": null' in re.sub(r'"accuracy":\s*', '"accuracy": ', to_page(told))
    right = replace(circuit, metadata=replace(circuit.metadata, accuracy=Accuracy(0.5, measured_on="test")))
    assert "50.00 %" in card(right)
