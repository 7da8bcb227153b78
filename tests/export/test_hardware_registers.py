"""Registers in hardware descriptions: pipelines read back by Yosys."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from lutsmith import export
from lutsmith.circuit import Netlist
from lutsmith.formats import from_aiger
from lutsmith.hardware.tools import toolchain

from .cases import ranks, with_range

READ = (
    "design -reset; read_verilog {0}.v models.v; hierarchy -top tiny; proc; flatten; opt_clean; dffunmap; techmap; "
    "simplemap; aigmap; opt_clean; write_aiger -symbols {0}.aig"
)


def clocked(netlist: Netlist, rows: np.ndarray) -> np.ndarray:
    """The outputs of each cycle, of a netlist that takes a row in each."""
    state, seen = netlist.register_init, []
    for row in rows:
        values = netlist.evaluate(row[None], keep="all", state=state)[0]
        seen.append(values[netlist.outputs])
        state = values[netlist.register_next]
    return np.array(seen)


@pytest.mark.parametrize("primitives", ["portable", "xilinx"])
@pytest.mark.needs("yosys")
def test_yosys_finds_the_registers_of_a_pipeline_and_what_they_hold(primitives: str, tmp_path: Path) -> None:
    design = export.designed(with_range(ranks(7)), encoder=False, head=False, pipeline=1, name="tiny")
    text = export.verilog_of(design, primitives=primitives)
    sent = design.flat().netlist
    out = re.search(r"assign outputs\[0\] = (r\d+);", text)[1]
    taken = re.search(rf"\b{out} <= (\w+);", text)[1]
    texts = {
        "whole": text,
        "dropped": text.replace(f"assign outputs[0] = {out};", f"assign outputs[0] = {taken};"),
        "inverted": text.replace(f"{out} <= {taken};", f"{out} <= ~{taken};"),
        "initial": text.replace(f"{out} = 1'b0;", f"{out} = 1'b1;"),
    }
    assert len(set(texts.values())) == 4
    (tmp_path / "models.v").write_text(export.verilog_primitives())
    for name, source in texts.items():
        (tmp_path / f"{name}.v").write_text(source)
    script = "; ".join(READ.format(name) for name in texts)
    toolchain.find("yosys").run(["-q", "-p", script], cwd=tmp_path, timeout=200)
    rows = np.random.default_rng(0).integers(0, 2, (60, sent.num_inputs)).astype(bool)
    expected = clocked(sent, rows)
    same, registers = {}, {}
    for name in texts:
        read = from_aiger((tmp_path / f"{name}.aig").read_bytes())
        registers[name] = read.netlist.num_registers
        given = np.ones((len(rows), len(read.inputs)), bool)  # ce is 1, and clk nobody reads
        for column, port in enumerate(read.inputs):
            if found := re.fullmatch(r"bits\[(\d+)\]", port):
                given[:, column] = rows[:, int(found[1])]
        leave = [int(re.search(r"\d+", port)[0]) for port in read.outputs]
        assert sorted(leave) == list(range(expected.shape[1]))
        same[name] = np.array_equal(clocked(read.netlist, given), expected[:, leave])
    assert same == {"whole": True, "dropped": False, "inverted": False, "initial": False}
    assert registers["dropped"] == registers["whole"] - 1
    assert 0 <= sent.num_registers - registers["whole"] <= 1, "one is read only by a table that does not depend on it"
