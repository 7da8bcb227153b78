"""Additive learning: networks of LUTs that vote, grown one after the other; no gradient through a table, no torch."""

from lutsmith.additive.settings import AdditiveSettings
from lutsmith.additive.trainer import AdditiveTrainer, Growth

__all__ = ["AdditiveSettings", "AdditiveTrainer", "Growth"]
