"""Searches from data to circuits: stopped and gone on with, chosen on rows that no step reads."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lutsmith.circuit.file import from_bytes, to_bytes
from lutsmith.circuit.table_bank import TableBank
from lutsmith.data import from_arrays
from lutsmith.search.checkpoint import SearchCheckpoint
from lutsmith.search.methods.evolve import NaiveEvolution
from lutsmith.search.networks import network_circuit, random_architecture
from lutsmith.search.problem import BatchSchedule, Problem
from lutsmith.search.settings import SearchSettings
from lutsmith.search.trainer import SearchTrainer

PLAN = random_architecture((24, 16, 8), rank=4, input_shape=(6,), bits=2).to_json()
QUICK = {
    "evolve": {"ratio": 0.1, "candidates": 8},
    "population": {"parents": 3, "children": 9, "ratio": 0.05},
    "wires": {"nodes": 2, "candidates": 20},
    "anneal": {"cooling": 20},
    "coordinate": {"nodes": 12},
    "memorize": {"share": 0.5},
    "greedy": {"tau": 1.0},
}


def data(samples=240, test=True, classes=3):
    x = np.random.default_rng(0).integers(0, 4, (samples, 6)).astype(np.uint8)
    y = (x[:, 0] + x[:, 1] // 2) % classes
    return from_arrays(x, y, x[:40], y[:40]) if test else from_arrays(x, y)


def settings(name, **more):
    given = {"method": name, "options": QUICK[name], "network": PLAN, "code": "drawn", "batch": 60, "steps": 25}
    return SearchSettings.from_json({**given, "every": 5, **more})


@pytest.mark.parametrize("name", QUICK)
def test_a_search_that_was_stopped_goes_on_to_the_same_bits(name, tmp_path):
    dataset, whole = data(), SearchTrainer(settings(name))
    expected = whole.fit(dataset)
    for stop in (1, 7, 24) if name != "greedy" else (1,):  # it ends by itself
        path, killed = tmp_path / f"{stop}.npz", SearchTrainer(settings(name))

        def interrupt(look, stop=stop):
            if look.step == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            killed.fit(dataset, checkpoint=path, watch=interrupt)
        going_on = SearchTrainer(settings(name))
        found = going_on.fit(dataset, checkpoint=path)
        assert np.array_equal(found.circuit.netlist.tables(), expected.circuit.netlist.tables())
        assert np.array_equal(found.circuit.netlist.fanin, expected.circuit.netlist.fanin)
        shown = [{key: value for key, value in look.items() if key != "seconds"} for look in going_on.looks]
        assert shown == [{k: v for k, v in look.items() if k != "seconds"} for look in whole.looks]
        assert going_on.fit(dataset, checkpoint=path).report.score == expected.report.score  # nothing is left to do


def test_a_checkpoint_in_the_middle_is_enough(tmp_path, monkeypatch):
    """As after kill -9: what was written last is gone on from, whatever came after it."""
    monkeypatch.setattr("lutsmith.search.checkpoint.EVERY", 0.0)
    expected = SearchTrainer(settings("population")).fit(data())
    path, copies = tmp_path / "state.npz", []
    SearchTrainer(settings("population")).fit(
        data(), checkpoint=path, watch=lambda look: copies.append(path.read_bytes())
    )
    for copy in copies[::6]:
        path.write_bytes(copy)
        found = SearchTrainer(settings("population")).fit(data(), checkpoint=path)
        assert np.array_equal(found.circuit.netlist.tables(), expected.circuit.netlist.tables())


def test_an_interrupt_within_a_step_leaves_the_state_before_it(tmp_path, monkeypatch):
    monkeypatch.setattr("lutsmith.search.checkpoint.EVERY", 0.0)
    expected = SearchTrainer(settings("population")).fit(data())
    path, step, accept = tmp_path / "state.npz", [], Problem.accept

    def interrupted(problem, change):
        accept(problem, change)
        step.append(0)
        if len(step) == 8:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Problem, "accept", interrupted)
        with pytest.raises(KeyboardInterrupt):
            SearchTrainer(settings("population")).fit(data(), checkpoint=path)
    found = SearchTrainer(settings("population")).fit(data(), checkpoint=path)
    assert np.array_equal(found.circuit.netlist.tables(), expected.circuit.netlist.tables())


def test_a_time_limit_ends_with_a_look():
    trainer = SearchTrainer(settings("evolve", steps=10**6, every=10**6, max_seconds=0.2))
    fitted = trainer.fit(data())
    assert [look["step"] for look in trainer.looks] == [trainer.looks[0]["step"]]
    assert trainer.looks[0]["step"] > 0
    assert fitted.report.train_seconds >= 0.2


def test_the_network_that_is_kept_is_the_best_on_rows_that_no_step_read():
    trainer = SearchTrainer(settings("anneal", options={"hot": 50.0, "cold": 50.0}, validation=0.3, patience=3))
    ready = trainer.prepare(data(test=False))
    fitted = trainer.fit(ready)
    looked = [(look["hard"], -look["validation_loss"]) for look in trainer.looks]
    x, y = ready.dataset.x_train[ready.held_out], ready.dataset.y_train[ready.held_out]
    first = (ready.start.predict(x) == y).mean()
    assert fitted.report.score == (fitted.circuit.predict(x) == y).mean() >= max([first, *(hard for hard, _ in looked)])
    assert fitted.report.measured_on == "validation"
    assert fitted.report.stopped is None or "no better network in 3" in fitted.report.stopped
    again = from_bytes(to_bytes(fitted.circuit))
    assert np.array_equal(again.predict(x), fitted.circuit.predict(x))
    assert again.metadata.training.method == "anneal"


def test_a_search_learns_and_a_start_is_gone_on_with():
    dataset = data(600)
    none = SearchTrainer(settings("coordinate", steps=0)).fit(dataset)
    fitted = SearchTrainer(settings("coordinate", steps=60, batch=None)).fit(dataset)
    assert fitted.report.score > none.report.score + 0.2
    more = SearchTrainer(settings("wires", steps=40, batch=None, loss="margin"))
    further = more.fit(dataset, start=fitted.circuit)
    assert max(look["hard"] for look in more.looks) >= more.looks[0]["hard"]
    assert further.circuit.head == fitted.circuit.head
    assert (further.circuit.netlist.fanin != fitted.circuit.netlist.fanin).any()
    read = from_bytes(to_bytes(further.circuit))
    assert np.array_equal(read.predict(dataset.x_test), further.circuit.predict(dataset.x_test))
    none = SearchTrainer(settings("wires", steps=0)).fit(dataset, start=fitted.circuit)
    assert none.report.score == fitted.report.score
    banked = SearchTrainer(settings("coordinate", network=None, bank="diverse-16")).fit(dataset).circuit
    bank = TableBank.of_circuit(banked)
    assert bank is not None
    bank.check(banked.netlist)
    begun = SearchTrainer(settings("evolve", network=None, bank="diverse-16")).prepare(dataset).start
    assert (banked.netlist.tables() != begun.netlist.tables()).any()


@pytest.mark.parametrize(
    ("name", "where", "value"),
    [
        *[("evolve", "step", value) for value in ("x", 10**9, -1, 1.5, None, True)],
        *[("evolve", "looks", value) for value in (3, [3], [{}], [{"step": 5}], {}, "x")],
        *[("evolve", "best", value) for value in (["a", "b", 2], [0.5, 1.0], [2.0, 1.0, 5], [0.5, 1.0, 26], 3)],
        *[("evolve", "seconds", value) for value in ("z", -1.0, None)],
        *[("evolve", "waited", value) for value in (-1, "x", 0.5)],
        *[("evolve", "stopped", value) for value in (5, ["x"])],
        *[("evolve", which, what) for which in ("tables", "fanin", "best_tables", "best_fanin")
          for what in (None, np.ones(48), np.full(48, "a"), np.zeros(3, np.int32), np.full(192, 2**31 - 1))],
        *[("population", "method_parents", what)
          for what in (np.ones((3, 48)), np.zeros(48, np.uint64), np.full(3, "a"))],
        *[("memorize", "method_readers", what)
          for what in (np.zeros(48, np.int64), np.full(48, 99), np.ones(48), np.zeros(3, int))],
    ],
)  # fmt: skip
def test_what_no_search_left_is_refused_in_one_line(name, where, value, tmp_path):
    """Facts and arrays changed in a file that is otherwise of the same search."""
    path = tmp_path / "state.npz"
    with pytest.raises(KeyboardInterrupt):
        SearchTrainer(settings(name)).fit(data(), checkpoint=path, watch=stopping_at(12))
    with np.load(path) as file:
        arrays = dict(file)
    facts = json.loads(arrays.pop("facts").tobytes())
    assert where in facts or where in arrays
    if where in facts:
        facts[where] = value
    else:
        arrays[where] = value
    arrays = {key: array for key, array in arrays.items() if array is not None}
    np.savez(path, facts=np.frombuffer(json.dumps(facts).encode(), np.uint8), **arrays)
    with pytest.raises(ValueError, match=rf"^{re.escape(str(path))} holds no state of a search \([^\n]+\): remove it"):
        SearchTrainer(settings(name)).fit(data(), checkpoint=path)
    facts.pop("looks")
    np.savez(path, facts=np.frombuffer(json.dumps(facts).encode(), np.uint8), **arrays)
    with pytest.raises(ValueError, match="holds no state of a search"):
        SearchTrainer(settings(name)).fit(data(), checkpoint=path)


def stopping_at(step):
    def watch(look):
        if look.step == step:
            raise KeyboardInterrupt

    return watch


@pytest.mark.parametrize(("most", "error"), [(1.5, TypeError), (True, TypeError), (-3, ValueError)])
def test_the_steps_of_a_method_are_counted(most, error, monkeypatch):
    monkeypatch.setattr(NaiveEvolution, "most_steps", lambda method, problem: most)
    with pytest.raises(error, match=f"most_steps of method 'evolve' is {most}; expected steps, or None"):
        SearchTrainer(settings("evolve")).fit(data())
    monkeypatch.setattr(NaiveEvolution, "most_steps", lambda method, problem: np.int64(7))
    trainer = SearchTrainer(settings("evolve"))
    trainer.fit(data())
    assert trainer.looks[-1]["step"] == 7


@given(st.integers(1, 1000), st.integers(1, 500), st.sampled_from([1.0, 1.5, 3.0, 1e308, 10**400 // 10**95]))
def test_batches_grow_to_all_samples_at_any_rate(batch, samples, growth):
    schedule = BatchSchedule(batch, growth)
    sizes = [schedule.place(step, samples)[0] for step in range(0, 4 * samples + 10, samples)]
    assert sizes == sorted(sizes)
    assert max(sizes) <= samples
    if growth > 1e300:
        count = -(-samples // min(batch, samples))
        assert [schedule.place(step, samples) for step in (count, count + 1)] == [(samples, 0)] * 2


def test_mistakes(tmp_path):
    dataset, path = data(), tmp_path / "state.npz"
    SearchTrainer(settings("evolve")).fit(dataset, checkpoint=path)
    with pytest.raises(ValueError, match="other settings or data"):
        SearchTrainer(settings("evolve", seed=1)).fit(dataset, checkpoint=path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match="holds no state of a search"):
        SearchTrainer(settings("evolve")).fit(dataset, checkpoint=path)
    for more, error, says in (
        ({"metod": "evolve"}, ValueError, "did you mean 'method'"),
        ({"method": "evolv"}, ValueError, "did you mean 'evolve'"),
        ({"options": {"ratio": 3}}, ValueError, "ratio is 3"),
        ({"network": "cnn"}, ValueError, "architecture"),
        ({"batch": 0}, ValueError, "batch is 0"),
        ({"growth": 10**400}, ValueError, "growth is beyond float64"),
        ({"options": {"ties": "x"}}, TypeError, "ties is a str; expected bool"),
        ({"network": {**PLAN, "code": 3}}, TypeError, "code is 3; expected a name"),
        ({"max_seconds": -1}, ValueError, "max_seconds"),
    ):
        with pytest.raises(error, match=says):
            settings("evolve", **more)
    halves = from_arrays(dataset.x_train / 2, dataset.y_train)
    with pytest.raises(ValueError, match="not whole numbers"):
        SearchTrainer(settings("evolve")).prepare(halves)
    with pytest.raises(ValueError, match="reads 2 bits of a feature"):
        SearchTrainer(settings("evolve")).prepare(from_arrays(dataset.x_train * 9, dataset.y_train))
    with pytest.raises(ValueError, match="nothing is left to measure on"):
        SearchTrainer(settings("evolve", validation=0)).prepare(data(test=False))
    with pytest.raises(ValueError, match="a search learns classes"):
        SearchTrainer(settings("evolve")).prepare(from_arrays(dataset.x_train, dataset.x_train[:, 0] / 3))
    other = network_circuit(PLAN, "drawn", classes=range(3))
    with pytest.raises(ValueError, match="head of 2 classes"):
        SearchTrainer(settings("evolve")).prepare(data(classes=2), start=other)
    assert (
        SearchCheckpoint(tmp_path / "none", settings("evolve"), dataset, network_circuit(PLAN, "drawn")).read() is None
    )
