"""Banks: what is in them, that networks are drawn from them and keep them, and the best table that they have."""

from __future__ import annotations

import itertools
from functools import reduce
from operator import xor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lutsmith
from lutsmith.search.networks import ARCHITECTURES, TableBank, bank_of, diverse_16, diverse_256, network_circuit

X = [sum(1 << a for a in range(64) if a >> j & 1) for j in range(6)]
ONES = (1 << 64) - 1


def test_the_bank_of_256_has_what_lutnets_cut_off() -> None:
    """Fault 12: the cut by numbers lost constant 1, x4, x5, 9 OR2, 9 multiplexers, OR6 and two symmetric tables."""
    xors = [reduce(xor, some, 0) for size in range(7) for some in itertools.combinations(X, size)]
    ors = [a | b for a, b in itertools.combinations(X, 2)]
    muxes = [
        (X[s] & X[b]) | (~X[s] & X[a])
        for s in range(6)
        for a, b in itertools.combinations(sorted({*range(6)} - {s}), 2)
    ]
    symmetric = [sum(1 << a for a in range(64) if v >> a.bit_count() & 1) for v in range(128)]
    ands = [a & b for a, b in itertools.combinations(X, 2)]
    every = {*xors, *ors, *muxes, *symmetric, *ands}
    assert len(every) == 280
    lost = sorted(every)[256:]
    assert {ONES, X[4], X[5], reduce(lambda a, b: a | b, X)} <= set(lost)
    assert (sum(table in lost for table in ors), sum(table in lost for table in muxes)) == (9, 9)
    bank = diverse_256()
    assert len(bank) == len(set(bank.tables.tolist())) == 256
    assert set(bank.tables.tolist()) <= every
    assert bank.contains(np.array([*lost, *xors, *ors, *muxes, *ands], np.uint64)).all()


def test_the_bank_of_16_is_sixteen_different_tables_with_a_true_majority() -> None:
    bank = diverse_16()
    assert len(set(bank.tables.tolist())) == 16
    ones = np.array([a.bit_count() for a in range(64)])
    table = int(bank.tables[11])
    assert [table >> a & 1 for a in range(64)] == (ones > 3).astype(int).tolist()
    assert int(bank.tables[12]) == (X[2] & X[1]) | (~X[2] & X[0])


@pytest.mark.parametrize("name", ["none", 0, None])
def test_no_bank_is_none(name: object) -> None:
    assert bank_of(name) is None


def test_random_banks_are_seeded_and_all_different() -> None:
    for given_bank, rank, size in ((40, 6, 40), ("random-16", 2, 16), ("random-200", 3, 200), ("random-7", 5, 7)):
        bank = bank_of(given_bank, rank, seed=3)
        assert bank is not None
        assert len(set(bank.tables.tolist())) == len(bank) == size
        assert int(bank.tables.max()) < 1 << (1 << rank)
        assert bank == bank_of(given_bank, rank, seed=3)
    assert bank_of(40, seed=3) != bank_of(40, seed=4)
    with pytest.raises(ValueError, match="size is 17"):
        bank_of("random-17", 2)
    with pytest.raises(ValueError, match="did you mean 'diverse-256'"):
        bank_of("diverse-25")
    with pytest.raises(ValueError, match="of rank 6; the LUTs are of rank 4"):
        bank_of("diverse-16", 4)
    with pytest.raises(ValueError, match="expected integers in"):
        TableBank([16], 2)
    with pytest.raises(ValueError, match="a bank of 0 tables"):
        TableBank([])


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_architecture_draws_from_the_bank_and_keeps_it_in_the_file(name: str, tmp_path: Path) -> None:
    """Fault 5: LUTNets' random wiring threw the bank away."""
    circuit = network_circuit(name, bank="diverse-16", seed=2)
    lutsmith.save(circuit, tmp_path / "net.lut")
    again = lutsmith.load(tmp_path / "net.lut")
    bank = TableBank.of_circuit(again)
    assert bank == diverse_16()
    counts = {int(table): int((again.netlist.tables() == table).sum()) for table in bank.tables}
    assert sum(counts.values()) == again.netlist.num_nodes
    assert min(counts.values()) > again.netlist.num_nodes / 16 * 0.7  # drawn uniformly
    assert TableBank.of_circuit(network_circuit(name)) is None


def test_a_table_outside_the_bank_is_told_with_its_node() -> None:
    circuit = network_circuit("cnn_iv2", bank="diverse-16")
    tables = circuit.netlist.tables().copy()
    tables[[7, 9]] = 0xDEAD
    with pytest.raises(ValueError, match=r"node 7 has the table 0x000000000000dead, .* bank of 16 .*\(2 of 3688"):
        diverse_16().check(circuit.netlist, tables)
    with pytest.raises(ValueError, match="node 0 has the table"):
        TableBank([1, 2]).kept_in(circuit)
    with pytest.raises(ValueError, match="node 0 has rank 6; the bank has tables of rank 2"):
        TableBank([1, 2], 2).check(circuit.netlist)
    with pytest.raises(ValueError, match=r"its LUTs no longer use, .*: node .* remove table_bank from metadata"):
        TableBank.of_circuit(lutsmith.simplify(circuit).circuit)
    with pytest.raises(ValueError, match="layer 1 has LUTs of rank 6; the bank has tables of rank 2"):
        network_circuit("cnn_iv2", bank=TableBank([1, 2], 2))


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_the_nearest_table_is_the_one_of_lowest_effects_by_trying_all(data: st.DataObject) -> None:
    rank = data.draw(st.integers(0, 6))
    entries = 1 << rank
    tables = data.draw(st.lists(st.integers(0, (1 << entries) - 1), min_size=1, max_size=12))
    effects = data.draw(st.lists(st.integers(-3, 3), min_size=entries, max_size=entries))
    present = data.draw(st.one_of(st.sampled_from(tables), st.integers(0, (1 << entries) - 1)))
    bank = TableBank(tables, rank)
    found, gain = bank.nearest(present, np.array(effects))
    tried = [sum(effects[a] for a in range(entries) if (table ^ present) >> a & 1) for table in tables]
    assert gain == -min(tried)
    ties = [t for t, effect in zip(tables, tried, strict=True) if effect == min(tried)]
    assert (found ^ present).bit_count() == min((table ^ present).bit_count() for table in ties)
    assert found in ties
    assert bank.contains([found]).all()
    if present in tables:
        assert gain >= 0
    others = np.array([present ^ 1, *tables], np.uint64)
    assert bank.contains(others).tolist() == [int(table) in tables for table in others]
