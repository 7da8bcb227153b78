"""`simplify`: equal circuits, reports that tell what happened, outputs and groups in their places."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lutsmith
from lutsmith.circuit import Circuit, CircuitBuilder, Comparators, Netlist, NetlistBuilder
from lutsmith.circuit.file import load
from lutsmith.circuit.simplify import merge_equal_nodes, remove_dead, simplify, simplify_netlist

from ..examples import random_circuit, random_images
from .nets import assert_equal, nets, random_net, same_arrays

EXAMPLES = settings(deadline=None, max_examples=60)


def gates(layers: int, width: int, seed: int) -> Netlist:
    """Layers of random two-input gates."""
    rng, builder = np.random.default_rng(seed), NetlistBuilder(width)
    signals = np.arange(width)
    for _ in range(layers):
        signals = builder.lut(rng.choice(signals, (width, 2)), rng.integers(0, 2, (width, 4)))
    return builder.build(signals)


@EXAMPLES
@given(netlist=nets(), level=st.sampled_from([1, 2]), rank=st.integers(2, 6))
def test_a_simplified_netlist_is_equal_smaller_and_as_simple_as_it_gets(
    netlist: Netlist, level: int, rank: int
) -> None:
    result, steps = simplify_netlist(netlist, level, rank=rank)
    assert_equal(netlist, result)
    live = remove_dead(netlist)
    assert result.num_nodes <= live.num_nodes
    assert result.depth <= live.depth
    assert same_arrays(simplify_netlist(result, level, rank=rank)[0], result)
    assert steps[0].name == "given"
    assert steps[-1].name == "result"
    assert steps[-1].luts_by_rank == result.luts_by_rank()


def test_the_same_netlist_gives_the_same_result() -> None:
    assert same_arrays(simplify_netlist(random_net(3))[0], simplify_netlist(random_net(3))[0])


@pytest.mark.parametrize(("rank", "share"), [(6, 0.14), (3, 0.21)])
def test_random_gates_become_few_luts(rank: int, share: float) -> None:
    netlist = gates(6, 500, 0)
    result, _ = simplify_netlist(netlist, rank=rank)
    assert max(result.luts_by_rank()) <= rank
    assert result.num_nodes <= share * netlist.num_nodes
    bits = np.random.default_rng(0).integers(0, 2, (200, 500)).astype(bool)
    np.testing.assert_array_equal(result.evaluate(bits), netlist.evaluate(bits))


def test_wide_luts_stay_where_cones_of_a_smaller_rank_are_asked_for() -> None:
    rng, builder = np.random.default_rng(0), NetlistBuilder(12)
    wide = builder.lut([np.arange(6), np.arange(6, 12)], rng.integers(0, 2, (2, 64)))
    netlist = builder.build(builder.lut([wide], [[0, 1, 1, 0]]))
    result, _ = simplify_netlist(netlist, rank=3)
    assert result.luts_by_rank() == {2: 1, 6: 2}
    assert simplify_netlist(netlist, rank=6)[0].num_nodes == 3


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32), objective=st.sampled_from(["classification", "multilabel"]))
def test_a_simplified_circuit_scores_as_before(seed: int, objective: str) -> None:
    circuit = random_circuit(seed, objective=objective)
    result = simplify(circuit).circuit
    images = random_images(seed, circuit, 200)
    np.testing.assert_array_equal(result.evaluate(images), circuit.evaluate(images))
    np.testing.assert_array_equal(result.predict(images), circuit.predict(images))
    assert result.classes == circuit.classes
    assert result.head == circuit.head


def test_unread_comparators_go_and_constant_outputs_stay_in_their_places() -> None:
    builder = CircuitBuilder((3,))
    bits = builder.compare(builder.features, [1.0, 2.0, 3.0])
    ends = builder.lut([[bits[0], bits[1]]] * 4, [[0, 0, 0, 0], [0, 1, 0, 1], [1, 1, 1, 1], [0, 1, 0, 1]])
    unread = builder.lut([[bits[2], bits[1]]], [[0, 1, 1, 0]])
    builder.popcount(ends, 2)
    circuit = builder.build(classes=("a", "b"))
    assert unread.size == 1
    simplified = lutsmith.simplify(circuit)
    result = simplified.circuit
    assert len(result.encoder) == 1
    assert result.encoder.feature.tolist() == [0]
    assert result.netlist.luts_by_rank() == {0: 2}
    rows = [[0, 0, 0], [2, 0, 0]]
    np.testing.assert_array_equal(result.outputs(rows), [[0, 0, 1, 0], [0, 1, 1, 1]])
    assert [step.inputs for step in simplified.steps][:: len(simplified.steps) - 1] == [3, 1]


def test_the_metadata_says_what_was_done(tmp_path) -> None:
    result = lutsmith.simplify(random_circuit(1), rank=4)
    lutsmith.save(result.circuit, tmp_path / "small.lut")
    metadata = load(tmp_path / "small.lut").metadata
    assert metadata.training.seed == 1
    assert metadata.simplified == {
        "equal": "for every sample",
        "level": 2,
        "rank": 4,
        "luts_before": result.steps[0].luts,
        "luts": result.steps[-1].luts,
    }


def test_the_report_is_a_table_of_the_passes_that_changed_something() -> None:
    _, steps = simplify_netlist(gates(3, 50, 0))
    simplified = simplify(_circuit_of(gates(3, 50, 0)))
    lines = str(simplified).splitlines()
    assert len(lines) == len(steps) + 1
    assert lines[0].split()[:2] == ["pass", "LUTs"]
    assert [line.split()[0] for line in lines[1:]] == [step.name for step in steps]
    assert "collapse_cones" in str(simplified)
    assert simplified.to_json()["steps"][-1]["luts"] == steps[-1].luts
    assert f"{steps[0].luts} to {steps[-1].luts} LUTs" in repr(simplified)


def test_level_1_keeps_luts_apart() -> None:
    netlist = gates(3, 50, 0)
    result, steps = simplify_netlist(netlist, 1)
    assert max(result.luts_by_rank()) == 2
    assert "collapse_cones" not in [step.name for step in steps]


def test_two_long_equal_chains_become_one() -> None:
    builder = NetlistBuilder(2)
    ends = [0, 0]
    for _ in range(300):
        ends = builder.lut([[ends[0], 1], [1, ends[1]]], [[0, 1, 0, 0], [0, 0, 1, 0]])
    result = remove_dead(merge_equal_nodes(builder.build(ends)))
    assert result.num_nodes == 300


@pytest.mark.parametrize("level", [0, 5, -1])
def test_unknown_levels_are_refused(level: int) -> None:
    with pytest.raises(ValueError, match=r"level is .*, expected 1"):
        lutsmith.simplify(random_circuit(0), level)


def test_numbers_of_numpy_are_levels_and_ranks_that_a_file_can_hold(tmp_path: Path) -> None:
    result = lutsmith.simplify(random_circuit(1), np.int64(2), rank=np.int8(4))  # type: ignore[arg-type]
    lutsmith.save(result.circuit, tmp_path / "small.lut")
    assert json.loads(json.dumps(result.to_json()))["rank"] == 4


@pytest.mark.parametrize("level", [True, 2.0, "2"])
def test_a_level_is_an_integer(level: object) -> None:
    with pytest.raises(TypeError, match="level must be an int"):
        lutsmith.simplify(random_circuit(0), level)  # type: ignore[arg-type]


def _circuit_of(netlist: Netlist) -> Circuit:
    inputs = netlist.num_inputs
    return Circuit((inputs,), Comparators(np.arange(inputs), np.full(inputs, 0.5), inputs), netlist)


def random_codes(seed: int) -> Circuit:
    """LUTs of rank 2 to 6 on few thresholds of three features, infinite and repeated ones among them, in two layers."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 12))
    thresholds = rng.choice([-np.inf, -1.0, -0.0, 0.0, 1.0, 2.0, 3.0, np.inf], count)
    encoder = Comparators(rng.integers(0, 3, count), thresholds, 3)
    builder = NetlistBuilder(count)
    signals = np.arange(count)
    for _ in range(2):
        rank = int(rng.integers(2, 7))
        made = builder.lut(rng.choice(signals, (6, rank)), rng.integers(0, 2, (6, 1 << rank)))
        signals = np.concatenate([signals, made])
    return Circuit((3,), encoder, builder.build(rng.choice(signals, 8)))


