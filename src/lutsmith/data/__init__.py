"""Samples and labels: readers for IDX, CSV and NPZ files, embedded digits, arithmetic, and the tasks by name.

This needs NumPy only. Tables to train on are the exception: pyarrow reads text faster, and other tables need pyarrow
and narwhals.
"""

from lutsmith.data.dataset import DataError, Dataset, MissingDataError, TableWarning
from lutsmith.data.folders import DATA_VARIABLE
from lutsmith.data.in_memory import from_arrays
from lutsmith.data.inputs import read_samples, sample_batches
from lutsmith.data.large.arrays import stream_arrays
from lutsmith.data.report import Fitted, Report
from lutsmith.data.tables.dates import DATE_PARTS, split_dates
from lutsmith.data.tables.options import TableOptions
from lutsmith.data.tables.text import Reading
from lutsmith.data.tasks import TASKS, check, load, load_test
from lutsmith.ground.labels import Label

__all__ = [
    "DATA_VARIABLE",
    "DATE_PARTS",
    "TASKS",
    "DataError",
    "Dataset",
    "Fitted",
    "Label",
    "MissingDataError",
    "Reading",
    "Report",
    "TableOptions",
    "TableWarning",
    "check",
    "from_arrays",
    "load",
    "load_test",
    "read_samples",
    "sample_batches",
    "split_dates",
    "stream_arrays",
]
