"""The Verilog of a cell is the cell at any width: proved of what Yosys elaborates, and run by Icarus."""

from __future__ import annotations

import numpy as np
import pytest

from lutsmith.cells import TEXTBOOK, ArrayCell, Bitwise, Fabric, LearnedCell, RowFeedback
from lutsmith.cells.evaluators import Netlists
from lutsmith.cells.verilog import verilog
from lutsmith.circuit import Netlist, NetlistBuilder
from lutsmith.formats import from_aiger
from lutsmith.hardware import prove
from lutsmith.hardware.tools.toolchain import find, workspace
from tests.cells.test_fabrics import EVERY, random_cell

SYNTH = "hierarchy -check -top top; proc; flatten; opt; techmap; aigmap; opt_clean; check -assert"


def elaborated(cell: LearnedCell, widths: tuple[int, ...]) -> list[Netlist]:
    """What Yosys makes of the module at some widths: inputs a, then b, each the lowest bit first."""
    passes = ["read_verilog -noautowire top.v", "design -save read"]
    for width in widths:
        passes += ["design -load read", f"chparam -set WIDTH {width} top", SYNTH, f"write_aiger -symbols {width}.aig"]
    netlists = []
    with workspace() as folder:
        (folder / "top.v").write_text(verilog(cell, "top"))
        find("yosys").run(["-q", "-p", "; ".join(passes)], cwd=folder, timeout=60)
        for width in widths:
            read = from_aiger((folder / f"{width}.aig").read_bytes())
            assert list(read.inputs) == names("a", width) + names("b", width)[: len(read.inputs) - width]
            assert list(read.outputs) == names("result", cell.fabric.result_bits(width))
            netlists.append(read.netlist)
    return netlists


def names(port: str, bits: int) -> list[str]:
    return [port] if bits == 1 else [f"{port}[{bit}]" for bit in range(bits)]


def wired(cell: LearnedCell, width: int, inputs: int) -> Netlist:
    builder = NetlistBuilder(inputs)
    on, words = Netlists(builder), [*range(inputs), *[False] * width]
    return builder.build(
        [on.signal(bit) for bit in cell.fabric.run(on, cell.tables, words[:width], words[width:][:width])]
    )


@pytest.mark.slow
@pytest.mark.needs("yosys", "abc")
@pytest.mark.parametrize("fabric", EVERY, ids=str)
def test_what_yosys_elaborates_is_proved_to_be_the_cell(fabric: Fabric) -> None:
    """With random tables, so that no two entries can be swapped unseen; arrays at 15 bits are for Icarus."""
    cell = random_cell(fabric, 1)
    widths = (1, 4) if isinstance(getattr(fabric, "fabric", fabric), (ArrayCell, RowFeedback)) else (1, 4, 15)
    for width, netlist in zip(widths, elaborated(cell, widths), strict=True):
        assert prove(netlist, wired(cell, width, netlist.num_inputs)).equal, width


@pytest.mark.needs("yosys", "abc")
@pytest.mark.parametrize(
    ("name", "table", "address"), [("*", "cell", 6), ("/", "restore", 2), ("min", "first_cell", 1)]
)
def test_a_wrong_bit_of_a_table_is_found(name: str, table: str, address: int) -> None:
    cell = TEXTBOOK[name]
    (netlist,) = elaborated(cell.flipped(table, 0, address), (4,))
    found = prove(netlist, wired(cell, 4, 8))
    assert found.counterexample is not None


@pytest.mark.slow
@pytest.mark.needs("iverilog", "vvp")
def test_icarus_says_what_the_cells_say_at_1_4_and_15_bits() -> None:
    """Cells of textbooks, and random ones of each fabric, all in one file."""
    cells = [*TEXTBOOK.values(), *(random_cell(fabric, 2) for fabric in EVERY)]
    rng = np.random.default_rng(0)
    modules, bench, wanted = [verilog(cell, f"cell{place}") for place, cell in enumerate(cells)], [], []
    for width in (1, 4, 15):
        pairs = rng.integers(0, 1 << width, (20, 2))
        pairs[:4] = [(0, 0), ((1 << width) - 1, 0), (0, (1 << width) - 1), ((1 << width) - 1, (1 << width) - 1)]
        for place, cell in enumerate(cells):
            own = f"{place}_{width}"
            reads_b = "input wire [WIDTH-1:0] b" in modules[place].rpartition("module ")[2]
            ports = f".a(a[{width - 1}:0]), " + f".b(b[{width - 1}:0]), " * reads_b + f".result(r{own})"
            bench.append(f"  wire [{cell.fabric.result_bits(width) - 1}:0] r{own};")
            bench.append(f"  cell{place} #(.WIDTH({width})) u{own} ({ports});")
        bench.append("  initial begin")
        bench.append(f"    #{width * 1000};")
        for a, b in pairs.tolist():
            shown = "".join(f' $display("%0d", r{place}_{width});' for place in range(len(cells)))
            bench.append(f"    a = {a}; b = {b}; #1;{shown}")
        bench.append("  end")
        answers = [cell.evaluate(pairs[:, 0], pairs[:, 1], width).tolist() for cell in cells]
        wanted += [answer[sample] for sample in range(len(pairs)) for answer in answers]
    source = "\n".join([*modules, "module bench;", "  reg [14:0] a, b;", *bench, "endmodule", ""])
    with workspace() as folder:
        (folder / "all.v").write_text(source)
        find("iverilog").run(["-g2005", "-o", "run", "-s", "bench", "all.v"], cwd=folder, timeout=60)
        printed = find("vvp").run(["run"], cwd=folder, timeout=60).stdout
    assert printed.split() == [str(value) for value in wanted]


@pytest.mark.needs("verilator")
def test_verilator_has_nothing_to_say() -> None:
    modules = [verilog(random_cell(fabric, 3), f"cell{place}") for place, fabric in enumerate(EVERY)]
    with workspace() as folder:
        (folder / "all.v").write_text("".join(modules))
        find("verilator").run(["--lint-only", "-Wall", "-Wno-MULTITOP", "all.v"], cwd=folder, timeout=60)


@pytest.mark.parametrize("name", ["module", "a", "two words", "é", ""])
def test_names_that_verilog_does_not_take_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected an identifier"):
        verilog(TEXTBOOK["+"], name)


def test_what_is_not_a_cell_is_refused() -> None:
    with pytest.raises(TypeError, match="cell"):
        verilog(Bitwise())  # type: ignore[arg-type]
