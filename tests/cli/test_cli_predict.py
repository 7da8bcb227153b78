"""`lutsmith predict`, batch by batch: the files are those of one batch, and what is wrong far below leaves no file."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from lutsmith.circuit import Circuit
from lutsmith.circuit.file import save
from lutsmith.circuit.tabular import Schema
from lutsmith.cli.commands import predict
from lutsmith.data import read_samples, sample_batches
from tests.tools import module, needs

X = np.random.default_rng(0).integers(0, 17, (100, 64))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "_BATCH", 7)


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    np.save(tmp_path / "x.npy", X.astype(np.uint8))
    np.savez(tmp_path / "x.npz", X=X)
    np.savetxt(tmp_path / "x.csv", X, delimiter=",", fmt="%d")
    return {kind: tmp_path / f"x.{kind}" for kind in ("npy", "npz", "csv")}


@pytest.mark.parametrize("kind", ["npy", "npz", "csv"])
@pytest.mark.parametrize("method", ["predict", "decision_function", "outputs"])
def test_every_file_is_written_as_from_one_batch(
    lutsmith, model: Path, circuit: Circuit, inputs: dict[str, Path], tmp_path: Path, kind: str, method: str
) -> None:
    expected = getattr(circuit, method)(X)
    for ending in ("npy", "csv", "txt"):
        out = tmp_path / f"y.{ending}"
        result = lutsmith("predict", model, inputs[kind], "-o", out, "--method", method, "--json")
        assert json.loads(result.out)["samples"] == 100
        assert json.loads(result.out)["predict_seconds"] > 0
        if ending == "npy":
            written = np.load(out)
            assert written.dtype == expected.dtype
            assert np.array_equal(written, expected)
        else:
            words = [line.replace(",", " ").split() for line in out.read_text().splitlines()]
            rows = np.array(words[1:] if ending == "csv" else words, np.int64)
            assert np.array_equal(rows, expected.reshape(100, -1))
    assert lutsmith("predict", model, inputs[kind], "--method", method).out == (tmp_path / "y.txt").read_text()


@pytest.mark.parametrize("method", ["predict", "decision_function", "outputs"])
def test_parquet_is_read_and_written(lutsmith, model: Path, circuit: Circuit, tmp_path: Path, method: str) -> None:
    pa = module("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pa.table({f"x{n}": X[:, n] for n in range(64)}), tmp_path / "x.parquet", row_group_size=9)
    out = tmp_path / "y.parquet"
    assert lutsmith("predict", model, tmp_path / "x.parquet", "-o", out, "--method", method).code == 0
    table = parquet.read_table(out)
    assert np.array_equal(
        np.stack([column.to_numpy() for column in table.columns], 1), getattr(circuit, method)(X).reshape(100, -1)
    )
    assert table.column_names[0] == {"predict": "label", "decision_function": "0", "outputs": "output 0"}[method]


def test_parquet_holds_labels_as_they_are(lutsmith, make_circuit, tmp_path: Path) -> None:
    needs("pyarrow")
    from pyarrow import parquet

    for classes in (("yes", "no"), (1, 2), ("a", 2)):
        circuit = make_circuit((64,), classes)
        save(circuit, tmp_path / "m.lut")
        np.save(tmp_path / "x.npy", X)
        assert lutsmith("predict", tmp_path / "m.lut", tmp_path / "x.npy", "-o", tmp_path / "y.parquet").code == 0
        labels = [circuit.classes[index] for index in circuit.predict(X)]
        mixed = len({type(label) for label in classes}) > 1
        written = parquet.read_table(tmp_path / "y.parquet")["label"].to_pylist()
        assert written == ([str(label) for label in labels] if mixed else labels)


def test_without_pyarrow_parquet_says_what_to_install(
    lutsmith, model: Path, inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "find_spec", lambda name: None)
    for line in ((tmp_path / "x.parquet",), (inputs["npy"], "-o", tmp_path / "y.parquet")):
        outcome = lutsmith("predict", model, *line)
        assert (outcome.code, outcome.out) == (2, "")
        assert "pip install 'lutsmith[tables]'" in outcome.err


def test_a_wrong_method_is_refused(lutsmith, model: Path, inputs: dict[str, Path]) -> None:
    outcome = lutsmith("predict", model, inputs["npy"], "--method", "scores")
    assert outcome.code == 2
    assert "--method is 'scores', expected predict, decision_function, outputs" in outcome.err


@pytest.mark.parametrize("ending", ["npy", "csv", "txt", "parquet"])
def test_a_mistake_far_below_leaves_the_old_file(lutsmith, model: Path, tmp_path: Path, ending: str) -> None:
    if ending == "parquet":
        needs("pyarrow")
    lines = [",".join(map(str, row)) for row in X]
    (tmp_path / "x.csv").write_text("\n".join([*lines, lines[0] + ",7"]))
    (tmp_path / f"y.{ending}").write_text("before")
    before = sorted(tmp_path.iterdir())
    outcome = lutsmith("predict", model, tmp_path / "x.csv", "-o", tmp_path / f"y.{ending}")
    assert outcome.code == 2
    assert "line 101 has 65 fields, the first row has 64" in outcome.err
    assert (tmp_path / f"y.{ending}").read_text() == "before"
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("batch", [1, 3, 1000])
def test_tables_in_batches_are_the_whole_table(tmp_path: Path, header: bool, batch: int) -> None:
    rows = [["1", "red", "", "4"], ["5", " blue", "7", "?"], ["8", "green", "nan", "1e3"]] * 70
    with (tmp_path / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["a", "b", "c", "d"], *rows] if header else rows)
    categories = (None, ("blue", "red"), None, None)
    order = (2, 1, 0, 3) if header else range(4)
    schema = Schema(
        4, tuple("abcd"[place] for place in order) if header else None, tuple(categories[place] for place in order)
    )
    parts = list(sample_batches(tmp_path / "t.csv", batch, schema))
    assert max(map(len, parts)) <= batch
    whole = read_samples(tmp_path / "t.csv", schema)
    assert np.array_equal(np.concatenate(parts), whole, equal_nan=True)
    assert np.array_equal(whole[:3, 2 if header else 0], [1, 5, 8])


def test_the_label_column_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,kind,b\n1,x,2\n3,y,4\n")
    (batch,) = sample_batches(tmp_path / "t.csv", 10, Schema(2, label_name="kind"))
    assert batch.tolist() == [[1, 2], [3, 4]]
