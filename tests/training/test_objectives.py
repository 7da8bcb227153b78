"""Objectives: the targets they take, their losses and scores, and runs of each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lutsmith.data.split import validation_split as split
from lutsmith.nn import DistributiveThermometer, LogicDense, to_circuit
from lutsmith.nn.heads import MultiLabel, Regression
from lutsmith.training import Settings, Trainer
from lutsmith.training.objectives import (
    ClassificationObjective,
    MultiLabelObjective,
    RegressionObjective,
    make_objective,
)
from lutsmith.training.samples import Samples

from .models import Bits, SoftHard, images, network, same_state

X = np.zeros((4, 3))


@pytest.mark.parametrize(
    ("objective", "y", "says"),
    [
        ("regression", np.zeros((4, 2, 2)), r"expected \(4,\) or \(4, k\) numbers"),
        ("regression", np.zeros(3), r"y has shape \(3,\)"),
        ("regression", np.zeros((4, 0)), "numbers"),
        ("regression", np.array([0, 1, np.nan, 2]), "not finite"),
        ("regression", np.array([0, 1, 1e300, 2]), "not finite in float32"),
        ("regression", np.full(4, 2.5), "y is 2.5 in every row"),
        ("regression", np.array(["a"] * 4), "y has dtype <U1: expected real numbers"),
        ("multilabel", np.zeros(4), r"y has shape \(4,\): expected \(4, labels\)"),
        ("multilabel", np.zeros((3, 2)), "expected"),
        ("multilabel", np.array([[0, 2]] * 4), "y holds 2: expected 0 and 1 only"),
        ("multilabel", np.array([[0.0, np.nan]] * 4), "y holds nan"),
        ("classification", np.array([0.0, 1, 1, 0]), "or set objective='regression'"),
    ],
)
def test_targets_that_do_not_suit_are_refused(objective: str, y: Any, says: str) -> None:
    with pytest.raises(TypeError if "dtype" in says or "or set objective" in says else ValueError, match=says):
        Samples.of(X, y, make_objective(objective))


def test_targets_are_float32_but_for_class_ids() -> None:
    assert Samples.of(X, np.arange(4), RegressionObjective()).y.dtype == np.float32
    assert Samples.of(X, np.eye(4, dtype=bool), MultiLabelObjective()).y.dtype == np.float32
    assert Samples.of(X, np.arange(4, dtype=np.uint8)).y.dtype == np.int64


def test_an_objective_of_another_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="expected one of classification, regression, multilabel"):
        make_objective("ranking")


def test_scores_are_what_they_are_called() -> None:
    assert ClassificationObjective().score(np.array([[1, 1], [0, 2]], np.float32), np.array([0, 0])) == 0.5
    assert MultiLabelObjective().score(np.array([[0, 1], [-1, 2]], np.float32), np.array([[0, 1], [1, 1]])) == 0.75
    y = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    noisy = y + np.array([0.5, 1.0], np.float32)
    assert RegressionObjective().score(y, y) == 1
    assert RegressionObjective().score(np.tile(y.mean(0), (50, 1)), y) == pytest.approx(0, abs=1e-6)
    expected = np.mean([1 - (0.25, 1.0)[k] * 50 / np.sum((y[:, k] - y[:, k].mean()) ** 2) for k in (0, 1)])
    assert RegressionObjective().score(noisy, y) == pytest.approx(expected, abs=1e-5)
    assert RegressionObjective().score(np.array([[3.0], [3.0]], np.float32), np.array([3.0, 3.0])) == 1
    assert RegressionObjective().score(np.array([[3.0], [4.0]], np.float32), np.array([3.0, 3.0])) == 0


def test_losses_are_what_they_are_called() -> None:
    outputs, targets = torch.tensor([[0.0], [3.0]]), torch.tensor([0.5, 0.0])
    assert RegressionObjective().loss(outputs, targets) == pytest.approx((0.25 + 9) / 2)
    assert RegressionObjective(1.0).loss(outputs, targets) == pytest.approx((0.125 + 2.5) / 2)
    bits = torch.tensor([[1.0, 0.0]])
    smoothed = nn.functional.binary_cross_entropy_with_logits(torch.ones(1, 2), torch.tensor([[0.9, 0.1]]))
    assert MultiLabelObjective(0.2).loss(torch.ones(1, 2), bits) == pytest.approx(smoothed)


def test_the_split_of_numbers_is_a_share_of_all_rows() -> None:
    for y in (np.linspace(0, 1, 100), np.zeros((100, 3), np.int64)):
        rows, held_out = split(y, 0.25, 0)
        assert (len(rows), len(held_out)) == (75, 25)
        assert sorted([*rows, *held_out]) == list(range(100))


class Scaled(nn.Module):
    """Sums of bits to numbers around 0."""

    def forward(self, x: Tensor) -> Tensor:
        return (x - 16) / 8


def test_a_network_learns_numbers() -> None:
    x, _ = images()
    y = (x[:, 0, :4].mean((1, 2)) - x[:, 0, 4:].mean((1, 2))) / 60
    model = nn.Sequential(Bits(), nn.Flatten(), SoftHard(64, 1), Scaled())
    settings = Settings(epochs=20, batch_size=32, lr=0.05, validation=0.2, objective="regression")
    result = Trainer(settings, quiet=True).fit(model, x, y)
    assert result.best.soft > 0.5
    assert result.best.hard == max(epoch.hard for epoch in result.history)  # type: ignore[type-var]
    hubers = Trainer(Settings.from_json({**settings.to_json(), "huber_delta": 0.1}), quiet=True).fit(
        nn.Sequential(Bits(), nn.Flatten(), SoftHard(64, 1), Scaled()), x, y
    )
    assert hubers.best.loss != result.best.loss


def test_a_network_learns_labels() -> None:
    x, y = images()
    labels = np.stack([y, 1 - y, (x[:, 0, :, 0] > 127).sum(1) > 2], 1)
    model = nn.Sequential(Bits(), nn.Flatten(), SoftHard(64, 3), Scaled())
    settings = Settings(epochs=10, batch_size=32, lr=0.1, validation=0.2, objective="multilabel", label_smoothing=0.1)
    assert Trainer(settings, quiet=True).fit(model, x, labels).best.hard > 0.75


def lut_network(head: nn.Module) -> nn.Sequential:
    generator = torch.Generator().manual_seed(0)
    encoder = DistributiveThermometer(3).fit(images()[0])
    return nn.Sequential(encoder, nn.Flatten(), LogicDense(192, 60, 4, generator=generator), head)


def test_a_lut_network_for_numbers_is_scored_as_its_circuit() -> None:
    x, _ = images()
    y = np.stack([x[:, 0, :4].mean((1, 2)), x[:, 0, 4:].mean((1, 2))], 1)
    model = lut_network(Regression(2, scale=60.0, offset=125.0))
    settings = Settings(epochs=10, batch_size=32, lr=0.05, validation=0.2, objective="regression")
    result = Trainer(settings, quiet=True).fit(model, x, y)
    assert result.best.hard is not None
    assert result.best.hard > 0.6
    rows = result.validation_rows
    predicted = to_circuit(model, (1, 8, 8)).predict(x[rows])
    assert RegressionObjective().score(predicted.astype(np.float32), y[rows].astype(np.float32)) == result.best.hard


def test_a_lut_network_for_labels_is_scored_as_its_circuit() -> None:
    x, y = images()
    labels = np.stack([y, 1 - y, y, 1 - y], 1)
    model = lut_network(MultiLabel(4))
    settings = Settings(epochs=10, batch_size=32, lr=0.05, validation=0.2, objective="multilabel")
    result = Trainer(settings, quiet=True).fit(model, x, labels)
    assert result.best.hard is not None
    assert result.best.hard > 0.85
    rows = result.validation_rows
    assert np.mean(to_circuit(model, (1, 8, 8)).predict(x[rows]) == labels[rows]) == result.best.hard


@pytest.mark.parametrize(
    ("objective", "y", "outputs", "says"),
    [
        ("regression", np.arange(600.0), 2, r"the model gives \(128, 2\) for 128 samples: expected 1 a sample"),
        ("regression", np.random.default_rng(0).normal(size=(600, 3)), 2, "expected 3 a sample"),
        ("multilabel", np.eye(3)[np.arange(600) % 3], 2, r"expected \(B, 3\)"),
    ],
)
def test_models_of_another_width_are_explained(objective: str, y: Any, outputs: int, says: str) -> None:
    model = nn.Sequential(Bits(), nn.Flatten(), SoftHard(64, outputs))
    with pytest.raises(ValueError, match=says):
        Trainer(Settings(objective=objective), quiet=True).fit(model, images()[0], y)


def test_a_loss_or_penalty_that_is_no_scalar_is_explained() -> None:
    for parts in ({"loss": lambda outputs, y: outputs[y]}, {"penalties": [lambda model, batch, outputs: outputs]}):
        with pytest.raises(ValueError, match="expected a scalar"):
            Trainer(Settings(epochs=1), quiet=True, **parts).fit(network(), *images())  # type: ignore[arg-type]


def test_a_loss_of_ones_own_takes_the_place_of_the_objectives() -> None:
    def halved(outputs: Tensor, targets: Tensor) -> Tensor:
        return nn.functional.cross_entropy(outputs, targets) / 2

    settings = Settings(epochs=1, batch_size=32, optimizer="sgd", lr=0.5)
    models = [network(), network(), network()]
    Trainer(settings, quiet=True, loss=halved).fit(models[0], *images())
    Trainer(settings, quiet=True, loss=nn.functional.cross_entropy).fit(models[1], *images())
    Trainer(settings, quiet=True).fit(models[2], *images())
    assert not same_state(models[0], models[2])
    assert same_state(models[1], models[2])
