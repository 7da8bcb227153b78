"""The average of the weights: what it is, and that it is what is validated and kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lutsmith.training import Callback, Settings, Stage, Trainer, WeightAverage
from lutsmith.training.metrics import logits

from .models import images, network


def test_the_average_follows_its_formula() -> None:
    model = nn.Linear(3, 2)
    average, expected = WeightAverage(model, 0.5), model.weight.detach().clone()
    for step in range(12):
        with torch.no_grad():
            model.weight.normal_()
        average.update()
        expected = torch.lerp(expected, model.weight.detach(), 1 - min(0.5, (1 + step) / (10 + step)))
    live = model.weight.detach().clone()
    with average.applied():
        assert torch.allclose(model.weight, expected)
    assert torch.equal(model.weight, live)
    average.apply()
    assert torch.allclose(model.weight, expected)


def test_the_weights_come_back_after_an_error() -> None:
    model = nn.Linear(3, 2)
    live, average = model.weight.detach().clone(), WeightAverage(model, 0.9)
    with torch.no_grad():
        model.weight.add_(1)
    with pytest.raises(RuntimeError), average.applied():
        raise RuntimeError
    assert torch.equal(model.weight, live + 1)


def test_parts_of_an_average_may_begin_anew() -> None:
    model = nn.Linear(3, 2)
    average, before = WeightAverage(model, 0.9), model.weight.detach().clone()
    with torch.no_grad():
        model.weight.add_(1)
    average.restart(model.weight, torch.tensor([[True, False, False]] * 2))
    with average.applied():
        assert torch.equal(model.weight, torch.cat([before[:, :1] + 1, before[:, 1:]], 1))


def test_an_average_steadies_weights_that_jump_about() -> None:
    model = nn.Linear(1, 1, bias=False)
    average, generator = WeightAverage(model, 0.98), torch.Generator().manual_seed(0)
    errors = []
    for _ in range(1000):
        with torch.no_grad():
            model.weight.copy_(1 + torch.randn(1, 1, generator=generator))
        average.update()
        with average.applied():
            errors.append(model.weight.item() - 1)
    assert np.std(errors[200:]) < 0.2  # sqrt((1 - d) / (1 + d)) = 0.1 of the weights' own


@pytest.mark.parametrize("decay", [1.0, -0.1, float("nan")])
def test_a_decay_that_is_none_is_refused(decay: float) -> None:
    with pytest.raises(ValueError, match=r"WeightAverage\(decay=.*expected a number in \[0, 1\)"):
        WeightAverage(nn.Linear(1, 1), decay)


def test_the_averages_of_another_model_are_refused() -> None:
    saved = WeightAverage(nn.Linear(3, 2), 0.9).state_dict()
    with pytest.raises(ValueError, match="not those of the model's parameters"):
        WeightAverage(nn.Linear(2, 2), 0.9).load_state_dict(saved)


@pytest.mark.parametrize("validation", [0.2, 0.0])
def test_the_averaged_network_is_what_is_validated_and_kept(validation: float) -> None:
    weights: list[torch.Tensor] = []
    model: Any = network()

    class Copy(Callback):
        def after_step(self, stage: Stage) -> None:
            weights.append(model[2].weight.detach().clone())

    start = model[2].weight.detach().clone()
    settings = Settings(epochs=1, batch_size=32, lr=0.3, validation=validation, weight_average=0.9)
    result = Trainer(settings, quiet=True, callbacks=[Copy()]).fit(model, *images())
    expected = start
    for step, weight in enumerate(weights):
        expected = torch.lerp(expected, weight, 1 - min(0.9, (1 + step) / (10 + step)))
    assert torch.allclose(model[2].weight, expected, atol=1e-6)
    assert not torch.allclose(model[2].weight, weights[-1], atol=1e-3)
    if validation:
        x, y = images()
        rows = result.validation_rows
        assert np.mean(logits(model, x, rows, hardened=True).argmax(1) == y[rows]) == result.best.hard