@EXAMPLES
@given(seed=st.integers(0, 2**32))
def test_level_3_is_equal_for_every_sample_and_as_simple_as_it_gets(seed: int) -> None:
    circuit = random_codes(seed)
    values = np.array([-np.inf, -1, -0.0, 0.5, 1, 1.5, 2.5, 3, np.inf, np.nan])
    rows = np.stack(np.meshgrid(values, values, values), axis=-1).reshape(-1, 3)
    result = simplify(circuit, 3).circuit
    np.testing.assert_array_equal(result.evaluate(rows), circuit.evaluate(rows))
    assert result.netlist.num_nodes <= simplify(circuit, 2).circuit.netlist.num_nodes
    assert same_arrays(simplify(result, 3).circuit.netlist, result.netlist)


def test_codes_that_no_sample_has_free_an_input() -> None:
    builder = CircuitBuilder((1,))
    low, high = builder.compare([0, 0], [1.0, 2.0])
    circuit = builder.build(builder.lut([[low, high]], [[0, 0, 0, 1]]))  # above 1 and above 2: above 2
    assert lutsmith.simplify(circuit, 2).circuit.netlist.luts_by_rank() == {2: 1}
    result = lutsmith.simplify(circuit, 3).circuit
    assert result.netlist.num_nodes == 0
    assert result.encoder.threshold.tolist() == [2.0]


def test_level_3_needs_an_encoder() -> None:
    with pytest.raises(ValueError, match="needs the encoder"):
        simplify_netlist(random_net(0), 3)
