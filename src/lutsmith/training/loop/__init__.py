"""The loop over epochs and steps, and what it needs: steps, validation, checkpointing, devices, the order of data."""

from lutsmith.ground.interrupts import TrainingInterrupted
from lutsmith.training.loop.loop import Loop
from lutsmith.training.loop.position import TrainingError

__all__ = ["Loop", "TrainingError", "TrainingInterrupted"]
