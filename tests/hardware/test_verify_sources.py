"""Files of logic that tools could read differently are refused, and everything that exports write is read."""

from __future__ import annotations

import re

import pytest

from lutsmith.export import ExportError, to_aiger, to_blif, to_verilog, to_vhdl
from lutsmith.hardware.verification.sources import (
    Comment,
    Refused,
    compare_comments,
    read_aiger_comment,
    read_blif,
    read_verilog_source,
    read_vhdl_source,
)
from lutsmith.hardware.verification.sources.comments import shown
from tests.export.cases import CASES
from tests.hardware.examples import tiny

VERILOG = to_verilog(tiny(), pipeline=1, words=4)
VHDL = to_vhdl(tiny(), pipeline=1, words=4)


def _lines_of(text: str, reader) -> dict[str, Comment]:
    return {comment.text: comment for comment in reader(text.encode(), None).comments}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "options"),
    [
        (case, options)
        for case in CASES
        for options in ({}, {"pipeline": 1}, {"primitives": "xilinx"}, {"comments": False})
        if case != "1,000 classes" or not options  # whose text is long, and not of another kind
    ],
)
def test_what_exports_write_is_plain(case, options):
    circuit = CASES[case]
    for write, reader in ((to_verilog, read_verilog_source), (to_vhdl, read_vhdl_source)):
        try:
            text = write(circuit, **options)
        except ExportError:
            continue
        source = reader(text.encode(), _lines_of(text, reader))
        assert source.units[-1] == "lutsmith"
    if not {"primitives", "comments"} & options.keys():
        assert read_blif(to_blif(circuit, **options).encode()).units == ("lutsmith",)
        for binary in (True, False):
            comment = read_aiger_comment(to_aiger(circuit, binary=binary, **options))
            assert comment.units == ("lutsmith",)
            assert comment.comments[0].text == 'lutsmith name: "lutsmith"'


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("`ifdef YOSYS", "directive"),
        ("`define assign wire", "directive"),
        ('`include "other.v"', "directive"),
        ("`celldefine", "directive"),
        ("// synopsys translate_off", "order to a tool"),
        ("/* synthesis full_case */", "order to a tool"),
        ("// pragma protect begin", "order to a tool"),
        ("// verilator lint_off MULTIDRIVEN", "order to a tool"),
        ("// tool coverage_off", "order to a tool"),
        ("(* keep *)", "attribute"),
        ("initial $finish;", "system task"),
        ("assign \\label = 1'b0;", "escaped"),
        ("assign label = 1'bx;", "not understood"),
        ("assign label = 4'b10z1;", "not understood"),
        ("assign label = 1'b?;", "not understood"),
        ("assign #3 label = 1'b0;", "delay"),
        ("defparam u.p = 1;", "defparam"),
        ("wand label;", "wand"),
        ("initial begin bits = 1'b1; end", "initial value"),
        ("initial r0 = 1'b1;", "initial value"),
        ("reg late = 1'b1;", "where it is declared"),
        ("always @(bits) label = 1'b0;", "list of events"),
        ("always @(posedge clk or negedge ce) r0 <= 1'b0;", "list of events"),
        ("always begin : named end", "events"),
        ("always @(posedge clk) r0 = 1'b0;", "blocking"),
        ("always @* begin : named label = 1'b0; end", "block with a name"),
        ("localparam WIDTH = 3;", "parameter"),
        ("parameter WIDTH = 3;", "parameter"),
        ("integer i;", "integer"),
        ("function f; input i; f = i; endfunction", "function"),
        ("casez (bits) default: label = 1'b0; endcase", "casez"),
        ('wire [7:0] s = "a";', "string"),
        ("module LUT6; endmodule", "model of LUT6"),
        ("/* one /* two */", "another one"),
        ("assign late = 1'b0; assign late = 1'b1;", "drives late"),
        ("wire late = 1'b0; assign late = 1'b1;", "drives late"),
        ("assign late[0] = 1'b0; assign late[1:0] = 2'b1;", "drives late"),
        ("assign late[0] = 1'b0; assign late = 2'b1;", "drives late"),
        ("assign late = 2'b1; assign late[0] = 1'b0;", "drives late"),
        ("reg a; always @* a = ce; always @* if (ce) a = 1'b0; else a = 1'b0;", "drives a"),
        ("wire early = 1'b0, late = 1'b0; assign late = 1'b1;", "drives late"),
        ("assign early = 1'b0, late = 1'b0, late = 1'b1;", "drives late"),
        ("assign late = ce / ce;", "/, which"),
        ("assign late = ce % ce;", "%, which"),
        ("assign late = ce === ce;", "===, which"),
        ("assign {one, two} = 2'b0;", "several"),
        ("wire a;\rwire b;", "character"),
        ("wire \u00e4;", "character"),
        ("wire a\u00a0;", "character"),
        ("wire a\x0c;", "character"),
        ("// hidden \u2028 line", "character"),
        ("wire a$b;", "not understood"),
    ],
)
def test_verilog_that_tools_read_differently_is_refused(line, said):
    text = VERILOG.replace("  wire [", f"{line}\n  wire [", 1)
    with pytest.raises(Refused, match=said):
        read_verilog_source(text.encode(), _lines_of(VERILOG, read_verilog_source))


