"""A machine of an ALU says in its last cycle what arithmetic says of the operands that it read in its first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lutsmith import load, save
from lutsmith.alu.assembly import KEY
from lutsmith.alu.check import check
from lutsmith.alu.circuit import alu_circuit
from lutsmith.alu.device import LearnedALU
from lutsmith.alu.learning import FABRIC_OF, learn_operations
from lutsmith.alu.machine import alu_cycles, alu_machine
from lutsmith.alu.proofs import prove_alu
from lutsmith.cells import TEXTBOOK, Bitwise, LearnedCell, SerialCell
from lutsmith.cells.machine import cycles, to_machine
from lutsmith.circuit import Circuit
from lutsmith.circuit.metadata import Metadata
from lutsmith.data.alu.operations import ALUNET, Operation, _operations, operation
from lutsmith.hardware import prove, verify

TWELVE = {name: TEXTBOOK[name] for name in ALUNET}
MORE = TWELVE | {name: TEXTBOOK[name] for name in ("min", "popcount", "isqrt", "C", "Z", "N", "V", "neg", "abs")}


def words_of(cells: dict[str, LearnedCell], bits: int, rounds: int, seed: int) -> np.ndarray:
    """Words a, op, b: each code as often, also those of nobody; edges and ties among the operands."""
    rng, codes = np.random.default_rng(seed), 1 << len(cells).bit_length()
    top = (1 << bits) - 1
    a, b = rng.integers(0, top, (2, codes * rounds), np.uint64, endpoint=True)
    b[::5] = a[::5]
    a[::7], b[::11], b[1::13] = top, 0, top
    return np.stack([a, np.arange(codes * rounds, dtype=np.uint64) % codes, b], axis=1)


def said(machine: Circuit, steps: int, words: np.ndarray, seed: int) -> list[int]:
    """What a machine says of words one after the other, between which it is given others."""
    rng = np.random.default_rng(seed)
    bits = [int(words[:, feature].max()).bit_length() for feature in range(3)]
    stream = np.stack([rng.integers(0, 1 << b, len(words) * steps, np.uint64) for b in bits], axis=1)
    stream[::steps] = words
    answers = machine.run(stream[None])
    assert answers["done"][0].tolist() == ([0] * (steps - 1) + [1]) * len(words)
    return np.asarray(answers["result"])[0, steps - 1 :: steps].tolist()


def arithmetic(cells: dict[str, LearnedCell], bits: int, true: str, words: np.ndarray) -> list[int]:
    """What Python's integers say of words."""
    results, names = [], list(cells)
    signed = any(operation(name).result_signed() for name in names)
    ones = -1 if signed else (1 << 2 * (bits + 1)) - 1
    for a, code, b in words.tolist():
        if code >= len(names):
            results.append(0)
            continue
        truth = operation(names[code])
        if names[code] == "SHL":
            b %= bits
        result = truth.evaluate(a, b if truth.arity == 2 else None, bits)
        results.append(ones if truth.is_truth and true == "ones" and result else int(result))
    return results


@pytest.mark.parametrize(
    ("cells", "bits", "true"),
    [
        (MORE, 1, "one"),
        (MORE, 2, "ones"),
        (MORE | {"SHL": TEXTBOOK["SHL"]}, 8, "one"),
        (MORE, 11, "ones"),
        (TWELVE, 33, "one"),
        ({"=": TEXTBOOK["="], "AND": TEXTBOOK["AND"]}, 5, "ones"),
        ({"AND": TEXTBOOK["AND"], "*": TEXTBOOK["*"]}, 1, "one"),
        ({"popcount": TEXTBOOK["popcount"]}, 7, "one"),
    ],
    ids=lambda given: str(len(given)) if isinstance(given, dict) else str(given),
)
def test_a_machine_is_arithmetic_one_result_after_the_other(
    cells: dict[str, LearnedCell], bits: int, true: str
) -> None:
    machine, steps = alu_machine(cells, bits, true=true), alu_cycles(cells, bits)
    words = words_of(cells, bits, 12, bits)
    given = said(machine, steps, words, bits)
    assert given == arithmetic(cells, bits, true, words)
    assert given == np.asarray(alu_circuit(cells, bits, true=true).predict(words)).tolist()
    assert machine.metadata.other[KEY]["cycles"] == steps


