"""Testbenches that only feed and record: vectors from a file, results to standard output. Python does the comparison.

A row is a line of hexadecimal digits: all ports of a side side by side, the first in the lowest bits. What is printed
has a mark before it, because simulators and descriptions print, too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lutsmith.export.hdl.names import in_verilog, in_vhdl
from lutsmith.export.hdl.testbench import hex_digits
from lutsmith.logic.design import Design, Port

INPUT_FILE, MARK = "rows.hex", "result "


def size_of(ports: Sequence[Port]) -> int:
    """Return the bits of all ports together."""
    return sum(port.size for port in ports)


def rows_as_hex(bits: NDArray[np.bool_]) -> str:
    """Return rows (N, B) as lines of ceil(B / 4) digits, bit 0 the lowest of the last digit; a lone 0 where B is 0."""
    return "".join(f"{digits or '0'}\n" for digits in hex_digits(bits))


def hex_as_rows(text: str, count: int, width: int) -> NDArray[np.bool_]:
    """Return the rows (N, B) of such lines, which begin with `MARK`; other lines are skipped.

    Raises:
        ValueError: other than `count` lines of so many digits, or a bit that is undefined.
    """
    lines = [line[len(MARK) :].strip() for line in text.split("\n") if line.startswith(MARK)]
    digits = max(1, -(-width // 4))
    if len(lines) != count:
        raise ValueError(f"{len(lines)} results came for {count} rows")
    for number, line in enumerate(lines):
        if len(line) != digits or not set(line) <= set("0123456789abcdefABCDEF"):
            raise ValueError(f"the result of row {number} is undefined or no number: {line[:60]}")
    data = np.frombuffer(bytes.fromhex("".join(line.rjust(2 * -(-digits // 2), "0") for line in lines)), np.uint8)
    rows = data.reshape(count, -1)[:, ::-1]
    return np.unpackbits(rows, axis=1, bitorder="little")[:, :width].astype(np.bool_)


def is_clocked(design: Design) -> bool:
    """Whether a design has registers, of a pipeline or of a state, and so a clock and its enable."""
    return any(part.netlist.num_registers for part in design.parts)


def verilog_harness(design: Design, count: int) -> str:
    """Return Verilog 2001 that feeds `count` rows to the top module: `harness`, which moves with a clock, and `driver`.

    Rows change at the falling edge of the clock. At the rising edge results are recorded, and only then the clock of
    the design rises. For a design with registers, the enable is off in some cycles, in which other rows come in. This
    shows designs that do not hold their state.
    """
    inputs, outputs = max(size_of(design.inputs), 1), max(size_of(design.outputs), 1)
    clocked, named = is_clocked(design), in_verilog(design)
    ports = [*_slices(named.inputs, "row"), *_slices(named.outputs, "result")]
    if clocked:
        ports = [".clk(tick)", ".ce(ce)", *ports]
    return "\n".join(
        [
            "module harness(input wire clk);",
            f"  reg [{inputs - 1}:0] rows [0:{count - 1}];",
            f"  reg [{inputs - 1}:0] row;",
            f"  wire [{outputs - 1}:0] result;",
            "  reg ce, tick, armed;",
            "  integer taken, cycle;",
            f"  {design.name} dut ({', '.join(ports)});",
            *([] if size_of(design.outputs) else ["  assign result = 0;"]),
            "  initial begin",
            f'    $readmemh("{INPUT_FILE}", rows);',
            "    taken = 0;",
            "    cycle = 0;",
            "    ce = 1;",
            "    tick = 0;",
            "    armed = 0;",
            "    row = rows[0];",
            "  end",
            "  always @(posedge clk) begin",
            "    armed = 1;  // the change from x to 0 at the beginning is not an edge of the clock",
            "    if (ce) begin",
            f'      if (taken >= {design.latency}) $display("{MARK}%h", result);',
            "      taken = taken + 1;",
            f"      if (taken == {count + design.latency}) $finish;",
            "    end",
            "    tick = 1;",
            "  end",
            "  always @(negedge clk) if (armed) begin",
            "    tick = 0;",
            "    cycle = cycle + 1;",
            f"    ce = {'cycle % 7 != 3' if clocked else '1'};",
            f"    row = taken < {count} ? rows[taken] : rows[0];",
            "    if (!ce) row = ~row;",
            "  end",
            "endmodule",
            "",
        ]
    )


DRIVER = """\
module driver;
  reg clk = 0;
  always #1 clk = ~clk;
  harness bench (clk);
