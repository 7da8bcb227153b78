"""Faults that most rows of data do not show: the clock among the data, ports tied, one product of inputs, two names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lutsmith.circuit import Circuit, Head
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.export import FORMATS, Options
from lutsmith.hardware import Check, verify_files
from lutsmith.hardware.verification.design.elaboration import check_design
from lutsmith.logic import Design, Part, elaborate
from tests.circuit.examples import random_circuit
from tests.hardware.examples import tiny

PARTS = ("encoder", "network", "popcount", "decision")
TOOLS = {"verilog": ("yosys", "abc"), "vhdl": ("ghdl", "yosys", "abc")}


def pipelined(format_: str) -> str:
    """The export of a pipeline."""
    (data,) = FORMATS[format_].files(tiny(), Options(pipeline=1)).values()
    return data.decode()


def failures(format_: str, text: str | bytes, layer: str = "formal", **options: object) -> list[Check]:
    """The rows of a handed-in file that failed."""
    data = text.encode() if isinstance(text, str) else text
    files = {f"lutsmith{FORMATS[format_].suffixes[0]}": data}
    found = verify_files(tiny(), format_, files, layers=(layer,), **options)
    return [check for check in found.of(format_) if check.verdict == "failed"]


def connected(format_: str, text: str, part: str, clk: str, ce: str) -> str:
    """The text with other signals at the clock and the enable of one part."""
    if format_ == "verilog":
        return re.sub(rf"(u_{part} \()\.clk\(clk\), \.ce\(ce\)", rf"\g<1>.clk({clk}), .ce({ce})", text)
    return re.sub(rf"(u_{part} : .*port map \()clk => clk, ce => ce", rf"\g<1>clk => {clk}, ce => {ce}", text)


@pytest.mark.slow
@pytest.mark.parametrize("format_", [pytest.param(name, marks=pytest.mark.needs(*TOOLS[name])) for name in TOOLS])
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("ends", ["swapped", "clock tied", "enable tied", "enable at both", "clock at both"])
def test_clock_and_enable_of_every_part_come_from_the_ports(format_: str, part: str, ends: str) -> None:
    low, high = ("1'b0", "1'b1") if format_ == "verilog" else ("'0'", "'1'")
    clk, ce = {
        "swapped": ("ce", "clk"),
        "clock tied": (low, "ce"),
        "enable tied": ("clk", high),
        "enable at both": ("ce", "ce"),
        "clock at both": ("clk", "clk"),
    }[ends]
    text = pipelined(format_)
    wrong = connected(format_, text, part, clk, ce)
    assert wrong != text
    assert failures(format_, wrong, pipeline=1)


READINGS = {
    "in an expression": lambda text: re.sub(r"assign (bits\[0\]) = (r\d+);", r"assign \1 = \2 & clk;", text),
    "before a register": lambda text: re.sub(r"\b(r5) <= (\w+);", r"\1 <= \2 & clk;", text, count=1),
    "as an output": lambda text: re.sub(r"assign (bits\[0\]) = r\d+;", r"assign \1 = clk;", text),
    "by a register of its own": lambda text: re.sub(
        r"\n      r5 <= \w+;((?:.|\n)*?)endmodule", r"\1  always @(posedge clk) r5 <= clk;\nendmodule", text, count=1
    ),
}
"""Where a part could read its clock. At the falling edge, or whenever the clock is 1, some of these look right."""


@pytest.mark.needs("yosys", "abc")
@pytest.mark.parametrize("reading", READINGS)
def test_a_clock_among_the_data_is_found(reading: str) -> None:
    text = pipelined("verilog")
    wrong = READINGS[reading](text)
    assert wrong != text
    assert ["the clock is read as data" in check.reason for check in failures("verilog", wrong, pipeline=1)] == [True]


def changed(part: Part, place: int, product: list[int]) -> Part:
    """The part with one output inverted where all of some inputs are 1."""
    netlist = part.netlist
    builder = NetlistBuilder(netlist.num_inputs)
    ends = builder.embed(netlist, np.arange(netlist.num_inputs)).copy()
    terms = list(product)
    while len(terms) > 5:
        terms = [*terms[6:], int(builder.lut([terms[:6]], np.array([1 << 63], np.uint64))[0])]
    every = (1 << len(terms)) - 1
    table = sum(1 << address for address in range(2 * every + 2) if (address & 1) ^ (address >> 1 == every))
    ends[place] = builder.lut([[int(ends[place]), *terms]], np.array([table], np.uint64))[0]
    return replace(part, netlist=builder.build(ends))


def failed_parts(circuit: Circuit, design: Design, part: Part) -> list[str]:
    """The parts that fail in a design whose part of that name is another."""
    parts = tuple(part if own.name == part.name else own for own in design.parts)
    checks = check_design(circuit, replace(design, parts=parts), 60)
    return [check.part for check in checks if check.verdict == "failed"]


@pytest.mark.needs("abc")
@pytest.mark.parametrize("group", [2, 5, 8, 12])
def test_a_count_that_is_wrong_for_one_product_of_inputs_is_found(group: int) -> None:
    circuit = random_circuit(2, classes=2, group=group, luts=6)
    design = elaborate(circuit, encoder=False)
    part = next(part for part in design.parts if part.name == "popcount")
    width = part.outputs[0].width
    for place in {0, width - 1, 2 * width - 1}:
        for size in {2, group}:
            wrong = changed(part, place, list(range(size)))
            assert failed_parts(circuit, design, wrong) == ["popcount"]
    every = np.ones((1, 2 * group), bool)
    assert part.outputs[0].words(part.netlist.evaluate(every)).tolist() == [[group, group]]


@pytest.mark.needs("abc")
@pytest.mark.parametrize("objective", ["classification", "multilabel", "regression"])
def test_a_score_that_is_wrong_for_one_product_or_a_bias_off_by_one_is_found(objective: str) -> None:
    weights, bias = [[3, -2, 0], [0, 7, 1]], np.array([4, -9])
    circuit = random_circuit(
        3, classes=3, group=4, luts=9, objective=objective, affine={"weights": weights, "bias": bias}
    )
    design = elaborate(circuit, encoder=False)
    part = design.parts[-1]
    first = part.netlist.outputs.size - next(port.size for port in part.outputs if port.name == "scores")
    assert failed_parts(circuit, design, part) == []
    for product in ([0, 1], [0, 3], list(range(part.netlist.num_inputs))):
        assert failed_parts(circuit, design, changed(part, first, product)) == ["decision"]
    for number in range(2):
        for step in (-1, 1):
            off = bias + step * (np.arange(2) == number)
            other = replace(circuit, head=Head(3, weights=weights, bias=off))
            wrong = elaborate(other, encoder=False).parts[-1]
            if [port.width for port in wrong.outputs] == [port.width for port in part.outputs]:
                assert failed_parts(circuit, design, wrong) == ["decision"]


SWAPS: dict[str, Callable[[bytes], bytes]] = {
    "blif": lambda data: re.sub(rb"^(\.inputs)((?: \\\n)?) (\S+)(\s+\\?\n? ?)(\S+)", rb"\1\2 \5\4\3", data, flags=re.M),
    "aiger": lambda data: re.sub(rb"i0 (x.*)\ni1 (x.*)\n", rb"i0 \2\ni1 \1\n", data),
    "aiger-ascii": lambda data: re.sub(rb"i0 (x.*)\ni1 (x.*)\n", rb"i0 \2\ni1 \1\n", data),
}


@pytest.mark.needs("abc")
@pytest.mark.parametrize("layer", ["read-back", "formal"])
@pytest.mark.parametrize("format_", SWAPS)
def test_two_names_that_are_swapped_are_found(format_: str, layer: str) -> None:
    (data,) = FORMATS[format_].files(tiny(), Options()).values()
    swapped = SWAPS[format_](data)
    assert sorted(swapped) == sorted(data)
    assert swapped != data
    assert not failures(format_, data, layer)
    assert failures(format_, swapped, layer)


@pytest.mark.needs("abc")
def test_two_names_that_are_swapped_throughout_are_found() -> None:
    """BLIF whose logic reads one input for another, under the right list of inputs."""
    (data,) = FORMATS["blif"].files(tiny(), Options()).values()
    text = data.decode()
    a, b = "x[0][7]", "x[2][7]"
    head, body = re.split(r"(?<=\n)(?=\.names)", text, maxsplit=1)
    pair = rf"(?<= )({re.escape(a)}|{re.escape(b)})(?=\s)"
    swapped = head + re.sub(pair, lambda found: b if found[0] == a else a, body)
    assert swapped != text
    assert failures("blif", swapped, "formal")
    assert failures("blif", swapped)
