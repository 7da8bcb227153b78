"""One row of the table of presets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lutsmith.ground.frozen import plain_json

Chosen = Literal["validation rows", "test rows", "not recorded"]
"""What decided between the settings that were tried: rows held out of the training part; the test part, at which
somebody looked, so that the figure is a little too good; or nobody wrote it down."""

_TOLD = {None: "csv --data FILE --target COLUMN", "images": "images --data FOLDER"}
"""Tasks whose data have to be named."""


@dataclass(frozen=True)
class Preset:
    """One row of the table of presets: a named network, its settings and what it reached.

    Attributes:
        name: what `preset=` takes.
        task: the task it was made for; None for any table.
        description: one line.
        method: how it is trained: "gradients", "additive", or a method of search.
        architecture: fields of `nn.Architecture` that differ from its defaults, as JSON values; only for gradients.
        settings: fields of `training.Settings`, or of `additive.AdditiveSettings`, that differ from its defaults, as
            JSON values.
        accuracy: hardened accuracy on the test set that `command` reached; None where none was measured.
        seconds: training seconds of `command`, with the threads that docs/presets.md names; None where not measured.
        chosen: how the settings were chosen among those that were tried, see `Chosen`.
    """

    name: str
    task: str | None
    description: str
    architecture: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    accuracy: float | None = None
    seconds: float | None = None
    chosen: Chosen = "not recorded"
    method: str = "gradients"

    @property
    def command(self) -> str:
        """The command that trains this preset, and with which `accuracy` and `seconds` were measured."""
        task = _TOLD.get(self.task, self.task)
        return f"lutsmith train {task} --preset {self.name} --seed 0"

    @property
    def result(self) -> str:
        """What the command reached, or "not measured"."""
        if self.accuracy is None or self.seconds is None:
            return "not measured"
        return f"{self.accuracy:.2%} in {self.seconds:.0f} s"

    def to_json(self) -> dict[str, Any]:
        """Return the fields, `command` and `result`, as JSON values."""
        return {**plain_json(vars(self)), "command": self.command, "result": self.result}
