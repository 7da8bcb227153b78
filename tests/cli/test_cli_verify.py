"""`lutsmith verify --proofs-only`: what is read back and proved, and nothing that is simulated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lutsmith.circuit.file import save
from tests.circuit.examples import random_circuit


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.lut"
    save(random_circuit(9, input_shape=(2,), classes=2, group=2, luts=4), path)
    return path


@pytest.mark.needs("pyosys")
def test_only_proofs_hold_for_logic_and_establish_nothing_of_programs(lutsmith, small: Path) -> None:
    proved = lutsmith("verify", small, "--proofs-only", "--format", "blif,aiger", "--json")
    assert proved.code == 0, proved.err
    assert "samples are" not in proved.err
    checks = json.loads(proved.out)["checks"]
    assert {check["layer"] for check in checks} >= {"read-back", "formal"}
    assert [check for check in checks if check["layer"] == "simulation"] == []
    assert lutsmith("verify", small, "--proofs-only", "--format", "c").code == 3


def test_only_proofs_of_all_formats_are_those_of_logic(lutsmith, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def verify(circuit, formats, *samples, layers, **options):
        asked.extend([formats, samples, layers])
        raise ValueError("enough")

    monkeypatch.setattr("lutsmith.hardware.verify", verify)
    assert lutsmith("verify", small, "--proofs-only").code == 2
    assert asked == [["verilog", "vhdl", "blif", "aiger", "aiger-ascii"], (None, None), ["read-back", "formal"]]


def test_only_proofs_and_layers_contradict_each_other(lutsmith, small: Path) -> None:
    outcome = lutsmith("verify", small, "--proofs-only", "--layers", "simulation")
    assert outcome.code == 2
    assert "give one of the two" in outcome.err
