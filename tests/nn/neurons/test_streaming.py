"""Neurons streamed: kernels that add up, pools of sums, levels; each is there once, and says what the network says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lutsmith.hardware import prove
from lutsmith.nn import GroupSum, LogicConv2d, OrPool2d, Thermometer, to_circuit, to_stream
from lutsmith.nn.neurons import (
    Add,
    BinarizeSign,
    BinaryConv1d,
    BinaryConv2d,
    BinaryConv3d,
    BinaryLinear,
    BitsToSigns,
    LUTConv1d,
    LUTConv2d,
    LUTConv3d,
    LUTLinear,
    NeuronArchitecture,
    ResidualSign,
    build_neurons,
)
from lutsmith.nn.neurons.binary import PADDINGS, BinaryLayer
from lutsmith.nn.streaming.walk import _AtAllPlaces
from lutsmith.nn.sums import emitting
from tests.nn.test_streaming import check, moved, said_by

NORMS = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
POOLS = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
BINARY = {1: BinaryConv1d, 2: BinaryConv2d, 3: BinaryConv3d}
LUTS = {1: LUTConv1d, 2: LUTConv2d, 3: LUTConv3d}


def scattered(model: nn.Module) -> Any:
    """A network in eval mode whose batch norms have statistics and gains of any sign, some of them 0."""
    for module in model.modules():
        if isinstance(module, tuple(NORMS.values())):
            with torch.no_grad():
                module.running_mean.normal_(0, 0.5)
                module.running_var.uniform_(0.3, 3)
                module.weight.normal_()
                module.weight[::5] = 0
                module.bias.normal_(0, 0.3)
    return model.eval()


def numbers(shape: tuple[int, ...], streams: int = 15, images: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(streams, images, *shape)).astype(np.float32)


def decides(model: nn.Module, images: np.ndarray) -> np.ndarray:
    """What the stream decides, once it does so as the unrolled circuit and the network do."""
    shape = images.shape[2:]
    found = to_stream(model, shape).run(images)
    np.testing.assert_array_equal(found, said_by(to_circuit(model, shape), images, "predict"))
    with torch.no_grad():
        expected = model(torch.from_numpy(images).flatten(0, 1)).argmax(1)
    np.testing.assert_array_equal(found.reshape(-1), expected.numpy())
    return found


def drawn_conv(data: st.DataObject, axes: int, channels: int, image: tuple[int, ...]) -> nn.Module:
    """A layer of kernels over signs whose places a machine has time for."""
    window = tuple(data.draw(st.integers(1, min(3, size))) for size in image)
    stride, dilation = (tuple(data.draw(st.integers(1, 2)) for _ in image) for _ in range(2))
    dilation = tuple(
        step if (taps - 1) * step < size else 1 for step, taps, size in zip(dilation, window, image, strict=True)
    )
    mode = data.draw(st.sampled_from(PADDINGS))
    padding = tuple(
        data.draw(st.integers(0, min((taps - 1) * step // 2, size - 1)))
        for taps, step, size in zip(window, dilation, image, strict=True)
    )
    options: dict[str, Any] = {"groups": data.draw(st.sampled_from([1, channels])), "bias": data.draw(st.booleans())}
    outputs = channels * data.draw(st.integers(1, 2))
    if data.draw(st.booleans()):
        scale = data.draw(st.sampled_from(["layer", "channel", "none"]))
        sizes = stride, padding, dilation
        layer = BINARY[axes](channels, outputs, window, *sizes, padding_mode=mode, scale=scale, **options)
        nn.init.normal_(layer.bias) if options["bias"] else None
        return layer
    options["padding_value"] = data.draw(st.sampled_from([-1, 0, 1]))
    rank = min(2, int(np.prod(window)) * channels // options["groups"])
    return LUTS[axes](
        channels, outputs, window, rank=rank, stride=stride, padding=padding, dilation=dilation, **options
    )


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_layers_pools_and_signs_are_those_of_the_unrolled_circuit(data: st.DataObject) -> None:
    axes = data.draw(st.sampled_from([1, 2, 2, 3]))
    image = tuple(data.draw(st.integers(1, (9, 5, 3)[axes - 1])) for _ in range(axes))
    torch.manual_seed(data.draw(st.integers(0, 99)))
    shape, channels = (2, *image), 2
    model = nn.Sequential(BinarizeSign())
    for _ in range(data.draw(st.integers(1, 2))):
        layer = drawn_conv(data, axes, channels, image)
        model.append(layer)
        channels, *places = layer(torch.zeros(1, channels, *image)).shape[1:]
        image = tuple(places)
        last = [NORMS[axes](channels), BinarizeSign() if data.draw(st.booleans()) else ResidualSign(2)]
        if min(image) > 1 and data.draw(st.booleans()):
            pool = POOLS[axes](data.draw(st.integers(2, min(3, *image))), data.draw(st.integers(1, 2)))
            if pool.kernel_size == 3 and data.draw(st.booleans()):
                pool.padding = 1
            last.insert(data.draw(st.integers(0, 2)), pool)
            image = tuple(pool(torch.zeros(1, *image)).shape[1:])
        for module in last:
            model.append(module)
    if data.draw(st.booleans()):
        model.append(nn.Flatten())
    model.append(BinarizeSign())  # levels as bits
    images = numbers(shape, 8, 3, data.draw(st.integers(0, 9)))
    assume(images[0, 0].size < 200)
    check(scattered(model), images)


@pytest.mark.parametrize("mode", PADDINGS)
def test_what_stands_around_an_image_is_there_in_a_network(mode: str) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        BinarizeSign(), BinaryConv2d(2, 6, 3, padding=1, padding_mode=mode), nn.BatchNorm2d(6), BinarizeSign(),
        nn.Flatten(), BinaryLinear(6 * 30, 4, bias=False),
    )  # fmt: skip
    assert len(np.unique(decides(scattered(model), numbers((2, 5, 6))))) > 1


def networks(seed: int = 0) -> dict[str, tuple[nn.Module, tuple[int, ...]]]:
    torch.manual_seed(seed)
    signs = BinarizeSign()
    return {
        "a network as CNV": (
            nn.Sequential(
                signs, BinaryConv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), signs,
                BinaryConv2d(8, 8, 3, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(8), signs,
                BinaryConv2d(8, 6, 3, bias=False), nn.BatchNorm2d(6), signs, nn.Flatten(),
                BinaryLinear(6, 20), nn.BatchNorm1d(20), signs, BinaryLinear(20, 5, bias=False),
            ),
            (3, 10, 10),
        ),
        "bits of an encoder": (
            nn.Sequential(
                Thermometer(3, per="channel", unique=True).fit(numbers((2, 6, 6))[0]), BitsToSigns(),
                BinaryConv2d(6, 6, 3, padding=1, padding_mode="-1"), nn.BatchNorm2d(6), signs,
                nn.Flatten(), nn.Dropout(0.5), BinaryLinear(216, 4),
            ),
            (2, 6, 6),
        ),
        "LUTs that read numbers behind a pool and nn.Flatten": (
            nn.Sequential(
                LUTConv2d(2, 6, 3, rank=3, padding=1, padding_value=-1), nn.BatchNorm2d(6), nn.MaxPool2d(2),
                LUTConv2d(6, 6, 2, rank=2), nn.BatchNorm2d(6), nn.Flatten(), LUTLinear(24, 4, 3, bias=False),
            ),
            (2, 6, 6),
        ),
        "kernels to the last sums": (
            nn.Sequential(
                signs, BinaryConv2d(2, 6, 3), nn.BatchNorm2d(6), ResidualSign(2, 6, output="joined"),
                BinaryConv2d(12, 5, 3, bias=False), nn.Flatten(),
            ),
            (2, 5, 5),
        ),
        "a pool of an encoder's signs": (
            nn.Sequential(
                Thermometer(2, per="channel").fit(numbers((2, 6, 6))[0]), BitsToSigns(), nn.MaxPool2d(3, 2, 1),
                BinaryConv2d(4, 6, 2), nn.BatchNorm2d(6), signs, nn.Flatten(), BinaryLinear(24, 3),
            ),
            (2, 6, 6),
        ),
        "a global pool of the last sums": (
            nn.Sequential(signs, BinaryConv2d(2, 6, 2), nn.MaxPool2d(4), nn.BatchNorm2d(6), signs, nn.Flatten(),
                          BinaryLinear(6, 3)),
            (2, 5, 5),
        ),
        "channels in another order before a pool": (
            nn.Sequential(signs, BinaryConv2d(2, 6, 3), nn.ChannelShuffle(3), nn.MaxPool2d(3, 2, 1),
                          nn.BatchNorm2d(6), signs, nn.Flatten(), BinaryLinear(24, 3)),
            (2, 6, 6),
        ),
        "two pools": (
            nn.Sequential(signs, BinaryConv2d(2, 6, 3), nn.BatchNorm2d(6), signs, nn.MaxPool2d(2),
                          nn.MaxPool2d(3, 2, 1), nn.Flatten(), BinaryLinear(24, 3)),
            (2, 8, 8),
        ),
        "kernels of bits behind": (
            nn.Sequential(signs, BinaryConv2d(2, 6, 3), nn.BatchNorm2d(6), signs,
                          LogicConv2d(None, 6, 8, lut_rank=4, weight_init="random"), OrPool2d(2), nn.Flatten(),
                          GroupSum(4)),
            (2, 8, 8),
        ),
        "a sequence": (
            nn.Sequential(signs, BinaryConv1d(2, 6, 3, stride=2), nn.BatchNorm1d(6), nn.Hardtanh(), signs, nn.Flatten(),
                          BinaryLinear(24, 3, bias=False)),
            (2, 9),
        ),
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", networks())
def test_networks_decide_as_their_circuits_do(name: str) -> None:
    found = []
    for seed in range(3):
        model, shape = networks(seed)[name]
        found.append(decides(scattered(model), numbers(shape)))
    assert len(np.unique(found)) > 1


def test_a_pool_of_sums_has_its_sums_once() -> None:
    """A pool of nine sums is a few gates and registers more than a sum."""
    torch.manual_seed(0)
    layers = [BinarizeSign(), BinaryConv2d(8, 16, 3), nn.MaxPool2d(3), nn.BatchNorm2d(16), BinarizeSign()]
    pooled, plain = (
        to_stream(scattered(nn.Sequential(*some)), (8, 14, 14)).circuit.netlist.num_nodes
        for some in (layers, layers[:2] + layers[3:])
    )
    shifted = 16 * (2 * 12 + 3)
    assert plain < pooled < plain + shifted + 3 * 16 + 60


@pytest.mark.needs("abc")
def test_a_machine_of_neurons_is_proved_to_be_the_circuit_whatever_comes_before_and_after() -> None:
    torch.manual_seed(6)
    model = scattered(
        nn.Sequential(
            BinarizeSign(),
            BinaryConv2d(1, 4, 3, padding=1, padding_mode="zeros"),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(4),
            BinarizeSign(),
            BinaryConv2d(4, 3, 2),
            nn.BatchNorm2d(3),
            BinarizeSign(),
            nn.Flatten(),
        )
    )
    stream, circuit = to_stream(model, (1, 4, 4)), to_circuit(model, (1, 4, 4))
    for number in range(3):
        assert prove(stream.unrolled(3, number), moved(circuit, 3, number)).equal
    with torch.no_grad():
        model[1].weight *= -1
    assert not prove(to_stream(model, (1, 4, 4)).unrolled(), circuit).equal


def test_too_many_places_are_refused_with_the_size_and_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emitting, "MOST_LUTS", 10_000)
    torch.manual_seed(0)
    model = scattered(nn.Sequential(BinarizeSign(), BinaryConv2d(4, 16, 3), nn.BatchNorm2d(16), BinarizeSign()))
    told = r"LUTs at each of 196 places, with 0 before them, are more than the 10,000 .*to_stream\(model, input_shape\)"
    with pytest.raises(ValueError, match=told):
        to_circuit(model, (4, 16, 16))
    assert to_stream(model, (4, 16, 16)).circuit.netlist.num_nodes < 1_000
    luts = scattered(nn.Sequential(LUTConv2d(4, 16, 3), nn.BatchNorm2d(16), BinarizeSign()))
    with pytest.raises(ValueError, match="more than the 10,000"):
        to_circuit(luts, (4, 16, 16))


def test_zeros_that_are_a_third_symbol_are_refused_as_in_a_circuit() -> None:
    exact: dict[str, Any] = {"rank": 2, "zeros": "exact"}
    told = "zeros is 'exact', and an input may be 0"
    for modules, shape in (
        ([LUTConv2d(2, 2, 3, **exact)], (2, 5, 5)),
        ([BinarizeSign(), LUTConv2d(2, 2, 3, padding=1, padding_value=0, **exact)], (2, 5, 5)),
        ([BinarizeSign(), BinaryConv2d(2, 2, 3), nn.ReLU(), LUTConv2d(2, 2, 3, **exact)], (2, 5, 5)),
        ([BinarizeSign(), BinaryConv2d(2, 2, 3), nn.ReLU(), nn.Flatten(), LUTLinear(18, 3, **exact)], (2, 5, 5)),
    ):
        model = nn.Sequential(*modules, BinarizeSign()).eval()
        for lower in (to_circuit, to_stream):
            with pytest.raises(ValueError, match=told):
                lower(model, shape)
    torch.manual_seed(0)
    fine = nn.Sequential(
        BinarizeSign(), LUTConv2d(2, 4, 3, padding=1, padding_value=1, **exact), BinarizeSign(), nn.Flatten(),
        LUTLinear(100, 3, **exact),
    )  # fmt: skip
    assert len(np.unique(decides(fine.eval(), numbers((2, 5, 5))))) > 1


@pytest.mark.parametrize(
    ("modules", "words"),
    [
        ([BinarizeSign(), Add(nn.Identity(), BinaryConv2d(2, 2, 1))], "no form of it"),
        ([BinaryConv2d(2, 2, 3)], "reads raw features"),
        ([BinarizeSign(), BinaryConv2d(2, 2, 3, binary=False)], "real numbers"),
        ([BinarizeSign(), BinaryConv2d(2, 2, 2, padding=1)], "7 places, 1 apart"),
        ([BinarizeSign(), nn.MaxPool2d(2, ceil_mode=True)], "ceil_mode"),
        ([BinarizeSign(), nn.MaxPool1d(2)], "images of 1 axes"),
        ([BinarizeSign(), BinaryConv2d(2, 2, 3), nn.BatchNorm2d(2), nn.Flatten()], "more than 16 values"),
        ([BinarizeSign(), BinaryLinear(6, 2)], "no form of it"),
    ],
)
def test_what_has_no_form_is_refused(modules: list[nn.Module], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        to_stream(scattered(nn.Sequential(*modules)), (2, 6, 6))


def test_a_batch_norm_is_shown_all_places_and_has_to_say_the_same_everywhere() -> None:
    class Uneven(nn.BatchNorm2d):
        def forward(self, x: Tensor) -> Tensor:
            assert x.shape[1:] == (2, 4, 5)
            y = super().forward(x)
            y[:, 1, 3, 4] += 1e-6
            return y

    x = torch.arange(6.0).reshape(6, 1, 1, 1).expand(6, 2, 3, 3)
    even = _AtAllPlaces(nn.BatchNorm2d(2).eval(), (4, 5))(x)
    torch.testing.assert_close(even, nn.BatchNorm2d(2).eval()(x), rtol=0, atol=0)
    with pytest.raises(ValueError, match="rounded otherwise"):
        _AtAllPlaces(Uneven(2).eval(), (4, 5))(x)


def test_a_narrow_cnv_reads_images_of_cifar_10() -> None:
    """CNV's own layers and windows, an eighth as wide: 32 x 32 pixels to one, in 1,033 cycles."""
    layers = [{"conv": 8}, {"conv": 8, "pool": 2}, {"conv": 16}, {"conv": 16, "pool": 2}, {"conv": 32}, {"conv": 32}]
    architecture = NeuronArchitecture(layers=[*layers, {"linear": 64}, {"linear": 64}], bits=2, per="channel")
    images = np.random.default_rng(0).integers(0, 256, (6, 2, 3, 32, 32)).astype(np.uint8)
    model = build_neurons(architecture, images.reshape(-1, 3, 32, 32), 10)
    for module in model.modules():
        if isinstance(module, BinaryLayer):
            module.binary = True
    scattered(model)
    stream = to_stream(model, (3, 32, 32))
    assert (stream.period, stream.latency) == (1024, 1033)
    assert stream.circuit.netlist.num_nodes < 25_000
    with torch.no_grad():
        expected = model(torch.from_numpy(images).flatten(0, 1).float()).argmax(1)
    np.testing.assert_array_equal(stream.run(images).reshape(-1), expected.numpy())
    assert len(expected.unique()) > 1
