"""Registers in hardware descriptions: pipelines read back by Yosys, and streams whose samples end too early."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from lutsmith import export
from lutsmith.circuit import Netlist
from lutsmith.formats import from_aiger
from lutsmith.hardware import toolchain
from lutsmith.logic import Words

from .cases import edge_rows, ranks, with_range

READ = (
    "design -reset; read_verilog {0}.v models.v; hierarchy -top tiny; proc; flatten; opt_clean; dffunmap; techmap; "
    "simplemap; aigmap; opt_clean; write_aiger -symbols {0}.aig"
)


def needs(*tools: str) -> None:
    for tool in tools:
        if not toolchain.available(tool):
            pytest.skip(f"{tool} is not installed")


def clocked(netlist: Netlist, rows: np.ndarray) -> np.ndarray:
    """The outputs of each cycle, of a netlist that takes a row in each."""
    state, seen = netlist.register_init, []
    for row in rows:
        values = netlist.evaluate(row[None], keep="all", state=state)[0]
        seen.append(values[netlist.outputs])
        state = values[netlist.register_next]
    return np.array(seen)


@pytest.mark.parametrize("primitives", ["portable", "xilinx"])
def test_yosys_finds_the_registers_of_a_pipeline_and_what_they_hold(primitives: str, tmp_path: Path) -> None:
    needs("yosys")
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


@pytest.mark.parametrize("pipeline", [None, 2])
def test_a_sample_that_ends_too_early_is_dropped_and_the_next_one_is_whole(pipeline, tmp_path: Path) -> None:
    needs("iverilog", "vvp")
    circuit = with_range(ranks(7))
    options = {"words": 5, "pipeline": pipeline, "name": "tiny"}
    words = Words.derive(circuit, 5)
    taken = words.quantise(edge_rows(circuit, samples=12)[-12:])
    numbers = circuit.decision_function(words.values(taken)).argmax(axis=1).tolist()
    beats, result = [], []
    for sample, row in enumerate(taken):
        data = sum(int(value) << 5 * place for place, value in enumerate(row))
        sent = (4, 1, 2, 3)[sample % 4]  # transfers of a sample that takes four of eight bits
        beats += [(data >> 8 * place & 255) | (place == sent - 1) << 8 for place in range(sent)]
        result += [numbers[sample]] if sent == 4 else []
    text = export.to_axi_stream(circuit, beat_bits=8, **options)
    bits = int(re.search(r"output wire \[(\d+):0\] m_axis_tdata", text)[1]) + 1
    bench = f"""
module bench;
  reg aclk = 0, aresetn = 0, tvalid = 0;
  reg [8:0] beats [0:{len(beats) - 1}];
  wire [{bits - 1}:0] mdata;
  wire sready, mvalid, mlast;
  integer at = 0, cycle;
  tiny_axis dut (.aclk(aclk), .aresetn(aresetn), .s_axis_tdata(beats[at][7:0]), .s_axis_tvalid(tvalid),
    .s_axis_tready(sready), .s_axis_tlast(beats[at][8]), .m_axis_tdata(mdata), .m_axis_tvalid(mvalid),
    .m_axis_tready(1'b1), .m_axis_tlast(mlast));
  initial begin
    {" ".join(f"beats[{place}] = {value};" for place, value in enumerate(beats))}
    #1 aclk = 1; #1 aclk = 0; aresetn = 1; tvalid = 1;
    for (cycle = 0; cycle < {len(beats) + 60}; cycle = cycle + 1) begin
      #1 if (mvalid) $display("got %0d %0d", mdata[7:0], mlast);
      #1 aclk = 1;
      #1 if (tvalid) begin if (at == {len(beats) - 1}) tvalid = 0; else at = at + 1; end
      #1 aclk = 0;
    end
    $finish;
  end
endmodule
"""
    (tmp_path / "tiny.v").write_text(export.to_verilog(circuit, **options))
    (tmp_path / "bench.sv").write_text(bench)
    said = {}
    for name, wrapper in {"whole": text, "faulty": text.replace("complete | s_axis_tlast", "complete")}.items():
        (tmp_path / "axis.v").write_text(wrapper)
        toolchain.find("iverilog").run(["-g2012", "-o", "a.vvp", "tiny.v", "axis.v", "bench.sv"], None, tmp_path, 60)
        printed = toolchain.find("vvp").run(["-n", "a.vvp"], None, tmp_path, 60).stdout
        said[name] = [line.split()[1:] for line in printed.splitlines() if line.startswith("got")]
    assert said["whole"] == [[str(number), "1"] for number in result]
    assert said["faulty"] != said["whole"]
