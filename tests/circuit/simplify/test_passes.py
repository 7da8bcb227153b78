"""Each pass: what it computes stays what it was, what it promises is so, and a second run finds nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Netlist, NetlistBuilder
from lutsmith.circuit.simplify import (
    absorb_wires,
    collapse_cones,
    drop_unused_inputs,
    fold_constants,
    merge_equal_nodes,
    merge_repeated_inputs,
    remove_dead,
)

from .nets import assert_equal, nets, random_net

AND, OR, XOR, NAND = ([0, 0, 0, 1], [0, 1, 1, 1], [0, 1, 1, 0], [1, 1, 1, 0])
EXAMPLES = settings(deadline=None, max_examples=60)
PASSES: dict[str, Callable[[Netlist], Netlist]] = {
    "drop_unused_inputs": drop_unused_inputs,
    "merge_repeated_inputs": merge_repeated_inputs,
    "fold_constants": fold_constants,
    "absorb_wires": absorb_wires,
    "merge_equal_nodes": merge_equal_nodes,
    "remove_dead": remove_dead,
    **{f"collapse_cones to rank {rank}": partial(collapse_cones, rank=rank) for rank in (2, 3, 6)},
}
every_pass = pytest.mark.parametrize("name", PASSES)


def read_nodes(netlist: Netlist) -> np.ndarray:
    """The nodes that LUTs read, as indices."""
    first = netlist.num_inputs + netlist.num_registers
    return np.unique(netlist.fanin[netlist.fanin >= first]) - first


@every_pass
@EXAMPLES
@given(netlist=nets())
def test_a_pass_changes_no_output_in_any_cycle(name: str, netlist: Netlist) -> None:
    assert_equal(netlist, PASSES[name](netlist))


@every_pass
@EXAMPLES
@given(netlist=nets())
def test_a_pass_that_ran_finds_nothing_more(name: str, netlist: Netlist) -> None:
    once = PASSES[name](netlist)
    assert PASSES[name](once) is once


@every_pass
@EXAMPLES
@given(netlist=nets())
def test_a_pass_adds_no_lut_no_input_of_a_lut_and_no_level(name: str, netlist: Netlist) -> None:
    given_live = remove_dead(netlist)
    result = PASSES[name](given_live)
    assert result.num_nodes <= given_live.num_nodes
    assert result.depth <= given_live.depth
    if not name.startswith("collapse"):
        assert result.fanin.size <= given_live.fanin.size


@EXAMPLES
@given(netlist=nets())
def test_tables_depend_on_every_input_that_is_left(netlist: Netlist) -> None:
    result = drop_unused_inputs(netlist)
    for node in range(result.num_nodes):
        rank, table = int(result.ranks[node]), int(result.tables()[node])
        for j in range(rank):
            halves = [[table >> a & 1 for a in range(1 << rank) if (a >> j & 1) == bit] for bit in (0, 1)]
            assert halves[0] != halves[1]


@EXAMPLES
@given(netlist=nets())
def test_no_lut_reads_a_signal_twice(netlist: Netlist) -> None:
    result = merge_repeated_inputs(netlist)
    for start, stop in zip(result.fanin_ptr[:-1], result.fanin_ptr[1:], strict=True):
        assert np.unique(result.fanin[start:stop]).size == stop - start


@EXAMPLES
@given(netlist=nets())
def test_no_lut_reads_a_constant_or_is_one(netlist: Netlist) -> None:
    result = fold_constants(netlist)
    assert (result.ranks[read_nodes(result)] > 0).all()
    tables, ranks = result.tables(), result.ranks
    full = np.array([(1 << (1 << int(rank))) - 1 for rank in ranks], np.uint64)
    assert ((tables != 0) & (tables != full))[ranks > 0].all()


@EXAMPLES
@given(netlist=nets())
def test_no_lut_reads_a_buffer_or_an_inverter(netlist: Netlist) -> None:
    result = absorb_wires(netlist)
    read = read_nodes(result)
    wires = (result.ranks[read] == 1) & np.isin(result.tables()[read], [1, 2])
    assert not wires.any()


@EXAMPLES
@given(netlist=nets())
def test_every_node_and_register_left_is_read(netlist: Netlist) -> None:
    result = remove_dead(netlist)
    read = np.concatenate([result.fanin, result.outputs, result.register_next])
    assert np.isin(np.arange(result.num_inputs, result.num_signals), read).all()


@settings(deadline=None, max_examples=30)
@given(netlist=nets(), rank=st.integers(2, 6))
def test_a_collapsed_cone_has_at_most_the_rank_asked_for(netlist: Netlist, rank: int) -> None:
    small = remove_dead(netlist)
    result = collapse_cones(small, rank)
    wide = result.luts_by_rank()
    before = small.luts_by_rank()
    for larger in range(rank + 1, 7):
        assert wide.get(larger, 0) <= sum(before.get(r, 0) for r in range(larger, 7))


def test_equal_nodes_are_found_behind_permuted_inputs_and_complements() -> None:
    builder = NetlistBuilder(3)
    a, b = builder.lut([[0, 1]], [[0, 1, 0, 0]])[0], builder.lut([[1, 0]], [[0, 0, 1, 0]])[0]
    c = builder.lut([[0, 1]], [[1, 0, 1, 1]])[0]
    ends = builder.lut([[a, 2], [b, 2], [c, 2]], [AND, AND, [0, 0, 1, 0]])
    netlist = builder.build(ends)
    merged = remove_dead(merge_equal_nodes(netlist))
    assert_equal(netlist, merged)
    assert merged.num_nodes == 2
    assert np.unique(merged.outputs).size == 1


def test_both_phases_that_outputs_read_stay_and_levels_do_not_grow() -> None:
    builder = NetlistBuilder(2)
    plain, complement = builder.lut([[0, 1]], [AND])[0], builder.lut([[0, 1]], [NAND])[0]
    merged = remove_dead(merge_equal_nodes(builder.build([plain, complement, complement])))
    assert (merged.num_nodes, merged.depth) == (2, 1)


def test_a_node_of_which_outputs_read_the_complement_alone_is_turned() -> None:
    builder = NetlistBuilder(3)
    inner = builder.lut([[0, 1]], [AND])
    inverted = builder.lut(inner[:, None], [[1, 0]])
    above = builder.lut([[inner[0], 2]], [XOR])
    netlist = builder.build(np.concatenate([inverted, above]))
    result = remove_dead(absorb_wires(netlist))
    assert_equal(netlist, result)
    assert result.luts_by_rank() == {2: 2}


def test_a_chain_of_inverters_is_walked_in_one_pass() -> None:
    builder = NetlistBuilder(2)
    signal = np.array([0], np.int32)
    for _ in range(101):
        signal = builder.lut(signal[:, None], [[1, 0]])
    netlist = builder.build(builder.lut([[signal[0], 1]], [AND]))
    result = remove_dead(absorb_wires(netlist))
    assert_equal(netlist, result)
    assert result.num_nodes == 1


def test_a_register_that_only_feeds_itself_is_dead() -> None:
    builder = NetlistBuilder(1)
    alone, seen = builder.register(1), builder.register(1, True)
    builder.connect(alone, builder.lut(alone[:, None], [[1, 0]]))
    builder.connect(seen, [0])
    result = remove_dead(builder.build(seen))
    assert (result.num_registers, result.num_nodes) == (1, 0)
    assert result.register_init.tolist() == [True]


def test_registers_are_never_inside_a_cone() -> None:
    builder = NetlistBuilder(2)
    state = builder.register(1)
    builder.connect(state, builder.lut([[0, 1]], [AND]))
    netlist = builder.build(builder.lut([[state[0], 1]], [AND]))
    assert collapse_cones(netlist).luts_by_rank() == {2: 2}


def test_a_tree_of_gates_becomes_one_lut() -> None:
    builder = NetlistBuilder(6)
    pairs = builder.lut([[0, 1], [2, 3], [4, 5]], [AND, OR, XOR])
    top = builder.lut([[builder.lut([pairs[:2]], [XOR])[0], pairs[2]]], [NAND])
    netlist = builder.build(top)
    assert collapse_cones(netlist).luts_by_rank() == {6: 1}
    assert collapse_cones(netlist, 4).num_nodes == 2
    assert_equal(netlist, collapse_cones(netlist))


def test_a_long_chain_takes_as_few_luts_as_can_be_and_no_quadratic_time() -> None:
    gates = 5_000
    builder = NetlistBuilder(gates + 1)
    signal, rng = 0, np.random.default_rng(0)
    for place in range(gates):
        signal = int(builder.lut([[signal, place + 1]], [[AND, OR, XOR, NAND][rng.integers(4)]])[0])
    assert collapse_cones(builder.build([signal])).luts_by_rank() == {6: gates // 5}


@pytest.mark.parametrize("rank", [0, 1, 7, -1])
def test_ranks_beyond_2_to_6_are_refused(rank: int) -> None:
    with pytest.raises(ValueError, match="expected 2 to 6"):
        collapse_cones(random_net(0), rank)


@pytest.mark.parametrize("rank", [2.0, True, "6", None])
def test_a_rank_is_an_integer(rank: object) -> None:
    with pytest.raises(TypeError, match="rank must be an int"):
        collapse_cones(random_net(0), rank)  # type: ignore[arg-type]
