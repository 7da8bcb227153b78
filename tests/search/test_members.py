"""Searches with several members: what a round is, that it is the same in any number of processes, stopped or not."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import lutsmith
from lutsmith.circuit.engine.stages import PackedSamples
from lutsmith.circuit.file import to_bytes
from lutsmith.ground.ray_cluster import ray_cluster
from lutsmith.search.members import InThisProcess, Member, Standing, exchange, seeds_of_members
from lutsmith.search.settings import SearchSettings
from lutsmith.search.trainer import SearchTrainer
from tests.search.test_search_trainer import data, settings

MEMBERS = {"members": 4, "exchange_every": 5, "replaced": 0.5, "validation": 0.2}


def bits(fitted):
    return fitted.circuit.netlist.tables().tobytes() + fitted.circuit.netlist.fanin.tobytes()


def test_without_exchanges_members_are_searches_of_their_own():
    given = settings("evolve", **{**MEMBERS, "replaced": 0.0})
    ground = SearchTrainer(given).prepare(data()).ground
    alone = SearchTrainer(replace(given, members=1, every=5)).fit(data())
    together = InThisProcess(ground)
    standings = together.advance(25)
    (first,) = together.states([0])
    plain = SearchTrainer(replace(given, members=1)).prepare(data())
    for step in range(25):
        plain.method.step(plain.problem, np.random.default_rng([given.seed, 2, step]))
        plain.problem.step += 1
    assert np.array_equal(first["tables"], plain.problem.tables)
    assert len({state["tables"].tobytes() for state in together.states(range(4))}) == 4
    assert seeds_of_members(given)[0] == given.seed
    assert max(standing.accuracy for standing in standings) >= standings[0].accuracy
    assert SearchTrainer(given).fit(data()).report.validation >= alone.report.validation


def test_the_worst_take_over_the_circuit_of_the_best():
    given = settings("population", **MEMBERS)
    ground = SearchTrainer(given).prepare(data()).ground
    together = InThisProcess(ground)
    together.advance(5)
    standings = [Standing(0.5, 0.5, 0.1), Standing(0.1, 0.4, 0.0), Standing(0.9, 0.9, 0.3), Standing(0.9, 0.9, 0.2)]
    before = together.states(range(4))
    assert exchange(together, standings, given, 5) == [0, 1]
    after = together.states(range(4))
    for number, source in enumerate((3, 3, 2, 3)):
        assert after[number].keys() == before[source].keys()
        assert all(np.array_equal(after[number][name], array) for name, array in before[source].items())
    same = [Standing(0.5, None, None)] * 4
    assert exchange(together, same, given, 5) == []  # nobody is better
    lowest = [Standing(loss, None, None) for loss in (0.4, 0.1, 0.2, 0.3)]
    assert exchange(together, lowest, given, 5) == [3, 0]


def test_members_may_have_settings_of_their_own():
    given = settings("evolve", **MEMBERS, member_options=[{}, {"ratio": 0.5}])
    ground = SearchTrainer(given).prepare(data()).ground
    assert [Member(ground, number).method.settings.ratio for number in range(4)] == [0.1, 0.5, 0.1, 0.5]


@pytest.mark.parametrize("name", ["evolve", "population", "wires"])
@pytest.mark.parametrize("validation", [0.2, 0.0])
def test_a_search_of_members_that_was_stopped_goes_on_to_the_same_bits(tmp_path, name, validation):
    given = settings(name, **{**MEMBERS, "validation": validation, "steps": 23})
    whole = SearchTrainer(given)
    expected = whole.fit(data())
    assert [look["step"] for look in whole.looks] == [5, 10, 15, 20, 23]
    for stop in (5, 15):
        kept = tmp_path / f"{stop}.npz"

        def watch(look, stop=stop):
            if look.step == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            SearchTrainer(given).fit(data(), watch=watch, checkpoint=kept)
        resumed = SearchTrainer(given)
        assert bits(resumed.fit(data(), checkpoint=kept)) == bits(expected)
        assert [{**look, "seconds": 0} for look in resumed.looks] == [{**look, "seconds": 0} for look in whole.looks]
        assert bits(SearchTrainer(given).fit(data(), checkpoint=kept)) == bits(expected)  # that has finished


def test_a_checkpoint_that_lacks_a_member_or_is_of_other_settings_is_refused(tmp_path):
    given = settings("evolve", **MEMBERS)
    SearchTrainer(given).fit(data(), checkpoint=tmp_path / "c.npz")
    for other in (replace(given, members=3), replace(given, exchange_every=4), replace(given, replaced=0.25)):
        with pytest.raises(ValueError, match="of other settings or data"):
            SearchTrainer(other).fit(data(), checkpoint=tmp_path / "c.npz")
    with np.load(tmp_path / "c.npz") as file:
        arrays = dict(file)
    for change in ({"member2_tables": None}, {"member1_fanin": arrays["fanin"][:-1]}):
        changed = {name: array for name, array in {**arrays, **change}.items() if array is not None}
        np.savez(tmp_path / "c.npz", **changed)
        with pytest.raises(ValueError, match="holds no state of a search"):
            SearchTrainer(given).fit(data(), checkpoint=tmp_path / "c.npz")


def test_what_members_cannot_be_is_refused():
    for more, message in (
        ({"members": 0}, "members is 0"),
        ({"members": 4, "replaced": 1.0}, "replaced is 1.0"),
        ({"members": 4, "exchange_every": 0}, "exchange_every is 0"),
        ({"workers": 2}, "workers is 2 and members is 1"),
        ({"members": 2, "member_options": [{"rato": 1}]}, "did you mean 'ratio'"),
        ({"members": 2, "member_options": {"ratio": 1}}, "expected a list"),
        ({"member_options": [{"ratio": 0.1}]}, "members is 1"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            settings("evolve", **more)
    for name in ("greedy",):
        with pytest.raises(ValueError, match="ends by itself"):
            SearchTrainer(settings(name, **MEMBERS)).prepare(data())


def test_a_checkpoint_of_one_network_is_that_of_earlier_versions():
    from lutsmith.search.checkpoint import _digest

    given, start = settings("evolve"), SearchTrainer(settings("evolve")).prepare(data()).start
    assert _digest(given, data(), start) == _digest(replace(given, workers=None, exchange_every=7), data(), start)
    assert _digest(given, data(), start) != _digest(replace(given, split_seed=3), data(), start)


def test_packed_samples_share_a_matrix_that_is_read_only():
    samples = PackedSamples.of_bits(np.random.default_rng(0).integers(0, 2, (300, 7)).astype(bool))
    shared = PackedSamples.of_matrix(samples.matrix, 300)
    assert np.shares_memory(shared.words, samples.words)
    assert np.array_equal(shared.addresses, samples.addresses)
    room = np.empty(samples.matrix.nbytes + 8, np.uint8)[8:].view(np.uint64).reshape(samples.matrix.shape)
    room[:] = samples.matrix
    own = PackedSamples.of_matrix(room, 300)
    assert not np.shares_memory(own.words, room)
    assert np.array_equal(own.words, samples.words)
    with pytest.raises(TypeError, match="matrix of other PackedSamples"):
        PackedSamples.of_matrix(samples.matrix[:, 1:], 300)


def test_a_run_tells_its_members_and_goes_on(tmp_path):
    chosen = {
        "network": {"layers": [32, 8], "input_shape": [1, 8, 8], "bits": 5, "rank": 4},
        "steps": 30,
        "members": 3,
        "exchange_every": 10,
        "replaced": 0.5,
        "ratio": 0.05,
        "candidates": 20,
    }
    run = lutsmith.train("digits", method="evolve", settings=chosen, seed=2, out=tmp_path / "run", quiet=True)
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [10, 20, 30]
    assert all(max(line["members"]) == line["hard"] for line in lines)
    assert [len(line["replaced"]) <= 1 for line in lines] == [True] * 3
    again = lutsmith.train(
        "digits", method="evolve", out=tmp_path / "run", settings={"workers": 2}, resume=True, quiet=True
    )
    assert to_bytes(again.circuit) == to_bytes(run.circuit)  # the number of processes changes nothing


@pytest.mark.slow
@pytest.mark.needs("ray")
@pytest.mark.parametrize("name", ["population", "wires"])
def test_any_number_of_processes_of_ray_gives_the_same_bits(tmp_path, name, monkeypatch):
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "0")
    import ray

    given = settings(name, **MEMBERS, member_options=[{}, {"ratio": 0.2} if name == "population" else {"nodes": 1}])
    expected = SearchTrainer(given).fit(data())
    with ray_cluster(2):
        for workers in (1, 2):
            found = SearchTrainer(replace(given, workers=workers)).fit(data())
            assert bits(found) == bits(expected)

        def watch(look):
            if look.step == 10:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            SearchTrainer(replace(given, workers=2)).fit(data(), watch=watch, checkpoint=tmp_path / "c.npz")
        resumed = SearchTrainer(given).fit(data(), checkpoint=tmp_path / "c.npz")
        assert bits(resumed) == bits(expected)
        with pytest.raises(ValueError, match="Ray has 2 cores"):
            SearchTrainer(replace(given, workers=4)).fit(data())
    assert not ray.is_initialized()
    assert SearchSettings.from_json(given.to_json()) == given


@pytest.mark.slow
@pytest.mark.needs("ray")
def test_processes_of_ray_read_packed_samples_where_they_lie(monkeypatch):
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "0")
    import ray

    bits = np.random.default_rng(0).integers(0, 2, (50_000, 64)).astype(bool)
    samples = PackedSamples.of_bits(bits)

    def shares(matrix):
        own = PackedSamples.of_matrix(matrix, 50_000)
        return np.shares_memory(own.words, matrix), int(own.bits().sum())

    with ray_cluster(1):
        assert ray.get(ray.remote(shares).remote(ray.put(samples.matrix))) == (True, bits.sum())
