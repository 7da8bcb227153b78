"""A small LFC, from its architecture to LUTs, in every format that it is exported to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lutsmith import prove_lowering, to_circuit
from lutsmith.hardware import FORMATS, verify
from lutsmith.nn.neurons import NeuronArchitecture, build_neurons, equal_outputs, expand_layers, luts_of_layers, prune
from lutsmith.nn.neurons.pruning import prunable
from tests.tools import dispensable


def lfc(levels: int, seed: int = 0) -> tuple[nn.Sequential, torch.Tensor]:
    """The flow without its training: binary, pruned, LUTs from the second layer on; and samples."""
    architecture = NeuronArchitecture(({"linear": 10}, {"linear": 8}), levels, bits=2, encoder="distributive")
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(60, 9, generator=generator)
    model = build_neurons(architecture, x.numpy(), 3, seed)
    for layer in prunable(model).values():
        layer.binary = True
        prune(layer, inputs=6)
    model(x)  # statistics of the batch norms
    model.eval()
    before = model(x)
    expand_layers(model, ["layer2", "layer3"], 3, generator=generator)
    assert torch.equal(model(x), before)
    for layer in (model.layer2, model.layer3):
        with torch.no_grad():
            layer.weight.normal_(generator=generator)
    return model, x


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_networks_of_several_levels_are_expanded_lowered_and_proved(levels: int) -> None:
    model, x = lfc(levels)
    assert model.layer2.in_features == 10 * levels
    circuit = to_circuit(model, (9,))
    np.testing.assert_array_equal(circuit.predict(x.numpy()), model(x).argmax(1).numpy())
    assert prove_lowering(model, circuit).verdict == "proved"
    assert list(luts_of_layers(model, (9,))) == ["layer1", "layer2", "layer3"]
    other, _ = lfc(levels, 1)
    assert not equal_outputs(model.layer2, other.layer2, (10 * levels,))
    with torch.no_grad():
        other.load_state_dict(model.state_dict())
    assert equal_outputs(model, other, x)


def test_levels_are_written_down_and_checked() -> None:
    two = NeuronArchitecture(({"conv": 4, "padding": 1}, {"linear": 5}), 2)
    assert NeuronArchitecture.from_json(two.to_json()) == two
    model = build_neurons(two, np.arange(60.0).reshape(5, 1, 3, 4), 3)
    assert (model.layer2.in_features, model.layer3.in_features) == (2 * 4 * 3 * 4, 2 * 5)
    assert model(torch.rand(6, 1, 3, 4)).shape == (6, 3)
    for levels in (0, 9):
        with pytest.raises(ValueError, match=f"levels is {levels}; expected the signs of a sum"):
            NeuronArchitecture(levels=levels)


@pytest.mark.slow
@pytest.mark.needs("abc")
def test_every_export_of_a_small_lfc_is_verified() -> None:
    model, x = lfc(2)
    circuit = to_circuit(model, (9,))
    others = [name for name in FORMATS if name != "verilog"]
    proved = verify(circuit, ["verilog"], layers=("read-back", "formal"))  # a simulator takes long to compile it
    found: Any = verify(circuit, others, x.numpy())
    for report in (proved, found):
        assert not report.failures, str(report)
        for check in report.open:
            assert dispensable(check.reason.partition(" ")[0]), str(report)
    assert {check.format for report in (proved, found) for check in report.checks} == {"design", *FORMATS}
