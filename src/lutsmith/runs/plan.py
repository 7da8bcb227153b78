"""The plan of a run: the arguments as given, merged with a preset, as JSON values that a folder records."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lutsmith import presets
from lutsmith.circuit import Circuit
from lutsmith.data import Dataset, TableOptions
from lutsmith.ground.arguments import number, settings_checked, whole_number
from lutsmith.runs import held_out
from lutsmith.runs.methods import METHODS, Method, Parts, as_json
from lutsmith.runs.start import start_name

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Request:
    """The arguments of one call of `train`; None is "not given".

    Attributes:
        task, preset, data, target, test, luts, rank, bits, lr, epochs, seed, test_share, max_luts, max_seconds: as for
            `train`; the task is None where the data are in memory.
        architecture, settings: fields of them.
        table: fields of `data.TableOptions`.
        dataset: the data in memory.
        fingerprint: their checksum, where the run is kept.
        method: the one that the arguments ask for.
        start: a circuit, or the path of its file.
    """

    task: str | None
    preset: str | None = None
    data: str | None = None
    target: str | int | None = None
    test: str | None = None
    luts: Sequence[int] | int | None = None
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
    max_luts: int | None = None
    max_seconds: float | None = None
    method: str | None = None
    start: Circuit | PathLike | None = None

    @settings_checked()
    def __post_init__(self) -> None:
        """Check what needs neither data nor torch; raise TypeError or ValueError."""
        given, what = self.luts, "the width of each layer, such as (2000, 1000), or of the only one"
        widths = (given,) if isinstance(given, int) and not isinstance(given, bool) else given
        if not isinstance(widths, (tuple, list, type(None))):
            raise TypeError(f"luts is {given!r}; expected {what}")
        if widths is not None and not widths:
            raise ValueError(f"luts={given!r}: expected {what}")
        for width in widths or ():
            whole_number("luts", width, 1, what=what)
        object.__setattr__(self, "luts", widths)
        if self.preset is not None:
            presets.get(self.preset)
        sizes = {"luts": self.luts, "rank": self.rank, "bits": self.bits}
        if self.start is not None and (asked := [name for name, value in sizes.items() if value is not None]):
            size = f"{asked[0]}={sizes[asked[0]]!r}"
            raise ValueError(f"{size} is of a network to build, and start=FILE gives one: leave one out")
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

    def overrides(self, method: Method) -> Parts:
        """Return the fields of the architecture and of the settings of a method that were given."""
        parts = {"architecture": dict(self.architecture or {}), "settings": dict(self.settings or {})}
        for name, part in method.arguments.items():
            if (value := getattr(self, name)) is not None:
                parts[part][name] = value
        return {part: as_json(fields) for part, fields in parts.items()}


@dataclass(frozen=True)
class Plan:
    """A complete request: everything that decides which circuit is made. All fields are JSON values.

    Attributes:
        task, preset, target: as for `train`; the preset is never None, the task of data in memory is.
        data, test: absolute paths, or None.
        architecture, settings: every field of `nn.Architecture` and `training.Settings`; of additive learning none, and
            those of `additive.AdditiveSettings`.
        table: the fields of `data.TableOptions` that were given.
        test_share: of a table's rows, by class, what is held out as its test part, by the `rows_seed`, before
            anything else; None where there is a test part, and in plans of earlier versions, which held nothing out.
        fingerprint: a checksum of data in memory.
        method: the training method; gradients in plans of earlier versions.
        start: the circuit that it goes on with, as `start_name` gives it; its sizes count, not the architecture's.
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
    method: str = "gradients"
    start: str | None = None

    @classmethod
    @settings_checked()
    def of(cls, request: Request) -> Plan:
        """Return the plan of a request: defaults, then the preset, then what was given.

        Raises:
            ValueError, TypeError: fields that do not exist or hold what they cannot.
        """
        preset = _chosen(request)
        method, given = METHODS[preset.method], request.overrides(METHODS[preset.method])
        chosen: Parts = {"architecture": dict(preset.architecture), "settings": dict(preset.settings)}
        if request.start is not None:  # a preset's is of a network to build
            chosen["architecture"] = dict(method.around)
        if request.dataset is not None and request.dataset.objective != "classification":
            for name in method.of_classes:
                chosen["architecture"].pop(name, None)
        parts = method.completed({part: {**fields, **given[part]} for part, fields in chosen.items()})
        return cls(
            task=request.task,
            preset=preset.name,
            data=_absolute(request.data),
            target=request.target,
            test=_absolute(request.test),
            architecture=parts["architecture"],
            settings=parts["settings"],
            table=TableOptions.of(request.table).to_json(),
            test_share=_share(request),
            fingerprint=request.fingerprint,
            method=method.name,
            start=start_name(request.start),
        )

    @property
    def parts(self) -> Parts:
        """The architecture and the settings."""
        return {"architecture": self.architecture, "settings": self.settings}

    @settings_checked()
    def completed(self) -> Plan:
        """Return the plan with every field: the plan of an earlier version lacks later fields, whose defaults change
        nothing.
        """
        return self._with(METHODS[self.method].completed(self.parts))

    def follows_classes(self, request: Request) -> bool:
        """Return whether the classes round the LUTs, because their number was not asked for."""
        method = METHODS[self.method]
        return method.follows_classes and "luts" not in request.overrides(method)["architecture"]

    @settings_checked()
    def fitted_to(self, dataset: Dataset, request: Request) -> Plan:
        """Return the plan with a last layer that the classes can share, where its width was not asked for."""
        if not self.follows_classes(request):
            return self
        return self._with(METHODS[self.method].fitted_to(self.parts, dataset.num_classes))

    def _with(self, parts: Parts) -> Plan:
        return replace(self, architecture=parts["architecture"], settings=parts["settings"])

    @settings_checked()
    def freely(self, request: Request) -> Plan:
        """Return the plan with those settings of a request that change no result."""
        method = METHODS[self.method]
        given = request.overrides(method)["settings"]
        chosen = {name: value for name, value in given.items() if name in method.free}
        return self._with(method.completed({**self.parts, "settings": {**self.settings, **chosen}})) if chosen else self

    @settings_checked()
    def differences(self, request: Request) -> list[str]:
        """Return "name is X and was Y" for each given argument that differs from the plan."""
        given = {
            "method": request.method,
            "task": request.task,
            "preset": request.preset,
            "data": _absolute(request.data),
            "target": request.target,
            "test": _absolute(request.test),
            "table": TableOptions.of(request.table).to_json() or None,
            "start": start_name(request.start),
        }
        pairs: list[tuple[str, Any, Any]] = [
            (name, value, getattr(self, name)) for name, value in given.items() if value is not None
        ]
        if request.test_share is not None:
            pairs.append(("test_share", request.test_share, self.test_share or 0.0))
        for part, fields in request.overrides(METHODS[self.method]).items():
            compared = {name: value for name, value in fields.items() if name not in METHODS[self.method].free}
            pairs += [(name, value, self.parts[part].get(name)) for name, value in compared.items()]
        found = [f"{name} is {_shown(value)} and was {_shown(old)}" for name, value, old in pairs if value != old]
        if request.fingerprint != self.fingerprint:
            was = "of a task" if self.fingerprint is None else "others"
            found.append(
                f"the data in memory are not those of the run, which were {was}"
                if request.dataset
                else "the data are a task's, and those of the run were in memory"
            )
        return found

    @property
    def rows_seed(self) -> int:
        """The seed of the rows that are held out: `split_seed` of the settings, else their seed."""
        given = self.settings.get("split_seed")
        return int(self.settings["seed"] if given is None else given)

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
        return presets.default_of_shape(request.dataset.input_shape, request.method)
    return presets.default(request.task or "table", request.method)


def _absolute(path: str | None) -> str | None:
    return None if path is None else str(Path(path).expanduser().absolute())


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
