"""VHDL that somebody hands in: what is right holds in every layer, and what simulates as something else does not."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from lutsmith.circuit import Circuit
from lutsmith.export import FORMATS, ExportError, Options, to_verilog
from lutsmith.export.hdl.names import in_vhdl
from lutsmith.hardware import verify, verify_files
from lutsmith.hardware.tools import confinement
from lutsmith.hardware.tools.confinement import Limits
from lutsmith.hardware.tools.tool import ToolFailed
from lutsmith.hardware.tools.toolchain import find, workspace
from lutsmith.hardware.verification.readers.modules import read_verilog
from lutsmith.logic import elaborate
from tests.export.cases import CASES
from tests.hardware.examples import tiny
from tests.tools import needs

needs_ghdl = pytest.mark.needs("ghdl", "yosys", "abc")
DEEP = {"words": 4, "pipeline": 2}
LAYERS = ("read-back", "formal")


def _model() -> Circuit:
    return replace(tiny(), classes=("setosa", "virginica"))


def _export(name: str = "lutsmith", **options: object) -> str:
    (data,) = FORMATS["vhdl"].files(_model(), Options(name=name, **(options or DEEP))).values()
    return data.decode()


def _found(*texts: str, layers=("read-back",), **options: object):
    files = {f"{place}.vhd": text.encode() for place, text in enumerate(texts)}
    return verify_files(_model(), "vhdl", files, layers=layers, **(options or DEEP))


def _halves(text: str) -> tuple[str, str]:
    """A file with the architecture of the network taken out, and that."""
    start = text.index("architecture logic of lutsmith_network")
    end = text.index("end architecture;", start) + len("end architecture;\n")
    return text[:start] + text[end:], text[start:end]


ATTACKS = {
    "a function that ends without a return": (
        "  signal r0",
        "function mux(s, t : std_logic) return std_logic is begin if s /= '1' then return t; end if; end;\nsignal r0",
        "line 38: : is there, expected ,",
    ),
    "logic that waits for the clock": (
        r"(  l0_0 <= .*;)",
        r"  process (clk)\n  begin\n  \1\n  end process;",
        "expected if",
    ),
    "a late clock": (
        r"begin\n((?:  u_.*\n)?.*)u_network(.*)\(clk => clk",
        r"  signal late : std_logic;\nbegin\n  late <= clk;\n\1u_network\2(clk => late",
        "clk",
    ),
    "a late clock in a part": (
        r"begin\n  (\w+ <= )",
        r"  signal late : std_logic;\nbegin\n  late <= clk;\n  \1",
        "clk",
    ),
    "a constant that is a signal": (
        "constant CLASS_SETOSA : integer := 0",
        "signal CLASS_SETOSA : integer := 1",
        "class_setosa",
    ),
    "a signal that looks like a constant": (
        "(  constant CLASS_SETOSA)",
        r"  signal class_0_is_virginica : std_logic;\n\1",
        "class_0",
    ),
    "ports in another order": (
        r"(    bits : in .*);\n(    outputs : out .*)\n",
        r"\2;\n\1\n",
        "port 3 of entity lutsmith_network is outputs",
    ),
    "a port more": (
        r"(    outputs : out .*)\n((?s:.*?)\nbegin\n)",
        r"\1;\n    more : out std_logic\n\2  more <= bits(0);\n",
        "port 5 of entity lutsmith_network is more : out std_logic, expected missing",
    ),
    "a port less": (
        r"(lutsmith_decision is(?s:.*?)    label_o : .*);\n    scores : .*\n((?s:.*?))(?:  scores\(\d\) <= .*\n)+",
        r"\1\n\2",
        "port 5 of entity lutsmith_decision is missing, expected scores : out",
    ),
    "clk and ce in another order": (r"(    clk : in .*\n)(    ce : in .*\n)", r"\2\1", "port 1 of entity .* is ce"),
    "a vector that starts elsewhere": (r"\((\d)(?= downto 0\);\n    outputs)", r"(1\1", "is bits"),
    "one bit that is bit 7": (r"\(0 downto 0\)", "(7 downto 7)", "expected 0"),
    "bits in another order": (r"\((\d+) downto 0\)", r"(0 to \1)", "holds to"),
    "a std_logic for a vector of one": (r"std_logic_vector\(0 downto 0\)", "std_logic", "label_o"),
    "a part that is not there": (r"  u_network .*\n", "", "Can't find top|no lutsmith_network"),
    "a signal that nothing drives": (
        r"(  signal l0_0)(.*\n(?s:.*?)begin\n(?s:.*?)  l0_\d <= )(.*);",
        r"  signal idle : std_logic;\n\1\2idle xor (\3);",
        "nothing drives",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_vhdl_that_simulates_as_something_else_is_refused(attack):
    pattern, wrong, told = ATTACKS[attack]
    text = _export()
    altered = re.sub(pattern, wrong, text, count=1)
    assert altered != text
    found = _found(altered)
    if attack == "a part that is not there":
        assert "nothing drives" not in str(found)  # a wire between parts is checked where they are joined
        needs("ghdl")
        found = _found(altered, layers=LAYERS)
    assert found.outcome == "fails", str(found)
    assert re.search(told, found.failures[0].reason), str(found)


def test_a_signal_between_parts_may_have_any_name():
    text = _export(words=4)
    top = text.index("architecture logic of lutsmith is")
    renamed = re.sub(r"(?<=signal )bits|(?<==> )bits", "wires", text[top:])
    assert renamed.count("wires") == 3
    assert not _found(text[:top] + renamed, words=4).failures


def test_two_architectures_of_an_entity_do_not_hold_in_any_order_of_files():
    rest, right = _halves(_export(words=4))
    wrong = right.replace(" <= ", " <= not ", 1)
    whole = _export(words=4)
    for texts in ((rest, wrong, right), (rest, right, wrong), (whole, wrong), (rest + right, rest + wrong)):
        assert _found(*texts, words=4).outcome == "fails"
    other = rest[rest.index("library ieee") :].replace("lutsmith", "LUTSMITH")
    found = _found(whole, other + wrong.replace("lutsmith", "LUTSMITH"), words=4)
    assert "2 entities NAME" in found.failures[0].reason
    found = _found(whole, (other + wrong).replace("entity lutsmith", "entity LUTSMITH"), words=4, name="lutsmith")
    assert "twice" in found.failures[0].reason


@pytest.mark.slow
@needs_ghdl
@pytest.mark.parametrize("options", [DEEP, {"words": 4}, {"pipeline": 1, "primitives": "xilinx"}])
def test_vhdl_that_is_handed_in_holds_in_every_layer(options):
    found = _found(_export(**options), layers=(*LAYERS, "simulation"), timeout=300, **options)
    assert found.ok, str(found)
    assert {check.layer for check in found.of("vhdl")} == {*LAYERS, "simulation"}
    assert [check.verdict for check in found.of("vhdl", "simulation")] == ["simulated"], str(found)


@pytest.mark.slow
@needs_ghdl
@pytest.mark.parametrize("name", ["LUT", "Mixed_Case", "lutsmith"])
def test_vhdl_holds_whatever_the_case_of_its_names(name):
    text = _export(name=name, **DEEP)
    texts = (
        [text]
        if name != "lutsmith"
        else [
            text.replace("entity lutsmith_encoder", "entity LUTSMITH_ENCODER"),
            "\n".join(code.partition("--")[0].upper() for code in text.split("\n")),
        ]
    )
    for chosen in texts:
        for asked in (None, name, name.upper()):
            found = verify_files(
                _model(), "vhdl", {"a.vhd": chosen.encode()}, layers=(*LAYERS, "simulation"), name=asked, **DEEP
            )
            assert found.ok, str(found)


@pytest.mark.slow
@pytest.mark.needs("yosys", "abc")
@pytest.mark.parametrize("name", ["Mixed_Case", "turn_on", "vivado", "LUT"])
def test_a_name_like_an_order_to_a_tool_is_still_a_name(name):
    for format_ in ("verilog", "vhdl"):
        files = FORMATS[format_].files(_model(), Options(name=name, **DEEP))
        for asked in (None, name):
            found = verify_files(_model(), format_, files, layers=("read-back",), name=asked, **DEEP)
            assert not found.failures, str(found)


@needs_ghdl
@pytest.mark.needs("yosys")
def test_what_yosys_warns_of_is_refused_but_in_what_ghdl_writes():
    design = elaborate(_model(), words=4)
    text = to_verilog(_model(), words=4)
    odd = text.replace("  wire [", "  wire odd = 1'd2;\n  wire [", 1)  # a literal that is longer than it says
    assert read_verilog({"a.v": text.encode()}, design, 60, confined=False).top
    with pytest.raises(ToolFailed, match="Literal has a width of 1 bit"):
        read_verilog({"a.v": odd.encode()}, design, 60, confined=False)
    of_vhdl = re.sub(r"\blabel\b", "label_o", odd)
    assert read_verilog({"a.v": of_vhdl.encode()}, in_vhdl(design), 60, confined=False, from_vhdl=True).top


@needs_ghdl
def test_files_of_parts_hold_in_any_order():
    text = "\n".join(line.partition("--")[0] for line in _export(words=4).split("\n"))
    parts = ["library ieee;" + part for part in text.split("library ieee;")[1:]]
    assert len(parts) == 5
    found = _found(*reversed(parts), layers=LAYERS, words=4)
    assert found.ok, str(found)


def _script(folder: Path, *, beside: str = "") -> Path:
    """A script ghdl that starts the real one from a child, and a program beside it."""
    script = folder / "ghdl"
    script.write_text(f'#!/bin/sh\nhere=$(dirname $0)\nexec {find("ghdl").argv[0]} "$@"\n')
    script.chmod(0o755)
    if beside:
        (folder / beside).symlink_to(find("ghdl").argv[0])
    return script


@needs_ghdl
def test_a_script_that_starts_ghdl_is_passed_over(monkeypatch, tmp_path):
    _script(tmp_path, beside="ghdl-llvm")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert find("ghdl").argv == (str(tmp_path / "ghdl-llvm"),)


@needs_ghdl
@pytest.mark.skipif(confinement.problem() is not None, reason="nothing can be confined here")
def test_what_confinement_refuses_is_not_run_rather_than_wrong(monkeypatch, tmp_path):
    script = _script(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    tool = find("ghdl")
    assert tool.source == str(script)
    with workspace() as folder, pytest.raises(ToolFailed, match=r"fork|status"):
        tool.run(["--version"], None, folder, 60, Limits(threads=True))
    found = _found(_export(words=4), layers=(*LAYERS, "simulation"), words=4)
    (simulated,) = found.of("vhdl", "simulation")
    assert simulated.verdict == "not run", str(found)
    assert "where it is confined" in simulated.reason
    assert found.ok, str(found)  # the proof stands


SLOW = ("1,000 classes", "classification, affine", "regression", "regression without a scale", "multilabel, affine")


@pytest.mark.slow
@pytest.mark.needs("yosys", "abc")
@pytest.mark.parametrize("format_", ["verilog", "vhdl", "blif", "aiger"])
@pytest.mark.parametrize("handed_in", [False, True])
def test_right_files_of_every_case_never_fail(format_, handed_in):
    told = {}
    for case in CASES.keys() - {*SLOW}:
        circuit = CASES[case]
        if handed_in:
            try:
                files = FORMATS[format_].files(circuit, Options(name="own"))
            except ExportError:
                continue
            found = verify_files(circuit, format_, files, layers=LAYERS)
        else:
            found = verify(circuit, (format_,), layers=LAYERS)
        if found.failures or (not found.ok and any(not check.reason for check in found.open)):
            told[case] = str(found)
        print(case, format_, found.outcome)
    assert not told, "\n".join(told.values())
