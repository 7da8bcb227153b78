"""Encoders and heads without their values: exported, on the meta device and of fake tensors."""

import copy

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.export import Dim, export

import lutsmith.nn as layers

DATA = torch.rand(200, 12, generator=torch.Generator().manual_seed(0))
ENCODERS = {
    name: lambda name=name: getattr(layers, name)(3).fit(DATA)
    for name in (
        "Thermometer",
        "GaussianThermometer",
        "DistributiveThermometer",
        "LearnableThermometer",
        "LogarithmicThermometer",
        "UniformFixedPoint",
        "Binary",
        "Gray",
        "OneHot",
        "SignMagnitude",
    )
}
HEADS = {
    "GroupSum": lambda: layers.GroupSum(3),
    "GroupSum permuted": lambda: layers.GroupSum(3, permute=True, in_dim=12),
    "GroupAffine": lambda: layers.GroupAffine(3),
    "GroupedDSP": lambda: layers.GroupedDSP(3),
    "OutputCode": lambda: layers.OutputCode(3, in_dim=12),
    "LearnableReduction": lambda: layers.LearnableReduction(3, bits=4, in_dim=12),
}


@pytest.mark.slow
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", [*ENCODERS, *HEADS])
def test_ends_are_traced_without_values(name, training):
    torch.manual_seed(0)
    model = nn.Sequential({**ENCODERS, **HEADS}[name]()).train(training)
    x = DATA[:6] if name in ENCODERS else DATA[:6].round()
    expected = model(x)
    program = export(model, (x,), dynamic_shapes=({0: Dim("batch")},)).module()
    more = DATA[:9] if name in ENCODERS else DATA[:9].round()
    torch.testing.assert_close(program(more), model(more))
    moved = copy.deepcopy(model).to("meta")
    y = moved(x.to("meta"))
    assert (y.shape, y.dtype, y.device.type) == (expected.shape, expected.dtype, "meta")
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        assert model(mode.from_tensor(x)).shape == expected.shape
