"""Circuits that are not the network's: a changed table of a LUT passes only where all answers stay the same."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from lutsmith.circuit import Circuit
from lutsmith.nn import DistributiveThermometer, prove_lowering, to_circuit
from lutsmith.nn.neurons import BinarizeSign, BinaryLinear, LUTLinear, ResidualSign
from tests.nn.neurons.test_to_circuit import every_sample, randomised

FRONTS = ["encoder", "sign", "joined", "norm and joined"]
ENDS = ["luts", "luts and norm", "neurons"]


def small_model(front: str, end: str, seed: int) -> tuple[nn.Module, tuple[int, ...], Any]:
    """A network, the shape of a sample, and samples that are all that it can tell apart."""
    generator = torch.Generator().manual_seed(seed)
    layers: list[nn.Module]
    if front == "encoder":
        encoder = DistributiveThermometer(2).fit(torch.randn(60, 3, generator=torch.Generator().manual_seed(0)))
        edges = encoder.thresholds.detach().numpy().reshape(3, 2)
        steps = [[row[0] - 1, (row[0] + row[1]) / 2, row[1] + 1] for row in edges]
        x = np.array(list(itertools.product(*steps)), np.float32)
        layers, width = [encoder, nn.Flatten()], 6
    else:
        x = every_sample((4,)).numpy()
        layers, width = [BinarizeSign()], 4
        if front != "sign":
            layers.append(BinaryLinear(4, 3, generator=generator))
            layers += [nn.BatchNorm1d(3)] * (front == "norm and joined")
            layers, width = [*layers, ResidualSign(2, 3, output="joined")], 6
    if end == "neurons":
        layers.append(BinaryLinear(width, 3, generator=generator))
    else:
        layers.append(LUTLinear(width, 3, rank=2, generator=generator))
        layers += [nn.BatchNorm1d(3)] * (end == "luts and norm")
    return randomised(nn.Sequential(*layers), seed), x.shape[1:], x


@functools.cache
def lowered(front: str, end: str, seed: int) -> tuple[nn.Module, Circuit, Any]:
    model, shape, x = small_model(front, end, seed)
    return model, to_circuit(model, shape), x


def with_bit(circuit: Circuit, node: int, bit: int) -> Circuit:
    """The circuit with one bit of one table changed."""
    netlist = circuit.netlist
    tables = netlist.tables().copy()
    tables[node] ^= np.uint64(1 << bit)
    fields = {name: getattr(netlist, name) for name in vars(netlist)}
    fields |= {"table_pool": tables, "table_index": np.arange(tables.size)}
    changed = type(netlist)(**fields)
    return Circuit(
        circuit.input_shape, circuit.encoder, changed, head=circuit.head, objective=circuit.objective,
        fitted_range=circuit.fitted_range,
    )  # fmt: skip


def bits_of_tables(circuit: Circuit, nodes: Any) -> Iterator[tuple[int, int]]:
    ranks = circuit.netlist.ranks
    return ((int(node), bit) for node in nodes for bit in range(1 << int(ranks[node])))


@pytest.mark.slow
@pytest.mark.parametrize("end", ENDS[:2])
@pytest.mark.parametrize("front", FRONTS)
def test_circuits_of_other_luts_at_the_end_fail(front: str, end: str) -> None:
    """The last LUTs of another network, of other masks and tables; then each single bit of the own ones."""
    model, circuit, x = lowered(front, end, 2)
    assert prove_lowering(model, circuit).ok
    other = small_model(front, end, 2)[0]
    place = 2 if end == "luts and norm" else 1
    luts = LUTLinear(other[-place].in_features, 3, rank=2, generator=torch.Generator().manual_seed(99))
    other[-place] = luts
    strange = to_circuit(other.eval(), circuit.input_shape)
    assert not np.array_equal(strange.predict(x), circuit.predict(x))
    assert prove_lowering(model, strange).verdict == "failed"
    netlist = circuit.netlist
    last = np.unique(netlist.outputs[netlist.outputs >= netlist.num_inputs]) - netlist.num_inputs
    assert last.size
    for node, bit in bits_of_tables(circuit, last):
        assert prove_lowering(model, with_bit(circuit, node, bit)).verdict == "failed", (node, bit)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(FRONTS), st.sampled_from(ENDS), st.integers(0, 5))
def test_a_changed_table_is_found_or_changes_no_answer(data: st.DataObject, front: str, end: str, seed: int) -> None:
    try:
        model, circuit, x = lowered(front, end, seed)
    except ValueError as error:
        assume("no integers of 32 bits" not in str(error))
        raise
    assert prove_lowering(model, circuit).ok
    if circuit.netlist.num_nodes:
        node = data.draw(st.integers(0, circuit.netlist.num_nodes - 1))
        bit = data.draw(st.integers(0, (1 << int(circuit.netlist.ranks[node])) - 1))
        broken = with_bit(circuit, node, bit)
        same = np.array_equal(broken.predict(x), circuit.predict(x))
        assert same or not prove_lowering(model, broken).ok
