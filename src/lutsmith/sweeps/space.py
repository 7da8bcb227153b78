"""The space of a sweep: for each setting a list of choices or a range, settings that stay, and seeds.

seeds = [0, 1, 2]

[space]
lr = {low = 0.003, high = 0.1, log = true}   # a float; both ends are in
epochs = {low = 10, high = 40, step = 10}    # an integer, as both ends are
rank = [4, 6]                                # choices
architecture.encoder = ["uniform", "distributive"]

[fixed]
method = "gradients"
"""

from __future__ import annotations

import itertools
import math
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lutsmith.ground.arguments import as_python, check_options, whole_number

PARTS = ("settings", "architecture")
"""What a name may begin with: `architecture.rank`."""
MOST = 100_000
"""Combinations that a grid may have."""


@dataclass(frozen=True)
class Choices:
    """A setting that has one of some values: JSON values, at least one, no two of them equal."""

    values: tuple[Any, ...]

    def draw(self, rng: np.random.Generator) -> Any:
        """Return one of them."""
        return self.values[int(rng.integers(len(self.values)))]

    @property
    def ends(self) -> tuple[Any, ...]:
        """What is tried before a sweep begins: all."""
        return self.values

    @property
    def listed(self) -> tuple[Any, ...] | None:
        """All values, where they can be listed."""
        return self.values

    def written(self) -> list[Any]:
        """Return it as the space file has it."""
        return list(self.values)


@dataclass(frozen=True)
class NumberRange:
    """A setting that has a number of a range.

    Attributes:
        low, high: the ends, which are in it; integers where the values are.
        log: whether factors count, not differences.
        step: from one value to the next; None: 1 for integers, and any value for floats.
    """

    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None

    @property
    def is_whole(self) -> bool:
        """Whether its values are integers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def steps(self) -> int:
        """How many values it has above the first one, where they are steps apart."""
        return math.floor((self.high - self.low) / (self.step or 1) + 1e-9)

    def draw(self, rng: np.random.Generator) -> int | float:
        """Return a value: all are equally likely, or all factors."""
        if self.log and self.is_whole:
            at = rng.uniform(math.log(self.low - 0.5), math.log(self.high + 0.5))
            return min(max(round(math.exp(at)), int(self.low)), int(self.high))
        if self.log:
            return float(np.exp(rng.uniform(math.log(self.low), math.log(self.high))).clip(self.low, self.high))
        if self.is_whole or self.step is not None:
            return self._at(int(rng.integers(self.steps + 1)))
        return float(rng.uniform(self.low, self.high))

    def _at(self, number: int) -> int | float:
        return min(self.low + number * (self.step or 1), self.high)

    @property
    def ends(self) -> tuple[Any, ...]:
        """What is tried before a sweep begins."""
        return (self.low, self.high)

    @property
    def listed(self) -> tuple[Any, ...] | None:
        """All values, where they can be listed."""
        if self.log or self.steps >= MOST or not (self.is_whole or self.step is not None):
            return None
        return tuple(map(self._at, range(self.steps + 1)))

    def written(self) -> dict[str, Any]:
        """Return it as the space file has it."""
        return {"low": self.low, "high": self.high, "log": self.log, "step": self.step}


@dataclass(frozen=True)
class Space:
    """What a sweep varies, what stays, and the seeds that each combination is trained with.

    Attributes:
        settings: names to `Choices` or `NumberRange`: arguments of `train`, or fields of settings; those of an
            architecture begin with `architecture.`.
        fixed: names to values, likewise.
        seeds: whole numbers of at least 0.
    """

    settings: Mapping[str, Choices | NumberRange]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0,)

    @classmethod
    def of(cls, given: Space | Mapping[str, Any] | str | os.PathLike[str]) -> Space:
        """Return a space from a file, or from a mapping of the same contents.

        Raises:
            ValueError, TypeError: a file that is not TOML; values that are neither lists nor ranges.
            OSError: a file that cannot be read.
        """
        if isinstance(given, Space):
            return given
        if not isinstance(given, Mapping):
            path = Path(given)
            try:
                given = tomllib.loads(path.read_text("utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise ValueError(f"{path} cannot be read: {error}") from None
        document: dict[str, Any] = as_python(given)
        check_options("the space file", document, ["space", "fixed", "seeds"])
        for name in ("space", "fixed"):
            if not isinstance(document.get(name, {}), dict):
                raise TypeError(f"{name} of the space is {document[name]!r}; expected a table, [{name}]")
        varied = {name: _varied(name, value) for name, value in _flat(document.get("space", {}))}
        fixed = dict(_flat(document.get("fixed", {})))
        if not varied:
            raise ValueError("the space names no setting: expected [space] with such as lr = [0.01, 0.03]")
        if twice := [name for name in varied if name in fixed]:
            raise ValueError(f"{twice[0]} is in [space] and in [fixed]: leave one of them out")
        for name in (*varied, *fixed):
            if name in ("seed", "settings.seed"):
                raise ValueError("seed is not a setting of the space: give seeds = [0, 1, 2] above [space]")
        return cls(varied, fixed, seeds_of(document.get("seeds", [0])))

    def grid(self) -> list[dict[str, Any]]:
        """Return every combination once.

        Raises:
            ValueError: a range without steps, or too many combinations.
        """
        for name, values in self.settings.items():
            if values.listed is None:
                raise ValueError(f"{name} is a range whose values cannot be listed: give a list, or step=, for a grid")
        listed = {name: values.listed or () for name, values in self.settings.items()}
        if (count := math.prod(map(len, listed.values()))) > MOST:
            raise ValueError(f"the grid has {count:,} combinations; expected at most {MOST:,}")
        return [dict(zip(listed, values, strict=True)) for values in itertools.product(*listed.values())]

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return a combination, drawn at random."""
        return {name: values.draw(rng) for name, values in self.settings.items()}

    def to_json(self) -> dict[str, Any]:
        """Return it as the space file has it."""
        space = {name: values.written() for name, values in self.settings.items()}
        return {"space": space, "fixed": dict(self.fixed), "seeds": list(self.seeds)}


