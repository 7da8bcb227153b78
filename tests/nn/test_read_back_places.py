"""Kernels, pools and majorities read back: faults in one place are found there, and the report says what it covers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lutsmith.circuit import Circuit
from lutsmith.logic import majority as majorities
from lutsmith.logic.majority import Majority
from lutsmith.nn import GroupSum2d, LogicConv2d, MajorityPool2d, OrPool2d, prove_lowering, to_circuit


def kernels() -> nn.Sequential:
    torch.manual_seed(0)
    conv = LogicConv2d(None, 1, 4, 1, 3, 1, 1, lut_rank=4, weight_init="random")
    return nn.Sequential(conv, OrPool2d(2), GroupSum2d(2)).eval()


def node_of(circuit: Circuit, *, rank: int, number: int) -> int:
    """A node of a rank, counted in the order of the netlist."""
    return int(np.flatnonzero(circuit.netlist.ranks == rank)[number])


def with_table(circuit: Circuit, node: int, bit: int) -> Circuit:
    tables = circuit.netlist.tables()
    tables[node] ^= np.uint64(1 << bit)
    pool, index = np.unique(tables, return_inverse=True)
    return replace(circuit, netlist=replace(circuit.netlist, table_pool=pool, table_index=index.reshape(-1)))


def with_wire(circuit: Circuit, node: int, slot: int, signal: int) -> Circuit:
    fanin = circuit.netlist.fanin.copy()
    fanin[circuit.netlist.fanin_ptr[node] + slot] = signal
    return replace(circuit, netlist=replace(circuit.netlist, fanin=fanin))


def test_the_report_says_which_tables_stand_in_how_many_places() -> None:
    model = kernels()
    proof = prove_lowering(model, to_circuit(model, (1, 4, 4)))
    assert proof.ok
    assert [row.reason for row in proof.rows[1:]] == [
        "64 LUTs of rank 4: 4 tables, each in all of its places, and the wires of each place",
        "16 LUTs of rank 4: one table in all places, and the wires of each place",
        "16 outputs in 2 groups at each of 4 places, classification",
        "labels, fitted range",
    ]


@pytest.mark.parametrize(
    "fault", ["table", "wire", "padding", "constant", "pool's table", "pool's pixel", "missing pixel"]
)
def test_a_fault_in_one_place_is_found_there(fault: str) -> None:
    model = kernels()
    circuit = to_circuit(model, (1, 4, 4))
    netlist = circuit.netlist
    sources = netlist.num_inputs
    constant = node_of(circuit, rank=0, number=0)
    zero = sources + constant
    conv = [node for node in range(netlist.num_nodes) if netlist.ranks[node] == 4][:64]
    pool = node_of(circuit, rank=4, number=64 + 5)
    reads = netlist.fanin[netlist.fanin_ptr[pool] :][:4].tolist()
    where = "model.1"
    if fault == "table":
        wrong, where = with_table(circuit, conv[37], 6), "model.0"
    elif fault == "wire":
        node = next(n for n in conv if zero not in netlist.fanin[netlist.fanin_ptr[n] :][:4])
        other = next(s for s in range(sources) if s not in netlist.fanin[netlist.fanin_ptr[node] :][:4])
        wrong, where = with_wire(circuit, node, 2, other), "model.0"
    elif fault == "padding":
        node, slot = next((n, s) for n in conv for s in range(4) if netlist.fanin[netlist.fanin_ptr[n] + s] == zero)
        wrong, where = with_wire(circuit, node, slot, 3), "model.0"
    elif fault == "constant":
        wrong, where = with_table(circuit, constant, 0), "model.0"
    elif fault == "pool's table":
        wrong = with_table(circuit, pool, 3)
    elif fault == "pool's pixel":
        wrong = with_wire(circuit, pool, 1, next(sources + n for n in conv if sources + n not in reads))
    else:
        wrong = with_wire(circuit, pool, 1, zero)
    proof = prove_lowering(model, wrong)
    assert proof.verdict == "failed"
    assert proof.problems[0].name == where
    assert ("1 of " in proof.problems[0].reason) == (fault != "constant")
    assert "in its place" in proof.problems[0].reason
    if fault == "table":
        assert "table 2 in its place 5" in proof.problems[0].reason


@pytest.mark.parametrize("window", [3, 4, 5])
def test_majorities_of_many_pixels_are_proved_and_a_fault_in_any_lut_is_found(window: int) -> None:
    model = MajorityPool2d(window, 2)
    circuit = to_circuit(model, (2, 6, 6))
    proof = prove_lowering(model, circuit)
    assert proof.ok
    assert f"counts of {window**2} pixels are their sums, by substitution" in str(proof)
    rng = np.random.default_rng(0)
    for node in rng.permutation(circuit.netlist.num_nodes)[:12].tolist():
        bit = int(rng.integers(0, 1 << circuit.netlist.ranks[node]))
        assert prove_lowering(model, with_table(circuit, node, bit)).verdict == "failed"
        slot = int(rng.integers(0, circuit.netlist.ranks[node]))
        wire = circuit.netlist.fanin[circuit.netlist.fanin_ptr[node] + slot]
        other = int(rng.choice([s for s in range(circuit.netlist.num_inputs) if s != wire]))
        assert prove_lowering(model, with_wire(circuit, node, slot, other)).verdict == "failed"


@pytest.mark.parametrize("count", [2, 7, 9, 64, 255, 256])
def test_majorities_are_more_than_half(count: int) -> None:
    majority = Majority(count)
    majority.check()
    rng = np.random.default_rng(count)
    bits = rng.random((500, count)) < rng.uniform(0.3, 0.7, (500, 1))
    decided = majority.comparator.evaluate(majority.counter.evaluate(bits))[:, 0]
    assert np.array_equal(decided, 2 * bits.sum(axis=1) > count)


def test_a_wrong_count_or_comparison_is_not_a_majority(monkeypatch: pytest.MonkeyPatch) -> None:
    model = MajorityPool2d(3)
    with monkeypatch.context() as patch:
        patch.setattr(Majority, "least", property(lambda self: self.count // 2 + 2))
        circuit = to_circuit(model, (1, 3, 3))
        proof = prove_lowering(model, circuit)
    assert proof.verdict == "not established"
    assert "is not whether it is more than half" in proof.problems[0].reason
    with monkeypatch.context() as patch:
        patch.setattr(
            majorities, "popcount", lambda logic, bits: majorities.at_least.__globals__["popcount"](logic, bits ^ 1)
        )
        with pytest.raises(ValueError, match="the count of 9 bits is not their sum"):
            Majority(9).check()
    with pytest.raises(ValueError, match="count is 257"):
        Majority(257)
