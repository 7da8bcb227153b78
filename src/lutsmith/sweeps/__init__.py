"""Sweeps: many runs of one task over a space of settings, by Optuna or Ray Tune; the best one is kept."""

from lutsmith.sweeps.execution import SweepResult, sweep
from lutsmith.sweeps.folder import SeedRow
from lutsmith.sweeps.space import Choices, NumberRange, Space
from lutsmith.sweeps.table import SettingSummary

__all__ = ["Choices", "NumberRange", "SeedRow", "SettingSummary", "Space", "SweepResult", "sweep"]
