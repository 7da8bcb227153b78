"""Every method against what it promises: its loss never rises, its steps are worth what they say, faults of old."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from lutsmith.circuit import Head
from lutsmith.circuit.engine.stages import PackedSamples
from lutsmith.search.change import Change
from lutsmith.search.losses import LOSSES
from lutsmith.search.method import METHODS, SearchMethod, SearchStep, method_named, register
from lutsmith.search.methods.wires import best_signal
from lutsmith.search.mutation import flipped_tables, overridden, rewired
from lutsmith.search.part import LabelledPart
from lutsmith.search.problem import BatchSchedule, Problem
from lutsmith.search.selectors import SELECTORS
from tests.search.networks import code_head, network

SMALL = {
    "evolve": {"ratio": 0.1, "candidates": 20},
    "bitflip": {"ratio": 0.1, "candidates": 20},
    "pivotal": {},
    "coordinate": {"nodes": 10},
    "anneal": {"cooling": 30, "candidates": 8},
    "population": {"parents": 3, "children": 12, "ratio": 0.05},
    "wires": {"nodes": 3, "candidates": 20},
    "memorize": {},
}


def wanted(seed, samples, inputs=8, classes=3):
    """Random bits, and labels that two of them decide."""
    bits = np.random.default_rng([seed, 7]).random((samples, inputs)) < 0.5
    return bits, (bits[:, 0].astype(int) + bits[:, 3]) % classes


def problem_of(seed, samples=300, outputs=6, head=None, layers=(12, 9), **options):
    netlist = network(seed, inputs=8, layers=(*layers, outputs), rank=4)
    bits, labels = wanted(seed, samples)
    return Problem(netlist, PackedSamples.of_bits(bits), labels, head or Head(3), seed=seed, **options)


def run(problem, method, steps):
    taken = []
    for _ in range(steps):
        taken.append(method.step(problem, np.random.default_rng([5, problem.step])))
        problem.step += 1
    return taken


def judged_anew(problem, part):
    """The loss of the network as it is, computed from nothing."""
    return LabelledPart(
        problem.netlist, part.evaluation.samples, part.loss.labels, part.loss.head, part.loss.name
    ).value


@pytest.mark.parametrize("name", sorted(SMALL))
@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_a_step_is_worth_what_it_says_and_the_loss_never_rises(name, loss):
    problem = problem_of(1, loss=loss)
    assert set(SMALL) <= set(METHODS)
    begin = problem.batch().value
    steps = run(problem, method_named(name, SMALL[name]), 12)
    for earlier, later in pairwise(steps):
        assert later.before == pytest.approx(earlier.after)
        assert name == "anneal" or later.after <= later.before
    assert steps[-1].after == pytest.approx(problem.batch().value)
    assert problem.batch().value == pytest.approx(judged_anew(problem, problem.batch()))
    assert name == "anneal" or steps[-1].after < begin
    assert all(step.accepted or step.before == step.after for step in steps)


@pytest.mark.parametrize("name", sorted(SMALL))
def test_no_threshold_is_of_a_network_that_is_gone(name):
    """LUTNets compared with a batch's best loss of old: it accepted worse networks and refused better ones."""
    problem = problem_of(2, schedule=BatchSchedule(batch=100))
    method, accepted = method_named(name, SMALL[name]), 0
    for _ in range(9):
        before = judged_anew(problem, problem.accepting())
        step = method.step(problem, np.random.default_rng(problem.step))
        assert step.before == before
        assert step.after == judged_anew(problem, problem.accepting())
        accepted += step.accepted
        problem.step += 1
    assert accepted


@pytest.mark.parametrize("selector", SELECTORS)
@pytest.mark.parametrize(("outputs", "share"), [(3, 1.0), (8, 0.5), (20, 1.0)])
def test_pivotal_steps_gain_what_the_effects_say_at_any_width_of_code(selector, outputs, share):
    """LUTNets cut bits in chunks of 8, read other tables for the first node of a layer, and left outputs out."""
    code = np.random.default_rng(0).integers(0, 2, (3, outputs))
    problem = problem_of(3, outputs=outputs, head=code_head(code.tolist()))
    method = method_named("pivotal", {"selector": selector, "together": 1, "accept": "always", "share": share})
    for _ in range(6):
        tables, batch = problem.tables, problem.batch()
        effects = batch.effects(np.arange(problem.num_nodes))
        step = method.step(problem, np.random.default_rng(0))
        problem.step += 1
        changed = np.flatnonzero(problem.tables != tables)
        if step.accepted:
            (node,) = changed
            assert step.before - step.after == -np.minimum(0, effects[node]).sum() > 0
            if selector == "gain" and share == 1:
                assert step.before - step.after == -np.minimum(0, effects).sum(axis=1).min()


