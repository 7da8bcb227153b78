"""Layers of one's own: eval mode, circuit and proof are the nodes that they state, and faults are found."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lutsmith.nn import GroupSum, LogicDense, NodeLayer, Nodes, Thermometer, prove_lowering, to_circuit


class Stated(NodeLayer):
    """Nodes as they are given; in training the mean of all inputs."""

    def __init__(self, in_dim: int, groups: Any) -> None:
        super().__init__(in_dim)
        self.groups = groups
        self.width = nn.Parameter(torch.ones(()))

    def nodes(self) -> Any:
        return self.groups

    def soft(self, x: Tensor) -> Tensor:
        return (self.width * x.mean(-1, keepdim=True)).expand(*x.shape[:-1], len(self.groups[-1][0]))


def drawn(rng: np.random.Generator, in_dim: int, sizes: list[tuple[int, int]]) -> list[Nodes]:
    """Groups of (LUTs, rank), their wires and tables at random."""
    groups, signals = [], in_dim
    for luts, rank in sizes:
        groups.append(Nodes(rng.integers(signals, size=(luts, rank)), rng.random((luts, 1 << rank)) < 0.5))
        signals += luts
    return groups


def specified(groups: list[Nodes], bits: Any) -> Any:
    """What nodes give of bits `(in_dim,)`: one LUT after the other, by its address."""
    known, found = list(bits), []
    for inputs, tables in groups:
        reads = [[int(known[signal]) for signal in row] for row in inputs]
        places = [sum(bit << place for place, bit in enumerate(read)) for read in reads]
        found = [int(table[place]) for table, place in zip(tables, places, strict=True)]
        known += found
    return found


@settings(deadline=None, max_examples=25)
@given(
    st.integers(1, 6),
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 8)), min_size=1, max_size=3),
    st.integers(0, 2**31),
)
def test_eval_mode_the_circuit_and_the_proof_are_the_nodes(
    in_dim: int, sizes: list[tuple[int, int]], seed: int
) -> None:
    groups = drawn(np.random.default_rng(seed), in_dim, sizes)
    layer = Stated(in_dim, groups).eval()
    every = np.array(list(itertools.product([0, 1], repeat=in_dim)), np.float32)
    wanted = np.array([specified(groups, row) for row in every])
    assert np.array_equal(layer(torch.from_numpy(every)).numpy(), wanted)
    circuit = to_circuit(layer, (in_dim,))
    assert np.array_equal(circuit.evaluate(every), wanted.astype(bool))
    proof = prove_lowering(layer, circuit)
    assert proof.ok, proof


def test_a_layer_trains_in_a_network_that_becomes_a_circuit() -> None:
    rng, torch_rng = np.random.default_rng(0), torch.Generator().manual_seed(0)
    x = torch.rand(40, 6, generator=torch_rng)
    model = nn.Sequential(
        Thermometer(2).fit(x),
        LogicDense(12, 10, 3, generator=torch_rng),
        Stated(10, drawn(rng, 10, [(5, 2), (8, 4)])),
        GroupSum(2),
    )
    model(x).sum().backward()
    assert model[2].width.grad is not None
    circuit = to_circuit(model.eval(), (6,))
    assert prove_lowering(model, circuit).ok
    assert np.array_equal(circuit.predict(x.numpy()), model(x).argmax(-1))


def test_rows_of_several_axes_are_looked_up_each_by_itself() -> None:
    groups = drawn(np.random.default_rng(1), 4, [(3, 2), (2, 3)])
    layer = Stated(4, groups).eval()
    bits = torch.rand(2, 3, 4).round()
    assert torch.equal(layer(bits)[1, 2], layer(bits[1, 2]))
    assert layer(torch.zeros(0, 4)).shape == (0, 2)
    assert torch.equal(layer(bits > 0), layer(bits))
    circuit = to_circuit(layer, (3, 4))
    assert prove_lowering(layer, circuit).ok
    assert np.array_equal(circuit.evaluate(bits.numpy()), layer(bits).flatten(1).numpy() > 0)


def test_numbers_that_are_no_bits_are_compared_with_a_half() -> None:
    layer = Stated(1, [Nodes([[0]], [[False, True]])]).eval()
    values = torch.tensor([[0.5], [0.51], [-3.0], [float("nan")], [float("inf")]])
    assert layer(values).flatten().tolist() == [0, 1, 0, 0, 1]


NODES: dict[str, tuple[Any, type[Exception], str]] = {
    "no list": (None, TypeError, "expected a list of lutsmith.nn.Nodes"),
    "no groups": ([], ValueError, "is empty"),
    "a list of numbers": ([[[0, 1]]], TypeError, "expected a list of lutsmith.nn.Nodes"),
    "wires as numbers": ([Nodes([[0.0, 1.0]], [[True] * 4])], TypeError, "inputs of torch.float32"),
    "tables of numbers": ([Nodes([[0, 1]], [[1, 0, 0, 1]])], TypeError, "tables of torch.int64; expected torch.bool"),
    "a table too short": ([Nodes([[0, 1]], [[True] * 2])], ValueError, r"tables of shape \(1, 2\); expected \(1, 4\)"),
    "no LUT": ([Nodes(np.zeros((0, 2), int), np.zeros((0, 4), bool))], ValueError, "inputs of shape"),
    "nine inputs": ([Nodes([[0] * 9], [[True] * 512])], ValueError, "rank from 1 to 8"),
    "an input beyond": ([Nodes([[0, 3]], [[True] * 4])], ValueError, "signals 0 to 3; expected 0 to 2"),
    "an input below": ([Nodes([[0, -1]], [[True] * 4])], ValueError, "signals -1 to 0"),
    "a group that reads itself": (
        [Nodes([[0, 1]], [[True] * 4]), Nodes([[3, 4]], [[True] * 4])], ValueError, "group 1 .* expected 0 to 3"
    ),
    "rows of unequal length": ([Nodes([[0, 1], [2]], [[True] * 4])], ValueError, "lists of equal lengths"),
}  # fmt: skip


@pytest.mark.parametrize("fault", NODES)
def test_nodes_that_cannot_be_are_refused_in_eval_mode_and_in_a_circuit(fault: str) -> None:
    groups, error, message = NODES[fault]
    layer = Stated(3, groups).eval()
    with pytest.raises(error, match=message):
        layer(torch.zeros(2, 3))
    with pytest.raises((error, ValueError), match=message):
        to_circuit(layer, (3,))


def test_inputs_and_soft_values_that_do_not_fit_are_refused() -> None:
    layer = Stated(3, drawn(np.random.default_rng(0), 3, [(2, 2)]))
    with pytest.raises(ValueError, match=r"Stated\(in_dim=3\) got an input of shape \(2, 4\)"):
        layer(torch.zeros(2, 4))
    layer.soft = lambda x: x.mean()  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="soft gave"):
        layer(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="in_dim"):
        Stated(0, [])


def with_own(name: str, function: Callable[..., Any]) -> type[Stated]:
    return type("Other", (Stated,), {name: function})


@pytest.mark.parametrize("name", [
    "__call__", "_call_impl", "_looked_up", "checked_nodes", "train", "eval", "__getattribute__", "__setattr__",
])  # fmt: skip
def test_a_layer_that_may_be_more_than_its_nodes_is_not_proved(name: str) -> None:
    groups = drawn(np.random.default_rng(0), 3, [(2, 2)])
    own = with_own(name, lambda self, *given: getattr(Stated, name)(self, *given))
    layer = own(3, groups)
    nn.Module.train(layer, False)
    proof = prove_lowering(layer, to_circuit(Stated(3, groups).eval(), (3,)))
    assert [row.verdict for row in proof.rows] == ["not established", "not established"]
    assert f"its own {name}" in proof.rows[0].reason


class Asking(Stated):
    """Says of itself that it is trained, whatever it was told."""

    def __getattribute__(self, name: str) -> Any:
        return True if name == "training" else super().__getattribute__(name)


@pytest.mark.parametrize(("kind", "name"), [
    (with_own("training", property(lambda self: True, lambda self, value: None)), "training"),
    (with_own("in_dim", property(lambda self: 3, lambda self, value: None)), "in_dim"),
    (Asking, "__getattribute__"),
    (type("Mixed", (type("Mixin", (), {"eval": lambda self: self}), Stated), {}), "eval"),
])  # fmt: skip
def test_a_layer_that_is_trained_in_eval_mode_is_not_proved(kind: Any, name: str) -> None:
    groups = drawn(np.random.default_rng(0), 3, [(2, 2)])
    layer = kind(3, groups)
    nn.Module.train(layer, False)
    proof = prove_lowering(layer, to_circuit(Stated(3, groups).eval(), (3,)))
    assert not proof.ok
    assert f"its own {name}" in proof.rows[0].reason


def test_a_forward_of_its_own_is_neither_lowered_nor_proved_and_a_lower_of_its_own_not_proved() -> None:
    groups = drawn(np.random.default_rng(0), 3, [(2, 2)])
    other = with_own("forward", lambda self, x: 1 - Stated.forward(self, x))(3, groups).eval()
    with pytest.raises(ValueError, match="overrides forward but not how it is lowered"):
        to_circuit(other, (3,))
    assert not prove_lowering(other, to_circuit(Stated(3, groups).eval(), (3,))).ok
    inverting = with_own("lower", lambda self, builder, signals: Stated.lower(self, builder, signals)[::-1])
    layer = inverting(3, groups).eval()
    assert not prove_lowering(layer, to_circuit(layer, (3,))).ok


@pytest.mark.parametrize("part", [0, 1])
def test_a_table_bit_and_a_wire_that_differ_from_the_circuit_are_found(part: int) -> None:
    groups = [Nodes(np.array([[0, 1], [1, 2]]), np.array([[False, False, False, True], [False, True, True, False]]))]
    layer = Stated(3, groups).eval()
    circuit = to_circuit(layer, (3,))
    assert prove_lowering(layer, circuit).ok
    if part == 0:
        groups[0].inputs[1, 0] = 0
    else:
        groups[0].tables[0, 2] = True
    proof = prove_lowering(layer, circuit)
    assert not proof.ok
    assert [row.verdict for row in proof.rows if row.module == "Stated"] == ["failed"]


def test_nodes_that_change_by_themselves_are_not_proved() -> None:
    class Restless(Stated):
        def nodes(self) -> Any:
            self.groups[0] = Nodes(self.groups[0].inputs, ~np.asarray(self.groups[0].tables))
            return self.groups

    layer = Restless(3, drawn(np.random.default_rng(0), 3, [(2, 2)])).eval()
    proof = prove_lowering(layer, to_circuit(layer, (3,)))
    assert not proof.ok
    assert "others each time" in proof.rows[0].reason
