"""Runs: one call from a task's name to a checked circuit in a file. torch is imported when `train` is called."""

from lutsmith.runs.evaluation import Evaluation, evaluate
from lutsmith.runs.execution import CircuitMismatchError, train
from lutsmith.runs.folder import Run
from lutsmith.runs.held_out import Measured, measured_rows
from lutsmith.runs.saved import SavedFileError

__all__ = [
    "CircuitMismatchError",
    "Evaluation",
    "Measured",
    "Run",
    "SavedFileError",
    "evaluate",
    "measured_rows",
    "train",
]
