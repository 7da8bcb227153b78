"""Layers that add up LUTs, held to loops over LUTs, places and samples."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lutsmith.nn.neurons import (
    MASKS,
    LUTConv1d,
    LUTConv2d,
    LUTConv3d,
    LUTLinear,
    LUTSum,
    MaskSizes,
    expanded,
    memorise_sums,
    minimal,
)
from lutsmith.nn.neurons.masks import repeats


def one_lut(rank: int, **options: Any) -> LUTLinear:
    """A layer that is one LUT, which reads its inputs in order."""
    layer = LUTLinear(rank, 1, rank, mask=torch.arange(rank).view(1, 1, rank), bias=False, **options)
    with torch.no_grad():
        layer.scale.fill_(-1.5)
    return layer


@pytest.mark.parametrize("rank", range(1, 7))
@pytest.mark.parametrize("normalised", [False, True])
def test_a_lut_gives_its_entry_and_its_gradients_are_the_differences_of_entries(rank: int, normalised: bool) -> None:
    layer = one_lut(rank, normalised=normalised)
    size = 1.5 * (1 if normalised else 2**rank)
    x = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=rank)), requires_grad=True)
    address = [sum(int(bit > 0) << slot for slot, bit in enumerate(row)) for row in x.tolist()]
    signs = layer.weight.detach()[0].sign()
    y = layer(x)
    assert torch.equal(y[:, 0], size * signs[address])
    grad = torch.randn(y.shape)
    dx, dw, dscale = torch.autograd.grad(y, (x, layer.weight, layer.scale), grad)
    for row, a in enumerate(address):
        for slot in range(rank):
            slope = size / 2 * (signs[a | 1 << slot] - signs[a & ~(1 << slot)])
            assert float(dx[row, slot]) == pytest.approx(float(grad[row] * slope), rel=1e-5, abs=1e-6)
    expected = torch.zeros(2**rank).index_add(0, torch.tensor(address), size * grad[:, 0])
    torch.testing.assert_close(dw[0], expected)
    torch.testing.assert_close(dscale, -(grad * y).sum() / 1.5)


@settings(max_examples=50, deadline=None)
@given(rank=st.integers(1, 6), seed=st.integers(0, 1 << 20), binary=st.booleans())
def test_zeros_that_are_exact_give_the_mean_of_what_they_leave_open(rank: int, seed: int, binary: bool) -> None:
    torch.manual_seed(seed)
    layer = one_lut(rank, zeros="exact", binary_weights=binary)
    entries = layer.weight.detach()[0].sign() if binary else layer.weight.detach()[0]
    x = torch.randint(-1, 2, (9, rank)).float()
    for row, y in zip(x, layer(x)[:, 0].detach(), strict=True):
        choices = [(-1, 1) if bit == 0 else (int(bit),) for bit in row.tolist()]
        open_ = [sum(int(b > 0) << slot for slot, b in enumerate(bits)) for bits in itertools.product(*choices)]
        assert float(y) == pytest.approx(1.5 * float(entries[open_].mean()), abs=1e-6)
    layer.zeros = "bit"
    assert torch.equal(layer(x), layer(torch.where(x > 0, 1.0, -1.0)))


def test_real_inputs_are_read_by_the_product_form_beyond_their_corners_too() -> None:
    layer = LUTLinear(3, 2, 3, binary_inputs=False, binary_weights=False, normalised=False, scale="channel")
    x = 2 * torch.randn(7, 3)
    tau = torch.tensor([[1.0 if a >> slot & 1 else -1.0 for a in range(8)] for slot in range(3)])
    entries = layer.weight.view(2, 3, 8)
    product = (1 + tau * x[:, layer.mask.long()].unsqueeze(-1)).prod(3)  # samples, outputs, LUTs, entries
    expected = (product * entries).sum((2, 3)) * layer.scale.abs() + layer.bias
    torch.testing.assert_close(layer(x), expected)


def loop(layer: Any, x: np.ndarray, image: tuple[int, ...], places: tuple[int, ...], geometry: Any) -> np.ndarray:
    """The outputs of a convolution by loops over samples, outputs, places, LUTs and their inputs."""
    window, stride, padding, dilation = geometry
    found = layer.sum_of_luts()
    y = np.zeros((len(x), layer.out_channels, *places))
    taps = list(itertools.product(*map(range, window)))
    for sample, output, *place in itertools.product(*map(range, y.shape)):
        ones = 0
        for inputs, table in zip(found.mask[output].tolist(), found.tables[output].tolist(), strict=True):
            address = 0
            for slot, number in enumerate(inputs):
                channel, tap = divmod(number, len(taps))
                pixel = tuple(
                    p * s - b + t * d for p, s, b, t, d in zip(place, stride, padding, taps[tap], dilation, strict=True)
                )
                inside = all(0 <= p < size for p, size in zip(pixel, image, strict=True))
                value = x[(sample, channel, *pixel)] if inside else layer.padding_value
                address |= int(value > 0) << slot
            ones += table[address]
        y[(sample, output, *place)] = found.scale[output] * (2 * ones - layer.luts) + found.bias[output]
    return y


@settings(max_examples=25, deadline=None)
@given(data=st.data(), seed=st.integers(0, 1 << 20))
def test_a_convolution_is_loops_over_places_and_luts(data: st.DataObject, seed: int) -> None:
    torch.manual_seed(seed)
    axes = data.draw(st.integers(1, 3))
    sizes = lambda low, high: tuple(data.draw(st.integers(low, high)) for _ in range(axes))  # noqa: E731
    window, stride, padding, dilation = sizes(1, 3), sizes(1, 2), sizes(0, 1), sizes(1, 2)
    image = tuple(d * (w - 1) + 1 + more for w, d, more in zip(window, dilation, sizes(0, 2), strict=True))
    groups = data.draw(st.integers(1, 2))
    combine = data.draw(st.sampled_from(["window", "channel"]))
    run = math.prod(window) * (1 if combine == "channel" else 2)
    layer = (LUTConv1d, LUTConv2d, LUTConv3d)[axes - 1](
        2 * groups, 2 * groups, window, min(run, data.draw(st.integers(1, 4))), stride=stride, padding=padding,
        dilation=dilation, groups=groups, combine=combine, shared=data.draw(st.booleans()),
        mask=data.draw(st.sampled_from(["expanded", "minimal"])), bias=data.draw(st.booleans()),
        padding_value=data.draw(st.sampled_from([-1, 1])),
        scale=data.draw(st.sampled_from(["layer", "channel", "none"])),
    )  # fmt: skip
    if layer.bias is not None:
        nn.init.normal_(layer.bias)
    x = torch.randn(2, 2 * groups, *image)
    y = layer(x)
    assert y.shape[1:] == layer.out_shape(image)
    expected = loop(layer, x.numpy(), image, tuple(y.shape[2:]), (window, stride, padding, dilation))
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-5, atol=1e-5)
    if len(layer.mask) == layer.outputs:
        owners = torch.arange(layer.outputs) // (layer.outputs // groups)
        assert bool((layer.mask // (2 * math.prod(window)) == owners.view(-1, 1, 1)).all())
    if combine == "channel" and layer.luts == 2 * math.prod(window):
        assert bool((layer.mask // math.prod(window) == layer.mask[..., :1] // math.prod(window)).all())


def test_masks_are_what_they_say() -> None:
    generator = torch.Generator().manual_seed(0)
    for fan_in, run, rank in ((9, 9, 8), (12, 4, 4), (1, 1, 1), (300, 300, 6)):
        found = expanded(MaskSizes(fan_in, rank, 5, run, True), generator)
        assert torch.equal(found[..., 0], torch.arange(fan_in).expand(5, -1))
        assert not repeats(found)
        assert torch.equal(found // run, found[..., :1].expand_as(found) // run)
    pairs = expanded(MaskSizes(5, 3, 4000, 5, True), generator)[:, 2, 1:].sort(-1).values
    counts = torch.unique(pairs, dim=0, return_counts=True)[1]
    assert len(counts) == 6
    assert int(counts.min()) > 4000 / 6 * 0.85
    assert repeats(expanded(MaskSizes(3, 6, 50, 3, False), generator))
    assert minimal(MaskSizes(5, 2, 1, 5, True)).tolist() == [[[0, 1], [2, 3], [4, 0]]]
    assert minimal(MaskSizes(7, 3, 1, 7, True)).tolist() == [[[0, 1, 2], [3, 4, 5], [6, 0, 1]]]
    assert minimal(MaskSizes(3, 6, 1, 3, False)).tolist() == [[[0, 1, 2, 0, 1, 2]]]


def test_masks_of_your_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def first(sizes: MaskSizes, _: Any) -> Any:
        return np.tile(np.arange(sizes.rank), (sizes.outputs, 2, 1))

    monkeypatch.setitem(MASKS, "first", first)
    for mask in ("first", first, np.tile(np.arange(3), (4, 2, 1)), [[0, 1, 2], [0, 1, 2]]):
        layer = LUTLinear(6, 4, 3, mask=mask)
        assert torch.equal(layer.mask[0], torch.tensor([[0, 1, 2], [0, 1, 2]], dtype=torch.int32))
        assert layer.weight.shape == (8, 8)
    assert LUTLinear(6, 4, 3, shared=True).mask.shape == (1, 6, 3)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: LUTLinear(3, 2, 4), r"distinct inputs of 3 that it may combine; take a smaller rank"),
        (lambda: LUTLinear(3, 2, 4, mask="minimal"), "distinct inputs of 3; take a smaller rank"),
        (lambda: LUTLinear(1, 2, 2, distinct=False), "1 that it may combine"),
        (lambda: LUTLinear(20, 2, 9), "rank is 9; expected the inputs of a LUT, an integer from 1 to 8"),
        (lambda: LUTLinear(4, 2, 2, mask=[[0, 0]]), "reads an input twice; give distinct inputs"),
        (lambda: LUTLinear(4, 2, 2, mask=[[0, 4]]), r"mask ranges over 0\.\.4; expected 0\.\.3"),
        (lambda: LUTLinear(4, 2, 2, mask=np.zeros((3, 1, 2), int)), r"shape \(3, 1, 2\); expected \(2, LUTs, 2\)"),
        (lambda: LUTConv2d(1, 2, 1, 2), "distinct inputs of 1 that it may combine"),
        (lambda: LUTConv2d(3, 2, 3, groups=2), "in_channels is 3; expected a multiple of groups, 2"),
        (lambda: LUTConv2d(3, 2, 3, padding_value=0.5), r"padding_value is 0\.5; expected -1, 1 or 0"),
        (lambda: LUTConv2d(3, 2, 3)(torch.zeros(1, 3, 2, 5)), "smaller than the window"),
        (lambda: LUTConv2d(3, 2, 3)(torch.zeros(1, 2, 5, 5)), "expected "),
        (lambda: LUTLinear(4, 2, 2)(torch.zeros(3, 5)), r"expected \(\.\.\., 4\)"),
        (lambda: LUTLinear(4, 2, 2, binary_inputs=False).sum_of_luts(), "LUTs read and give bits"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_clear_error(make: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make()
    with pytest.raises(TypeError, match="expected integers"):
        LUTLinear(4, 2, 2, mask=[[0.0, 1.0]])


def test_layers_are_plain_modules() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        LUTConv2d(2, 3, 3, 3, padding=1), nn.Flatten(), nn.BatchNorm1d(48), LUTLinear(48, 4, 2, binary_outputs=True)
    ).eval()
    x = torch.randn(5, 2, 4, 4)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    assert torch.equal(compiled(x), model(x))
    assert model(x).unique().tolist() == [-1, 1]
    for kind in (torch.bfloat16, torch.float16):
        with torch.autocast("cpu", dtype=kind):
            assert torch.equal(model(x), model(x.to(kind)))
    assert LUTLinear(4, 4, 2)(x.double()).dtype == torch.float64
    assert model(x[:0]).shape == (0, 4)
    assert LUTLinear(48, 4, 2)(torch.ones(2, 3, 48, dtype=torch.uint8)).shape == (2, 3, 4)
    compiled(x).sum().backward()
    assert float(model[0].weight.grad.abs().sum()) > 0


@pytest.mark.slow
def test_layers_come_back_in_another_process(tmp_path: Path) -> None:
    code = """
