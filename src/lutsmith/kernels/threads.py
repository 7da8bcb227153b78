"""Runs the parts of a kernel in a row or on several threads, and knows when several threads are not allowed.

Numba offers three threading layers. omp starts a loop in 2 microseconds, tbb in 10, workqueue in 100; workqueue
also aborts the process when two Python threads enter it at once, so a lock guards it. GNU's omp kills or hangs a
forked child whose parent had used it, and torch may have: a forked child runs the parts in a row.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import Any

import numba
from numba import config

from lutsmith.kernels.compiler import kernel
from lutsmith.kernels.vectors import call

LAYERS = ["omp", "tbb", "workqueue"]

_lock = threading.Lock()
_chosen: int | None = None  # what set_num_threads was told
_limit: int | None = None  # what limit_num_threads was told
_launched = False  # Numba's threads are running
_alone = False  # this process was forked
_guard: Any = None  # what an entry into the parallel loop holds


def get_num_threads() -> int:
    """Number of threads that the training kernels use."""
    if _alone:
        return 1
    count = int(config.NUMBA_NUM_THREADS) if _chosen is None else _chosen
    return count if _limit is None else min(count, _limit)


def set_num_threads(count: int | None) -> None:
    """Use `count` threads in the training kernels of this process; None: as many as Numba does (NUMBA_NUM_THREADS).

    Results do not depend on it, to the last bit. ValueError when the number is not between 1 and NUMBA_NUM_THREADS (by
    default the number of cores).
    """
    global _chosen
    if count is not None and not 1 <= count <= config.NUMBA_NUM_THREADS:
        raise ValueError(
            f"got {count} threads; expected 1 to {config.NUMBA_NUM_THREADS}: "
            "set the variable NUMBA_NUM_THREADS before the start for more"
        )
    _chosen = count


def limit_num_threads(most: int | None) -> None:
    """Use at most `most` of the threads that were chosen, until told None: what to do while others hold the cores."""
    global _limit
    _limit = most


@kernel()
def _in_a_row(function: int, address: int, parts: int) -> None:
    for part in range(parts):
        call(function, address, part)


@kernel(parallel=True)
def _at_once(function: int, address: int, parts: int, groups: int) -> None:
    for group in numba.prange(groups):
        for part in range(parts * group // groups, parts * (group + 1) // groups):
            call(function, address, part)


def run(function: int, address: int, parts: int) -> None:
    """Call the kernel at address `function` with (address, part) for every part, on `get_num_threads` threads at most;
    the global lock of Python is released.
    """
    groups = min(parts, get_num_threads())
    if groups == 1:
        _in_a_row(function, address, parts)
        return
    if not _launched:
        _launch()
    with _guard:
        if groups == config.NUMBA_NUM_THREADS:
            _at_once(function, address, parts, groups)
            return
        team = numba.get_num_threads()
        numba.set_num_threads(groups)  # threads without work would be waited for too
        try:
            _at_once(function, address, parts, groups)
        finally:
            numba.set_num_threads(team)


def _launch() -> None:
    """Start the threads with the best layer, unless the user chose one.

    Where Numba and torch share one OpenMP, Numba's start sets the number of torch's threads too: that is put back.
    """
    global _launched, _guard
    with _lock:
        if _launched:
            return
        before = config.THREADING_LAYER_PRIORITY
        if before == ["tbb", "omp", "workqueue"]:  # Numba's own order: nobody asked for another
            config.THREADING_LAYER_PRIORITY = LAYERS
        torch: Any = sys.modules.get("torch")
        of_torch = None if torch is None else torch.get_num_threads()
        try:
            _at_once(0, 0, 0, 1)
        finally:
            config.THREADING_LAYER_PRIORITY = before
            if torch is not None:
                torch.set_num_threads(of_torch)
        _guard = _lock if numba.threading_layer() == "workqueue" else contextlib.nullcontext()
        _launched = True


def _after_fork() -> None:
    global _alone
    _alone = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
