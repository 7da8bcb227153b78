"""A module that stands in a sequence several times is computed as often: in the circuit, in the proof, in counts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from lutsmith.nn import GroupSum, LogicDense, prove_lowering, to_circuit
from lutsmith.nn.neurons import BinarizeSign, BinaryLinear, LUTConv2d, LUTLinear
from lutsmith.nn.neurons.counts import luts_of_layers

BITS = np.array(list(itertools.product([0, 1], repeat=6)), np.float32)


def layer() -> LogicDense:
    return LogicDense(6, 6, lut_rank=3, weight_init="random")


def test_layers_that_stand_twice_are_computed_twice() -> None:
    torch.manual_seed(0)
    twice, once = layer(), nn.Flatten()
    model = nn.Sequential(twice, once, twice, nn.Sequential(once, twice), GroupSum(2)).eval()
    circuit = to_circuit(model, (6,))
    np.testing.assert_array_equal(circuit.decision_function(BITS), model(torch.from_numpy(BITS)).numpy())
    assert prove_lowering(model, circuit).ok
    other = nn.Sequential(twice, once, GroupSum(2)).eval()
    assert not prove_lowering(model, to_circuit(other, (6,))).ok
    assert not prove_lowering(other, circuit).ok


def test_signs_that_stand_twice() -> None:
    torch.manual_seed(0)
    sign = BinarizeSign()
    model = nn.Sequential(sign, BinaryLinear(6, 8), sign, BinaryLinear(8, 3)).eval()
    circuit, x = to_circuit(model, (6,)), 2 * BITS - 1
    np.testing.assert_array_equal(circuit.predict(x), model(torch.from_numpy(x)).argmax(-1).numpy())
    assert prove_lowering(model, circuit).ok
    assert sum(circuit.luts_by_rank().values()) > 8
    assert luts_of_layers(model, (6,))


@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_a_batch_norm_rounds_alike_for_one_sample_and_for_many(kind: str) -> None:
    """Sums that lie at a threshold, to the last bit of float32: eval mode is the circuit whatever the batch."""
    torch.manual_seed(0)
    norm: nn.Module
    if kind == "linear":
        sums, norm, shape = LUTLinear(8, 24, rank=2, scale="none", bias=False), nn.BatchNorm1d(24), (8,)
    else:
        sums, norm, shape = LUTConv2d(2, 24, 2, rank=2, scale="none", bias=False), nn.BatchNorm2d(24), (2, 4, 4)
    with torch.no_grad():
        norm.weight.normal_()
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 3)
        at = torch.randint(-2, 3, (24,)) * 2 - norm.running_mean
        norm.bias.copy_(-at * norm.weight / torch.sqrt(norm.running_var + norm.eps))
    model = nn.Sequential(sums, norm, BinarizeSign()).eval()
    x = torch.randn(200, *shape)
    y = model(x)
    assert torch.equal(y, torch.cat([model(row[None]) for row in x]))
    bits = to_circuit(model, shape).evaluate(x.numpy())
    np.testing.assert_array_equal(bits.reshape(len(x), -1), (y > 0).flatten(1).numpy())