def seeds_of(given: Any) -> tuple[int, ...]:
    """Return seeds, checked: a list of different whole numbers."""
    if not isinstance(given, (list, tuple)) or not given:
        raise TypeError(f"seeds is {given!r}; expected a list of whole numbers, such as [0, 1, 2]")
    found = tuple(whole_number("a seed", seed, 0) for seed in given)
    if len(set(found)) < len(found):
        raise ValueError(f"seeds is {list(found)}; expected each seed once")
    return found


def _flat(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield names and values; those of the tables `settings` and `architecture` by `architecture.NAME`."""
    for name, value in table.items():
        if name in PARTS and isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", item) for inner, item in value.items())
        else:
            yield name, value


def _varied(name: str, value: Any) -> Choices | NumberRange:
    if isinstance(value, (list, tuple)):
        values = tuple(value)
        if not values:
            raise ValueError(f"{name} of the space is an empty list; expected values to choose from")
        if len({repr(item) for item in values}) < len(values):
            raise ValueError(f"{name} of the space is {list(values)}; expected each value once")
        return Choices(values)
    if not isinstance(value, Mapping):
        raise TypeError(
            f"{name} of the space is {value!r}; expected a list of choices or {{low = ..., high = ...}}; a setting "
            "with one value belongs to [fixed]"
        )
    check_options(f"the range of {name}", value, ["low", "high", "log", "step"])
    for end in ("low", "high"):
        if end not in value:
            raise ValueError(f"the range of {name} has no {end}; expected low and high")
    for part in ("low", "high", "step"):
        number = value.get(part)
        if number is None and part == "step":
            continue
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
            raise TypeError(f"{part} of the range of {name} is {number!r}; expected a number")
    low, high, log, step = value["low"], value["high"], value.get("log", False), value.get("step")
    if not isinstance(log, bool):
        raise TypeError(f"log of the range of {name} is {log!r}; expected true or false")
    if not low < high:
        raise ValueError(f"the range of {name} goes from {low} to {high}; expected low below high")
    if log and (low <= 0 or step is not None):
        raise ValueError(f"the range of {name} has log = true; expected low above 0, and no step")
    if max(abs(low), abs(high)) >= 2**63:
        raise ValueError(f"the range of {name} goes from {low} to {high}; expected numbers below 2**63")
    if step is not None and not 0 < step <= high - low:
        raise ValueError(f"step of the range of {name} is {step}; expected above 0, at most high minus low")
    if not (isinstance(low, int) and isinstance(high, int) and isinstance(step, (int, type(None)))):
        low, high, step = float(low), float(high), None if step is None else float(step)
    return NumberRange(low, high, log, step)
