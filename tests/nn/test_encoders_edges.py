"""Edges and curvature: integer comparisons on which the model, the circuit, its files, exports and proof agree."""

from __future__ import annotations

import copy
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lutsmith import load, prove_lowering, save, simplify, to_circuit
from lutsmith.hardware.tools import toolchain
from lutsmith.hardware.verification.verify import verify
from lutsmith.nn import (
    Architecture,
    DistributiveThermometer,
    EdgeThermometer,
    GroupSum,
    ImageThermometer,
    LogicConv2d,
    LogicDense,
    OrPool2d,
)  # fmt: skip
from lutsmith.nn.encoders import IMAGE_ENCODERS, Several, Thermometer, setup_encoder
from lutsmith.nn.encoders.edges import DIRECTIONS, PLACEMENTS
from lutsmith.nn.network import build
from tests.tools import needs

OPTIONS = st.fixed_dictionaries(
    {
        "num_bits": st.integers(1, 4),
        "directions": st.lists(st.sampled_from(list(DIRECTIONS)), min_size=1, max_size=4, unique=True),
        "distance": st.integers(1, 3),
        "order": st.integers(1, 2),
        "of": st.sampled_from(["channel", "sum"]),
        "placement": st.sampled_from(list(PLACEMENTS)),
        "per": st.sampled_from(["channel", "global"]),
        "step": st.sampled_from([1, 2, 8, 100]),
        "pixel_bits": st.sampled_from([3, 8]),
        "unique": st.booleans(),
    }
)
SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4))


def pixels(seed: int, shape: tuple[int, ...], bits: int = 8, count: int = 40) -> np.ndarray:
    """Images at random, of the lowest and the highest numbers alone, and of one number each."""
    rng, high = np.random.default_rng(seed), (1 << bits) - 1
    images = [rng.integers(0, high + 1, (count, *shape)), rng.choice([0, high], (count, *shape))]
    images.append(np.broadcast_to(rng.integers(0, high + 1, (count, 1, 1, 1)), (count, *shape)))
    return np.concatenate(images).astype(np.uint8)


def noise(seed: int, shape: tuple[int, ...] = (3, 5, 4)) -> np.ndarray:
    """Images at random, darker ones with a larger seed."""
    return np.random.default_rng(seed).integers(0, 256 - seed, (120, *shape)).astype(np.uint8)


def differences(x: np.ndarray, encoder: EdgeThermometer) -> np.ndarray:
    """The differences of images of integers, one by one."""
    count, channels, height, width = x.shape
    planes = [x[:, c].astype(int) for c in range(channels)]
    if encoder.of == "sum":
        planes = [sum(planes)]
    found = []
    for plane in planes:
        for name in encoder.directions:
            down, right = (encoder.distance * part for part in DIRECTIONS[name])
            form = np.zeros((count, height, width), int)
            for i in range(height):
                for j in range(width):
                    before, behind = (
                        plane[:, min(max(i + sign * down, 0), height - 1), min(max(j + sign * right, 0), width - 1)]
                        for sign in (-1, 1)
                    )
                    own = plane[:, i, j]
                    form[:, i, j] = behind - own if encoder.order == 1 else 2 * own - before - behind
            found.append(form)
    return np.stack(found, axis=1)


def bits_of(encoder: nn.Module, x: Any) -> np.ndarray:
    with torch.no_grad():
        return encoder.eval()(torch.as_tensor(x)).numpy() == 1


