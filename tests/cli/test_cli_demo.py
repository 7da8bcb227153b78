"""`lutsmith demo`: the page that it writes, and what it refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lutsmith.circuit import Circuit
from lutsmith.circuit.file import save
from lutsmith.export import to_page
from lutsmith.export.page import page as pages
from tests.circuit.examples import random_circuit
from tests.export.cases import ranks


def test_a_page_is_written_and_its_size_told(lutsmith, model: Path, circuit: Circuit, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    shown = lutsmith("demo", model, "-o", out)
    assert shown.code == 0, shown.err
    assert shown.out == f"{out}  {out.stat().st_size:,} bytes: open it in a browser\n"
    assert out.read_text("utf-8") == to_page(circuit)
    said = lutsmith("demo", model, "-o", out, "--overwrite", "--title", "Mine", "--json")
    assert json.loads(said.out) == {
        "model": str(model.resolve()), "file": str(out), "bytes": out.stat().st_size, "notice": None
    }  # fmt: skip
    assert out.read_text("utf-8") == to_page(circuit, title="Mine")


def test_a_file_that_is_there_is_replaced_only_where_asked(lutsmith, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    out.write_text("mine")
    refused = lutsmith("demo", model, "-o", out)
    assert refused.code == 2
    assert refused.err == f"lutsmith: {out} would be replaced: give --overwrite, or OUT another name\n"
    assert out.read_text() == "mine"
    assert "read by this command" in lutsmith("demo", model, "-o", model, "--overwrite").err


def test_a_large_page_is_written_with_a_notice(
    lutsmith, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "USUAL", 1000)
    shown = lutsmith("demo", model, "-o", tmp_path / "page.html")
    assert "larger than 1,000 bytes, and slow to open: lutsmith simplify may make it smaller" in shown.out
    assert (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("circuit", "message"),
    [
        (ranks(registers=2), "the circuit has 2 registers"),
        (random_circuit(0, input_shape=(2, 9, 9)), "shape (2, 9, 9)"),
    ],
)
def test_what_a_page_cannot_show_is_one_line_and_no_file(
    lutsmith, tmp_path: Path, circuit: Circuit, message: str
) -> None:
    save(circuit, tmp_path / "model.lut")
    refused = lutsmith("demo", tmp_path / "model.lut", "-o", tmp_path / "page.html")
    assert refused.code == 2
    assert message in refused.err
    assert refused.err.count("\n") == 1
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("where", ["", "no/page.html"])
def test_a_place_that_cannot_be_written_is_refused(lutsmith, model: Path, tmp_path: Path, where: str) -> None:
    refused = lutsmith("demo", model, "-o", tmp_path / where)
    assert refused.code == 2
    assert "is a folder" in refused.err or "there is no folder" in refused.err


def test_a_full_disk_leaves_nothing(lutsmith, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    refused = lutsmith("demo", model, "-o", tmp_path / "page.html")
    assert refused.code == 2
    assert "No space left on device" in refused.err
    assert list(tmp_path.iterdir()) == []
