"""Networks of layers as data from the command line: by a file, stopped and resumed, told by info, gone on with."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest

import lutsmith
from lutsmith.cli import run as command
from lutsmith.nn import Architecture, LogicResidual, PooledConv, build
from lutsmith.runs import train
from lutsmith.training.loop import loop

CONFIG = """
task = "digits"
[settings]
epochs = 2
[architecture]
luts = [60]
rank = 4
bits = 2
per = "channel"
[[architecture.layers]]
conv = 8
padding = 1
[[architecture.layers]]
pool = "or"
[[architecture.layers]]
gate = "learned"
residual = [{conv = 8, window = 1, rank = 2}]
"""
LAYERS = [
    {"conv": 8, "padding": 1},
    {"pool": "or"},
    {"gate": "learned", "residual": [{"conv": 8, "window": 1, "rank": 2}]},
]
FIELDS = {"luts": [60], "rank": 4, "bits": 2, "per": "channel", "layers": LAYERS}
LUTS = 8 * 64 + 8 * 16 + 2 * 8 * 16 + 60


def test_a_file_of_layers_trains_is_resumed_told_and_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "net.toml").write_text(CONFIG, "utf-8")
    step, left = loop.Loop.step, 30

    def interrupting(self: Any, chosen: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            signal.raise_signal(signal.SIGINT)
        step(self, chosen)

    monkeypatch.setattr(loop.Loop, "step", interrupting)
    out = tmp_path / "run"
    assert command(["train", "--config", str(tmp_path / "net.toml"), "--out", str(out)]) == 130
    assert not (out / "model.lut").exists()
    assert command(["train", "digits", "--out", str(out), "--resume"]) == 0
    run = train("digits", architecture=FIELDS, settings={"epochs": 2}, out=tmp_path / "whole", quiet=True)
    assert (out / "model.lut").read_bytes() == (tmp_path / "whole" / "model.lut").read_bytes()
    assert run.lowering == "proved"
    assert [type(module) for module in run.network][1:3] == [PooledConv, LogicResidual]
    capsys.readouterr()
    assert command(["info", str(out / "model.lut")]) == 0
    page = capsys.readouterr().out
    assert f"{LUTS + 1:,} LUTs" in page  # the constant around the images
    assert re.search(
        r"layers +\(conv=8, padding=1\), \(pool=or\), \(gate=learned, residual=\(conv=8, window=1, rank=2\)\)", page
    )
    told = lutsmith.load(out / "model.lut").metadata.training
    assert told is not None
    assert told.architecture is not None
    again = Architecture.from_json(told.architecture)
    assert json.loads(json.dumps(again.to_json()["layers"])) == LAYERS
    x = lutsmith.data.load("digits").x_train
    assert str(build(again, x, 10)[1:]) == str(run.network[1:])
    on = train("digits", start=out / "model.lut", settings={"epochs": 1}, quiet=True)
    assert on.lowering == "proved"
    with pytest.raises(ValueError, match="layers are of a network to build, and the circuit gives one"):
        train("digits", start=out / "model.lut", architecture={"layers": LAYERS}, settings={"epochs": 1}, quiet=True)


def test_a_mistake_in_a_layer_is_one_line_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layers = 'architecture.layers=[{conv = 8, window = 9}, {pool = "or"}]'
    assert command(["train", "digits", "--set", layers, "--epochs", "1", "--out", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert "layers[0] (conv): an image of shape (8, 8)" in said
    assert "Traceback" not in said
