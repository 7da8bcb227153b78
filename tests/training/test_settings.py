"""Settings: what they accept, what they refuse, and the schedules that follow from them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lutsmith.training import Settings
from lutsmith.training.optimization.schedules import rate_factor


def test_settings_survive_json() -> None:
    settings = Settings(
        schedule="step",
        milestones=(3, 7),
        optimizer="adamw",
        optimizer_options={"betas": (0.8, 0.9)},
        score_lr=0.1,
        objective="regression",
        huber_delta=0.5,
        rotate=5,
        refresh=0.25,
        refresh_epochs=(2, 4),
        weight_average=0.99,
        patience=3,
    )
    assert Settings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("epochs", 0, "epochs=0: expected an integer >= 1"),
        ("epochs", 2.0, "epochs=2.0: expected an integer"),
        ("epochs", True, "epochs=True"),
        ("batch_size", -1, "batch_size=-1"),
        ("lr", 0, "lr=0: expected a positive number"),
        ("lr", float("nan"), "lr=nan"),
        ("lr", "fast", "lr='fast'"),
        ("lr", 10**400, "expected a positive number"),
        ("score_lr", -1.0, "score_lr=-1.0"),
        ("schedule", "linear", "expected one of cosine, step, constant"),
        ("schedule", "step", "needs milestones"),
        ("milestones", (5,), "no other schedule takes them"),
        ("milestones", (5, 3), "ascending epochs"),
        ("score_weight_decay", -1.0, "score_weight_decay=-1.0: expected None or a number >= 0"),
        ("objective", "ranking", "expected one of classification, regression, multilabel"),
        ("huber_delta", 1.0, "it is of regression; objective is 'classification'"),
        ("huber_delta", 0.0, "huber_delta=0.0: expected None or a positive number"),
        ("patience", -1, "patience=-1: expected an integer >= 0"),
        ("crop", -1, "crop is -1; expected pixels, an integer of at least 0"),
        ("cutout", 1.5, "cutout is 1.5; expected pixels, an integer"),
        ("flip", 1.5, r"flip is 1.5; expected a probability in \[0, 1\]"),
        ("flip", True, "flip is True; expected a probability"),
        ("rotate", 181, r"rotate is 181; expected degrees in \[0, 180\]"),
        ("zoom", 1.0, r"zoom is 1.0; expected a share in \[0, 1\)"),
        ("shear", 90, r"shear is 90; expected degrees in \[0, 90\)"),
        ("elastic", -1.0, "elastic is -1.0; expected pixels >= 0"),
        ("elastic_nodes", 1, "elastic_nodes is 1; expected an integer of at least 2"),
        ("temperature_final", 0.0, "temperature_final=0.0: expected None or a positive number"),
        ("connection_temperature_final", "cold", "connection_temperature_final='cold'"),
        ("rho_final", 1.5, r"rho_final=1.5: expected None or a number in \(0, 1\]"),
        ("annealing", "step", "expected one of exponential, linear, cosine"),
        ("refresh", 1.0, r"refresh=1.0: expected a share in \[0, 1\)"),
        ("refresh", 0.5, r"refresh=0.5 with refresh_epochs=\(\): give both"),
        ("refresh_epochs", (2,), r"refresh=0.0 with refresh_epochs=\(2,\): give both"),
        ("refresh_epochs", (0,), "refresh_epochs=.* expected ascending epochs >= 1"),
        ("weight_average", 1.0, r"weight_average=1.0: expected a decay in \[0, 1\)"),
        ("warmup", 20, "epochs from 0 to below epochs=20"),
        ("label_smoothing", 1.0, r"label_smoothing=1.0: expected a number in \[0, 1\)"),
        ("bit_flip", 0.6, r"a probability in \[0, 0.5\]"),
        ("validation", 1.0, "a share"),
        ("seed", -1, "seed=-1: expected an integer >= 0"),
        ("seed", 2**63, f"seed={2**63}: expected an integer >= 0 and < {2**63}"),
        ("accelerator", "abacus", "expected one of cpu, cuda, mps, auto"),
        ("precision", "16-true", "expected one of 32-true"),
        ("optimizer", dict, "Trainer"),
        ("optimizer_options", {"lr": {1}}, "JSON values"),
        ("optimizer_options", 3, "a mapping"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_can(field: str, value: Any, says: str) -> None:
    with pytest.raises((ValueError, TypeError), match=says):
        Settings(**{field: value})


def test_regression_has_no_labels_to_smooth() -> None:
    with pytest.raises(ValueError, match="regression has no labels to smooth"):
        Settings(objective="regression", label_smoothing=0.1)


def test_the_largest_seed_is_one_that_torch_takes() -> None:
    torch.Generator().manual_seed(Settings(seed=2**63 - 1).seed)


def test_an_unknown_setting_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"a training run has no learning_rate; it takes epochs, .*lr"):
        Settings.from_json({"learning_rate": 1})


@given(epochs=st.integers(1, 30), steps=st.integers(1, 50), warmup=st.floats(0, 0.9), final=st.floats(0, 1))
def test_the_cosine_starts_at_one_and_falls_to_its_end(epochs: int, steps: int, warmup: float, final: float) -> None:
    settings = Settings(epochs=epochs, warmup=warmup * epochs, final_lr=final)
    factors = [rate_factor(settings, step, steps) for step in range(epochs * steps + 1)]
    peak = factors.index(max(factors))
    assert all(0 <= factor <= 1 for factor in factors)
    assert factors[:peak] == sorted(factors[:peak])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)
    assert factors[-1] == pytest.approx(final)
    assert factors[0] > 0


def test_the_cosine_without_warmup_is_half_way_in_the_middle() -> None:
    assert [rate_factor(Settings(epochs=2), step, 5) for step in (0, 5)] == pytest.approx([1.0, 0.5])


def test_the_step_schedule_multiplies_at_each_milestone() -> None:
    settings = Settings(epochs=6, schedule="step", milestones=(2, 4), gamma=0.1)
    assert [rate_factor(settings, step, 2) for step in range(12)] == pytest.approx([1] * 4 + [0.1] * 4 + [0.01] * 4)


def test_the_constant_schedule_is_constant_after_its_warmup() -> None:
    settings = Settings(epochs=3, schedule="constant", warmup=1)
    assert [rate_factor(settings, step, 3) for step in range(6)] == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])


def test_patience_needs_rows_to_compare_epochs_on() -> None:
    with pytest.raises(ValueError, match=r"patience=3 with validation=0: .* give validation a share"):
        Settings(patience=3, validation=0.0)
