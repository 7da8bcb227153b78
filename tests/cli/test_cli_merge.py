"""`lutsmith merge`: what it writes and prints, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lutsmith.circuit import Circuit
from lutsmith.circuit.file import load, save


def test_models_become_one(lutsmith, model: Path, circuit: Circuit, make_circuit, tmp_path: Path) -> None:
    shown = lutsmith("merge", model, model, "-o", tmp_path / "one.lut")
    assert shown.code == 0, shown.err
    luts = circuit.netlist.num_nodes
    assert shown.out.splitlines()[0] == f"{luts} + {luts} LUTs -> {luts} LUTs, {len(circuit.encoder)} comparators"
    assert shown.out.splitlines()[-1] == f"{tmp_path / 'one.lut'} written"
    x = np.random.default_rng(0).integers(0, 17, (50, 64))
    np.testing.assert_array_equal(load(tmp_path / "one.lut").decision_function(x), 2 * circuit.decision_function(x))
    told = json.loads(lutsmith("merge", model, model, model, "-o", tmp_path / "one.lut", "--json").out)
    assert (told["luts_before"], told["luts"]) == ([luts] * 3, luts)


@pytest.mark.parametrize(("arguments", "what"), [
    ("merge", "Missing argument 'MODEL...'"),
    ("merge model.lut", "Missing option '-o'"),
    ("merge model.lut none.lut -o y.lut", "no model file none.lut"),
    ("merge model.lut model.lut -o model.lut", "model.lut is read by this command; give OUT another name"),
    ("merge model.lut other.lut -o y.lut", "circuit 1 has samples of shape (2,), circuit 0 (1, 8, 8)"),
    ("merge model.lut text.lut -o y.lut", "text.lut"),
])  # fmt: skip
def test_mistakes_are_one_line(lutsmith, model, make_circuit, tmp_path, monkeypatch, arguments, what) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.lut").write_bytes(model.read_bytes())
    (tmp_path / "text.lut").write_text("no model")
    save(make_circuit((2,), ("no", "yes")), tmp_path / "other.lut")
    outcome = lutsmith(*arguments.split())
    assert outcome.code == 2
    assert what in outcome.err
    assert not (tmp_path / "y.lut").exists()
