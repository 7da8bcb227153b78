"""Verilog of a cell at any width: the width is a parameter, the cell's tables are constants, loops make the copies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lutsmith.cells.arrays import ArrayCell, Counter, RowFeedback, Shifter
from lutsmith.cells.fabric import Fabric
from lutsmith.cells.fabrics import Tap
from lutsmith.cells.learned import LearnedCell
from lutsmith.cells.serial import Bitwise, SerialCell, TwoPass
from lutsmith.export.hdl.names import VERILOG_WORDS
from lutsmith.ground.arguments import instance_of

_OWN = frozenset({"WIDTH", "SIZE", "ROWS", "a", "b", "result"})
_QUIET = "UNOPTFLAT UNUSEDSIGNAL UNUSEDPARAM UNDRIVEN DECLFILENAME"
"""What Verilator says of chains of cells in one vector, and of the cells at an edge, whose last bits nobody reads."""


def verilog(cell: LearnedCell, name: str = "cell") -> str:
    """Return the Verilog 2005 of a cell: a module with `parameter WIDTH`, from 1, the cell at every width.

    Its ports are `a` and `b` of WIDTH bits (b only where the fabric reads it) and `result`, as `LearnedCell.to_circuit`
    has them. Each row of each table is a constant, whose bit k is the entry at address k. A tap is a module around that
    of the whole, `<name>_whole`.

    Args:
        cell: any cell.
        name: of the module.

    Raises:
        TypeError: it is not a cell, or the name is not text.
        ValueError: the name is not an identifier, or a word that Verilog reserves.
    """
    instance_of("cell", cell, LearnedCell)
    instance_of("name", name, str)
    if not (name.isidentifier() and name.isascii()) or name in VERILOG_WORDS | _OWN:
        raise ValueError(f"name is {name!r}, expected an identifier that Verilog and the module's ports leave free")
    lines = [f"// verilator lint_off {rule}" for rule in _QUIET.split()]
    lines += _modules(cell, name)
    lines += [f"// verilator lint_on {rule}" for rule in _QUIET.split()]
    return "\n".join([*lines, ""])


def _modules(cell: LearnedCell, name: str) -> Iterator[str]:
    fabric = cell.fabric
    if isinstance(fabric, Tap):
        yield from _modules(LearnedCell(fabric.fabric, cell.tables), f"{name}_whole")
    yield from ("", f"module {name} #(parameter WIDTH = 8) (", "  input wire [WIDTH-1:0] a,")
    if _reads_b(fabric):
        yield "  input wire [WIDTH-1:0] b,"
    size, body = _FABRICS[type(fabric)](fabric)
    yield from (f"  output wire [{size}-1:0] result", ");")
    if isinstance(fabric, Tap):
        body = _tapped(fabric, name)
    else:
        yield from _constants(cell)
    yield from (f"  {line}" for line in body)
    yield "endmodule"


def _reads_b(fabric: Fabric) -> bool:
    """Whether a module has a port b."""
    return _reads_b(fabric.fabric) if isinstance(fabric, Tap) else fabric.reads_b


def _constants(cell: LearnedCell) -> Iterator[str]:
    for name, table in cell.tables.items():
        for output, row in enumerate(table.tolist()):
            digits = "".join("01"[bit] for bit in reversed(row))
            yield f"  localparam [{len(row) - 1}:0] {name.upper()}_{output} = {len(row)}'b{digits};"


def _joined(names: Iterable[str]) -> str:
    """Return signals, the lowest first, as Verilog joins them: the highest first."""
    return "{" + ", ".join(reversed(list(names))) + "}"


def _start(name: str, bits: int) -> str:
    return _joined(f"{name}_{bit}" for bit in range(bits))


def _walk(
    label: str, steps: str, place: str, inputs: list[str], state: int, start: str, table: str, out: str | None
) -> list[str]:
    """Return the loop of a chain of cells with `state` bits in the vector `<label>_s`; `out`: what takes output 0."""
    lines = []
    if state:
        lines += [f"wire [({steps}+1)*{state}-1:0] {label}_s;", f"assign {label}_s[{state - 1}:0] = {start};"]
        inputs = [*inputs, f"{label}_s[i*{state} +: {state}]"]
    lines += [f"for (i = 0; i < {steps}; i = i + 1) begin : {label}"]
    rank = len(inputs) + max(state - 1, 0)
    at = _joined(each.replace("@", place) for each in inputs)
    lines += [f"  wire [{rank - 1}:0] at = {at};"]
    if out:
        lines += [f"  assign {out}[{place}] = {table}_0[at];"]
    for bit in range(state):
        lines += [f"  assign {label}_s[(i+1)*{state}+{bit}] = {table}_{bit + bool(out)}[at];"]
    return [*lines, "end"]


Body = tuple[str, list[str]]
"""The size of the result, and the lines of a module."""


def _generated(*lines: str, declared: Iterable[str] = ()) -> list[str]:
    """Return lines in a generate block; declarations of vectors, which stand at its margin, go before it."""
    vectors = [line for line in lines if line.startswith(("wire", "assign"))]
    loops = [f"  {line}" for line in lines if line not in vectors]
    names = "i, j" if any("for (j" in line for line in loops) else "i"
    return [*declared, *vectors, f"genvar {names};", "generate", *loops, "endgenerate"]


def _bitwise(_: Bitwise) -> Body:
    return "WIDTH", _generated(*_walk("step", "WIDTH", "i", ["a[@]", "b[@]"], 0, "", "CELL", "result"))


def _serial(fabric: SerialCell) -> Body:
    state, streams = fabric.state_bits, fabric.read == "stream"
    size = f"(WIDTH+{fabric.extra})" if fabric.extra else "WIDTH"
    declared = []
    for name, word in (("x", "a"), ("y", "b")):
        value = _joined([word, f"{{{fabric.extra}{{1'b0}}}}"]) if fabric.extra else word
        declared += [f"wire [{size}-1:0] {name} = {value};"]
    place = "WIDTH-1-i" if fabric.order == "msb" else "i"
    out = "result" if streams else None
    walk = _walk("step", size, place, ["x[@]", "y[@]"], state, _start("START", state), "CELL", out)
    lines = _generated(*walk, declared=declared)
    if fabric.read == "final":
        lines += [f"assign result = step_s[WIDTH*{state}];"]
    elif fabric.read == "readout":
        at = _joined(["a[WIDTH-1]", "b[WIDTH-1]", f"step_s[WIDTH*{state} +: {state}]"])
        lines += [f"wire [{state + 1}:0] read = {at};", "assign result = READOUT_0[read];"]
    return (size if streams else "1"), lines


def _two_pass(fabric: TwoPass) -> Body:
    place = "WIDTH-1-i" if fabric.order == "msb" else "i"
    first = _walk("first", "WIDTH", place, ["a[@]", "b[@]"], 1, "FIRST_START_0", "FIRST_CELL", None)
    state = fabric.state_bits
    inputs = ["a[@]", "b[@]", "first_s[WIDTH]"]
    second = _walk("second", "WIDTH", "i", inputs, state, _start("START", state), "CELL", "result")
    return "WIDTH", _generated(*first, *second)


_BETWEEN = (
    "  wire [SIZE-1:0] above = p[j*SIZE +: SIZE];",
    "  wire [SIZE-1:0] below;",
    "  assign p[(j+1)*SIZE +: SIZE] = below;",
)
"""What a row reads and gives: words of its own, so that simulators need not look at all rows for each bit."""


def _array(fabric: ArrayCell) -> Body:
    size = "2*WIDTH" if fabric.product == "full" else "WIDTH"
    lines = _generated(
        "for (j = 0; j < WIDTH; j = j + 1) begin : row",
        *_BETWEEN,
        "  wire [WIDTH:0] c;",
        "  assign c[0] = START_0;",
        "  for (i = 0; i < SIZE; i = i + 1) begin : column",
        "    if (i < j || i > j + WIDTH) begin : other",
        "      assign below[i] = above[i];",
        "    end else if (i == j + WIDTH) begin : last",
        "      assign below[i] = c[WIDTH];",
        "    end else begin : cell_",
        "      wire [3:0] at = {c[i-j], b[j], a[i-j], above[i]};",
        "      assign below[i] = CELL_0[at];",
        "      assign c[i-j+1] = CELL_1[at];",
        "    end",
        "  end",
        "end",
        declared=[
            f"localparam SIZE = {size};",
            "wire [(WIDTH+1)*SIZE-1:0] p;",
            "assign p[SIZE-1:0] = {SIZE{1'b0}};",
        ],
    )
    return size, [*lines, "assign result = p[WIDTH*SIZE +: SIZE];"]


_ROW = (
    "  assign c[0] = START_0;",
    "  for (i = 0; i < COLUMNS; i = i + 1) begin : column",
    "    wire [2:0] at = {c[i], operand[i], taken[i]};",
    "    wire [2:0] kept = {taken[i], d[i], c[COLUMNS]};",
    "    assign d[i] = SUBTRACT_0[at];",
    "    assign c[i+1] = SUBTRACT_1[at];",
    "    assign left[i] = RESTORE_0[kept];",
    "  end",
)
"""One row of a divider, between `taken` and `left`."""


def _rows(fabric: RowFeedback) -> Body:
    if fabric.result == "root":
        return _root()
    lines = _generated(
        "for (j = 0; j < WIDTH; j = j + 1) begin : row",
        "  wire [WIDTH:0] taken = {rest[j*WIDTH +: WIDTH], a[WIDTH-1-j]};",
        "  wire [WIDTH:0] operand = {1'b0, b};",
        "  wire [WIDTH:0] d, left;",
        "  wire [WIDTH+1:0] c;",
        *(line.replace("COLUMNS", "WIDTH+1") for line in _ROW),
        "  assign quotient[WIDTH-1-j] = DECIDE_0[c[WIDTH+1]];",
        "  assign rest[(j+1)*WIDTH +: WIDTH] = left[WIDTH-1:0];",
        "end",
        declared=[
            "wire [WIDTH-1:0] quotient;",
            "wire [(WIDTH+1)*WIDTH-1:0] rest;",
            "assign rest[WIDTH-1:0] = {WIDTH{1'b0}};",
        ],
    )
    rest = "rest[WIDTH*WIDTH +: WIDTH]"
    result = {"quotient": "quotient", "remainder": rest}.get(fabric.result, f"{{{rest}, quotient}}")
    return ("2*WIDTH" if fabric.result == "both" else "WIDTH"), [*lines, f"assign result = {result};"]


def _root() -> Body:
    lines = _generated(
        "for (j = 0; j < ROWS; j = j + 1) begin : row",
        "  wire [j+2:0] taken = {rest[j*SIZE +: j+1], bits[2*(ROWS-1-j) +: 2]};",
        "  wire [j+2:0] operand, d, left;",
        "  wire [j+3:0] c;",
        "  for (i = 0; i < j + 3; i = i + 1) begin : digit",
        "    if (i == 0) begin : one",
        "      assign operand[i] = 1'b1;",
        "    end else if (i == 1 || i == j + 2) begin : zero",
        "      assign operand[i] = 1'b0;",
        "    end else begin : root",
        "      assign operand[i] = result[ROWS-j+i-2];",
        "    end",
        "  end",
        *(line.replace("COLUMNS", "j+3") for line in _ROW),
        "  assign result[ROWS-1-j] = DECIDE_0[c[j+3]];",
        "  assign rest[(j+1)*SIZE +: j+2] = left[j+1:0];",
        "end",
        declared=[
            "localparam ROWS = (WIDTH+1)/2;",
            "localparam SIZE = ROWS + 1;",
            "wire [2*ROWS:0] bits = {{(2*ROWS+1-WIDTH){1'b0}}, a};",
            "wire [(ROWS+1)*SIZE-1:0] rest;",
            "assign rest[0] = 1'b0;",
        ],
    )
    return "((WIDTH+1)/2)", lines


def _counter(_: Counter) -> Body:
    lines = _generated(
        "for (j = 0; j < WIDTH; j = j + 1) begin : row",
        *_BETWEEN,
        "  wire [SIZE:0] c;",
        "  assign c[0] = a[j];",
        "  for (i = 0; i < SIZE; i = i + 1) begin : column",
        "    if (i < $clog2(j+2)) begin : cell_",
        "      wire [1:0] at = {c[i], above[i]};",
        "      assign below[i] = CELL_0[at];",
        "      assign c[i+1] = CELL_1[at];",
        "    end else begin : other",
        "      assign below[i] = above[i];",
        "    end",
        "  end",
        "end",
        declared=[
            "localparam SIZE = $clog2(WIDTH+1);",
            "wire [(WIDTH+1)*SIZE-1:0] p;",
            "assign p[SIZE-1:0] = {SIZE{1'b0}};",
        ],
    )
    return "$clog2(WIDTH+1)", [*lines, "assign result = p[WIDTH*SIZE +: SIZE];"]


def _shifter(fabric: Shifter) -> Body:
    left = fabric.direction == "left"
    source = "i+WIDTH-(1<<j)" if left else "i+(1<<j)"
    within = "1" if fabric.rotate else "i >= (1<<j)" if left else "i + (1<<j) < WIDTH"
    lines = _generated(
        "for (j = 0; j < ROWS; j = j + 1) begin : row",
        *_BETWEEN,
        "  for (i = 0; i < WIDTH; i = i + 1) begin : column",
        "    wire moved;",
        f"    if ({within}) begin : held",
        f"      assign moved = above[({source})%WIDTH];",
        "    end else begin : empty",
        "      assign moved = 1'b0;",
        "    end",
        "    wire [2:0] at = {b[j], moved, above[i]};",
        "    assign below[i] = CELL_0[at];",
        "  end",
        "end",
        declared=[
            "localparam ROWS = $clog2(WIDTH);",
            "localparam SIZE = WIDTH;",
            "wire [(ROWS+1)*SIZE-1:0] p;",
            "assign p[SIZE-1:0] = a;",
        ],
    )
    return "WIDTH", [*lines, "assign result = p[ROWS*SIZE +: SIZE];"]


def _tap(_: Tap) -> Body:
    return "1", []


def _tapped(fabric: Tap, name: str) -> list[str]:
    size, _ = _FABRICS[type(fabric.fabric)](fabric.fabric)
    place = str(fabric.place) if fabric.place >= 0 else f"{size}-{-fabric.place}"
    ports = ".a(a), .b(b), .result(whole)" if _reads_b(fabric) else ".a(a), .result(whole)"
    return [
        f"wire [{size}-1:0] whole;",
        f"{name}_whole #(.WIDTH(WIDTH)) u_whole ({ports});",
        f"assign result = whole[{place}];",
    ]


_FABRICS: dict[type, Callable[[Any], Body]] = {
    Bitwise: _bitwise,
    SerialCell: _serial,
    TwoPass: _two_pass,
    ArrayCell: _array,
    RowFeedback: _rows,
    Counter: _counter,
    Shifter: _shifter,
    Tap: _tap,
}
