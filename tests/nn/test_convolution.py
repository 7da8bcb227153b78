"""Convolutional layers: a dense layer over windows at every place, in training, in eval mode and as a circuit."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lutsmith.circuit.sliding import PADDINGS
from lutsmith.kernels import threads
from lutsmith.kernels.training import arguments
from lutsmith.nn import (
    GroupSum,
    LogicConv1d,
    LogicConv2d,
    LogicConv3d,
    LogicConvTranspose1d,
    LogicConvTranspose2d,
    LogicConvTranspose3d,
    LogicDense,
    OrPool2d,
    PooledConv,
    Thermometer,
    prove_lowering,
    to_circuit,
)
from lutsmith.nn.connections import at_places, list_connections, setup_connections
from lutsmith.nn.convolution import LogicConv
from lutsmith.nn.parametrizations import list_parametrizations, setup_parametrization
from tests.circuit.test_sliding import one_by_one

LAYERS = {1: LogicConv1d, 2: LogicConv2d, 3: LogicConv3d}
TRANSPOSED = {1: LogicConvTranspose1d, 2: LogicConvTranspose2d, 3: LogicConvTranspose3d}
KINDS: dict[str, dict[str, Any]] = {
    "fixed": {},
    "learnable": {"connections": "learnable", "num_candidates": 3},
    "learnable, dwn's rule": {"connections": "learnable", "num_candidates": 3, "connection_rule": "dwn"},
    "learnable, soft": {"connections": "learnable", "num_candidates": 3, "connection_sampling": "soft"},
    "learnable, gumbel": {"connections": "learnable", "num_candidates": 3, "connection_sampling": "gumbel"},
    "top-k": {"connections": "top-k", "num_candidates": 3},
    "dense": {"connections": "dense"},
    "dense, softmax": {"connections": "dense", "connection_rule": "softmax", "connection_temperature": 1.0},
}
FORMS = [(name, form) for name in list_parametrizations() for form in type(setup_parametrization(name, 2)).forms]


def make(axes: int, *arguments: Any, seed: int = 0, **options: Any) -> LogicConv:
    generator = torch.Generator().manual_seed(seed)
    layer = LAYERS[axes](*arguments, weight_init="random", generator=generator, **options)
    if options.get("parametrization") == "fourier":  # within [0, 1]: beyond, the sign of the whole gradient matters
        layer.weight.data *= 0.2
    return layer


class Naive(nn.Module):
    """The same parameters as dense layers over windows that are gathered pixel by pixel."""

    def __init__(self, layer: LogicConv) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        layer, image = self.layer, tuple(x.shape[2:])
        pixels = one_by_one(layer.sliding, image)
        places = len(pixels[0])
        flat = x.flatten(2)
        columns = []
        for place in range(places):
            window = [
                flat[:, :, row[place]] if row[place] >= 0 else torch.full_like(flat[:, :, 0], -1.0 - row[place])
                for row in pixels
            ]
            columns.append(torch.stack(window, dim=2).flatten(1))  # (N, channels taps)
        rows = torch.stack(columns).flatten(0, 1).t()  # (channels taps, places N)
        widths = [layer.connections.out_dim, *layer._widths()]
        for level, weight in enumerate(layer.weight.split(widths)):
            if level:
                below = torch.arange(len(weight) * layer.lut_rank, dtype=torch.int32).view(len(weight), -1)
                reads: Any = arguments_of(below)
            elif self.training:
                rows, reads = layer.connections.route(rows)
            else:
                reads = layer.connections.reads()
            if self.training:
                rows = layer.parametrization.evaluate(rows, weight, reads)
            else:
                bits, inputs = (rows > 0.5).long(), reads.inputs.long()
                address = (bits[inputs] << torch.arange(layer.lut_rank).view(1, -1, 1)).sum(1)
                rows = layer.parametrization.hard_tables(weight).to(rows.dtype).gather(1, address)
        return rows.view(-1, places, len(x)).permute(2, 0, 1).reshape(len(x), *layer.out_shape(image))


def arguments_of(inputs: Tensor) -> Any:
    return setup_connections("fixed", int(inputs.max()) + 1, *inputs.shape, indices=inputs).reads()


def gradients(model: nn.Module, x: Tensor, grad: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    x = x.clone().requires_grad_()
    torch.manual_seed(5)
    y = model(x)
    leaves = {"x": x} | {name: leaf for name, leaf in model.named_parameters() if leaf.requires_grad}
    found = torch.autograd.grad(y, list(leaves.values()), grad, materialize_grads=True)
    return y.detach(), dict(zip(leaves, found, strict=True))


def near(got: Tensor, expected: Tensor) -> None:
    scale = max(1.0, float(expected.abs().max()))
    tolerance = 1e-9 if got.dtype == torch.float64 else 2e-5
    torch.testing.assert_close(got.double(), expected.double(), rtol=0, atol=tolerance * scale)


def check(layer: LogicConv, image: tuple[int, ...], samples: int = 3, dtype: torch.dtype = torch.float64) -> None:
    """The layer is its naive form: outputs, all gradients, bits in eval mode, and the circuit."""
    layer = layer.to(dtype)
    x = torch.rand(samples, layer.channels, *image, dtype=dtype)
    grad = torch.randn(samples, *layer.out_shape(image), dtype=dtype)
    y, found = gradients(layer.train(), x, grad)
    expected_y, expected = gradients(Naive(layer).train(), x, grad)
    assert y.shape == grad.shape
    near(y, expected_y)
    for name, gradient in found.items():
        near(gradient, expected[name if name == "x" else f"layer.{name}"])
    y = layer.eval()(x).detach()
    assert torch.equal(y, Naive(layer).eval()(x).detach())
    model = nn.Sequential(layer)
    circuit = to_circuit(model, (layer.channels, *image))
    np.testing.assert_array_equal(circuit.evaluate(x.numpy()), y.flatten(1).numpy() > 0.5)
    assert prove_lowering(model, circuit).ok


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[LogicConv, tuple[int, ...]]:
    axes = draw(st.integers(1, 3))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    window, dilation, padding = each(1, 3), each(1, 2), each(0, 2)
    spans = [step * (taps - 1) + 1 for taps, step in zip(window, dilation, strict=True)]
    least = [max(1, span - 2 * around) for span, around in zip(spans, padding, strict=True)]
    image = tuple(draw(st.integers(low, low + 3)) for low in least)
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    channels, kernels = groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 3))
    size = draw(st.sampled_from([None, 1, -1]))
    few = channels // groups if size == -1 else min(size or 2, channels // groups)
    rank = draw(st.integers(1, min(8, few * int(np.prod(window)))))
    depth = draw(st.integers(1, 3 if rank <= 2 else 2 if rank <= 4 else 1))
    kind = draw(st.sampled_from(["fixed", "learnable"])) if few * np.prod(window) >= 3 else "fixed"
    layer = make(
        axes, draw(st.sampled_from([None, image])), channels, kernels, depth, window, each(1, 3), padding,
        dilation=dilation, groups=groups, padding_mode=draw(st.sampled_from(PADDINGS)), lut_rank=rank,
        channel_group_size=size, channel_groups=draw(st.sampled_from(["balanced", "sliding"])),
        seed=draw(st.integers(0, 99)), **KINDS[kind],
    )  # fmt: skip
    return layer, image


@settings(max_examples=30, deadline=None)
@given(convolutions())
def test_every_geometry_is_a_dense_layer_at_every_place(problem: tuple[LogicConv, tuple[int, ...]]) -> None:
    check(*problem, dtype=torch.float32)  # whose kernels other tests compile too, at all ranks


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "form"), FORMS)
def test_every_parametrization_and_kind_of_connections(
    name: str, form: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_places, "WINDOWS", 1000)  # windows of a few places at a time
    options = {"parametrization": name, "form": form, "lut_rank": 2, "tree_depth": 2, **KINDS[kind]}
    check(make(2, None, 4, 3, padding=1, padding_mode="ones", **options), (5, 4), samples=2)


@pytest.mark.parametrize("sampling", ["hard", "gumbel_soft", "gumbel_hard"])
def test_noise_in_tables_is_the_same_at_all_places(sampling: str) -> None:
    layer = make(2, None, 3, 4, padding=1, lut_rank=3, forward_sampling=sampling)
    check(layer, (4, 4))
    flat = torch.full((2, 3, 6, 6), 0.5)
    inner = layer.float().train()(flat)[:, :, 1:-1, 1:-1].flatten(2)
    assert (inner == inner[:, :, :1]).all()


@pytest.mark.parametrize("sampling", ["soft", "gumbel_hard"])
def test_what_is_computed_anew_is_the_same(sampling: str) -> None:
    x, found = torch.rand(6, 4, 6, 6), []
    for recompute in (False, True):
        conv = make(
            2, None, 4, 3, 3, padding=1, lut_rank=2, forward_sampling=sampling, recompute=recompute,
            connections="learnable", num_candidates=4, connection_sampling="gumbel",
        )  # fmt: skip
        for model in (conv, PooledConv(conv, OrPool2d(2))):
            shape = (6, 3, 6, 6) if model is conv else (6, 3, 3, 3)
            y, leaves = gradients(model.train(), x, torch.arange(6.0).view(6, 1, 1, 1).expand(shape))
            found.append([y, *leaves.values()])
    for plain, anew in zip(found[:2], found[2:], strict=True):
        assert all(torch.equal(one, two) for one, two in zip(plain, anew, strict=True))


@pytest.mark.parametrize("kind", [kind for kind in list_connections() if kind != "fixed"])
def test_frozen_connections_stay(kind: str) -> None:
    layer = make(1, None, 3, 4, lut_rank=2, connections=kind)
    layer.freeze()
    check(layer, (7,))


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_transposed_kernels_make_images_larger(data: st.DataObject) -> None:
    axes = data.draw(st.integers(1, 3))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(data.draw(st.integers(low, high)) for _ in range(axes))

    stride, window, dilation = each(1, 3), each(1, 3), each(1, 2)
    more = tuple(data.draw(st.integers(0, step - 1)) for step in stride)
    generator = torch.Generator().manual_seed(1)
    layer = TRANSPOSED[axes](
        None, 3, 2, data.draw(st.integers(1, 2)), window, stride, lut_rank=2, dilation=dilation, output_padding=more,
        weight_init="random", generator=generator,
    )  # fmt: skip
    image = each(1, 3)
    torchs = getattr(nn, f"ConvTranspose{axes}d")(3, 2, window, stride, 0, more, dilation=dilation)
    assert layer.out_shape(image) == torchs(torch.rand(1, 3, *image)).shape[1:]
    check(layer, image)


def test_depthwise_kernels_read_a_channel_each() -> None:
    layer = make(2, None, 4, 8, padding=1, groups=4, lut_rank=3)
    assert (layer.connections.inputs() // 9).tolist() == [[kernel // 2] * 3 for kernel in range(8)]
    check(layer, (4, 4))


def test_gradients_are_finite_differences() -> None:
    layer = make(2, None, 2, 3, 2, (2, 3), (1, 2), 1, lut_rank=2, padding_mode="edge").double()
    x = torch.rand(2, 2, 3, 4, dtype=torch.float64, requires_grad=True)

    def through(x: Tensor, weight: Tensor) -> Tensor:
        return torch.func.functional_call(layer, {"weight": weight}, (x,))

    assert torch.autograd.gradcheck(through, (x, layer.weight))


def test_the_same_bits_on_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arguments, "SMALL", 0)
    layer = make(2, None, 4, 6, padding=1, lut_rank=4, connections="learnable", num_candidates=4)
    x, found = torch.rand(40, 4, 7, 7), []
    try:
        for count in (1, 2):
            threads.set_num_threads(min(count, threads.config.NUMBA_NUM_THREADS))
            found.append(gradients(layer, x, torch.ones(40, 6, 7, 7))[1])
    finally:
        threads.set_num_threads(None)
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_what_is_between_layers_is_neither_copied_nor_moved() -> None:
    first, second = make(2, None, 2, 4, padding=1, lut_rank=2), make(2, None, 4, 3, lut_rank=2)
    y = first(torch.rand(10, 2, 6, 6))
    assert y.permute(1, 2, 3, 0).is_contiguous()
    assert y.flatten(1).t().is_contiguous()
    assert y.flatten(1).data_ptr() == y.data_ptr()
    z = second(y)
    assert z.shape == (10, 3, 4, 4)
    assert first(torch.rand(2, 6, 6)).shape == (4, 6, 6)
    assert first(torch.rand(3, 5, 2, 6, 6)).shape == (3, 5, 4, 6, 6)
    assert first(torch.rand(0, 2, 6, 6)).shape == (0, 4, 6, 6)


def test_a_state_fits_images_of_any_size_and_pickles_are_whole() -> None:
    layer = make(2, None, 3, 5, 2, lut_rank=2, connections="learnable", num_candidates=4)
    other = make(2, (9, 9), 3, 5, 2, lut_rank=2, connections="learnable", num_candidates=4, seed=1)
    other.load_state_dict(layer.state_dict())
    x = torch.rand(2, 3, 9, 9)
    assert torch.equal(layer(x), other(x))
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(layer(x), twin(x))
        assert torch.equal(layer(x[..., :5, :4]), twin(x[..., :5, :4]))
    assert sum(value.numel() for value in layer.state_dict().values()) < 500


@pytest.mark.slow
@pytest.mark.parametrize("train", [True, False])
def test_compilers_take_whole_networks(train: bool) -> None:
    model = nn.Sequential(
        PooledConv(make(2, 8, 3, 4, padding=1, lut_rank=4, padding_mode="edge"), OrPool2d(3, 2, 1)),
        make(2, None, 4, 6, 2, padding=1, lut_rank=2, connections="learnable", num_candidates=4),
        LogicConvTranspose2d(None, 6, 3, 1, 2, 2, lut_rank=2),
        nn.Flatten(),
        GroupSum(2),
    ).train(train)
    x = torch.rand(5, 3, 8, 8)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x), model(x))
    if train:
        compiled(x).sum().backward()
        assert all(parameter.grad is not None for parameter in model.parameters())
        return
    exported = torch.export.export(model, (x,)).module()
    assert torch.equal(exported(x), model(x))
    assert copy.deepcopy(model).to("meta")(x.to("meta")).shape == (5, 2)


def test_a_network_of_kernels_is_its_circuit() -> None:
    torch.manual_seed(0)
    x = torch.rand(60, 2, 8, 8)
    encoder = Thermometer(2).fit(x)
    first = LogicConv2d(8, 4, 6, 1, 3, 1, 1, lut_rank=4, usable=encoder.usable)
    model = nn.Sequential(
        encoder, first, LogicConv2d(8, 6, 8, 1, 3, 2, lut_rank=4), nn.Flatten(),
        LogicDense(8 * 9, 40, 4), GroupSum(4),
    )  # fmt: skip
    loss = nn.functional.cross_entropy(model.train()(x), torch.arange(60) % 4)
    loss.backward()
    model.eval()
    circuit = to_circuit(model, (2, 8, 8))
    np.testing.assert_array_equal(circuit.predict(x.numpy()), model(x).argmax(1).numpy())
    assert prove_lowering(model, circuit).ok


@pytest.mark.parametrize("fault", ["table", "wire", "padding", "stride", "level"])
def test_a_circuit_of_another_kernel_is_not_proved(fault: str) -> None:
    def model(wrong: bool) -> nn.Sequential:
        more = {"padding_mode": "ones"} if wrong and fault == "padding" else {}
        layer = make(2, None, 2, 3, 2, 2, 2, 1, lut_rank=2, seed=3, **more)
        if wrong and fault == "stride":
            layer.sliding = make(2, None, 2, 3, 2, 2, (2, 1), 1, lut_rank=2).sliding
        if wrong and fault == "wire":
            layer.connections.indices[4, 1] = layer.connections.indices[4, 0]
        if wrong and fault in ("table", "level"):
            row = layer.weight.data[2 if fault == "table" else -1]
            row[3] = -row[3]
        return nn.Sequential(layer, nn.Flatten()).eval()

    circuit = to_circuit(model(True), (2, 4, 4))
    assert prove_lowering(model(True), circuit).ok
    assert not prove_lowering(model(False), circuit).ok


def test_labels_of_pixels_come_out_of_the_circuit() -> None:
    model = nn.Sequential(make(2, None, 1, 4, padding=1, lut_rank=4), make(2, None, 4, 2, padding=1, lut_rank=3)).eval()
    x = torch.rand(3, 1, 5, 6)
    circuit = to_circuit(model, (1, 5, 6))
    np.testing.assert_array_equal(circuit.evaluate(x.numpy()).reshape(3, 2, 5, 6), model(x).detach().numpy() > 0.5)


def test_torchlogixs_arguments_are_known_by_their_names() -> None:
    layer = LogicConv2d(
        in_dim=(8, 8), channels=9, num_kernels=16, tree_depth=3, receptive_field_size=3, stride=1, padding=1,
        device="cpu", grad_factor=1.0, lut_rank=2, parametrization="raw", connections="fixed",
        parametrization_kwargs={"weight_init": "residual", "residual_probability": 0.9, "forward_sampling": "soft"},
        connections_kwargs={"init_method": "random-unique", "channel_group_size": 2},
    )  # fmt: skip
    assert layer(torch.rand(2, 9, 8, 8)).shape == (2, 16, 8, 8)
    assert layer.weight.shape == (16 * 7, 16)
    read = layer.connections.inputs().reshape(16, 8) // 9
    assert all(len(set(row)) == 2 for row in read.tolist())
    assert layer.parametrization.residual_probability == 0.9
    assert OrPool2d(kernel_size=(2, 2), stride=(2, 2), padding=0)(layer(torch.rand(2, 9, 8, 8))).shape == (2, 16, 4, 4)


def layers_of_depth(factor: float) -> list[nn.Module]:
    """Layers that read 18 values, of all forms of their forward pass."""
    conv: dict[str, Any] = {"padding": 1, "lut_rank": 2, "grad_factor": factor}
    generator = torch.Generator().manual_seed(0)
    return [
        make(2, 3, 2, 4, **conv),
        make(2, 3, 2, 4, 2, **conv),
        make(2, 3, 2, 4, parametrization="dwn", recompute=True, **conv),
        make(2, 3, 2, 4, connections="learnable", num_candidates=3, **conv),
        PooledConv(make(2, 3, 2, 4, 2, **conv), OrPool2d(2, 2, 1)),
        nn.Sequential(nn.Flatten(), LogicDense(18, 9, 2, grad_factor=factor, generator=generator)),
    ]


def test_the_grad_factor_is_of_the_gradient_toward_the_inputs_alone() -> None:
    x = torch.rand(5, 2, 3, 3)
    for plain, scaled in zip(layers_of_depth(1.0), layers_of_depth(2.5), strict=True):
        grad = torch.randn_like(plain(x))
        (y, expected), (again, found) = (gradients(model.train(), x, grad) for model in (plain, scaled))
        assert torch.equal(y, again)
        assert torch.equal(found.pop("x"), 2.5 * expected.pop("x"))
        assert expected
        assert all(torch.equal(found[name], expected[name]) for name in expected)
        assert torch.equal(plain.eval()(x), scaled.eval()(x))


@pytest.mark.parametrize(
    ("arguments_", "options", "error", "words"),
    [
        (((2, 8), 3, 4), {}, ValueError, r"shape \(2, 8\) .* smaller than the window"),
        ((8, 3, 4), {"groups": 2}, ValueError, "channels is 3; expected a multiple of groups, 2"),
        ((8, 4, 3), {"groups": 2}, ValueError, "num_kernels is 3; expected a multiple of groups, 2"),
        ((8, 4, 4), {"groups": 2, "init_method": "iid"}, ValueError, "'iid' has none"),
        ((8, 1, 4, 1, 1), {}, ValueError, "reads 6 different inputs, and the layer has 1"),
        ((8, 9, 4), {"lut_rank": 4, "receptive_field_size": 1, "channel_group_size": 2}, ValueError,
         "a kernel has 2 usable inputs"),
        ((8, 3, 4), {"channel_group_size": 4}, ValueError, "channel_group_size is 4"),
        ((8, 3, 4), {"channel_groups": "some"}, ValueError, "balanced, sliding"),
        ((8, 3, 4), {"padding_mode": "reflect"}, ValueError, "zeros, ones, edge"),
        ((8, 3, 4, 0), {}, ValueError, "tree_depth is 0"),
        ((8, 3, 4, 1, (3, 3, 3)), {}, ValueError, "receptive_field_size is .* one for each of 2 axes"),
        ((8, 3.5, 4), {}, TypeError, "channels is 3.5"),
        ((8, 3, 4), {"connections": "other"}, ValueError, "connections is 'other'"),
        ((8, 3, 4), {"grad_factor": "2"}, TypeError, "grad_factor is '2'; expected a finite number"),
        ((8, 3, 4), {"grad_factor": float("nan")}, ValueError, "grad_factor is nan"),
        ((8, 3, 4), {"conv_dimension": 2}, ValueError, "has no conv_dimension"),
        ((8, 3, 4), {"parametrization_kwargs": {"materialize_basis": True}}, ValueError, "has no materialize_basis"),
        ((8, 3, 4), {"connections_kwargs": {"channel_group": 2}}, ValueError,
         "connections_kwargs has no channel_group; .* mean 'channel_groups'"),
        ((8, 3, 4), {"lut_rank": 2, "connections_kwargs": {"init_method": "iid"}, "init_method": "iid"}, ValueError,
         "init_method is given twice"),
        ((8, 3, 4), {"usable": torch.ones(4, dtype=torch.bool)}, ValueError, "bool of 3 channels"),
        ((8, 3, 4), {"usable": torch.zeros(3, dtype=torch.bool)}, ValueError, "the layer has 0"),
        ((8, 3, 4), {"connections": "learnable", "num_candidates": 20}, ValueError, "take fewer candidates"),
    ],
)  # fmt: skip
def test_bad_arguments_are_told(arguments_: Any, options: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        LogicConv2d(*arguments_, **options)


def test_bad_inputs_are_told() -> None:
    layer = LogicConv2d((6, 6), 3, 4, lut_rank=2)
    with pytest.raises(ValueError, match=r"expected \(..., 3, 6, 6\)"):
        layer(torch.rand(2, 3, 6, 7))
    with pytest.raises(ValueError, match=r"expected \(..., 3, any size, any size\)"):
        LogicConv2d(None, 3, 4, lut_rank=2)(torch.rand(2, 4, 6, 6))
    with pytest.raises(ValueError, match="smaller than the window"):
        LogicConv2d(None, 3, 4, lut_rank=2)(torch.rand(2, 3, 2, 6))
    with pytest.raises(TypeError, match="complex"):
        layer(torch.rand(2, 3, 6, 6, dtype=torch.complex64))
    with pytest.raises(ValueError, match=r"expected \(..., 3, 6, 6\)"):
        to_circuit(nn.Sequential(layer), (3, 36))
