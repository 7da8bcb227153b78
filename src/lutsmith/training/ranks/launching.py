"""Starts the processes of a training on this machine, waits for them, and ends all of them when one ends badly.

torch.multiprocessing starts and joins them. They find each other by a store that this process holds, as torchrun's
agent does, so that no port has to be guessed.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from torch.distributed import TCPStore  # type: ignore[attr-defined]
from torch.multiprocessing.spawn import ProcessContext, ProcessException, start_processes

from lutsmith.ground.interrupts import Interrupts, TrainingInterrupted
from lutsmith.training.ranks.handing import hand, taken
from lutsmith.training.ranks.ranks import OURS, ProcessLostError
from lutsmith.training.ranks.shared_sums import SharedSums
from lutsmith.training.ranks.worker import WORK, Outcome, outcome_path, work

_LOOK = 0.2  # seconds from one look at the processes to the next
_GRACE = 10.0  # seconds to end in for those that are left when one has failed, and again after they were told to
_STOPPING = 25.0  # seconds to finish a step and save in after Ctrl-C


def launch(act: Callable[[], Any], count: int, checkpoint: Path | None) -> Any:
    """Return what `act()` returns in the first of `count` new processes; it is called in each.

    Args:
        act: what pickle takes.
        count: processes.
        checkpoint: the file that they save their state in; messages name it.

    Raises:
        ProcessLostError: one was killed.
        TrainingInterrupted: Ctrl-C or SIGTERM, after all have ended.
        BaseException: what the first one to fail raised.
    """
    check_main(count)
    folder = Path(tempfile.mkdtemp(prefix=OURS))  # for this user alone
    try:
        _hand(folder, act)
        store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False, timeout=timedelta(minutes=5))
        environment = {
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(store.port),
            "WORLD_SIZE": str(count),
            "LOCAL_WORLD_SIZE": str(count),
            "GROUP_RANK": "0",
            "TORCHELASTIC_RUN_ID": folder.name,
            "TORCHELASTIC_USE_AGENT_STORE": "True",
            "TORCHELASTIC_RESTART_COUNT": "0",
        }
        return _joined(folder, count, environment, checkpoint)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _hand(folder: Path, act: Callable[[], Any]) -> None:
    try:
        hand(folder / WORK, act)
    except OSError as error:
        raise OSError(
            f"what the processes need cannot be written to {folder.parent} ({error}): free some space there, or set "
            "TMPDIR to a folder with more of it"
        ) from error


def check_main(count: int) -> None:
    """Raise RuntimeError in a process that cannot start others: a new one that runs a script which starts processes
    again, or a daemon.
    """
    if multiprocessing.current_process().daemon:
        raise RuntimeError(
            f"devices={count} starts processes, and a daemonic process, such as a worker of multiprocessing.Pool, "
            "cannot: train in another one"
        )
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise RuntimeError(
            f"devices={count} starts processes that read this script again: put what it does under "
            'if __name__ == "__main__":'
        )


def _joined(folder: Path, count: int, environment: dict[str, str], checkpoint: Path | None) -> Any:
    """Start the processes, wait for all of them, and return the outcome of the first."""
    context: Any = None
    shared = SharedSums.make(count)  # its semaphores have to stay until the processes have found them
    asked, lost = 0.0, list[int]()
    with Interrupts() as interrupts:
        try:
            with _ctrl_c_ignored(), _no_main_without_file(), _start_method_known():
                context = start_processes(  # type: ignore[no-untyped-call]
                    work, (str(folder), environment, shared), count, join=False, start_method="spawn"
                )
            while not context.join(_LOOK, _GRACE):
                if interrupts.requested is not None and not asked:
                    asked = time.monotonic()
                    for process in context.processes:
                        process.terminate()
                if asked and time.monotonic() > asked + _STOPPING:
                    break
        except ProcessException as error:
            lost.append(error.error_index)
        finally:
            _end(context)
    outcomes = [_outcome(folder, rank) for rank in range(count)]
    codes = [process.exitcode for process in context.processes]
    return _result(outcomes, codes, lost, interrupts.requested, checkpoint)


@contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    """Let processes that are started inside the block ignore Ctrl-C from their first moment on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _no_main_without_file() -> Iterator[None]:
    """Keep processes that are started inside the block from reading a script that came through a pipe again."""
    main: Any = sys.modules.get("__main__")
    named = getattr(main, "__file__", None)
    if named is None or os.path.exists(named):  # noqa: PTH110
        yield
        return
    del main.__file__
    try:
        yield
    finally:
        main.__file__ = named


@contextmanager
def _start_method_known() -> Iterator[None]:
    """Keep processes that are started inside the block from a default that they do not know, such as joblib's: a new
    process is told which one its parent has.
    """
    before = multiprocessing.get_start_method(allow_none=True)
    if before is None or before in multiprocessing.get_all_start_methods():
        yield
        return
    multiprocessing.set_start_method("spawn", force=True)
    try:
        yield
    finally:
        multiprocessing.set_start_method(before, force=True)


def _end(context: ProcessContext | None) -> None:
    for process in () if context is None else context.processes:
        if process.is_alive():
            process.kill()
        process.join()


def _outcome(folder: Path, rank: int) -> Outcome | None:
    path = outcome_path(folder, rank)
    if not path.is_file():
        return None
    found: Outcome = taken(path)
    return found


def _result(
    outcomes: list[Outcome | None],
    codes: list[int],
    lost: list[int],
    requested: signal.Signals | None,
    checkpoint: Path | None,
) -> Any:
    """Return what the first process returned, or raise why there is nothing: the cause, not what followed from it."""
    errors = sorted((each for each in outcomes if each is not None and each.error), key=lambda each: each.ended)
    for stopped in (each.error for each in errors):
        if isinstance(stopped, TrainingInterrupted):
            raise TrainingInterrupted(str(stopped), requested or stopped.exit_code - 128) from None
    if requested is not None and not (outcomes[0] is not None and outcomes[0].error is None):
        raise TrainingInterrupted(f"stopped before a step was finished; {_kept(checkpoint)}", requested)
    for failed in (each.error for each in errors):
        if failed is not None and not isinstance(failed, ProcessLostError):
            raise failed
    for rank in [*lost, *range(len(codes))]:
        if codes[rank] != 0 and outcomes[rank] is None:
            raise ProcessLostError(f"process {rank} of {len(codes)} {_how(codes[rank])}; {_kept(checkpoint)}")
    for failed in (each.error for each in errors):
        if failed is not None:
            raise failed
    assert outcomes[0] is not None
    return outcomes[0].value


def _how(code: int) -> str:
    if code >= 0:
        return (
            f"ended with exit code {code} and no result, and wrote why above; if it did not begin: a script does what "
            'it does under if __name__ == "__main__":'
        )
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"was killed by {name}{' (out of memory?)' if name == 'SIGKILL' else ''}, and all others were ended"


def _kept(checkpoint: Path | None) -> str:
    if checkpoint is None:
        return "nothing was saved, since the trainer has no folder"
    if not os.path.exists(checkpoint):  # noqa: PTH110
        return "there was no checkpoint yet"
    return f"the checkpoint in {checkpoint.parent} is whole: go on with resume=True"