def test_it_takes_the_cycles_of_its_slowest_operation() -> None:
    assert alu_cycles(TWELVE, 15) == 16  # the sum's last carry
    assert alu_cycles(MORE, 15) == 30
    assert alu_cycles({name: TEXTBOOK[name] for name in ("popcount", "isqrt", "SHL")}, 8) == 1
    assert alu_cycles({"*": TEXTBOOK["*"]}, 8) == cycles(TEXTBOOK["*"].fabric, 8) == 8


def test_what_takes_one_cycle_has_no_registers() -> None:
    cells = {name: TEXTBOOK[name] for name in ("AND", "C", "*", "%", "popcount", "isqrt")}
    assert alu_machine(cells, 1).netlist.num_registers == 0


def test_operations_share_the_copies_of_operands_and_a_dividers_rows() -> None:
    bits = 8
    alone = {name: to_machine(TEXTBOOK[name], bits).netlist.num_registers for name in ALUNET}
    whole = alu_machine(TWELVE, bits).netlist
    assert whole.num_registers < 0.6 * sum(alone.values())
    divides = {name: TEXTBOOK[name] for name in "/%"}
    one = alu_machine({"/": TEXTBOOK["/"]}, bits).netlist
    assert alu_machine(divides, bits).netlist.num_registers <= one.num_registers + 1  # a bit of the code
    other = {"/": TEXTBOOK["/"], "%": TEXTBOOK["%"].flipped("restore", 0, 0)}
    assert alu_machine(other, bits).netlist.num_registers > one.num_registers + bits


@pytest.mark.needs("yosys", "abc")
def test_its_exports_are_the_machine_in_all_cycles() -> None:
    cells = {name: TEXTBOOK[name] for name in ("+", "*", "%", "<", "min", "popcount")}
    found = verify(alu_machine(cells, 2), ("verilog", "blif", "aiger"), layers=["read-back", "formal"])
    assert found.ok, str(found)


@pytest.mark.needs("abc")
def test_a_wrong_bit_of_a_table_shows_within_the_cycles() -> None:
    cells = {name: TEXTBOOK[name] for name in ("+", "<")}
    wrong = cells | {"+": TEXTBOOK["+"].flipped("cell", 0, 6)}
    found = prove(alu_machine(cells, 3), alu_machine(wrong, 3))
    assert found.trace is not None
    assert 0 < len(found.trace) <= alu_cycles(cells, 3)


def test_a_learned_alu_may_be_a_machine(tmp_path: Path) -> None:
    learned, _ = learn_operations(["+", ">", "*", "V"], bits=6)
    save(alu_machine(learned.cells, 6, true="ones"), tmp_path / "machine.lut")
    alu = LearnedALU(tmp_path / "machine.lut")
    assert (alu.cycles, learned.cycles, alu.operations) == (7, None, ("+", ">", "*", "V"))
    assert check(alu, points=5000).all_right
    assert check(alu.widened(40), points=200).all_right
    assert alu.widened(40).cycles == 41
    wrong = dict(learned.cells) | {"+": TEXTBOOK["+"].flipped("cell", 0, 3)}
    assert not check(LearnedALU(alu_machine(wrong, 6)), points=5000).all_right
    assert alu.evaluate("+", np.zeros(0, int), np.zeros(0, int)).tolist() == []


