"""A small search for hyper-parameters: one at a time, the others at the best so far; it goes on where it stopped."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lutsmith.alu.dense.registry import model_named
from lutsmith.alu.dense.training import train_dense
from lutsmith.ground.arguments import instance_of, whole_number
from lutsmith.ground.atomic import write_atomically

PROGRESS = "search.json"

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Trial:
    """Values that were tried.

    Attributes:
        values: one of each name.
        score: what they reached; minus infinity where that was not a number.
    """

    values: Values
    score: float


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        best: the values with the highest score, the first of equals.
        trials: all that were tried, in order.
    """

    best: Trial
    trials: tuple[Trial, ...]


def search(
    space: Mapping[str, Sequence[Any]],
    score: Callable[[Values], float],
    path: str | Path | None = None,
    *,
    start: Values | None = None,
    rounds: int = 2,
) -> SearchResult:
    """Try the values of one name after the other, keep the best, and begin again until a round changes nothing.

    Args:
        space: names and the JSON values that each may have, at least one.
        score: of values, one of each name; higher is better.
        path: of a JSON file that says what was tried, written after each trial; where it is there already, what it
            holds is not tried again. None: nothing is written.
        start: where to begin; None: the first value of each name.
        rounds: over all names, at most.

    Raises:
        TypeError: a space that is not a mapping of sequences.
        ValueError: an empty space, a start outside of it, or a file of another search, or one that is damaged.
    """
    names = _checked(space)
    whole_number("rounds", rounds, 1)
    current = {name: space[name][0] for name in names} | dict(start or {})
    for name, value in current.items():
        if name not in names or value not in space[name]:
            raise ValueError(f"start has {name} {value!r}; expected a value that the space has")
    file = None if path is None else Path(path)
    trials = [] if file is None else _read(file, space)

    def tried(values: dict[str, Any]) -> Trial:
        for trial in trials:
            if trial.values == values:
                return trial
        reached = float(score(dict(values)))
        trials.append(Trial(values, -math.inf if math.isnan(reached) else reached))
        if file is not None:
            _write(file, space, trials)
        return trials[-1]

    best = tried(current)
    for _ in range(rounds):
        before = best
        for name in names:
            for value in space[name]:
                trial = tried({**best.values, name: value})
                best = trial if trial.score > best.score else best
        if best is before:
            break
    return SearchResult(best, tuple(trials))


def search_dense(
    space: Mapping[str, Sequence[Any]], out: str | Path, *, model: str = "res_mod", rounds: int = 2, **fixed: Any
) -> SearchResult:
    """Search for arguments of `train_dense` and options of a model, scored by the mean share of exact answers.

    Scores are of the validation part. Each trial is a run in a folder of its own, which goes on from its checkpoint
    where the search was stopped in the middle of it.

    Args:
        space: names of options of the model, or of arguments of `train_dense`, and their values.
        out: the folder of the search.
        model: a name of `MODELS`.
        rounds: as for `search`.
        **fixed: further arguments of `train_dense`; `options` are joined with those of the space.
    """
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    known = model_named(model).options
    given = dict(fixed.pop("options", None) or {})

    def score(values: Values) -> float:
        options = given | {name: value for name, value in values.items() if name in known}
        arguments = {name: value for name, value in values.items() if name not in known}
        run = folder / "-".join(f"{name}={value}".replace("/", "_") for name, value in values.items())
        report = train_dense(model=model, options=options, out=run, resume=True, **{**fixed, **arguments})
        return report.validation

    return search(space, score, folder / PROGRESS, rounds=rounds)


def _checked(space: Mapping[str, Sequence[Any]]) -> list[str]:
    instance_of("space", space, Mapping)
    for name, values in space.items():
        if isinstance(values, str) or not isinstance(values, Sequence):
            raise TypeError(f"space has {name}: {values!r}; expected a list of values")
        if not values:
            raise ValueError(f"space has no values of {name}; expected one or more")
    if not space:
        raise ValueError("space is empty; expected names and lists of values")
    return list(space)


def _read(path: Path, space: Mapping[str, Sequence[Any]]) -> list[Trial]:
    if not path.exists():
        return []
    try:
        saved = json.loads(path.read_text())
        trials = [Trial(trial["values"], _number(trial["score"])) for trial in saved["trials"]]
        of = saved["space"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not the progress of a search ({error}); delete it to begin again") from error
    if of != json.loads(json.dumps(space)):
        raise ValueError(f"{path} is of a search of {of}; expected {dict(space)}: take another file, or delete it")
    return trials


def _write(path: Path, space: Mapping[str, Sequence[Any]], trials: list[Trial]) -> None:
    told = [{"values": t.values, "score": t.score if math.isfinite(t.score) else None} for t in trials]
    plain = {"space": {name: list(values) for name, values in space.items()}, "trials": told}
    write_atomically(path, (json.dumps(plain, indent=1) + "\n").encode())


def _number(value: Any) -> float:
    return -math.inf if value is None else float(value)