endmodule
"""
"""The clock, for simulators with a time of their own."""

MAIN = """\
#include "Vharness.h"
#include "verilated.h"
int main() {
    VerilatedContext context;
    Vharness bench{&context};
    bench.clk = 0;
    bench.eval();
    while (!context.gotFinish()) {
        bench.clk = 1;
        bench.eval();
        bench.clk = 0;
        bench.eval();
    }
    bench.final();
    return 0;
}
"""
"""The clock, for Verilator: without simulated time, whose run-time library takes a compiler half a minute."""


def _slices(ports: Sequence[Port], bus: str) -> list[str]:
    texts, start = [], 0
    for port in ports:
        if port.size:
            texts.append(f".{port.name}({bus}[{start + port.size - 1}:{start}])")
        start += port.size
    return texts


def vhdl_harness(design: Design, count: int) -> str:
    """Return the same as an entity `harness` in VHDL-2008."""
    ports: list[str] = []
    named = in_vhdl(design)
    for side, bus in ((named.inputs, "row"), (named.outputs, "result")):
        start = 0
        for port in side:
            if port.size:
                ports.append(f"{port.name} => {bus}({start + port.size - 1} downto {start})")
            start += port.size
    clocked = is_clocked(design)
    if clocked:
        ports = ["clk => clk", "ce => ce", *ports]
    inputs, outputs = max(size_of(design.inputs), 1), max(size_of(design.outputs), 1)
    read_width, write_width = 4 * -(-inputs // 4), 4 * -(-outputs // 4)
    tick, other = "wait for 1 ns; clk <= '1'; wait for 1 ns; clk <= '0';", "row <= not row;"
    lines = [
        "library ieee;",
        "use ieee.std_logic_1164.all;",
        "use std.textio.all;",
        "entity harness is end entity;",
        "architecture run of harness is",
        f"  signal row : std_logic_vector({inputs - 1} downto 0) := (others => '0');",
        f"  signal result : std_logic_vector({outputs - 1} downto 0) := (others => '0');",
        *(["  signal clk, ce : std_logic := '0';"] if clocked else []),
        "begin",
        f"  dut : entity work.{design.name} port map ({', '.join(ports)});",
        "  process",
        f'    file source : text open read_mode is "{INPUT_FILE}";',
        "    variable text_in, text_out : line;",
        f"    variable bits : std_logic_vector({read_width - 1} downto 0);",
        f"    variable found : std_logic_vector({write_width - 1} downto 0);",
        "  begin",
        *(["    ce <= '1';"] if clocked else []),
        f"    for i in 0 to {count + design.latency - 1} loop",
        f"      if i < {count} then",
        "        readline(source, text_in);",
        "        hread(text_in, bits);",
        f"        row <= bits({inputs - 1} downto 0);",
        "      end if;",
        "      wait for 1 ns;",
        f"      if i >= {design.latency} then",
        "        found := (others => '0');",
        f"        found({outputs - 1} downto 0) := result;",
        f'        write(text_out, string\'("{MARK}"));',
        "        hwrite(text_out, found);",
        "        writeline(output, text_out);",
        "      end if;",
        *(
            [f"      if i mod 7 = 3 then ce <= '0'; {other} {tick} ce <= '1'; {other} end if;", f"      {tick}"]
            if clocked
            else []
        ),
        "    end loop;",
        "    wait;",
        "  end process;",
        "end architecture;",
        "",
    ]
    return "\n".join(lines)