def test_verilog_with_harmless_changes_is_read():
    text = "`timescale 1ns / 1ps\n`default_nettype none\n// Changed by hand: \u00e4\n" + VERILOG.replace("\n", "\r\n")
    source = read_verilog_source(text.encode(), _lines_of(VERILOG, read_verilog_source))
    assert len(source.units) == 5


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("`if TOOL_TYPE = \"SIMULATION\" then", "directive"),
        ("-- pragma translate_off", "order to a tool"),
        ("-- synthesis translate_on", "order to a tool"),
        ("-- ghdl synthesis_off", "order to a tool"),
        ("/* block */", "VHDL-2008"),
        ("signal \\label\\ : std_logic;", "extended"),
        ("signal s : std_logic := 'X';", "neither 0 nor 1"),
        ("signal s : std_logic_vector(1 downto 0) := \"1Z\";", "string"),
        ("function \"and\" (a, b : std_logic) return std_logic is begin return a; end;", "string"),
        ("function other (a : std_logic) return std_logic is begin return a; end;", "function"),
        ("attribute keep : string;", "attribute"),
        ("use std.textio.all;", "uses"),
        ("use work.other.all;", "uses"),
        ("use ieee.std_logic_1164.all, work.other.all;", "uses"),
        ("library other;", "library"),
        ("constant late : time := 3 ns;", "constant"),
        ("process (ce) begin end process;", "waits"),
        ("process begin wait; end process;", "wait"),
        ("assert false;", "assert"),
        ("s <= transport '1' after 3 ns;", "after|transport"),
        ("configuration c of lutsmith is", "configuration"),
        ("alias a : std_logic is b;", "alias"),
        ("architecture other of lutsmith_encoder is begin end architecture;", "two of architecture"),
        ("architecture other of LUTSMITH_ENCODER is begin end architecture;", "two of architecture"),
        ("architecture other of lutsmith is begin end architecture;", "not declared before it"),
        ("entity LUTSMITH_ENCODER is end entity;", "two of entity"),
        ("entity other is end entity;", "has no architecture"),
        ("entity lutsmith_network is end entity;", "two of entity"),
    ],
)  # fmt: skip
def test_vhdl_that_tools_read_differently_is_refused(line, said):
    text = VHDL.replace("end architecture;", f"end architecture;\n{line}", 1)
    with pytest.raises(Refused, match=said):
        read_vhdl_source(text.encode(), _lines_of(VHDL, read_vhdl_source))


