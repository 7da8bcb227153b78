"""Wrong files that were made to look right: each is refused or fails, and nothing of it is run."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from lutsmith.circuit import Circuit, Metadata
from lutsmith.circuit.file import save
from lutsmith.cli import run
from lutsmith.export import FORMATS, Options
from lutsmith.hardware import verify, verify_files
from lutsmith.hardware.tools import toolchain
from lutsmith.hardware.tools.confinement import TOOL
from lutsmith.hardware.tools.tool import Tool, ToolTimeout
from lutsmith.hardware.verification import runs
from tests.hardware.examples import tiny
from tests.tools import needs

needs_tools = pytest.mark.needs("yosys", "abc")

LAYERS = ("read-back", "formal")


def _model() -> Circuit:
    """Two classes and three features with names."""
    return replace(tiny(), classes=("cat", "dog"), metadata=Metadata(feature_names=("age", "height", "weight")))


def _export(format_: str, **options: object) -> str:
    (data,) = FORMATS[format_].files(_model(), Options(**options)).values()
    return data.decode()


def _found(format_: str, text: str, **options: object):
    return verify_files(_model(), format_, {"handed.in": text.encode()}, **{"layers": LAYERS, **options})


VERILOG_ATTACKS = {
    "another branch for everybody else": (
        r"(  assign bits\[0\] = )(\w+)(;)",
        "`ifdef YOSYS\n\\1\\2\\3\n`elsif VERILATOR\n\\1\\2\\3\n`else\n\\g<1>1'b0\\3\n`endif\n",
    ),
    "a constant as second driver": (r"(  \w+ u_decision)", r"  assign label = 1'b1;\n\1"),
    "a second driver of one bit": (r"(  \w+ u_decision)", r"  assign scores[1] = counts[0];\n\1"),
    "a second driver in a part": (r"(  assign bits\[0\] = )(\w+)(;)", r"\1\2;\n  assign bits[0] = 1'b0;"),
    "a constant as second driver in a part": (r"(  assign bits\[0\] = )(\w+)(;)", r"  assign bits[0] = 1'b0;\n\1\2;"),
    "the right label at another port": (
        r"(module lutsmith \((?s:.*)label)(,(?s:.*))(  \w+ u_decision .*)\.label\(label\)",
        r"\1,\n  output wire [0:0] label_o\2  assign label = 1'b0;\n\3.label(label_o)",
    ),
    "a port too many in a part": (
        r"(module lutsmith_encoder \(\n)((?:.*\n)*?.*x\[\d+\](?:.*\n)*.*u_encoder \()",
        r"\1  input wire x_o,\n\2.x_o(1'b0), ",
    ),
    "bits in another order": (r"(module lutsmith_network \(\n  input wire )\[(\d+):0\]", r"\1[0:\2]"),
    "ports of another width at the top": (r"(  output wire )\[(\d+):0\]( scores\n\);\n  //)", r"\1[\2:1]\3"),
    "a port that is signed": (r"(module lutsmith_network \(\n  input wire )", r"\1signed "),
    "a signal without a driver": (r"  assign bits\[0\] = .*", ""),
    "a signal that drives itself": (
        r"(  assign bits\[0\] = )(\w+)(;)",
        r"  wire own;\n  assign own = own & \2;\n\1own\3",
    ),
    "a bit that is not there": (r"(= )x\[0\];", r"\1x[99];"),
    "a signal that is not declared": (r"  wire \[\d+:0\] bits;\n", ""),
    "a module of its own": (r"(module lutsmith )", r"module DSP48E1 (input wire a); endmodule\n\1"),
    "a module twice": (r"(module lutsmith )", r"module lutsmith_popcount; endmodule\n\1"),
    "ports in another order": (r"(module lutsmith \(\n.*\n)(.*label),\n(.*scores)", r"\1\3,\n\2"),
    "numbers of classes that are signals": (
        r"  localparam integer CLASS_CAT = 0;.*\n  localparam integer CLASS_DOG = 1;.*\n",
        "  wire CLASS_CAT = 1'b1;\n  wire CLASS_DOG = 1'b0;\n",
    ),
    "swapped parts": (r"u_encoder \(\.x\(x\), \.bits\(bits\)\)", r"u_encoder (.x(~x), .bits(bits))"),
}


@pytest.mark.slow
@needs_tools
@pytest.mark.parametrize("attack", VERILOG_ATTACKS)
def test_wrong_verilog_does_not_hold(attack):
    pattern, wrong = VERILOG_ATTACKS[attack]
    text = _export("verilog")
    altered = re.sub(pattern, wrong, text, count=1)
    assert altered != text
    found = _found("verilog", altered, layers=(*LAYERS, "simulation"))
    assert found.outcome == "fails", str(found)
    assert {check.verdict for check in found.of("verilog", "simulation")} == {"not run"}


@needs_tools
def test_no_second_driver_passes_where_lint_is_all_there_is(monkeypatch):
    """Verilator alone lets a constant beside an instance pass: nothing is run that Yosys has not read."""
    find = toolchain._find
    monkeypatch.setattr(toolchain, "_find", lambda name, env: "yosys is hidden" if name == "yosys" else find(name, env))
    text = _export("verilog").replace("  lutsmith_decision u_", "  assign label = 1'b1;\n  lutsmith_decision u_")
    found = _found("verilog", text, layers=("simulation",))
    assert found.outcome == "not established"
    assert all(check.verdict != "simulated" for check in found.checks)


@pytest.mark.parametrize(
    ("format_", "old", "new"),
    [
        ("verilog", '"cat"', '"cow"'), ("verilog", "CLASS_CAT = 0", "CLASS_CAT = 1"), ("verilog", '"age"', '"AGE"'),
        ("verilog", "word > 1", "word > 2"), ("vhdl", '"cat"', '"cow"'), ("vhdl", "CLASS_CAT : ", "CLASS_DOG : "),
        ("vhdl", '"height"', '"weight"'), ("blif", '["cat", "dog"]', '["dog", "cat"]'),
        ("blif", '"low"', '"lo"'), ("aiger-ascii", '["cat", "dog"]', '["dog", "cat"]'),
        ("aiger-ascii", "classification", "regression"),
    ],
)  # fmt: skip
def test_other_names_and_numbers_for_readers_do_not_hold(format_, old, new):
    text = _export(format_)
    assert old in text
    found = _found(format_, text.replace(old, new), layers=("read-back",))
    assert [check.part for check in found.failures] == ["names"], str(found)


@pytest.mark.parametrize("name", ["CLASS_COW", "Class_cow", "class_2_is_cow"])
def test_a_signal_that_is_called_like_a_class_does_not_hold(name):
    text = _export("verilog")
    found = _found("verilog", text.replace("  wire [", f"  wire {name} = 1'b0;\n  wire [", 1), layers=("read-back",))
    assert [check.part for check in found.failures] == ["names"], str(found)
    assert found.failures[0].reason == f"{name} looks like the number of a class, and is something else"


@pytest.mark.parametrize("format_", ["verilog", "vhdl"])
@pytest.mark.parametrize("foreign", [True, False])
def test_tools_read_files_from_elsewhere_in_confinement_to_prove_them(monkeypatch, format_, foreign):
    tools = ["yosys", *(["ghdl"] if format_ == "vhdl" else [])]
    needs("abc", *tools)
    seen = set()
    run = Tool.run

    def watched(tool, args=(), input=None, cwd=None, timeout=None, limits=None, binary=False):  # noqa: A002
        if cwd is not None:
            seen.add((tool.name, limits))
        return run(tool, args, input, cwd, timeout, limits, binary)

    monkeypatch.setattr(Tool, "run", watched)
    files = {format_: {"handed.in": _export(format_).encode()}} if foreign else {}
    found = verify(_model(), (format_,), layers=("formal",), artifacts=files)
    assert found.outcome == "holds", str(found)
    assert {limits for name, limits in seen if name in tools} == {TOOL if foreign else None}
    assert {name for name, _ in seen} >= {*tools}


@pytest.mark.parametrize("format_", ["verilog", "vhdl", "blif", "aiger-ascii"])
def test_swapped_names_of_classes_do_not_hold(format_):
    text = _export(format_)
    swapped = re.sub(r"\b(cat|dog)\b", lambda name: {"cat": "dog", "dog": "cat"}[name[0]], text)
    assert swapped != text
    assert _found(format_, swapped, layers=("read-back",)).outcome == "fails"


@pytest.mark.parametrize("format_", ["blif", "aiger-ascii"])
def test_swapped_names_of_inputs_do_not_hold(format_):
    text = _export(format_)
    names = ("x[age][0]", "x[height][0]")
    swapped = text.replace(names[0], "?").replace(names[1], names[0]).replace("?", names[1])
    assert _found(format_, swapped, layers=LAYERS).outcome == "fails"


@needs_tools
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            ".end\n",
            ".subckt other a=x[age][0] b=label\n.end\n.model other\n.inputs a\n.outputs b\n.names a b\n1 1\n.end\n",
        ),
        (".end\n", ".exdc\n.names label\n1\n.end\n"),
        (".end\n", ".end\nand more\n"),
        (".end\n", ".names label[0]\n1\n.end\n"),
        (".end\n", ""),
    ],
)
def test_wrong_blif_does_not_hold(old, new):
    text = _export("blif")
    assert old in text
    assert _found("blif", text.replace(old, new, 1)).outcome == "fails"


@needs_tools
@pytest.mark.parametrize("format_", ["verilog", "blif", "aiger", "aiger-ascii"])
def test_files_hold_under_the_name_that_they_have(format_, tmp_path):
    files = FORMATS[format_].files(_model(), Options(name="cats_and_dogs"))
    found = verify_files(_model(), format_, files, layers=LAYERS)
    assert found.ok, str(found)
    assert verify_files(_model(), format_, files, layers=LAYERS, name="cats_and_dogs").ok


@needs_tools
def test_where_the_top_module_is_not_clear_a_name_is_asked_for():
    first, second = (_export("verilog", name=name) for name in ("one", "two"))
    found = verify_files(_model(), "verilog", {"a.v": first.encode(), "b.v": second.encode()}, layers=LAYERS)
    assert "2 modules NAME" in found.failures[0].reason


@needs_tools
def test_changes_that_change_nothing_hold():
    text = "// Changed by hand.\n`timescale 1ns / 1ps\n" + re.sub(r"\bl0_(\d)\b", r"lut\1_", _export("verilog"))
    found = _found("verilog", text)
    assert found.ok, str(found)
    (names,) = (check for check in found.checks if check.part == "names")
    assert "nothing vouches for 1 other (line 1: 'Changed by hand.')" in names.reason


def test_nothing_of_a_file_is_run_that_was_not_read_or_not_allowed(monkeypatch):
    def run_it(*_: object, **__: object) -> None:
        raise AssertionError("it was run")

    for name in ("c_compiler", "node"):
        monkeypatch.setattr(runs, name, run_it)
    monkeypatch.setattr(runs, "VERILOG_SIMULATORS", {"verilator": run_it})
    for format_ in ("c", "c-compact", "javascript"):
        found = _found(format_, _export(format_), layers=("simulation",))
        assert found.outcome == "not established"
        assert "run=True" in found.of(format_, "simulation")[0].reason
    bad = _export("verilog").replace("  wire [", '  initial $system("touch here");\n  wire [', 1)
    found = _found("verilog", bad, layers=("simulation",))
    assert found.outcome == "fails"
    assert "system task" in found.failures[0].reason


@pytest.mark.slow
@needs_tools
def test_a_simulation_alone_does_not_show_that_a_file_from_elsewhere_holds(monkeypatch):
    """It agrees on all rows that are run, and not on the one that its author keeps."""
    text = _export("verilog", words=24)
    trojan = re.sub(r"(  assign bits\[0\] = \w+)(;)", r"\1 ^ (x == 72'h123456_789abc_def012)\2", text, count=1)
    assert trojan != text
    assert _found("verilog", trojan, words=24).outcome == "fails"
    rows = {"layers": ("read-back", "simulation"), "words": 24}
    found = _found("verilog", trojan, **rows)
    assert not found.failures, str(found)
    assert found.outcome == "not established"
    find = toolchain._find
    monkeypatch.setattr(toolchain, "_find", lambda name, env: "abc is hidden" if name == "abc" else find(name, env))
    assert _found("verilog", trojan, words=24).outcome == "not established"


def test_code_that_is_not_the_export_s_is_not_established_by_its_runs():
    text = _export("c")
    altered = text.replace("best = c;", "best = c + 0;")
    assert altered != text
    found = _found("c", altered, layers=("read-back", "simulation"), run=True)
    assert not found.failures, str(found)
    assert found.outcome == "not established"
    assert _found("c", text, layers=("read-back", "simulation"), run=True).ok


def test_without_anything_established_nothing_is_ok():
    circuit = tiny()
    assert verify(circuit, ("c",), layers=()).outcome == "not established"
    assert verify(circuit, ()).outcome != "holds"
    found = verify(circuit, ("onnx",), layers=("formal",))
    assert found.outcome_of("onnx") == "not established"
    with pytest.raises(ValueError, match="no files for c"):
        verify_files(circuit, "c", {})
    with pytest.raises(ValueError, match="artifacts"):
        verify(circuit, ("json",), artifacts={"c": {"a.h": b""}})


@needs_tools
def test_a_proof_that_took_too_long_is_not_established(monkeypatch):
    def slow(*_: object, **__: object) -> None:
        raise ToolTimeout("yosys was stopped after 1 s; it printed nothing")

    monkeypatch.setattr("lutsmith.hardware.verification.readback.descriptions.read_verilog", slow)
    found = verify(tiny(), ("verilog",), layers=LAYERS)
    assert found.outcome == "not established", str(found)
    assert found.outcome_of("verilog") == "not established"


def test_without_any_tool_nothing_is_raised_and_nothing_holds(monkeypatch):
    monkeypatch.setattr(toolchain, "_find", lambda name, _: f"{name} is needed and not there. Install it: pip")
    found = verify(tiny(), ("verilog", "blif", "aiger", "c", "javascript"))
    assert found.outcome == "not established", str(found)


def test_exit_codes_tell_the_three_outcomes_apart(tmp_path, capsys):
    path = tmp_path / "model.lut"
    save(_model(), path)
    garbage = tmp_path / "garbage.v"
    garbage.write_text("module garbage; endmodule\n")
    header = tmp_path / "model.h"
    header.write_text(_export("c"))
    assert run(["verify", str(path), "--format", "json"]) == 0
    capsys.readouterr()
    for format_, code, *arguments in (
        ("verilog", 1, "--file", garbage, "--layers", "read-back"),
        ("verilog", 1, "--file", garbage),
        ("c", 3, "--file", header, "--layers", "simulation"),
        ("onnx", 3, "--layers", "formal"),
        ("json", 2, "--run"),
        ("json", 2, "--name", "top"),
    ):
        assert run(["verify", str(path), "--format", format_, "--json", *map(str, arguments)]) == code
        said = capsys.readouterr().out
        if code != 2:
            outcome = {1: "fails", 3: "not established"}[code]
            assert json.loads(said)["outcome"] == json.loads(said)["formats"][format_] == outcome
            assert json.loads(said)["ok"] is False
