"""Runs: one call from a task's name to a checked circuit in a file. torch is imported when `train` is called."""

from lutsmith.runs.evaluation import Evaluation, evaluate
from lutsmith.runs.execution import CircuitMismatchError, train
from lutsmith.runs.folder import Run

__all__ = ["CircuitMismatchError", "Evaluation", "Run", "evaluate", "train"]
