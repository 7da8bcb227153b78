"""Machines that read images pixel by pixel say what the network and its unrolled circuit say of every image."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import nn

from lutsmith import load, save
from lutsmith.circuit import Circuit, CircuitBuilder, Comparators
from lutsmith.circuit.sliding import PADDINGS, Sliding
from lutsmith.hardware import prove, verify
from lutsmith.nn import (
    AndPool2d,
    Binary,
    DistributiveThermometer,
    EdgeThermometer,
    GroupSum,
    GroupSum1d,
    GroupSum2d,
    ImageStream,
    ImageThermometer,
    LogicConv1d,
    LogicConv2d,
    LogicConv3d,
    LogicConvTranspose2d,
    LogicDense,
    LogicResidual,
    MajorityPool1d,
    MajorityPool2d,
    OrPool1d,
    OrPool2d,
    OrPool3d,
    PooledConv,
    Residual,
    Thermometer,
    to_circuit,
    to_stream,
)
from lutsmith.nn.one_place import OUTSIDE, OnePlace, reads_of
from lutsmith.nn.streaming.line_buffer import LineBuffer, PixelClock

CONVS = {1: LogicConv1d, 2: LogicConv2d, 3: LogicConv3d}


def bits_of(shape: tuple[int, ...], streams: int = 20, images: int = 3, seed: int = 0) -> np.ndarray:
    """Images of random bits one after the other, (streams, images, *shape)."""
    return np.random.default_rng(seed).integers(0, 2, (streams, images, *shape)).astype(np.float32)


def said_by(circuit: Circuit, images: np.ndarray, method: str) -> np.ndarray:
    """What a circuit says of each of images (N, M, *shape)."""
    found = getattr(circuit, method)(images.reshape(-1, *images.shape[2:]))
    return found.reshape(*images.shape[:2], *found.shape[1:])


def check(model: nn.Module, images: np.ndarray, methods: tuple[str, ...] = ("outputs",)) -> ImageStream:
    """The stream of a model, once it says of images (N, M, *shape) what the unrolled circuit says."""
    shape = images.shape[2:]
    circuit, stream = to_circuit(model.eval(), shape), to_stream(model, shape)
    assert stream.period == np.prod(shape[1:])
    for method in methods:
        np.testing.assert_array_equal(stream.run(images, method), said_by(circuit, images, method))
    valid = stream.circuit.run(stream.pixels(images), method="outputs")[..., -1]
    when = np.arange(-1, images.shape[1])[:, None] * stream.period + stream.cycles.reshape(-1)
    wanted = np.isin(np.arange(valid.shape[1]), when[1:])
    assert (valid == wanted).all()
    return stream


def geometry(data: st.DataObject, axes: int) -> tuple[tuple[int, ...], Sliding]:
    """An image, and windows over it whose places a machine has time for."""
    small = st.integers(1, 3)
    image, window, stride, dilation = (
        tuple(data.draw(each) for _ in range(axes)) for each in (st.integers(1, 12 // axes), small, small, small)
    )
    padding = tuple(data.draw(st.integers(0, 3)) for _ in range(axes))
    sliding = Sliding(window, stride, padding, dilation, data.draw(st.sampled_from(PADDINGS)))
    spans = zip(image, padding, sliding.span, strict=True)
    assume(all(size + 2 * more >= span for size, more, span in spans))
    places = zip(sliding.out_shape(image), stride, image, strict=True)
    assume(all((count - 1) * step < size for count, step, size in places))
    return image, sliding


def windows(images: np.ndarray, sliding: Sliding, around: np.ndarray) -> np.ndarray:
    """What taps read at all places of images (M, channels, *image), (M, channels, taps, places)."""
    reads = reads_of(sliding, images.shape[2:])
    flat = images.reshape(*images.shape[:2], -1)[:, :, reads]
    return np.where(reads == OUTSIDE, around[:, None, None], flat)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_windows_are_those_of_the_table_of_places_in_every_image(data: st.DataObject) -> None:
    """Two stages: pixels of the second come only where the first has a place."""
    axes = data.draw(st.sampled_from([1, 2, 2, 3]))
    image, first = geometry(data, axes)
    between = first.out_shape(image)
    second = data.draw(st.sampled_from([Sliding.of(axes, between, 1, 0, 1), Sliding.of(axes, 1, 1, 0, 1)]))
    if data.draw(st.booleans()) and min(between) > 2:
        second = Sliding.of(
            axes, 3, data.draw(st.integers(1, 2)), 1, 1, padding_mode=data.draw(st.sampled_from(PADDINGS))
        )
    around = np.array(data.draw(st.sampled_from([[False, False], [True, True], [True, False]])))
    builder = CircuitBuilder((2,))
    bits = builder.compare(builder.features, 0.5)
    period = int(np.prod(image))
    start = PixelClock(builder.constant(True), np.arange(period), period)
    stage = LineBuffer(builder, start, image, OnePlace(nn.Identity(), first, reads_of(first, image)))
    seen = stage.taps(bits, around)
    tap = data.draw(st.integers(0, first.taps - 1))
    last = LineBuffer(builder, stage.clock, between, OnePlace(nn.Identity(), second, reads_of(second, between)))
    again = last.taps(seen[:, tap], around)
    machine = builder.build(np.concatenate([seen.reshape(-1), again.reshape(-1), [stage.clock.tick, last.clock.tick]]))
    images = bits_of((2, *image), 1, 3, data.draw(st.integers(0, 9)))[0]
    pixels = np.moveaxis(images.reshape(3, 2, -1), 1, 2).reshape(1, -1, 2)
    behind = int(last.clock.cycles.max()) + 1
    said = machine.run(np.pad(pixels, ((0, 0), (0, behind), (0, 0))), method="outputs")[0]
    *both, tick, late = np.split(said, np.cumsum([seen.size, again.size, 1]), axis=1)
    expected = windows(images, first, around)
    found = expected[:, :, tap].reshape(3, 2, *between)
    for clock, ticks, values, wanted in (
        (stage.clock, tick, both[0], expected),
        (last.clock, late, both[1], windows(found, second, around)),
    ):
        when = (np.arange(3)[:, None] * period + clock.cycles).reshape(-1)
        assert (np.diff(when) > 0).all()
        there = np.flatnonzero(ticks[:, 0])
        np.testing.assert_array_equal(there[: when.size], when)
        assert (there[when.size :] > when[-1]).all()  # places of the zeros behind the last image
        np.testing.assert_array_equal(values[when], np.moveaxis(wanted, 3, 1).reshape(when.size, -1) > 0.5)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.data())
def test_kernels_and_pools_are_those_of_the_unrolled_circuit_and_the_network(data: st.DataObject) -> None:
    axes = data.draw(st.sampled_from([1, 2, 2, 3]))
    image, sliding = geometry(data, axes)
    torch.manual_seed(data.draw(st.integers(0, 99)))
    channels, kernels = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4))
    rank = min(data.draw(st.integers(1, 3)), channels * sliding.taps)
    depth = 1 if rank == 1 or rank**2 > channels * sliding.taps else data.draw(st.integers(1, 2))
    conv = CONVS[axes](
        None, channels, kernels, depth, sliding.window, sliding.stride, sliding.padding, dilation=sliding.dilation,
        padding_mode=sliding.padding_mode, lut_rank=rank, weight_init="random", init_method="random",
    )  # fmt: skip
    model = nn.Sequential(conv)
    between = sliding.out_shape(image)
    if min(between) > 1 and data.draw(st.booleans()):
        kind = data.draw(st.sampled_from(["or", "and", "majority"]))
        pool = {"or": OrPool2d, "and": AndPool2d, "majority": MajorityPool2d}[kind]
        pool = {1: {"or": OrPool1d, "majority": MajorityPool1d}.get(kind), 2: pool, 3: OrPool3d}[axes]
        if pool is not None:
            model.append(pool(2, data.draw(st.integers(1, 2))))
    if data.draw(st.booleans()):
        model.append(nn.Flatten())
    images = bits_of((channels, *image), 10, 3, data.draw(st.integers(0, 9)))
    check(model, images)
    eval_of = model(torch.from_numpy(images).flatten(0, 1)).detach().flatten(1).numpy() > 0.5
    np.testing.assert_array_equal(
        to_stream(model, images.shape[2:]).run(images, "outputs").reshape(eval_of.shape), eval_of
    )


def network(shape: tuple[int, ...] = (2, 6, 7)) -> nn.Sequential:
    torch.manual_seed(0)
    options: dict[str, Any] = {"lut_rank": 4, "weight_init": "random"}
    model = nn.Sequential(
        PooledConv(LogicConv2d(None, shape[0], 8, padding=1, **options), OrPool2d(2)),
        LogicConv2d(None, 8, 6, padding=1, **options),
        nn.ChannelShuffle(2),
        nn.Dropout(0.5),
        nn.Flatten(),
        LogicDense(6 * (shape[1] // 2) * (shape[2] // 2), 40, 4, weight_init="random"),
        GroupSum(4),
    )
    return model.eval()


def test_a_whole_network_says_what_its_circuit_says_by_every_method() -> None:
    stream = check(network(), bits_of((2, 6, 7)), ("outputs", "predict", "predict_labels", "decision_function"))
    assert len(np.unique(stream.run(bits_of((2, 6, 7)), "decision_function"))) > 5
    assert stream.cycles.shape == ()
    named = to_stream(network(), (2, 6, 7), classes=["a", "b", "c", "d"])
    assert set(named.run(bits_of((2, 6, 7)), "predict_labels").ravel()) <= {"a", "b", "c", "d"}


def test_a_decision_for_each_pixel_comes_pixel_by_pixel() -> None:
    torch.manual_seed(0)
    kernels = LogicConv2d(None, 2, 8, padding=1, lut_rank=4, weight_init="random")
    stream = check(
        nn.Sequential(kernels, GroupSum2d(4)), bits_of((2, 5, 4)), ("outputs", "predict", "decision_function")
    )
    assert stream.cycles.shape == (5, 4)
    sequence = LogicConv1d(None, 2, 6, receptive_field_size=3, stride=2, lut_rank=3, weight_init="random")
    check(nn.Sequential(sequence, GroupSum1d(3)), bits_of((2, 9)), ("predict", "decision_function"))
    bits = to_stream(nn.Sequential(kernels), (2, 5, 4))
    assert bits.run(bits_of((2, 5, 4))).shape == (20, 3, 8, 5, 4)


@pytest.mark.parametrize(
    "encoder",
    [
        Thermometer(3, per="channel"),
        DistributiveThermometer(3, per="global", unique=True),
        Binary(4, per="global"),
        ImageThermometer(2, edges=None),
    ],
    ids=lambda encoder: type(encoder).__name__,
)
def test_an_encoder_gives_the_bits_of_each_pixel(encoder: Any) -> None:
    images = np.random.default_rng(0).integers(0, 16, (15, 2, 3, 5, 6)).astype(np.uint8)
    encoder.fit(images.reshape(-1, 3, 5, 6))
    torch.manual_seed(0)
    channels = len(encoder.usable)
    kernels = LogicConv2d(None, channels, 8, padding=1, lut_rank=4, weight_init="random")
    stream = check(nn.Sequential(encoder, kernels, AndPool2d(2), nn.Flatten(), GroupSum(4)), images, ("predict",))
    low, high = stream.circuit.fitted_range
    np.testing.assert_array_equal(low, images.min(axis=(0, 1, 3, 4)))
    np.testing.assert_array_equal(high, images.max(axis=(0, 1, 3, 4)))


def test_each_kernel_is_there_once_whatever_the_size_of_the_image() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(LogicConv2d(None, 4, 200, lut_rank=6, weight_init="random")).eval()
    small, large = (to_stream(model, (4, size, size)).circuit.netlist for size in (8, 64))
    assert 200 <= small.num_nodes <= large.num_nodes < small.num_nodes + 30  # counters are longer
    assert large.num_registers < 4 * (2 * 64 + 3) + 20 < 4 * 64 * 64
    assert to_circuit(model, (4, 64, 64)).netlist.num_nodes >= 200 * 62 * 62


def test_the_file_of_a_machine_is_the_machine(tmp_path: Any) -> None:
    stream = to_stream(network(), (2, 6, 7))
    save(stream.circuit, tmp_path / "model.lut")
    images = bits_of((2, 6, 7))
    again = replace(stream, circuit=load(tmp_path / "model.lut"))
    np.testing.assert_array_equal(again.run(images), stream.run(images))


def moved(circuit: Circuit, images: int, number: int) -> Circuit:
    """A circuit of several images that reads one of them."""
    size, compared = circuit.encoder.num_features, circuit.encoder
    encoder = Comparators(compared.feature + number * size, compared.threshold, images * size)
    return replace(circuit, input_shape=(images, *circuit.input_shape), encoder=encoder, fitted_range=None)


def small_networks() -> list[tuple[nn.Module, tuple[int, ...]]]:
    torch.manual_seed(0)
    options: dict[str, Any] = {"lut_rank": 4, "weight_init": "random"}
    edge = LogicConv1d(None, 2, 4, 1, 3, 2, 2, padding_mode="edge", dilation=2, **options)
    return [
        (network((1, 4, 4)), (1, 4, 4)),
        (nn.Sequential(edge, GroupSum1d(2)).eval(), (2, 9)),
        (
            nn.Sequential(LogicConv2d(None, 1, 4, padding=1, padding_mode="ones", **options), AndPool2d(2)).eval(),
            (1, 5, 4),
        ),
    ]


@pytest.mark.needs("abc")
@pytest.mark.parametrize(("model", "shape"), small_networks(), ids=["classes", "sequence", "bits"])
def test_the_machine_over_time_is_proved_to_be_the_circuit_whatever_comes_before_and_after(
    model: nn.Module, shape: tuple[int, ...]
) -> None:
    stream, circuit = to_stream(model, shape), to_circuit(model, shape)
    assert prove(stream.unrolled(), circuit).equal
    for number in range(3):
        assert prove(stream.unrolled(3, number), moved(circuit, 3, number)).equal
    other = prove(stream.unrolled(2, 1), moved(circuit, 2, 0))
    assert other.counterexample is not None


@pytest.mark.slow
@pytest.mark.needs("abc")
def test_a_wrong_start_of_a_counter_or_a_wrong_table_is_found() -> None:
    """Any entry of any table of the machine that matters, and any counter, tells it from the circuit."""
    model, shape = small_networks()[2]
    stream, circuit = to_stream(model, shape), to_circuit(model, shape)
    netlist = stream.circuit.netlist
    found = []
    for register in range(netlist.num_registers):
        init = netlist.register_init.copy()
        init[register] ^= True
        wrong = replace(stream, circuit=replace(stream.circuit, netlist=replace(netlist, register_init=init)))
        found.append(not prove(wrong.unrolled(), circuit).equal)
    assert sum(found) >= 5  # those of the counters; what line buffers hold at first is never read
    rng = np.random.default_rng(0)
    for node in rng.choice(netlist.num_nodes, 8, replace=False).tolist():
        tables = netlist.tables().copy()
        tables[node] ^= np.uint64(1)
        pool, index = np.unique(tables, return_inverse=True)
        bad = replace(netlist, table_pool=pool, table_index=index.astype(netlist.table_index.dtype))
        wrong = replace(stream, circuit=replace(stream.circuit, netlist=bad))
        found.append(not prove(wrong.unrolled(2, 1), moved(circuit, 2, 1)).equal)
    assert any(found[-8:])


@pytest.mark.needs("yosys", "abc")
def test_exports_of_the_machine_are_the_machine_in_all_cycles() -> None:
    stream = to_stream(network((1, 4, 4)), (1, 4, 4))
    found = verify(stream.circuit, ("verilog", "blif", "aiger", "json"), layers=["read-back", "formal"])
    assert found.ok, str(found)


def residual() -> nn.Module:
    return Residual(LogicConv2d(None, 2, 2, padding=1, lut_rank=4))


def fitted(encoder: Any) -> Any:
    return encoder.fit(np.random.default_rng(0).integers(0, 256, (20, 2, 6, 6)).astype(np.uint8))


@pytest.mark.parametrize(
    ("modules", "shape", "words"),
    [
        ([residual()], (2, 6, 6), r"model.0 \(Residual\).*no form of it.*Put nn.Flatten before it.*to_circuit"),
        ([LogicResidual(residual(), 2)], (2, 6, 6), "no form of it"),
        ([LogicDense(6, 6, 3)], (2, 6, 6), "no form of it"),
        ([GroupSum(2)], (2, 6, 6), "no form of it"),
        ([nn.Unflatten(1, (1, 2))], (2, 6, 6), "no form of it"),
        ([LogicConvTranspose2d(None, 2, 2, lut_rank=4)], (2, 6, 6), "transposed"),
        ([LogicConv2d(None, 2, 2, padding=2, lut_rank=4)], (2, 6, 6), "8 places, 1 apart, along an axis of 6 pixels"),
        ([LogicConv2d(None, 2, 2, lut_rank=4)], (2, 2, 6), "smaller than the window"),
        ([LogicConv2d(None, 2, 2, lut_rank=4)], (3, 6, 6), r"expected \(..., 2,"),
        ([LogicConv1d(None, 2, 2, lut_rank=4)], (2, 6, 6), "expected 1 sizes"),
        ([MajorityPool2d(3, 1, 1)], (2, 6, 6), "majorities of windows that are cut"),
        ([nn.Flatten(), GroupSum(2)], (2, 6, 6), "would collect raw features; put an encoder"),
        ([fitted(Thermometer(2)), OrPool2d(2)], (2, 6, 6), "thresholds of their own; expected per='channel'"),
        ([fitted(EdgeThermometer(2)), OrPool2d(2)], (2, 6, 6), "not those of single pixels"),
        ([fitted(Thermometer(2, per="global", encode_axis=2)), OrPool2d(2)], (2, 6, 6), "not those of single pixels"),
        ([OrPool2d(2)], (36,), r"input_shape is \(36,\); expected channels"),
        ([OrPool2d(2)], (2, 0, 6), "input_shape"),
        ([OrPool2d(2)], 6, "input_shape is 6"),
    ],
)
def test_what_has_no_form_is_refused_with_what_to_do(modules: list[nn.Module], shape: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        to_stream(nn.Sequential(*modules).eval(), shape)


def test_bad_images_are_told() -> None:
    stream = to_stream(network(), (2, 6, 7))
    for images in (bits_of((2, 6, 7))[:, 0], bits_of((2, 7, 6)), bits_of((2, 6, 7))[:, :0]):
        with pytest.raises(ValueError, match=r"expected \(streams, images, 2, 6, 7\)"):
            stream.run(images)
    with pytest.raises(TypeError):
        stream.run([["a"]])
    assert stream.run(bits_of((2, 6, 7), streams=0)).shape == (0, 3)
    with pytest.raises(ValueError, match="number is 2"):
        stream.unrolled(2, 2)
    with pytest.raises(ValueError, match=r"in each of .* cycles are more than .*smaller images"):
        to_stream(nn.Sequential(LogicConv2d(None, 2, 900, lut_rank=4)).eval(), (2, 80, 80)).unrolled()
