"""Penalties: terms that are added to the loss, one small object each."""

from lutsmith.training.penalties.activations import Consistency, Gap
from lutsmith.training.penalties.base import Batch, Penalty
from lutsmith.training.penalties.distillation import Distillation
from lutsmith.training.penalties.tables import L1, L2, Area, Spectral

__all__ = ["L1", "L2", "Area", "Batch", "Consistency", "Distillation", "Gap", "Penalty", "Spectral"]
