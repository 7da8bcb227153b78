"""Additive learning: networks of LUTs that vote, grown one after the other, without gradients through tables, without
torch.
"""

from lutsmith.additive.course import Growth
from lutsmith.additive.settings import AdditiveSettings
from lutsmith.additive.trainer import AdditiveTrainer

__all__ = ["AdditiveSettings", "AdditiveTrainer", "Growth"]
