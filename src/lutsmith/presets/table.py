"""The table of presets. A row is data; `lutsmith.train` turns it into a network and a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Preset:
    """One row.

    Attributes:
        name: what `--preset` takes.
        task: the task it was made for; None for any table.
        description: one line.
        architecture: fields of `nn.Architecture` that differ from its defaults, as JSON values.
        settings: fields of `training.Settings` that differ from its defaults, as JSON values.
        accuracy: hardened accuracy on the test set that `command` reached; None where none was measured.
        seconds: training seconds of `command` on two cores; None where none was measured.
    """

    name: str
    task: str | None
    description: str
    architecture: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    accuracy: float | None = None
    seconds: float | None = None

    @property
    def command(self) -> str:
        """The command that trains this preset, and that `accuracy` and `seconds` were measured with."""
        return f"lutsmith train {self.task or 'csv'} --preset {self.name} --seed 0"


_ROWS = (
    Preset(
        name="digits-fast",
        task="digits",
        description="embedded 8 x 8 digits in seconds",
        architecture={"luts": [2000], "rank": 6, "bits": 15, "encoder": "uniform", "num_candidates": 16},
        settings={"epochs": 80, "batch_size": 64, "lr": 0.03, "bit_flip": 0.1, "validate_every": 4},
        accuracy=0.9722,
        seconds=5.2,
    ),
    Preset(
        name="mnist-fast",
        task="mnist",
        description="98 % of MNIST within a minute of training on two cores",
        architecture={"luts": [4000], "rank": 6, "bits": 3, "num_candidates": 16},
        settings={"epochs": 15, "lr": 0.03, "shift": 1, "validation": 0.05, "validate_every": 3},
        accuracy=0.9818,
        seconds=52.2,
    ),
    Preset(
        name="mnist-4k",
        task="mnist",
        description="the best of MNIST with at most 4,000 LUTs of rank 6",
        architecture={"luts": [4000], "rank": 6, "bits": 3, "num_candidates": 16},
        settings={"epochs": 80, "lr": 0.03, "shift": 1, "validation": 0.05, "validate_every": 5},
        accuracy=0.9854,
        seconds=238.6,
    ),
    Preset(
        name="fashion",
        task="fashion-mnist",
        description="Fashion-MNIST with at most 8,000 LUTs of rank 6",
        architecture={"luts": [8000], "rank": 6, "bits": 7, "num_candidates": 16},
        settings={"epochs": 60, "lr": 0.03, "shift": 1, "validation": 0.05, "validate_every": 5},
        accuracy=0.8986,
        seconds=361.2,
    ),
    Preset(
        name="table",
        task=None,
        description="tables of numbers, a few hundred to a million rows",
        architecture={"luts": [1000], "rank": 6, "bits": 15, "num_candidates": 16},
        settings={"epochs": 40, "lr": 0.02, "batch_size": 128},
    ),
)
_PRESETS = {row.name: row for row in _ROWS}
_DEFAULTS = {"digits": "digits-fast", "mnist": "mnist-fast", "fashion-mnist": "fashion"}


def list_presets() -> tuple[Preset, ...]:
    """Return all rows, in the order of the table."""
    return _ROWS


def get(name: str) -> Preset:
    """Return the row of a name.

    Raises:
        KeyError: there is none; the message lists those there are.
    """
    if name not in _PRESETS:
        raise KeyError(f"no preset {name!r}; there are {', '.join(_PRESETS)}")
    return _PRESETS[name]


def default(task: str) -> Preset:
    """Return the preset that a task takes when none is named; for tables and unknown tasks the row `table`."""
    return _PRESETS[_DEFAULTS.get(task, "table")]