def strange(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    beside = np.nextafter(np.float32(0.5), np.float32(1))
    numbers = [-np.inf, np.inf, np.nan, -3, 0.5, beside, 1.5, 254.5, 255.5, 300, 1e30, 7]
    return np.random.default_rng(seed).choice(np.array(numbers, np.float32), (60, *shape))


@settings(max_examples=25, deadline=None)
@given(OPTIONS, SHAPES, st.integers(0, 1000))
@pytest.mark.filterwarnings("ignore::lutsmith.circuit.rows.OutOfRangeWarning")
def test_bits_compare_integers_and_the_circuit_is_the_encoder(options: Any, shape: Any, seed: int) -> None:
    x = pixels(seed, shape, options["pixel_bits"])
    encoder = EdgeThermometer(**options).fit(x)
    channels = (1 if encoder.of == "sum" else shape[0]) * len(encoder.directions)
    found = bits_of(encoder, x)
    thresholds = np.broadcast_to(encoder.thresholds.numpy(), (channels, 1, 1, encoder.num_bits))
    expected = differences(x, encoder)[..., None] > thresholds
    assert np.array_equal(found, np.moveaxis(expected, -1, 2).reshape(len(x), -1, *shape[1:]))
    finite = thresholds[np.isfinite(thresholds)]
    assert ((finite + 1) % encoder.step == 0).all()
    usable = encoder.usable.numpy()
    assert usable.shape == found.shape[1:]
    if encoder.order == 1 and encoder.step == 1 and not encoder.unique:
        assert (usable | (found.min(axis=0) == found.max(axis=0))).all()
    circuit = to_circuit(nn.Sequential(encoder, nn.Flatten()), shape)
    assert np.array_equal(circuit.outputs(x), found.reshape(len(x), -1))
    assert np.array_equal(circuit.evaluate(x), found.reshape(len(x), -1))
    odd = strange(seed, shape)
    assert np.array_equal(circuit.outputs(odd), bits_of(encoder, odd).reshape(len(odd), -1))
    proof = prove_lowering(nn.Sequential(encoder, nn.Flatten()), circuit)
    assert proof.ok, str(proof)


def network(encoder: Any, luts: int = 40, shape: tuple[int, ...] = (3, 4, 3)) -> nn.Sequential:
    encoder.fit(noise(0, shape))
    usable = encoder.usable.flatten()
    generator = torch.Generator().manual_seed(0)
    layer = LogicDense(usable.numel(), luts, lut_rank=4, usable=usable, weight_init="random", generator=generator)
    return nn.Sequential(encoder, nn.Flatten(), layer, GroupSum(4, in_dim=luts)).eval()


def everything() -> ImageThermometer:
    return ImageThermometer(2, edges={"num_bits": 2, "step": 8}, curvature={"num_bits": 1, "of": "sum"}, unique=True)


def test_pixels_edges_and_curvature_stand_one_behind_the_other() -> None:
    x = pixels(1, (3, 4, 3))
    encoder = everything().fit(x)
    parts = [
        DistributiveThermometer(2, per="channel", unique=True).fit(x),
        EdgeThermometer(2, step=8, unique=True).fit(x),
        EdgeThermometer(1, order=2, of="sum", unique=True).fit(x),
    ]
    found = bits_of(encoder, x)
    assert found.shape == (len(x), 6 + 24 + 4, 4, 3)
    assert np.array_equal(found, np.concatenate([bits_of(part, x) for part in parts], axis=1))
    assert torch.equal(encoder.usable, torch.cat([part.usable for part in parts]))
    assert encoder.parts[0].thresholds.shape == (3, 1, 1, 2)
    for one in (encoder, *encoder.parts):  # samples last in memory, as layers read them
        assert one(torch.from_numpy(x)).movedim(0, -1).is_contiguous()


def test_a_file_gives_the_circuit_back_and_simplified_it_says_the_same(tmp_path: Path) -> None:
    circuit = to_circuit(network(everything()), (3, 4, 3))
    save(circuit, tmp_path / "model.lut")
    again = load(tmp_path / "model.lut")
    smaller = simplify(circuit).circuit
    x = pixels(2, (3, 4, 3))
    for other in (again, smaller):
        assert np.array_equal(other.decision_function(x), circuit.decision_function(x))
    assert smaller.netlist.num_nodes < circuit.netlist.num_nodes
    assert again.netlist.same_as(circuit.netlist)


def test_every_export_of_edges_is_verified() -> None:
    needs("onnx", "onnxruntime", "yosys", "abc")
    model = network(ImageThermometer(1, edges={"num_bits": 1, "step": 8, "directions": ["diagonal"]}), 8, (1, 3, 2))
    circuit = simplify(to_circuit(model, (1, 3, 2))).circuit
    formats = ["c", "onnx", "blif", "aiger", *(["javascript"] if shutil.which("node") else [])]
    formats += ["vhdl"] if toolchain.available("ghdl") else []
    proved = verify(circuit, ["verilog"], layers=("read-back", "formal"))  # a simulator takes long to compile it
    report = verify(circuit, formats, pixels(3, (1, 3, 2)))
    assert proved.ok, str(proved)
    assert report.ok, str(report)
    assert {check.format for check in report.checks} >= set(formats)


# The proof


def test_a_network_with_edges_is_proved_and_a_planted_fault_is_found() -> None:
    shape = (2, 3, 2)
    model = network(ImageThermometer(1, edges={"num_bits": 2, "step": 8}, curvature=1), shape=shape)
    circuit = to_circuit(model, shape)
    proof = prove_lowering(model, circuit)
    assert proof.ok
    assert "cones equal the integers for every value" in str(proof)
    found = []
    for node in np.random.default_rng(0).choice(circuit.netlist.num_nodes, 8, replace=False).tolist():
        tables = circuit.netlist.tables().copy()
        tables[node] ^= np.uint64(1)
        spoiled = replace(circuit.netlist, table_pool=tables, table_index=np.arange(tables.size))
        other = replace(circuit, netlist=spoiled)
        differs = not np.array_equal(
            other.decision_function(x := pixels(4, shape, count=300)), circuit.decision_function(x)
        )
        found.append(differs)
        assert not (differs and prove_lowering(model, other).ok)
    assert sum(found) > 2


def test_another_threshold_or_another_pixel_is_not_proved() -> None:
    model = network(ImageThermometer(1, edges=2), shape=(2, 3, 4))
    circuit = to_circuit(model, (2, 3, 4))
    for change in ("threshold", "distance", "direction"):
        other = copy.deepcopy(model)
        edges = other[0].parts[1]
        if change == "threshold":
            edges.thresholds += 8
        elif change == "distance":
            edges.distance = 2
        else:
            edges.directions = tuple(reversed(edges.directions))
        assert not prove_lowering(other, circuit).ok


# Use


@pytest.mark.parametrize(
    ("name", "options"), [("edges", {"step": 4, "order": 2}), ("image", {"edges": 1, "curvature": {"num_bits": 2}})]
)
def test_networks_are_built_by_name_trained_and_loaded(name: str, options: dict[str, Any]) -> None:
    x = noise(5)
    architecture = Architecture(
        luts=(40,), bits=2, encoder=name, encoder_options=options, per="channel", num_candidates=4, rank=4
    )
    assert Architecture.from_json(architecture.to_json()) == architecture
    model = build(architecture, x, 4)
    loss = nn.functional.cross_entropy(model(torch.from_numpy(x)), torch.arange(len(x)) % 4)
    loss.backward()
    fresh = build(architecture, noise(100), 4, seed=1)
    assert not np.array_equal(bits_of(fresh[0], x), bits_of(model[0], x))
    fresh.load_state_dict(model.state_dict())
    assert torch.equal(fresh.eval()(torch.from_numpy(x)), model.eval()(torch.from_numpy(x)))
    unfitted = setup_encoder(name, 2, per="channel", unique=True, **options)
    unfitted.load_state_dict(model[0].state_dict())
    assert np.array_equal(bits_of(unfitted, x), bits_of(model[0], x))
    half = copy.deepcopy(model[0]).half()
    assert np.array_equal(bits_of(half, x), bits_of(model[0], x))
    assert prove_lowering(model, to_circuit(model, (3, 5, 4))).ok


def test_kernels_at_places_over_edges_are_proved() -> None:
    encoder = ImageThermometer(1, edges={"num_bits": 1, "step": 8}).fit(noise(0, (1, 5, 4)))
    layers = LogicConv2d((5, 4), 5, 3, lut_rank=4, padding=1), OrPool2d(2, padding=1), nn.Flatten()
    model = nn.Sequential(encoder, *layers, GroupSum(3, in_dim=27)).eval()
    circuit, x = to_circuit(model, (1, 5, 4)), pixels(9, (1, 5, 4))
    assert np.array_equal(circuit.decision_function(x), model(torch.from_numpy(x)).detach().numpy())
    assert prove_lowering(model, circuit).ok


@pytest.mark.parametrize("name", ["edges", "image"])
def test_traced_and_compiled_they_say_the_same(name: str) -> None:
    encoder = setup_encoder(name, 2, per="channel", **({"edges": 1} if name == "image" else {"order": 2})).fit(noise(0))
    x = torch.from_numpy(noise(3))
    exported = torch.export.export(encoder.eval(), (x,)).module()
    compiled = torch.compile(encoder, fullgraph=True, backend="eager")
    for other in (exported, compiled):
        assert torch.equal(other(x), encoder(x))
    assert encoder.to("meta")(x.to("meta")).shape == (120, *encoder.usable.shape)


def test_thresholds_come_from_a_sample_that_the_seed_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    x = noise(7, (3, 4, 4))
    monkeypatch.setattr("lutsmith.nn.encoders.edges.FITTED", 60 * 12 * 16)
    made = [EdgeThermometer(3).fit(x, seed=seed).thresholds for seed in (0, 0, 1)]
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])
    batches = EdgeThermometer(3).fit(iter(np.array_split(x, 5)))
    assert torch.equal(batches.thresholds, made[0])


