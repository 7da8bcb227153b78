"""`sweep`: many runs of one task, by a space of settings, and the best of them by rows that none has seen."""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lutsmith.circuit import Circuit
from lutsmith.circuit.file import load
from lutsmith.data import Dataset, check
from lutsmith.data.report import MEASURES
from lutsmith.ground.arguments import instance_of, number, one_of, whole_number
from lutsmith.ground.atomic import write_atomically
from lutsmith.ground.interrupts import TrainingInterrupted
from lutsmith.ground.progress import ProgressBar
from lutsmith.runs.folder import RunFolder
from lutsmith.runs.held_out import fingerprint
from lutsmith.runs.methods import as_json
from lutsmith.runs.requesting import named_task, requested
from lutsmith.runs.shared import SharedData
from lutsmith.sweeps.folder import Combination, SeedRow, SweepFolder
from lutsmith.sweeps.job import ARGUMENTS, DATA, ENGINES, Job, shown
from lutsmith.sweeps.page import sweep_page
from lutsmith.sweeps.space import Choices, Space, seeds_of
from lutsmith.sweeps.table import SettingSummary, best_row, spread_shown, summaries, write_table
from lutsmith.sweeps.trial import Ended, cores

BEST, MODEL, PAGE = "best.json", "best.lut", "report.html"
TRIALS = 20
"""Combinations that are trained where neither a number nor a grid is asked for."""


