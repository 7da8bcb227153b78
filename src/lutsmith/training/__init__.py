"""Training: a short loop on Lightning Fabric with checkpoints, schedules, augmentation and metrics."""

from lutsmith.data.augmentation.images import Affine, ColourJitter, Crop, Cutout, Flip, Shift
from lutsmith.ground.interrupts import TrainingInterrupted
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
from lutsmith.training.callbacks.time_limit import TimeLimit
from lutsmith.training.ensemble import Ensemble, train_ensemble
from lutsmith.training.files.checkpoint import CheckpointError
from lutsmith.training.fitting import fit
from lutsmith.training.loop.feed import EpochScores, Feed
from lutsmith.training.loop.position import TrainingError
from lutsmith.training.metrics import Epoch
from lutsmith.training.optimization.averaging import WeightAverage
from lutsmith.training.optimization.bop import Bop
from lutsmith.training.penalties import L1, L2, Area, Batch, Consistency, Distillation, Gap, Penalty, Spectral
from lutsmith.training.ranks.ranks import ProcessLostError
from lutsmith.training.settings import Settings
from lutsmith.training.trainer import Fit, Trainer

__all__ = [
    "L1",
    "L2",
    "Affine",
    "Area",
    "Batch",
    "Bop",
    "Callback",
    "CandidateRefresh",
    "CheckpointError",
    "ColourJitter",
    "ConnectionTemperatureSchedule",
    "Consistency",
    "Crop",
    "Cutout",
    "Distillation",
    "EarlyStopping",
    "Ensemble",
    "Epoch",
    "EpochScores",
    "Feed",
    "Fit",
    "Flip",
    "Gap",
    "GradientNormalization",
    "GradualPruning",
    "Penalty",
    "ProcessLostError",
    "ProgressiveFreezing",
    "Resampling",
    "RestingWires",
    "RhoSchedule",
    "SamplingChange",
    "Settings",
    "Shift",
    "Spectral",
    "Stage",
    "TemperatureSchedule",
    "TimeLimit",
    "Trainer",
    "TrainingError",
    "TrainingInterrupted",
    "WeightAverage",
    "WireFreezing",
    "fit",
    "train_ensemble",
]
