"""`lutsmith export`: the files that it writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lutsmith.circuit import Circuit
from lutsmith.circuit.file import save
from lutsmith.export import FORMATS, from_json_text, to_c, to_verilog
from tests.circuit.examples import random_rich_circuit


def result(outcome) -> dict:
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out.splitlines()[-1])


def test_formats_are_written_and_named_line_by_line(lutsmith, model: Path, circuit: Circuit, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    shown = lutsmith("export", model, "--format", "c, verilog,json", "-o", folder, "--name", "net")
    assert shown.code == 0, shown.err
    lines = shown.out.splitlines()
    assert [line.split()[0] for line in lines] == [str(folder / name) for name in ("net.h", "net.v", "net.json")]
    assert lines[0].endswith("bytes: a C99 and C++ header, LUTs as code")
    assert sorted(path.name for path in folder.iterdir()) == ["net.h", "net.json", "net.v"]
    assert (folder / "net.h").read_text() == to_c(circuit, name="net")
    assert (folder / "net.v").read_text() == to_verilog(circuit, name="net")
    assert from_json_text((folder / "net.json").read_text()).metadata == circuit.metadata


def test_all_writes_every_format_and_tells_those_it_cannot(lutsmith, model: Path, tmp_path: Path) -> None:
    said = result(lutsmith("export", model, "-o", tmp_path / "out", "--no-head", "--json"))
    refused = {refusal["format"]: refusal["reason"] for refusal in said["not_written"]}
    assert {"c", "c-compact", "javascript", "json", "graphviz"} <= set(refused)
    assert "c takes no --no-head" in refused["c"]
    expected = {
        f"{model.stem}{suffix}" for item in FORMATS.values() if item.name not in refused for suffix in item.suffixes
    }
    assert {Path(file["file"]).name for file in said["files"]} == expected
    assert {path.name for path in (tmp_path / "out").iterdir()} == expected
    for file in said["files"]:
        assert Path(file["file"]).stat().st_size == file["bytes"]


def test_options_reach_the_formats(lutsmith, model: Path, circuit: Circuit, tmp_path: Path) -> None:
    options = ("--words", "5", "--pipeline", "1", "--no-encoder", "--primitives", "xilinx")
    assert lutsmith("export", model, "--format", "verilog", "-o", tmp_path, *options).code == 0
    text = to_verilog(circuit, words=5, pipeline=1, encoder=False, primitives="xilinx", name=model.stem)
    assert (tmp_path / f"{model.stem}.v").read_text() == text
    assert lutsmith("export", model, "--format", "c", "-o", tmp_path, "--words", "float32").code == 0
    assert (tmp_path / f"{model.stem}.h").read_text() == to_c(circuit, name=model.stem)


def test_files_that_are_there_are_replaced_only_where_asked(lutsmith, model: Path, tmp_path: Path) -> None:
    kept = tmp_path / "net.v"
    kept.write_text("mine")
    command = ("export", model, "--format", "c,verilog", "-o", tmp_path, "--name", "net")
    refused = lutsmith(*command)
    assert refused.code == 2
    assert "net.v would be replaced: give --overwrite" in refused.err
    assert kept.read_text() == "mine"
    assert not (tmp_path / "net.h").exists()
    assert lutsmith(*command, "--overwrite").code == 0
    assert "module net" in kept.read_text()


def test_a_format_that_cannot_hold_the_model_writes_nothing(lutsmith, tmp_path: Path) -> None:
    save(random_rich_circuit(0, ["long words"]), tmp_path / "long.lut")
    refused = lutsmith("export", tmp_path / "long.lut", "--format", "json,onnx", "-o", tmp_path / "out")
    assert refused.code == 2
    assert "words of more than 24 bits as inputs, which ONNX does not take: export c" in refused.err
    assert len(refused.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--format", "pdf"), "there is no format 'pdf'"),
        (("--format", "c,"), "there is no format ''"),
        (("--format", "c", "--words", "many"), "expected a number of bits, 1 to 24, or float32"),
        (("--format", "c", "--words", "99"), "--words is 99; expected the bits of a word"),
        (("--format", "c", "--pipeline", "2"), "c takes no --pipeline 2: leave it out; c takes words"),
        (("--format", "verilog", "--pipeline", "0"), "0"),
        (("--format", "c", "--name", "a-b"), "cannot name functions"),
        (("--format", "json", "--name", "../x"), "not a name of files"),
        (("--format", "c", "-o", "missing/out"), "there is no folder"),
    ],
)
def test_mistakes_are_one_line(
    lutsmith, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    refused = lutsmith("export", model, "-o", "out", *arguments)
    assert refused.code == 2
    assert message in refused.err
    assert len(refused.err.splitlines()) == 1
    assert set(tmp_path.rglob("*")) == before


def test_a_folder_that_is_a_file_is_refused(lutsmith, model: Path) -> None:
    refused = lutsmith("export", model, "--format", "json", "-o", model)
    assert refused.code == 2
    assert "is a file" in refused.err
