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
from lutsmith.cells import TEXTBOOK, ArrayCell, LearnedCell, RowFeedback, SerialCell, Tap
from lutsmith.cells.proof import prove, prove_width
from lutsmith.circuit.metadata import Metadata
from lutsmith.circuit.simplify import simplify
from lutsmith.cli import run
from lutsmith.data.alu.operations import ALUNET, operations


@pytest.mark.slow
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
    with pytest.raises(ValueError, match="unfinished run: resume=True goes on"):
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
    assert run([*asked, "--max-seconds", "1", "--overwrite"]) == 0
    capsys.readouterr()
    assert run([*asked, "--max-seconds", "1"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert run(["train", "alu", "--model", "res_mod", "--out", str(tmp_path / "x")]) == 2
    assert "goes with" in capsys.readouterr().err


def test_keys_are_those_of_files() -> None:
    assert KEY == "alu"
    assert np.array_equal(LearnedALU.of({"+": TEXTBOOK["+"]}, 4).evaluate("+", [3, 15], [1, 15]), [4, 30])


def told_otherwise(alu: LearnedALU, **changes: object) -> LearnedALU:
    """The same circuit, whose file tells something else of it."""
    told = {**alu.circuit.metadata.other[KEY], **changes}
    return LearnedALU(replace(alu.circuit, metadata=Metadata(other={KEY: told})))


def test_a_file_that_names_operations_in_another_order_than_its_circuit_has_is_refused() -> None:
    alu = LearnedALU.of({"+": TEXTBOOK["+"], "-": TEXTBOOK["-"]}, 8)
    with pytest.raises(ValueError, match="another order"):
        told_otherwise(alu, operations=["-", "+"])
    swapped = told_otherwise(
        alu, operations=["-", "+"], cells={"-": TEXTBOOK["-"].to_json(), "+": TEXTBOOK["+"].to_json()}
    )
    assert prove_alu(swapped).outcome == "refuted"
    with pytest.raises(ValueError, match="no operations"):
        told_otherwise(alu, operations=[], cells={})
    with pytest.raises(ValueError, match="give b"):
        alu.evaluate("+", [1])


def test_shifts_are_proved_for_what_they_read_alone() -> None:
    proof = prove_alu(LearnedALU.of({"ROL": TEXTBOOK["ROL"], "SHL": TEXTBOOK["SHL"]}, 6))
    assert {found.scope for found in proof.cells.values()} == {"every width, b < width"}


@pytest.mark.parametrize(("name", "bits"), [("*", 2), ("/", 3), ("%", 3), ("isqrt", 4), ("+", 2)])
def test_an_alu_that_is_right_at_its_width_is_not_refuted_by_another(name: str, bits: int) -> None:
    for seed in range(4):
        alu, (one,) = learn_operations([name], bits, seed=seed)
        assert check(alu, points=100).all_right
        proof = prove_cell(one.cell, name, width=bits)
        assert proof.outcome == "proved"
        assert "every width" in proof.scope or (f"width {bits}" in proof.scope and "wrong at other" in proof.reason)
    wrong = prove_cell(TEXTBOOK["*"].flipped("cell", 0, 6), "*", width=bits)
    assert wrong.outcome == "refuted"


def test_a_taps_place_may_be_one_that_narrow_operands_lack(tmp_path: Path) -> None:
    tap = LearnedCell(Tap(ArrayCell(), 9), TEXTBOOK["*"].tables)
    assert tap.fabric.narrowest() == 5
    assert Tap(ArrayCell(), -1).narrowest() == 1
    assert Tap(RowFeedback("root"), 1).narrowest() == 3
    assert prove(tap, "*").scope == "every width"
    assert prove(tap.flipped("cell", 0, 6), "*").outcome == "refuted"
    with pytest.raises(ValueError, match="needs 5 or more"):
        tap.evaluate([1], [1], 4)
    with pytest.raises(ValueError, match="no operands give"):
        Tap(SerialCell(read="final"), 3).narrowest()
    with pytest.raises(ValueError, match="5 bits or more"):
        prove_width(tap, "*", 4)


@pytest.mark.parametrize("damage", ['{"learned": NaN}', "[" * 100_000, "1e999"])
def test_hostile_records_are_damaged_ones(damage: str, tmp_path: Path) -> None:
    (tmp_path / LEARNED).write_text(damage)
    with pytest.raises(ValueError, match="is damaged"):
        train_alu(["+"], bits=6, out=tmp_path, resume=True)


def test_a_run_that_was_cut_off_after_its_model_goes_on(tmp_path: Path) -> None:
    train_alu(["+"], bits=5, out=tmp_path)
    _, (one,) = learn_operations(["+"], bits=5)
    told = {"bits": 5, "seed": 0, "method": "sat", "operations": ["+"], "learned": [one.to_json()]}
    (tmp_path / LEARNED).write_text(json.dumps(told))
    (tmp_path / "report.json").unlink()
    assert train_alu(["+"], bits=5, out=tmp_path, resume=True)["check"]["all_right"]
    assert (tmp_path / "report.json").exists()
    assert not (tmp_path / LEARNED).exists()


def test_wrong_answers_end_with_exit_code_1_and_are_shown_in_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = TEXTBOOK["+"].flipped("cell", 0, 3)
    save(alu_circuit({"+": wrong}, 8), tmp_path / "wrong.lut")
    assert run(["alu", "check", str(tmp_path / "wrong.lut")]) == 1
    assert "Error\n0b" in capsys.readouterr().out
    assert run(["alu", "calc", str(tmp_path / "wrong.lut"), "3 + 3"]) == 1
    told = {"bits": 8, "seed": 0, "method": "sat", "operations": ["+"]}
    learned = LearnedOperation("+", wrong, 1, 0.1, "sat").to_json()
    (tmp_path / LEARNED).write_text(json.dumps({**told, "learned": [learned]}))
    asked = ["train", "alu", "--ops", "+", "--bits", "8", "--out", str(tmp_path)]
    assert run([*asked, "--resume"]) == 1
    assert "refuted: lutsmith alu check --prove" in capsys.readouterr().out
    assert run([*asked, "--overwrite"]) == 0
    for mistake, says in ((["--ops", ""], "--ops is empty"), (["--seed", "-1"], "seed")):
        assert run(["train", "alu", *mistake, "--out", str(tmp_path / "other")]) == 2
        assert says in capsys.readouterr().err


def test_known_operations_have_to_be_those() -> None:
    _, (one,) = learn_operations(["+"], bits=5)
    with pytest.raises(ValueError, match="as -"):
        learn_operations(["-"], bits=5, known={"-": one})
    with pytest.raises(TypeError, match="cell of"):
        LearnedALU.of({"+": 3}, 8)  # type: ignore[dict-item]
