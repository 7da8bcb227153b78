"""Binary layers: torch's own of the same signs, their latent weights under any optimizer, compiled and saved."""

from __future__ import annotations

import copy
import io
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import parametrize

from lutsmith.nn.neurons import (
    Add,
    BinarizeSign,
    BinaryConv1d,
    BinaryConv2d,
    BinaryConv3d,
    BinaryLinear,
    BitsToSigns,
    Clamped,
    ResidualSign,
)
from lutsmith.nn.neurons.binary import PADDINGS, BinaryLayer
from lutsmith.training.optimization.bop import Bop

CONVS: list[tuple[type[Any], type[Any]]] = [
    (BinaryConv1d, nn.Conv1d), (BinaryConv2d, nn.Conv2d), (BinaryConv3d, nn.Conv3d)
]  # fmt: skip


def filled(layer: BinaryLayer, generator: torch.Generator) -> BinaryLayer:
    """The layer with random weights, some of them pruned, and a scale and a bias that are not neutral."""
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
        layer.kept.copy_(torch.rand(layer.kept.shape, generator=generator) < 0.8)
    return layer


def expected(layer: BinaryLayer) -> tuple[Tensor, Tensor]:
    """Weight and bias that a plain layer of torch has to have, in the plainest words."""
    signs = torch.tensor([1.0 if w >= 0 else -1.0 for w in layer.weight.flatten().tolist()]).view_as(layer.weight)
    size = torch.ones(layer.outputs) if layer.scale is None else layer.scale.abs().expand(layer.outputs)
    bias = torch.zeros(layer.outputs) if layer.bias is None else layer.bias
    return signs * layer.kept * size.view(-1, *[1] * (signs.ndim - 1)), bias


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2),
    st.sampled_from([1, 2]), st.sampled_from(PADDINGS), st.booleans(), st.sampled_from(["layer", "channel", "none"]),
    st.integers(0, 99),
)  # fmt: skip
def test_a_binary_convolution_is_torchs_of_the_signs(
    kind: int, window: int, stride: int, padding: int, dilation: int, groups: int, mode: str, bias: bool, scale: str,
    seed: int,
) -> None:  # fmt: skip
    ours, theirs = CONVS[kind]
    generator = torch.Generator().manual_seed(seed)
    layer = filled(ours(4, 6, window, stride, padding, dilation, groups, bias, mode, scale=scale), generator)
    x = torch.randn(3, 4, *[7, 6, 5][: kind + 1], generator=generator)
    signs = mode in ("+1", "-1")
    plain = theirs(4, 6, window, stride, padding, dilation, groups, padding_mode="zeros" if signs else mode)
    y = x
    if signs:  # one pixel after the other is set around the image
        y = torch.full((3, 4, *[size + 2 * padding for size in x.shape[2:]]), float(mode))
        y[(..., *[slice(padding, padding + size) for size in x.shape[2:]])] = x
        plain.padding = (0,) * (kind + 1)
    weight, offset = expected(layer)
    with torch.no_grad():
        plain.weight.copy_(weight)
        plain.bias.copy_(offset)
    torch.testing.assert_close(layer(x), plain(y), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("scale", ["layer", "channel", "none"])
def test_a_binary_linear_layer_is_torchs_of_the_signs_of_any_leading_sizes(scale: str) -> None:
    generator = torch.Generator().manual_seed(0)
    layer = filled(BinaryLinear(9, 5, scale=scale), generator)
    weight, bias = expected(layer)
    for shape in [(9,), (4, 9), (2, 3, 9), (0, 9)]:
        x = torch.randn(shape, generator=generator)
        torch.testing.assert_close(layer(x), nn.functional.linear(x, weight, bias))
    layer.binary = False
    full = layer.weight.clamp(-1, 1) * layer.kept * (1 if layer.scale is None else layer.scale.abs().view(-1, 1))
    torch.testing.assert_close(layer(x), nn.functional.linear(x, full, bias))


def test_seeds_dtypes_and_devices_are_honoured_and_forward_edits_nothing() -> None:
    def made(**more: Any) -> BinaryConv2d:
        return BinaryConv2d(4, 6, 3, groups=2, generator=torch.Generator().manual_seed(3), **more)

    layer, again = made(dtype=torch.float64), made(dtype=torch.float64)
    assert {tensor.dtype for tensor in layer.parameters()} == {torch.float64}
    assert torch.equal(layer.weight, again.weight)
    torch.manual_seed(5)
    first = BinaryLinear(3, 4).weight
    torch.manual_seed(5)
    assert torch.equal(first, BinaryLinear(3, 4).weight)
    assert {tensor.device.type for tensor in made(device="meta").state_dict().values()} == {"meta"}
    layer.weight.data.mul_(9)
    before = copy.deepcopy(layer.state_dict())
    for training in (True, False):
        layer.train(training)(torch.randn(2, 4, 5, 5, dtype=torch.float64)).sum().backward()
    assert all(torch.equal(before[name], tensor) for name, tensor in layer.state_dict().items())


def test_sums_of_signs_are_exact_where_torchs_of_scaled_weights_round() -> None:
    layer = BinaryLinear(999, 50, bias=False).eval()
    layer.scale.data.fill_(0.1)
    x = torch.where(torch.randn(64, 999) > 0, 1.0, -1.0)
    integers = (x.long() @ layer.used_weight().long().t()).float()
    assert torch.equal(layer(x), integers * torch.tensor(0.1))
    with torch.autocast("cpu", dtype=torch.bfloat16):  # training may round; in eval mode a layer is the hardware
        assert torch.equal(layer(x), integers * torch.tensor(0.1))
        assert layer.train()(x).dtype == torch.bfloat16


OPTIMIZERS: dict[str, Any] = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.3, momentum=0.9),
    "adamw": lambda weights: torch.optim.AdamW(weights, lr=0.05),
    "rmsprop": lambda weights: torch.optim.RMSprop(weights, lr=0.05),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_latent_weights_stay_and_come_back_with_any_optimizer_and_schedule(name: str) -> None:
    """Weights are driven beyond 1 for long, and then called back: a clamped STE alone would lose them for good."""
    layer = BinaryLinear(6, 3, bias=False, scale="none", generator=torch.Generator().manual_seed(0))
    optimizer = OPTIMIZERS[name](layer.parameters())
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.995)
    x, target = torch.eye(6), torch.ones(6, 3)
    for step in range(240):
        optimizer.zero_grad()
        layer.binary = step % 2 == 0
        loss = ((layer(x) - 3 * (target if step < 120 else -target)) ** 2).mean()
        loss.backward()
        optimizer.step()
        schedule.step()
        layer.binary = False
        assert layer.used_weight().abs().max() <= 1
        if step == 119:
            assert (layer.weight > 0.9).all()
            assert (layer.weight < 6).all()  # as far as momentum carried them
    assert (layer.weight < 0).all()
    saved = io.BytesIO()
    torch.save({"layer": layer.state_dict(), "optimizer": optimizer.state_dict()}, saved)
    saved.seek(0)
    fresh = BinaryLinear(6, 3, bias=False, scale="none")
    fresh.load_state_dict(torch.load(saved)["layer"])
    assert torch.equal(fresh.used_weight(), torch.where(layer.weight >= 0, 1.0, -1.0))