@dataclass(frozen=True)
class SweepResult:
    """What a sweep has found.

    Attributes:
        folder: absolute path.
        task: what was trained; None for data in memory.
        measure: what a score is: a value of `data.report.MEASURES`.
        engine: "optuna" or "ray".
        complete: whether every combination has ended.
        settings: each combination, the best first.
        rows: the table: a row for each seed of each combination.
        best: of the best combination, the seed with the best score on the validation rows: `settings`, `seed`,
            `validation`, `luts`, `model` (the path), and `score` on the rows that `measured_on` names, by which
            nothing was chosen; None where no combination has finished.
        circuit: the best one.
        loads: how often this process loaded the data.
    """

    folder: str
    task: str | None
    measure: str
    engine: str
    complete: bool
    settings: tuple[SettingSummary, ...]
    rows: tuple[SeedRow, ...]
    best: Mapping[str, Any] | None
    circuit: Circuit | None = field(default=None, compare=False, repr=False)
    loads: int = field(default=0, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Return all but the circuit."""
        return {
            "folder": self.folder,
            "task": self.task,
            "measure": self.measure,
            "engine": self.engine,
            "complete": self.complete,
            "settings": [one.to_json() for one in self.settings],
            "rows": [row.to_json() for row in self.rows],
            "best": None if self.best is None else dict(self.best),
        }


def sweep(
    source: Any,
    y: Any = None,
    X_test: Any = None,
    y_test: Any = None,
    *,
    space: Space | Mapping[str, Any] | str | os.PathLike[str],
    out: str | os.PathLike[str],
    engine: str | None = None,
    grid: bool | None = None,
    trials: int | None = None,
    seeds: Sequence[int] | None = None,
    prune: bool | None = None,
    seed: int = 0,
    cores_per_trial: float | None = None,
    all_cores: int | None = None,
    quiet: bool = False,
    **options: Any,
) -> SweepResult:
    """Train combinations of settings with several seeds, and keep the best circuit.

        found = lutsmith.sweep("digits", space={"space": {"lr": [0.01, 0.03]}, "seeds": [0, 1]}, out="sweeps/digits")
        print(found.best["settings"], found.circuit)

    Combinations are compared by the mean over the seeds of the score on the validation rows, which are the same for
    all: each run is `train` with `split_seed=seed` among its settings. Nothing is chosen by test rows.

    The same call goes on with a sweep that was stopped, however that was: what has finished is not trained again, and
    what was begun goes on from its checkpoint. With Optuna, several processes may make the same call at the same time,
    and share the work. A run that fails is a row of the table with its error; the others go on.

    The folder gets `table.csv` and `table.jsonl`, `report.html`, `best.lut`, and in `trials` a folder of each run.

    Args:
        source: as for `train`: the name of a task, samples, or a `Dataset`.
        y: likewise.
        X_test: likewise.
        y_test: likewise.
        space: a TOML file, or a mapping of the same contents: `space` (settings to lists of choices, or to ranges
            `{"low", "high", "log", "step"}`), `fixed` (settings to values) and `seeds`. A setting is an argument of
            `train`, such as `luts`, or a field of the settings of its method; one of an architecture may be told apart
            by `architecture.NAME`.
        out: the folder of the sweep.
        engine: "optuna", in this process; or "ray", on all cores or a cluster, with ASHA. Default: Optuna.
        grid: train each combination once. Default: where the space is lists alone, and no number of trials is given.
        trials: how many combinations to train; by default 20, or those of the grid. A later call may ask for more, with
            Optuna.
        seeds: in place of those of the space.
        prune: give up combinations that are worse than others at the same point of their first seed, by successive
            halving; default: not in a grid. Methods without such points, such as "phases", train all.
        seed: of the choice of combinations, and of the rows that are held out.
        cores_per_trial: threads of a run; with Ray it may be a part of one, such as 0.5. Default: with Ray 1, else all.
        all_cores: with Ray, where none is running yet: the cores to use; default: those of the machine.
        quiet: show no progress.
        **options: further arguments of `train` that are the same for all, such as `data`, `target`, `preset`, `method`,
            `epochs`, `settings`; they count more than the `fixed` ones of the space.

    Raises:
        ValueError, TypeError: arguments that do not fit; a space with names that do not exist, or values that no run
            can have; a folder of another sweep.
        OSError: files that cannot be read or written.
        ModuleNotFoundError: Optuna (`pip install 'lutsmith[sweep]'`) or Ray (`pip install 'lutsmith[distributed]'`) is
            not installed.
        TrainingInterrupted: Ctrl-C or SIGTERM; everything is saved.
    """
    job = _job(source, y, X_test, y_test, Space.of(space), grid, trials, seeds, prune, seed, _engine(engine), options)
    if cores_per_trial is not None:
        least = 0 if job.engine == "ray" else 1
        number("cores_per_trial", cores_per_trial, lambda x: least <= x < 1e6 and x > 0, "a number of cores above 0")
    if all_cores is not None:
        whole_number("all_cores", all_cores, 1)
    job.check()
    folder, shared = SweepFolder(out), SharedData()
    if not folder.begun:  # so that data which cannot be read leave no folder behind
        job.load(shared)
    folder.claim(job)
    lines = SweepLines(job, folder, quiet=quiet)
    try:
        if job.engine == "ray":
            from lutsmith.sweeps.ray_engine import sweep_by_ray

            share = 1.0 if cores_per_trial is None else float(cores_per_trial)
            sweep_by_ray(job, folder, shared, lines.done, cores_per_trial=share, all_cores=all_cores)
        else:
            from lutsmith.sweeps.optuna_engine import sweep_by_optuna

            with cores(cores_per_trial):
                sweep_by_optuna(job, folder, shared, lines.done)
    except KeyboardInterrupt as stopped:
        found = conclude(job, folder)
        ended = sum(one.state != "running" for one in found.settings)
        raise TrainingInterrupted(
            f"stopped; {ended} of {job.trials} combinations have ended, and {folder.path} holds them: the same call "
            "goes on",
            getattr(stopped, "exit_code", 130) - 128,
        ) from None
    return conclude(job, folder, ended=True, loads=shared.loads)


def conclude(job: Job, folder: SweepFolder, *, ended: bool = False, loads: int = 0) -> SweepResult:
    """Write table, page and the best model of what a folder holds, and return them.

    Raises:
        ValueError: a damaged file.
        OSError: files that cannot be read or written.
    """
    with folder.lock():
        rows = folder.rows(job.space.seeds)
        ranked, best, circuit = summaries(rows, len(job.space.seeds)), None, None
        names = list(job.space.settings)
        write_table(folder, rows, names)
        measure = MEASURES["classification"]
        if (row := best_row(rows, len(job.space.seeds))) is not None:
            run = RunFolder(folder.run_folder(row.setting, row.seed))
            recorded = run.read()
            if recorded is None or recorded.result is None:
                raise ValueError(
                    f"{run.path} holds no finished run, and the table says that it does: remove {run.path}"
                )
            write_atomically(folder.path / MODEL, run.model.read_bytes())
            circuit = load(folder.path / MODEL)
            result = recorded.result
            measure = MEASURES[str(result["objective"])]
            best = {
                "setting": row.setting,
                "settings": dict(row.settings),
                "seed": row.seed,
                "validation": row.validation,
                "luts": row.luts,
                "score": result["score"] if result["measured_on"] in ("test", "held-out") else None,
                "measured_on": result["measured_on"],
                "model": str(folder.path / MODEL),
            }
            folder.write_json(BEST, best)
        found = SweepResult(
            folder=str(folder.path),
            task=job.task,
            measure=measure,
            engine=job.engine,
            complete=ended and all(one.state != "running" for one in ranked),
            settings=tuple(ranked),
            rows=tuple(rows),
            best=best,
            circuit=circuit,
            loads=loads,
        )
        sweep_page(found.to_json(), names, job).save(folder.path / PAGE)
    return found


class SweepLines:
    """Tells of each combination that ends, on a line.

    Args:
        job: the sweep.
        folder: of it.
        quiet: tell nothing.
    """

    def __init__(self, job: Job, folder: SweepFolder, *, quiet: bool) -> None:
        self._job, self._folder, self._lock = job, folder, threading.Lock()
        self._bar = ProgressBar(job.trials, quiet=quiet)

    def done(self, combination: Combination, ended: Ended) -> None:
        """Print a line."""
        with self._lock:
            rows = [row for seed in self._job.space.seeds if (row := self._folder.row(combination.name, seed))]
            said = ended.state
            if ended.state == "finished":
                said = spread_shown(summaries(rows, len(self._job.space.seeds))[0])
            elif ended.error:
                said = f"failed: {ended.error}"
            place = f"{combination.number + 1}/{self._job.trials}"
            self._bar.note(f"{place}  {shown(combination.settings)}  {said}")


def _engine(name: str | None) -> str:
    """Return the engine, which is installed."""
    name = "optuna" if name is None else one_of("engine", name, ENGINES)
    if importlib.util.find_spec(name) is None:
        extra = {"optuna": "sweep", "ray": "distributed"}[name]
        raise ModuleNotFoundError(f"a sweep by {name} needs it: pip install 'lutsmith[{extra}]'", name=name)
    return name


def _job(
    source: Any,
    y: Any,
    X_test: Any,
    y_test: Any,
    space: Space,
    grid: bool | None,
    trials: int | None,
    seeds: Sequence[int] | None,
    prune: bool | None,
    seed: int,
    engine: str,
    options: Mapping[str, Any],
) -> Job:
    """Return the sweep that the arguments ask for."""
    if trials is not None:
        whole_number("trials", trials, 1)
    for name, value in (("grid", grid), ("prune", prune)):
        if value is not None:
            instance_of(name, value, bool)
    if grid and trials is not None:
        raise ValueError(f"grid=True trains each combination once, and trials={trials} says how many: give one of them")
    if seeds is not None:
        space = Space(space.settings, space.fixed, seeds_of(list(seeds)))
    if grid is None:
        grid = trials is None and all(isinstance(values, Choices) for values in space.settings.values())
    given = {name: value for name, value in options.items() if value is not None}
    known = (*ARGUMENTS, *DATA, "settings", "architecture", "sample_weight", "objective")
    if unknown := [name for name in given if name not in known]:
        raise TypeError(f"sweep() takes no {unknown[0]}; of train() it takes {', '.join(known)}")
    if twice := [name for name in given if name in space.settings]:
        raise ValueError(f"{twice[0]}={given[twice[0]]!r} is given, and the space varies it: leave one of them out")
    memory = {name: given.pop(name) for name in ("sample_weight", "objective") if name in given}
    source, path = named_task(source, given.get("data", space.fixed.get("data")))
    if path is not None and "data" not in space.fixed:
        given["data"] = path
    dataset, checksum = None, None
    if not isinstance(source, str):
        table = given.pop("table", None)
        request = requested(source, y, X_test, y_test, **memory, table=table, test_share=None)
        dataset = request.dataset
        assert isinstance(dataset, Dataset)
        checksum = fingerprint(dataset)
    elif memory or any(value is not None for value in (y, X_test, y_test)):
        raise ValueError(f"{source!r} is the name of a task: y, X_test, y_test and weights are of samples in memory")
    else:
        check(source, given.get("data"), given.get("target"), given.get("test"), given.get("table"))
    kept = {name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in given.items()}
    for name in ("settings", "architecture"):
        if name in kept and not isinstance(kept[name], Mapping):
            kept[name] = kept[name].to_json()
    for name in ("data", "test"):
        if isinstance(kept.get(name), str):
            kept[name] = str(Path(kept[name]).expanduser().absolute())
    count = len(space.grid()) if grid else TRIALS if trials is None else trials
    overridden = {name: value for name, value in space.fixed.items() if name not in given}
    space = Space(space.settings, overridden, space.seeds)
    return Job(
        None if dataset is not None else source,
        as_json(kept),
        space,
        grid,
        count,
        not grid if prune is None else prune,
        whole_number("seed", seed, 0, 2**32 - 1),
        engine,
        dataset,
        checksum,
    )
