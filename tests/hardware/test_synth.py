import json

import numpy as np
import pytest

from lutsmith.circuit import Circuit, Comparators, Head, NetlistBuilder
from lutsmith.hardware import ToolFailed, results, synthesis
from lutsmith.hardware.enclosure import enclosed
from lutsmith.hardware.synthesis import synth
from lutsmith.hardware.targets import TARGETS, genlib
from lutsmith.logic import elaborate
from tests.circuit.examples import random_netlist
from tests.logic.examples import any_circuit

abc = pytest.mark.needs("abc")
yosys = pytest.mark.needs("yosys")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LUTSMITH_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "results"


def small():
    """XOR of six bits, twice: two LUTs in the network, and one in the head, which compares them."""
    builder = NetlistBuilder(7)
    parity = np.bitwise_xor.reduce(np.arange(64) >> np.arange(6)[:, None] & 1, axis=0)
    netlist = builder.build(builder.lut([range(6), range(1, 7)], [parity, parity]))
    span = np.zeros(7, np.float32), np.ones(7, np.float32)
    return Circuit((7,), Comparators(range(7), [0.5] * 7, 7), netlist, Head(2), fitted_range=span)


@abc
def test_parts_are_counted_alone_and_together():
    found = synth(small(), "asic")
    assert [row.part for row in found.rows] == ["encoder", "network", "head", "sum", "whole"]
    assert found["network"].lut6 == 2
    assert found["network"].depth == 1
    assert found["sum"].lut6 == sum(row.lut6 for row in found.rows[:3])
    assert found["sum"].gates == pytest.approx(sum(row.gates for row in found.rows[:3]))
    assert not any(row.note for row in found.rows)
    assert json.loads(json.dumps(found.to_json()))["rows"][1]["lut6"] == 2
    assert "NAND2" in str(found).splitlines()[0]


@abc
def test_gates_of_an_inverter_a_nand_and_a_register_are_what_the_library_says():
    builder = NetlistBuilder(2)
    for fanin, table, gates in (([0], [1, 0], 0.5), ([0, 1], [1, 1, 1, 0], 1.0), ([0, 1], [0, 1, 1, 0], 2.5)):
        design = elaborate(
            Circuit((2,), Comparators([0, 1], [0, 0], 2), builder.build(builder.lut([fanin], [table]))), encoder=False
        )
        assert synth(design, "asic")["network"].gates == gates
        assert synth(design, "asic", pipeline=1)["network"].gates == gates + 6


@abc
@yosys
@pytest.mark.parametrize("target", ["ice40", "ecp5"])
def test_cells_of_devices_are_recognised(target):
    found = synth(small(), target, pipeline=1)
    assert found["network"].note == ""
    assert found["network"].luts >= 2
    assert found["network"].ffs == 2
    assert (found["encoder"].luts, found["sum"].ffs, found["whole"].latency) == (0, 3, 2)


@abc
@yosys
@pytest.mark.needs("nextpnr-ice40")
def test_a_small_design_is_placed_and_its_clock_told():
    found = synth(small(), "ice40", pipeline=1, place=True)
    assert found.placement.device == "iCE40-HX1K"
    assert found.placement.note == ""
    assert 20 < found.placement.fmax < 2000
    assert "MHz" in str(found)


@abc
def test_results_are_kept_and_those_that_are_broken_are_computed_anew(cache):
    lines = []
    first = synth(small(), "asic", progress=lines.append)
    runs = len(lines)
    assert runs > 0
    assert synth(small(), "asic", progress=lines.append) == first
    assert len(lines) == runs
    kept = sorted(cache.glob("*.json"))
    for path, damage in zip(kept, (b"", b"{", b"\xff\xfe", b"[]", b'{"key": 1, "result": {}}'), strict=False):
        path.write_bytes(damage)
    assert synth(small(), "asic", progress=lines.append) == first
    assert len(lines) == runs + min(5, len(kept))
    for path in kept:
        entry = json.loads(path.read_text())
        entry["result"] = dict.fromkeys(entry["result"], -1)
        path.write_text(json.dumps(entry))
    assert synth(small(), "asic") == first


@abc
def test_a_cache_that_cannot_be_written_costs_no_result(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("LUTSMITH_CACHE_DIR", str(blocked))
    assert synth(small(), "asic")["network"].lut6 == 2


@abc
def test_a_tool_that_fails_is_a_note_and_not_the_end(monkeypatch):
    def fail(*_args):
        raise ToolFailed("abc was stopped at its time limit of 1 s")

    monkeypatch.setattr(synthesis.abc, "script", fail)
    found = synth(small(), "asic")
    assert found["network"].gates is None
    assert "time limit" in found["network"].note
    assert found["sum"].gates is None
    assert "network: abc was stopped" in str(found)


def test_mistakes_are_told():
    with pytest.raises(ValueError, match="target is 'fpga'; expected one of xilinx"):
        synth(small(), "fpga")
    with pytest.raises(ValueError, match="no open tool places and routes for xilinx: take ecp5"):
        synth(small(), "xilinx", place=True)
    with pytest.raises(ValueError, match="leave words out"):
        synth(elaborate(small()), "asic", words=4)


def test_what_is_hashed_is_all_that_a_netlist_is():
    netlists = [random_netlist(seed, registers=seed % 3) for seed in range(20)]
    assert len({results.digest(netlist) for netlist in netlists}) == 20
    assert results.digest(random_netlist(4, registers=1)) == results.digest(netlists[4])


@pytest.mark.parametrize("seed", range(4))
def test_an_enclosure_feeds_all_inputs_and_sees_all_outputs(seed):
    netlist = random_netlist(seed, registers=0)
    inside = enclosed(netlist)
    assert (inside.num_inputs, inside.outputs.size) == (1, 1)
    state = inside.register_init
    bits = np.random.default_rng(seed).integers(0, 2, 40)
    seen = []
    for bit in bits:
        values = inside.evaluate([[bit]], keep="all", state=state)[0]
        seen.append(bool(values[inside.outputs[0]]))
        state = values[inside.register_next]
    held = [bits[max(0, at - 8) : at + 1][::-1] for at in range(40)]
    rows = np.array([np.pad(row, (0, 9 - len(row))) for row in held])
    parity = netlist.evaluate(rows).sum(axis=1) % 2 == 1
    delay = next(d for d in range(2, 8) if np.array_equal(seen[d + 12 :], parity[12:-d]))
    assert delay == 4, "one cycle to enter, one to be caught, two for the exclusive ors of seven outputs"


@pytest.mark.slow
def test_a_thousand_classes_are_split():
    design = elaborate(any_circuit(2, groups=1000, size=1, plain=True), scores=False)
    assert [part.name for part in synthesis._split(design)] == ["encoder", "network", "head"]


def test_targets_count_their_cells():
    assert TARGETS["xilinx"].count({"LUT6": 3, "LUT2": 1, "SRL16E": 2, "FDRE": 5, "MUXF7": 9}) == (6, 5)
    assert TARGETS["ice40"].count({"SB_LUT4": 3, "SB_DFFE": 2, "SB_CARRY": 1}) == (3, 2)
    assert genlib().count("GATE") == 17
