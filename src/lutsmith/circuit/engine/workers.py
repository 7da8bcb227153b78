"""Threads for work that is done in pieces outside of Python's lock."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

ENVIRONMENT = "LUTSMITH_NUM_THREADS"
SHARE = "OMP_NUM_THREADS"


def num_threads(threads: int | None = None) -> int:
    """How many threads to use: the argument, else LUTSMITH_NUM_THREADS, else the cores that this process was given
    (`cores_given`); of the latter at most as many as `threads_limited` says.

    Raises:
        TypeError, ValueError: the number is not a positive integer.
    """
    given: int | str | None = threads if threads is not None else os.environ.get(ENVIRONMENT) or None
    source = "threads" if threads is not None else ENVIRONMENT
    limit: int | None = None if threads is not None else getattr(_limits, "threads", None)
    if given is None:
        cores = cores_given()
        return cores if limit is None else min(cores, limit)
    if isinstance(given, (bool, float)):
        raise TypeError(f"{source} is {given!r}, expected a positive integer")
    try:
        count = int(given)
    except ValueError:
        count = 0
    if count < 1:
        raise ValueError(f"{source} is {given!r}, expected a positive integer")
    return count if limit is None else min(count, limit)


def cores_given() -> int:
    """How many cores this process was given: those that it may run on, and at most as many as OMP_NUM_THREADS says.

    The first number is Python's `os.process_cpu_count` (3.13; `PYTHON_CPU_COUNT` is its variable), before it that of
    the scheduler's affinity. The second is how those who start workers share the cores: Ray sets OMP_NUM_THREADS to the
    `num_cpus` of a task or an actor, Dask's workers and joblib's to what is left for each of their tasks. What is not a
    positive number there counts as not set; of a list, such as `4,2`, the first counts.
    """
    counted: Callable[[], int | None] | None = getattr(os, "process_cpu_count", None)
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    cores = (counted() if counted else len(affinity(0)) if affinity else os.cpu_count()) or 1
    share = os.environ.get(SHARE, "").partition(",")[0].strip()
    return min(cores, int(share)) if share.isascii() and share.isdigit() and int(share) > 0 else cores


@contextlib.contextmanager
def threads_limited(threads: int | None) -> Iterator[None]:
    """Let `num_threads()` be at most so many in this block and this thread; None: as it is outside."""
    before = getattr(_limits, "threads", None)
    _limits.threads = before if threads is None else num_threads(threads)
    try:
        yield
    finally:
        _limits.threads = before


def as_limited(work: Callable[[], None]) -> Callable[[], None]:
    """The same work, to be done in another thread under this one's `threads_limited`."""
    limit: int | None = getattr(_limits, "threads", None)

    def limited() -> None:
        _limits.threads = limit
        work()

    return limited


_limits = threading.local()


class _Pool:
    """One pool a process, as large as the largest call asked for. A forked child makes its own."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None
        self._size = 0

    def executor(self, size: int) -> ThreadPoolExecutor:
        with self._lock:
            if self._executor is None or self._size < size:
                self._executor = ThreadPoolExecutor(size, thread_name_prefix="lutsmith")
                self._size = size
            return self._executor


_pool = _Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.forget)


def share(pieces: int, threads: int, work: Callable[[Callable[[], int | None]], None]) -> None:
    """Call `work(take)` on up to `threads` threads, the caller's one of them; `take()` gives the next piece or None.

    Fast threads take more pieces. The caller never waits for a thread that has not begun, so that calls from within
    other threads, or from `work`, cannot block each other. The first exception is raised again.
    """
    counter: Iterator[int] = itertools.count()  # next() is atomic

    def take() -> int | None:
        piece = next(counter)
        return piece if piece < pieces else None

    # A call that was cancelled may wait long in the queue of a busy pool: it must not keep the arrays of `work` alive.
    shared = [work]

    def begin() -> None:
        shared[0](take)

    helpers = min(threads, pieces) - 1
    futures: list[Future[None]] = []
    if helpers > 0:
        executor = _pool.executor(helpers)
        with contextlib.suppress(RuntimeError):  # Python is ending and begins no threads: the caller works alone
            futures = [executor.submit(begin) for _ in range(helpers)]
    try:
        work(take)
    finally:
        counter = itertools.repeat(pieces)  # after an error nobody begins another piece
        running = [future for future in futures if not future.cancel()]
        wait(running)
        shared.clear()
    for future in running:
        future.result()
