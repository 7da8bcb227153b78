"""Folders of Parquet files: one table, whatever the files are, held where it is small and streamed where it is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lutsmith
from lutsmith.circuit.file import to_bytes
from lutsmith.cli import run as command
from lutsmith.data import DataError, MissingDataError, load
from lutsmith.data.large import source
from lutsmith.data.large.parquet import ParquetFolder
from tests.tools import module, needs

needs("pyarrow", "narwhals")
pa, parquet = module("pyarrow"), module("pyarrow.parquet")

SMALL: dict[str, Any] = {
    "luts": (60, 24), "rank": 4, "bits": 2, "epochs": 3, "settings": {"batch_size": 64}, "quiet": True,
}  # fmt: skip


def table(rows: int, seed: int = 0) -> Any:
    random = np.random.default_rng(seed)
    size, colour = random.normal(50, 20, rows), random.choice(["red", "green", "blue"], rows)
    size[random.random(rows) < 0.05] = np.nan
    big = (np.nan_to_num(size) > 50) ^ (colour == "red")
    return pa.table(
        {"size": size, " colour": colour, "n": random.integers(0, 9, rows), "kind": np.where(big, "y", "n")}
    )


def write(folder: Path, whole: Any, cuts: list[int], group: int = 70) -> Path:
    """A table as files of so many rows, in two folders."""
    start = 0
    for number, stop in enumerate([*cuts, len(whole)]):
        path = folder / f"part={number % 2}" / f"{number:03}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(whole.slice(start, stop - start), path, row_group_size=group)
        start = stop
    (folder / "_SUCCESS").touch()
    (folder / "_metadata.parquet").write_text("not a table")
    return folder


def in_order(folder: Path) -> Any:
    """All rows in the order of the files' names."""
    files = sorted(path for path in folder.rglob("*.parquet") if not path.name.startswith("_"))
    return pa.concat_tables([parquet.ParquetFile(path).read() for path in files])


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "SAMPLE_ROWS", 300)


def test_a_small_folder_is_the_table_of_its_files(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", table(400), [90, 90, 250])
    parquet.write_table(in_order(folder), tmp_path / "whole.parquet")
    one, other = load("table", folder, "kind"), load("table", tmp_path / "whole.parquet", "kind")
    assert one.stream is None
    assert np.array_equal(one.x_train, other.x_train, equal_nan=True)
    assert np.array_equal(one.y_train, other.y_train)
    assert (one.schema, one.classes, one.name) == (other.schema, other.classes, "in")
    assert to_bytes(lutsmith.train(folder, target="kind", max_luts=20, quiet=True).circuit)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 500), max_size=5).map(sorted), st.integers(1, 200), st.integers(301, 500))
def test_blocks_hold_each_row_as_the_table_reads_it(
    few: None, tmp_path_factory: pytest.TempPathFactory, cuts: list[int], group: int, rows: int
) -> None:
    folder = write(tmp_path_factory.mktemp("in"), table(rows), [min(cut, rows) for cut in cuts], group)
    dataset = load("table", folder, "kind")
    assert dataset.stream is not None
    found = dataset.stream.source
    assert len(found) == rows
    x, y = (np.concatenate(parts) for parts in zip(*map(found.block, range(len(found.sizes))), strict=True))
    whole = in_order(folder)
    assert np.array_equal(x[:, 0], whole["size"].to_numpy().astype(np.float32), equal_nan=True)
    names = dataset.category_names[dataset.categorical.index(1)]
    assert [names[int(code)] for code in x[:, 1]] == whole[" colour"].to_pylist()
    assert [dataset.classes[label] for label in y] == whole["kind"].to_pylist()
    assert np.array_equal(dataset.x_train, x[dataset.stream.sample], equal_nan=True)
    assert np.array_equal(dataset.y_train, y[dataset.stream.sample])
    assert len(dataset.x_train) == 300


def test_a_large_folder_trains_by_gradients_and_goes_on_bit_for_bit(few: None, tmp_path: Path) -> None:
    folder = write(tmp_path / "in", table(1500), [200, 900])
    run = lutsmith.train(folder, target="kind", out=tmp_path / "run", **{**SMALL, "epochs": 12})
    assert (run.method, run.lowering, run.measured_on) == ("gradients", "proved", "held-out")
    assert run.accuracy > 0.7
    again = lutsmith.train("table", data=folder, target="kind", out=tmp_path / "again", **{**SMALL, "epochs": 12})
    assert (tmp_path / "run" / "model.lut").read_bytes() == (tmp_path / "again" / "model.lut").read_bytes()
    assert again.luts == run.luts
    circuit = lutsmith.load(tmp_path / "run" / "model.lut")
    evaluated = lutsmith.runs.evaluate(tmp_path / "run" / "model.lut", data=folder)
    assert (evaluated.rows, evaluated.accuracy) == ("held-out", run.accuracy)
    assert set(circuit.predict_labels(table(50).drop_columns(["kind"]))) <= {"y", "n"}