import sys, torch
from torch import nn
from lutsmith.deeplut import Linear
from lutsmith.nn.neurons import LUTConv2d, LUTLinear
torch.manual_seed(int(sys.argv[1]))
model = nn.Sequential(LUTConv2d(2, 3, 3, 4, groups=1), nn.Flatten(), LUTLinear(12, 9, 3), Linear(9, 4, 3, 1))
if sys.argv[1] == "7":
    model.load_state_dict(torch.load(sys.argv[2] + "/state.pt", weights_only=True))
else:
    torch.save(model.state_dict(), sys.argv[2] + "/state.pt")
x = torch.randn(50, 2, 4, 4, generator=torch.Generator().manual_seed(0))
torch.save(model(x).detach(), f"{sys.argv[2]}/{sys.argv[1]}.pt")
"""
    for seed in "17":
        subprocess.run([sys.executable, "-c", code, seed, str(tmp_path)], check=True)
    assert torch.equal(*(torch.load(tmp_path / f"{seed}.pt", weights_only=True) for seed in "17"))


def test_a_gradient_brings_entries_back_that_left_minus_one_to_one() -> None:
    layer = one_lut(1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[-3.0, 3.0]]))
    x = torch.tensor([[-1.0], [1.0]])
    (away,) = torch.autograd.grad(layer(x), layer.weight, torch.tensor([[1.0], [-1.0]]))
    (back,) = torch.autograd.grad(layer(x), layer.weight, torch.tensor([[-1.0], [1.0]]))
    assert away.tolist() == [[0, 0]]
    assert back.tolist() == [[-1.5, 1.5]]


@pytest.mark.parametrize("targets", ["classes", "bits"])
def test_a_layer_memorises_what_its_luts_can_tell(targets: str) -> None:
    torch.manual_seed(0)
    x = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=4))).repeat(9, 1)
    labels = torch.randint(0, 3, (16,)).repeat(9)
    layer = LUTLinear(4, 3, 4, mask="minimal", bias=False)
    y = labels if targets == "classes" else labels[:, None] == torch.arange(3)
    memorise_sums(layer, x, y)
    assert torch.equal(layer(x).argmax(1), labels)
    assert torch.equal(layer.weight.abs(), torch.full_like(layer.weight, 0.25))


def test_memorising_goes_through_a_network_layer_by_layer() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(700, 1, 5, 5, generator=generator).sign()
    y = (x[:, 0, 1:4, 1:4].sum((1, 2)) > 0).long()

    def made() -> nn.Sequential:
        torch.manual_seed(1)
        return nn.Sequential(LUTConv2d(1, 8, 3, 6), nn.BatchNorm2d(8), nn.Flatten(), LUTLinear(72, 2, 6))

    model, again = made(), made()
    memorise_sums(model, x, y)
    memorise_sums(again, x, y)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert model.training
    assert float((model.eval()(x).argmax(1) == y).float().mean()) > 0.9
    with pytest.raises(ValueError, match="the last layer has 2 outputs; expected a multiple of 3"):
        memorise_sums(made(), x, y + 1)
    for labels in (y - 1, torch.full_like(y, -1)):
        with pytest.raises(ValueError, match="y has the class -1"):
            memorise_sums(made(), x, labels)
    with pytest.raises(TypeError, match="y is float32; expected class numbers"):
        memorise_sums(made(), x, y.float())
    with pytest.raises(ValueError, match="x has no samples"):
        memorise_sums(made(), x[:0], y[:0])
    with pytest.raises(ValueError, match="calls no layer"):
        memorise_sums(nn.Flatten(), x, y)


def test_what_lowering_reads_is_what_the_layer_gives() -> None:
    layer = LUTLinear(10, 4, 3, shared=True, scale="channel")
    nn.init.normal_(layer.bias)
    nn.init.normal_(layer.scale)
    assert isinstance(layer, LUTSum)
    found, x = layer.sum_of_luts(), torch.randn(30, 10)
    address = ((x > 0)[:, found.mask] * (1 << torch.arange(3))).sum(-1)  # samples, outputs, LUTs
    tables: Tensor = found.tables.expand(30, -1, -1, -1)
    ones = tables.gather(3, address.unsqueeze(-1)).squeeze(-1).sum(-1)
    torch.testing.assert_close(layer(x), found.scale * (2 * ones - layer.luts) + found.bias)
    assert torch.equal(layer.tables(), layer.weight > 0)
