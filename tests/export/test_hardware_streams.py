"""AXI streams in Verilator and Icarus: whoever waits loses nothing, and a sample that ends too early is dropped."""

from __future__ import annotations

import re

import numpy as np
import pytest

from lutsmith import export
from lutsmith.logic import Words

from .benches import SIMULATORS, run_benches
from .cases import edge_rows, ranks, with_range

pytestmark = pytest.mark.slow  # what they share is simulated at once, and takes many seconds

CIRCUIT = with_range(ranks(7, width=1))
WORDS = Words.derive(CIRCUIT, 5)
FORMS = [(None, None), (None, 8), (2, None), (2, 8), (1, 16)]
SAMPLES = 40
PRESSURE, EARLY = "under pressure", "ended early"
FAULTS = {
    PRESSURE: ("m_axis_tready | ~stage_valid", "1'b1 | ~stage_valid"),
    EARLY: ("complete | s_axis_tlast", "complete"),
}
"""What a wrapper loses, and what stands there instead."""

RUNS = {
    f"run{number}": run
    for number, run in enumerate(
        (kind, pipeline, beat_bits, spoilt)
        for kind, forms in ((PRESSURE, FORMS), (EARLY, [(None, 8), (2, 8)]))
        for pipeline, beat_bits in forms
        for spoilt in (False, True)
    )
}
"""All that is simulated at once: the kind of bench, the form of the design, and whether the wrapper has a fault."""


def integer(words: np.ndarray, width: int) -> int:
    """Words side by side, the first lowest."""
    return sum(int(word) << width * place for place, word in enumerate(words))


