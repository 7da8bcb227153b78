"""`lutsmith predict` of many parts: the files are those of one part alone, whatever happens on the way."""

from __future__ import annotations

import gzip
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Circuit
from lutsmith.circuit.file import save
from lutsmith.cli.commands import predict
from lutsmith.cli.predicting.parts import find_parts
from tests.tools import needs

RANDOM = np.random.default_rng(0)


def rows(count: int) -> np.ndarray:
    return RANDOM.integers(0, 17, (count, 64)).astype(np.uint8)


def write(path: Path, x: np.ndarray) -> Path:
    """Samples as a file of the kind that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = path.name.partition(".")[2]
    if kind == "npy":
        np.save(path, x)
    elif kind == "npz":
        np.savez(path, X=x)
    elif kind.removesuffix(".gz") == "csv":
        text = "\n".join(",".join(map(str, row)) for row in x.tolist()).encode()
        path.write_bytes(gzip.compress(text) if kind.endswith(".gz") else text)
    else:
        import pyarrow as pa
        from pyarrow import feather, parquet

        table = pa.table({f"x{number}": x[:, number] for number in range(64)})
        if kind in ("parquet", "pq"):
            parquet.write_table(table, path, row_group_size=9)
        else:
            feather.write_feather(table, path, chunksize=11)
    return path


def read(path: Path) -> list[int]:
    """Class ids in a file of predictions."""
    if path.suffix == ".npy":
        return np.load(path).tolist()
    if path.suffix == ".parquet":
        from pyarrow import parquet

        return parquet.ParquetFile(path).read()["label"].to_pylist()
    lines = path.read_text().splitlines()
    return [int(line) for line in (lines[1:] if path.suffix == ".csv" else lines)]


def files(folder: Path) -> list[str]:
    """All files of a folder but the books that are kept of it."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if not name.startswith("_lutsmith"))


def told(err: str) -> list[str]:
    """The lines of stderr but those of progress, which are there where the work takes ten seconds."""
    return [line for line in err.splitlines() if not re.fullmatch(r"[\d,]+ of [\d,]+ parts, [\d,]+ samples", line)]


def command(*arguments: object, **options: object) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "lutsmith.cli", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(line, text=True, env={**os.environ, "LUTSMITH_NUM_THREADS": "2"}, **pipes, **options)


def wait_for(what: Callable[[], object]) -> None:
    end = time.monotonic() + 200
    while not what():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture
def slow_parts(tmp_path: Path) -> dict[str, np.ndarray]:
    """Text is read slowly: parts that take a while."""
    found = {f"p{number:02}.csv": rows(3000) for number in range(12)}
    for name, x in found.items():
        write(tmp_path / "in" / name, x)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("method", ["predict", "outputs"])
