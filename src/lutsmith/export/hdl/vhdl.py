"""VHDL-93: an entity for each part of a design, and one that joins them. Equal in content to `verilog`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Unpack

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.netlist import MAX_RANK
from lutsmith.export.designs import DesignOptions, designed
from lutsmith.export.errors import ExportError
from lutsmith.export.expressions import Syntax
from lutsmith.export.hdl.header import header, shared_summary, summary
from lutsmith.export.hdl.names import in_vhdl, module_of, modules_of, renamed
from lutsmith.export.hdl.notes import Notes, class_constants
from lutsmith.export.hdl.signals import NOTHING_SAID, Said, Signals, declared, remarks
from lutsmith.export.hdl.verilog import FORMS, PRIMITIVES, Primitives
from lutsmith.ground.arguments import one_of
from lutsmith.logic.design import Design, Part, Port

SYNTAX = Syntax("not ", " and ", " or ", " xor ", "mux({0}, {1}, {2})", "'0'", "'1'", call=True)

_MUX = """\
  function mux(s, t, f : std_logic) return std_logic is
  begin
    if s = '1' then
      return t;
    end if;
    return f;
  end function;"""

_LIBRARY = ["library ieee;", "use ieee.std_logic_1164.all;"]


def to_vhdl(
    circuit: Circuit,
    *,
    primitives: Primitives = "portable",
    comments: bool = True,
    **options: Unpack[DesignOptions],
) -> str:
    """Return a circuit as one file of VHDL-93; arguments and errors as of `to_verilog`.

    Entities, ports and signals have the names that they have in Verilog; the port `label` is `label_o`.
    """
    design = designed(circuit, **options)
    return vhdl_of(design, primitives=primitives, comments=comments, notes=Notes.of(circuit))


def vhdl_of(
    design: Design, *, primitives: Primitives = "portable", comments: bool = True, notes: Notes | None = None
) -> str:
    """Return a design as one file of VHDL-93. Deterministic.

    Args:
        design: any design.
        primitives: "portable" writes expressions; "xilinx" components LUT1 to LUT6 of library unisim, which
            `vhdl_primitives` models for other tools.
        comments: whether to write a header, and thresholds and names beside what they belong to.
        notes: what comments say beyond the design.

    Raises:
        ExportError: a name that VHDL does not allow, or unknown primitives.
    """
    one_of("primitives", primitives, PRIMITIVES, ExportError)
    named = in_vhdl(design)
    lines: list[str] = []
    if comments:
        names = {own: name for own, name in renamed(design, named).items() if own != "label"}
        lines += [f"-- {line}".rstrip() for line in header(design, notes, FORMS[primitives], names)]
        lines.append("-- VHDL reserves the word label: a port of that name is label_o here.")
    library = [*_LIBRARY, *(["library unisim;", "use unisim.vcomponents.all;"] if primitives == "xilinx" else [])]
    for part, own, module in zip(named.parts, design.parts, modules_of(design), strict=True):
        for shared in part.shared:
            box = f"{design.name}_{shared.name}"
            lines += ["", *([f"-- {shared_summary(shared, part, box)}"] if comments else []), *library]
            lines += _part(module_of(shared), design.name, box, primitives, NOTHING_SAID, comments)
        lines += ["", *([f"-- {summary(part, module)}"] if comments else []), *library]
        said = remarks(own, design, notes if comments else None)
        lines += _part(part, design.name, module, primitives, said, comments)
    lines += ["", *_LIBRARY, *_top(named, class_constants(design, notes)), ""]
    return "\n".join(lines)


def vhdl_primitives() -> str:
    """Return models of LUT1 to LUT6 in VHDL-93, to be analysed into a library called unisim."""
    lines = ["-- LUT1 to LUT6: output O is bit I0 + 2 I1 + ... + 32 I5 of INIT. Analyse into library unisim."]
    lines += [*_LIBRARY, "", "package vcomponents is"]
    for rank in range(1, MAX_RANK + 1):
        lines += [f"  component LUT{rank}", *_lut_ports(rank, "    "), "  end component;"]
    lines.append("end package;")
    for rank in range(1, MAX_RANK + 1):
        inputs = [f"I{slot}" for slot in range(rank)]
        lines += ["", *_LIBRARY, "", f"entity LUT{rank} is", *_lut_ports(rank, "  "), "end entity;", ""]
        lines += [f"architecture model of LUT{rank} is", "begin", f"  process ({', '.join(inputs)})"]
        slots = range(rank - 1, -1, -1)
        lines += [f"    variable half{slot} : bit_vector({(1 << slot) - 1} downto 0);" for slot in slots]
        lines.append("  begin")
        for slot in slots:
            bits, whole = 1 << slot, f"half{slot + 1}" if slot + 1 < rank else "INIT"
            lines += [f"    if I{slot} = '1' then", f"      half{slot} := {whole}({2 * bits - 1} downto {bits});"]
            lines += ["    else", f"      half{slot} := {whole}({bits - 1} downto 0);", "    end if;"]
        lines += ["    O <= to_stdulogic(half0(0));", "  end process;", "end architecture;"]
    return "\n".join([*lines, ""])


def _lut_ports(rank: int, indent: str) -> list[str]:
    bits = 1 << rank
    inputs = ", ".join(f"I{slot}" for slot in range(rank))
    return [
        f"{indent}generic (INIT : bit_vector({bits - 1} downto 0) := (others => '0'));",
        f"{indent}port (O : out std_logic; {inputs} : in std_logic);",
    ]


def _part(part: Part, name: str, module: str, primitives: str, said: Said, comments: bool) -> Iterator[str]:
    signals = Signals(part, whole=primitives == "xilinx")
    yield from _entity(module, part.inputs, part.outputs, part.netlist.num_registers > 0)
    yield f"architecture logic of {module} is"
    body = list((_expressions if primitives == "portable" else _luts)(signals, comments))
    if any("mux(" in line for line in body):
        yield _MUX
    yield from declared("signal", [bit for _, bit, _, _ in signals.inputs], " : std_logic;")
    yield from declared("signal", signals.given, " : std_logic;")
    for value in (False, True):
        registers = [register for register, _, start in signals.registers if start == value]
        yield from declared("signal", registers, f" : std_logic := '{value:d}';")
    yield from declared("signal", signals.node_names, " : std_logic;")
    yield "begin"
    if signals.idle:
        yield f"  -- {signals.idle}"
    for number, bit, port, place in signals.inputs:
        yield f"  {bit} <= {port}({place});{_remark(said[0], number)}"
    yield from body
    for box in signals.boxes:
        ends = ["clk => clk", "ce => ce"] if box.clocked else []
        ends += [f"i({place}) => {wire}" for place, wire in enumerate(box.reads)]
        ends += [f"o({place}) => {wire}" for place, wire in enumerate(box.gives)]
        yield f"  u_{box.name} : entity work.{name}_{box.part} port map ({', '.join(ends)});"
    if signals.netlist.num_registers:
        yield from ("  process (clk)", "  begin", "    if rising_edge(clk) then", "      if ce = '1' then")
        yield from (f"        {register} <= {taken};" for register, taken, _ in signals.registers)
        yield from ("      end if;", "    end if;", "  end process;")
    for number, port, place, signal in signals.outputs:
        yield f"  {port}({place}) <= {signal};{_remark(said[1], number)}"
    yield "end architecture;"


def _remark(said: Mapping[int, str], number: int) -> str:
    return f"  -- {said[number]}" if number in said else ""


def _expressions(signals: Signals, comments: bool) -> Iterator[str]:
    nodes = zip(signals.nodes, signals.expressions(SYNTAX), signals.levels, strict=True)
    for (name, reads), template, above in nodes:
        if above and comments:
            yield f"  -- {above}."
        yield f"  {name} <= {template.format(*reads)};"


def _luts(signals: Signals, comments: bool) -> Iterator[str]:
    nodes = zip(signals.nodes, signals.netlist.tables().tolist(), signals.levels, strict=True)
    for (name, reads), table, above in nodes:
        if above and comments:
            yield f"  -- {above}."
        if not reads:
            yield f"  {name} <= '{table}';"
            continue
        bits = 1 << len(reads)
        init = f'"{table:02b}"' if bits < 4 else f'X"{table:0{bits // 4}x}"'
        wires = "".join(f", I{slot} => {read}" for slot, read in enumerate(reads))
        yield f"  u_{name} : LUT{len(reads)} generic map (INIT => {init}) port map (O => {name}{wires});"


def _entity(name: str, inputs: Iterable[Port], outputs: Iterable[Port], clocked: bool) -> Iterator[str]:
    ports = ["clk : in std_logic", "ce : in std_logic"] if clocked else []
    for direction, group in (("in", inputs), ("out", outputs)):
        ports += [f"{port.name} : {direction} {_vector(port)}" for port in group if port.size]
    yield ""
    yield f"entity {name} is"
    if ports:
        yield "  port ("
        yield ";\n".join(f"    {port}" for port in ports)
        yield "  );"
    yield "end entity;"
    yield ""


def _vector(port: Port) -> str:
    return f"std_logic_vector({port.size - 1} downto 0)"


def _top(design: Design, numbers: Iterable[tuple[str, int, str]]) -> Iterator[str]:
    clocked = [part.netlist.num_registers > 0 for part in design.parts]
    yield from _entity(design.name, design.inputs, design.outputs, any(clocked))
    yield f"architecture logic of {design.name} is"
    if told := [f"  constant {name} : integer := {index};  -- {label}" for name, index, label in numbers]:
        yield "  -- For who reads this file: nothing in it uses them."
        yield from told
    for part in design.parts[:-1]:
        for port in part.outputs:
            if port.size:
                yield f"  signal {port.name} : {_vector(port)};"
    yield "begin"
    for part, module, has_clock in zip(design.parts, modules_of(design), clocked, strict=True):
        wires = ["clk", "ce"] if has_clock else []
        wires += [port.name for port in (*part.inputs, *part.outputs) if port.size]
        mapped = f" port map ({', '.join(f'{wire} => {wire}' for wire in wires)})" if wires else ""
        yield f"  u_{part.name} : entity work.{module}{mapped};"
    yield "end architecture;"