def test_clamped_is_a_parametrization_of_torch() -> None:
    layer = nn.Linear(2, 1, bias=False)
    layer.weight.data = torch.tensor([[3.0, 0.5]])
    parametrize.register_parametrization(layer, "weight", Clamped())
    assert layer.weight.tolist() == [[1.0, 0.5]]
    layer.parametrizations.weight.original.data[0, 0] = 3.0  # type: ignore[union-attr, index]
    for wanted, gradient in ((-1.0, [[0.0, -1.0]]), (1.0, [[1.0, 1.0]])):
        layer.zero_grad()
        (wanted * layer(torch.ones(1, 2))).sum().backward()
        assert layer.parametrizations.weight.original.grad.tolist() == gradient  # type: ignore[union-attr]


def test_bop_flips_where_the_average_of_gradients_says_so() -> None:
    weight = nn.Parameter(torch.tensor([0.3, -0.2, 0.0, -3.0, 1.0]))
    gradients = torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    bop = Bop([{"params": [weight], "threshold": 0.05}], lr=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(bop, lambda step: 0.97**step)
    average, signs, flips = [0.0] * 5, [1, -1, 1, -1, 1], 0
    for step, gradient in enumerate(gradients):
        weight.grad = gradient.clone()
        bop.step()
        schedule.step()
        for i in range(5):
            rate = 0.1 * 0.97**step
            average[i] = (1 - rate) * average[i] + rate * float(gradient[i])
            if abs(average[i]) > 0.05 and (average[i] > 0) == (signs[i] > 0):
                signs[i], flips = -signs[i], flips + 1
        assert weight.tolist() == signs
    assert flips > 5
    again = Bop([weight], lr=0.1)
    again.load_state_dict(bop.state_dict())
    assert torch.equal(again.state[weight]["average"], bop.state[weight]["average"])
    with pytest.raises(ValueError, match="lr is 2"):
        Bop([weight], lr=2)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.booleans(), st.sampled_from(["sum", "joined", "stacked"]), st.integers(0, 99))
