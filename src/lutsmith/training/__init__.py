"""Training: a short loop on Lightning Fabric with checkpoints, schedules, augmentation and metrics."""

from lutsmith.training.checkpoint import CheckpointError
from lutsmith.training.loop import TrainingError, TrainingInterrupted
from lutsmith.training.metrics import Epoch
from lutsmith.training.settings import Settings
from lutsmith.training.trainer import Fit, Trainer

__all__ = ["CheckpointError", "Epoch", "Fit", "Settings", "Trainer", "TrainingError", "TrainingInterrupted"]
