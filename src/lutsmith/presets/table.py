"""The table of presets. A row is data; `lutsmith.train` turns it into a network and a training run."""

from __future__ import annotations

from lutsmith.ground.arguments import one_of
from lutsmith.presets.ours import IMAGES, TABLES
from lutsmith.presets.published import PUBLISHED
from lutsmith.presets.row import Preset

_ROWS = (*IMAGES, *TABLES, *PUBLISHED)
_PRESETS = {row.name: row for row in _ROWS}
_DEFAULTS = {"digits": "digits-fast", "mnist": "mnist-fast", "fashion-mnist": "fashion"}
_DEFAULTS.update({row.task: row.name for row in TABLES if row.task is not None})


def list_presets() -> tuple[Preset, ...]:
    """Return all rows, in the order of the table: ours, then those of the field."""
    return _ROWS


def get(name: str) -> Preset:
    """Return the row of a name.

    Raises:
        ValueError: there is none; the message lists those there are.
    """
    return _PRESETS[one_of("preset", name, _PRESETS)]


def default(task: str) -> Preset:
    """Return the preset that a task takes when none is named; for tables and unknown tasks the row `table`."""
    return _PRESETS[_DEFAULTS.get(task, "table")]


def default_of_shape(input_shape: tuple[int, ...]) -> Preset:
    """Return the preset that data in memory take when none is named, by the shape of one sample.

    Images (H, W) or (C, H, W) of at most 16 x 16 take that of the digits, larger ones that of MNIST; all else is taken
    for a table.
    """
    if len(input_shape) not in (2, 3):
        return _PRESETS["table"]
    return default("digits" if max(input_shape[-2:]) <= 16 else "mnist")
