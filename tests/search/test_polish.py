"""Polishing: effects that follow changes, steps, and what must hold of the result. Nets of several levels."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lutsmith
from lutsmith.circuit import Circuit, CircuitBuilder, Head
from lutsmith.circuit.engine.stages import PackedEvaluation, PackedSamples
from lutsmith.circuit.file import from_bytes, to_bytes
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.data import from_arrays
from lutsmith.data.report import score
from lutsmith.search.effects import table_effects
from lutsmith.search.followed import FollowedLoss
from lutsmith.search.losses import CrossEntropy
from lutsmith.search.polish import PolishSettings, Sweep, is_better, polish
from lutsmith.search.polish_state import PolishCheckpoint, PolishState, with_tables
from lutsmith.search.settings import SearchSettings
from lutsmith.search.steps import Rewirer, better_entries, flipped
from lutsmith.search.trainer import SearchTrainer
from tests.search.networks import code_head, evaluation, network

HEADS = (Head(4), Head(2), Head(2, weights=[[1, -2], [0, 3], [2, 2]]), code_head([[0, 0, 1, 1], [1, 1, 0, 1]]))
RANDOM = np.random.default_rng(4)
X = RANDOM.normal(size=(600, 6)).astype(np.float32)
Y = ((X[:, 0] > 0) ^ (X[:, 1] > 0)).astype(np.int64) + (X[:, 2] > 0.8)
DATA = lutsmith.data.from_arrays(X, Y)


def layered(seed: int = 0, layers: tuple[int, ...] = (30, 24, 18), classes: int = 3) -> Circuit:
    """A circuit of random tables and wires, on two thresholds of each feature."""
    draw, builder = np.random.default_rng(seed), CircuitBuilder((6,))
    signals = np.concatenate([builder.compare(builder.features, bound) for bound in (0.0, 0.8)])
    for size in layers:
        reads = np.stack([draw.choice(signals, 4, replace=False) for _ in range(size)])
        signals = builder.lut(reads, draw.integers(0, 2, (size, 16)))
    builder.popcount(signals, classes)
    return builder.build(classes=tuple(range(classes)))


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from(HEADS),
    st.sampled_from([0, 1, 64, 130]),
    st.integers(0, 4),
    st.sampled_from([None, 0.3, 0.0625, 1e-3]),
)
def test_effects_stay_exact_while_tables_and_wires_change(seed, head, samples, rank, tau):
    netlist = network(seed, rank=rank)
    draw = np.random.default_rng(seed)
    labels, parts = draw.integers(0, head.num_classes, samples), draw.integers(0, 2, samples)
    loss = CrossEntropy(head, labels, 4, tau)
    mine, plain = evaluation(netlist, samples)[0], evaluation(netlist, samples)[0]
    followed = FollowedLoss(mine, loss, parts)
    for node in draw.permutation(netlist.num_nodes).tolist():
        found, expected = followed.effects(node), table_effects(plain, loss, node)
        assert np.allclose(found.sums.sum(axis=0), expected, rtol=1e-9, atol=1e-8)
        better = better_entries(found, 0.0)
        assert np.array_equal(better, found.sums.sum(axis=0) < 0)
        table, before = flipped(int(mine.tables[node]), better), followed.total()
        slots = draw.integers(0, rank, 1) if rank else np.empty(0, np.int64)
        signals = draw.integers(0, netlist.num_inputs, len(slots))
        if node % 2 and rank:
            followed.change(node, table, slots, signals)
            plain.rewire([node], slots, signals, [table])
        else:
            followed.change(node, table)
            plain.change([node], [table])
            assert followed.total() == pytest.approx(before + expected[better].sum(), rel=1e-9, abs=1e-8)
        assert followed.total() == pytest.approx(loss.total(plain), rel=1e-9, abs=1e-8)
    assert mine.num_changes == 0


def test_one_lut_that_moves_many_outputs_is_followed_where_tau_is_small():
    """The probabilities of one side leave what numbers hold: what they were told by was lost, and never came back."""
    builder = NetlistBuilder(2)
    one = builder.lut([[0, 1]], [[0, 1, 1, 0]])
    other = builder.lut([[0, 1]], [[0, 0, 0, 1]])
    netlist = builder.build(np.repeat(np.concatenate([one, other]), 120))
    for head in (Head(2), Head(240, weights=np.random.default_rng(0).integers(-9, 10, (3, 240)))):
        mine, bits = evaluation(netlist, 130)
        loss = CrossEntropy(head, bits[:, 0].astype(int), 240, 0.0625)
        followed, plain = FollowedLoss(mine, loss), PackedEvaluation(netlist, mine.samples)
        for table in (9, 0, 15, 6, 8):
            for node in range(2):
                expected = table_effects(plain, loss, node)
                assert np.allclose(followed.effects(node).sums[0], expected, rtol=1e-9, atol=1e-9)
                followed.change(node, table)
                plain.change([node], [table])
                assert followed.total() == pytest.approx(loss.total(plain), rel=1e-12)


def test_a_circuit_that_knows_its_rows_by_heart_is_left_as_it_is():
    """Nothing is gained where nothing is lost: it was given away for gains of less than rounding."""
    draw = np.random.default_rng(4)
    x, y = draw.random((200, 6)).astype(np.float32), draw.integers(0, 3, 200)
    dataset = from_arrays(x, y, x, y)
    words = code_head(draw.integers(0, 2, (3, 60)).tolist())
    builder = CircuitBuilder((6,))
    signals = np.concatenate([builder.compare(builder.features, bound) for bound in np.linspace(0.1, 0.9, 9)])
    for size in (400, 60):
        reads = np.stack([draw.choice(signals, 6, replace=False) for _ in range(size)])
        signals = builder.lut(reads, draw.integers(0, 2, (size, 64)))
    builder.popcount(signals, 60, weights=words.weights, bias=words.bias)
    start = builder.build(classes=(0, 1, 2))
    settings = SearchSettings(method="greedy", validation=0.0, options={"tau": 1.0})
    circuit = SearchTrainer(settings).fit(dataset, start=start).circuit
    assert (circuit.predict(x) == y).all()
    polished = polish(circuit, dataset, PolishSettings(sweeps=1, validation=0.0))
    assert (polished.circuit.predict(x) == y).all()
    assert polished.record["loss"] <= polished.record["loss_before"]


def test_a_wire_goes_where_the_loss_is_least():
    """A LUT that reads the wrong feature, among many: the right one is found, and the table with it."""
    draw = np.random.default_rng(0)
    bits = draw.random((2000, 40)) < 0.5
    netlist = replace(network(0, inputs=40, layers=(2,), rank=2), fanin=np.array([0, 1, 2, 3], np.int32))
    labels = (bits[:, 0] ^ bits[:, 17]).astype(np.int64)
    followed = FollowedLoss(
        PackedEvaluation(netlist, PackedSamples.of_bits(bits)),
        CrossEntropy(Head(2), labels, 2),
        draw.integers(0, 2, 2000),
    )
    found = Rewirer(followed, 2.0).better(1, 41, followed.rises(1), 0, np.arange(4, 40, dtype=np.int32), 0)
    assert found is None  # input 3 stays, and with it nothing tells anything
    followed.change(1, 6, [1], [0])
    before = followed.total()
    found = Rewirer(followed, 2.0).better(1, 41, followed.rises(1), 0, np.arange(4, 40, dtype=np.int32), 0)
    assert found is not None
    assert (found.slot, found.signal, found.table) == (0, 17, 0b0110)
    followed.change(1, found.table, [0], [17])
    assert followed.total() < before - 100


def test_random_networks_of_three_layers_learn_and_never_lose_on_validation_rows():
    for seed in range(3):
        circuit = layered(seed)
        polished = polish(circuit, DATA, PolishSettings(sweeps=6, seed=seed, z=1.0, candidates=10))
        start, best = polished.history[0], polished.history[polished.record["kept"]]
        assert best.validation > start.validation + 0.1
        assert best.validation_loss < start.validation_loss
        held = polished.held_out
        assert np.mean(polished.circuit.predict(X[held]) == Y[held]) == best.validation
        assert polished.circuit.head == circuit.head
        assert np.array_equal(polished.circuit.encoder.threshold, circuit.encoder.threshold)
        assert polished.circuit.netlist.num_nodes == circuit.netlist.num_nodes


def planted(objective: str, seed: int) -> tuple[Circuit, Circuit]:
    """A circuit for labels or numbers, two levels deep, and it with some entries of some tables inverted."""
    draw, builder = np.random.default_rng(seed), CircuitBuilder((6,))
    bits = np.concatenate([builder.compare(builder.features, bound) for bound in (0.0, 0.8)])
    tables = draw.integers(0, 2, (20, 16)), draw.integers(0, 2, (24, 16))
    first = builder.lut(np.stack([draw.choice(bits, 4, replace=False) for _ in range(20)]), tables[0])
    last = builder.lut(np.stack([draw.choice(first, 4, replace=False) for _ in range(24)]), tables[1])
    affine = {"bias": [-4, -4, -3]} if objective == "multilabel" else {"scale": [0.5, 2.0, 1.0], "offset": [0.0, -3, 9]}
    builder.popcount(last, 3, **affine)
    circuit = builder.build(objective=objective)
    words, nodes = circuit.netlist.tables(), draw.choice(circuit.netlist.num_nodes, 6, replace=False)
    words[nodes] ^= np.uint64(1) << draw.integers(0, 16, 6).astype(np.uint64)
    return circuit, replace(circuit, netlist=with_tables(circuit.netlist, circuit.netlist.fanin, words))


@pytest.mark.parametrize("objective", ["multilabel", "regression"])
def test_inverted_entries_of_labels_and_numbers_are_found(objective):
    for seed in range(3):
        whole, broken = planted(objective, seed)
        data = lutsmith.data.from_arrays(X, whole.predict(X), objective=objective)
        found = polish(broken, data, PolishSettings(seed=seed))
        start, best = found.history[0], found.history[found.record["kept"]]
        held = found.held_out
        reached = score(objective, found.circuit.predict(X[held]), whole.predict(X[held]))
        assert start.validation < best.validation == reached > 0.99
        assert best.validation_loss < start.validation_loss
        assert found.circuit.head == whole.head
        assert (found.record["tau"] is None) == (objective == "regression")
        assert from_bytes(to_bytes(found.circuit)).metadata.to_json()["polished"] == found.record
        noise = np.random.default_rng(seed).permutation(whole.predict(X))
        polished = polish(whole, lutsmith.data.from_arrays(X, noise, objective=objective), PolishSettings(z=0.5))
        start, best = polished.history[0], polished.history[polished.record["kept"]]
        assert best.validation >= start.validation
        assert best.validation_loss <= start.validation_loss


def test_the_record_tells_what_changed():
    circuit = layered()
    found = polish(circuit, DATA, PolishSettings(sweeps=2, z=0.5, candidates=10))
    record, old, new = found.record, circuit.netlist, found.circuit.netlist
    assert record["nodes"] > 0 < record["wires"]
    assert record["wires"] == np.count_nonzero(old.fanin != new.fanin)
    moved = (old.fanin != new.fanin).reshape(-1, 4).any(axis=1)
    differ = np.bitwise_count(old.tables() ^ new.tables())
    assert record["entries"] == differ[~moved].sum()
    assert record["nodes"] == np.count_nonzero(moved | (differ > 0))
    assert [level["luts"] for level in record["levels"]] == [30, 24, 18]
    assert sum(level["entries"] for level in record["levels"]) == record["entries"]
    again = from_bytes(to_bytes(found.circuit))
    assert again.metadata.to_json()["polished"] == record
    training = again.metadata.training
    assert (training.method, training.settings["z"]) == ("polish", 0.5)
    assert training.refined_from["luts"] == 72


def test_polishing_goes_on_after_it_was_stopped(tmp_path, monkeypatch):
    circuit, given = layered(1), PolishSettings(sweeps=3, z=1.0, candidates=5, seed=2)
    whole = polish(circuit, DATA, given)

    def stop(sweep: Sweep, share: float) -> None:
        if sweep.sweep == 2 and sweep.nodes > 3:
            raise KeyboardInterrupt

    path = tmp_path / "checkpoint.npz"
    with pytest.raises(KeyboardInterrupt):
        polish(circuit, DATA, given, watch=stop, checkpoint=path)
    monkeypatch.setenv("LUTSMITH_NUM_THREADS", "3")
    told = []
    rest = polish(circuit, DATA, given, watch=lambda sweep, share: told.append((sweep.sweep, share)), checkpoint=path)
    assert to_bytes(rest.circuit) == to_bytes(replace(whole.circuit, metadata=rest.circuit.metadata))
    same = [(s.loss, s.validation_loss, s.entries, s.wires) for s in rest.history]
    assert same == [(s.loss, s.validation_loss, s.entries, s.wires) for s in whole.history]
    assert min(told)[0] == 2
    assert max(share for _, share in told) == 1.0
    for other in (replace(given, seed=3), replace(given, z=2.0)):
        with pytest.raises(ValueError, match="other settings or data"):
            polish(circuit, DATA, other, checkpoint=path)
    whole_file = path.read_bytes()
    for name, value in (
        *[("history", value) for value in (3, [], [3], [{}], [{**asdict(rest.history[0]), "loss": "x"}])],
        *[("best_sweep", value) for value in (9, -1, 1.0, "x")],
        *[("tau", value) for value in ("x", None, [1.0])],
    ):
        with np.load(path) as file:
            arrays = dict(file)
        facts = {**json.loads(arrays.pop("facts").tobytes()), name: value}
        np.savez(path, facts=np.frombuffer(json.dumps(facts).encode(), np.uint8), **arrays)
        with pytest.raises(ValueError, match=r"checkpoint.npz holds no state of polishing \([^\n]+\): remove it"):
            polish(circuit, DATA, given, checkpoint=path)
        path.write_bytes(whole_file)
    path.write_bytes(whole_file[:100])
    with pytest.raises(ValueError, match="holds no state of polishing"):
        polish(circuit, DATA, given, checkpoint=path)


def test_a_state_is_of_every_row(tmp_path):
    circuit, x = layered(), np.zeros((40000, 1024), np.uint8)  # more than 32 MiB
    y = np.arange(40000) % 3
    path, settings = tmp_path / "checkpoint.npz", PolishSettings()
    dataset = lutsmith.data.from_arrays(x, y)
    state = PolishState(circuit.netlist, circuit.netlist, 0, 1.0, [Sweep(sweep=0, loss=1.0)])
    PolishCheckpoint(path, circuit, settings, dataset).write(state)
    found = PolishCheckpoint(path, circuit, settings, dataset).read()
    assert found.history == state.history
    assert found.best.same_as(state.best)
    x[1, 5] = 1
    with pytest.raises(ValueError, match="other settings or data"):
        PolishCheckpoint(path, circuit, settings, lutsmith.data.from_arrays(x, y)).read()


def test_a_limit_of_time_ends_it():
    found = polish(layered(), DATA, PolishSettings(max_seconds=1e-9))
    assert len(found.history) == 2
    assert (found.history[1].nodes, found.history[1].finished, found.record["kept"]) == (0, False, 0)


def test_what_is_kept_is_no_worse():
    start, worse = (Sweep(sweep=0, loss=1, validation=0.9, validation_loss=loss) for loss in (0.5, 0.6))
    assert not is_better(worse, start, start)
    assert is_better(replace(start, validation_loss=0.4), start, start)
    assert not is_better(replace(start, validation_loss=0.4, validation=0.89), start, start)
    assert is_better(replace(worse, validation=None, validation_loss=None), replace(start, validation=None), start)


def test_without_anything_that_gains_the_circuit_is_the_one_that_was_given():
    circuit = layered()
    assert polish(circuit, DATA, PolishSettings(z=1000.0)).circuit is circuit
    assert polish(circuit, DATA, PolishSettings(sweeps=0)).circuit is circuit
    one = replace(DATA, x_train=X[:1], y_train=Y[:1])
    assert len(polish(circuit, one, PolishSettings(validation=0.0, sweeps=1)).history) == 2


def test_mistakes_are_one_line():
    circuit, good = layered(), DATA
    bits = CircuitBuilder((6,))
    bits.integers({"word": bits.lut([bits.compare([0, 1], 0.0)], [[0, 1, 1, 0]])})
    empty = CircuitBuilder((6,))
    empty.popcount(empty.compare([0, 1, 2], 0.0), 3)
    state = CircuitBuilder((6,))
    held = state.register(1)
    state.connect(held, state.compare([0], 0.0))
    state.popcount(np.concatenate([held, state.compare([1, 2], 0.0)]), 3)
    numbers = lutsmith.data.from_arrays(X, X[:, 0], objective="regression")
    labels = lutsmith.data.from_arrays(X, X[:, :2] > 0, objective="multilabel")
    wide = lutsmith.data.from_arrays(np.hstack([X, X]), Y)
    named = lutsmith.data.from_arrays(X, np.array(["a", "b", "c"])[Y])
    weighed = lutsmith.data.from_arrays(X, Y, sample_weight=np.arange(1.0, 601))
    refused = [
        (replace(circuit, head=None, classes=None), good, "no head"),
        (bits.build(), good, "integers"),
        (empty.build(), good, "no LUTs"),
        (state.build(), good, "1 registers"),
        (replace(circuit, objective="multilabel", classes=None), good, "the circuit is for multilabel"),
        (planted("multilabel", 0)[0], labels, "2 labels, the circuit 3"),
        (circuit, numbers, "the data are for regression"),
        (circuit, wide, "samples of shape"),
        (circuit, named, "the classes 'a', 'b', 'c', the circuit 0, 1, 2"),
        (circuit, weighed, "sample_weight"),
    ]
    for model, data, says in refused:
        with pytest.raises(ValueError, match=says) as caught:
            polish(model, data)
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="not images"):
        polish(circuit, good, PolishSettings(augmentation={"shift": 1}))
    for fields, says in (
        ({"z": -1}, "z is"),
        ({"validation": 1}, "share"),
        ({"tau": 0}, "tau"),
        ({"luts": 1}, "no luts"),
    ):
        with pytest.raises(ValueError, match=says):
            PolishSettings.from_json(fields)
