"""Exports that are as they should be are verified by every layer that has its tool here."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from lutsmith.circuit import Comparators, NetlistBuilder
from lutsmith.circuit.file import save
from lutsmith.cli import run
from lutsmith.hardware import FORMATS, Verification, verify
from lutsmith.hardware.tools import toolchain
from lutsmith.hardware.tools.tool import Tool, ToolFailed, ToolMissing, ToolTimeout
from lutsmith.hardware.verification import rows
from lutsmith.hardware.verification.checks import CHECKS
from lutsmith.hardware.verification.design.cones import bypassed, folded
from lutsmith.hardware.verification.design.elaboration import check_design
from lutsmith.hardware.verification.design.specification import encoder_specification, label_specification
from lutsmith.hardware.verification.report import Loss
from lutsmith.hardware.verification.rows import edge_rows, sample_rows
from lutsmith.logic import Port, Words, elaborate, pipelined
from tests.circuit.examples import random_affine, random_circuit, random_netlist
from tests.hardware.examples import tiny
from tests.tools import dispensable, needs

needs_abc = pytest.mark.needs("abc")


@pytest.mark.slow
@needs_abc
def test_every_format_of_a_small_model_holds_in_every_layer():
    found = verify(tiny(), timeout=300)
    assert not found.failures, str(found)
    open_formats = {check.format for check in found.open}
    assert {format_ for format_ in FORMATS if found.outcome_of(format_) != "holds"} <= open_formats
    for check in found.open:
        assert check.verdict == "not run"
        assert "not there" in check.reason, str(found)
        assert dispensable(check.reason.partition(" ")[0]), str(found)
    assert {check.format for check in found.checks} == {"design", *FORMATS}


@pytest.mark.slow
@needs_abc
@pytest.mark.parametrize("objective", ["classification", "multilabel", "regression"])
def test_pipelines_on_xilinx_primitives_hold_for_every_objective(objective):
    circuit = random_circuit(
        3, classes=3, group=3, luts=9, objective=objective, affine=random_affine(3, 3, 2, objective)
    )
    options = {"words": 4, "pipeline": 2, "layers": ("read-back", "formal")}
    registers = []
    for formats, primitives in ((("verilog", "blif"), "xilinx"), (("vhdl",), "portable")):
        found = verify(circuit, formats, primitives=primitives, **options)
        assert not found.failures, str(found)
        assert found.outcome != "fails", str(found)
        registers += [check.verdict for check in found.checks if check.part == "registers"]
    assert registers.count("proved") >= 3


@pytest.mark.parametrize("seed", range(20))
def test_folded_constants_leave_the_function(seed):
    netlist = random_netlist(seed, registers=seed % 3)
    rng = np.random.default_rng(seed)
    bits, state = rng.integers(0, 2, (60, 9)), rng.integers(0, 2, (60, seed % 3))
    np.testing.assert_array_equal(folded(netlist).evaluate(bits, state=state), netlist.evaluate(bits, state=state))


@pytest.mark.slow
@needs_abc
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("objective", ["classification", "multilabel", "regression"])
def test_designs_are_proved_on_words_and_on_floats(seed, objective):
    circuit = random_circuit(seed, classes=4, group=5, objective=objective, affine=random_affine(seed, 4, 3, objective))
    for words in (Words.derive(circuit, 5), Words.float32(12)):
        checks = tuple(check_design(circuit, elaborate(circuit, words=words), 60))
        assert {check.verdict for check in checks} == {"proved"}, str(Verification(checks))


def test_counts_of_wide_groups_are_proved_in_no_time():
    circuit = random_circuit(0, classes=10, group=400, luts=50)
    design = elaborate(circuit, encoder=False)
    (check,) = [check for check in check_design(circuit, design, 20) if check.part == "popcount"]
    assert check.verdict == "proved"


def test_the_specification_of_the_encoder_is_the_encoder():
    circuit = random_circuit(2)
    for words in (Words.derive(circuit, 6), Words.float32(12)):
        rows = np.concatenate([sample_rows(circuit), edge_rows(circuit, words, sample_rows(circuit))])
        seen = words.quantise(rows)
        if words.is_float:  # infinity, and the NaN next to it, which is no number above it
            ends = np.array([0x7F80_0000, 0x7F80_0001, 0xFF80_0000, 0xFF80_0001, 0x7F7F_FFFF, 0x0000_0001], np.uint32)
            seen = np.concatenate([seen, np.repeat(ends[:, None], 12, axis=1)])
        bits = Port("x", words.bits, 12).bits(seen.astype(np.int64))
        meant = circuit.encoder.encode(words.values(seen))
        np.testing.assert_array_equal(encoder_specification(circuit.inputs, words).evaluate(bits), meant)


@pytest.mark.parametrize(("count", "signed"), [(1, False), (2, True), (5, False), (7, True)])
def test_the_specification_of_labels_is_argmax(count, signed):
    port = Port("scores", 3, count, signed)
    bits = np.random.default_rng(0).integers(0, 2, (500, port.size)).astype(np.bool_)
    label = Port("label", max(1, (count - 1).bit_length()))
    found = label.words(label_specification(count, 3, signed=signed).evaluate(bits))[:, 0]
    np.testing.assert_array_equal(found, port.words(bits).argmax(axis=1))


def test_bypassed_registers_leave_the_function():
    design = elaborate(random_circuit(1))
    for plain, deep in zip(design.parts, pipelined(design, 1).parts, strict=True):
        bits = np.random.default_rng(0).integers(0, 2, (64, plain.netlist.num_inputs))
        np.testing.assert_array_equal(bypassed(deep.netlist).evaluate(bits), plain.netlist.evaluate(bits))


def test_edge_rows_lie_on_both_sides_of_every_threshold():
    circuit = random_circuit(4)
    for words in (None, Words.derive(circuit, 8)):
        rows = edge_rows(circuit, words, sample_rows(circuit))
        bits = circuit.encoder.encode(rows if words is None else words.values(words.quantise(rows)))
        assert bits.any(axis=0).all()
        assert not bits.all(axis=0).any()
    floats = edge_rows(circuit, None, np.zeros((0, 12), np.float32))
    assert np.isnan(floats).any()
    assert np.isinf(floats).any()


@pytest.mark.parametrize("most", [8, 24, 4096])
@pytest.mark.parametrize("base", [0, 1, 5])
def test_single_edges_are_as_many_as_there_is_room_for(monkeypatch, most, base):
    circuit = random_circuit(4)
    count = len(circuit.encoder)
    assert 8 < 2 * count < 4096
    monkeypatch.setattr(rows, "MAX_SINGLE_EDGES", most)
    start = sample_rows(circuit)[:base]
    few, all_ = (edge_rows(circuit, None, start), 2 * count <= most)
    empty = {"encoder": Comparators([], [], 12), "netlist": NetlistBuilder(0).build([]), "head": None}
    nothing = replace(circuit, **empty, objective=None, classes=None)
    together = len(edge_rows(nothing, None, start))
    thresholds = 3 * int(np.bincount(circuit.encoder.feature).max())
    single = few[together + thresholds :]
    assert len(single) == (2 * count * min(32, most // (2 * count)) if all_ else most)
    base_rows = start if base else np.zeros((1, 12), np.float32)
    pairs = single.reshape(-1, 2, 12)
    assert ((pairs[:, 0] != pairs[:, 1]).sum(axis=1) == 1).all()
    changed = np.argmax(pairs[:, 0] != pairs[:, 1], axis=1)
    met = set()
    for (low, high), feature in zip(pairs, changed, strict=True):
        own = circuit.encoder.threshold[circuit.encoder.feature == feature]
        assert ((low[feature] < own) & (own < high[feature])).any()
        others = np.arange(12) != feature
        assert (low[others] == base_rows[:, others]).all(axis=1).any()
        met.add((int(feature), float(high[feature])))
    assert len(met) == (count if all_ else most // 2)


def test_what_quantising_costs_is_told():
    circuit = random_circuit(5)
    X = np.random.default_rng(0).uniform(0, 255, (300, 12))
    y = circuit.predict(X)
    loss = verify(circuit, ("json",), X, y, words=2, layers=("read-back",)).loss
    assert loss is not None
    assert loss.accuracy == 1
    assert 0 < loss.changed < 1
    assert loss.quantised_accuracy == pytest.approx(1 - loss.changed)


def test_what_quantising_costs_is_said_in_words():
    circuit = random_circuit(5)
    X = np.random.default_rng(0).uniform(0, 255, (300, 12))
    told = verify(circuit, ("json",), X, words=2, layers=("read-back",)).loss
    assert told is not None
    assert (told.bits, told.samples, told.accuracy, told.quantised_accuracy) == (2, 300, None, None)
    assert str(told) == f"words of 2 bits change {told.changed:.2%} of the results on 300 samples"
    whole = Loss(2, 1300, 0.25, 0.5, 0.375)
    assert str(whole) == (
        "words of 2 bits change 25.00% of the results on 1,300 samples; accuracy 50.00%, on words 37.50%"
    )


def test_random_rows_are_numbers_that_lie_around_the_thresholds():
    largest = float(np.finfo(np.float32).max)
    circuit = random_circuit(5)
    for ends in ([-largest, largest], [3.0, 4.5], [largest, np.inf]):
        threshold = np.resize(np.array(ends, np.float32), len(circuit.encoder))
        encoder = Comparators(np.resize(np.arange(12), threshold.size), threshold, 12)
        changed = replace(circuit, encoder=encoder, fitted_range=None)
        rows = sample_rows(changed)
        np.testing.assert_array_equal(rows, sample_rows(changed, seed=0))
        assert not np.array_equal(rows, sample_rows(changed, seed=1))
        low, high = (np.float64(f(0.0, *(end for end in ends if end < np.inf))) + at for f, at in ((min, -1), (max, 1)))
        assert rows.dtype == np.float32
        assert np.isfinite(rows).all()
        assert np.float32(low) <= rows.min() < 0.99 * low + 0.01 * high
        assert np.float32(high) >= rows.max() > 0.01 * low + 0.99 * high


def test_a_missing_tool_is_said_with_what_installs_it(monkeypatch):
    from lutsmith.hardware.tools import toolchain

    def missing(name, environment):
        return f"{name} is needed and not there: it is hidden. Install it: pip install 'lutsmith[hardware]'"

    monkeypatch.setattr(toolchain, "_find", missing)
    found = verify(tiny(), ("verilog", "c"), layers=("simulation",))
    assert found.outcome == "not established"
    assert not found.ok
    assert {check.verdict for check in found.checks} == {"not run"}
    assert all("pip install" in check.reason for check in found.checks)


@pytest.mark.parametrize(
    ("raised", "formal", "simulation"),
    [
        (ToolMissing("abc is not there"), "not run", "not run"),
        (ToolTimeout("abc took too long; stopped"), "not decided", "not run"),
        (ToolFailed("abc ended with 1"), "failed", "failed"),
        (ValueError("no netlist"), "failed", "failed"),
    ],
)
def test_a_layer_that_breaks_off_is_a_row_that_says_how(monkeypatch, raised, formal, simulation):
    def broken(files, task):
        yield from ()
        raise raised

    for format_, layer in (("blif", "formal"), ("json", "simulation")):
        monkeypatch.setitem(CHECKS[format_], layer, broken)
    found = verify(tiny(), ("blif", "json"), layers=("formal", "simulation")).checks
    rows = [check for check in found if check.format != "design"]
    assert [(row.format, row.layer, row.part, row.verdict) for row in rows] == [
        ("blif", "formal", "all", formal),
        ("json", "simulation", "all", simulation),
    ]
    for row in rows:
        assert row.reason == str(raised).partition(";")[0]
        assert (row.seconds > 0) == (not isinstance(raised, ToolMissing))


def test_every_row_of_a_check_that_ran_says_how_long_it_took():
    rows = [*check_design(tiny(), elaborate(tiny(), words=4), 60.0)]
    rows += verify(tiny(), ("json", "blif"), layers=("read-back", "simulation")).checks
    assert {row.part for row in rows} >= {"ports", "encoder", "network", "popcount", "decision"}
    assert all(row.seconds > 0 for row in rows if row.verdict != "not run")


@pytest.mark.parametrize(
    ("format_", "tools"),
    [
        ("verilog", ("yosys",)), ("vhdl", ("ghdl", "yosys")), ("blif", ()), ("aiger", ()), ("aiger-ascii", ()),
        ("c", ()), ("javascript", ("node",)), ("webassembly", ("node",)), ("onnx", ()),
    ],
)  # fmt: skip
def test_every_run_of_a_tool_has_a_time_limit(monkeypatch, format_, tools):
    needs("abc", *tools)
    seen = []
    run = Tool.run

    def watched(tool, args=(), input=None, cwd=None, timeout=None, limits=None, binary=False):  # noqa: A002
        seen.append((tool.name, timeout))
        return run(tool, args, input, cwd, timeout, limits, binary)

    for tool in toolchain.TOOLS:
        toolchain.available(tool)  # asks for versions
    monkeypatch.setattr(Tool, "run", watched)
    layers = ("formal",) if tools[-1:] == ("yosys",) else ("read-back", "formal", "simulation")
    found = verify(tiny(), (format_,), words=4 if "formal" in CHECKS[format_] else None, layers=layers, timeout=99.0)
    assert found.outcome in ("holds", "not established"), str(found)
    assert seen
    assert {name for name, limit in seen if limit is None or not 0 < limit <= 99} == set(), seen


def test_mistakes_in_arguments_are_named():
    with pytest.raises(ValueError, match="expected one of verilog"):
        verify(tiny(), ("verilok",))
    with pytest.raises(TypeError, match="expected a sequence"):
        verify(tiny(), "verilog")
    with pytest.raises(ValueError, match="timeout is 0"):
        verify(tiny(), timeout=0)


def test_the_command_prints_a_table_or_json_and_its_exit_code_tells(tmp_path, capsys):
    path = tmp_path / "model.lut"
    save(tiny(), path)
    assert run(["verify", str(path), "--format", "json", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is True
    bad = tmp_path / "other.json"
    from lutsmith.export import to_json_text

    bad.write_text(to_json_text(random_circuit(9, classes=2, group=2, luts=4)))
    assert run(["verify", str(path), "--format", "json", "--file", str(bad)]) == 1
    assert "failed" in capsys.readouterr().out
    assert run(["verify", str(path), "--file", str(bad)]) == 2