MUX = VHDL[VHDL.index("  function mux") : VHDL.index("end function;") + len("end function;\n")]
PROCESS = "  process (clk)\n  begin\n    if rising_edge(clk) then\n      if ce = '1' then\n"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (MUX, MUX + MUX.replace("s, t, f", "s, t").replace("    return f;\n", ""), "two functions"),
        (MUX, MUX.replace("    return f;\n", ""), "expected return"),
        (MUX, MUX.replace("s = '1'", "s /= '1'"), "expected ="),
        (MUX, MUX.replace("s, t, f", "s, f, t"), "expected t"),
        (MUX, "", "no such function"),
        (MUX, "  signal mux : std_logic;\n" + MUX, "the name mux"),
        ("  process (clk)", "  process (clk)\n  begin\n  late <= '0';\n  end process;\n  process (clk)", "expected if"),
        ("rising_edge(clk)", "clk = '1'", "expected rising_edge"),
        ("rising_edge(clk)", "rising_edge(ce)", "expected clk"),
        ("      if ce = '1' then", "      if r0 = '1' then", "expected ce"),
        ("      if ce = '1' then", "      if ce = '0' then", "expected '1'"),
        (PROCESS, PROCESS.replace("begin\n", "begin\n late <= '0';\n"), "expected if"),
        ("  bits(0) <= r0;", "  bits(0) <= clk;", "clk stands where"),
        ("  bits(0) <= r0;", "  bits(0) <= r0 and ce;", "ce stands where"),
        ("  bits(0) <= r0;", "  ce <= '1';\n  bits(0) <= r0;", "ce stands where"),
        ("_network port map (clk => clk", "_network port map (clk => ce", "clk => clk"),
        ("_network port map (clk => clk", "_network port map (clk => late", "clk => clk"),
        ("_network port map (clk => clk, ce => ce, bits", "_network port map (clk => clk, ce => ce, b => clk, b", "k"),
        ("  signal bits :", "  signal clk : std_logic;\n  signal bits :", "the name clk"),
        ("  signal bits :", "  signal CLASS_0 : integer := 1;\n  signal bits :", "constants for classes"),
        ("  signal bits :", "  signal Label_0 : std_logic;\n  signal bits :", "constants for classes"),
        ("  signal bits :", "  signal target_0 : std_logic;\n  signal bits :", "constants for classes"),
        ("  signal bits :", "  signal many : integer := 1;\n  signal bits :", "expected std_logic"),
        ("  signal bits :", "  signal integer : std_logic;\n  signal bits :", "the name integer"),
        ("  signal bits :", "  signal bits, bits :", "the name bits"),
        ("  bits(0) <= r0;", "  bits(0) <= now;", "now stands where"),
        ("  bits(0) <= r0;", "  bits(0) <= is_x(r0);", "expected a number"),
        ("  bits(0) <= r0;", "  bits(0) <= r0;\n  bits(0) <= r0;", "second statement"),
        ("  bits(0) <= r0;", "", "not driven"),
        ("  signal r0,", "  signal idle, r0,", None),
        ("  bits(0) <= r0;", "  bits(0) <= bits(1);", "output bits is read"),
        ("  bits(0) <= r0;", "  x(0) <= r0;\n  bits(0) <= r0;", "input x is driven"),
        ("  bits(0) <= r0;", "  bits(0) <= r0 and r1 or r0;", "expected ;"),
        ("  bits(0) <= r0;", f"  bits(0) <= {'(' * 500}r0{')' * 500};", "too many"),
        ("(3 downto 0)", "(0 to 3)", "holds to"),
        ("(3 downto 0)", "(13 downto 10)", "expected 0"),
        ("    clk : in std_logic;", "    clk : in std_logic_vector(0 downto 0);", "expected clk"),
        (" : in std_logic_vector", " : inout std_logic_vector", "core of VHDL"),
    ],
)  # fmt: skip
def test_vhdl_of_another_form_than_exports_is_refused(old, new, said):
    start = 0 if old != MUX else VHDL.index(old)
    assert old in VHDL
    text = VHDL[:start] + VHDL[start:].replace(old, new, 1)
    if said is None:
        assert len(read_vhdl_source(text.encode(), None).units) == 5
        return
    with pytest.raises(Refused, match=said):
        read_vhdl_source(text.encode(), None)


def test_harmless_directives_may_stand_in_any_line_of_verilog():
    lines = VERILOG.split("\n")
    plain = read_verilog_source(VERILOG.encode(), None)
    for place in range(0, len(lines), 3):
        added = ["`timescale 1ns / 1ps", "`default_nettype none"][place % 2]
        source = read_verilog_source("\n".join([*lines[:place], added, *lines[place:]]).encode(), None)
        assert (source.units, source.constants, source.declared) == (plain.units, plain.constants, plain.declared)
        assert [comment.text for comment in source.comments] == [comment.text for comment in plain.comments]


@pytest.mark.parametrize("place", range(3))
def test_calls_within_calls_are_refused_where_they_are_too_deep(place):
    call = re.search(r"<= mux\((\w+), .*;", VHDL)
    assert call is not None
    name = call[1]
    for depth, refused in ((3, False), (500, True)):
        nested = name
        for _ in range(depth):
            arguments = [name, name, name]
            arguments[place] = nested
            nested = f"mux({', '.join(arguments)})"
        text = VHDL.replace(call[0], f"<= {nested};")
        if refused:
            with pytest.raises(Refused, match="too many parentheses"):
                read_vhdl_source(text.encode(), None)
        else:
            assert len(read_vhdl_source(text.encode(), None).units) == 5


def test_texts_are_shown_on_one_line_and_cut_where_they_are_long():
    assert shown("cat \u202e\n") == "'cat \\u202e\\n'"
    assert shown("a" * 60) == repr("a" * 60)
    assert shown("a" * 61) == repr("a" * 60 + "...")
    assert shown("abc", 2) == "'ab...'"


@pytest.mark.slow
def test_vhdl_that_is_cut_off_says_what_is_missing():
    said = set()
    for match in re.finditer(r"\s+", VHDL):
        text = VHDL[: match.start()]
        try:
            read_vhdl_source(text.encode(), None)
        except Refused as refused:
            said.add(re.sub(r"^refused: line \d+: ", "", str(refused)))
    ends = {message for message in said if message.startswith("the end of the file is there")}
    assert len(ends) > 20
    assert all(re.fullmatch(r"the end of the file is there, expected .+, as in the export", each) for each in ends)
    assert not any("None" in each for each in said)


