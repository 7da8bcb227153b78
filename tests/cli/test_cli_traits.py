"""Commands with models that have words, missing values, integers, several heads, places, state or parts."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lutsmith.circuit import Circuit, Metadata, OutOfRangeWarning, load, save
from lutsmith.circuit.traits import TRAITS
from lutsmith.cli.commands import bench, predict
from tests.circuit.examples import random_rich_circuit, random_rich_rows
from tests.tools import module

pytestmark = pytest.mark.filterwarnings("ignore", category=OutOfRangeWarning)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "_BATCH", 3)
    monkeypatch.setattr(bench, "_SECONDS", 0.001)
    monkeypatch.setattr(bench, "_BATCHES", (1, 9))


def written(folder: Path, circuit: Circuit) -> tuple[Path, Path, np.ndarray]:
    rows = random_rich_rows(0, circuit, 8)
    save(circuit, folder / "m.lut")
    np.save(folder / "x.npy", rows)
    return folder / "m.lut", folder / "x.npy", rows


def flat(answer: Any, name: str = "") -> dict[str, np.ndarray]:
    """The arrays of an answer by the names that columns begin with, in order."""
    if not isinstance(answer, dict):
        return {name: answer}
    return {key: array for own in answer for key, array in flat(answer[own], f"{name} {own}".strip()).items()}


@pytest.mark.parametrize("traits", [*([trait] for trait in TRAITS), TRAITS], ids=[*TRAITS, "all"])
@pytest.mark.parametrize("method", ["predict", "decision_function", "outputs"])
def test_columns_are_the_answers(lutsmith, tmp_path: Path, traits: list[str], method: str) -> None:
    circuit = random_rich_circuit(3, traits)
    model, samples, rows = written(tmp_path, circuit)
    out = tmp_path / "y.csv"
    result = lutsmith("predict", model, samples, "-o", out, "--method", method)
    if method == "decision_function" and traits == ["integers"]:
        assert "needs scores, and this circuit gives integers: use predict()" in result.err
        assert not out.exists()
        return
    assert result.code == 0, result.err
    header, *cells = list(csv.reader(out.open(newline="")))
    parts = flat(getattr(circuit, "predict_labels" if method == "predict" and circuit.is_classifier else method)(rows))
    expected = [part.astype(int) if part.dtype == bool else part for part in parts.values()]
    if "several heads" in traits and method == "predict":
        assert circuit.head is not None
        classes = [circuit.head[name.partition(" ")[0]].classes for name in parts]  # type: ignore[index]
        expected = [
            array if labels is None or circuit.head[name.partition(" ")[0]].objective not in (None, "classification")  # type: ignore[index]
            else np.array(labels)[array]
            for name, array, labels in zip(parts, expected, classes, strict=True)
        ]  # fmt: skip
    table = np.concatenate([array.reshape(8, -1).astype(object) for array in expected], axis=1)
    assert cells == [[str(value) if isinstance(value, str) else repr(value) for value in row] for row in table.tolist()]
    assert len(set(header)) == len(header) == table.shape[1]
    if "places" in traits and method != "outputs":
        assert all(name.endswith("]") for name in header)
    if "several heads" in traits and method != "outputs":
        assert [name for name in parts if name] == list(dict.fromkeys(next(
            name for name in parts if column.startswith(name)) for column in header))  # fmt: skip
    stdout = lutsmith("predict", model, samples, "--method", method).out
    assert stdout == "".join(f"{' '.join(row)}\n" for row in cells)
    module("pyarrow")
    from pyarrow import parquet

    assert lutsmith("predict", model, samples, "-o", tmp_path / "y.parquet", "--method", method).code == 0
    read = parquet.read_table(tmp_path / "y.parquet")
    assert read.column_names == header
    assert [[str(value) for value in row.values()] for row in read.to_pylist()] == cells


def test_arrays_go_into_npy_and_what_it_does_not_hold_is_refused(lutsmith, tmp_path: Path) -> None:
    circuit = random_rich_circuit(3, ["places"])
    model, samples, rows = written(tmp_path, circuit)
    assert lutsmith("predict", model, samples, "-o", tmp_path / "y.npy").code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), circuit.predict(rows))
    for traits, seed, message in (
        (["several heads"], 3, "the model says 2 arrays, and .npy holds one: give -o a name in .csv or .parquet"),
        (["integers"], long_seed(), "integers of more than 64 bits have no type in .npy"),
    ):
        model, samples, _ = written(tmp_path, random_rich_circuit(seed, traits))
        result = lutsmith("predict", model, samples, "-o", tmp_path / "z.npy")
        assert result.code == 2
        assert message in result.err
        assert not (tmp_path / "z.npy").exists()


def long_seed() -> int:
    """A circuit of one integer above 64 bits."""
    return next(
        seed
        for seed in range(100)
        if [word.bits > 64 for word in random_rich_circuit(seed, ["integers"]).head.words] == [True]  # type: ignore[union-attr]
    )


def test_text_that_float32_does_not_hold_is_refused(lutsmith, tmp_path: Path) -> None:
    model, _, rows = written(tmp_path, random_rich_circuit(3, ["long words"]))
    np.savetxt(tmp_path / "x.csv", np.nan_to_num(rows, posinf=0, neginf=0), delimiter=",")
    result = lutsmith("predict", model, tmp_path / "x.csv")
    assert result.code == 2
    assert "words of more than 24 bits, and tables are read as float32" in result.err


@pytest.mark.parametrize("traits", [*([trait] for trait in TRAITS), TRAITS], ids=[*TRAITS, "all"])
def test_every_other_command_says_something_right(lutsmith, tmp_path: Path, traits: list[str]) -> None:
    circuit = random_rich_circuit(3, traits)
    model, _, rows = written(tmp_path, circuit)
    told = json.loads(lutsmith("info", model, "--json").out)
    assert told["outputs"] == circuit.netlist.outputs.size
    page = lutsmith("info", model).out
    for trait, text in (
        ("words", "bits of words"), ("missing values", "missing value"), ("integers", "signed,"),
        ("several heads", "several on"), ("places", "at each of"), ("registers", "registers"), ("parts", "cell ("),
    ):  # fmt: skip
        assert (text in page) == (trait in traits or (trait == "words" and "long words" in traits)), trait
    if "several heads" in traits:
        assert set(told["heads"]) == set(circuit.head)  # type: ignore[arg-type]
    assert len(json.loads(lutsmith("bench", model, "--json").out)["rows"]) >= 2
    assert lutsmith("simplify", model, "-o", tmp_path / "s.lut").code == 0
    np.testing.assert_array_equal(load(tmp_path / "s.lut").outputs(rows), circuit.outputs(rows))
    save(replace(circuit, metadata=Metadata.from_json({"task": "digits"})), model)
    result = lutsmith("eval", model)
    assert result.code == 2
    if {"integers", "several heads", "places"} & set(traits):
        assert "which an accuracy of classes does not take: compare its predict() with what is true" in result.err
