"""What the engine leaves out, and what it knows of fixed tables: the outputs stay those of the netlist."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Comparators, Netlist, NetlistBuilder
from lutsmith.circuit.engine.blocks import Blocks
from lutsmith.circuit.engine.plan import EnginePlan
from lutsmith.kernels.engine import lanes
from tests.circuit.examples import random_netlist

BATCHES = (0, 1, 63, 64, 65, 1023, 1025)


def blocks(netlist: Netlist) -> Blocks:
    inputs = max(netlist.num_inputs, 1)
    comparators = Comparators(np.arange(netlist.num_inputs), np.full(netlist.num_inputs, 0.5), inputs)
    return Blocks(comparators, netlist)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("samples", [1, 100])
def test_every_function_of_up_to_three_inputs_is_evaluated(rank, samples):
    builder = NetlistBuilder(rank)
    tables = np.arange(1 << (1 << rank))[:, None] >> np.arange(1 << rank) & 1
    fanin = np.tile(np.arange(rank), (len(tables), 1))
    outputs = builder.lut(fanin, tables)
    netlist = builder.build(outputs)
    bits = np.random.default_rng(rank).integers(0, 2, (samples, rank), dtype=np.uint8)
    assert (blocks(netlist).outputs(bits) == netlist.evaluate(bits)).all()


def test_kinds_are_all_functions_up_to_the_order_of_inputs():
    known = [kind for kind in lanes.KINDS if kind[1] is not None]
    assert [sum(rank == count for rank, _ in known) for count in (1, 2, 3, 4)] == [1, 8, 68, 2]


def pools(seed: int, ranks: tuple[int, ...]) -> Netlist:
    """ORs and ANDs of LUTs, some of which are outputs too, read twice, of unequal ranks, or ORs again."""
    rng, builder = np.random.default_rng(seed), NetlistBuilder(12)
    layer, ends = np.arange(12), [3]
    for rank in ranks:
        luts = builder.lut(rng.choice(layer, (40, rank)), rng.integers(0, 2, (8, 1 << rank)), rng.integers(0, 8, 40))
        luts = np.concatenate([luts[5:], builder.lut(rng.choice(layer, (5, 2)), rng.integers(0, 2, (5, 4)))])
        layer = np.concatenate([rng.permutation(luts), layer[:3]])
        pooled, place = [], 0
        while place < len(layer):
            width = int(rng.integers(1, 7))
            window = layer[place : place + width]
            entries = np.arange(1 << len(window)) > 0 if rng.random() < 0.8 else rng.integers(0, 2, 1 << len(window))
            pooled.append(builder.lut(window[None], entries[None])[0])
            place += width
        ends += [*rng.choice(layer, 1), *rng.choice(pooled, 2)]
        layer = np.array([*pooled, *rng.choice(luts, 2)])
    return builder.build([*ends, *layer])


@given(
    seed=st.integers(0, 2**32),
    ranks=st.lists(st.integers(2, 6), min_size=1, max_size=4),
    samples=st.sampled_from(BATCHES),
)
@settings(deadline=None, max_examples=40)
def test_pools_are_evaluated_with_what_they_read(seed, ranks, samples):
    netlist = pools(seed, tuple(ranks))
    bits = np.random.default_rng(seed).integers(0, 2, (samples, netlist.num_inputs), dtype=np.uint8)
    assert (blocks(netlist).outputs(bits) == netlist.evaluate(bits)).all()


def test_what_only_a_pool_reads_has_no_rows():
    rng, builder = np.random.default_rng(0), NetlistBuilder(50)
    luts = builder.lut(rng.integers(0, 50, (400, 5)), rng.integers(0, 2, (400, 32)))
    netlist = builder.build(builder.lut(luts.reshape(100, 4), [[0] + 15 * [1]], np.zeros(100, np.int64)))
    plan = EnginePlan(netlist, fixed=True)
    assert plan.order.size == 100
    assert plan.tables().size == 400
    assert plan.num_rows < EnginePlan(netlist, fixed=True, pools=False).num_rows - 250


@given(
    seed=st.integers(0, 2**32), rank=st.integers(1, 6), registers=st.integers(0, 2), samples=st.sampled_from(BATCHES)
)
@settings(deadline=None, max_examples=40)
def test_fixed_and_exchanged_tables_agree_with_the_netlist(seed, rank, registers, samples):
    netlist = random_netlist(seed, luts=60, registers=registers, outputs=20, max_rank=rank)
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (samples, netlist.num_inputs), dtype=np.uint8)
    tables = rng.integers(0, 2**64, netlist.num_nodes, dtype=np.uint64)
    engine = blocks(netlist)
    assert (engine.outputs(bits) == netlist.evaluate(bits)).all()
    assert (engine.outputs(bits, tables=tables) == netlist.evaluate(bits, tables=tables)).all()


def test_constants_buffers_and_nodes_that_nothing_reads_are_not_evaluated():
    builder = NetlistBuilder(3)
    one, buffer = builder.constant(True), builder.lut([[1]], [[0, 1]])[0]
    same = builder.lut([[0, buffer, one]], [[0, 0, 1, 1, 0, 0, 1, 1]])[0]  # the second input
    gate = builder.lut([[same, 2]], [[0, 0, 0, 1]])[0]
    builder.lut([[0, 2]], [[0, 1, 1, 0]])  # read by nobody
    netlist = builder.build([gate, same, one, 0])
    assert EnginePlan(netlist, fixed=True).order.size == 1
    bits = np.array([[0, 1, 1], [1, 0, 0], [0, 1, 0]] * 3, np.uint8)
    assert (blocks(netlist).outputs(bits) == netlist.evaluate(bits)).all()
    assert (blocks(netlist).outputs(bits[:2]) == netlist.evaluate(bits[:2])).all()


def test_a_plan_of_fixed_tables_refuses_other_ones():
    netlist = random_netlist(0, max_rank=6)
    with pytest.raises(ValueError, match="fixed"):
        EnginePlan(netlist, fixed=True).tables(netlist.tables())


def test_levels_of_nearly_one_size_share_their_rows():
    """Nodes that nothing reads leave levels of slightly different sizes."""
    rng, builder = np.random.default_rng(0), NetlistBuilder(1000)
    layer = np.arange(1000)
    for _ in range(6):
        layer = builder.lut(rng.choice(layer, (1000, 5)), rng.integers(0, 2, (1000, 32)))
    assert EnginePlan(builder.build(layer)).num_rows < 2200