def test_vhdl_with_harmless_changes_is_read():
    text = "-- Changed by hand: \u00e4\n" + VHDL.replace("\n", "\r\n").replace("  ", "\t").upper().replace("R0", "Held")
    text = text.replace("END FUNCTION;", "END FUNCTION MUX;").replace("END ARCHITECTURE;", "END LOGIC;")
    assert len(read_vhdl_source(text.encode(), None).units) == 5


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (".end", ".subckt other a=b\n.end", "is .subckt"),
        (".end", ".exdc\n.names a\n1\n.end", "is .exdc"),
        (".end", ".search other.blif\n.end", "is .search"),
        (".end", ".gate nand2 a=b\n.end", "is .gate"),
        (".end", ".end\n.model other", "behind .end"),
        (".end", ".end\nrubbish", "behind .end"),
        (".end", "", "no .end"),
        (".end", ".model other\n.end", "2 models"),
        (".end", ".default_input_arrival 0 0\n.end", "is .default"),
        (" 0\n", " fe clk 0\n", "register"),
        (" 0\n", "\n", "register"),
        (" 0\n", " 2\n", "register"),
        (".outputs", ".names a b \\ \n.outputs", "blanks"),
        (".outputs", ".names a b \\ # c\n.outputs", "blanks"),
        (".outputs", ".names a\\\n b\n.outputs", "within a word"),
        (".outputs", " .names a b\n.outputs", "blanks before"),
        (".outputs", ".names a b # c\n.outputs", "behind a command"),
        (".outputs", ".names a\u00a0b\n.outputs", "character"),
        (".outputs", ".names a\rb\n.outputs", "character"),
    ],
)
def test_blif_that_tools_read_differently_is_refused(old, new, said):
    text = to_blif(tiny(), pipeline=1, words=4)
    with pytest.raises(Refused, match=said):
        read_blif(text.replace(old, new, 1).encode())


@pytest.mark.parametrize(
    "data", [b"", b"aag", b"aag 1 1 0 0 0 1\n2\n0\n", b"aag 5 1 0 0 4\n2\n", b"aig 9 1 0 1 8\n3\n\x80"]
)
def test_aiger_of_another_kind_or_cut_off_is_refused(data):
    with pytest.raises(Refused, match="refused"):
        read_aiger_comment(data)


WRITTEN = [Comment(number, text) for number, text in enumerate(["prose", 'class 0: "a"', 'class 1: "b"', "more prose"])]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (['class 0: "b"', 'class 1: "a"'], "not the export's: 'class 0: \"b\"' where 'class 0: \"a\"' was expected"),
        (['class 1: "b"', 'class 0: "a"'], "where it does not stand"),
        (["more prose", "prose"], "where it does not stand"),
        (['class 0: "a"', 'class 1: "c"'], "not the export's"),
        (['class 0: "a"', 'class 0: "a"'], "where it does not stand"),
        (['class 0: "a"', "class 1 is the b"], "not the export's"),
        (["changed by hand"], "not the export's"),
    ],
)
def test_comments_in_place_of_others_are_found(texts, said):
    problem = compare_comments([Comment(1, text) for text in texts], WRITTEN, ["cats"]).problem
    assert problem is not None
    assert said in problem


@pytest.mark.parametrize(
    ("added", "said"),
    [
        (["changed by 2 people"], "says something of the model"),
        (["it is \u201ca\u201d"], "says something of the model"),
        (["The first class is the one"], "says something of the model"),
        (["of cats and dogs"], "says something of the model"),
        (["CATS_AND_DOGS"], "says something of the model"),
        (["of wildcats"], "says something of the model"),
        (["of c++ too"], "says something of the model"),
        (["so " * 100], "too many to vouch for"),
        (["yosys keep"], "which some tools obey"),
        (["#__PURE__"], "which some tools obey"),
        ([f"note {letter}" for letter in "abcdefghijklmnopqrstuv"], "more than 20"),
    ],
)
def test_what_no_comment_that_was_added_may_say(added, said):
    found = [*WRITTEN, *(Comment(9, text) for text in added)]
    problem = compare_comments(found, WRITTEN, ["cats", "c++"]).problem
    assert problem is not None
    assert said in problem


@pytest.mark.parametrize(
    "texts", [[], ["prose"], ['class 0: "a"'], ['class 0: "a"', "changed by many people", 'class 1: "b"']]
)
def test_comments_may_be_missing_and_nothing_vouches_for_new_ones(texts):
    compared = compare_comments([Comment(1, text) for text in texts], WRITTEN)
    changed = "changed by many people" in texts
    assert compared.problem is None
    assert compared.kept == len(texts) - changed
    assert compared.added == ("; nothing vouches for 1 other (line 1: 'changed by many people')" if changed else "")
