"""Gradient normalization: the size of the gradients that it promises, at every layer."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lutsmith.nn import GroupSum, LogicDense, to_circuit
from lutsmith.training import GradientNormalization, Settings, Trainer

from .killed import data
from .killed import network as lut_network


def deep() -> nn.Sequential:
    generator = torch.Generator().manual_seed(0)
    layers = [LogicDense(40, 40, 3, weight_init="random", generator=generator) for _ in range(6)]
    return nn.Sequential(*layers, GroupSum(2))


def gradients(model: nn.Sequential, normalization: GradientNormalization | None) -> list[Tensor]:
    """The gradients at the outputs of the LUT layers, as the layers get them."""
    seen: list[Tensor] = []
    x = torch.rand(32, 40, generator=torch.Generator().manual_seed(1)).requires_grad_()

    def loss() -> Tensor:
        outputs, h = [], x
        for module in model:
            h = module(h)
            outputs.append(h)
        for output in outputs[:-1]:
            output.register_hook(seen.append)  # after those of the normalization: hooks run in the order they came
        return nn.functional.cross_entropy(h, torch.arange(32) % 2)

    if normalization is None:
        loss().backward()
    else:
        with normalization.active(model):
            loss().backward()
    return seen[::-1]


@pytest.mark.parametrize("over", ["layer", "sample"])
@pytest.mark.parametrize("subtract_mean", [True, False])
def test_every_layer_gets_gradients_of_the_size_asked_for(over: Any, subtract_mean: bool) -> None:
    plain = [float(g.std(correction=0)) for g in gradients(deep(), None)]
    assert min(plain) < 0.1 * max(plain)  # they vanish, and not here:
    for g in gradients(deep(), GradientNormalization(0.01, over, subtract_mean)):
        dims = (0, 1) if over == "layer" else (1,)
        size = g.std(dims, correction=0) if subtract_mean else g.square().mean(dims).sqrt()
        assert torch.allclose(size, torch.full_like(size, 0.01), rtol=1e-3)
        if subtract_mean:
            assert g.mean(dims).abs().max() < 1e-6


def test_it_is_the_formula_and_zero_stays_zero() -> None:
    g = torch.randn(4, 5, dtype=torch.float64)
    expected = (g - g.mean()) / g.std(correction=0) * 2
    assert torch.allclose(GradientNormalization(2.0).normalized(g), expected)
    assert not GradientNormalization().normalized(torch.zeros(3, 4)).any()
    assert GradientNormalization(over="sample").normalized(torch.zeros(0, 4)).shape == (0, 4)
    tiny = (g * 1e-5).half()  # the squares are 0 in float16
    assert torch.allclose(GradientNormalization(2.0).normalized(tiny).double(), expected, atol=0.05)
    assert GradientNormalization().normalized(tiny).dtype == torch.float16


def test_it_ends_with_the_block_and_with_the_run() -> None:
    model = deep()
    inside, outside = gradients(model, GradientNormalization(7.0)), gradients(model, None)
    assert not torch.allclose(inside[0], outside[0])
    model = lut_network()
    trainer = Trainer(Settings(epochs=1, batch_size=32), quiet=True, callbacks=[GradientNormalization(1e-3)])
    trainer.fit(model, *data())
    to_circuit(model, (1, 6, 6))  # refuses modules with hooks


def test_it_changes_what_is_learned() -> None:
    models = [lut_network(), lut_network()]
    for model, callbacks in zip(models, ([], [GradientNormalization(1e-3)]), strict=True):
        result = Trainer(Settings(epochs=3, batch_size=32), quiet=True, callbacks=callbacks).fit(model, *data())
        assert result.best.loss < 0.69  # ln 2: it learns either way
    assert not torch.equal(models[0][2].weight, models[1][2].weight)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: GradientNormalization(0.0), r"target=0.0\): expected a positive number"),
        (lambda: GradientNormalization(float("nan")), "target=nan"),
        (lambda: GradientNormalization(over="batch"), r"is 'batch'; expected one of layer, sample"),  # type: ignore[arg-type]
    ],
)
def test_settings_that_cannot_be_are_refused(make: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make()


def test_a_model_without_lut_layers_is_refused() -> None:
    with pytest.raises(ValueError, match="acts on LUT layers"), GradientNormalization().active(nn.Linear(2, 2)):
        pass
