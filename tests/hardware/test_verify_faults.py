"""Planted faults are found, each by the layer that should find it, in every format."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from lutsmith.circuit import Circuit, Comparators, Netlist
from lutsmith.export import FORMATS, Options
from lutsmith.hardware import verify_files
from lutsmith.hardware.simulation.hdl import icarus
from lutsmith.hardware.tools.toolchain import available
from lutsmith.hardware.verification import runs
from lutsmith.hardware.verification.design.elaboration import check_design
from lutsmith.logic import Design, elaborate, pipelined
from tests.hardware.examples import tiny
from tests.tools import needs

QUICK = available("iverilog")
"""Icarus compiles in a moment. Where it is not, Verilator runs the same."""

TOOLS = {
    ("verilog", "formal"): ("yosys", "abc"),
    ("vhdl", "formal"): ("ghdl", "yosys", "abc"),
    ("verilog", "simulation"): ("iverilog", "vvp") if QUICK else ("verilator", "c++", "make", "perl"),
    ("vhdl", "simulation"): ("ghdl",),
    ("blif", "formal"): ("abc",),
    ("aiger", "formal"): ("abc",),
    ("aiger-ascii", "formal"): ("abc",),
    ("c", "simulation"): ("cc",),
    ("c-compact", "simulation"): ("cc",),
    ("javascript", "simulation"): ("node",),
    ("webassembly", "simulation"): ("node",),
}


def _changed(circuit: Circuit, fault: str) -> Circuit:
    """The circuit with one fault that some sample shows, whatever else it hits."""
    netlist, encoder = circuit.netlist, circuit.encoder
    fields = {name: getattr(netlist, name) for name in ("fanin", "fanin_ptr", "level_ptr", "outputs")}
    tables = netlist.tables().copy()
    rng = np.random.default_rng(0)
    rows = rng.uniform(-1, 256, (4000, encoder.num_features)).astype(np.float32)
    meant = circuit.decision_function(rows.clip(0, 255))
    for place in range(200):
        fanin, threshold = netlist.fanin.copy(), encoder.threshold.copy()
        words = tables.copy()
        if fault == "table":
            node = place % netlist.num_nodes
            words[node] ^= np.uint64(1 << int(rng.integers(1 << int(netlist.ranks[node]))))
        elif fault == "wire":
            slot = place % fanin.size
            fanin[slot] = rng.integers(netlist.num_inputs)
        else:
            threshold[place % threshold.size] += 1
        pool, index = np.unique(words, return_inverse=True)
        wrong = Netlist(
            netlist.num_inputs,
            **{**fields, "fanin": fanin},
            table_pool=pool,
            table_index=index.reshape(-1).astype(np.int32),
        )
        compared = Comparators(encoder.feature, threshold, encoder.num_features)
        candidate = Circuit(
            circuit.input_shape, compared, wrong, circuit.head, circuit.classes, circuit.objective, circuit.fitted_range
        )
        if (candidate.decision_function(rows.clip(0, 255)) != meant).mean() > (
            0.0005 if fault == "threshold" else 0.02
        ):
            return candidate
    raise AssertionError("no visible fault was found")


def _verdicts(format_: str, layer: str, files: dict[str, bytes], **options: object) -> set[str]:
    needs(*TOOLS.get((format_, layer), ()))
    found = verify_files(tiny(), format_, files, layers=(layer,), run=True, **options)
    assert not found.ok
    return {check.verdict for check in found.of(format_)}


@pytest.fixture(autouse=True)
def quick_simulator(monkeypatch):
    if QUICK:
        monkeypatch.setattr(runs, "VERILOG_SIMULATORS", {"iverilog": icarus})


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["table", "wire", "threshold"])
@pytest.mark.parametrize(
    ("format_", "layer"),
    [
        ("verilog", "formal"), ("verilog", "simulation"), ("vhdl", "formal"), ("vhdl", "simulation"),
        ("blif", "read-back"), ("blif", "formal"), ("aiger", "formal"), ("aiger-ascii", "formal"),
        ("json", "read-back"), ("json", "simulation"), ("c", "simulation"), ("c-compact", "simulation"),
        ("javascript", "simulation"), ("webassembly", "simulation"), ("onnx", "simulation"),
    ],
)  # fmt: skip
def test_a_fault_in_an_export_is_found(format_, layer, fault):
    if format_ == "onnx":
        needs("onnxruntime", "onnx")
    files = FORMATS[format_].files(_changed(tiny(), fault), Options())
    expected = "not decided" if (format_, layer) == ("blif", "read-back") else "failed"
    assert expected in _verdicts(format_, layer, files)


@pytest.mark.parametrize("format_", ["verilog", "vhdl"])
def test_a_dropped_register_is_found(format_):
    (text,) = (data.decode() for data in FORMATS[format_].files(tiny(), Options(pipeline=1)).values())
    source = re.search(r"\br5 <= (\w+);", text)
    assert source is not None
    first, end, rest = text.partition("endmodule" if format_ == "verilog" else "end architecture")
    lines = first.split("\n")
    for number, line in enumerate(lines):  # whoever reads r5 in the encoder reads what it would have taken
        left, assigned, right = re.split(r"( <?= )", line, maxsplit=1) if re.search(r" <?= ", line) else (line, "", "")
        lines[number] = left + assigned + re.sub(r"\br5\b", source[1], right)
    dropped = "\n".join(lines) + end + rest
    assert dropped != text
    suffix = FORMATS[format_].suffixes[0]
    assert "failed" in _verdicts(format_, "formal", {f"lutsmith{suffix}": dropped.encode()}, pipeline=1)


def test_a_file_that_has_lost_all_of_its_registers_is_found():
    needs("yosys", "abc")
    (text,) = (data.decode() for data in FORMATS["verilog"].files(tiny(), Options(pipeline=2)).values())
    bare = re.sub(r"  initial begin\n.*?  end\n", "", text, flags=re.DOTALL)
    bare = re.sub(r"  always @\(posedge clk\)\n    if \(ce\) begin", "  always @* begin", bare).replace(" <= ", " = ")
    found = verify_files(tiny(), "verilog", {"lutsmith.v": bare.encode()}, layers=("formal",), pipeline=2)
    parts = {check.part: check.verdict for check in found.of("verilog") if check.layer == "formal"}
    assert parts == {
        **dict.fromkeys(("encoder", "network", "popcount", "decision", "wiring"), "proved"),
        "registers": "failed",
    }, str(found)


def test_a_netlist_that_has_lost_all_of_its_latches_or_has_some_is_found():
    needs("abc")
    (text,) = (data.decode() for data in FORMATS["blif"].files(tiny(), Options(pipeline=2)).values())
    bare = re.sub(r"^\.latch (\S+) (\S+).*$", r".names \1 \2\n1 1", text, flags=re.MULTILINE)
    assert ".latch" in text
    found = verify_files(tiny(), "blif", {"a.blif": bare.encode()}, layers=("formal",), pipeline=2)
    assert [check.part for check in found.of("blif", "formal") if check.verdict == "failed"] == ["registers"], str(
        found
    )
    (text,) = (data.decode() for data in FORMATS["blif"].files(tiny(), Options()).values())
    name = re.search(r"^\.names (\S+ )+(\S+)$", text, re.MULTILINE)[2]
    late = re.sub(rf"^(\.names .*) {name}$", rf".latch soon {name} 0\n\1 soon", text, flags=re.MULTILINE)
    found = verify_files(tiny(), "blif", {"a.blif": late.encode()}, layers=("formal",))
    assert [check.part for check in found.of("blif", "formal") if check.verdict == "failed"] == ["registers"], str(
        found
    )


def test_wires_that_are_swapped_at_the_top_are_found():
    (text,) = (data.decode() for data in FORMATS["verilog"].files(tiny(), Options()).values())
    swapped = text.replace(".bits(bits), .outputs(outputs)", ".bits({bits[0], bits[1]}), .outputs(outputs)")
    assert swapped != text
    assert "failed" in _verdicts("verilog", "formal", {"lutsmith.v": swapped.encode()})


def test_registers_without_enable_or_on_the_falling_edge_are_found():
    (text,) = (data.decode() for data in FORMATS["verilog"].files(tiny(), Options(pipeline=2)).values())
    for altered in (text.replace("if (ce)", "if (1)", 1), text.replace("posedge clk", "negedge clk", 1)):
        assert altered != text
        assert "failed" in _verdicts("verilog", "formal", {"lutsmith.v": altered.encode()}, pipeline=2)


@pytest.mark.needs("abc")
@pytest.mark.parametrize("part", range(4))
def test_a_flipped_bit_in_a_design_is_found(part):
    circuit = tiny()
    design = elaborate(circuit)
    parts = list(design.parts)
    netlist = parts[part].netlist
    tables = netlist.tables().copy()
    tables[-1] ^= np.uint64(1)
    pool, index = np.unique(tables, return_inverse=True)
    kept = {name: getattr(netlist, name) for name in ("num_inputs", "fanin", "fanin_ptr", "level_ptr", "outputs")}
    wrong = Netlist(**kept, table_pool=pool, table_index=index.reshape(-1).astype(np.int32))
    parts[part] = type(parts[part])(parts[part].name, wrong, parts[part].inputs, parts[part].outputs)
    checks = list(
        check_design(circuit, Design(design.name, tuple(parts), design.words, design.classes, design.objective), 60)
    )
    assert [check.part for check in checks if check.verdict == "failed"] == [parts[part].name]


def test_a_register_too_many_in_a_design_is_found():
    design = pipelined(elaborate(tiny()), 2)
    parts = [*design.parts]
    parts[1] = type(parts[1])(
        parts[1].name, parts[1].netlist, parts[1].inputs, parts[1].outputs, latency=parts[1].latency + 1
    )
    checks = list(check_design(tiny(), replace(design, parts=tuple(parts)), 60))
    (wrong,) = (check for check in checks if check.verdict == "failed")
    assert wrong.part == "registers"
    assert wrong.reason == "not all paths through network cross as many registers"
    right = [*check_design(tiny(), design, 60)][-1]
    assert (right.part, right.verdict) == ("registers", "proved")
    assert right.reason == f"every path crosses {design.latency} registers"


@pytest.mark.parametrize(
    "format_", ["verilog", "vhdl", "blif", "aiger", "json", "c", "javascript", "webassembly", "onnx"]
)
def test_rubbish_fails_and_does_not_raise(format_):
    layer = "formal" if format_ in ("verilog", "vhdl") else "read-back" if format_ in ("blif", "aiger", "json") else ""
    suffix = FORMATS[format_].suffixes[0]
    if format_ == "onnx":
        needs("onnxruntime", "onnx")
    verdicts = _verdicts(format_, layer or "simulation", {f"lutsmith{suffix}": b"\x00 no file ( of this kind"})
    assert "failed" in verdicts
    assert verdicts <= {"failed", "not run"}
