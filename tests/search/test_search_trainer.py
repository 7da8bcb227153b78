"""Searches from data to circuits: stopped and gone on with, chosen on rows that no step reads."""

from __future__ import annotations

import numpy as np
import pytest

from lutsmith.circuit.file import from_bytes, to_bytes
from lutsmith.circuit.table_bank import TableBank
from lutsmith.data import from_arrays
from lutsmith.search.checkpoint import SearchCheckpoint
from lutsmith.search.networks import network_circuit, random_architecture
from lutsmith.search.problem import Problem
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