def test_every_node_can_be_chosen_the_first_of_each_level_and_outputs_too():
    chosen, pivotal = set(), set()
    for seed in range(12):
        problem = problem_of(seed)
        batch, nodes = problem.batch(), np.arange(problem.num_nodes)
        effects = batch.effects(nodes)
        for node in nodes.tolist():  # whole nodes, and not through effects
            change = Change(np.array([node]), problem.tables[[node]] ^ np.uint64(2**16 - 1))
            assert batch.judge([change])[0] - batch.value == effects[node].sum()
        pivotal |= set(np.flatnonzero(effects.min(axis=1) < 0).tolist())
        chosen |= set(SELECTORS["gain"](batch, nodes, nodes.size).tolist())
    levels = batch.levels
    assert chosen == pivotal >= set(np.flatnonzero(levels == levels.max()).tolist())
    assert {int(np.flatnonzero(levels == level)[0]) for level in range(levels.max() + 1)} <= chosen


def test_two_networks_and_two_codes_in_one_process():
    """LUTNets kept one network's shape a process, and a cache of codes by labels alone."""
    first = problem_of(5, outputs=6, head=code_head([[0] * 6, [1] * 6, [0, 1] * 3]))
    values = []
    for words in ([[1] * 4, [0] * 4, [0, 1] * 2], [[0] * 4, [1] * 4, [1, 0] * 2]):
        second = problem_of(6, outputs=4, head=code_head(words), layers=(5,))
        bits = second.netlist.evaluate(second.batch().evaluation.samples.bits())
        values.append(second.batch().value)
        assert values[-1] == (bits != np.array(words)[second.batch().loss.labels]).sum()
    assert values[0] != values[1]
    assert first.batch().value == judged_anew(first, first.batch())


def test_chosen_on_one_part_and_accepted_on_another():
    problem = problem_of(7, schedule=BatchSchedule(batch=64, accept_share=0.3), validation=map_samples(7))
    assert len(problem.accepting()) == 90
    assert len(problem.batch()) == 53  # 210 in four of nearly one size
    values = [step.after for step in run(problem, method_named("coordinate", SMALL["coordinate"]), 12)]
    assert values == sorted(values, reverse=True)
    assert values[-1] == judged_anew(problem, problem.accepting())
    assert problem.validation is not None
    assert problem.validation.value == judged_anew(problem, problem.validation)


def map_samples(seed):
    bits, labels = wanted(seed + 100, 90)
    return PackedSamples.of_bits(bits), labels


@pytest.mark.parametrize("name", sorted(SMALL))
def test_the_same_for_any_number_of_threads(name):
    kept = []
    for threads in (1, 3):
        problem = problem_of(8, threads=threads, schedule=BatchSchedule(batch=150, growth=1.5))
        run(problem, method_named(name, SMALL[name]), 6)
        kept.append((problem.tables.tolist(), problem.fanin.tolist()))
    assert kept[0] == kept[1]


class Words:
    """A bank for tests."""

    def __init__(self, words):
        self.words = np.unique(np.array(words, np.uint64))

    def draw(self, rng, count):
        return rng.choice(self.words, count)

    def contains(self, tables):
        return np.isin(tables, self.words)

    def nearest(self, table, effects):
        size = effects.size
        flips = np.array([[table >> e & 1 ^ int(word) >> e & 1 for e in range(size)] for word in self.words])
        falls = -(flips @ effects)
        best = int(falls.argmax())
        return int(self.words[best]), float(falls[best])


