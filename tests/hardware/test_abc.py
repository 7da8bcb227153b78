"""ABC: netlists go through it and come back; what it refuses is an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Netlist, NetlistBuilder
from lutsmith.formats import from_aiger, from_blif, to_aiger, to_blif
from lutsmith.hardware import ToolFailed, ToolTimeout, abc
from lutsmith.hardware.tools import toolchain

from ..circuit.examples import random_netlist
from ..formats.examples import assert_same, assert_same_function, shapes
from ..formats.test_blif import ODD

needs_abc = pytest.mark.needs("abc")


@needs_abc
@pytest.mark.parametrize("exchange", abc.EXCHANGES)
@pytest.mark.parametrize("shape", shapes())
def test_every_netlist_comes_back_the_same_function(shape: str, exchange: str) -> None:
    netlist = shapes()[shape]
    made = abc.run(netlist, "strash; if -K 6", timeout=60, exchange=exchange).netlist
    assert_same_function(made, netlist)


@needs_abc
@pytest.mark.parametrize("seed", range(6))
def test_mapped_to_rank_4_no_node_reads_more(seed: int) -> None:
    netlist = random_netlist(seed, registers=seed % 3, luts=30, max_rank=6)
    made = abc.run(netlist, "dch; if -K 4", timeout=60).netlist
    assert made.ranks.max(initial=0) <= 4
    assert_same_function(made, netlist)


@needs_abc
@pytest.mark.parametrize("shape", [shape for shape, netlist in shapes().items() if netlist.outputs.size])
def test_abc_reads_what_is_written_and_we_read_what_it_writes(shape: str, tmp_path: Path) -> None:
    netlist = shapes()[shape]  # with outputs: ABC refuses a network without
    names = [f"{odd}{place}" for place, odd in enumerate((ODD * 2)[: netlist.num_inputs])]
    (tmp_path / "a.blif").write_text(to_blif(netlist, name="a b", inputs=names), encoding="utf-8")
    (tmp_path / "a.aig").write_bytes(to_aiger(netlist, inputs=[f"p{place}" for place in range(netlist.num_inputs)]))
    commands = "read a.blif; write_blif b.blif; strash; write_aiger -s b.aig; read a.aig; write_blif c.blif"
    printed = abc.script(commands, tmp_path, 60)
    assert "rror" not in printed.stdout + printed.stderr
    for name in ("b.blif", "c.blif"):
        named = from_blif((tmp_path / name).read_text())
        assert named.inputs == tuple(names) or name == "c.blif"
        assert_same_function(named.netlist, netlist)
    assert_same_function(from_aiger((tmp_path / "b.aig").read_bytes()).netlist, netlist)


@needs_abc
@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32), st.integers(0, 4), st.integers(0, 30))
def test_netlists_with_registers_go_through_every_format_of_abc_and_start_alike(
    seed: int, registers: int, luts: int
) -> None:
    netlist = random_netlist(seed, registers=registers, luts=luts)
    with toolchain.workspace() as folder:
        (folder / "given.blif").write_text(to_blif(netlist))
        (folder / "given.aig").write_bytes(to_aiger(netlist))
        abc.script(
            "read given.blif; write_blif a.blif; strash; write_aiger a.aig; if -K 6; write_blif b.blif; "
            "read given.aig; write_blif c.blif; write_aiger b.aig",
            folder,
            60,
        )
        for path in sorted(folder.glob("[abc].*")):
            text = path.read_bytes()
            named = from_aiger(text) if path.suffix == ".aig" else from_blif(text.decode())
            assert_same_function(named.netlist, netlist)


@pytest.mark.needs("yosys")
@pytest.mark.parametrize("shape", shapes())
def test_yosys_reads_what_is_written_and_we_read_what_it_writes(shape: str, tmp_path: Path) -> None:
    netlist = shapes()[shape]
    (tmp_path / "a.blif").write_text(to_blif(netlist))
    (tmp_path / "a.aig").write_bytes(to_aiger(netlist))
    passes = "read_blif a.blif; write_blif b.blif; design -reset; read_aiger a.aig; check -assert"
    toolchain.find("yosys").run(["-q", "-p", passes], cwd=tmp_path, timeout=120)
    assert_same_function(from_blif((tmp_path / "b.blif").read_text()).netlist, netlist)


@needs_abc
@pytest.mark.parametrize(
    ("commands", "message"),
    [
        ("frobnicate", "unknown command 'frobnicate'"),
        ("mfs2 -Q", "usage: mfs2"),
        ("quit", "left no result"),
        ("empty", "Empty network"),
        ("if -K 40", r"Error: Incorrect LUT size"),
        ("strash; mfs2", "Error: This command can only be applied to a logic network"),
        ("read_lut nothing.lut; if -K 4", 'Cannot open input file "nothing.lut"'),
        ("read nothing.blif", 'Cannot open input file "nothing.blif"'),
    ],
)
def test_what_abc_refuses_is_an_error(commands: str, message: str) -> None:
    with pytest.raises(ToolFailed, match=message):
        abc.run(random_netlist(1), commands, timeout=60)


BROKEN = {
    "text.aig": (b"garbage\n", "Reading AIG from file has failed"),
    "short.aig": (b"aig 2 1 0 1 1\n4\n", "abc was ended by signal"),
    "short.blif": (b".model m\n.inputs a\n.outputs y\n.names a y\n", "SOP check .* has failed"),
    "undriven.blif": (b".model m\n.inputs a\n.outputs y\n.names q y\n1 1\n.end\n", "Constant-0 drivers"),
}


@needs_abc
@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_abc_cannot_read_is_an_error_though_a_network_is_left(name: str, tmp_path: Path) -> None:
    data, message = BROKEN[name]
    (tmp_path / "good.blif").write_text(to_blif(random_netlist(1)))
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ToolFailed, match=message):
        abc.script(f"read good.blif; read {name}; strash; write_blif made.blif", tmp_path, 60)


@needs_abc
def test_a_network_of_other_outputs_is_refused() -> None:
    with pytest.raises(
        ToolFailed, match="ABC made a network of 9 inputs, 1 outputs and 0 registers, expected 9 inputs"
    ):
        abc.run(random_netlist(1), "strash; cone -O 0 -a", timeout=60)


@needs_abc
def test_a_time_limit_stops_abc() -> None:
    with pytest.raises(ToolTimeout, match="abc was stopped at its time limit"):
        abc.run(random_netlist(1), "sleep 30", timeout=0.5)


def test_an_unknown_exchange_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="exchange is 'verilog'; expected one of"):
        abc.run(NetlistBuilder(1).build([0]), "", exchange="verilog")


def test_registers_cut_and_rejoined_are_the_netlist() -> None:
    netlist = random_netlist(3, registers=3)
    cut = abc.combinational(netlist)
    assert (cut.num_inputs, cut.num_registers, cut.outputs.size) == (12, 0, 10)
    assert_same(abc.rejoined(cut, netlist), netlist)
    assert isinstance(cut, Netlist)