@pytest.mark.parametrize(
    ("options", "x", "says"),
    [
        ({}, np.zeros((5, 9), np.uint8), r"data of shape \(5, 9\); edges are those of images"),
        ({}, pixels(0, (1, 3, 3)) / 255, "from 0 to 1, some of them no integers; expected integers of 0 to 255"),
        ({"pixel_bits": 3}, np.full((5, 1, 3, 3), 8, np.uint8), "pixels from 8 to 8; expected integers of 0 to 7"),
        ({}, np.full((5, 1, 3, 3), -1.0), "pixels from -1 to -1"),
        ({"of": "sum"}, np.zeros((5, 4, 3, 3), np.uint8), "images of 4 channels; of='sum' adds up to three"),
    ],
)
def test_data_that_are_no_pixels_are_refused(options: dict[str, Any], x: np.ndarray, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        EdgeThermometer(2, **options).fit(x)


def test_mistakes_are_told() -> None:
    for options, says in [
        ({"directions": "vertical"}, "directions is 'vertical'; expected different names of horizontal"),
        ({"directions": ["vertical", "vertical"]}, "expected different names"),
        ({"directions": ["upward"]}, "directions is 'upward'; expected one of"),
        ({"order": 3}, "order is 3; expected 1 for edges or 2 for curvature"),
        ({"of": "luminance"}, "of is 'luminance'; expected one of channel, sum"),
        ({"per": "feature"}, "per is 'feature'; expected one of channel, global"),
        ({"pixel_bits": 9}, "pixel_bits is 9"),
        ({"step": 0}, "step is 0"),
        ({"placement": "learnable"}, "placement is 'learnable'"),
    ]:
        with pytest.raises(ValueError, match=says):
            EdgeThermometer(2, **options)
    assert set(IMAGE_ENCODERS) == {"edges", "image"}
    with pytest.raises(RuntimeError, match="not fitted"):
        EdgeThermometer(2)(torch.zeros(1, 1, 2, 2))
    with pytest.raises(ValueError, match="that were fitted on samples of one shape, or not yet"):
        Several([Thermometer(2).fit(pixels(0, (1, 2, 2))), Thermometer(2)])
