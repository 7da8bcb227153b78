"""What a run was asked for: the arguments as given, merged with a preset, as JSON values that a folder remembers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lutsmith import presets
from lutsmith.data import Dataset, TableOptions
from lutsmith.ground.arguments import number, whole_number
from lutsmith.runs import held_out

_ARCHITECTURE = ("luts", "rank", "bits")
_SETTINGS = ("lr", "epochs", "seed")


@dataclass(frozen=True)
class Request:
    """The arguments of one call of `train`; None is "not given".

    Attributes:
        task, preset, data, target, test, luts, rank, bits, lr, epochs, seed, test_share: as for `train`; the task is
            None where the data are in memory.
        architecture, settings: fields of `nn.Architecture` and `training.Settings`.
        table: fields of `data.TableOptions`.
        dataset: the data in memory.
        fingerprint: their checksum, where the run is kept.
    """

    task: str | None
    preset: str | None = None
    data: str | None = None
    target: str | int | None = None
    test: str | None = None
    luts: Sequence[int] | None = None
    rank: int | None = None
    bits: int | None = None
    lr: float | None = None
    epochs: int | None = None
    seed: int | None = None
    architecture: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] | None = None
    table: Mapping[str, Any] | None = None
    test_share: float | None = None
    dataset: Dataset | None = None
    fingerprint: str | None = None

    def __post_init__(self) -> None:
        """Check what needs neither data nor torch; raise TypeError or ValueError."""
        if self.luts is not None and (not self.luts or any(whole_number("luts", n, 0) < 1 for n in self.luts)):
            raise ValueError(f"luts={self.luts!r}: expected the width of each layer, such as (2000, 1000)")
        if self.preset is not None:
            presets.get(self.preset)
        if self.test_share is None:
            return
        expected = "the share of rows to hold out, 0 or above, below 1"
        number("test_share", self.test_share, lambda share: 0 <= share < 1, expected)
        if not self.comes_without_test_part:
            given = self.dataset is not None or self.test is not None
            part = "the test rows are given" if given else f"{self.task} has a test part"
            raise ValueError(
                f"{part}: leave out test_share={self.test_share!r}, nothing is held out of the training rows"
            )

    @property
    def comes_without_test_part(self) -> bool:
        """Whether the rows to measure on have to be held out."""
        if self.dataset is not None:
            return self.dataset.x_test is None
        return self.task in held_out.TABLES and self.test is None

    def overrides(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the fields of the architecture and of the settings that were given."""
        architecture, settings = dict(self.architecture or {}), dict(self.settings or {})
        for names, fields in ((_ARCHITECTURE, architecture), (_SETTINGS, settings)):
            fields.update({name: getattr(self, name) for name in names if getattr(self, name) is not None})
        return _as_json(architecture), _as_json(settings)


@dataclass(frozen=True)
class Plan:
    """A request made whole: everything that decides which circuit comes out. All fields are JSON values.

    Attributes:
        task, preset, target: as for `train`; the preset is never None, the task of data in memory is.
        data, test: absolute paths, or None.
        architecture, settings: every field of `nn.Architecture` and `training.Settings`.
        table: the fields of `data.TableOptions` that were given.
        test_share: of a table's rows, by class, what is held out as its test part, by the seed of the settings, before
            anything else; None where there is a test part, and in plans of earlier versions, which held nothing out.
        fingerprint: a checksum of data in memory.
    """

    task: str | None
    preset: str
    data: str | None
    target: str | int | None
    test: str | None
    architecture: dict[str, Any]
    settings: dict[str, Any]
    table: dict[str, Any] = field(default_factory=dict)
    test_share: float | None = None
    fingerprint: str | None = None

    @classmethod
    def of(cls, request: Request) -> Plan:
        """Return the plan of a request: defaults, then the preset, then what was given.

        Presets divide the scores of classes by a tau; other objectives take their head's own.

        Raises:
            ValueError, TypeError: fields that do not exist or hold what they cannot.
        """
        from lutsmith.nn import Architecture
        from lutsmith.training import Settings

        preset, dataset = _chosen(request), request.dataset
        architecture, settings = request.overrides()
        chosen = dict(preset.architecture)
        if dataset is not None and dataset.objective != "classification":
            chosen.pop("tau", None)
        return cls(
            task=request.task,
            preset=preset.name,
            data=_absolute(request.data),
            target=request.target,
            test=_absolute(request.test),
            architecture=_as_json(Architecture.from_json({**chosen, **architecture}).to_json()),
            settings=_as_json(Settings.from_json({**preset.settings, **settings}).to_json()),
            table=TableOptions.of(request.table).to_json(),
            test_share=_share(request),
            fingerprint=request.fingerprint,
        )

    def completed(self) -> Plan:
        """Return the plan with every field: one that an earlier version wrote down lacks the later ones, which have
        defaults that change nothing.
        """
        from lutsmith.nn import Architecture
        from lutsmith.training import Settings

        return replace(
            self,
            architecture=_as_json(Architecture.from_json(self.architecture).to_json()),
            settings=_as_json(Settings.from_json(self.settings).to_json()),
        )

    def fitted_to(self, dataset: Dataset, request: Request) -> Plan:
        """Return the plan with a last layer that the classes can share, where its width was not asked for."""
        from lutsmith.nn import Architecture

        if "luts" in request.overrides()[0]:
            return self
        architecture = Architecture.from_json(self.architecture).shared_by(dataset.num_classes)
        return replace(self, architecture=_as_json(architecture.to_json()))

    def differences(self, request: Request) -> list[str]:
        """Return "name is X and was Y" for each argument that was given and is not the plan's."""
        architecture, settings = request.overrides()
        given = {
            "task": request.task,
            "preset": request.preset,
            "data": _absolute(request.data),
            "target": request.target,
            "test": _absolute(request.test),
            "table": TableOptions.of(request.table).to_json() or None,
        }
        pairs: list[tuple[str, Any, Any]] = [
            (name, value, getattr(self, name)) for name, value in given.items() if value is not None
        ]
        if request.test_share is not None:
            pairs.append(("test_share", request.test_share, self.test_share or 0.0))
        pairs += [(name, value, self.architecture.get(name)) for name, value in architecture.items()]
        pairs += [(name, value, self.settings.get(name)) for name, value in settings.items()]
        found = [f"{name} is {_shown(value)} and was {_shown(old)}" for name, value, old in pairs if value != old]
        if request.fingerprint != self.fingerprint:
            was = "of a task" if self.fingerprint is None else "others"
            found.append(
                f"the data in memory are not those of the run, which were {was}"
                if request.dataset
                else "the data are a task's, and those of the run were in memory"
            )
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)


def _share(request: Request) -> float | None:
    if not request.comes_without_test_part:
        return None
    return held_out.SHARE if request.test_share is None else float(request.test_share)


def _chosen(request: Request) -> presets.Preset:
    if request.preset is not None:
        return presets.get(request.preset)
    if request.dataset is not None:
        return presets.default_of_shape(request.dataset.input_shape)
    return presets.default(request.task or "table")


def _absolute(path: str | None) -> str | None:
    return None if path is None else str(Path(path).expanduser().absolute())


def _as_json(fields: dict[str, Any]) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(json.dumps(fields))
    except TypeError as error:
        raise TypeError(f"{fields} cannot be written down as JSON: {error}") from error
    return values


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
