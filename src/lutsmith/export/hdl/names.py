"""Names that hardware description languages allow, and text that is safe in their comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from lutsmith.circuit.parts import SharedPart
from lutsmith.export.errors import ExportError
from lutsmith.logic.design import Design, Part, Port

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

_OWN = re.compile(r"clk|ce|[lr]\d+(_\d+)?|u_.*|lut[1-6]|.*_\d+")
"""What emitters call signals of their own, the instances of parts, bits of ports, and primitives."""

VHDL_OWN = re.compile(
    r"clk|ce|mux|rising_edge|std_logic|std_logic_vector|integer|std|ieee|unisim|work|std_logic_1164|vcomponents|lut[1-6]"
)
"""Names in VHDL that stand for what every file of an export uses."""


@dataclass(frozen=True)
class _Language:
    """What names a language takes."""

    name: str
    identifier: str
    rule: str
    words: frozenset[str]
    own: tuple[re.Pattern[str], ...]


_VERILOG_NAMES = _Language(
    "Verilog", r"[A-Za-z_][A-Za-z0-9_]*", "letters, digits and _, no digit first", VERILOG_WORDS, (_OWN,)
)
_VHDL_NAMES = _Language(
    "VHDL",
    r"[A-Za-z](_?[A-Za-z0-9])*",
    "letters, digits and single _ between them, a letter first",
    VHDL_WORDS,
    (_OWN, VHDL_OWN),
)


def in_verilog(design: Design, taken: Iterable[str] = ()) -> Design:
    """Return a design whose ports and parts have names that Verilog and SystemVerilog take.

    A name that is a reserved word, or that emitters use themselves, gets `_o` behind it; so does a result of the name
    of another port.

    Args:
        design: any design.
        taken: further names that a file uses.

    Raises:
        ExportError: the design or a part has a name that Verilog does not take, or two ports would have the same one.
    """
    return _named(design, _VERILOG_NAMES, taken)


def in_vhdl(design: Design) -> Design:
    """Return the same for VHDL, where names that differ only in case are the same, and `label` is a reserved word.

    Words of Verilog are reserved too: tools turn VHDL into Verilog, and not all of them check the names.
    """
    return _named(design, _VHDL_NAMES, ())


def renamed(design: Design, named: Design) -> dict[str, str]:
    """Return the names in a language of ports and shared parts that have other names in the design."""
    sides = [[each for part in side.parts for each in (*part.inputs, *part.outputs)] for side in (design, named)]
    shared = [[each for part in side.parts for each in part.shared] for side in (design, named)]
    pairs = [(own.name, other.name) for own, other in zip(*sides, strict=True)]
    pairs += [(own.name, other.name) for own, other in zip(*shared, strict=True)]
    return {own: name for own, name in pairs if own != name}


def _named(design: Design, language: _Language, taken: Iterable[str]) -> Design:
    for kind, name in (("name", design.name), *(("name of a part", part.name) for part in design.parts)):
        if not isinstance(name, str) or not re.fullmatch(language.identifier, name) or len(name) > MAX_NAME:
            raise ExportError(
                f"the {kind} {name!r} is not an identifier of {language.name}: use up to {MAX_NAME} {language.rule}"
            )
    if design.name.lower() in language.words:
        raise ExportError(f"the name {design.name!r} is a reserved word of {language.name}: take another")
    modules = [name.lower() for name in (design.name, *modules_of(design))]
    if len(set(modules)) != len(modules):
        raise ExportError(f"two parts of {design!r} have the same name")
    inside = [port for side in (design.inputs, *(part.outputs for part in design.parts[:-1])) for port in side]
    if design.name.lower() in {port.name.lower() for port in inside}:
        raise ExportError(f"the name {design.name!r} is that of a port: take another")
    refused = {*(name.lower() for name in taken), *modules}
    ports = _distinct(inside, language, refused)
    results = _distinct(design.outputs, language, refused | {name.lower() for name in ports.values()})
    shared = {*modules, *(f"{design.name}_{other}".lower() for other in ("axis", "tb"))}
    parts = []
    for place, part in enumerate(design.parts):
        sides = [(part.inputs, ports), (part.outputs, results if place + 1 == len(design.parts) else ports)]
        inputs, outputs = (tuple(replace(port, name=names[port.name]) for port in side) for side, names in sides)
        own = []
        for each in part.shared:
            plain = _plain(each.name, language)
            tried = (plain, *(f"{plain[:50]}_part{number}" for number in range(1, len(shared) + 2)))
            name = next(name for name in tried if f"{design.name}_{name}".lower() not in shared)
            shared.add(f"{design.name}_{name}".lower())
            own.append(each if name == each.name else replace(each, name=name))
        parts.append(replace(part, inputs=inputs, outputs=outputs, shared=tuple(own)))
    return replace(design, parts=tuple(parts))


def _distinct(ports: Iterable[Port], language: _Language, refused: set[str]) -> dict[str, str]:
    """Return the name of each port in a language."""
    owner: dict[str, str] = {}
    names = {}
    for port in ports:
        name = _plain(port.name, language)
        own = name.lower()
        words = own in VHDL_WORDS | VERILOG_WORDS if language is _VHDL_NAMES else name in VERILOG_WORDS
        if words or own in refused or any(pattern.fullmatch(own) for pattern in language.own):
            name += "_o"
        other = owner.setdefault(name.lower(), port.name)
        if other != port.name or name.lower() in refused or port.name in names:
            beside = "another port" if name.lower() in refused or port.name in names else repr(other)
            raise ExportError(
                f"the ports {port.name!r} and {beside} would both be {name!r} in {language.name}: "
                "give the word or the head another name"
            )
        names[port.name] = name
    return names


def _plain(name: str, language: _Language) -> str:
    """Return a name with single underscores between letters and digits, where a language has no others."""
    if re.fullmatch(language.identifier, name):
        return name
    return re.sub(r"_+", "_", name).strip("_")


def quoted(value: object) -> str:
    """Return a value of the user's as JSON in printable ASCII, cut where it is long: one line, safe in any comment.

    `*/` and a backslash at the end of the line cannot come out, nor a word that a tool takes for a command.
    """
    text = json.dumps(value).replace("*/", "*\\/").replace("\x7f", "\\u007f")
    return text if len(text) <= MAX_QUOTED else text[:MAX_QUOTED].rstrip("\\") + '..."'


def constants(prefix: str, labels: Iterable[object], taken: set[str] | None = None) -> list[str]:
    """Return distinct identifiers for labels: the prefix and what of a label is letters and digits, in capitals.

    Names in `taken` are not used, and the new ones are added to it.
    """
    names: list[str] = []
    taken = set() if taken is None else taken
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


def module_of(shared: SharedPart) -> Part:
    """Return a part with instances as a module: its inputs are the bits of port i, its outputs those of port o."""
    ends = Port("i", 1, shared.netlist.num_inputs), Port("o", 1, shared.netlist.outputs.size)
    return Part(shared.name, shared.netlist, ends[:1], ends[1:])


def shared_modules(design: Design) -> dict[str, SharedPart]:
    """Return the parts with instances by the names of their modules: the design's name, `_`, the part's."""
    return {f"{design.name}_{shared.name}": shared for part in design.parts for shared in part.shared}