def test_the_command_line_takes_the_path_of_a_table(
    few: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "in", table(900), [200])
    line = ["train", str(folder), "--target", "kind", "--epochs", "1", "--luts", "20", "--bits", "2"]
    assert command([*line, "--out", str(tmp_path / "run"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["method"] == "gradients"
    small = tmp_path / "small.csv"
    small.write_text("a,b\n" + "".join(f"{row % 7},{'xy'[row % 7 > 3]}\n" for row in range(60)))
    assert command(["train", str(small), "--target", "b", "--out", str(tmp_path / "csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["method"] == "additive"
    assert command(["train", str(folder), "--target", "kind", "--method", "additive"]) == 2
    assert "read block by block, and additive learning reads all at once" in capsys.readouterr().err


def test_what_a_sample_does_not_show_is_read_strictly(few: None, tmp_path: Path) -> None:
    whole = table(900)
    column = whole[" colour"].to_pylist()
    sampled = set(source.sample_rows(900, 1, 0).tolist())
    rare = next(row for row in range(899, 0, -1) if row not in sampled)
    column[rare] = "mauve"
    folder = write(tmp_path / "in", whole.set_column(1, " colour", pa.array(column)), [])
    dataset = load("table", folder, "kind")
    assert dataset.stream is not None
    found = np.concatenate([dataset.stream.source.block(block)[0] for block in range(len(dataset.stream.source.sizes))])
    assert np.isnan(found[rare, 1])  # a name that the sample does not have is missing
    assert np.isnan(found[:, 1]).sum() == 1
    kinds = whole["kind"].to_pylist()
    kinds[rare] = "third"
    folder = write(tmp_path / "third", whole.set_column(3, "kind", pa.array(kinds)), [])
    assert load("table", folder, "kind").classes == ("n", "third", "y")
    numbers = [str(row) for row in range(900)]
    numbers[rare] = "many"
    folder = write(tmp_path / "text", whole.set_column(2, "n", pa.array(numbers)), [])
    streamed = load("table", folder, "kind", table={"numbers": ["n"], "unseen": "error"}).stream
    assert streamed is not None
    block = int(np.searchsorted(streamed.source.starts, rare, side="right")) - 1
    assert np.isnan(streamed.source.block(block)[0][:, 2]).sum() == 1  # asked for as numbers: text is missing


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("cut", "not a sound Parquet file"),
        ("other type", "column 'n' is string, and int64 in"),
        ("other columns", "have different columns, such as 'm'"),
        ("other order", "have the same columns in another order"),
        ("none", "holds no Parquet files"),
        ("no rows", "no rows in 1 Parquet files"),
        ("no target", "no label column; give target=COLUMN"),
        ("many labels", "more than 1,000 different labels; is this a column of labels?"),
    ],
)
def test_folders_that_are_no_table_are_told(few: None, tmp_path: Path, spoil: str, message: str) -> None:
    whole, folder = table(1500), tmp_path / "in"
    write(folder, whole, [500])
    first, last = sorted(folder.rglob("0*.parquet"))
    target: str | None = "kind"
    if spoil == "cut":
        last.write_bytes(last.read_bytes()[:-50])
    elif spoil == "other type":
        parquet.write_table(whole.set_column(2, "n", whole["n"].cast(pa.string())), last)
    elif spoil == "other columns":
        parquet.write_table(whole.rename_columns(["size", " colour", "m", "kind"]), last)
    elif spoil == "other order":
        parquet.write_table(whole.select(["kind", "n", " colour", "size"]), last)
    elif spoil == "none":
        first.unlink()
        last.unlink()
    elif spoil == "no rows":
        first.unlink()
        parquet.write_table(whole.slice(0, 0), last)
    elif spoil == "no target":
        target = None
    else:
        first.unlink()
        parquet.write_table(whole.append_column("id", pa.array(np.arange(1500))), last)
        target = "id"
    with pytest.raises(DataError, match=message):
        load("table", folder, target)


def test_a_file_that_is_cut_later_is_told_when_it_is_read(few: None, tmp_path: Path) -> None:
    folder = ParquetFolder(write(tmp_path / "in", table(900), [500]))
    file = folder.groups[0].path
    file.write_bytes(file.read_bytes()[:600])
    with pytest.raises(DataError, match="not a sound Parquet file"):
        folder.groups[0].read()
    file.unlink()
    with pytest.raises(DataError, match="not a sound Parquet file"):
        folder.groups[0].read()
    with pytest.raises(MissingDataError):
        load("table", tmp_path / "nowhere", "kind")
