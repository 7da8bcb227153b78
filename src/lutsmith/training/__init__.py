"""Training: a short loop on Lightning Fabric with checkpoints, schedules, augmentation and metrics."""

from lutsmith.training.annealing import ConnectionTemperatureSchedule, RhoSchedule, TemperatureSchedule
from lutsmith.training.averaging import WeightAverage
from lutsmith.training.callbacks import Callback, Stage
from lutsmith.training.checkpoint import CheckpointError
from lutsmith.training.images import Affine, Crop, Cutout, Flip, Shift
from lutsmith.training.loop import TrainingError, TrainingInterrupted
from lutsmith.training.metrics import Epoch
from lutsmith.training.penalties import Batch, Distillation, Penalty
from lutsmith.training.refresh import CandidateRefresh
from lutsmith.training.settings import Settings
from lutsmith.training.trainer import Fit, Trainer

__all__ = [
    "Affine",
    "Batch",
    "Callback",
    "CandidateRefresh",
    "CheckpointError",
    "ConnectionTemperatureSchedule",
    "Crop",
    "Cutout",
    "Distillation",
    "Epoch",
    "Fit",
    "Flip",
    "Penalty",
    "RhoSchedule",
    "Settings",
    "Shift",
    "Stage",
    "TemperatureSchedule",
    "Trainer",
    "TrainingError",
    "TrainingInterrupted",
    "WeightAverage",
]
