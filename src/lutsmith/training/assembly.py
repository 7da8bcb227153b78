"""The objects that settings stand for, in the order in which they act."""

from __future__ import annotations

import math

from lutsmith.training.callbacks.annealing import ConnectionTemperatureSchedule, RhoSchedule, TemperatureSchedule
from lutsmith.training.callbacks.base import Callback
from lutsmith.training.callbacks.early_stopping import EarlyStopping
from lutsmith.training.callbacks.freezing import ProgressiveFreezing, WireFreezing
from lutsmith.training.callbacks.refresh import CandidateRefresh
from lutsmith.training.callbacks.resampling import Resampling
from lutsmith.training.callbacks.resting import RestingWires
from lutsmith.training.callbacks.sampling import SamplingChange
from lutsmith.training.objectives import Objective, make_objective
from lutsmith.training.settings import Settings

ROUNDING = 1e-9
"""By how much a share of the epochs may be off, such as 0.3 of 10."""


def objective_of(settings: Settings) -> Objective:
    """Return the objective that settings name."""
    return make_objective(settings.objective, settings.label_smoothing, settings.huber_delta)


def callbacks_of(settings: Settings) -> list[Callback]:
    """Return the callbacks that settings ask for: schedules, redrawing, freezing and early stopping."""
    found: list[Callback] = []
    for schedule, final in (
        (TemperatureSchedule, settings.temperature_final),
        (RhoSchedule, settings.rho_final),
        (ConnectionTemperatureSchedule, settings.connection_temperature_final),
    ):
        if final is not None:
            found.append(schedule(final, shape=settings.annealing))
    if settings.refresh:
        found.append(CandidateRefresh(settings.refresh, settings.refresh_epochs))
    if settings.resample:
        found.append(Resampling(math.floor(settings.resample * settings.epochs + ROUNDING)))
    if settings.score_every > 1:
        found.append(RestingWires(settings.score_every))
    if settings.freeze_wires is not None:
        found.append(WireFreezing(epochs_of(settings.freeze_wires, settings)))
    if settings.freeze:
        found.append(ProgressiveFreezing(tuple(epochs_of(share, settings) for share in settings.freeze)))
    if settings.sampling_final is not None:
        found.append(SamplingChange(settings.sampling_final, epochs_of(settings.sampling_from, settings)))
    if settings.patience:
        found.append(EarlyStopping(settings.patience))
    return found


def epochs_of(share: float, settings: Settings) -> int:
    """Return the fewest whole epochs that make up a share of all of them."""
    return math.ceil(share * settings.epochs - ROUNDING)
