"""The folder of a sweep: what it is, a folder for each combination of settings, and who is at work on which.

    sweep.json               the sweep, as values
    trials/ID/setting.json   a combination: its settings, its state, an error
    trials/ID/seed-0/        the run of a seed, as `train` keeps it: model.lut, run.json, metrics.jsonl
    trials/ID/seed-0.json    what it reached
    table.csv, table.jsonl, report.html, best.lut, best.json

Every file is written whole or not at all, and by whoever holds a lock: the system frees the locks of a process that is
killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lutsmith.ground.atomic import write_atomically
from lutsmith.ground.strict_json import strict_loads
from lutsmith.sweeps.job import Job, identity

if TYPE_CHECKING:
    from filelock import FileLock

RECORD, TRIALS, LOCK = "sweep.json", "trials", "sweep.lock"
FORMAT = 1
STATES = ("running", "finished", "pruned", "failed")


@dataclass(frozen=True)
class SeedRow:
    """What a combination of settings reached with a seed; a row of the table.

    Attributes:
        setting: the name of the combination.
        settings: its values by name.
        seed: of the run.
        state: "finished", "pruned" (given up because others were better), "failed", or "running": begun, and not ended.
        validation: score on the validation rows; None where it is not known.
        luts: of the circuit.
        seconds: of training.
        error: why it failed.
    """

    setting: str
    settings: Mapping[str, Any]
    seed: int
    state: str
    validation: float | None = None
    luts: int | None = None
    seconds: float | None = None
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)


@dataclass
class Combination:
    """A combination of settings in a folder.

    Attributes:
        name: of its folder.
        number: its place in the order in which combinations were begun, from 0.
        settings: values by name.
        state: of `STATES`.
        reached: how far it came, and the best score on the validation rows by then, if it was given up.
        error: why it failed.
        attempts: how often it was begun, did not end, and came no further.
        written: the size of its logs when it was begun last.
    """

    name: str
    number: int
    settings: dict[str, Any]
    state: str = "running"
    reached: list[Any] = field(default_factory=list)
    error: str | None = None
    attempts: int = 0
    written: int = 0


class SweepFolder:
    """The folder of a sweep.

    Args:
        path: of the folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser().absolute()

    def claim(self, job: Job) -> None:
        """Write down which sweep the folder is of, where it is of none yet.

        Raises:
            ValueError: it is of another sweep, or holds other files.
            OSError: it is a file, or cannot be written to.
        """
        if self.path.exists() and not self.path.is_dir():
            raise NotADirectoryError(f"{self.path} is a file: out=FOLDER takes a folder")
        record = {"format": FORMAT, **job.record()}
        if not (self.path / LOCK).exists():
            self._check_free()  # before anything is written there
        self.path.mkdir(parents=True, exist_ok=True)
        with self.lock():
            if (self.path / RECORD).exists():
                if differing := _differences(record, self._json(self.path / RECORD)):
                    raise ValueError(
                        f"{self.path} holds another sweep: {'; '.join(differing)}. Give what it was begun with to go "
                        "on, or take another folder with out=FOLDER"
                    )
                return
            self._check_free()
            (self.path / TRIALS).mkdir(exist_ok=True)
            self._write(self.path / RECORD, record)

    def _check_free(self) -> None:
        known = {LOCK, TRIALS}  # a process may have been killed before it wrote more
        found = sorted(entry.name for entry in self.path.iterdir()) if self.path.is_dir() else []
        if RECORD not in found and (others := [name for name in found if name not in known]):
            raise ValueError(
                f"{self.path} holds {others[0]} and is no folder of a sweep: take another folder with out=FOLDER"
            )

    def lock(self) -> FileLock:
        """Return the lock of the whole sweep, for short moments."""
        from filelock import FileLock

        return FileLock(self.path / LOCK)

    def take(self, name: str, *, wait: bool) -> FileLock | None:
        """Return the lock of a combination, held; None where another process holds it and `wait` is false."""
        from filelock import FileLock, Timeout

        own = FileLock(self.path / TRIALS / f"{name}.lock")
        try:
            own.acquire(timeout=-1 if wait else 0)
        except Timeout:
            return None
        return own

    def begin(self, settings: Mapping[str, Any]) -> Combination:
        """Return the combination of these settings, which is written down where it is new; hold `lock` meanwhile."""
        name = identity(settings)
        if (self.path / TRIALS / name / "setting.json").exists():
            return self.combination(name)
        number = sum(1 for _ in (self.path / TRIALS).glob("*/setting.json"))
        (self.path / TRIALS / name).mkdir(parents=True, exist_ok=True)
        found = Combination(name, number, dict(settings))
        self.write(found)
        return found

    def combination(self, name: str) -> Combination:
        """Return what is written down of a combination; ValueError for a damaged file."""
        place = self.path / TRIALS / name / "setting.json"
        values = self._json(place)
        try:
            return Combination(**{item.name: values[item.name] for item in fields(Combination)})
        except (KeyError, TypeError) as error:
            raise ValueError(f"{place} does not hold a combination of a sweep ({error}): remove its folder") from error

    def combinations(self) -> list[Combination]:
        """Return all that were begun, in that order."""
        found = [self.combination(place.parent.name) for place in (self.path / TRIALS).glob("*/setting.json")]
        return sorted(found, key=lambda one: (one.number, one.name))

    def write(self, combination: Combination) -> None:
        """Write a combination down."""
        self._write(self.path / TRIALS / combination.name / "setting.json", asdict(combination))

    def run_folder(self, name: str, seed: int) -> Path:
        """Return where the run of a seed is."""
        return self.path / TRIALS / name / f"seed-{seed}"

    def row(self, name: str, seed: int) -> SeedRow | None:
        """Return what a run reached; None where it has not ended. ValueError for a damaged file."""
        place = self.path / TRIALS / name / f"seed-{seed}.json"
        if not place.exists():
            return None
        values = self._json(place)
        try:
            return SeedRow(**values)
        except TypeError as error:
            raise ValueError(f"{place} does not hold a result of a sweep ({error}): remove it") from error

    def write_row(self, row: SeedRow) -> None:
        """Write down what a run reached, and remove what only served to go on with it."""
        self._write(self.path / TRIALS / row.setting / f"seed-{row.seed}.json", row.to_json())
        run = self.run_folder(row.setting, row.seed)
        self.remove_checkpoints(row.setting, row.seed)
        for inner in ("teacher", "phases"):
            shutil.rmtree(run / inner, ignore_errors=True)

    def remove_checkpoints(self, name: str, seed: int) -> None:
        """Remove the checkpoints of a run that nobody goes on with."""
        for checkpoint in self.run_folder(name, seed).glob("checkpoint*"):
            with contextlib.suppress(OSError):
                checkpoint.unlink()

    @property
    def begun(self) -> bool:
        """Whether the folder is one of a sweep."""
        return (self.path / RECORD).exists()

    def rows(self, seeds: tuple[int, ...]) -> list[SeedRow]:
        """Return the table: a row for each seed of each combination that was begun; of one that failed, up to the seed
        that did.
        """
        found = []
        for one in self.combinations():
            for place, seed in enumerate(seeds):
                row = self.row(one.name, seed)
                if row is None:
                    score = one.reached[1] if one.reached and place == 0 and one.state != "running" else None
                    row = SeedRow(one.name, one.settings, seed, one.state, score, error=one.error)
                found.append(row)
                if row.state == "failed":
                    break
        return found

    def write_json(self, name: str, values: Mapping[str, Any]) -> None:
        """Write a file of JSON in the folder."""
        self._write(self.path / name, values)

    def _write(self, place: Path, values: Mapping[str, Any]) -> None:
        write_atomically(place, (json.dumps(values, indent=2, allow_nan=False) + "\n").encode())

    def _json(self, place: Path) -> dict[str, Any]:
        try:
            found = strict_loads(place.read_text("utf-8"))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{place} is damaged ({error}): restore it, or begin in another folder") from error
        if not isinstance(found, dict):
            raise ValueError(f"{place} is damaged (it holds no object): restore it, or begin in another folder")
        return found


def _differences(now: Mapping[str, Any], then: Mapping[str, Any]) -> list[str]:
    """Return "name is X and was Y" for what differs; a sweep by Optuna may get more trials than it had."""
    now = strict_loads(json.dumps(now))
    more = then.get("engine") == "optuna" and not then.get("grid")
    return [
        f"{name} is {_brief(now.get(name))} and was {_brief(then.get(name))}"
        for name in dict.fromkeys((*then, *now))
        if now.get(name) != then.get(name) and not (name == "trials" and more)
    ]


def _brief(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