def test_each_part_has_the_file_of_the_single_command(
    lutsmith, model: Path, tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("pyarrow")
    names = ["a.csv", "b.csv.gz", "deep/c.npy", "deep/d.npz", "deep/er/e.parquet", "f.pq", "g.feather", "_SUCCESS.csv"]
    for name in names:
        write(tmp_path / "in" / name, rows(40))
    monkeypatch.setattr(predict, "_BATCH", 16)
    result = lutsmith("predict", model, tmp_path / "in", "-o", tmp_path / "out", "--method", method, "--json")
    assert result.code == 0, result.err
    said = json.loads(result.out)
    assert {name: said[name] for name in ("samples", "parts", "predicted")} == {
        "samples": 280, "parts": 7, "predicted": 7,
    }  # fmt: skip
    expected = {
        "a.csv": "a.csv", "b.csv": "b.csv.gz", "deep/c.npy": "deep/c.npy", "deep/d.npy": "deep/d.npz",
        "deep/er/e.parquet": "deep/er/e.parquet", "f.parquet": "f.pq", "g.parquet": "g.feather",
    }  # fmt: skip
    assert files(tmp_path / "out") == sorted(expected)
    for target, source in expected.items():
        one = tmp_path / f"one{Path(target).suffix}"
        assert lutsmith("predict", model, tmp_path / "in" / source, "-o", one, "--method", method).code == 0
        assert (tmp_path / "out" / target).read_bytes() == one.read_bytes(), source


def test_a_folder_a_pattern_and_names_are_the_same_parts(tmp_path: Path) -> None:
    names = [f"{folder}/{name}.npy" for folder in ("x", "y") for name in ("p", "q")]
    for name in [*names, "out/x/p.npy", "x/_metadata.npy", "y/.q.npy", "y/readme.md"]:
        write(tmp_path / "in" / name, rows(1)) if name.endswith("npy") else (tmp_path / "in" / name).touch()
    folder = tmp_path / "in"
    expected = [(folder / name, name.replace(".npy", ".txt")) for name in names]
    for inputs in (
        [folder],
        [folder / "*" / "*.npy"],
        [folder / "**" / "*.npy"],
        [folder / name for name in names],
        [folder / "x", folder / "y", folder / "x" / "p.npy"],
    ):
        parts = find_parts(inputs, folder / "out", ".txt")
        assert [(part.source, part.target) for part in parts] == expected, inputs


def test_links_and_odd_names_are_no_surprise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "d[1]"
    for name in ("a b.npy", "n\nl.npy", "deep/é*.npy", "deep/_temporary/c.npy", "deep/.h/d.npy"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    for name in ("loop", "deep/loop"):  # two of them make 2^40 ways, if they are followed
        (folder / name).symlink_to(folder)
    everything = ["a b.npy", "deep/é*.npy", "n\nl.npy"]
    for pattern, expected in (
        (folder, everything),
        (folder / "**" / "*.npy", everything),
        (folder / "**", everything),
        (folder / "*.npy", ["a b.npy", "n\nl.npy"]),
        (folder / "deep" / "é*.npy", ["é*.npy"]),
    ):
        assert [part.target for part in find_parts([pattern], tmp_path / "out")] == expected, pattern
    monkeypatch.chdir(folder)
    assert [part.target for part in find_parts([Path("*b.npy")], tmp_path / "out")] == ["a b.npy"]
    with pytest.raises(FileNotFoundError, match=r"none.npy does not exist"):
        find_parts([Path("none.npy")], tmp_path / "out")


def test_a_link_to_nothing_is_a_part_that_fails(lutsmith, model: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "gone.npy").symlink_to(tmp_path / "nowhere.npy")
    outcome = lutsmith("predict", model, tmp_path / "in", "-o", tmp_path / "out")
    assert (outcome.code, "in/gone.npy: " in outcome.err) == (2, True), outcome.err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have no names here")
def test_a_pipe_is_no_part(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(ValueError, match=r"pipe.csv is a pipe or a device"):
        find_parts([tmp_path / "pipe.csv"], tmp_path / "out")


def test_a_folder_that_cannot_be_listed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("open/a.npy", "shut/b.npy"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    listed = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)  # the rights of root have no bounds
    with pytest.raises(PermissionError, match="shut"):
        find_parts([tmp_path], tmp_path / "out")


def test_without_locks_the_files_of_others_are_left(
    lutsmith, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "in" / "a.npy", rows(3))
    (tmp_path / "out").mkdir()
    other = tmp_path / "out" / ".0123456789abcdef.tmp"  # of a process that may be at work
    other.touch()
    monkeypatch.setattr("lutsmith.ground.locks.fcntl", None)
    assert lutsmith("predict", model, tmp_path / "in", "-o", tmp_path / "out").code == 0
    assert other.exists()


@pytest.mark.slow
def test_a_worker_whose_command_was_killed_ends_without_a_word(lutsmith, model: Path, tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.npy", rows(3))
    out = tmp_path / "out"
    assert lutsmith("predict", model, tmp_path / "in", "-o", out).code == 0
    (out / "a.npy").unlink()
    line = [sys.executable, "-m", "lutsmith.cli.predicting.worker"]
    worker = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert worker.stdin is not None
    assert worker.stdout is not None
    assert worker.stderr is not None
    worker.stdout.close()
    first = {"model": str(model), "folder": str(out), "options": {}, "batch": 64}
    asked = [json.dumps(first), json.dumps([str(tmp_path / "in" / "a.npy"), "a.npy"])]
    worker.stdin.write("\n".join(asked) + "\n")
    worker.stdin.close()
    said = worker.stderr.read()
    worker.stderr.close()
    assert (worker.wait(200), "Traceback" in said) == (0, False), said
    assert (out / "a.npy").exists()


def test_an_empty_parquet_part_has_columns_and_no_rows(lutsmith, model: Path, tmp_path: Path) -> None:
    needs("pyarrow")
    from pyarrow import parquet

    write(tmp_path / "in" / "none.parquet", rows(0))
    assert lutsmith("predict", model, tmp_path / "in", "-o", tmp_path / "out").code == 0
    table = parquet.read_table(tmp_path / "out" / "none.parquet")
    assert (table.num_rows, table.column_names) == (0, ["label"])


def test_the_same_command_goes_on_and_leaves_what_is_whole(lutsmith, model: Path, circuit: Circuit, tmp_path) -> None:
    source, out = write(tmp_path / "in" / "a.npy", rows(30)), tmp_path / "out"
    line = ("predict", model, tmp_path / "in", "-o", out)
    assert lutsmith(*line).out == f"30 predictions in 1 part in {out}\n"
    (out / ".0123456789abcdef.tmp").touch()  # of a process that was killed
    before = (out / "a.npy").stat()
    assert lutsmith(*line).out == f"30 predictions in 1 part in {out}, 1 of them there already\n"
    assert (out / "a.npy").stat() == before
    assert files(out) == ["a.npy"]
    x = rows(31)
    write(source, x)  # the part has changed since
    assert json.loads(lutsmith(*line, "--json").out)["predicted"] == 1
    assert read(out / "a.npy") == circuit.predict(x).tolist()
    (out / "a.npy").unlink()
    assert json.loads(lutsmith(*line, "--json").out)["predicted"] == 1
    with (out / "a.npy").open("ab") as file:
        file.write(b"more")
    assert json.loads(lutsmith(*line, "--json").out)["predicted"] == 1
    assert read(out / "a.npy") == circuit.predict(x).tolist()


def test_results_of_others_are_never_replaced(lutsmith, model: Path, make_circuit, tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.npy", rows(30))
    write(tmp_path / "other" / "a.npy", rows(40))
    save(make_circuit((64,), ("yes", "no")), tmp_path / "other.lut")
    out = tmp_path / "out"
    assert lutsmith("predict", model, tmp_path / "in", "-o", out).code == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    refused = {
        (tmp_path / "other.lut", tmp_path / "in"): "holds the predictions of another model",
        (model, tmp_path / "in", "--method", "outputs"): "holds predictions with --method 'predict', and not 'outputs'",
        (model, tmp_path / "in", "--format", "csv"): "holds predictions with --format as it is by default",
        (model, tmp_path / "in", "--header"): "--header as it is by default, and not on",
        (model, tmp_path / "other"): f"holds the predictions of another file, {tmp_path}/in/a.npy",
    }
    for line, message in refused.items():
        outcome = lutsmith("predict", *line, "-o", out)
        assert (outcome.code, message in outcome.err) == (2, True), outcome.err
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.npy").write_text("mine")
    outcome = lutsmith("predict", model, tmp_path / "in", "-o", tmp_path / "mine")
    assert (outcome.code, "is in the way, and not a result" in outcome.err) == (2, True)
    assert files(tmp_path / "mine") == ["a.npy"]
    write(tmp_path / "in" / "b.npy", rows(3))
    (out / "b.npy").write_text("mine")
    outcome = lutsmith("predict", model, tmp_path / "in" / "b.npy", "-o", out)
    assert (outcome.code, "is in the way, and not a result" in outcome.err) == (2, True)
    assert (out / "b.npy").read_text() == "mine"
    (out / "_lutsmith" / "manifest.json").write_text("{")
    assert "manifest.json is damaged" in lutsmith("predict", model, tmp_path / "in", "-o", out).err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("in -o out.csv", "in is a folder"),
        ("in/*.npy", "INPUT is several parts, such as in/*.npy: give the folder for them, -o OUT"),
        ("in/a.npy in/b.npy -o y.csv", "y.csv is one file, and INPUT several parts"),
        ("in/*.csv -o out", "in/*.csv: no part is there that can be read"),
        ("empty -o out", "empty: no part is there that can be read"),
        ("in/c.npy -o out", "in/c.npy does not exist"),
        ("in/notes.txt -o out", "in/notes.txt: unknown kind of file"),
        ("in -o in", "in holds the input in"),
        ("in/a.npy -o in", "in holds the input in/a.npy"),
        ("in -o none/out", "there is no folder none"),
        ("in -o in/notes", "in/notes is a file"),
        ("in -o out --format xls", "--format is 'xls', expected npy, csv, txt, parquet"),
        ("in/a.npy -o y.csv --format csv", "--format is of parts"),
        ("clash -o out --format csv", "would both be a.tsv.csv"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line_and_nothing_is_begun(
    lutsmith, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("in/a.npy", "in/b.npy", "clash/a.csv", "clash/a.tsv", "clash/a.tsv.csv"):
        write(tmp_path / name, rows(3))
    (tmp_path / "in" / "notes.txt").touch()
    (tmp_path / "in" / "notes").touch()
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.rglob("*"))
    outcome = lutsmith("predict", model, *line.split())
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1), outcome.err
    assert message in outcome.err
    assert sorted(tmp_path.rglob("*")) == before


def test_parts_that_would_have_one_name_keep_their_endings(tmp_path: Path) -> None:
    for name in ("a.csv", "a.tsv", "a.npy", "b.tsv"):
        (tmp_path / name).touch()
    names = {part.source.name: part.target for part in find_parts([tmp_path], tmp_path / "out", ".csv")}
    assert names == {"a.csv": "a.csv", "a.tsv": "a.tsv.csv", "a.npy": "a.npy.csv", "b.tsv": "b.csv"}


@settings(max_examples=40, deadline=None)
@given(
    st.sets(
        st.tuples(
            st.sampled_from(["", "x/", "x/y/", "X/"]),
            st.sampled_from(["a", "A", "b", "a.csv"]),
            st.sampled_from([".csv", ".tsv", ".npy", ".csv.gz", ".parquet"]),
        ),
        min_size=1,
    ),
    st.sampled_from([None, ".csv", ".parquet", ".npy"]),
)
def test_targets_differ_lie_within_and_do_not_depend_on_the_order(
    tmp_path_factory: pytest.TempPathFactory, names: set[tuple[str, str, str]], ending: str | None
) -> None:
    root = tmp_path_factory.mktemp("parts")
    paths = [root / f"{folder}{stem}{own}" for folder, stem, own in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    try:
        parts = find_parts(paths, root / "out", ending)
    except ValueError:
        lowered = [f"{folder}{stem}{own}".lower() for folder, stem, own in names]
        assert len(set(lowered)) < len(names) or any(name.count(".csv") + name.count(".tsv") > 1 for name in lowered)
        return
    assert find_parts(paths[::-1], root / "out", ending) == parts
    assert sorted(part.source for part in parts) == sorted(paths)
    assert len({part.target.casefold() for part in parts}) == len(parts)
    for part in parts:
        assert ".." not in Path(part.target).parts
        assert Path(part.target).name.startswith(part.source.name.partition(".")[0])


@pytest.mark.slow
def test_a_bad_part_does_not_lose_the_others(lutsmith, model: Path, circuit: Circuit, tmp_path: Path) -> None:
    needs("pyarrow")
    good = {name: rows(30) for name in ("a.csv", "z.parquet")}
    for name, x in good.items():
        write(tmp_path / "in" / name, x)
    whole = write(tmp_path / "in" / "cut.parquet", rows(50)).read_bytes()
    (tmp_path / "in" / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "in" / "text.npy").write_text("not an array")
    write(tmp_path / "in" / "wide.npy", RANDOM.integers(0, 9, (5, 65)))
    (tmp_path / "in" / "far.csv").write_text("\n".join([",".join("1" * 64)] * 30 + ["1,2"]))
    line = ("predict", model, tmp_path / "in", "-o", tmp_path / "out")
    outcome = lutsmith(*line)
    lines = told(outcome.err)
    assert outcome.code == 2
    assert len(lines) == 5
    for name, words in (("cut.parquet", "not a sound Parquet file"), ("text.npy", "not a sound .npy file"),
                        ("wide.npy", "X has shape (5, 65)"), ("far.csv", "line 31 has 2 fields")):  # fmt: skip
        (one,) = [each for each in lines if f"in/{name}" in each]
        assert words in one
    assert lines[-1] == f"lutsmith: 4 of 6 parts were not predicted; the other 2 are in {tmp_path / 'out'}"
    assert files(tmp_path / "out") == sorted(good)
    for name, x in good.items():
        assert read(tmp_path / "out" / name) == circuit.predict(x).tolist()
    for name in ("cut.parquet", "text.npy", "wide.npy", "far.csv"):
        (tmp_path / "in" / name).unlink()
    write(tmp_path / "in" / "far.csv", rows(4))  # mended
    assert json.loads(lutsmith(*line, "--json").out)["predicted"] == 1


@pytest.mark.slow
def test_a_part_that_ends_its_process_does_not_lose_the_others(
    lutsmith, model: Path, circuit: Circuit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = {f"{name}.npy": rows(30) for name in ("a", "deadly", "x", "y", "z")}
    for name, x in parts.items():
        write(tmp_path / "in" / name, x)
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "sitecustomize.py").write_text(
        "import os, sys\n"
        "sys.addaudithook(lambda event, given: event == 'open' and 'in/deadly.npy' in str(given[0]) "
        "and os.kill(os.getpid(), 9))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "hooks"))
    monkeypatch.setenv("LUTSMITH_NUM_THREADS", "1")
    outcome = lutsmith("predict", model, tmp_path / "in", "-o", tmp_path / "out")
    assert outcome.code == 2
    assert "deadly.npy: the process that read it was ended by SIGKILL: was memory short?" in outcome.err
    assert files(tmp_path / "out") == ["a.npy", "x.npy", "y.npy", "z.npy"]
    assert read(tmp_path / "out" / "z.npy") == circuit.predict(parts["z.npy"]).tolist()


def check(out: Path, parts: dict[str, np.ndarray], circuit: Circuit) -> None:
    assert files(out) == sorted(parts)
    for name, x in parts.items():
        assert read(out / name) == circuit.predict(x).tolist(), name


@pytest.mark.slow
def test_after_a_kill_the_same_command_goes_on(
    model: Path, circuit: Circuit, tmp_path: Path, slow_parts: dict[str, np.ndarray]
) -> None:
    out = tmp_path / "out"
    process = command("predict", model, tmp_path / "in", "-o", out)
    wait_for(lambda: len(list(out.glob("*.csv"))) >= 2)
    process.kill()
    process.communicate()
    times = {path.name: path.stat().st_mtime_ns for path in out.glob("*.csv")}
    assert len(times) < 12
    again = command("predict", model, tmp_path / "in", "-o", out, "--json")
    printed, err = again.communicate(timeout=200)
    assert again.returncode == 0, err
    assert 0 < json.loads(printed)["predicted"] <= 12 - len(times)
    check(out, slow_parts, circuit)
    assert {name: (out / name).stat().st_mtime_ns for name in times} == times  # each is written once


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_leaves_whole_parts_alone_behind(
    model: Path, circuit: Circuit, tmp_path: Path, slow_parts: dict[str, np.ndarray], number: int, code: int
) -> None:
    out = tmp_path / "out"
    process = command("predict", model, tmp_path / "in", "-o", out)
    wait_for(lambda: len(list(out.glob("*.csv"))) >= 2)
    process.send_signal(number)
    printed, err = process.communicate(timeout=200)
    assert (process.returncode, printed) == (code, "")
    (line,) = told(err)
    assert line.startswith("lutsmith: interrupted; ")
    there = files(out)
    assert set(there) < set(slow_parts)  # and nothing that is half done
    again = command("predict", model, tmp_path / "in", "-o", out)
    again.communicate(timeout=200)
    check(out, slow_parts, circuit)


@pytest.mark.slow
def test_two_commands_on_one_folder_predict_each_part_once(
    model: Path, circuit: Circuit, tmp_path: Path, slow_parts: dict[str, np.ndarray]
) -> None:
    both = [command("predict", model, tmp_path / "in", "-o", tmp_path / "out", "--json") for _ in range(2)]
    said = []
    for process in both:
        printed, err = process.communicate(timeout=250)
        assert process.returncode == 0, err
        said.append(json.loads(printed))
    assert sum(each["predicted"] for each in said) == 12
    assert [each["samples"] for each in said] == [36_000, 36_000]
    check(tmp_path / "out", slow_parts, circuit)


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_leaves_what_is_whole(model: Path, circuit: Circuit, tmp_path: Path) -> None:
    parts = {f"p{number}.npy": rows(100) for number in range(3)}
    for name, x in parts.items():
        write(tmp_path / "in" / name, x)
    write(tmp_path / "in" / "q.npy", rows(40_000))  # whose predictions are too long

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    process = command("predict", model, tmp_path / "in", "-o", tmp_path / "out", preexec_fn=limited)
    printed, err = process.communicate(timeout=200)
    assert (process.returncode, printed) == (2, "")
    first, last = told(err)
    assert "in/q.npy: File too large" in first
    assert "1 of 4 parts were not predicted; make room and start again: the other 3 are in" in last
    check(tmp_path / "out", parts, circuit)


def test_a_link_does_not_lead_out_of_the_folder(lutsmith, model: Path, tmp_path: Path) -> None:
    write(tmp_path / "in" / "deep" / "a.npy", rows(3))
    write(tmp_path / "in" / "b.npy", rows(3))
    (tmp_path / "away").mkdir()
    out = tmp_path / "out"
    out.mkdir()
    (out / "deep").symlink_to(tmp_path / "away")
    outcome = lutsmith("predict", model, tmp_path / "in", "-o", out)
    assert (outcome.code, "leads out of" in outcome.err) == (2, True)
    assert list((tmp_path / "away").iterdir()) == []
    assert (out / "b.npy").exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_samples_out_of_range_are_told_once(lutsmith, model: Path, tmp_path: Path) -> None:
    for name in ("a.npy", "b.npy"):
        write(tmp_path / "in" / name, rows(30) + 100)
    outcome = lutsmith("predict", model, tmp_path / "in", "-o", tmp_path / "out")
    assert outcome.code == 0
    (line,) = told(outcome.err)
    assert line.startswith(f"warning: {tmp_path}/in/")
    assert line.endswith("(and 1 part more, likewise)")
