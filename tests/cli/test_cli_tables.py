"""Tables on the command line: trained on, predicted from and measured on alike; names cannot reach the terminal raw."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lutsmith.circuit.file import load, save
from lutsmith.data.tables.table import read_table
from tests.tools import module

module("pyarrow")
SMALL = ("--luts", "40", "--rank", "2", "--epochs", "3", "--bits", "4")
HOSTILE = "\x1b[31mred\x1b]0;title\x07\nline\r\u2028\u202e"


def rows(count: int = 120) -> list[list[str]]:
    """Rows of price, colour and size, whose label says whether the colour is warm."""
    random = np.random.default_rng(0)
    colours = random.choice(["red", "blue", "orange", "green"], count)
    made = []
    for colour in colours.tolist():
        price, size = f"{random.integers(10, 99)},5", str(random.integers(1, 5))
        made.append([price, colour, size, "yes" if colour in ("red", "orange") else "no"])
    return made


def answers(folder: Path) -> list[str]:
    """What the model of a run in a folder says of the rows that it was trained on, as training read them."""
    x = read_table(folder / "train.csv", "warm").x
    return load(folder / "run" / "model.lut").predict_labels(x).tolist()


HEADER = ["price", "colour", "size", "warm"]


def write(path: Path, table: list[list[str]], delimiter: str = ";") -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(table)
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a table with a test file."""
    from lutsmith.cli import run

    folder = tmp_path_factory.mktemp("tables")
    train = write(folder / "train.csv", [HEADER, *rows()])
    test = write(folder / "test.csv", [HEADER, *rows()[:40]])
    arguments = ["train", "csv", "--data", train, "--test", test, "--target", "warm", "--out", folder / "run", *SMALL]
    assert run(list(map(str, arguments))) == 0
    return folder


def test_prediction_reads_the_table_as_training_did(lutsmith, trained: Path, tmp_path: Path) -> None:
    model = trained / "run" / "model.lut"
    expected = answers(trained)
    assert set(expected) == {"yes", "no"}
    assert lutsmith("predict", model, trained / "train.csv").out.split() == expected
    for name, table in {
        "reordered": [[row[place] for place in (2, 3, 0, 1)] for row in [HEADER, *rows()]],
        "unlabelled": [row[:-1] for row in [HEADER, *rows()]],
        "further": [[*row, "note"] for row in [HEADER, *rows()]],
        "headless": [row[:-1] for row in rows()],
        "headless and labelled": rows(),
    }.items():
        outcome = lutsmith("predict", model, write(tmp_path / "x.csv", table))
        assert (outcome.code, outcome.out.split()) == (0, expected), (name, outcome.err)
    commas = write(tmp_path / "x.csv", [HEADER, *rows()], ",")
    assert lutsmith("predict", model, commas).code == 2
    assert lutsmith("predict", model, commas, "--delimiter", ",").out.split() == expected


def test_the_model_predicts_in_python_from_dicts_and_tables(trained: Path) -> None:
    import pyarrow as pa

    circuit = load(trained / "run" / "model.lut")
    records = [dict(zip(HEADER[:-1], row, strict=False)) for row in rows()]
    expected = answers(trained)
    assert circuit.predict_labels(records).tolist() == expected
    assert (
        circuit.predict_labels(pa.Table.from_pylist(records).select(["size", "colour", "price"])).tolist() == expected
    )


def test_a_renamed_column_is_an_error_and_not_a_row(lutsmith, trained: Path, tmp_path: Path) -> None:
    renamed = write(tmp_path / "x.csv", [["price", "color", "size"], *(row[:-1] for row in rows()[:5])])
    outcome = lutsmith("predict", trained / "run" / "model.lut", renamed)
    assert (outcome.code, outcome.out) == (2, "")
    assert "no column 'colour' in the data, whose columns are 'price', 'color', 'size'" in outcome.err
    other = write(tmp_path / "x.csv", [["preis", "farbe", "groesse"], *(row[:-1] for row in rows()[:5])])
    outcome = lutsmith("predict", trained / "run" / "model.lut", other)
    assert (outcome.code, outcome.out) == (2, "")
    assert "give --header or --no-header" in outcome.err
    outcome = lutsmith("predict", trained / "run" / "model.lut", other, "--header")
    assert "no column 'price'" in outcome.err


