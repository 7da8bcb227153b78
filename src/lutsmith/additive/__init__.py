"""Additive learning: networks of LUTs that vote, grown one after the other; no gradient through a table, no torch."""

from lutsmith.additive.course import Growth
from lutsmith.additive.settings import AdditiveSettings
from lutsmith.additive.trainer import AdditiveTrainer

__all__ = ["AdditiveSettings", "AdditiveTrainer", "Growth"]
