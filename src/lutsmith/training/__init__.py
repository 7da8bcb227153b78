"""Training: a short loop on Lightning Fabric with checkpoints, schedules, augmentation and metrics."""

from lutsmith.training.annealing import ConnectionTemperatureSchedule, RhoSchedule, TemperatureSchedule
from lutsmith.training.averaging import WeightAverage
from lutsmith.training.callbacks import Callback, Stage
from lutsmith.training.checkpoint import CheckpointError
from lutsmith.training.ensemble import Ensemble, train_ensemble
from lutsmith.training.fitting import fit
from lutsmith.training.freezing import ProgressiveFreezing
from lutsmith.training.images import Affine, Crop, Cutout, Flip, Shift
from lutsmith.training.loop import TrainingError, TrainingInterrupted
from lutsmith.training.metrics import Epoch
from lutsmith.training.penalties import L1, L2, Area, Batch, Consistency, Distillation, Gap, Penalty, Spectral
from lutsmith.training.refresh import CandidateRefresh
from lutsmith.training.settings import Settings
from lutsmith.training.stabilization import GradientNormalization
from lutsmith.training.trainer import Fit, Trainer

__all__ = [
    "L1",
    "L2",
    "Affine",
    "Area",
    "Batch",
    "Callback",
    "CandidateRefresh",
    "CheckpointError",
    "ConnectionTemperatureSchedule",
    "Consistency",
    "Crop",
    "Cutout",
    "Distillation",
    "Ensemble",
    "Epoch",
    "Fit",
    "Flip",
    "Gap",
    "GradientNormalization",
    "Penalty",
    "ProgressiveFreezing",
    "RhoSchedule",
    "Settings",
    "Shift",
    "Spectral",
    "Stage",
    "TemperatureSchedule",
    "Trainer",
    "TrainingError",
    "TrainingInterrupted",
    "WeightAverage",
    "fit",
    "train_ensemble",
]
