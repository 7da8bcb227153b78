"""VHDL runs as the circuit: in ghdl, and line for line as SystemVerilog in Verilator, which is where ghdl is not."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from lutsmith import export
from lutsmith.circuit import Circuit
from lutsmith.hardware.simulation.hdl import ghdl
from lutsmith.logic import Design

from .benches import run_benches
from .cases import CASES, edge_rows, ranks, with_range
from .vhdl import as_verilog

pytestmark = pytest.mark.slow  # what they share is simulated at once, and takes many seconds

FORMS = (
    {"words": 5},
    {"words": 5, "pipeline": 1},
    {"words": 2, "pipeline": 1, "primitives": "xilinx"},
    {"words": 3, "pipeline": 3},
    {"encoder": False, "primitives": "xilinx"},
    {"head": False, "words": 2},
)

FAULTS: dict[str, Callable[[str], str]] = {
    "table": lambda text: re.sub(r"label_o\(0\) <= (\w+);", r"label_o(0) <= not \1;", text),
    "register without enable": lambda text: text.replace("if ce = '1' then", "if clk = '1' then", 1),
    "falling edge": lambda text: text.replace("rising_edge", "falling_edge", 1),
    "enable tied": lambda text: text.replace("ce => ce", "ce => '1'", 1),
    "clock tied": lambda text: text.replace("clk => clk", "clk => '0'", 1),
    "clock and enable swapped": lambda text: text.replace("clk => clk, ce => ce", "clk => ce, ce => clk", 1),
    "choice turned": lambda text: text.replace("if s = '1' then", "if s = '0' then"),
}

CIRCUIT = with_range(ranks(7, width=1))
RUN = [case for case, circuit in CASES.items() if circuit.netlist.outputs.size and case != "1,000 classes"]


def bench(name: str, circuit: Circuit, rows: np.ndarray, spoil: Callable[[str], str] = str, **options: object) -> dict:
    """The files of a circuit and its bench, the VHDL as SystemVerilog."""
    primitives = options.pop("primitives", "portable")
    text = spoil(export.to_vhdl(circuit, primitives=primitives, name=name, **options))
    made = export.to_testbench(circuit, rows, name=name, **options)
    testbench = made[f"{name}_tb.sv"].decode().replace(".label(label)", ".label_o(label)")
    return {**made, f"{name}.sv": as_verilog(text), f"{name}_tb.sv": testbench}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each bench prints, by the name of its design."""
    files = {"models.sv": as_verilog(export.vhdl_primitives())}
    rng = np.random.default_rng(0)
    for number, case in enumerate(RUN):
        circuit = with_range(CASES[case])
        rows = edge_rows(circuit, samples=20)
        files |= bench(f"case{number}", circuit, rows[rng.permutation(len(rows))[:40]], words=4)
    rows = edge_rows(CIRCUIT, samples=100)
    for number, options in enumerate(FORMS):
        files |= bench(f"form{number}", CIRCUIT, rows[-60:], **options)
    for number, spoil in enumerate(FAULTS.values()):
        files |= bench(f"fault{number}", CIRCUIT, rows, spoil, words=2, pipeline=1)
    tops = [name.removesuffix(".sv") for name in files if name.endswith("_tb.sv")]
    printed = run_benches("verilator", tops, files, tmp_path_factory.mktemp("vhdl"))
    return {line.split()[1]: line for line in printed if line[:4] in ("PASS", "FAIL")}


@pytest.mark.parametrize("case", RUN)
def test_every_circuit_runs_as_itself(case: str, said: dict[str, str]) -> None:
    assert said[f"case{RUN.index(case)}"].startswith("PASS")


@pytest.mark.parametrize("options", FORMS)
def test_every_form_runs_as_the_circuit(options: dict[str, object], said: dict[str, str]) -> None:
    assert said[f"form{FORMS.index(options)}"].startswith("PASS")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, said: dict[str, str]) -> None:
    whole = export.to_vhdl(CIRCUIT, words=2, pipeline=1)
    assert FAULTS[fault](whole) != whole
    assert said[f"fault{[*FAULTS].index(fault)}"].startswith("FAIL")


def compared(design: Design, text: str) -> bool:
    """Whether ghdl says of random bits, with the enable taken away now and then, what the design says."""
    bits = np.random.default_rng(0).integers(0, 2, (80, sum(port.size for port in design.inputs))).astype(bool)
    values = bits
    for part in design.parts:
        values = part.evaluate(values)
    return np.array_equal(ghdl({"tiny.vhd": text.encode()}, design, bits, 100), values)


@pytest.mark.needs("ghdl")
@pytest.mark.parametrize("options", FORMS)
def test_ghdl_runs_every_form_as_the_design(options: dict[str, object]) -> None:
    plain = {key: value for key, value in options.items() if key not in ("primitives", "pipeline")}
    text = export.to_vhdl(CIRCUIT, name="tiny", **options)
    design = export.designed(CIRCUIT, name="tiny", pipeline=options.get("pipeline"), **plain)
    assert compared(design, text)


@pytest.mark.needs("ghdl")
@pytest.mark.parametrize("fault", FAULTS)
def test_ghdl_finds_a_planted_fault(fault: str) -> None:
    options = {"words": 2, "pipeline": 1, "name": "tiny"}
    text = export.to_vhdl(CIRCUIT, **options)
    assert not compared(export.designed(CIRCUIT, **options), FAULTS[fault](text))
