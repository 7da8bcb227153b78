"""Schedules of temperatures and rho: the values between, whose they are, and what they do to a run."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lutsmith.nn import LogicDense
from lutsmith.training import (
    Callback,
    ConnectionTemperatureSchedule,
    RhoSchedule,
    Settings,
    Stage,
    TemperatureSchedule,
    Trainer,
)
from lutsmith.training.callbacks.annealing import interpolate

from .models import candidates_network, images

POSITIVE = st.floats(0.01, 100)


def stage(model: nn.Module, epochs: int = 5) -> Stage:
    return Stage(model, torch.optim.SGD(model.parameters(), lr=0.1), epochs)


@given(initial=POSITIVE, final=POSITIVE, shape=st.sampled_from(["linear", "exponential", "cosine"]))
def test_every_shape_goes_from_the_initial_to_the_final_value_in_one_direction(
    initial: float, final: float, shape: str
) -> None:
    values = [interpolate(initial, final, step / 10, shape) for step in range(11)]
    assert values[0] == pytest.approx(initial)
    assert values[-1] == pytest.approx(final)
    assert sorted(values, reverse=initial > final) == pytest.approx(values)


def test_the_shapes_differ_in_the_middle() -> None:
    assert interpolate(4, 1, 0.5, "linear") == 2.5
    assert interpolate(4, 1, 0.5, "exponential") == 2.0
    assert interpolate(4, 1, 0.25, "cosine") > 3.25 > interpolate(4, 1, 0.25, "exponential")


def test_layers_start_from_their_own_values() -> None:
    layers = [LogicDense(8, 4, 2, temperature=t) for t in (1.0, 4.0)]
    model = nn.Sequential(*layers)
    schedule, run = TemperatureSchedule(0.25, shape="exponential"), stage(model)
    schedule.begin(run)
    seen = []
    for run.epoch in range(5):
        schedule.before_epoch(run)
        seen.append([layer.parametrization.temperature for layer in layers])
    assert seen[0] == [1.0, 4.0]
    assert seen[2] == pytest.approx([0.5, 1.0])
    assert seen[4] == pytest.approx([0.25, 0.25])


def test_a_lower_temperature_brings_the_soft_network_to_the_hardened_one() -> None:
    torch.manual_seed(0)
    layer = LogicDense(20, 50, 3, weight_init="random")
    x = torch.randint(0, 2, (40, 20)).float()
    hard, soft = layer.eval()(x), layer.train()(x)
    schedule, run = TemperatureSchedule(0.01), stage(nn.Sequential(layer))
    schedule.begin(run)
    run.epoch = run.epochs - 1
    schedule.before_epoch(run)
    assert (layer(x) - hard).abs().mean() < 0.1 * (soft - hard).abs().mean()


def test_rho_belongs_to_dwn_and_connection_temperatures_to_learned_connections() -> None:
    layers = [
        LogicDense(20, 4, 2, parametrization="dwn"),
        LogicDense(4, 4, 2, connections="learnable", num_candidates=2),
    ]
    model = nn.Sequential(*layers)
    for schedule in (RhoSchedule(1.0), ConnectionTemperatureSchedule(0.1)):
        schedule.begin(stage(model, 1))
        schedule.before_epoch(stage(model, 1))
    assert layers[0].parametrization.rho == 1.0  # type: ignore[attr-defined]
    assert not hasattr(layers[1].parametrization, "rho")
    assert layers[1].connections.temperature == pytest.approx(0.1)
    assert layers[1].parametrization.temperature == 1.0


@pytest.mark.parametrize("schedule", [TemperatureSchedule(0.1), RhoSchedule(0.1), ConnectionTemperatureSchedule(0.1)])
def test_a_model_with_nothing_to_change_is_refused(schedule: Any) -> None:
    with pytest.raises(ValueError, match="has nothing to change: no layer of the model has"):
        schedule.begin(stage(nn.Linear(2, 2)))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: TemperatureSchedule(0.0), r"TemperatureSchedule\(final=0.0\): expected a positive number"),
        (lambda: TemperatureSchedule(1.0, initial=float("inf")), r"initial=inf"),
        (lambda: RhoSchedule(1.5), r"RhoSchedule\(final=1.5\): expected a positive number, at most 1"),
        (lambda: TemperatureSchedule(1.0, shape="steps"), "expected one of exponential, linear, cosine"),
    ],
)
def test_values_that_cannot_be_are_refused(make: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make()


def test_the_settings_anneal_a_run_and_leave_the_values_of_the_epoch_that_was_kept() -> None:
    seen: list[tuple[float, float, float]] = []
    model = candidates_network()
    layer = model[2]

    class Watch(Callback):
        def after_step(self, stage: Stage) -> None:
            if stage.batch == 1:
                values = layer.parametrization
                seen.append((values.temperature, values.rho, layer.connections.temperature))

    settings = Settings(
        epochs=3,
        batch_size=64,
        temperature_final=0.25,
        rho_final=1.0,
        connection_temperature_final=0.5,
        annealing="linear",
    )
    result = Trainer(settings, quiet=True, callbacks=[Watch()]).fit(model, *images())
    assert seen == [(1.0, 0.5, 1.0), (0.625, 0.75, 0.75), (0.25, 1.0, 0.5)]
    assert layer.parametrization.temperature == seen[result.best.epoch - 1][0]


def test_a_run_of_one_epoch_is_at_the_final_value() -> None:
    model = candidates_network()
    Trainer(Settings(epochs=1, temperature_final=0.5), quiet=True).fit(model, *images())
    assert model[2].parametrization.temperature == 0.5
