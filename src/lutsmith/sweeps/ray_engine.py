"""Sweeps by Ray Tune: combinations side by side, each on a part of the cores, on one machine or a cluster.

Ray decides where a combination runs and, by ASHA, when it is given up; how it is trained and what it reached are in the
folder, as with any engine. So `Tuner.restore` may be behind by a few seconds: what it starts again is found there.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import FrameType
from typing import Any

from lutsmith.ground.interrupts import TrainingInterrupted
from lutsmith.ground.ray_cluster import ray_cluster
from lutsmith.ground.strict_json import brief
from lutsmith.runs.shared import SharedData
from lutsmith.sweeps.folder import Combination, SweepFolder
from lutsmith.sweeps.job import Job
from lutsmith.sweeps.trial import ATTEMPTS, REDUCTION, Ended, cores, try_settings

STORAGE, NAME, SCORE, STEP = "ray", "sweep", "validation", "step"

Done = Callable[[Combination, Ended], None]


def sweep_by_ray(
    job: Job, folder: SweepFolder, shared: SharedData, done: Done, *, cores_per_trial: float, all_cores: int | None
) -> None:
    """Train all combinations, as many at a time as there is room for; go on where a sweep was stopped.

    Args:
        job: the sweep.
        folder: of it; with a cluster, all machines have to see it.
        shared: the data, which are loaded once and put into Ray's memory of objects.
        done: is told of each combination that ends.
        cores_per_trial: of a combination; may be a part of one.
        all_cores: where Ray is not running yet, how many there are; None: those of the machine.

    Raises:
        ModuleNotFoundError: Ray is not installed.
        TrainingInterrupted: Ctrl-C or SIGTERM.
    """
    from ray import tune

    with ray_cluster(all_cores):
        data = shared.whole(job.plan(job.drawn(0)), job.request(job.drawn(0), job.space.seeds[0]))
        told = replace(job, dataset=None)
        trainable = tune.with_resources(
            tune.with_parameters(_train, job=told, place=str(folder.path), data=data, share=cores_per_trial),
            {"cpu": cores_per_trial},
        )
        with _signals() as stopped, FolderWatch(folder, done) as watch:
            with contextlib.redirect_stdout(io.StringIO()):  # where Ray Tune draws a table
                trials: list[Any] = _tuner(job, folder, trainable).fit()._experiment_analysis.trials
            if stopped:
                raise TrainingInterrupted("stopped", stopped[0])
            for trial in trials:
                _close(job, folder, trial)
            watch.look()


def _tuner(job: Job, folder: SweepFolder, trainable: Any) -> Any:
    """Return the tuner that goes on where the folder's was stopped. One that cannot be read is made anew: what its
    combinations have reached is in the folder, and only how far others had come at each rung is forgotten.
    """
    from ray import tune

    storage = folder.path / STORAGE
    if tune.Tuner.can_restore(str(storage / NAME)):
        try:
            return tune.Tuner.restore(str(storage / NAME), trainable, resume_unfinished=True)
        except Exception:
            shutil.rmtree(storage)
    return tune.Tuner(
        trainable,
        param_space={"settings": tune.grid_search([job.drawn(number) for number in range(job.trials)])},
        tune_config=tune.TuneConfig(metric=SCORE, mode="max", scheduler=_scheduler(job), reuse_actors=True),
        run_config=tune.RunConfig(
            name=NAME,
            storage_path=str(storage),
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=ATTEMPTS - 1),
        ),
    )


def _train(config: dict[str, Any], *, job: Job, place: str, data: Any, share: float) -> None:
    """Train a combination in a process of Ray."""
    from ray import tune

    folder, shared = SweepFolder(place), SharedData(data)
    job = replace(job, dataset=data if job.task is None else None)
    with folder.lock():
        combination = folder.begin(config["settings"])
    lock = folder.take(combination.name, wait=True)
    assert lock is not None
    last = 0

    def report(step: int, score: float) -> None:
        nonlocal last
        if job.longest is None or step >= job.longest or step <= last:  # it is as good as done
            return
        last = step
        tune.report({SCORE: score, STEP: step})

    try:
        with cores(share):
            ended = try_settings(
                job, folder, folder.combination(combination.name), shared, report if job.rung else None
            )
    finally:
        lock.release()
    score = float("nan") if ended.score is None else ended.score  # of what has failed, as the folder says
    tune.report({SCORE: score, STEP: (job.longest or 0) + 1})


def _scheduler(job: Job) -> Any:
    from ray.tune.schedulers import ASHAScheduler, FIFOScheduler

    if job.rung is None or job.longest is None:
        plain: Any = FIFOScheduler
        return plain()
    return ASHAScheduler(time_attr=STEP, max_t=job.longest + 1, grace_period=job.rung, reduction_factor=REDUCTION)


def _close(job: Job, folder: SweepFolder, trial: Any) -> None:
    """Write down how a combination ended that did not do so itself: ASHA gave it up, or its process is gone."""
    with folder.lock():
        combination = folder.begin(trial.config["settings"])
    last = trial.last_result or {}
    if combination.state != "running":
        return
    if trial.status == "ERROR":
        error = trial.get_error()
        why = "" if error is None else f": {brief(error)}"
        combination.state = "failed"
        combination.error = f"its process ended without a word; memory may have run out{why}"
    elif trial.status == "TERMINATED" and job.rung is not None and SCORE in last:
        combination.state = "pruned"
        combination.reached = [last.get(STEP, 0), last[SCORE]]
        for seed in job.space.seeds:
            folder.remove_checkpoints(combination.name, seed)
    else:
        return
    folder.write(combination)


class FolderWatch(contextlib.AbstractContextManager["FolderWatch"]):
    """Looks into the folder every second while Ray is at work, and tells of the combinations that have ended.

    Args:
        folder: of the sweep.
        done: is told, in a thread of its own.
    """

    def __init__(self, folder: SweepFolder, done: Done) -> None:
        self._folder, self._done = folder, done
        self._over, self._lock = threading.Event(), threading.Lock()
        self._known = {one.name for one in folder.combinations() if one.state != "running"}
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> FolderWatch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def look(self) -> None:
        """Tell of what has ended since the last look."""
        with self._lock:
            for one in self._folder.combinations():
                if one.state != "running" and one.name not in self._known:
                    self._known.add(one.name)
                    self._done(one, Ended(one.state, error=one.error))

    def _run(self) -> None:
        while not self._over.wait(1.0):
            self.look()


@contextlib.contextmanager
def _signals() -> Iterator[list[signal.Signals]]:
    """Let Ctrl-C and SIGTERM do what SIGUSR1 does in Ray Tune: it saves its state and ends. Gives the signals that
    came; a second one interrupts at once.
    """
    came: list[signal.Signals] = []
    soft = getattr(signal, "SIGUSR1", None)
    if threading.current_thread() is not threading.main_thread() or soft is None:
        yield came
        return

    def stop(number: int, _: FrameType | None) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(signal.Signals(number))
        signal.raise_signal(soft)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    own = [number for number, handler in before.items() if handler in (signal.SIG_DFL, signal.default_int_handler)]
    asked = os.environ.get("TUNE_DISABLE_SIGINT_HANDLER")
    os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = "1"
    for number in own:
        signal.signal(number, stop)
    try:
        yield came
    finally:
        for number in own:
            signal.signal(number, before[number])
        if asked is None:
            del os.environ["TUNE_DISABLE_SIGINT_HANDLER"]
        else:
            os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = asked
