"""Bands of a netlist: an order of evaluation that keeps fewer rows alive, and says the same."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Comparators, NetlistBuilder
from lutsmith.circuit.cycles import evaluate_cycles
from lutsmith.circuit.engine import bands
from lutsmith.circuit.engine.blocks import Blocks
from lutsmith.circuit.engine.cycles import Machine
from lutsmith.circuit.engine.evaluated import EvaluatedNodes
from lutsmith.circuit.engine.machine_code import Code
from lutsmith.circuit.engine.plan import EnginePlan
from tests.circuit.examples import random_netlist


def of_bits(netlist):
    return Comparators(np.arange(netlist.num_inputs), np.full(netlist.num_inputs, 0.5), netlist.num_inputs)


def trees(seed, stages, skips=0, rank=2):
    """Stages of trees, each of which reads the roots of the last one, and some values from within it.

    Args:
        seed: of wires and tables.
        stages: how many trees each has, and their depth.
        skips: values inside a stage that the next one reads too.
        rank: of the LUTs.
    """
    rng, builder = np.random.default_rng(seed), NetlistBuilder(20)
    read = np.arange(20)
    for count, depth in stages:
        layer = rng.choice(read, count * rank**depth)
        inside = []
        for _ in range(depth):
            layer = builder.lut(layer.reshape(-1, rank), rng.integers(0, 2, (layer.size // rank, 1 << rank)))
            inside.append(layer)
        read = np.concatenate([layer, rng.choice(np.concatenate(inside), skips)])
    return builder.build(read)


@contextmanager
def small(rows):
    """Bands of few rows, whether they are worth it or not."""
    before = bands.BAND_ROWS, bands.WORTH, bands.GROUP
    bands.BAND_ROWS, bands.WORTH, bands.GROUP = rows, 100.0, 0
    try:
        yield
    finally:
        bands.BAND_ROWS, bands.WORTH, bands.GROUP = before


@given(
    seed=st.integers(0, 2**32),
    stages=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 4)), min_size=1, max_size=3),
    skips=st.integers(0, 20),
    rank=st.integers(2, 3),
    rows=st.integers(1, 50),
    fixed=st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_a_node_is_evaluated_after_what_it_reads(seed, stages, skips, rank, rows, fixed):
    netlist = trees(seed, stages, skips, rank)
    nodes = EvaluatedNodes(netlist, fixed, True)
    with small(rows):
        steps = bands.steps(nodes, netlist)
    assert steps.shape == nodes.nodes.shape
    assert set(steps.tolist()) == set(range(1, 1 + steps.max(initial=0)))
    of = np.zeros(netlist.num_signals + 2, np.int64)
    of[netlist.num_inputs + nodes.nodes] = steps
    assert (of[nodes.fanin] < np.repeat(steps, np.diff(nodes.fanin_ptr))).all()


@given(
    seed=st.integers(0, 2**32),
    stages=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 4)), min_size=1, max_size=3),
    skips=st.integers(0, 20),
    rank=st.integers(2, 4),
    rows=st.integers(1, 50),
    samples=st.sampled_from([0, 1, 5, 63, 64, 65, 1025]),
)
@settings(deadline=None, max_examples=60)
def test_bands_say_what_the_netlist_says(seed, stages, skips, rank, rows, samples):
    netlist = trees(seed, stages, skips, rank)
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (samples, netlist.num_inputs), dtype=np.uint8)
    tables = rng.integers(0, 2**64, netlist.num_nodes, dtype=np.uint64)
    with small(rows):
        engine = Blocks(of_bits(netlist), netlist)
        assert (engine.outputs(bits) == netlist.evaluate(bits)).all()
        assert (engine.outputs(bits, tables=tables) == netlist.evaluate(bits, tables=tables)).all()


@given(seed=st.integers(0, 2**32), rows=st.integers(1, 30), rank=st.integers(1, 6))
@settings(deadline=None, max_examples=30)
def test_bands_of_any_netlist(seed, rows, rank):
    netlist = random_netlist(seed, luts=60, registers=2, outputs=10, max_rank=rank)
    bits = np.random.default_rng(seed).integers(0, 2, (70, netlist.num_inputs), dtype=np.uint8)
    with small(rows):
        assert (Blocks(of_bits(netlist), netlist).outputs(bits) == netlist.evaluate(bits)).all()


def test_trees_need_rows_of_one_band_and_of_their_roots():
    netlist = trees(0, [(2000, 4), (2000, 4)], skips=50)
    nodes = EvaluatedNodes(netlist, False, True)
    assert np.unique(bands.steps(nodes, netlist)).size > 8
    plan = EnginePlan(netlist)
    assert plan.num_rows < 2 * 2050 + 2 * bands.BAND_ROWS, "two stages' ends, and what a band needs"


def test_layers_of_one_width_stay_levels():
    rng, builder = np.random.default_rng(0), NetlistBuilder(1000)
    layer = np.arange(1000)
    for _ in range(4):
        layer = builder.lut(rng.choice(layer, (5000, 2)), np.tile([0, 1, 1, 0], (5000, 1)))
    netlist = builder.build(layer)
    nodes = EvaluatedNodes(netlist, False, True)
    assert (bands.steps(nodes, netlist) == nodes.levels).all()


def test_bands_that_keep_as_much_alive_are_not_used():
    """Every value of the second level reads all over the first: the first band needs nearly all of it."""
    rng, builder = np.random.default_rng(0), NetlistBuilder(100)
    first = builder.lut(rng.integers(0, 100, (4000, 2)), np.tile([0, 1, 1, 0], (4000, 1)))
    second = builder.lut(rng.choice(first, (3000, 6)), rng.integers(0, 2, (3000, 64)))
    netlist = builder.build(second)
    nodes = EvaluatedNodes(netlist, False, True)
    assert (bands.steps(nodes, netlist) == nodes.levels).all()


def test_bands_of_few_nodes_of_a_kind_are_not_used():
    """Trees of LUT3 have some seventy kinds, each of which is a loop of its own; chains have one merge a level."""
    nodes = EvaluatedNodes(netlist := trees(0, [(1500, 4)], rank=3), True, True)
    assert (bands.steps(nodes, netlist) == nodes.levels).all()
    builder, length = NetlistBuilder(10), 60
    ends = np.arange(10)
    for _ in range(length):
        ends = np.concatenate(
            [builder.lut(np.random.default_rng(1).choice(ends, (100, 2)), np.tile([0, 1, 1, 0], (100, 1))), ends]
        )
    chain = ends[:1]
    for end in ends[1:]:
        chain = builder.lut(np.array([[chain[0], end]]), np.array([[0, 1, 1, 0]]))
    netlist = builder.build(chain)
    nodes = EvaluatedNodes(netlist, False, True)
    assert np.unique(bands.steps(nodes, netlist)).size <= np.unique(nodes.levels).size


def test_nothing_to_evaluate_has_no_steps():
    netlist = NetlistBuilder(3).build([0, 1, 2])
    assert bands.steps(EvaluatedNodes(netlist, True, True), netlist).size == 0
    assert EnginePlan(netlist, fixed=True).order.size == 0


@pytest.mark.parametrize("kernels", [False, True])
def test_machine_code_follows_bands(kernels):
    """Code of the whole network, and functions for tables that recur."""
    if kernels:
        rng, builder = np.random.default_rng(0), NetlistBuilder(50)
        tables = rng.integers(0, 2, (4, 32))
        leaves = builder.lut(rng.integers(0, 50, (800, 5)), tables, np.arange(800) % 4)
        netlist = builder.build(builder.lut(leaves.reshape(160, 5), tables, np.arange(160) % 4))
    else:
        netlist = trees(0, [(60, 3), (40, 2)], skips=9, rank=3)
    bits = np.random.default_rng(1).integers(0, 2, (1500, netlist.num_inputs), dtype=np.uint8)
    with small(50):
        code = Code.of(netlist)
        assert bool(code.tables) == kernels
        plan = code.plan()
        assert len(plan.groups) > 4
        engine = Blocks(of_bits(netlist), code.netlist, coded=(plan, code.load(plan)))
        assert (engine.outputs(bits) == netlist.evaluate(bits)).all()


def test_machines_are_evaluated_in_bands():
    rng, builder = np.random.default_rng(0), NetlistBuilder(4)
    state = builder.register(8)
    layer = rng.choice(np.concatenate([np.arange(4), state]), (64, 2))
    while layer.size > 8:
        layer = builder.lut(layer, rng.integers(0, 2, (len(layer), 4))).reshape(-1, 2)
    builder.connect(state, layer.reshape(-1))
    netlist = builder.build(layer.reshape(-1))
    bits = rng.integers(0, 2, (5, 20, 4)).astype(np.bool_)
    expected, _ = evaluate_cycles(netlist, bits)
    with small(5):
        found = Machine(of_bits(netlist), netlist).run(bits, method="outputs")
    assert (found == expected).all()
