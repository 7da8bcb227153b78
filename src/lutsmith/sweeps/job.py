"""What a sweep is: its task, its space and how it goes about it; and the run that a combination of settings is."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from lutsmith.data import Dataset
from lutsmith.runs.methods import METHODS, as_json, asked_method
from lutsmith.runs.plan import Plan, Request
from lutsmith.runs.requesting import requested
from lutsmith.sweeps.space import Space

ARGUMENTS = ("preset", "method", "luts", "rank", "bits", "lr", "epochs", "max_luts", "max_seconds", "start")
"""Arguments of `train` that a space may name; all else that it names are fields of settings or an architecture."""
DATA = ("data", "target", "test", "table", "test_share")
"""Arguments of `train` that say what the data are, the same in all of a sweep."""
ENGINES = ("optuna", "ray")
CHECKED = 2_000
"""Combinations of a grid that are all checked before it begins."""
TRIES = 32
"""Combinations that a value is tried in before a sweep begins."""


@dataclass(frozen=True)
class Job:
    """A sweep, as a value that processes hand to each other.

    Attributes:
        task: as `train` takes it; None where the data are in memory.
        options: arguments of `train` that are the same in all of the sweep, by name; "settings" and "architecture" are
            mappings. All are JSON values.
        space: what varies.
        grid: whether each combination is trained once.
        trials: how many combinations are trained at the most.
        prune: whether combinations that are worse than others are given up on the way.
        seed: of the choice of combinations, and of what is held out.
        engine: a name of `ENGINES`.
        dataset: the data in memory.
        fingerprint: their checksum.
    """

    task: str | None
    options: Mapping[str, Any]
    space: Space
    grid: bool
    trials: int
    prune: bool
    seed: int
    engine: str
    dataset: Dataset | None = field(default=None, compare=False)
    fingerprint: str | None = None

    def record(self) -> dict[str, Any]:
        """Return what tells this sweep from others, as JSON values."""
        return {
            "task": self.task,
            "options": dict(self.options),
            **self.space.to_json(),
            "grid": self.grid,
            "trials": self.trials,
            "prune": self.prune,
            "seed": self.seed,
            "engine": self.engine,
            "fingerprint": self.fingerprint,
        }

    def request(self, settings: Mapping[str, Any], seed: int) -> Request:
        """Return the arguments of the run of a combination and a seed: validation rows are the same for all.

        Raises:
            ValueError, TypeError: settings that do not exist, do not go together, or hold what they cannot.
        """
        arguments = {name: value for name, value in self.options.items() if name not in ("settings", "architecture")}
        parts = {part: dict(self.options.get(part) or {}) for part in ("settings", "architecture")}
        parts["settings"].setdefault("split_seed", self.seed)
        for name, value in {**self.space.fixed, **settings}.items():
            if name in (*ARGUMENTS, *DATA):
                arguments[name] = value
                continue
            part, dot, own = name.partition(".")
            if not dot:
                part, own = ("architecture" if self._is_of_architecture(name) else "settings"), name
            parts[part][own] = value
        source = self.task if self.dataset is None else self.dataset
        given: dict[str, Any] = {part: fields for part, fields in parts.items() if fields}
        return replace(requested(source, **arguments, **given, seed=seed), fingerprint=self.fingerprint)

    def plan(self, settings: Mapping[str, Any], seed: int = 0) -> Plan:
        """Return the plan of such a run; errors as for `request`."""
        return Plan.of(self.request(settings, seed))

    @cached_property
    def fields(self) -> Mapping[str, set[str]]:
        """The fields of the settings and the architectures of all methods and presets that may be trained."""
        found: dict[str, set[str]] = {"settings": set(), "architecture": set()}
        choosing = {name: values.ends for name, values in self.space.settings.items() if name in ("method", "preset")}
        wanted = [{name: value} for name, values in choosing.items() for value in values] or [{}]
        for chosen in wanted:
            own = {name: self.space.fixed[name] for name in ("method", "preset") if name in self.space.fixed}
            arguments = {
                name: value
                for name, value in {**self.options, **own, **chosen}.items()
                if name not in ("settings", "architecture")
            }
            source = self.task if self.dataset is None else self.dataset
            if "method" not in arguments and "preset" not in arguments:
                arguments["method"] = self._asked()
            plan = Plan.of(requested(source, **arguments))
            for part, fields in plan.parts.items():
                found[part] |= fields.keys()
        return found

    def _asked(self) -> str | None:
        """Return the method that arguments of the space ask for, as `train` guesses it; None: any."""
        varied = {name: values.ends[0] for name, values in self.space.settings.items()}
        named = {name: value for name, value in {**varied, **self.space.fixed}.items() if name in ARGUMENTS}
        return asked_method(None, None, named)

    def _is_of_architecture(self, name: str) -> bool:
        return name in self.fields["architecture"] and name not in self.fields["settings"]

    def check(self) -> None:
        """Raise an error where the space names what does not exist, or holds values that no run can have.

        In a grid of at most 2,000 combinations every one is checked. Else each value of a list and both ends of a range
        are tried in some combinations: values that none of them takes are refused.

        Raises:
            ValueError, TypeError: names and values, in one line.
        """
        fields = self.fields
        known = [*ARGUMENTS, *fields["settings"], *(f"architecture.{name}" for name in fields["architecture"])]
        for name in (*self.space.settings, *self.space.fixed):
            part, dot, own = name.partition(".")
            data = name in DATA and name in self.space.fixed
            if name in known or data or (dot and own in fields.get(part, ())) or name in fields["architecture"]:
                continue
            close = difflib.get_close_matches(name, [*known, *fields["architecture"]], 1)
            meant = f"; did you mean {close[0]!r}?" if close else f"; it takes {', '.join(known)}"
            raise ValueError(f"the space has no setting {name}{meant}")
        if self.grid and self.trials <= CHECKED:
            for settings in self._grid:
                self._try(settings)
            return
        rng = np.random.default_rng([self.seed, 0x5EED])
        for name, values in self.space.settings.items():
            for value in values.ends:
                self._try_some(name, value, rng)

    def _try(self, settings: Mapping[str, Any]) -> None:
        try:
            self.plan(settings)
        except (ValueError, TypeError) as error:
            raise ValueError(f"the space holds {shown(settings)}, which no run can have: {error}") from error

    def _try_some(self, name: str, value: Any, rng: np.random.Generator) -> None:
        for number in range(TRIES):
            try:
                self.plan({**self.space.draw(rng), name: value})
            except (ValueError, TypeError) as error:
                if number == TRIES - 1:
                    raise ValueError(f"the space holds {name} = {value!r}, which no run can have: {error}") from error
            else:
                return

    @cached_property
    def _grid(self) -> list[dict[str, Any]]:
        return self.space.grid()

    def drawn(self, number: int) -> dict[str, Any]:
        """Return the combination of a number: of a grid in its order, else drawn by the seed."""
        return dict(self._grid[number]) if self.grid else self.space.draw(np.random.default_rng([self.seed, number]))

    @cached_property
    def longest(self) -> int | None:
        """How far the longest run goes, in the unit of its method; None: runs tell nothing on the way."""
        found = [self._length(self.drawn(number)) for number in range(min(self.trials, TRIES))]
        return max((length for length in found if length is not None), default=None)

    @property
    def rung(self) -> int | None:
        """Where combinations are compared first: at a ninth of the longest run; None: they are all trained whole."""
        return None if not self.prune or self.longest is None else max(1, self.longest // 9)

    def _length(self, settings: Mapping[str, Any]) -> int | None:
        plan = self.plan(settings)
        name = {"epoch": "epochs", "LUT": "max_luts", "step": "steps"}.get(METHODS[plan.method].unit or "")
        return None if name is None else int(plan.settings[name])


def identity(settings: Mapping[str, Any]) -> str:
    """Return a short name of a combination, the same for equal ones."""
    text = json.dumps(as_json(settings), sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def shown(settings: Mapping[str, Any]) -> str:
    """Return a combination in words."""
    return ", ".join(f"{name}={value_shown(value)}" for name, value in settings.items())


def value_shown(value: Any) -> str:
    """Return a value in a table: numbers in a few digits, texts as they are, all else as JSON."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)