def test_eval_without_data_measures_the_test_file_of_the_run(lutsmith, trained: Path, tmp_path: Path) -> None:
    model = trained / "run" / "model.lut"
    result = json.loads(lutsmith("eval", model, "--json").out)
    right = np.mean([said == row[-1] for said, row in zip(answers(trained)[:40], rows(), strict=False)])
    assert (result["samples"], result["accuracy"]) == (40, right)
    result = json.loads(lutsmith("eval", model, "--data", trained / "train.csv", "--json").out)
    assert result["samples"] == 120
    headless = write(tmp_path / "x.csv", rows()[:7], ",")
    arguments = ("--data", headless, "--delimiter", ",", "--no-header", "--target", "-1", "--json")
    assert json.loads(lutsmith("eval", model, *arguments).out)["samples"] == 7
    (tmp_path / "alone.lut").write_bytes(model.read_bytes())
    outcome = lutsmith("eval", tmp_path / "alone.lut")
    assert outcome.code == 2
    assert "is not in the folder of a run that knows its test rows: give --data FILE" in outcome.err


def test_parquet_and_feather_are_trained_on_and_predicted_from(lutsmith, tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import feather, parquet

    columns = list(zip(*rows(), strict=True))
    frame = pa.table(
        {"price": [float(cell.replace(",", ".")) for cell in columns[0]], "colour": columns[1], "warm": columns[3]}
    )
    parquet.write_table(frame, tmp_path / "t.parquet")
    feather.write_feather(frame, tmp_path / "t.feather")
    out = tmp_path / "run"
    outcome = lutsmith("train", "table", "--data", tmp_path / "t.parquet", "--target", "warm", "--out", out, *SMALL)
    assert outcome.code == 0, outcome.err
    expected = load(out / "model.lut").predict_labels(read_table(frame, "warm").x).tolist()
    (tmp_path / "other.lut").write_bytes((out / "model.lut").read_bytes())
    held_out = json.loads(lutsmith("eval", out / "model.lut", "--json").out)  # of the run's table
    assert (held_out["rows"], held_out["samples"]) == ("held-out", 24)
    for name in ("t.parquet", "t.feather"):
        assert lutsmith("predict", out / "model.lut", tmp_path / name).out.split() == expected
        result = json.loads(lutsmith("eval", tmp_path / "other.lut", "--data", tmp_path / name, "--json").out)
        assert {**result, "model": held_out["model"]} == held_out
    text = write(
        tmp_path / "t.csv", [["price", "colour"], *([row[0].replace(",", "."), row[1]] for row in rows())], ","
    )
    assert lutsmith("predict", out / "model.lut", text).out.split() == expected


@pytest.mark.filterwarnings("always::lutsmith.data.TableWarning")
def test_doubts_are_warnings_on_stderr_and_options_settle_them(lutsmith, tmp_path: Path) -> None:
    dated = [[*HEADER, "day"], *([*row, f"2020-01-{1 + place % 28:02}"] for place, row in enumerate(rows()))]
    file = write(tmp_path / "t.csv", dated)
    arguments = ("train", "csv", "--data", file, "--target", "warm", *SMALL)
    outcome = lutsmith(*arguments, "--out", tmp_path / "a")
    assert outcome.code == 0
    assert "column 'day': of 120 values 120 look like dates or times (such as '2020-01-01')" in outcome.err
    outcome = lutsmith(*arguments, "--drop", "day", "--missing", "?,none", "--header", "--out", tmp_path / "b")
    assert (outcome.code, "warning" in outcome.err) == (0, False)
    assert load(tmp_path / "b" / "model.lut").schema.missing == ("", "?", "none")
    model = tmp_path / "b" / "model.lut"
    expected = load(model).predict_labels([dict(zip(HEADER[:3], row, strict=False)) for row in rows()])
    assert lutsmith("predict", model, file).out.split() == expected.tolist()
    outcome = lutsmith(*arguments, "--resume", "--out", tmp_path / "b", "--drop", "size")
    assert "holds a run with other arguments: table is" in outcome.err


@pytest.mark.parametrize("command", ["train csv --data none.csv --target y", "train table --data none.pq --target y"])
def test_a_missing_file_is_told_before_anything_large_is_imported(tmp_path: Path, command: str) -> None:
    code = (
        "import sys\nfrom lutsmith.cli import run\n"
        f"code = run({command.split()!r})\nprint(code, {{'torch', 'numba', 'pyarrow'}} & set(sys.modules))"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "2 set()\n"
    assert "does not exist" in done.stderr
    assert time.perf_counter() - start < 60


def test_names_are_escaped_wherever_they_are_printed(lutsmith, make_circuit: Callable, tmp_path: Path) -> None:
    circuit = make_circuit((64,), (HOSTILE, "plain"), feature_names=[HOSTILE] + ["x"] * 63, task=HOSTILE, note=HOSTILE)
    save(circuit, tmp_path / "m.lut")
    samples = np.random.default_rng(0).integers(0, 17, (40, 64)).astype(np.uint8)
    np.save(tmp_path / "x.npy", samples)
    write(tmp_path / "x.csv", [["a"], ["b"]])
    shown = r"\x1b[31mred\x1b]0;title\x07\nline\r\u2028\u202e"
    expected = circuit.predict_labels(samples).tolist()
    assert set(expected) == {HOSTILE, "plain"}
    outcome = lutsmith("predict", tmp_path / "m.lut", tmp_path / "x.npy")
    assert outcome.out.split("\n")[:-1] == [shown if label == HOSTILE else label for label in expected]
    for arguments in (
        ("info", tmp_path / "m.lut"),
        ("eval", tmp_path / "m.lut"),
        ("predict", tmp_path / "m.lut", tmp_path / "x.csv", "--header"),
        ("predict", tmp_path / f"{HOSTILE}.lut", tmp_path / "x.npy"),
        (HOSTILE,),
        ("train", HOSTILE),
        ("simplify", tmp_path / "m.lut", "-o", tmp_path / "s.lut"),
        ("export", tmp_path / "m.lut", "--format", "json", "-o", tmp_path / "exported"),
        ("predict", tmp_path / "m.lut", tmp_path / "x.npy", "-o", tmp_path / "y.txt"),
    ):
        outcome = lutsmith(*arguments)
        for text in (outcome.out, outcome.err):
            assert all(sign.isprintable() or sign == "\n" for sign in text), (arguments, text)
    printed = lutsmith("predict", tmp_path / "m.lut", tmp_path / "x.npy").out
    assert (tmp_path / "y.txt").read_text() == printed
    assert shown in lutsmith("info", tmp_path / "m.lut").out
    lutsmith("predict", tmp_path / "m.lut", tmp_path / "x.npy", "-o", tmp_path / "y.csv")
    with (tmp_path / "y.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["label"], *([label] for label in expected)]
    assert b'"\x1b[31m' in (tmp_path / "y.csv").read_bytes()


@pytest.mark.parametrize("label", ["a\rb", "a\nb", "a,b", 'a"b', "a\r"])
def test_csv_output_quotes_what_would_end_a_field(lutsmith, make_circuit: Callable, tmp_path: Path, label: str) -> None:
    circuit = make_circuit((64,), (label, "plain"))
    save(circuit, tmp_path / "m.lut")
    samples = np.random.default_rng(0).integers(0, 17, (40, 64)).astype(np.uint8)
    np.save(tmp_path / "x.npy", samples)
    lutsmith("predict", tmp_path / "m.lut", tmp_path / "x.npy", "-o", tmp_path / "y.csv")
    with (tmp_path / "y.csv").open(newline="") as file:
        assert [cell for (cell,) in csv.reader(file)] == ["label", *circuit.predict_labels(samples).tolist()]


def test_a_model_of_before_predicts_as_it_did(lutsmith, trained: Path, make_circuit: Callable, tmp_path: Path) -> None:
    """Its metadata holds names, categories and the target alone: delimiter and header are found, numbers are plain."""
    circuit = make_circuit(
        (3,), ("a", "b"), task="csv", target="kind", feature_names=["n", "w", "m"],
        categories=[None, ["blue", "red"], None],
    )  # fmt: skip
    save(circuit, tmp_path / "m.lut")
    X = np.array([[1, 1, 5], [8, 0, np.nan], [12, np.nan, 16]], np.float32)
    expected = circuit.predict_labels(X).tolist()
    for text in (
        "n,w,m\n1,red,5\n8,blue,NA\n12,mauve,16\n",
        "kind;m;n;w\na;5;1;red\nb;none;8; blue \na;16;12;?\n",
        "1,red,5\n8,blue,\n12,pink,1.6e1\n",
    ):
        (tmp_path / "x.csv").write_text(text)
        outcome = lutsmith("predict", tmp_path / "m.lut", tmp_path / "x.csv")
        assert outcome.out.split() == expected, outcome.err
