"""Verilog runs as the circuit, in Verilator and in Icarus, in every form; benches and streams see what is spoilt."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lutsmith import export
from lutsmith.circuit import Circuit
from lutsmith.export import ExportError

from .benches import SIMULATORS, run_benches
from .cases import CASES, edge_rows, ranks, with_range

pytestmark = pytest.mark.slow  # what they share is simulated at once, and takes many seconds

Files = dict[str, "str | bytes"]

FORMS = (
    {"words": 5},
    {"words": 5, "pipeline": 1},
    {"words": 5, "pipeline": 1, "primitives": "xilinx"},
    {"pipeline": 3},
    {"encoder": False},
    {"head": False, "words": 2},
)

FAULTS: dict[str, Callable[[str], str]] = {
    "table": lambda text: re.sub(r"assign label\[0\] = (\w+);", r"assign label[0] = ~\1;", text),
    "wire": lambda text: re.sub(r"assign outputs\[(\d+)\] = \w+;", r"assign outputs[\1] = bits_0;", text, count=3),
    "threshold": lambda text: re.sub(r"assign bits\[\d+\] = \w+;", lambda found: found[0].replace("= ", "= ~"), text),
    "register": lambda text: re.sub(
        r"assign (label\[0\]) = (r\d+);",
        r"reg late; always @(posedge clk) if (ce) late <= \2; assign \1 = late;",
        text,
    ),
    "register without enable": lambda text: text.replace("if (ce)", "if (1'b1)", 1),
    "enable tied": lambda text: text.replace(".ce(ce)", ".ce(1'b1)", 1),
    "clock tied": lambda text: text.replace(".clk(clk)", ".clk(1'b0)", 1),
    "clock and enable swapped": lambda text: text.replace(".clk(clk), .ce(ce)", ".clk(ce), .ce(clk)", 1),
    "vectors": lambda text: text,
}
"""What is done to the Verilog of a pipeline; vectors lose their second half instead."""


@pytest.fixture(scope="module", params=SIMULATORS)
def simulator(request: pytest.FixtureRequest) -> str:
    return request.param


def tiny() -> Circuit:
    return with_range(ranks(7, width=1))


def bench(circuit: Circuit, rows: np.ndarray, name: str, *, primitives: str = "portable", **options: object) -> Files:
    """The files of a circuit and its bench, of which only text is Verilog."""
    text = export.to_verilog(circuit, primitives=primitives, name=name, **options)
    made: Files = {f"{name}.v": text}
    for file, data in export.to_testbench(circuit, rows, name=name, **options).items():
        made[file] = data.decode() if file.endswith(".sv") else data
    return made


def simulated(simulator: str, designs: list[Files], folder: Path, *, clean: bool = False) -> dict[str, str]:
    """What the benches print, by the names of their designs, of files that are one dict a design."""
    files: Files = {"models.v": export.verilog_primitives()}
    for design in designs:
        files |= design
    tops = [file.removesuffix(".sv") for file in files if file.endswith("_tb.sv")]
    said = [line for line in run_benches(simulator, tops, files, folder, clean=clean) if line[:4] in ("PASS", "FAIL")]
    assert len(said) == len(tops)
    return {line.split()[1]: line for line in said}


RUN = [
    (case, primitives)
    for case, circuit in CASES.items()
    if circuit.netlist.outputs.size
    for primitives in ("portable", "xilinx")
]


@pytest.fixture(scope="module")
def every_circuit(simulator: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    designs = []
    for number, (case, primitives) in enumerate(RUN):
        rows = edge_rows(CASES[case], samples=20)
        rows = rows[np.random.default_rng(0).permutation(len(rows))[:40]]
        # Unlike expressions, primitives ripple: a thousand scores compared one after another would take minutes.
        head = (case, primitives) != ("1,000 classes", "xilinx")
        designs.append(bench(CASES[case], rows, f"case{number}", primitives=primitives, head=head))
    return simulated(simulator, designs, tmp_path_factory.mktemp("every"), clean=True)


@pytest.mark.parametrize(("case", "primitives"), RUN)
def test_every_circuit_simulates_as_itself_and_lints_clean(case: str, primitives: str, every_circuit) -> None:
    assert every_circuit[f"case{RUN.index((case, primitives))}"].startswith("PASS")


def test_a_circuit_without_outputs_has_no_bench() -> None:
    export.to_verilog(CASES["nothing"])
    with pytest.raises(ExportError, match="no outputs"):
        export.to_testbench(CASES["nothing"], np.zeros((1, 1)))


@pytest.fixture(scope="module")
def forms_and_faults(simulator: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    circuit = tiny()
    designs = [
        bench(circuit, edge_rows(circuit, samples=30)[-60:], f"form{number}", **options)
        for number, options in enumerate(FORMS)
    ]
    state = ranks(4, registers=5, width=1)
    designs.append(bench(state, edge_rows(state, samples=50)[:50], "state"))
    for number, (fault, spoil) in enumerate(FAULTS.items()):
        name = f"fault{number}"
        made = bench(circuit, edge_rows(circuit, samples=100), name, words=5, pipeline=1, primitives="xilinx")
        made[f"{name}.v"] = spoil(str(made[f"{name}.v"]))
        if fault == "vectors":
            vectors = made[f"{name}_vectors.hex"]
            made[f"{name}_vectors.hex"] = bytes(vectors[: len(vectors) // 2])
        designs.append(made)
    return simulated(simulator, designs, tmp_path_factory.mktemp("forms"))


@pytest.mark.parametrize("options", FORMS)
def test_every_form_simulates_as_the_circuit(options: dict[str, object], forms_and_faults) -> None:
    assert forms_and_faults[f"form{FORMS.index(options)}"].startswith("PASS")


def test_a_state_is_benched_as_one_run(forms_and_faults) -> None:
    assert forms_and_faults["state"].startswith("PASS")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_by_simulation(fault: str, forms_and_faults) -> None:
    name = f"fault{[*FAULTS].index(fault)}"
    whole = export.to_verilog(tiny(), words=5, pipeline=1, primitives="xilinx", name=name)
    assert (FAULTS[fault](whole) == whole) is (fault == "vectors")
    assert forms_and_faults[name].startswith(f"FAIL {name} samples=")
    assert "sample=" in forms_and_faults[name]
