"""Callbacks: training aids that act between the steps."""

from lutsmith.training.callbacks.annealing import ConnectionTemperatureSchedule, RhoSchedule, TemperatureSchedule
from lutsmith.training.callbacks.base import Callback, Stage
from lutsmith.training.callbacks.early_stopping import EarlyStopping
from lutsmith.training.callbacks.freezing import ProgressiveFreezing, WireFreezing
from lutsmith.training.callbacks.pruning import GradualPruning
from lutsmith.training.callbacks.refresh import CandidateRefresh
from lutsmith.training.callbacks.resampling import Resampling
from lutsmith.training.callbacks.resting import RestingWires
from lutsmith.training.callbacks.sampling import SamplingChange
from lutsmith.training.callbacks.stabilization import GradientNormalization

__all__ = [
    "Callback",
    "CandidateRefresh",
    "ConnectionTemperatureSchedule",
    "EarlyStopping",
    "GradientNormalization",
    "GradualPruning",
    "ProgressiveFreezing",
    "Resampling",
    "RestingWires",
    "RhoSchedule",
    "SamplingChange",
    "Stage",
    "TemperatureSchedule",
    "WireFreezing",
]
