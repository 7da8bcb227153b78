"""Names that hardware description languages allow, and text that is safe in their comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from lutsmith.export.errors import ExportError
from lutsmith.logic.design import Design

MAX_NAME = 200
"""Characters of the longest name of a design: files and identifiers get suffixes, and tools stop at 255 or more."""

MAX_QUOTED = 120
"""Characters of a name of the user's that a comment holds."""

# IEEE 1364-2001 annex B, and what IEEE 1800-2017 annex B adds: files are read as either.
_VERILOG = """
    accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before begin bind bins
    binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos config const
    constraint context continue cover covergroup coverpoint cross deassign default defparam design disable dist do edge
    else end endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup endinterface endmodule
    endpackage endprimitive endprogram endproperty endspecify endsequence endtable endtask enum event eventually expect
    export extends extern final first_match for force foreach forever fork forkjoin function generate genvar global
    highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies import incdir include initial inout input
    inside instance int integer interconnect interface intersect join join_any join_none large let liblist library local
    localparam logic longint macromodule matches medium modport module nand negedge nettype new nexttime nmos nor
    noshowcancelled not notif0 notif1 null or output package packed parameter pmos posedge primitive priority program
    property protected pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase
    randsequence rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0
    rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal showcancelled
    signed small soft solve specify specparam static string strong strong0 strong1 struct super supply0 supply1
    sync_accept_on sync_reject_on table tagged task this throughout time timeprecision timeunit tran tranif0 tranif1 tri
    tri0 tri1 triand trior trireg type typedef union unique unique0 unsigned until until_with untyped use uwire var
    vectored virtual void wait wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor
"""

# IEEE 1076-1993 section 13.9, and what 1076-2008 adds.
_VHDL = """
    abs access after alias all and architecture array assert assume assume_guarantee attribute begin block body buffer
    bus case component configuration constant context cover default disconnect downto else elsif end entity exit
    fairness file for force function generate generic group guarded if impure in inertial inout is label library linkage
    literal loop map mod nand new next nor not null of on open or others out package parameter port postponed procedure
    process property protected pure range record register reject release rem report restrict restrict_guarantee return
    rol ror select sequence severity shared signal sla sll sra srl strong subtype then to transport type unaffected
    units until use variable vmode vprop vunit wait when while with xnor xor
"""

VERILOG_WORDS, VHDL_WORDS = frozenset(_VERILOG.split()), frozenset(_VHDL.split())

_OWN = re.compile(r"clk|ce|mux|[lr]\d+(_\d+)?|u_.*|lut[1-6]|.*_\d+", re.IGNORECASE)
"""What emitters call signals of their own, the instances of parts, bits of ports, and primitives."""


def check_verilog(design: Design, taken: Iterable[str] = ()) -> None:
    """Raise ExportError where the names of a design do not do for Verilog and SystemVerilog, or a port's is taken."""
    _check(design, r"[A-Za-z_][A-Za-z0-9_]*", VERILOG_WORDS, "Verilog", "letters, digits and _, no digit first")
    for port in sorted({port.name for port in (*design.inputs, *design.outputs)}.intersection(taken)):
        raise ExportError(f"a port cannot be called {port!r} in this file: take another name")


def check_vhdl(design: Design) -> None:
    """Raise ExportError where the names of a design do not do for VHDL. Reserved names of ports get `vhdl_port`."""
    renamed = "letters, digits and single _ between them, a letter first"
    _check(design, r"[A-Za-z](_?[A-Za-z0-9])*", VHDL_WORDS, "VHDL", renamed)


def vhdl_port(name: str) -> str:
    """Return the name of a port in VHDL, where `label` is a reserved word: `label_o`."""
    return f"{name}_o" if name.lower() in VHDL_WORDS else name


def quoted(value: object) -> str:
    """Return a value of the user's as JSON in printable ASCII, cut where it is long: one line, safe in any comment.

    `*/` and a backslash at the end of the line cannot come out, nor a word that a tool takes for a command.
    """
    text = json.dumps(value).replace("*/", "*\\/").replace("\x7f", "\\u007f")
    return text if len(text) <= MAX_QUOTED else text[:MAX_QUOTED].rstrip("\\") + '..."'


def constants(prefix: str, labels: Iterable[object]) -> list[str]:
    """Return distinct identifiers for labels: the prefix and what of a label is letters and digits, in capitals."""
    names: list[str] = []
    taken: set[str] = set()
    for index, label in enumerate(labels):
        plain = re.sub(r"[^A-Z0-9]+", "_", str(label).upper()[:40]).strip("_")
        name = f"{prefix}_{plain}" if plain else f"{prefix}_{index}"
        while name in taken:  # an index is distinct, but a label may look like a name that was made distinct
            name = f"{name}_{index}"
        taken.add(name)
        names.append(name)
    return names


def modules_of(design: Design) -> list[str]:
    """Return the names of the modules of the parts: the design's name, `_`, the part's."""
    return [f"{design.name}_{part.name}" for part in design.parts]


def _check(design: Design, pattern: str, keywords: frozenset[str], language: str, rule: str) -> None:
    def check(kind: str, name: object) -> None:
        if not isinstance(name, str) or not re.fullmatch(pattern, name) or len(name) > MAX_NAME:
            raise ExportError(f"the {kind} {name!r} is no identifier of {language}: use up to {MAX_NAME} {rule}")

    check("name", design.name)
    if design.name.lower() in keywords:
        raise ExportError(f"the name {design.name!r} is a reserved word of {language}: take another")
    modules = [design.name, *modules_of(design)]
    for part in design.parts:
        check("name of a part", part.name)
    if len({module.lower() for module in modules}) != len(modules):
        raise ExportError(f"two parts of {design!r} have the same name")
    borders = [design.inputs, *(part.outputs for part in design.parts)]
    ports = [port.name for border in borders for port in border]
    for name in ports:
        check("port", name)
        if _OWN.fullmatch(name) or (language == "Verilog" and name in keywords):
            raise ExportError(f"a port cannot be called {name!r} in {language}: take another name")
    if design.name.lower() in {name.lower() for name in ports}:
        raise ExportError(f"the name {design.name!r} is that of a port: take another")
    if len({name.lower() for name in ports}) != len(ports):
        raise ExportError(f"two ports of {design!r} have the same name: {', '.join(ports)}")
