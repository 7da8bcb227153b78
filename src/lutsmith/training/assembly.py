"""The objects that settings stand for, in the order in which they act."""

from __future__ import annotations

from lutsmith.training.callbacks.annealing import ConnectionTemperatureSchedule, RhoSchedule, TemperatureSchedule
from lutsmith.training.callbacks.base import Callback
from lutsmith.training.callbacks.early_stopping import EarlyStopping
from lutsmith.training.callbacks.refresh import CandidateRefresh
from lutsmith.training.objectives import Objective, make_objective
from lutsmith.training.settings import Settings


def objective_of(settings: Settings) -> Objective:
    """Return what is trained for."""
    return make_objective(settings.objective, settings.label_smoothing, settings.huber_delta)


def callbacks_of(settings: Settings) -> list[Callback]:
    """Return the schedules, the refresh of candidates, and what stops early."""
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
    if settings.patience:
        found.append(EarlyStopping(settings.patience))
    return found
