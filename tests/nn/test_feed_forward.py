import numpy as np
import pytest
import torch
from torch import nn

from lutsmith.nn import to_circuit
from lutsmith.nn.dense import LogicDense
from lutsmith.nn.encoders import DistributiveThermometer, UniformFixedPoint
from lutsmith.nn.feed_forward import FeedForward
from lutsmith.nn.heads import HEADS, GroupedDSP, GroupSum

X = torch.rand(60, 1, 4, 5)


def test_the_defaults_are_bitlogics():
    model = FeedForward(fit_samples=X, num_classes=10, layer_width=40)
    encoder, _, first, second, head = model
    assert isinstance(encoder, DistributiveThermometer)
    assert encoder.num_bits == 8
    for layer in (first, second):
        assert (layer.lut_rank, layer.out_dim, layer.parametrization_name) == (4, 40, "light")
        assert layer.connections.num_candidates == 8
    assert isinstance(head, GroupSum)
    assert head.tau == 150


@pytest.mark.parametrize("head", ["groupsum", "groupeddsp"])
@pytest.mark.parametrize("encoder", ["distributive_thermometer", "thermometer", "uniform_fixed_point", "gray"])
@pytest.mark.parametrize("connections", ["learnable", "fixed"])
def test_every_variant_is_its_circuit(head, encoder, connections):
    torch.manual_seed(0)
    model = FeedForward(
        fit_samples=X,
        num_classes=3,
        layer_width=30,
        num_layers=3,
        num_bits=4,
        lut_rank=3,
        num_candidates=4,
        connections=connections,
        encoder=encoder,
        head=head,
        tau=5,
        weight_init="random",
    ).eval()
    assert sum(isinstance(module, LogicDense) for module in model) == 3
    circuit = to_circuit(model, (1, 4, 5))
    x = torch.rand(200, 1, 4, 5)
    assert np.array_equal(circuit.predict(x.numpy()), model(x).argmax(-1).numpy())


def test_an_encoder_may_be_given_and_the_words_of_the_head_set():
    encoder = DistributiveThermometer(3, fit_axes=(1,))
    model = FeedForward(
        fit_samples=X, num_classes=2, layer_width=10, encoder=encoder, head="groupeddsp", head_wbits=5, num_candidates=4
    )
    assert model[0] is encoder
    assert encoder.thresholds.shape[-1] == 3
    assert isinstance(model[-1], GroupedDSP)
    assert model[-1].wbits == 5
    assert isinstance(
        FeedForward(fit_samples=X, num_classes=2, layer_width=10, encoder="uniform_fixed_point", num_bits=3)[0],
        UniformFixedPoint,
    )


def test_constant_pixels_are_not_wired():
    x = X.clone()
    x[:, :, :2] = 0.25
    model = FeedForward(fit_samples=x, num_classes=2, layer_width=50)
    usable = model[0].usable.flatten()
    assert not usable.all()
    assert usable[model[2].connections.candidates.unique().long()].all()


@pytest.mark.parametrize("head", sorted(HEADS))
def test_every_head_may_be_chosen_and_trains(head):
    model = FeedForward(fit_samples=X, num_classes=2, layer_width=20, num_candidates=4, head=head)
    model(X).square().sum().backward()
    assert model[2].weight.grad.any()


def test_a_slice_is_a_plain_network():
    model = FeedForward(fit_samples=X, num_classes=2, layer_width=10, device="cpu")
    assert type(model[:3]) is nn.Sequential
    assert torch.equal(model[3:](model[:3](X)), model(X))
    assert model[-1] is list(model)[-1]


def test_a_device_is_that_of_the_whole_network():
    model = FeedForward(fit_samples=X, num_classes=2, layer_width=10, head="groupeddsp", device="meta")
    assert all(value.is_meta for value in model.state_dict().values())


def test_what_cannot_be_is_said():
    with pytest.raises(ValueError, match="distributive_thermometer"):
        FeedForward(fit_samples=X, num_classes=2, layer_width=10, encoder="thermal")
    with pytest.raises(ValueError, match="group-sum"):
        FeedForward(fit_samples=X, num_classes=2, layer_width=10, head="softmax")
    with pytest.raises(ValueError, match="num_layers"):
        FeedForward(fit_samples=X, num_classes=2, layer_width=10, num_layers=0)
    with pytest.raises(ValueError, match="multiple of 3"):
        FeedForward(fit_samples=X, num_classes=3, layer_width=10)
