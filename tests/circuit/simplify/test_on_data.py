"""`simplify_on`: equal on every given row, counts that are true, and never called equal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import lutsmith
from lutsmith.circuit import Circuit, CircuitBuilder, Comparators, Metadata, Netlist
from lutsmith.circuit.simplify import Simplification, care, on_data, remove_dead, simplify, simplify_on
from lutsmith.circuit.simplify.care import entries, look, use_freedom

from ..examples import random_circuit, random_images
from .nets import nets, random_net


def bare(netlist: Netlist) -> Circuit:
    """A circuit whose features are the netlist's bits."""
    inputs = netlist.num_inputs
    return Circuit((max(1, inputs),), Comparators(np.arange(inputs), np.full(inputs, 0.5), max(1, inputs)), netlist)


def rows_of(circuit: Circuit, seed: int, samples: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (samples, circuit.encoder.num_features))


@settings(deadline=None, max_examples=60)
@given(netlist=nets(), seed=st.integers(0, 99), samples=st.sampled_from([1, 3, 20, 64, 200]))
@example(netlist=random_net(20216993, inputs=5, luts=5, outputs=7, registers=0), seed=0, samples=1)
@example(netlist=random_net(0, inputs=5, luts=30, outputs=0, registers=0), seed=0, samples=20)  # levels change places
def test_the_result_is_equal_on_every_given_row(netlist: Netlist, seed: int, samples: int) -> None:
    if netlist.num_registers:
        return
    circuit = bare(netlist)
    rows = rows_of(circuit, seed, samples)
    result = simplify_on(circuit, rows)
    np.testing.assert_array_equal(result.circuit.evaluate(rows), circuit.evaluate(rows))
    assert result.circuit.netlist.num_nodes <= simplify(circuit).circuit.netlist.num_nodes
    assert result.proof.rows == samples


@settings(deadline=None, max_examples=60)
@given(netlist=nets(), seed=st.integers(0, 99), samples=st.sampled_from([1, 20, 200]))
def test_the_freedom_taken_at_once_keeps_the_outputs_and_never_grows(netlist: Netlist, seed: int, samples: int) -> None:
    if netlist.num_registers:
        return
    netlist = remove_dead(netlist)
    circuit = bare(netlist)
    rows = rows_of(circuit, seed, samples)
    result = use_freedom(netlist, look(circuit.encoder, netlist, rows))
    bits = circuit.encoder.encode(rows)
    np.testing.assert_array_equal(result.evaluate(bits), netlist.evaluate(bits))
    assert result.num_nodes == netlist.num_nodes
    assert result.fanin.size <= netlist.fanin.size
    assert result.depth <= netlist.depth


@settings(deadline=None, max_examples=40)
@given(netlist=nets(), seed=st.integers(0, 99), samples=st.sampled_from([1, 63, 64, 65, 300]))
def test_the_entries_seen_are_those_that_rows_address(netlist: Netlist, seed: int, samples: int) -> None:
    if netlist.num_registers:
        return
    circuit = bare(netlist)
    rows = rows_of(circuit, seed, samples)
    values = netlist.evaluate(circuit.encoder.encode(rows), keep="all")
    total = addressed = 0
    for node in range(netlist.num_nodes):
        reads = netlist.fanin[netlist.fanin_ptr[node] : netlist.fanin_ptr[node + 1]]
        if reads.size:
            total += 1 << reads.size
            addressed += np.unique(values[:, reads] @ (1 << np.arange(reads.size))).size
    assert entries(netlist, look(circuit.encoder, netlist, rows)) == (total, addressed)


def test_blocks_of_rows_see_what_one_block_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    netlist = random_net(4, inputs=8)
    circuit = bare(netlist)
    rows = rows_of(circuit, 0, 3000)
    whole = look(circuit.encoder, netlist, rows)
    monkeypatch.setattr(care, "MEMORY", 1)
    parts = look(circuit.encoder, netlist, rows)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)


def test_one_row_makes_every_output_a_constant_or_an_input() -> None:
    netlist = random_net(5)
    circuit = bare(netlist)
    result = simplify_on(circuit, rows_of(circuit, 0, 1))
    assert set(result.circuit.netlist.luts_by_rank()) <= {0}


