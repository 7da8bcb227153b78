"""A decision for each place: naive sums, the circuit, its proof and exports, and training on classes of pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lutsmith.circuit.engine import engine as engines
from lutsmith.circuit.file import from_bytes, to_bytes
from lutsmith.circuit.heads import Head
from lutsmith.hardware.verification.verify import verify
from lutsmith.nn import (
    GroupSum1d,
    GroupSum2d,
    GroupSum3d,
    LogicConv2d,
    OrPool2d,
    Thermometer,
    prove_lowering,
    to_circuit,
)
from lutsmith.nn import convolution as convolutions
from lutsmith.training.settings import Settings
from lutsmith.training.trainer import Trainer
from tests.tools import needs

HEADS = (GroupSum1d, GroupSum2d, GroupSum3d)


def naive(x: np.ndarray, k: int, order: np.ndarray) -> np.ndarray:
    """Scores (N, k, *places) of bits (N, channels, *places), place by place."""
    size, places = x.shape[1] // k, x.shape[2:]
    scores = np.zeros((len(x), k, *places))
    for sample in range(len(x)):
        for place in np.ndindex(*places):
            bits = x[(sample, slice(None), *place)][order]
            for label in range(k):
                scores[(sample, label, *place)] = bits[label * size : (label + 1) * size].sum()
    return scores


@settings(max_examples=40, deadline=None)
@given(
    axes=st.integers(1, 3), k=st.integers(1, 4), size=st.integers(1, 3), samples=st.sampled_from([0, 1, 7]),
    places=st.lists(st.integers(1, 4), min_size=3, max_size=3), permute=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
def test_scores_are_the_sums_at_each_place_in_training_and_in_the_circuit(
    axes: int, k: int, size: int, samples: int, places: list[int], permute: bool, seed: int
) -> None:
    image, channels = tuple(places[:axes]), k * size
    torch.manual_seed(seed)
    head = HEADS[axes - 1](k, tau=2.0, permute=permute, in_dim=channels)
    order = np.arange(channels) if head.permutation is None else head.permutation.numpy()
    x = torch.rand((samples, channels, *image)).round()
    wanted = naive(x.numpy(), k, order)
    np.testing.assert_array_equal(head.train()(x).numpy(), wanted / 2)
    np.testing.assert_array_equal(head.eval()(x).numpy(), wanted)
    circuit = from_bytes(to_bytes(to_circuit(head, (channels, *image), classes=[f"c{label}" for label in range(k)])))
    assert circuit.head.shape == image
    np.testing.assert_array_equal(circuit.predict(x.numpy()), wanted.argmax(1))
    np.testing.assert_array_equal(circuit.decision_function(x.numpy()), np.moveaxis(wanted, 1, -1))
    assert prove_lowering(head, circuit, classes=[f"c{label}" for label in range(k)]).ok


def segmenter(classes: int = 3) -> nn.Sequential:
    torch.manual_seed(0)
    encoder = Thermometer(2).fit(np.random.default_rng(0).integers(0, 256, (50, 1, 6, 5)))
    conv = LogicConv2d(None, 2, 6, padding=1, lut_rank=4, weight_init="random")
    last = LogicConv2d(None, 6, 2 * classes, padding=1, lut_rank=4, weight_init="random")
    return nn.Sequential(encoder, conv, OrPool2d(3, 1, 1), last, GroupSum2d(classes)).eval()


def test_a_segmenter_is_its_circuit_and_its_exports_are_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    model = segmenter()
    circuit = to_circuit(model, (1, 6, 5))
    images = np.random.default_rng(1).integers(0, 256, (3000, 1, 6, 5), dtype=np.uint8)
    with torch.no_grad():
        wanted = model(torch.from_numpy(images)).argmax(1).numpy()
    monkeypatch.setattr(engines, "MAPPED", 1 << 10)  # in several pieces
    np.testing.assert_array_equal(circuit.predict(images), wanted)
    np.testing.assert_array_equal(circuit.predict(images[:2]), wanted[:2])
    assert len(np.unique(wanted)) == 3
    proof = prove_lowering(model, circuit)
    assert proof.ok
    assert "at each of 30 places" in proof.rows[-2].reason


TOOLS = {"verilog": ("yosys", "abc"), "vhdl": ("ghdl", "yosys", "abc"), "c": ("cc",), "javascript": ("node",)}


@pytest.mark.parametrize("format_name", ["verilog", "vhdl", "c", "javascript", "blif", "json"])
def test_exports_of_decisions_at_places_are_read_back_and_run(format_name: str) -> None:
    needs(*TOOLS.get(format_name, ()))
    torch.manual_seed(2)
    model = nn.Sequential(LogicConv2d(None, 1, 4, 1, 2, 1, 1, lut_rank=3, weight_init="random"), GroupSum2d(2)).eval()
    circuit = to_circuit(model, (1, 1, 2))
    programs = format_name in ("c", "javascript", "json")
    checked = verify(circuit, (format_name,), layers=("read-back", "simulation" if programs else "formal"))
    assert checked.ok, str(checked)


@pytest.mark.parametrize("fault", ["shape", "groups", "outputs", "flat"])
def test_another_decision_at_a_place_is_not_proved(fault: str) -> None:
    model = segmenter()
    circuit = to_circuit(model, (1, 6, 5))
    netlist, outputs = circuit.netlist, circuit.netlist.outputs.copy()
    if fault == "outputs":  # a bit of one place is one of another's
        outputs[[3, 9]] = outputs[[9, 3]]
        wrong = replace(circuit, netlist=replace(netlist, outputs=outputs))
    else:
        shape = {"shape": (5, 6), "groups": (6, 5), "flat": ()}[fault]
        wrong = replace(circuit, head=Head(6 if fault == "groups" else 3, shape=shape))
    proof = prove_lowering(model, wrong)
    assert proof.verdict == "failed"
    assert proof.problems[0].module == "GroupSum2d"


def test_pixels_are_learned_by_cross_entropy() -> None:
    """The class of a pixel: whether it is bright, and beside a bright one."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (400, 1, 6, 6), dtype=np.uint8)
    bright = images[:, 0] > 127
    labels = bright.astype(np.int64)
    labels[:, :, 1:] += bright[:, :, 1:] & bright[:, :, :-1]
    torch.manual_seed(1)
    encoder = Thermometer(1).fit(images)
    conv = LogicConv2d(None, 1, 12, 1, (1, 3), 1, (0, 1), lut_rank=3)
    model = nn.Sequential(encoder, conv, GroupSum2d(3))
    settings_ = Settings(epochs=8, batch_size=32, lr=0.1, validation=0.25)
    fit = Trainer(settings_, quiet=True).fit(model, images, labels)
    assert fit.history[-1].hard is not None
    assert fit.history[-1].hard > 0.97
    circuit = to_circuit(model.eval(), (1, 6, 6))
    assert (circuit.predict(images) == labels).mean() > 0.97
    with pytest.raises(ValueError, match="flip would move pixels and leave their class ids"):
        Trainer(replace(settings_, flip=0.5), quiet=True).fit(model, images, labels)
    with pytest.raises(ValueError, match=r"expected \(B, classes, 5, 6\)"):
        Trainer(settings_, quiet=True).fit(model, images, labels[:, 1:])


def test_what_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"input of shape \(4, 5\); expected \(\.\.\., channels, size, size\)"):
        GroupSum2d(2)(torch.zeros(4, 5))
    with pytest.raises(ValueError, match="5 inputs, which 2 classes cannot share equally"):
        GroupSum2d(2)(torch.zeros(1, 5, 2, 2))
    with pytest.raises(ValueError, match="lowers channels of one image"):
        to_circuit(GroupSum2d(2), (2, 4, 3, 3))
    monkeypatch.setattr(convolutions, "MOST_LUTS", 600)
    assert to_circuit(segmenter()[1:], (2, 3, 4)).netlist.num_nodes < 600
    with pytest.raises(ValueError, match=r"180 LUTs at 30 places, with 504 before them.* tiles that overlap"):
        to_circuit(segmenter(), (1, 6, 5))