def pressed(name: str, pipeline: int | None, beat_bits: int | None) -> str:
    """A bench that is not always ready, and does not always have something to send. It prints got=40 wrong=0."""
    taken = WORDS.quantise(edge_rows(CIRCUIT, samples=SAMPLES)[-SAMPLES:])
    scores = CIRCUIT.decision_function(WORDS.values(taken))
    label, score = (port for port in export.designed(CIRCUIT, words=5, pipeline=pipeline).outputs)
    assert label.size <= 8
    beat = beat_bits or 32
    beats = -(-30 // beat)
    inputs = [integer(row, 5) for row in taken]
    results = [int(line.argmax()) | integer(line, score.width) << 8 for line in scores]
    out = 8 + 8 * -(-score.size // 8)
    return f"""
module {name}_bench;
  reg aclk = 0, aresetn = 0, tvalid = 0, tready = 0;
  reg [{beats * beat - 1}:0] samples [0:{SAMPLES - 1}];
  reg [{out - 1}:0] results [0:{SAMPLES - 1}];
  wire sready, mvalid, mlast;
  wire [{out - 1}:0] mdata;
  integer sent = 0, got = 0, beat = 0, wrong = 0, held = 0, cycle;
  reg [{out}:0] last;
  wire [{beat - 1}:0] tdata = tvalid ? samples[sent][beat * {beat} +: {beat}] : {beat}'bx;
  wire tlast = (sent % 3 == 2) & (beat == {beats - 1});
  {name}_axis dut (.aclk(aclk), .aresetn(aresetn), .s_axis_tdata(tdata), .s_axis_tvalid(tvalid), .s_axis_tready(sready),
    .s_axis_tlast(tlast), .m_axis_tdata(mdata), .m_axis_tvalid(mvalid), .m_axis_tready(tready), .m_axis_tlast(mlast));
  initial begin
    {" ".join(f"samples[{index}] = {beats * beat}'h{value:x};" for index, value in enumerate(inputs))}
    {" ".join(f"results[{index}] = {out}'h{value:x};" for index, value in enumerate(results))}
    #1 aclk = 1; #1 aclk = 0; aresetn = 1;
    for (cycle = 0; cycle < 2000 && got < {SAMPLES}; cycle = cycle + 1) begin
      if (!tvalid) tvalid = sent < {SAMPLES} && $random % 3 != 0;
      tready = $random % 2 != 0;
      #1;
      if (held != 0 && (!mvalid || {{mlast, mdata}} !== last)) wrong = wrong + 1;
      last = {{mlast, mdata}};
      held = mvalid && !tready;
      if (mvalid && tready) begin
        if (mdata !== results[got] || mlast !== (got % 3 == 2)) wrong = wrong + 1;
        got = got + 1;
      end
      if (tvalid && sready) begin
        #1 aclk = 1;
        #1 tvalid = 0;
        if (beat == {beats - 1}) begin beat = 0; sent = sent + 1; end else beat = beat + 1;
      end else #1 aclk = 1;
      #1 aclk = 0;
    end
    $display("{name} got=%0d wrong=%0d", got, wrong);
  end
endmodule
"""


def shortened() -> tuple[list[int], list[list[str]]]:
    """Transfers of eight bits with tlast, most samples cut to one to three of four; and the label of each whole one."""
    taken = WORDS.quantise(edge_rows(CIRCUIT, samples=12)[-12:])
    numbers = CIRCUIT.decision_function(WORDS.values(taken)).argmax(axis=1).tolist()
    beats, result = [], []
    for sample, row in enumerate(taken):
        data = integer(row, 5)
        sent = (4, 1, 2, 3)[sample % 4]
        beats += [(data >> 8 * place & 255) | (place == sent - 1) << 8 for place in range(sent)]
        result += [[str(numbers[sample]), "1"]] if sent == 4 else []
    return beats, result


def early(name: str, wrapper: str) -> str:
    """A bench that sends those transfers, always ready. It prints label and tlast of each result."""
    beats, _ = shortened()
    bits = int(re.search(r"output wire \[(\d+):0\] m_axis_tdata", wrapper)[1]) + 1
    return f"""
module {name}_bench;
  reg aclk = 0, aresetn = 0, tvalid = 0;
  reg [8:0] beats [0:{len(beats) - 1}];
  wire [{bits - 1}:0] mdata;
  wire sready, mvalid, mlast;
  integer at = 0, cycle;
  {name}_axis dut (.aclk(aclk), .aresetn(aresetn), .s_axis_tdata(beats[at][7:0]), .s_axis_tvalid(tvalid),
    .s_axis_tready(sready), .s_axis_tlast(beats[at][8]), .m_axis_tdata(mdata), .m_axis_tvalid(mvalid),
    .m_axis_tready(1'b1), .m_axis_tlast(mlast));
  initial begin
    {" ".join(f"beats[{place}] = {value};" for place, value in enumerate(beats))}
    #1 aclk = 1; #1 aclk = 0; aresetn = 1; tvalid = 1;
    for (cycle = 0; cycle < {len(beats) + 60}; cycle = cycle + 1) begin
      #1 if (mvalid) $display("{name} %0d %0d", mdata[7:0], mlast);
      #1 aclk = 1;
      #1 if (tvalid) begin if (at == {len(beats) - 1}) tvalid = 0; else at = at + 1; end
      #1 aclk = 0;
    end
  end
endmodule
"""


@pytest.fixture(scope="module", params=SIMULATORS)
def said(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[list[str]]]:
    """The words that each run prints, line by line."""
    files: dict[str, str | bytes] = {}
    for name, (kind, pipeline, beat_bits, spoilt) in RUNS.items():
        options = {"words": 5, "pipeline": pipeline, "name": name}
        wrapper = export.to_axi_stream(CIRCUIT, beat_bits=beat_bits, **options)
        files[f"{name}.v"] = export.to_verilog(CIRCUIT, **options)
        files[f"{name}_bench.sv"] = pressed(name, pipeline, beat_bits) if kind == PRESSURE else early(name, wrapper)
        files[f"{name}_axis.v"] = wrapper.replace(*FAULTS[kind]) if spoilt else wrapper
        assert (files[f"{name}_axis.v"] != wrapper) is spoilt
    folder = tmp_path_factory.mktemp("streams")
    printed = [line.split() for line in run_benches(request.param, [f"{name}_bench" for name in RUNS], files, folder)]
    return {name: [words[1:] for words in printed if words[:1] == [name]] for name in RUNS}


@pytest.mark.parametrize("name", [name for name, run in RUNS.items() if run[0] == PRESSURE])
def test_a_stream_loses_nothing_under_random_backpressure(name: str, said: dict[str, list[list[str]]]) -> None:
    assert (said[name] == [[f"got={SAMPLES}", "wrong=0"]]) is not RUNS[name][3], said[name]


@pytest.mark.parametrize("name", [name for name, run in RUNS.items() if run[0] == EARLY])
def test_a_sample_that_ends_too_early_is_dropped_and_the_next_one_is_whole(
    name: str, said: dict[str, list[list[str]]]
) -> None:
    assert (said[name] == shortened()[1]) is not RUNS[name][3], said[name]
