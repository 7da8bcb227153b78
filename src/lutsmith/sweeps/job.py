"""What a sweep is: its task, its space and how it goes about it; and the run that a combination of settings is."""

from __future__ import annotations

import contextlib
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
from lutsmith.runs.shared import SharedData
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
            part, own = self._place(name)
            if part is None:
                arguments[own] = value
            elif name in settings or own not in (self.options.get(part) or {}):
                parts[part][own] = value
        source = self.task if self.dataset is None else self.dataset
        given: dict[str, Any] = {part: fields for part, fields in parts.items() if fields}
        return replace(requested(source, **arguments, **given, seed=seed), fingerprint=self.fingerprint)

    def load(self, shared: SharedData) -> None:
        """Load the data, and hold their test rows out; errors as for `data.load`."""
        settings, seed = self.drawn(0), self.space.seeds[0]
        shared.parted(self.plan(settings, seed), self.request(settings, seed))

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

    def _place(self, name: str) -> tuple[str | None, str]:
        """Return the part of the arguments of `train` that has a name, None for an argument itself, and its name."""
        if name in (*ARGUMENTS, *DATA):
            return None, name
        part, dot, own = name.partition(".")
        if dot:
            return part, own
        architecture = name in self.fields["architecture"] and name not in self.fields["settings"]
        return "architecture" if architecture else "settings", name

    def check(self) -> None:
        """Raise an error where the space names what does not exist, or holds values that no run can have.

        In a grid of at most 2,000 combinations every one is checked. Else each value of a list and both ends of a range
        are tried in some combinations: values that none of them takes are refused. So are combinations that would be
        compared on different validation rows, or on none.

        Raises:
            ValueError, TypeError: names and values, in one line.
        """
        self._check_names()
        self._check_once()
        rows: dict[tuple[Any, ...], str] = {}
        if self.grid and self.trials <= CHECKED:
            for settings in self._grid:
                self._note_rows(rows, settings, self._try(settings))
        else:
            rng = np.random.default_rng([self.seed, 0x5EED])
            for name, values in self.space.settings.items():
                for value in values.ends:
                    self._note_rows(rows, {name: value}, self._try_some(name, value, rng))
        self._check_seeds()

    def _note_rows(self, rows: dict[tuple[Any, ...], str], settings: Mapping[str, Any], plan: Plan) -> None:
        """Raise ValueError where a combination has no validation rows, or others than those before it."""
        folds, share = plan.settings.get("folds"), plan.settings.get("validation")
        if not folds and share == 0:
            raise ValueError(
                f"with {shown(settings)} validation is 0, and combinations are compared on validation rows: give "
                "validation a share in [fixed], such as 0.1"
            )
        own = {"split_seed": plan.rows_seed, "folds": folds or None, "validation": None if folds else share}
        rows.setdefault(tuple(own.values()), shown(settings))
        if len(rows) > 1:
            (one, before), (other, now) = list(rows.items())[:2]
            names = [name for name, first, second in zip(own, one, other, strict=True) if first != second]
            name = names[-1]
            values = dict(zip(own, one, strict=True))[name], dict(zip(own, other, strict=True))[name]
            raise ValueError(
                f"{name} is {values[0]} with {before} and {values[1]} with {now}, so these would be compared on "
                f"different validation rows: give one {name} for all in [fixed]"
            )

    def _check_seeds(self) -> None:
        """Raise ValueError for a seed that no run can have, or where seeds have validation rows of their own."""
        settings: Mapping[str, Any] = self.drawn(0)
        for number in range(TRIES):  # some combinations of a space that is no grid cannot be trained at all
            with contextlib.suppress(ValueError, TypeError):
                self.plan(settings := self.drawn(number % self.trials if self.grid else number))
                break
        else:
            return
        found = set()
        for seed in self.space.seeds:
            try:
                found.add(self.plan(settings, seed).rows_seed)
            except (ValueError, TypeError) as error:
                raise ValueError(f"seeds holds {seed}, which no run can have: {error}") from error
        if len(found) > 1:
            raise ValueError(
                "split_seed is None, so each seed would have validation rows of its own: leave it out, or give a number"
            )

    def _check_once(self) -> None:
        """Raise ValueError for a setting that is named twice, such as `tau` and `settings.tau`, or varied and given."""
        named: dict[tuple[str | None, str], str] = {}
        for name in (*self.space.fixed, *self.space.settings):
            part, own = self._place(name)
            place = (None if own in ARGUMENTS else part, own)
            if place in named:
                raise ValueError(f"{named[place]} and {name} of the space are the same setting: leave one of them out")
            named[place] = name
            if name in self.space.settings:
                for inner in ("settings", "architecture"):
                    given = self.options.get(inner) or {}
                    if own in given and (own in ARGUMENTS or inner == part):
                        raise ValueError(
                            f"{own}={given[own]!r} is given, and the space varies it: leave one of them out"
                        )
            if own in ARGUMENTS and part is not None and own in self.options and name in self.space.settings:
                raise ValueError(
                    f"{own}={self.options[own]!r} is given, and the space varies it: leave one of them out"
                )

    def _check_names(self) -> None:
        fields = self.fields
        names = sorted({*ARGUMENTS, *fields["settings"]} - {"seed"})
        known = [*names, *(f"architecture.{name}" for name in sorted(fields["architecture"]))]
        for name in (*self.space.settings, *self.space.fixed):
            part, dot, own = name.partition(".")
            data = name in DATA and name in self.space.fixed
            if name in known or data or (dot and own in fields.get(part, ())) or name in fields["architecture"]:
                continue
            close = difflib.get_close_matches(name, [*known, *fields["architecture"]], 1)
            meant = f"; did you mean {close[0]!r}?" if close else f"; it takes {', '.join(known)}"
            raise ValueError(f"the space has no setting {name}{meant}")

    def _try(self, settings: Mapping[str, Any]) -> Plan:
        try:
            return self.plan(settings)
        except (ValueError, TypeError) as error:
            raise ValueError(f"the space holds {shown(settings)}, which no run can have: {error}") from error

    def _try_some(self, name: str, value: Any, rng: np.random.Generator) -> Plan:
        for _ in range(TRIES):
            try:
                return self.plan({**self.space.draw(rng), name: value})
            except (ValueError, TypeError) as error:
                last = error
        raise ValueError(f"the space holds {name} = {value!r}, which no run can have: {last}") from last

    @cached_property
    def _grid(self) -> list[dict[str, Any]]:
        return self.space.grid()

    @cached_property
    def names(self) -> list[str]:
        """The names of the combinations of a grid, in its order."""
        return [identity(settings) for settings in self._grid]

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