def test_an_input_that_no_row_needs_is_dropped() -> None:
    builder = CircuitBuilder((2,))
    bits = builder.compare(builder.features, [0.5, 0.5])
    circuit = builder.build(builder.lut([bits], [[0, 0, 1, 1]]))
    xor = builder.build(builder.lut([bits], [[0, 1, 1, 0]]))
    rows = [[0, 0], [0, 1]]
    assert simplify_on(xor, rows).circuit.netlist.num_nodes == 0
    assert len(simplify_on(circuit, rows).circuit.encoder) == 1


def test_it_is_never_called_equal() -> None:
    circuit = random_circuit(0)
    result = simplify_on(circuit, random_images(0, circuit, 50))
    assert not isinstance(result, Simplification)
    assert result.to_json()["equal"] == "on the given data only"
    assert result.circuit.metadata.simplified_on_data["equal"] == "on the given data only"
    assert "equal on the given data only" in str(result)
    assert "given data only" in repr(result)
    again = lutsmith.simplify(result.circuit).circuit.metadata
    assert again.simplified_on_data["equal"] == "on the given data only"


def test_settings_are_kept_and_those_of_simplify_by_default() -> None:
    circuit = random_circuit(0)
    rows = random_images(0, circuit, 50)
    for options, level, rank in (({}, 2, 6), ({"level": 1}, 1, 6), ({"rank": 3}, 2, 3)):
        result = simplify_on(circuit, rows, **options)
        plain = simplify(circuit, **options)
        assert (result.level, result.rank) == (plain.level, plain.rank) == (level, rank)
        kept = result.circuit.metadata.simplified_on_data
        assert (kept["level"], kept.get("rank", 6)) == (level, rank)
        assert kept["luts_before"] == plain.steps[0].luts
        assert kept["luts"] == result.steps[-1].luts


def test_accuracy_is_measured_again_and_the_old_one_forgotten() -> None:
    circuit = random_circuit(3, luts=60)
    circuit = Circuit(**{**vars(circuit), "metadata": Metadata.from_json({"accuracy": 0.5, "task": "made up"})})
    images, others = random_images(0, circuit, 40), random_images(1, circuit, 300)
    labels, other_labels = circuit.predict(images), circuit.predict(others)
    result = simplify_on(circuit, images, labels, held_out=(others, other_labels))
    assert result.accuracy is not None
    assert (result.accuracy.before, result.accuracy.after, result.accuracy.samples) == (1.0, 1.0, 40)
    assert result.held_out is not None
    assert result.held_out.before == 1.0
    assert result.held_out.after == np.mean(result.circuit.predict(others) == other_labels) < 1.0
    metadata = result.circuit.metadata
    assert metadata.accuracy is None
    assert "accuracy" not in metadata.to_json()
    assert metadata.task == "made up"
    assert metadata.simplified_on_data["held_out"]["after"] == result.held_out.after
    assert "accuracy on held-out data: 100.00% before" in str(result)


def test_a_change_that_is_not_sound_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    circuit = random_circuit(0)

    def broken(netlist: Netlist, sight: object) -> Netlist:
        tables = netlist.table_pool.copy()
        tables ^= np.uint64(1)
        fields = ("num_inputs", "fanin", "fanin_ptr", "table_index", "level_ptr", "outputs")
        return Netlist(table_pool=tables, **{name: getattr(netlist, name) for name in fields})

    monkeypatch.setattr(on_data, "use_freedom", broken)
    with pytest.raises(RuntimeError, match="differs on the given data"):
        simplify_on(circuit, random_images(0, circuit, 500))


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        (np.zeros((0, 12)), None, "X has no rows"),
        (np.zeros((4, 11)), None, "X has shape"),
        (np.zeros((4, 12)), [0, 1], r"y has shape \(2,\), expected \(4,\)"),
        (np.zeros((2, 12)), [0, 3], "y holds 3"),
    ],
)
def test_rows_and_labels_that_do_not_fit_are_refused(rows: np.ndarray, labels: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        simplify_on(random_circuit(0), rows, labels)  # type: ignore[arg-type]


def test_labels_need_a_classifier() -> None:
    circuit = random_circuit(0, objective="multilabel")
    with pytest.raises(ValueError, match="predicts no classes"):
        simplify_on(circuit, random_images(0, circuit, 3), [0, 0, 0])


def test_circuits_with_registers_are_refused() -> None:
    circuit = bare(random_net(0, registers=2))
    with pytest.raises(ValueError, match="2 registers, and rows show one clock cycle"):
        simplify_on(circuit, rows_of(circuit, 0, 5))