@pytest.mark.parametrize("name", ["evolve", "pivotal", "coordinate", "anneal", "population", "memorize"])
def test_no_node_leaves_the_bank(name):
    bank = Words(np.random.default_rng(0).integers(0, 2**16, 12))
    problem = problem_of(9)
    netlist = dataclasses.replace(problem.netlist, table_pool=bank.words[:1], table_index=np.zeros(27, np.int32))
    bits, labels = wanted(9, 300)
    problem = Problem(netlist, PackedSamples.of_bits(bits), labels, Head(3), bank=bank)
    steps = run(problem, method_named(name, SMALL[name]), 10)
    assert any(step.accepted for step in steps)
    assert bank.contains(problem.tables).all()
    for other in ("bitflip", "wires"):
        with pytest.raises(ValueError, match="bank"):
            method_named(other).check(problem)
    with pytest.raises(ValueError, match="not in the bank"):
        problem.accept(Change(np.array([0]), np.setdiff1d(np.arange(20, dtype=np.uint64), bank.words)[:1]))
    with pytest.raises(ValueError, match="the table of node 0 is not in the bank"):
        Problem(network(0, inputs=8), PackedSamples.of_bits(bits), labels, Head(4), bank=Words([0]))


def test_the_best_signal_is_that_of_brute_force():
    problem = problem_of(10, samples=200)
    part = problem.batch()
    signals = np.arange(8)
    for node in range(12):  # of the first level
        reads = part.evaluation.reads(node)
        change = best_signal(part, node, 1, signals)
        others = np.delete(reads, 1)
        if np.unique(others).size < others.size or not part.effects(np.array([node])).any():
            assert change is None
            continue
        losses = []
        for signal in np.setdiff1d(signals, others):
            part.evaluation.rewire([node], [1], [signal])
            effects = part.effects(np.array([node]))[0]
            losses.append(part.value + np.minimum(0, effects).sum())
            part.evaluation.undo()
        assert part.judge([change])[0] == min(losses)


def test_mutation_helpers():
    netlist, rng = network(11, rank=3), np.random.default_rng(0)
    bits, labels = wanted(11, 70, inputs=5)
    part = LabelledPart(netlist, PackedSamples.of_bits(bits), labels, Head(4), "margin")
    nodes = np.arange(netlist.num_nodes)
    flipped = flipped_tables(rng, nodes, netlist.tables(), netlist.ranks)
    assert (np.bitwise_count(flipped ^ netlist.tables()) == 1).all()
    for wires in (rewired(rng, netlist, nodes) for _ in range(20)):
        part.evaluation.rewire(*wires.T)
        part.evaluation.undo()
    before = part.evaluation.outputs()
    other = overridden(part.evaluation, nodes, flipped)
    assert np.array_equal(part.evaluation.outputs(), before)
    _, index = np.unique(flipped, return_inverse=True)
    changed = dataclasses.replace(netlist, table_pool=np.unique(flipped), table_index=index)
    assert np.array_equal(other, changed.evaluate(bits))


def test_a_schedule_reads_all_samples_and_grows():
    schedule, seen = (
        BatchSchedule(batch=100, growth=2.0, passes=2),
        [BatchSchedule().place(step, 250) for step in range(2)],
    )
    assert seen == [(250, 0), (250, 0)]
    places = [schedule.place(step, 250) for step in range(12)]
    assert places[:6] == [(84, 0), (84, 1), (84, 2)] * 2  # at most 100, of one size
    assert places[6:10] == [(125, 0), (125, 1)] * 2
    assert places[10:] == [(250, 0), (250, 0)]


def test_mistakes():
    for name, given, error, says in (
        ("evolv", {}, ValueError, "did you mean 'evolve'"),
        ("evolve", {"ratio": 2}, ValueError, "ratio is 2"),
        ("evolve", {"candidate": 2}, ValueError, "did you mean 'candidates'"),
        ("bitflip", {"candidates": 0}, ValueError, "candidates is 0"),
        ("pivotal", {"selector": "all"}, ValueError, "selector"),
        ("population", {"parents": 9, "children": 8}, ValueError, "children is 8"),
        ("anneal", {"hot": 0}, ValueError, "hot is 0"),
    ):
        with pytest.raises(error, match=says):
            method_named(name, given)
    with pytest.raises(ValueError, match="no samples"):
        problem_of(0, samples=0)
    with pytest.raises(ValueError, match="accept_share"):
        problem_of(0, samples=3, schedule=BatchSchedule(accept_share=0.01))
    with pytest.raises(ValueError, match="one of each of 2 samples"):
        Problem(network(0), PackedSamples.of_bits(np.zeros((2, 5), bool)), [0], Head(4))

    class Other(SearchMethod):
        name = "evolve"
        Settings = METHODS["evolve"].Settings

        def step(self, problem, rng):
            return SearchStep(0, 0, 0, False)

    with pytest.raises(ValueError, match="there is a method 'evolve' already"):
        register(Other)
    with pytest.raises(TypeError, match="not a subclass"):
        register(int)
