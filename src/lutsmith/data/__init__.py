"""Samples and labels: readers of IDX, CSV and NPZ files, embedded digits, and the tasks by name. NumPy only."""

from lutsmith.circuit.circuit import Label
from lutsmith.data.dataset import DataError, Dataset
from lutsmith.data.folders import DATA_VARIABLE
from lutsmith.data.inputs import read_samples, sample_batches
from lutsmith.data.tasks import TASKS, load, load_test

__all__ = [
    "DATA_VARIABLE",
    "TASKS",
    "DataError",
    "Dataset",
    "Label",
    "load",
    "load_test",
    "read_samples",
    "sample_batches",
]
