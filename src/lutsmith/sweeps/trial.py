"""One combination of settings: its seeds are trained one after the other, on data that they share."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

from lutsmith.ground.strict_json import brief
from lutsmith.runs.execution import train_shared
from lutsmith.runs.shared import SharedData
from lutsmith.sweeps.folder import TRIALS, Combination, SeedRow, SweepFolder
from lutsmith.sweeps.job import Job

ATTEMPTS = 3
"""How often a combination may be begun in a process that ends without a word and has come no further, as where memory
runs out.
"""
OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Errors that say nothing about a combination: it can be gone on with once there is room."""
REDUCTION = 3
"""Of the combinations that reach a rung of successive halving, one in so many goes on."""

Report = Callable[[int, float], None]
"""Is told how far the first seed has come, and the best score on the validation rows by then; raises `GivenUp`."""


class GivenUp(Exception):  # noqa: N818
    """A combination is given up, because others are better."""


@dataclass(frozen=True)
class Ended:
    """How a combination ended.

    Attributes:
        state: "finished", "pruned" or "failed".
        score: the mean over its seeds of the score on the validation rows, where it has finished.
        error: why it failed.
    """

    state: str
    score: float | None = None
    error: str | None = None


def try_settings(
    job: Job, folder: SweepFolder, combination: Combination, shared: SharedData, report: Report | None = None
) -> Ended:
    """Train a combination with each seed, go on where that was begun, or return how it ended. Hold its lock meanwhile.

    An error of a run fails the combination, and nothing else, but a full disk, which would fail them all.

    Args:
        job: the sweep.
        folder: of it.
        combination: of its settings.
        shared: the data.
        report: is told of the looks of the first seed at the validation rows.

    Raises:
        TrainingInterrupted: Ctrl-C or SIGTERM; the run can be gone on with.
        OSError: the disk is full or read-only; likewise.
    """
    if combination.state in ("pruned", "failed"):
        return Ended(combination.state, error=combination.error)
    if combination.state == "running":
        written = sum(log.stat().st_size for log in (folder.path / TRIALS / combination.name).rglob("metrics.jsonl"))
        further, combination.written = written > combination.written, written
        combination.attempts = 1 if further else combination.attempts + 1
        if combination.attempts > ATTEMPTS:
            return _failed(
                folder, combination, f"its process ended {ATTEMPTS} times without a word; memory may have run out"
            )
        folder.write(combination)
    try:
        scores = [
            _trained(job, folder, combination, seed, shared, report if place == 0 else None)
            for place, seed in enumerate(job.space.seeds)
        ]
    except GivenUp:
        combination.state = "pruned"
        folder.write(combination)
        for seed in job.space.seeds:
            folder.remove_checkpoints(combination.name, seed)
        return Ended("pruned")
    except KeyboardInterrupt:
        combination.attempts -= 1
        folder.write(combination)
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in OF_THE_DISK:
            combination.attempts -= 1
            with suppress(OSError):
                folder.write(combination)
            raise
        return _failed(folder, combination, describe_failure(error))
    combination.state = "finished"
    folder.write(combination)
    return Ended("finished", sum(scores) / len(scores))


def _failed(folder: SweepFolder, combination: Combination, error: str) -> Ended:
    combination.state, combination.error = "failed", error
    folder.write(combination)
    return Ended("failed", error=error)


def describe_failure(error: BaseException) -> str:
    """Return an error as one short line."""
    if isinstance(error, MemoryError):
        return "out of memory" + (f" ({brief(error)})" if str(error) else "")
    text = " ".join(str(error).split())
    kind = "" if isinstance(error, (ValueError, OSError)) and text else f"{type(error).__name__}: "
    return f"{kind}{text}"[:500].rstrip(": ")


def _trained(
    job: Job,
    folder: SweepFolder,
    combination: Combination,
    seed: int,
    shared: SharedData,
    report: Report | None,
) -> float:
    """Train one seed, and return its score on the validation rows."""
    row = folder.row(combination.name, seed)
    if row is None:
        best = -float("inf")

        def told(step: int, score: float) -> None:
            nonlocal best
            best = max(best, score)
            combination.reached = [step, best]
            assert report is not None
            report(step, best)

        run = train_shared(
            job.request(combination.settings, seed),
            folder.run_folder(combination.name, seed),
            shared,
            told=None if report is None else told,
        )
        if run.validation is None:
            raise ValueError(
                "the run has no score on validation rows, by which combinations are compared: give validation a share"
            )
        row = SeedRow(
            combination.name,
            combination.settings,
            seed,
            "finished",
            run.validation,
            run.luts,
            round(run.train_seconds, 3),
        )
        folder.write_row(row)
    if row.validation is None:
        raise ValueError(f"the result of seed {seed} has no score: remove the folder of the combination")
    return row.validation


@contextmanager
def cores(count: float | None) -> Iterator[None]:
    """Let everything in the block use so many cores, at least one thread; None: as many as outside."""
    if count is None:
        yield
        return
    import numba

    from lutsmith.circuit.engine.workers import ENVIRONMENT, threads_limited
    from lutsmith.kernels import threads

    most, numbas = max(1, int(count)), cast("Any", numba).config
    before, kernels = os.environ.get(ENVIRONMENT), threads.get_num_threads()
    with ExitStack() as stack:
        stack.enter_context(threads_limited(most))
        stack.callback(threads.set_num_threads, kernels)
        stack.callback(_put_back, ENVIRONMENT, before)
        threads.set_num_threads(min(most, int(numbas.NUMBA_NUM_THREADS)))
        os.environ[ENVIRONMENT] = str(most if before is None or not before.isdigit() else min(most, int(before)))
        stack.enter_context(_torch_threads(most))
        yield


@contextmanager
def _torch_threads(count: int) -> Iterator[None]:
    """Tell torch, where it is imported already; what trains with it tells it again."""
    import sys

    torch: Any = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(min(count, before))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _put_back(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
