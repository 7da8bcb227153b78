"""Circuits made of parts: each part is proved once, its instances are read back, and planted faults are found."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from lutsmith.circuit import Circuit, CircuitBuilder, NetlistBuilder
from lutsmith.export import FORMATS, Options
from lutsmith.hardware import Verification, verify, verify_files
from lutsmith.hardware.simulation.hdl import icarus
from lutsmith.hardware.verification import runs
from lutsmith.logic import elaborate
from tests.circuit.machines import CARRY, SUM, full_adder, labels_of_places, multiplier

TOOLS = {"verilog": ("yosys", "abc"), "vhdl": ("ghdl", "yosys", "abc")}
LOGIC = ("verilog", "vhdl", "blif", "aiger")
EACH = [pytest.param(name, marks=pytest.mark.needs(*TOOLS.get(name, ("abc",)))) for name in LOGIC]
MODULES = EACH[:2]

BORROW = 0b10001110
"""x_0 - x_1 - x_2, its sign."""


def both(fault: str = "") -> Circuit:
    """Sum and difference of two words of four bits, of a full adder and of what subtracts, with one fault or none."""
    builder = CircuitBuilder((2,))
    a, b = builder.words([0, 1], 4)
    if fault == "a bit of a word that comes in":
        a = a[[1, 0, 2, 3]]
    zero = builder.lut([[a[0], b[0]]], np.array([0b0000], np.uint64))[0]  # nodes of no instance
    adds = full_adder()
    if fault == "the table of a part":
        cell = NetlistBuilder(3)
        adds = cell.build(cell.lut([[0, 1, 2], [0, 1, 2]], np.array([SUM, CARRY ^ 1], np.uint64)))
    cell = NetlistBuilder(3)
    takes = cell.build(cell.lut([[0, 1, 2], [0, 1, 2]], np.array([SUM, BORROW], np.uint64)))
    words: dict[str, list[int]] = {}
    for name, part, inside in (("sum", "fa", adds), ("difference", "fs", takes)):
        carry, words[name] = zero, []
        for place in range(4):
            reads = [a[place], b[place], carry]
            if part == "fa" and place == 2 and fault == "a wire of an instance":
                reads[1] = b[3]
            other = part == "fa" and place == 1 and fault == "an instance of another part"
            low, carry = builder.instances("fs" if other else part, takes if other else inside, [reads])[0]
            if part == "fa" and place == 1 and fault == "two outputs of an instance":
                low, carry = carry, low
            words[name].append(low)
        words[name].append(carry)
    if fault == "a bit of a word that goes out":
        words["sum"][:2] = words["sum"][1::-1]
    builder.integers(words, signed=["difference"])
    return builder.build()


FAULTS = (
    "a wire of an instance",
    "two outputs of an instance",
    "the table of a part",
    "a bit of a word that comes in",
    "a bit of a word that goes out",
    "an instance of another part",
)


def checked(format_: str, data: bytes, circuit: Circuit) -> Verification:
    suffix = FORMATS[format_].suffixes[0]
    return verify_files(circuit, format_, {f"lutsmith{suffix}": data}, layers=("formal",), timeout=60)


def accumulator() -> Circuit:
    """Two sums that grow by a word of two bits each cycle: parts with registers, and one of their own beside them."""
    cell = NetlistBuilder(2)
    state = cell.register(1, True)
    ends = cell.lut([[0, state[0], 1], [0, state[0], 1]], np.array([SUM, CARRY], np.uint64))
    cell.connect(state, ends[:1])
    inside = cell.build([state[0], ends[1]])
    builder = CircuitBuilder((2,))
    words = builder.words([0, 1], 2)
    held = builder.register(1)
    carry, sums = np.repeat(builder.lut([[words[0, 0], held[0]]], np.array([0b0110], np.uint64)), 2), []
    for place in range(2):
        low, carry = builder.instances("acc", inside, np.stack([words[:, place], carry], axis=1)).T
        sums.append(low)
    builder.connect(held, carry[:1])
    builder.integers({"sums": np.stack([*sums, carry], axis=1)})
    return builder.build()


CIRCUITS = {
    "a multiplier": (multiplier(5), 1),
    "labels of places": (labels_of_places(2, 3), 1),
    "two parts": (both(), 2),
    "parts with registers": (accumulator(), 1),
}


@pytest.mark.slow
@pytest.mark.parametrize("format_", EACH)
@pytest.mark.parametrize("name", CIRCUITS)
def test_circuits_of_parts_are_proved_and_each_part_once(name: str, format_: str) -> None:
    circuit, count = CIRCUITS[name]
    found = verify(circuit, (format_,), layers=("read-back", "formal"), timeout=60)
    assert found.ok, str(found)
    parts = [check.part for check in found.of(format_, "formal") if check.part.startswith("part ")]
    assert len(parts) == (count if format_ in TOOLS else 0), str(found)


@pytest.mark.parametrize(
    "format_",
    [
        pytest.param("verilog", marks=pytest.mark.needs("iverilog", "vvp")),
        pytest.param("vhdl", marks=pytest.mark.needs("ghdl")),
    ],
)
@pytest.mark.parametrize("name", CIRCUITS)
def test_circuits_of_parts_simulate_as_themselves(name: str, format_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "VERILOG_SIMULATORS", {"iverilog": icarus})
    found = verify(CIRCUITS[name][0], (format_,), layers=("simulation",), timeout=60)
    assert [check.verdict for check in found.checks] == ["simulated"], str(found)


@pytest.mark.needs("yosys", "abc")
def test_parts_are_modules_of_luts_of_a_device_too() -> None:
    found = verify(both(), ("verilog",), layers=("read-back", "formal"), primitives="xilinx", timeout=60)
    assert found.ok, str(found)
    assert {"part fa", "part fs"} <= {check.part for check in found.checks}


@pytest.mark.slow
@pytest.mark.parametrize("format_", EACH)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_parts_and_words_is_found_in_every_format(fault: str, format_: str) -> None:
    (data,) = FORMATS[format_].files(both(fault), Options()).values()
    found = checked(format_, data, both())
    assert found.outcome == "fails", str(found)


def edited(pattern: str, form: str) -> Callable[[str], str]:
    return lambda text: re.sub(pattern, form, text, count=1, flags=re.MULTILINE)


WIRES = {"verilog": r"(u_fa_i2 \(\.i\(\{\w+, )\w+", "vhdl": r"(u_fa_i2 : .*i\(1\) => )\w+"}
OUTPUTS = {
    "verilog": (r"(u_fa_i1 .*\.o\(\{)(\w+), (\w+)", r"\1\3, \2"),
    "vhdl": (r"(u_fa_i1 : .*o\(0\) => )(\w+)(, o\(1\) => )(\w+)", r"\1\4\3\2"),
}
EDITS: dict[str, Callable[[str], tuple[Callable[[str], str], str, str]]] = {
    "another wire": lambda format_: (
        edited(WIRES[format_], r"\1bits_0"),
        "wiring",
        r"input 1 of instance u_fa_i2 is wired to bits\[0\], expected bits\[\d\]",
    ),
    "two outputs exchanged": lambda format_: (edited(*OUTPUTS[format_]), "wiring", r"output \d of instance u_fa_i1"),
    "of another part": lambda format_: (
        edited(
            r"lutsmith_fa u_fa_i1 " if format_ == "verilog" else r"u_fa_i1 : entity work.lutsmith_fa",
            "lutsmith_fs u_fa_i1 " if format_ == "verilog" else "u_fa_i1 : entity work.lutsmith_fs",
        ),
        "wiring",
        "u_fa_i1 in lutsmith_network is of lutsmith_fs, expected lutsmith_fa",
    ),
    "another table": lambda _: (edited(r"\(i_0 (&|and) i_1\)", "i_0"), "part fa", "output 1 differs"),
}
"""What is done to the text, and the row that says so."""


@pytest.mark.parametrize("format_", MODULES)
@pytest.mark.parametrize("edit", EDITS)
def test_a_fault_of_one_instance_is_found_by_its_name(edit: str, format_: str) -> None:
    (data,) = FORMATS[format_].files(both(), Options()).values()
    change, row, reason = EDITS[edit](format_)
    wrong = change(data.decode())
    assert wrong != data.decode()
    found = checked(format_, wrong.encode(), both())
    assert row in [check.part for check in found.failures], str(found)
    assert any(re.search(reason, check.reason) for check in found.failures), str(found)


@pytest.mark.needs("yosys", "abc")
def test_instances_that_are_missing_twice_there_or_renamed() -> None:
    (data,) = FORMATS["verilog"].files(both(), Options()).values()
    text = data.decode()
    line = re.search(r"^  lutsmith_fa u_fa_i3 .*\n", text, re.MULTILINE)[0]
    wires = re.search(r"\.o\(\{(\w+), (\w+)", line)
    missing = text.replace(line, f"  assign {wires[1]} = 1'b0;\n  assign {wires[2]} = 1'b0;\n")
    twice = text.replace(line, line + re.sub(r"u_fa_i3|fa_i3(?=_o)", "more", line)).replace(
        wires[1] + ",", f"{wires[1]}, more_o0, more_o1,", 1
    )
    for wrong, said in ((missing, "has no instance u_fa_i3"), (twice, "has an instance more")):
        found = checked("verilog", wrong.encode(), both())
        assert any(said in check.reason for check in found.failures), str(found)
    renamed = re.sub(r"u_fa_i(\d)", r"cell\1", text)
    found = checked("verilog", renamed.encode(), both())
    assert found.ok, str(found)
    assert [check.part for check in found.of("verilog", "formal")] == ["encoder", "network", "decision", "wiring"]
    assert not checked("verilog", renamed.replace("cell1", "cell9").replace("bits_2}", "bits_3}").encode(), both()).ok


@pytest.mark.parametrize("format_", MODULES)
def test_a_clock_of_one_instance_that_is_tied_is_found(format_: str) -> None:
    (data,) = FORMATS[format_].files(accumulator(), Options()).values()
    text = data.decode()
    pair = (".clk(clk), .ce(ce)", ".clk(clk), .ce(held)") if format_ == "verilog" else ("ce => ce", "ce => bits_0")
    (line,) = [line for line in text.splitlines() if re.search(r"\bu_acc_i2\b", line)]
    wrong = text.replace(line, line.replace(*pair).replace("held", "bits_0"))
    assert wrong != text
    found = checked(format_, wrong.encode(), accumulator())
    assert found.failures, str(found)
    if format_ == "verilog":  # VHDL of that form is not even read
        assert "port ce of the instance u_acc_i2" in found.failures[0].reason


@pytest.mark.needs("yosys", "abc")
def test_bit_planes_cost_no_luts_and_are_proved() -> None:
    rng, builder = np.random.default_rng(0), CircuitBuilder((4,))
    planes = builder.words(builder.features, 8).reshape(-1)
    builder.popcount(builder.lut(rng.choice(planes, (24, 4)), rng.integers(0, 2, (24, 16))), 3)
    circuit = builder.build(classes=("a", "b", "c"))
    for each in (circuit, multiplier(8)):
        encoder, *_ = elaborate(each).parts
        assert (len(each.encoder), encoder.netlist.num_nodes) == (0, 0)
    found = verify(circuit, ("verilog", "blif", "aiger"), layers=("read-back", "formal"), timeout=60)
    assert found.ok, str(found)
