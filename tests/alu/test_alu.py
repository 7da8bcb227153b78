"""An ALU of learned cells: one circuit and one file, checked against arithmetic; a calculator; mistakes in one line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from lutsmith import load, save
from lutsmith.alu.assembly import KEY
from lutsmith.alu.calculator import calculate, parsed
from lutsmith.alu.check import Share, check, edge_points
from lutsmith.alu.circuit import alu_circuit
from lutsmith.alu.device import LearnedALU
from lutsmith.alu.learning import FABRIC_OF, learn_operations
from lutsmith.alu.run import train_alu
from lutsmith.cells import TEXTBOOK
from lutsmith.cells.proof import prove
from lutsmith.circuit import CircuitBuilder
from lutsmith.circuit.metadata import Metadata
from lutsmith.cli import run
from lutsmith.data.alu.operations import ALUNET, BUILT_IN, operation

TWELVE = {name: TEXTBOOK[name] for name in ALUNET}


@pytest.fixture(scope="module")
def learned() -> LearnedALU:
    """Twelve operations from examples of eight bits."""
    alu, operations = learn_operations(bits=8)
    assert sum(one.examples for one in operations) <= 80
    return alu


@pytest.mark.parametrize("true", ["one", "ones"])
@pytest.mark.parametrize("bits", [1, 4, 15, 33])
def test_every_operation_of_the_circuit_is_the_cell(bits: int, true: str, tmp_path: Path) -> None:
    save(alu_circuit(TWELVE, bits, true=true), tmp_path / "alu.lut")
    alu = LearnedALU(tmp_path / "alu.lut")
    assert alu.operations == ALUNET
    assert dict(alu.cells) == TWELVE
    a, b = np.random.default_rng(bits).integers(0, (1 << bits) - 1, (2, 300), np.uint64, endpoint=True)
    b[:50] = a[:50]
    for name in ALUNET:
        wanted = operation(name).evaluate(a, b, bits)
        assert alu.evaluate(name, a, b).tolist() == wanted.tolist(), name


def test_other_codes_give_0_and_rows_are_shared() -> None:
    alu = LearnedALU.of(TWELVE, 6)
    words = np.array([[63, code, 1] for code in range(12, 40)], np.uint64)
    assert not alu.circuit.predict(words).any()
    for count in (1, 2, 4):  # a power of two: the largest code is nobody's
        few = LearnedALU.of(dict(list(TWELVE.items())[:count]), 6)
        assert not few.circuit.predict(np.array([[63, code, 1] for code in range(count, 40)], np.uint64)).any()
    alone = LearnedALU.of({"/": TEXTBOOK["/"]}, 6).circuit.netlist.num_nodes
    both = LearnedALU.of({"/": TEXTBOOK["/"], "%": TEXTBOOK["%"]}, 6).circuit.netlist.num_nodes
    assert both < 1.5 * alone


def test_learned_at_8_bits_it_is_right_at_all_pairs_and_at_32_bits(learned: LearnedALU) -> None:
    report = check(learned, points=1 << 16)
    assert report.exhaustive
    assert report.all_right, [one.errors for one in report.operations]
    wide = check(learned.widened(32), points=300)
    assert wide.all_right
    assert not wide.exhaustive


@pytest.mark.parametrize("name", sorted(set(FABRIC_OF) - set(ALUNET)))
def test_further_operations_are_learned(name: str) -> None:
    alu, _ = learn_operations([name], bits=8)
    assert check(alu, points=1 << 16).all_right


@pytest.mark.parametrize("seed", range(3))
def test_flags_and_operations_of_one_operand_are_learned_at_15_bits_and_proved(seed: int) -> None:
    """That of one operand does not read a second one is learned as well: their fabrics have it."""
    alu, operations = learn_operations(["C", "Z", "N", "V", "neg", "abs", "NOT"], seed=seed)
    for one in check(alu, points=1000).operations:
        assert one.exact.right == one.exact.points
        assert one.edge.right == one.edge.points > 1000
    for one in operations:
        proof = prove(one.cell, one.name)
        assert (proof.outcome, proof.scope) == ("proved", "every width"), (one.name, str(proof))


def test_operations_that_have_no_fabric_are_named() -> None:
    without = set(BUILT_IN) - set(FABRIC_OF)
    assert without == {"gcd", "SHL", "SHR", "ROL", "ROR"}
    assert set(FABRIC_OF) <= set(BUILT_IN)
    with pytest.raises(ValueError, match="no fabric is known for gcd, SHL; expected ones of"):
        learn_operations(["gcd", "+", "SHL"])


def test_a_planted_fault_is_found_and_shown() -> None:
    wrong = dict(TWELVE)
    wrong["+"] = TEXTBOOK["+"].flipped("cell", 0, 3)
    report = check(LearnedALU.of(wrong, 8), points=1 << 16)
    assert not report.all_right
    plus = report.operations[0]
    assert plus.exact.right < plus.exact.points
    assert plus.bits < 1
    assert "Error" in plus.errors[0]
    assert plus.errors[0].count("0b") == 2
    assert plus.line.startswith("OP+: Ok: ")
    assert all(one.exact.right == one.exact.points for one in report.operations[1:])


def test_a_comparison_that_errs_at_ties_alone_is_found_by_edge_points() -> None:
    at_least = {">": TEXTBOOK[">="]}
    (found,) = check(LearnedALU.of(at_least, 32), points=10_000).operations
    assert found.exact.right == found.exact.points
    assert found.edge.right < found.edge.points


def test_wilsons_interval() -> None:
    low, high = Share(82, 100).interval  # Newcombe 1998 gives such figures for other counts; these are by its formula
    assert (round(low, 4), round(high, 4)) == (0.7333, 0.8830)
    assert Share(100, 100).interval[1] == 1


def test_edge_points_have_ties_and_carries() -> None:
    a, b = edge_points(15)
    pairs = set(zip(a.tolist(), b.tolist(), strict=True))
    assert {(0, 0), (32767, 1), (32767, 32767), (16384, 16383), (21845, 10922), (7, 8), (1, 0)} <= pairs


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("22 * 33", 726),
        ("22*33", 726),
        (" 0xff AND 0b1010 ", 10),
        ("5 - 7", -2),
        ("31720 / 4697", 6),
        ("3 != 3", 0),
        ("3 == 3", 1),
        ("7 ^ 2", 5),
    ],
)
def test_the_calculator(expression: str, result: int) -> None:
    found = calculate(LearnedALU.of(TWELVE, 15), expression)
    assert found.result == found.expected == result
    assert found.text.endswith("OK")


def test_lines_are_those_of_alu_net() -> None:
    assert calculate(LearnedALU.of(TWELVE, 15), "31720 / 4697").text == "31720 / 4697 = 6 == 6: OK"
    assert calculate(LearnedALU.of(TWELVE, 15), "2 > 1").text == "2 > 1 = True == True: OK"


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("99999 + 1", "99999 has 17 bits, and the ALU has 15"),
        ("7 / 0", "divides by zero"),
        ("__import__('os')", "not a calculation"),
        ("1 + 2 + 3", "not a calculation"),
        ("", "not a calculation"),
        ("-5 + 3", "not a calculation|is '-'"),
        ("1 frob 2", "operation is 'frob'"),
        ("+ 3", r"\+ takes 2 operands"),
        ("007 + 1", "leading zeros"),
        ("1 + " + "9" * 5000, "5000 digits"),
    ],
)
def test_what_is_no_calculation(expression: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        calculate(LearnedALU.of(TWELVE, 15), expression)
    assert len(str(error.value)) < 400


def test_parsed_reads_one_operand() -> None:
    assert parsed("isqrt 81") == ("isqrt", 81, None)
    assert parsed("NOT 0x0f") == ("NOT", 15, None)


@pytest.mark.parametrize(
    "told",
    [
        None,
        {"operations": ["+"]},
        {"operations": ["frob"], "bits": 4, "true": "one", "cells": {}},
        {"operations": ["+"], "bits": 4, "true": "one", "cells": {}},
        {"operations": ["+"], "bits": 900, "true": "one", "cells": {"+": TEXTBOOK["+"].to_json()}},
        {"operations": ["+"], "bits": "4", "true": "one", "cells": {"+": TEXTBOOK["+"].to_json()}},
        {"operations": ["+"], "bits": 4, "true": "maybe", "cells": {"+": TEXTBOOK["+"].to_json()}},
        {"operations": ["+"], "bits": 4, "true": "one", "cells": {"+": {"fabric": {"kind": "tap"}, "tables": {}}}},
        {"operations": ["+"], "bits": 4, "true": "one", "cells": [1]},
    ],
)
def test_a_file_that_is_no_alu_is_refused(told: object) -> None:
    builder = CircuitBuilder((3,))
    builder.integers({"result": builder.words(0, 4).tolist()})
    other = Metadata() if told is None else Metadata(other={KEY: told})
    with pytest.raises(ValueError, match=r"the circuit|true is"):
        LearnedALU(builder.build(metadata=other))


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, model = tmp_path / "alu", str(tmp_path / "alu" / "model.lut")
    assert run(["train", "alu", "--ops", "+", "--ops", ">", "--bits", "6", "--out", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["check"]["all_right"]
    assert [one["proof"]["outcome"] for one in told["learned"]] == ["proved", "proved"]
    assert told == json.loads((folder / "report.json").read_text())
    assert load(model).metadata.other[KEY]["bits"] == 6
    assert run(["alu", "check", model, "--points", "5000"]) == 0
    out = capsys.readouterr().out
    assert "OP+: Ok: 4096, Error: 0 -> 100.0%" in out
    assert "no wrong answer on every pair of operands" in out
    assert run(["alu", "calc", model, "22 + 33"]) == 0
    assert capsys.readouterr().out == "22 + 33 = 55 == 55: OK\n"
    for mistake, says in {
        ("train", "alu", "--out", str(folder)): "--overwrite",
        ("train", "alu", "--lr", "0.1"): "takes no --lr",
        ("train", "alu", "--method", "guess"): "expected one of sat",
        ("train", "digits", "--ops", "+"): "goes with alu",
        ("alu", "calc", model, "22 * 33"): "operation is '*'",
        ("alu", "check", model, "--points", "5"): "points",
    }.items():
        assert run(list(mistake)) == 2
        error = capsys.readouterr().err
        assert says in error
        assert error.count("\n") == 1


def test_there_is_no_model_where_learning_fails(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"time limit|max_seconds"):
        train_alu(["%"], bits=24, out=tmp_path / "run", max_seconds=1e-6)
    assert not list((tmp_path / "run").glob("*.lut"))


def test_the_pages_examples_run() -> None:
    page = (Path(__file__).parents[2] / "docs" / "alu.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", page, re.S)
    assert examples
    for example in examples:
        exec(example, {})
