"""What a process does that a `Trainer` started: train as one of several, and say in a file how it ended."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from lutsmith.ground.interrupts import TrainingInterrupted
from lutsmith.training.ranks.handing import hand, taken
from lutsmith.training.ranks.ranks import join
from lutsmith.training.ranks.shared_sums import SharedSums

WORK = "work.pkl"
_GRACE = 20.0  # seconds to save and end in, once the parent is gone


@dataclass(frozen=True)
class Outcome:
    """How a process ended.

    Attributes:
        ended: when, in seconds of the system's clock.
        value: what its work returned.
        error: what it raised; None: nothing.
    """

    ended: float
    value: Any = None
    error: BaseException | None = None


def outcome_path(folder: Path, rank: int) -> Path:
    """Where a process writes its outcome."""
    return folder / f"outcome-{rank}.pkl"


def work(rank: int, folder: str, environment: dict[str, str], shared: SharedSums | None) -> None:
    """Do the work that lies in a folder as the process of this rank; the target of the new process.

    Ctrl-C reaches all processes of a terminal: here it is ignored, and the parent asks each process once to stop, by
    SIGTERM. If the parent is killed, this process saves and ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(environment, RANK=str(rank), LOCAL_RANK=str(rank))
    place = Path(folder)
    threading.Thread(target=_follow_parent, args=(place,), daemon=True).start()
    try:
        join(rank, shared)
        act: Callable[[], Any] = _loaded(place / WORK)
        outcome = Outcome(0.0, act())
    except BaseException as error:
        outcome = Outcome(0.0, error=_portable(error, rank))
    failed = outcome.error is not None and not isinstance(outcome.error, TrainingInterrupted)
    try:
        if place.is_dir():  # the parent is there to read it
            _say(outcome_path(place, rank), outcome, rank)
    except OSError as error:
        sys.stderr.write(f"process {rank} cannot write what it reached to {place.parent}: {error}\n")
        failed = True
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1 if failed else 0)  # threads of a broken connection must not keep it


def _loaded(path: Path) -> Any:
    try:
        return taken(path)
    except (AttributeError, ImportError) as error:
        raise ValueError(
            f"another process cannot find what this one was handed ({error}): classes and functions typed at a "
            "prompt or in a notebook belong in a module; or start a script with torchrun"
        ) from None


def _say(path: Path, outcome: Outcome, rank: int) -> None:
    whole = path.with_suffix(".tmp")
    try:
        hand(whole, Outcome(time.time(), outcome.value if rank == 0 else None, outcome.error))
    except Exception as error:  # a network that was changed to what pickle cannot take; a full disk
        hand(whole, Outcome(time.time(), error=_portable(error, rank)))
    whole.replace(path)


def _portable(error: BaseException, rank: int) -> BaseException:
    """Return an exception that the parent can read, with the lines of this process as a note."""
    lines = "".join(traceback.format_exception(error))
    try:
        same = pickle.loads(pickle.dumps(error))
        error = same if type(same) is type(error) and str(same) == str(error) else RuntimeError(_named(error))
    except Exception:  # whatever an exception of others does
        error = RuntimeError(_named(error))
    error.add_note(f"in process {rank}:\n{lines}")
    return error


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _follow_parent(folder: Path) -> None:
    """Stop this process when its parent is gone: as on SIGTERM, and then for good. Nobody else removes the folder."""
    parent = parent_process()
    if parent is None:
        return
    wait([parent.sentinel])
    shutil.rmtree(folder, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE)
    os._exit(1)
