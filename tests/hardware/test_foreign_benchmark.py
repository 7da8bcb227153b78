"""`python -m benchmarks.foreign`: what it counts, and that it fails where it must."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks import foreign

from lutsmith.circuit import Netlist, NetlistBuilder
from lutsmith.formats import to_aiger, to_blif

pytestmark = pytest.mark.needs("abc")


def circuits(folder: Path) -> Path:
    """A BLIF with a register and a wide node, and an AIGER, as others write them."""
    folder.mkdir()
    names = " ".join("abcdefghij")
    wide = "1111------ 1\n----1111-- 1\n--------00 1\n"
    (folder / "wide.blif").write_text(
        f".model m\n.inputs {names}\n.outputs y z\n.and_gate_delay 1\n.latch y q 1\n.names {names} y\n{wide}"
        ".names q a b z\n11- 1\n--1 1\n"
    )
    rng, builder = np.random.default_rng(0), NetlistBuilder(12)
    signals = np.arange(12)
    for _ in range(4):
        signals = builder.lut(rng.choice(signals, (20, 2)), rng.integers(0, 2, (20, 4)))
    (folder / "gates.aig").write_bytes(to_aiger(builder.build(signals)) + b"c")
    (folder / "notes.txt").write_text("not a circuit")
    return folder


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["foreign", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        foreign.main()
    return int(ended.value.code or 0)


def test_it_proves_and_counts_what_others_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = tmp_path / "rows.json"
    assert run(monkeypatch, circuits(tmp_path / "c"), "--json", result) == 0
    rows = {row["name"]: row for row in json.loads(result.read_text())}
    assert set(rows) == {"gates", "wide"}
    assert all(row["proof"] == "equal" and row["ratio"] <= 1.05 for row in rows.values())
    assert (rows["wide"]["inputs"], rows["wide"]["registers"], rows["wide"]["outputs"]) == (10, 1, 2)
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "0 of 2 circuits above 1.05 times ABC's LUTs, 0 not proved equal"


def test_a_circuit_that_is_too_large_or_another_function_fails_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = circuits(tmp_path / "c")

    def as_given(netlist: Netlist, level: int = 2, **options: object) -> tuple[Netlist, tuple[()]]:
        return netlist, ()

    monkeypatch.setattr(foreign, "simplify_netlist", as_given)
    assert run(monkeypatch, folder, "--only", "gates") == 1
    assert "1 of 1 circuits above 1.05 times ABC's LUTs, 0 not proved equal: gates" in capsys.readouterr().out
    monkeypatch.undo()

    def other(netlist: Netlist, **options: object) -> str:
        return to_blif(netlist).replace("11 1\n", "11 0\n", 1).replace("0 1\n", "1 1\n", 1)

    monkeypatch.setattr(foreign, "to_blif", other)
    assert run(monkeypatch, folder, "--only", "wide") == 1
    assert "1 not proved equal: wide" in capsys.readouterr().out


def test_a_file_that_cannot_be_read_fails_it_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = circuits(tmp_path / "c")
    (folder / "broken.aag").write_text("aag 3 2 0 1 1\n2\n4\n")
    assert run(monkeypatch, folder) == 1
    assert "1 not proved equal: broken" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [("none",), ("c", "--only", "nothing"), ("c", "--level", "3")])
def test_mistakes_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    circuits(tmp_path / "c")
    assert run(monkeypatch, tmp_path / arguments[0], *arguments[1:]) == 2
