"""Containers: what they compute in training and in eval mode, and that each is its circuit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lutsmith.nn import (
    GroupSum,
    LogicConv2d,
    LogicDense,
    LogicResidual,
    OrPool2d,
    Parallel,
    Residual,
    Thermometer,
    prove_lowering,
    to_circuit,
)


def conv(channels: int, kernels: int, **more: Any) -> LogicConv2d:
    return LogicConv2d(None, channels, kernels, 1, 3, 1, 1, lut_rank=2, weight_init="random", **more)


def check(model: nn.Module, shape: tuple[int, ...]) -> Tensor:
    """The model in eval mode is its circuit on random inputs; its outputs."""
    x = torch.rand(9, *shape)
    y = model.eval()(x).detach()
    circuit = to_circuit(nn.Sequential(model), shape)
    np.testing.assert_array_equal(circuit.evaluate(x.numpy()), y.flatten(1).numpy() > 0.5)
    proof = prove_lowering(nn.Sequential(model), circuit)
    assert proof.ok, str(proof)
    return y


@st.composite
def networks(draw: st.DrawFn, channels: int, depth: int) -> tuple[nn.Module, int]:
    """Nested containers over images, and their channels."""
    kind = draw(st.sampled_from(["conv", "parallel", "residual", "learned", "sequence", "shuffle", "pool"]))
    if depth == 0 or kind == "conv":
        kernels = draw(st.integers(1, 4))
        return conv(channels, kernels), kernels
    if kind == "shuffle":
        groups = draw(st.sampled_from([g for g in range(1, channels + 1) if channels % g == 0]))
        return nn.ChannelShuffle(groups), channels
    if kind == "pool":
        return OrPool2d(3, 1, 1), channels
    if kind == "parallel":
        parts = [draw(networks(channels, depth - 1)) for _ in range(draw(st.integers(1, 3)))]
        return Parallel(*(module for module, _ in parts), nn.Identity()), sum(c for _, c in parts) + channels
    if kind == "sequence":
        first, middle = draw(networks(channels, depth - 1))
        second, last = draw(networks(middle, depth - 1))
        return nn.Sequential(first, nn.Dropout(0.1), second), last
    body, inside = draw(networks(channels, depth - 1))
    inner = nn.Sequential(body, conv(inside, channels))
    if kind == "residual":
        return Residual(inner, draw(st.sampled_from(["and", "or", "xor"]))), channels
    return LogicResidual(inner, channels, weight_init="random"), channels


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_nested_containers_are_their_circuits(data: st.DataObject) -> None:
    torch.manual_seed(data.draw(st.integers(0, 99)))
    channels = data.draw(st.integers(1, 4))
    model, out = data.draw(networks(channels, 3))
    y = check(model, (channels, 4, 3))
    assert y.shape[1] == out


def test_parallel_is_concatenation_along_any_axis_behind_the_batch() -> None:
    x = torch.rand(5, 3, 4, 6)
    first, second = conv(3, 2), conv(3, 4)
    both = Parallel(first, second)
    assert torch.equal(both(x), torch.cat([first(x), second(x)], dim=1))
    assert both(x).permute(1, 2, 3, 0).is_contiguous()
    for dim in (2, 3, -1, -2, -3):
        twice = Parallel(first, first, dim=dim)
        assert torch.equal(twice.train()(x), torch.cat([first.train()(x)] * 2, dim=dim))
        check(twice, (3, 4, 6))
    dense = Parallel(LogicDense(8, 3, 2), nn.Identity())
    check(dense, (8,))
    assert dense.train()(x.reshape(-1, 8)).shape == (45, 11)


@pytest.mark.parametrize("gate", ["and", "or", "xor"])
def test_residual_gates_are_gates_of_bits_and_multilinear_between(gate: str) -> None:
    of = getattr(torch, f"logical_{gate}")
    inner = LogicDense(6, 6, 3)
    model = Residual(inner, gate)
    x = torch.rand(20, 6)
    bits = x > 0.5
    check(model, (6,))
    assert torch.equal(model.eval()(x) > 0.5, of(bits, inner.eval()(x) > 0.5))
    y, z = model.train()(x), inner.train()(x)
    table = torch.from_numpy(model.table()[0]).float()
    expected = sum(table[a] * (x if a & 1 else 1 - x) * (z if a >> 1 else 1 - z) for a in range(4))
    torch.testing.assert_close(y, expected)


def test_a_fresh_learned_residual_is_the_identity() -> None:
    model = LogicResidual(conv(3, 3), 3)
    x = torch.rand(4, 3, 5, 5)
    check(model, (3, 5, 5))
    assert torch.equal(model.eval()(x) > 0.5, x > 0.5)
    optimizer = torch.optim.SGD(model.parameters(), 1.0)
    for step in range(2):  # fresh gates are flat in what they ignore: they learn first, then the module
        optimizer.zero_grad()
        (model.train()(x) * torch.linspace(-1, 1, 25).view(5, 5)).sum().backward()
        assert bool(model.inner.weight.grad.abs().sum() > 0) == bool(step)
        optimizer.step()
    assert model.gates.weight.shape == (3, 4)
    flat = LogicResidual(LogicDense(8, 8, 4), 8)
    check(flat, (8,))


def test_a_network_of_containers_predicts_as_its_circuit() -> None:
    torch.manual_seed(0)
    x = torch.rand(40, 1, 6, 6)
    encoder = Thermometer(3).fit(x)
    block = nn.Sequential(LogicResidual(conv(8, 8), 8, weight_init="random"), nn.ChannelShuffle(2), OrPool2d(2))
    model = nn.Sequential(encoder, conv(3, 8), Parallel(block, OrPool2d(2)), nn.Flatten(), GroupSum(4))
    model.train()(x).sum().backward()
    circuit = to_circuit(model.eval(), (1, 6, 6))
    np.testing.assert_array_equal(circuit.predict(x.numpy()), model(x).argmax(1).numpy())
    assert prove_lowering(model, circuit).ok


def test_circuits_of_other_containers_are_not_proved() -> None:
    torch.manual_seed(0)
    first, second = LogicDense(6, 6, 3, weight_init="random"), LogicDense(6, 6, 3, weight_init="random")
    learned = LogicResidual(first, 6, weight_init="random")
    models = [Residual(first, "or"), Residual(first, "and"), Residual(second, "or"), learned]
    models += [Parallel(first, second), Parallel(second, first), Parallel(first, nn.Identity())]
    for one in models:
        circuit = to_circuit(one, (6,))
        for two in models:
            assert prove_lowering(two, circuit).ok == (one is two)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Parallel(), ValueError, "no branches"),
        (lambda: Parallel(nn.Identity(), dim=0), ValueError, "axis of the batch"),
        (lambda: Parallel(3), TypeError, "a branch is a int"),
        (lambda: Residual(nn.Identity(), "nand"), ValueError, "gate is 'nand'; expected one of and, or, xor"),
        (lambda: Residual(conv(2, 3))(torch.rand(1, 2, 4, 4)), ValueError, "expected one shape"),
        (lambda: to_circuit(nn.Sequential(Residual(conv(2, 3))), (2, 4, 4)), ValueError, "expected one shape"),
        (lambda: LogicResidual(conv(2, 2), 2)(torch.rand(2, 2)), ValueError, "got an input"),
        (lambda: LogicResidual(nn.Identity(), 3)(torch.rand(1, 2)), ValueError, r"expected \(batch, 3, ...\)"),
        (lambda: to_circuit(Parallel(nn.ReLU()), (2,)), ValueError, r"Parallel.branches.0 \(ReLU\)"),
        (lambda: to_circuit(Parallel(GroupSum(2)), (2,)), ValueError, "has a head"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()
