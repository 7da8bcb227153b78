"""The interface between a training method and a run: its arguments, the plan that they make, and the training
itself.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

from lutsmith.circuit import Circuit
from lutsmith.circuit.metadata import Metadata
from lutsmith.data import Dataset
from lutsmith.data.report import Fitted
from lutsmith.ground.arguments import as_python
from lutsmith.ground.atomic import remove_leftovers

Fields = dict[str, Any]
"""Names of fields to JSON values."""

Parts = dict[str, Fields]
"""What there is to choose, "architecture" and "settings", each with its fields."""


Told = Callable[[int, float], None]
"""Is told of each look at the validation rows: how far training has come, as the method counts it, and the score there.
What it raises ends the training.
"""


class Ready(Protocol):
    """All that a method makes before training begins, and before the run's folder is touched."""

    @property
    def seconds(self) -> float:
        """The seconds that this preparation took."""
        ...

    def fit(
        self, *, resume: bool, metadata: Metadata, folder: Path | None, quiet: bool, told: Told | None = None
    ) -> Fitted:
        """Train, check and report. With a folder, checkpoint and metrics go there; with `resume` it goes on from them.
        `told` is told of each look at the validation rows, if the method has a `unit`.

        Raises:
            TrainingInterrupted: Ctrl-C or SIGTERM.
            CircuitMismatchError: the circuit is not the network.
        """
        ...


class Method(ABC):
    """A training method.

    Attributes:
        name: what `method=` takes.
        parts: what can be chosen: "architecture" and "settings", or one of them.
        arguments: those of `train` that are fields, each with its part.
        begins: whether it can start from a circuit (`start`).
        by_name_alone: whether it is chosen only by its name or a preset, never by the given arguments.
        around: fields of the architecture that it has then where others are not given.
        checkpoint: the name of the file in the run's folder that training goes on from.
        folders: patterns of folders below the run's in which it has runs of its own, each with a checkpoint of that
            name; inner ones first.
        kept: names of further files in them.
        of_classes: fields of the architecture that presets have for classes, and no other objective takes from them.
        free: fields of the settings that change no result, such as how many processes are at work: a run may be gone on
            with under another value.
        unit: what `Told` counts, such as "epoch"; None: it is not told of anything.
        together: whether several processes can train one network.
        follows_classes: whether a width that was not asked for depends on the number of classes.
    """

    name: ClassVar[str]
    parts: ClassVar[tuple[str, ...]]
    arguments: ClassVar[Mapping[str, str]]
    checkpoint: ClassVar[str]
    begins: ClassVar[bool] = False
    by_name_alone: ClassVar[bool] = False
    around: ClassVar[Mapping[str, Any]] = {}
    folders: ClassVar[tuple[str, ...]] = ()
    kept: ClassVar[tuple[str, ...]] = ()
    of_classes: ClassVar[tuple[str, ...]] = ()
    free: ClassVar[tuple[str, ...]] = ()
    unit: ClassVar[str | None] = None
    together: ClassVar[bool] = False
    follows_classes: ClassVar[bool] = False

    def takes(self, name: str) -> bool:
        """Return whether it has an argument of `train`."""
        return name in self.arguments or name in self.parts or (name == "start" and self.begins)

    @abstractmethod
    def fits(self, given: Any) -> bool:
        """Return whether given settings, an object or a mapping of its fields, may belong to this method."""

    @abstractmethod
    def read(self, part: str, given: Any) -> Mapping[str, Any]:
        """Return a part that was given, an object or a mapping of its fields, as a mapping.

        Raises:
            TypeError: it is neither.
        """

    @abstractmethod
    def completed(self, parts: Parts) -> Parts:
        """Return every field of both parts.

        Raises:
            ValueError, TypeError: fields that do not exist or hold what they cannot.
        """

    def fitted_to(self, parts: Parts, num_classes: int) -> Parts:  # noqa: ARG002 - most follow no classes
        """Return parts that so many classes can share."""
        return parts

    @abstractmethod
    def wanted_objective(self, parts: Mapping[str, Mapping[str, Any]]) -> str | None:
        """Return the objective that the given fields ask for; None: it follows from the targets."""

    @abstractmethod
    def ready(self, dataset: Dataset, parts: Parts, start: Circuit | None = None, devices: int | None = None) -> Ready:
        """Check data and fields against each other, and make what training needs; `start` is what it goes on with, and
        `devices` processes train, where several can.

        Raises:
            ValueError, TypeError: they do not fit.
        """

    def again(self, ready: Ready, dataset: Dataset, parts: Parts, start: Circuit | None = None) -> Ready:  # noqa: ARG002
        """Return what `ready` gives for parts that differ from those of an earlier `ready` in the seed alone, of the
        same data and with a `split_seed`: what does not depend on the seed is not made twice.
        """
        return self.ready(dataset, parts, start)


def checkpoint_in(folder: Path | None, name: str, *, resume: bool) -> Path | None:
    """Return where a run's checkpoint lies, in a folder that is there now; one that is not resumed is removed."""
    if folder is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    if not resume:
        (folder / name).unlink(missing_ok=True)
    return folder / name


def as_json(fields: Mapping[str, Any]) -> Fields:
    """Return fields as JSON values; TypeError for what JSON does not have."""
    try:
        values: Fields = json.loads(json.dumps(as_python(fields)))
    except TypeError as error:
        raise TypeError(f"{fields} cannot be written down as JSON: {error}") from error
    return values
