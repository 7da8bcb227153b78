"""The table of presets. A row is data; `lutsmith.train` turns it into a network and a training run."""

from __future__ import annotations

from lutsmith.ground.arguments import one_of
from lutsmith.presets.additive import ADDITIVE
from lutsmith.presets.convolutional import CONVOLUTIONAL, OURS
from lutsmith.presets.neurons import NEURONS
from lutsmith.presets.ours import IMAGES, TABLES
from lutsmith.presets.published import PUBLISHED
from lutsmith.presets.row import Preset

DEFAULT_METHODS = {"images": "gradients", "tables": "additive"}
"""The training method for each kind of data where neither a method nor a preset is named."""

_ROWS = (*IMAGES, *OURS, *TABLES, *ADDITIVE, *PUBLISHED, *CONVOLUTIONAL, *NEURONS)
_PRESETS = {row.name: row for row in _ROWS}
_IMAGE_TASKS = ("digits", "mnist", "fashion-mnist", "cifar-10", "images")
_DEFAULTS = {
    "gradients": {
        "digits": "digits-fast",
        "mnist": "mnist-fast",
        "fashion-mnist": "fashion",
        "cifar-10": "conv-cifar-360k",
        "images": "images",
        **{row.task: row.name for row in TABLES if row.task is not None},
    },
    "additive": {
        "digits": "additive-digits",
        "mnist": "additive-mnist-4k",
        "fashion-mnist": "additive-fashion-4k",
    },
}
_TABLE = {"gradients": "table", "additive": "additive-table"}
"""What all other tasks take."""


def list_presets() -> tuple[Preset, ...]:
    """Return all rows, in the order of the table: ours, then those of the field."""
    return _ROWS


def get(name: str) -> Preset:
    """Return the preset with a name.

    Raises:
        ValueError: there is no such preset; the message lists the known ones.
    """
    return _PRESETS[one_of("preset", name, _PRESETS)]


def default(task: str, method: str | None = None) -> Preset:
    """Return the default preset of a task; for tables and unknown tasks it is the preset for any table.

    Args:
        task: its name.
        method: the training method; one without presets gets a preset of its own name, with its defaults. None: that of
            the kind of data (`DEFAULT_METHODS`).
    """
    method = DEFAULT_METHODS["images" if task in _IMAGE_TASKS else "tables"] if method is None else method
    if method not in _DEFAULTS:
        return Preset(method, None, "the defaults of a method that has no rows of its own", method=method)
    return _PRESETS[_DEFAULTS[method].get(task, _TABLE[method])]


def default_of_shape(input_shape: tuple[int, ...], method: str | None = None) -> Preset:
    """Return the default preset of data in memory, by the shape of one sample.

    Images (H, W) or (C, H, W) of at most 16 x 16 get the preset of the digits, larger ones that of MNIST; all other
    data count as a table. The method is as for `default`.
    """
    if len(input_shape) not in (2, 3):
        return default("table", method)
    return default("digits" if max(input_shape[-2:]) <= 16 else "mnist", method)