@pytest.mark.needs("abc")
def test_a_machine_is_proved_to_be_that_of_its_cells() -> None:
    cells = {name: TEXTBOOK[name] for name in ("+", "<")}
    right = alu_machine(cells, 3)
    assert prove_alu(LearnedALU(right)).all_proved
    wrong = alu_machine({**cells, "+": TEXTBOOK["+"].flipped("cell", 0, 6)}, 3)
    swapped = prove_alu(LearnedALU(replace(wrong, metadata=right.metadata)))
    assert (swapped.outcome, swapped.different) == ("refuted", True)


def test_files_that_say_wrongly_whether_they_are_machines_are_refused(tmp_path: Path) -> None:
    machine, single = alu_machine(TWELVE, 4), alu_machine({"AND": TEXTBOOK["AND"]}, 1)
    told = dict(machine.metadata.other[KEY])
    without = {name: value for name, value in told.items() if name != "cycles"}

    def saying(circuit: Circuit, other: dict[str, object]) -> Circuit:
        return replace(circuit, metadata=Metadata(other={KEY: other}))

    assert LearnedALU(saying(machine, told)).cycles == 5
    save(saying(machine, without), tmp_path / "machine.lut")
    for circuit, says in (
        (load(tmp_path / "machine.lut"), r"has \d+ registers, and its file does not say that its ALU is a machine"),
        (saying(machine, told | {"cycles": 10**12}), "takes 1000000000000 cycles, expected 5"),
        (saying(alu_circuit(TWELVE, 4), told), "gives result; an ALU gives result, done"),
        (saying(single, {**single.metadata.other[KEY], "cycles": None}), "gives result, done; an ALU gives result"),
    ):
        with pytest.raises(ValueError, match=says):
            LearnedALU(circuit)


def test_mistakes_say_what_was_expected() -> None:
    with pytest.raises(ValueError, match="0 cells; expected one for each of 1 to 255 operations"):
        alu_machine({}, 4)
    with pytest.raises(ValueError, match="bits is 65"):
        alu_machine(TWELVE, 65)
    with pytest.raises(ValueError, match="the cell of AND gives 8 bits, expected 4 of 4"):
        alu_machine({"AND": TEXTBOOK["*"]}, 4)
    with pytest.raises(ValueError, match="operation is 'frob'"):
        alu_machine({"frob": TEXTBOOK["+"]}, 4)
    assert set(FABRIC_OF) >= set(MORE)


def test_two_passes_end_before_a_slower_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    """As none of the built-in ones is."""
    own = Operation("sum", 2, lambda a, b, bits: a + b, width_of=lambda bits: bits + 5)
    monkeypatch.setitem(_operations, "sum", own)
    cells = {"max": TEXTBOOK["max"], "sum": LearnedCell(SerialCell(extra=5), TEXTBOOK["+"].tables)}
    assert alu_cycles(cells, 4) == 9 > cycles(TEXTBOOK["max"].fabric, 4)
    words = words_of(cells, 4, 50, 0)
    assert said(alu_machine(cells, 4), 9, words, 0) == arithmetic(cells, 4, "one", words)
    with pytest.raises(ValueError, match="sum gives 7 bits; the results of an ALU have 6"):
        alu_machine(cells, 2)


@pytest.mark.parametrize("make", [alu_circuit, alu_machine])
def test_a_hundred_operations_of_your_own(make: Callable[..., Circuit], monkeypatch: pytest.MonkeyPatch) -> None:
    """Their code has more bits than a LUT has inputs."""
    cells = {f"own{n}": LearnedCell(Bitwise(), {"cell": [[n >> place & 1 for place in range(4)]]}) for n in range(100)}
    for name in cells:
        monkeypatch.setitem(_operations, name, Operation(name, 2, lambda a, b, bits: a & b))
    words = np.array([[0b0101, code, 0b0011] for code in range(128)], np.uint64)
    circuit = make(cells, 4)
    answers = circuit.predict(words) if make is alu_circuit else circuit.run(words, 4)["result"][:, -1]
    wanted = [sum((n >> [3, 2, 1, 0][place] & 1) << place for place in range(4)) for n in range(100)]
    assert np.asarray(answers).tolist() == wanted + [0] * 28
