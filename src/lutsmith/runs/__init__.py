"""Runs: one call from data to a checked circuit, in a file if wanted. torch is imported only to train by gradients."""

from lutsmith.data.report import CircuitMismatchError
from lutsmith.ground.interrupts import TrainingInterrupted
from lutsmith.runs.evaluation import Evaluation, evaluate
from lutsmith.runs.execution import train
from lutsmith.runs.folder import Run, default_folder
from lutsmith.runs.held_out import Measured, measured_rows
from lutsmith.runs.polishing import Polishing, polish
from lutsmith.runs.refining import Refinement, refine
from lutsmith.runs.saved import SavedFileError

__all__ = [
    "CircuitMismatchError",
    "Evaluation",
    "Measured",
    "Polishing",
    "Refinement",
    "Run",
    "SavedFileError",
    "TrainingInterrupted",
    "default_folder",
    "evaluate",
    "measured_rows",
    "polish",
    "refine",
    "train",
]
