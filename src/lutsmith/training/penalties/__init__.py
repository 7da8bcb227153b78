"""Penalties: terms that are added to the loss, one small object each."""

from lutsmith.training.penalties.base import Batch, Penalty
from lutsmith.training.penalties.distillation import Distillation

__all__ = ["Batch", "Distillation", "Penalty"]
