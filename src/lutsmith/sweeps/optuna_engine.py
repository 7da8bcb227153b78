"""Sweeps by Optuna: a journal file in the folder, which any number of processes read and write at once.

Which combination is next is decided under the folder's lock, by a sampler that is made for that decision alone, from
the seed and the number of combinations so far: what one process proposes does not depend on whether it was stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lutsmith.runs.shared import SharedData
from lutsmith.sweeps.folder import Combination, SweepFolder
from lutsmith.sweeps.job import Job
from lutsmith.sweeps.space import Choices, NumberRange
from lutsmith.sweeps.trial import REDUCTION, Ended, GivenUp, try_settings

if TYPE_CHECKING:
    from filelock import FileLock
    from optuna import Study
    from optuna.samplers import BaseSampler
    from optuna.storages import JournalStorage
    from optuna.trial import FrozenTrial
    from optuna.trial import Trial as OptunaTrial

JOURNAL, STUDY, SETTING = "optuna.journal", "sweep", "setting"

Done = Callable[[Combination, Ended], None]


def sweep_by_optuna(job: Job, folder: SweepFolder, shared: SharedData, done: Done) -> None:
    """Train combinations until there are `job.trials`, those first that were begun and are not at work.

    Raises:
        ModuleNotFoundError: Optuna is not installed.
        TrainingInterrupted: Ctrl-C or SIGTERM.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    state = optuna.trial.TrialState
    states = {"finished": state.COMPLETE, "pruned": state.PRUNED, "failed": state.FAIL}
    storage = _storage(folder.path / JOURNAL)
    with folder.lock():
        optuna.create_study(storage=storage, study_name=STUDY, direction="maximize", load_if_exists=True)
    while (found := _next(job, folder, storage)) is not None:
        trial, name, lock = found
        lock = folder.take(name, wait=True) if lock is None else lock  # another process trains equal settings
        assert lock is not None
        try:
            ended = try_settings(job, folder, folder.combination(name), shared, _report(job, trial))
            _study(job, storage).tell(trial, ended.score, state=states[ended.state])
        finally:
            lock.release()
        done(folder.combination(name), ended)


def _next(job: Job, folder: SweepFolder, storage: JournalStorage) -> tuple[OptunaTrial, str, FileLock | None] | None:
    """Return what to train and its lock, held; None: all is done, or at work in other processes."""
    import optuna

    running = optuna.trial.TrialState.RUNNING
    with folder.lock():
        study = _study(job, storage)
        trials = study.get_trials(deepcopy=False)
        for one in trials:
            if one.state == running and (name := one.user_attrs.get(SETTING)) is not None:
                if (lock := folder.take(name, wait=False)) is not None:
                    return optuna.trial.Trial(study, one._trial_id), name, lock
            elif one.state == running:  # its process was killed between two lines of this function
                study.tell(one.number, state=optuna.trial.TrialState.FAIL)
        begun = [one.user_attrs[SETTING] for one in trials if SETTING in one.user_attrs]
        if job.grid:
            return _next_of_grid(job, folder, study, set(begun))
        if len(begun) >= job.trials:
            return None
        trial = _study(job, storage, _sampler(job, len(begun))).ask()
        settings = {name: _suggested(trial, name, values) for name, values in job.space.settings.items()}
        combination = folder.begin(settings)
        trial.set_user_attr(SETTING, combination.name)
        return trial, combination.name, folder.take(combination.name, wait=False)