def test_residual_signs_are_rebnets(levels: int, per_channel: bool, output: str, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    module = ResidualSign(levels, 3 if per_channel else None, output=output)
    with torch.no_grad():
        module.scales.mul_(0.3 + torch.rand(module.scales.shape, generator=generator))
        module.scales[0] *= -1
    x = torch.randn(5, 3, 4, generator=generator)
    x[0, 0, 0] = 0
    rows = []
    for channel in range(3):
        steps = [
            max(1, round(abs(s) * 256)) / 256
            for s in (module.scales[:, channel] if per_channel else module.scales).tolist()
        ]
        rest, found = x[:, channel].clone(), []
        for step in steps:
            found.append(torch.tensor([step if r >= 0 else -step for r in rest.flatten().tolist()]).view_as(rest))
            rest = rest - found[-1]
        rows.append(torch.stack(found))
    stack = torch.stack(rows, dim=2)  # (levels, N, channels, ...)
    whole = {"sum": stack.sum(0), "joined": torch.cat(list(stack), dim=1), "stacked": stack}[output]
    assert torch.equal(module(x), whole)
    module.set_means(x)
    rest, means = x.clamp(-1, 1), []
    for _ in range(levels):
        means.append(rest.abs().mean((0, 2) if per_channel else None))
        rest = rest - (means[-1].view(-1, 1) if per_channel else means[-1]) * torch.where(rest >= 0, 1.0, -1.0)
    wanted = torch.stack(means)
    torch.testing.assert_close(module.scales.detach(), wanted / wanted.sum(0))
    torch.testing.assert_close(module.scales.detach().sum(0), torch.ones_like(wanted[0]))


def test_two_levels_give_four_numbers_and_start_as_rebnets() -> None:
    module = ResidualSign(2, scale_bits=None)
    assert module.scales.tolist() == pytest.approx([2 / 3, 1 / 3])
    one, two = module.scales.tolist()
    found = set(module(torch.linspace(-2, 2, 99)).tolist())
    assert sorted(found) == pytest.approx(sorted([-one - two, -one + two, one - two, one + two]))


def test_signs_pass_gradients_and_none_that_are_spurious() -> None:
    x = torch.tensor([-2.0, -1.0, 0.0, 0.3, 1.0, 1.5, float("nan")], requires_grad=True)
    for name, kept in (("clipped", [0, 1, 1, 1, 1, 0, 0]), ("identity", [1] * 7)):
        y = BinarizeSign(name)(x)
        assert y.tolist() == [-1, -1, 1, 1, 1, 1, -1]
        (gradient,) = torch.autograd.grad(y.sum(), x)
        assert gradient.tolist() == kept
    assert BinarizeSign()(torch.tensor([0, -3])).tolist() == [1, -1]
    assert BitsToSigns()(torch.tensor([False, True])).tolist() == [-1, 1]
    # Of levels that are +-1, no result depends on the last scale: it gets no gradient. Those before it steer the rest.
    module = ResidualSign(2, output="joined", scaled=False)
    module(torch.randn(8, 3)).sum().backward()
    assert module.scales.grad is not None
    assert module.scales.grad[1] == 0
    assert module.scales.grad[0] != 0


def test_models_compile_without_breaks_and_train_under_autocast() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        BinaryConv2d(2, 4, 3, padding=1, padding_mode="-1"), nn.BatchNorm2d(4), ResidualSign(2), nn.MaxPool2d(2),
        Add(nn.Identity(), nn.Sequential(BinaryConv2d(4, 4, 1, bias=False), BinarizeSign())), nn.Flatten(),
        BinaryLinear(16, 5), nn.BatchNorm1d(5), BinarizeSign(), BinaryLinear(5, 3),
    )  # fmt: skip
    x = torch.randn(16, 2, 4, 4)
    y = torch.arange(16) % 3
    twin = copy.deepcopy(model)
    compiled = torch.compile(twin, fullgraph=True, backend="eager")
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for step in range(30):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=step % 2 == 0):
            if step == 1:
                twin.load_state_dict(model.state_dict())
                assert torch.equal(compiled(x), model(x))
            loss = nn.functional.cross_entropy(model(x).float(), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-6:]) < sum(losses[:6])


MISTAKES: list[tuple[Any, type[Exception], str]] = [
    (lambda: BinaryLinear(0, 3), ValueError, "in_features is 0"),
    (lambda: BinaryLinear(3, 2.5), TypeError, "out_features is 2.5"),  # type: ignore[arg-type]
    (lambda: BinaryLinear(3, 3, scale="row"), ValueError, "scale is 'row'"),
    (lambda: BinaryConv2d(3, 4, 3, groups=2), ValueError, "in_channels is 3"),
    (lambda: BinaryConv2d(4, 4, 3, padding_mode="ones"), ValueError, "padding_mode is 'ones'"),
    (lambda: BinaryConv2d(4, 4, 3)(torch.zeros(1, 4, 2, 5)), ValueError, "smaller than"),
    (lambda: BinaryConv2d(4, 4, 3)(torch.zeros(1, 3, 5, 5)), ValueError, r"expected \(N, 4, size, size\)"),
    (lambda: BinaryLinear(4, 3)(torch.zeros(2, 5)), ValueError, r"shape \(2, 5\); expected \(\.\.\., 4\)"),
    (lambda: BinarizeSign("soft"), ValueError, "straight_through is 'soft'"),
    (lambda: ResidualSign(9), ValueError, "levels is 9"),
    (lambda: ResidualSign(2, scaled=False), ValueError, "expected 'joined'"),
    (lambda: ResidualSign(2, 3)(torch.zeros(4, 2)), ValueError, r"expected \(N, 3, ...\)"),
    (lambda: ResidualSign(2).set_means(torch.zeros(3)), ValueError, "all 0"),
    (lambda: Add(), ValueError, "no branches"),
    (lambda: Add(nn.Identity(), nn.Flatten())(torch.zeros(1, 2, 2)), ValueError, "expected one shape"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "error", "message"), MISTAKES)
def test_mistakes_are_told(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
