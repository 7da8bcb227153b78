"""The ways to learn an ALU, each to the end; runs that were stopped; files whose circuit is not their cells'."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lutsmith import save
from lutsmith.alu import learners
from lutsmith.alu.assembly import KEY
from lutsmith.alu.check import check
from lutsmith.alu.circuit import alu_circuit
from lutsmith.alu.device import LearnedALU
from lutsmith.alu.learners import METHODS, LearnedOperation, grouped
from lutsmith.alu.learning import learn_operations
from lutsmith.alu.proofs import prove_alu, prove_cell
from lutsmith.alu.run import LEARNED, train_alu
from lutsmith.cells import TEXTBOOK
from lutsmith.circuit.simplify import simplify
from lutsmith.cli import run
from lutsmith.data.alu.operations import ALUNET, operations


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns_all_twelve_exactly_and_each_is_proved(method: str) -> None:
    alu, learned = learn_operations(bits=10, method=method)
    assert [one.name for one in learned] == list(ALUNET)
    assert {one.method for one in learned} == {method}
    assert check(alu, points=2000).all_right
    assert {prove_cell(one.cell, one.name).outcome for one in learned} == {"proved"}
    if method in {"sat", "search"}:
        assert sum(one.examples for one in learned) <= 80


def test_divisions_are_learned_together_and_a_search_is_told_nothing() -> None:
    names = [[each.name for each in group] for group in grouped(operations(["%", "+", "/"]))]
    assert names == [["%", "/"], ["+"]]
    assert [[each.name for each in group] for group in grouped(operations(["/", "+"]))] == [["/"], ["+"]]
    _, learned = learn_operations(["/", "%"], bits=8)
    assert learned[0].cell.tables.keys() == learned[1].cell.tables.keys()
    assert all((learned[0].cell.tables[name] == learned[1].cell.tables[name]).all() for name in learned[0].cell.tables)
    assert learned[0].examples == learned[1].examples
    assert learned[1].seconds == 0


def test_counting_says_what_it_cannot_learn() -> None:
    with pytest.raises(ValueError, match="no way to learn min: take sat"):
        learn_operations(["min"], bits=8, method="count")


def test_a_run_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train_alu(["+", "*", ">"], bits=6, out=tmp_path / "whole")
    calls = []
    learn_sat = METHODS["sat"]

    def stopped(of: learners.Learning) -> object:
        calls.append(of.truth.name)
        if of.truth.name == "*":
            raise KeyboardInterrupt
        return learn_sat(of)

    folder = tmp_path / "run"
    monkeypatch.setattr(learners, "METHODS", {**METHODS, "sat": stopped})
    with pytest.raises(KeyboardInterrupt):
        train_alu(["+", "*", ">"], bits=6, out=folder)
    assert not (folder / "model.lut").exists()
    assert [json.loads(line)["operation"] for line in (folder / "metrics.jsonl").read_text().splitlines()] == ["+"]
    with pytest.raises(ValueError, match="unfinished run: give resume"):
        train_alu(["+", "*", ">"], bits=6, out=folder)
    with pytest.raises(ValueError, match="bits 6, and 7 was given"):
        train_alu(["+", "*", ">"], bits=7, out=folder, resume=True)
    monkeypatch.setattr(
        learners, "METHODS", {**METHODS, "sat": lambda of: (calls.append(of.truth.name), learn_sat(of))[1]}
    )
    calls.clear()
    found = train_alu(["+", "*", ">"], bits=6, out=folder, resume=True)
    assert calls == ["*", ">"]
    assert [one["cell"] for one in found["learned"]] == [one["cell"] for one in whole["learned"]]
    assert (folder / "model.lut").read_bytes() == (tmp_path / "whole" / "model.lut").read_bytes()
    assert not (folder / LEARNED).exists()
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 3


@pytest.mark.parametrize("damage", ["{", "[]", '{"learned": [1]}', '{"learned": [{"operation": "frob"}]}'])
def test_a_damaged_record_is_said_to_be_so(damage: str, tmp_path: Path) -> None:
    (tmp_path / LEARNED).write_text(damage)
    with pytest.raises(ValueError, match="is damaged"):
        train_alu(["+"], bits=6, out=tmp_path, resume=True)
    assert train_alu(["+"], bits=6, out=tmp_path, overwrite=True)["check"]["all_right"]


def test_what_was_learned_is_read_again() -> None:
    _, (one,) = learn_operations(["+"], bits=6)
    again = LearnedOperation.of_json(json.loads(json.dumps(one.to_json())))
    assert again == one


def test_a_file_is_proved_and_a_circuit_that_is_not_its_cells_is_not(tmp_path: Path) -> None:
    cells = {name: TEXTBOOK[name] for name in ("+", "*", "/", "<")}
    alu = LearnedALU.of(cells, 5)
    proof = prove_alu(alu)
    assert proof.all_proved
    assert "bit for bit" in proof.circuit
    smaller = LearnedALU(simplify(alu.circuit).circuit)
    assert smaller.circuit.netlist.num_nodes < alu.circuit.netlist.num_nodes
    assert prove_alu(smaller).all_proved
    wrong = alu_circuit({**cells, "*": cells["*"].flipped("cell", 0, 5)}, 5)
    metadata = alu.circuit.metadata  # the file tells of right cells, and computes with a wrong one
    swapped = LearnedALU(replace(wrong, metadata=metadata))
    proof = prove_alu(swapped)
    assert not proof.equal
    assert proof.outcome == "refuted"
    assert {found.outcome for found in proof.cells.values()} == {"proved"}
    told_wrong = LearnedALU(wrong)
    proof = prove_alu(told_wrong)
    assert proof.equal
    assert proof.outcome == "refuted"
    assert proof.cells["*"].outcome == "refuted"
    save(swapped.circuit, tmp_path / "swapped.lut")
    save(alu.circuit, tmp_path / "right.lut")
    assert [run(["alu", "check", str(tmp_path / f"{name}.lut"), "--prove"]) for name in ("swapped", "right")] == [1, 0]


def test_dense_models_by_the_same_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch import Tensor, nn

    from lutsmith.alu.dense import DenseModel, registry

    class OneLayer(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.float())

    one_layer = DenseModel("one layer", lambda shape, outputs: OneLayer(*shape, outputs))
    monkeypatch.setitem(registry._models, "one layer", one_layer)
    out = str(tmp_path / "dense")
    asked = ["train", "alu", "--method", "dense", "--ops", "AND", "--bits", "3", "--model", "one layer", "--out", out]
    assert run([*asked, "--max-seconds", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["network"] == "one layer"
    assert (tmp_path / "dense" / "model.pt").exists()
    assert run([*asked, "--max-seconds", "1"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert run(["train", "alu", "--model", "res_mod", "--out", str(tmp_path / "x")]) == 2
    assert "goes with" in capsys.readouterr().err


def test_keys_are_those_of_files() -> None:
    assert KEY == "alu"
    assert np.array_equal(LearnedALU.of({"+": TEXTBOOK["+"]}, 4).evaluate("+", [3, 15], [1, 15]), [4, 30])