def _next_of_grid(
    job: Job, folder: SweepFolder, study: Study, begun: set[str]
) -> tuple[OptunaTrial, str, FileLock | None] | None:
    """Return the first combination of a grid that was not begun. The journal gets it in one line, so that a process
    which is killed leaves none out.
    """
    import optuna

    number = next((number for number, name in enumerate(job.names) if name not in begun), None)
    if number is None:
        return None
    settings, params = job.drawn(number), {}
    kinds: dict[str, optuna.distributions.BaseDistribution] = {}
    for name, values in job.space.settings.items():
        labels = _labels(values)
        kinds[name] = optuna.distributions.CategoricalDistribution(list(labels))
        params[name] = next(label for label, value in labels.items() if _same(value, settings[name]))
    combination = folder.begin(settings)
    study.add_trial(
        optuna.trial.create_trial(
            state=optuna.trial.TrialState.RUNNING,
            params=params,
            distributions=kinds,
            user_attrs={SETTING: combination.name},
        )
    )
    trial = optuna.trial.Trial(study, study.get_trials(deepcopy=False)[-1]._trial_id)
    return trial, combination.name, folder.take(combination.name, wait=False)


def _same(one: Any, other: Any) -> bool:
    """Return whether two values are written alike."""
    return json.dumps(one) == json.dumps(other)


def _storage(path: Path) -> JournalStorage:
    from filelock import FileLock
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend
    from optuna.storages.journal._file import BaseJournalFileLock

    class SystemLock(BaseJournalFileLock):
        """A lock that the system frees when its process is killed."""

        def __init__(self) -> None:
            self._lock = FileLock(f"{path}.lock")

        def acquire(self) -> bool:
            self._lock.acquire()
            return True

        def release(self) -> None:
            self._lock.release()

    with FileLock(f"{path}.lock"):
        _mend(path)
    return JournalStorage(JournalFileBackend(str(path), lock_obj=SystemLock()))


def _mend(path: Path) -> None:
    """Take away the beginning of a line that a full disk or a killed process left at the end of a journal."""
    if not path.exists():
        return
    text = path.read_bytes()
    if text and not text.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(text.rfind(b"\n") + 1)


def _study(job: Job, storage: JournalStorage, sampler: BaseSampler | None = None) -> Study:
    import optuna
    from optuna.pruners import NopPruner, SuccessiveHalvingPruner

    pruner = SuccessiveHalvingPruner(job.rung, REDUCTION) if job.rung is not None else NopPruner()
    sampler = optuna.samplers.RandomSampler(seed=0) if sampler is None else sampler
    return optuna.load_study(study_name=STUDY, storage=storage, sampler=sampler, pruner=pruner)


def _sampler(job: Job, number: int) -> BaseSampler:
    from optuna.samplers import TPESampler

    seed = int(np.random.SeedSequence([job.seed, number]).generate_state(1)[0])
    return TPESampler(seed=seed, constant_liar=True)


def _suggested(trial: OptunaTrial, name: str, values: Choices | NumberRange) -> Any:
    """Return what Optuna chooses for a setting."""
    if isinstance(values, Choices):
        labels = _labels(values)
        return labels[trial.suggest_categorical(name, list(labels))]
    if values.is_whole:
        step = 1 if values.step is None else int(values.step)
        return trial.suggest_int(name, int(values.low), int(values.high), log=values.log, step=step)
    return trial.suggest_float(name, values.low, values.high, log=values.log, step=values.step)


def _labels(values: Choices | NumberRange) -> Mapping[Any, Any]:
    """Return what stands for each value in Optuna: texts and numbers for themselves, else the text of their JSON."""
    listed = values.listed or ()
    texts = all(isinstance(value, str) for value in listed)
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in listed)
    plain = texts or (numbers and len(set(listed)) == len(listed))
    return {value if plain else json.dumps(value): value for value in listed}


def _report(job: Job, trial: OptunaTrial) -> Callable[[int, float], None] | None:
    if job.rung is None:
        return None
    known: FrozenTrial = trial.storage.get_trial(trial._trial_id)
    told = set(known.intermediate_values)

    def report(step: int, score: float) -> None:
        if job.longest is None or step >= job.longest:  # it is as good as done
            return
        if step not in told:
            told.add(step)
            trial.report(score, step)
        if trial.should_prune():
            raise GivenUp

    return report
