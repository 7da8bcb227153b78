"""Pooling layers: order statistics of windows in training, OR, AND and majority in eval mode and in circuits."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import lutsmith.nn as layers
from lutsmith.nn import GroupSum, LogicConv2d, OrPool2d, prove_lowering, to_circuit
from lutsmith.nn.parametrizations import list_parametrizations
from lutsmith.nn.pooling import Pool

KINDS = {(mode, axes): getattr(layers, f"{name}Pool{axes}d") for name, mode in
         (("Or", "or"), ("And", "and"), ("Majority", "majority")) for axes in (1, 2, 3)}  # fmt: skip


@st.composite
def pools(draw: st.DrawFn) -> tuple[Pool, tuple[int, ...]]:
    mode, axes = draw(st.sampled_from(sorted(KINDS)))
    largest = {1: 9, 2: 4, 3: 3}[axes]
    window = tuple(draw(st.integers(1, largest)) for _ in range(axes))
    padding = tuple(draw(st.integers(0, size // 2)) for size in window)
    image = tuple(
        draw(st.integers(max(1, size - 2 * more), size + 3)) for size, more in zip(window, padding, strict=True)
    )
    stride = draw(st.sampled_from([None, 1, 2]))
    return KINDS[mode, axes](window, stride, padding), image


def test_a_circuit_of_another_pool_is_not_proved() -> None:
    circuit = to_circuit(layers.AndPool2d(2), (1, 4, 4))
    assert prove_lowering(layers.AndPool2d(2), circuit).ok
    for other in (OrPool2d(2), layers.MajorityPool2d(2), layers.AndPool2d((2, 1), 2), layers.AndPool2d(2, (2, 1))):
        assert not prove_lowering(other, circuit).ok


@settings(max_examples=120, deadline=None)
@given(problem=pools(), bits=st.booleans())
def test_windows_are_sorted_and_cut_at_the_border(problem: tuple[Pool, tuple[int, ...]], bits: bool) -> None:
    pool, image = problem
    x = torch.rand((2, 3, *image), generator=torch.Generator().manual_seed(len(image)))
    x = x.round() if bits else x
    y, hard = pool.train()(x), pool.eval()(x)
    assert y.shape == hard.shape == (2, 3, *pool.out_shape(image))
    for place in np.ndindex(*pool.out_shape(image)):
        window = [
            slice(max(0, at * step - more), at * step - more + size)
            for at, step, more, size in zip(
                place, pool.sliding.stride, pool.sliding.padding, pool.sliding.window, strict=True
            )
        ]
        values = x[(slice(None), slice(None), *window)].flatten(2).sort(dim=2, descending=True).values
        count = values.shape[2]
        wanted = {"or": 0, "and": count - 1, "majority": count // 2}[pool.mode]
        assert torch.equal(y[(..., *place)], values[..., wanted])
        ones = (values > 0.5).sum(2)
        least = {"or": 1, "and": count, "majority": count // 2 + 1}[pool.mode]
        assert torch.equal(hard[(..., *place)] > 0.5, ones >= least)
    if bits:
        assert torch.equal(y, hard)
    model = nn.Sequential(pool)
    circuit = to_circuit(model, (3, *image))
    np.testing.assert_array_equal(circuit.evaluate(x.numpy()), hard.flatten(1).numpy() > 0.5)
    assert prove_lowering(model, circuit).ok


def test_or_pooling_is_torchs_largest_of_a_window() -> None:
    x = torch.rand(5, 4, 9, 9, requires_grad=True)
    y = OrPool2d(3, 2, 1).train()(x)
    expected = nn.functional.max_pool2d(x, 3, 2, 1)
    assert torch.equal(y, expected)
    grad = torch.rand_like(y)
    torch.testing.assert_close(torch.autograd.grad(y, x, grad), torch.autograd.grad(expected, x, grad))
    assert y.permute(1, 2, 3, 0).is_contiguous()


@pytest.mark.parametrize(("mode", "axes"), sorted(KINDS))
def test_gradients_are_finite_differences(mode: str, axes: int) -> None:
    pool = KINDS[mode, axes](2, 1, 1)
    x = torch.rand((1, 2, *[3] * axes), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(pool.train(), x)


@pytest.mark.parametrize("name", list_parametrizations())
@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("or", {}),
        ("and", {"tree_depth": 2}),
        ("or", {"connections": "learnable", "num_candidates": 3}),
        ("and", {"connections": "dense"}),
        ("majority", {}),
    ],
)
def test_a_pooled_kernel_is_the_pool_after_the_kernel(name: str, mode: str, options: dict[str, Any]) -> None:
    generator = torch.Generator().manual_seed(0)
    conv = LogicConv2d(
        None, 3, 4, padding=1, lut_rank=2, parametrization=name, weight_init="random", generator=generator, **options
    )
    pool = KINDS[mode, 2](3, 2, 1)
    both, apart = layers.PooledConv(conv, pool).train(), nn.Sequential(conv, pool)
    x, found = torch.rand(20, 3, 6, 5), []
    for model in (both, apart):
        leaf = x.clone().requires_grad_()
        y = model(leaf)
        grad = torch.arange(y.numel()).view(y.shape).sin()
        leaves = [leaf, *(p for p in conv.parameters() if p.requires_grad)]
        found.append([y.detach(), *torch.autograd.grad(y, leaves, grad)])
    assert torch.equal(found[0][0], found[1][0])
    for one, two in zip(found[0][1:], found[1][1:], strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=3e-5 * max(1.0, float(two.abs().max())))
    both.eval()
    assert torch.equal(both(x), apart(x))
    circuit = to_circuit(both, (3, 6, 5))
    np.testing.assert_array_equal(circuit.evaluate(x.numpy()), both(x).flatten(1).detach().numpy() > 0.5)
    assert prove_lowering(both, circuit).ok


def test_a_pooled_network_is_its_circuit() -> None:
    """Three blocks and a head whose groups are the channels of a class at all places: global pooling by popcount."""
    generator = torch.Generator().manual_seed(0)
    options: dict[str, Any] = {"lut_rank": 4, "weight_init": "random", "generator": generator}
    model = nn.Sequential(
        LogicConv2d(8, 2, 6, 1, 3, 1, 1, **options), OrPool2d(2),
        LogicConv2d(4, 6, 10, 1, 3, 1, 1, **options), layers.MajorityPool2d(2),
        LogicConv2d(2, 10, 20, 1, 1, **options), layers.AndPool2d((1, 2)),
        nn.Flatten(), GroupSum(10),
    )  # fmt: skip
    x = torch.rand(30, 2, 8, 8)
    model.train()(x).sum().backward()
    assert model[0].weight.grad.abs().sum() > 0
    model.eval()
    circuit = to_circuit(model, (2, 8, 8))
    np.testing.assert_array_equal(circuit.predict(x.numpy()), model(x).argmax(1).numpy())
    assert torch.equal(pickle.loads(pickle.dumps(model))(x), model(x))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: layers.PooledConv(LogicConv2d(None, 3, 3), layers.OrPool1d(2)), ValueError, "2 axes and OrPool1d 1"),
        (lambda: layers.PooledConv(OrPool2d(2), OrPool2d(2)), TypeError, "conv is a OrPool2d"),
        (lambda: OrPool2d(2, padding=2), ValueError, "at most half of the window"),
        (lambda: OrPool2d(0), ValueError, "kernel_size is 0"),
        (lambda: OrPool2d((2, 2, 2)), ValueError, "one for each of 2 axes"),
        (lambda: OrPool2d(2.5), TypeError, "kernel_size is 2.5"),
        (lambda: OrPool2d(3)(torch.rand(2, 4, 2, 5)), ValueError, "smaller than the window"),
        (lambda: OrPool2d(2)(torch.rand(4, 4)), ValueError, r"expected \(..., channels, size, size\)"),
        (lambda: OrPool2d(17)(torch.rand(1, 1, 17, 17)), ValueError, "two steps"),
    ],
)  # fmt: skip
def test_bad_windows_are_told(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()
