"""`lutsmith synth`: what it prints, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lutsmith.ground.cache import CACHE_FOLDER
from lutsmith.hardware.tools import toolchain
from lutsmith.hardware.tools.tool import Tool, ToolMissing

needs_abc = pytest.mark.needs("abc")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_FOLDER, str(tmp_path / "cache"))


@needs_abc
def test_json_is_one_line_with_every_part(lutsmith, model: Path) -> None:
    outcome = lutsmith("synth", model, "--target", "asic", "--words", 5, "--pipeline", 2, "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.out.count("\n") == 1
    found = json.loads(outcome.out)
    assert (found["model"], found["target"]) == (str(model), "asic")
    rows = {row["part"]: row for row in found["rows"]}
    assert list(rows) == ["encoder", "network", "head", "sum", "whole"]
    assert rows["network"]["lut6"] > 0
    assert rows["sum"]["gates"] == pytest.approx(sum(rows[part]["gates"] for part in ("encoder", "network", "head")))
    assert rows["whole"]["latency"] == rows["sum"]["latency"] > 0
    assert all("asic" in line or "if -K 6" in line or "gates" in line for line in outcome.err.splitlines())


@needs_abc
def test_a_table_and_float_words(lutsmith, model: Path) -> None:
    words = lutsmith("synth", model, "--target", "asic")
    floats = lutsmith("synth", model, "--target", "asic", "--words", "float32")
    assert words.out.split()[:4] == ["part", "LUT6", "depth", "registers"]
    encoders = [int(outcome.out.splitlines()[1].split()[1].replace(",", "")) for outcome in (words, floats)]
    assert encoders[0] < encoders[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("none.lut", "no model file none.lut"),
        ("model.lut --words five", "--words is 'five', expected a number of bits, 1 to 24, or float32"),
        ("model.lut --words 0", "bits holds 0, expected integers in [1, 25)"),
        ("model.lut --words 25", "bits holds 25, expected integers in [1, 25)"),
        ("model.lut --words 99999999999999999999", "expected a number of bits"),
        ("model.lut --words ²", "--words is '²'"),
        ("model.lut --words -3", "expected"),
        ("model.lut --pipeline 0", "every holds 0"),
        ("model.lut --target fpga", "target is 'fpga'; expected one of xilinx"),
        ("model.lut --target asic --place", "no open tool places and routes for asic"),
        ("model.lut --timeout 0", "timeout"),
        ("model.lut --timeout nan", "timeout"),
    ],
)
def test_mistakes_are_one_line(lutsmith, model: Path, tmp_path: Path, monkeypatch, arguments, message) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.lut").write_bytes(model.read_bytes())
    outcome = lutsmith("synth", *arguments.split())
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert message in outcome.err


def test_without_tools_it_says_what_to_install(lutsmith, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Tool:
        raise ToolMissing(f"{name} is not there: pip install 'lutsmith[hardware]'")

    monkeypatch.setattr(toolchain, "find", missing)
    outcome = lutsmith("synth", model)
    assert outcome.code != 0
    assert "pip install" in outcome.err
    assert outcome.err.count("\n") == 1
