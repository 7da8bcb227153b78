"""Kinds of functions and counts of a netlist are what their definitions say, entry by entry."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith import logic
from lutsmith.circuit import Netlist
from lutsmith.reporting.functions import KINDS, MEANINGS, kinds, kinds_by_rank
from lutsmith.reporting.structure import counts, fanout, fanout_groups, luts_by_level, reads_by_feature
from tests.circuit.examples import random_netlist
from tests.reporting.examples import voting


def netlist_of(tables: list[tuple[int, int]]) -> Netlist:
    """One level of LUTs, (rank, table) each, on the first inputs."""
    ranks = [rank for rank, _ in tables]
    return Netlist(
        6, [j for rank in ranks for j in range(rank)], np.append(0, np.cumsum(ranks)),
        np.array([table for _, table in tables], np.uint64), np.arange(len(tables)), [0, len(tables)], [6],
    )  # fmt: skip


def table_of(function, rank: int) -> int:
    return sum(bool(function(*[a >> j & 1 for j in range(rank)])) << a for a in range(1 << rank))


def entries(table: int, rank: int) -> dict[tuple[int, ...], int]:
    return {tuple(a >> j & 1 for j in range(rank)): table >> a & 1 for a in range(1 << rank)}


def equivalent(rank: int, table: int) -> set[int]:
    """All tables of the NPN class, by trying everything."""
    told = entries(table, rank)
    found = set()
    for order in permutations(range(rank)):
        for flips in product((0, 1), repeat=rank):
            moved = [told[tuple(a >> order[j] & 1 ^ flips[j] for j in range(rank))] for a in range(1 << rank)]
            word = sum(value << a for a, value in enumerate(moved))
            found |= {word, word ^ (1 << (1 << rank)) - 1}
    return found


def slow_kind(rank: int, table: int) -> str:
    """The kind by its definition, on a table that keeps only the inputs that it depends on."""
    told = entries(table, rank)
    flip = lambda bits, j: (*bits[:j], 1 - bits[j], *bits[j + 1 :])  # noqa: E731
    reads = [j for j in range(rank) if any(told[bits] != told[flip(bits, j)] for bits in told)]
    small = {tuple(bits[j] for j in reads): value for bits, value in told.items()}
    ones, size = sum(small.values()), len(small)
    if not reads:
        return "constant"
    if len(reads) == 1:
        return "wire"
    if ones in (1, size - 1):
        return "AND"
    if len({value ^ sum(bits) % 2 for bits, value in small.items()}) == 1:
        return "XOR"
    if len(reads) == 3:
        own = sum(value << sum(bit << j for j, bit in enumerate(bits)) for bits, value in small.items())
        if own in equivalent(3, table_of(lambda a, b, s: b if s else a, 3)):
            return "multiplexer"
        if own in equivalent(3, table_of(lambda a, b, c: a + b + c >= 2, 3)):
            return "majority"
    steps = [{small[flip(bits, j)] - value for bits, value in small.items() if not bits[j]} for j in range(len(reads))]
    return "unate" if all(not {1, -1} <= step for step in steps) else "other"


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_all_tables_of_small_ranks_have_the_kind_that_they_are(rank: int) -> None:
    tables = [(rank, table) for table in range(1 << (1 << rank))]
    found = [KINDS[kind] for kind in kinds(netlist_of(tables))]
    assert found == [slow_kind(*each) for each in tables]


@given(
    st.lists(
        st.integers(0, 6).flatmap(lambda rank: st.tuples(st.just(rank), st.integers(0, 2 ** (1 << rank) - 1))),
        min_size=1,
    )
)
@settings(max_examples=40, deadline=None)
def test_kinds_at_every_rank_are_what_their_definitions_say(tables: list[tuple[int, int]]) -> None:
    assert [KINDS[kind] for kind in kinds(netlist_of(tables))] == [slow_kind(*each) for each in tables]


@pytest.mark.parametrize("rank", [4, 5, 6])
def test_named_functions_of_many_inputs_are_found(rank: int) -> None:
    named = {
        "AND": lambda *x: all(x[:-1]) and not x[-1], "XOR": lambda *x: not sum(x) % 2,
        "multiplexer": lambda *x: x[0] if x[rank - 1] else x[2],
        "majority": lambda *x: x[0] + x[1] + (1 - x[rank - 1]) >= 2,
        "unate": lambda *x: sum(x) >= 2, "wire": lambda *x: not x[rank - 2], "other": lambda *x: sum(x) == 2,
    }  # fmt: skip
    found = kinds(netlist_of([(rank, table_of(function, rank)) for function in named.values()]))
    assert [KINDS[kind] for kind in found] == [*named]


def test_kinds_are_counted_by_rank_and_have_meanings() -> None:
    netlist = random_netlist(3)
    found = kinds_by_rank(netlist)
    assert {rank: int(each.sum()) for rank, each in found.items()} == netlist.luts_by_rank()
    assert tuple(MEANINGS) == KINDS


@given(st.integers(0, 2**32 - 1), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_fan_out_and_levels_count_what_is_there(seed: int, registers: int) -> None:
    netlist = random_netlist(seed, registers=registers)
    found = fanout(netlist)
    read = [*netlist.fanin.tolist(), *netlist.outputs.tolist(), *netlist.register_next.tolist()]
    assert found.tolist() == [read.count(signal) for signal in range(netlist.num_signals)]
    groups = fanout_groups(found)
    assert sum(count for _, count in groups) == netlist.num_signals
    for name, count in groups:
        low, _, high = name.partition("–")
        assert count == sum(int(low) <= times <= int(high or low) for times in found)
    levels = luts_by_level(netlist)
    assert levels.size == netlist.depth
    assert levels.sum() == sum(count for rank, count in netlist.luts_by_rank().items() if rank)


def test_counts_are_those_of_the_design() -> None:
    circuit = voting((4,), ("a", "b", "c"), integer_features=True, encoder_luts=5)
    found = counts(circuit)
    nodes = {part.name: part.netlist.num_nodes for part in logic.elaborate(circuit).parts}
    assert found == (nodes["encoder"], 5, nodes["network"] - 5, nodes["popcount"] + nodes["decision"])
    assert counts(voting((4,), ("a", "b"))).comparators is None
    assert counts(voting((4,), ("a", "b"), encoder_luts=10**9)).encoder == 0  # a file may say anything


def test_reads_are_counted_by_feature() -> None:
    circuit = voting((4,), ("a", "b"), thresholds=(0.2, 0.8))
    feature = circuit.inputs.feature
    signals = [signal for signal in circuit.netlist.fanin.tolist() if signal < len(feature)]
    assert reads_by_feature(circuit).tolist() == [sum(feature[s] == f for s in signals) for f in range(4)]
