"""How every Numba kernel of the house is compiled: without the GIL, cached on disk where a cache can be written."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import config, event
from numba.core.caching import FunctionCache
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target

ENGINE = "compiling the engine, once per machine, about 2 s"
"""Message of the kernels that evaluate circuits."""

F = TypeVar("F", bound=Callable[..., Any])

_kept: list[Any] = []  # compiled callbacks: their addresses are valid as long as these live
_messages: dict[int, str] = {}  # by the identity of the kernel, which lives as long as its module


def kernel(message: str = "", sources: Sequence[str] = (), **options: Any) -> Callable[[F], F]:
    """Return a decorator that compiles a function with `numba.njit(nogil=True, **options)` and caches it on disk.

    Where no cache folder can be written (a read-only install and home folder), the kernel is compiled in each process.
    The user is told `message` when it is compiled (not loaded), once a process for all kernels that share it. What is
    cached is out of date when the function's file changes, or one of `sources`: those whose code is compiled into it.
    """

    def decorate(function: F) -> F:
        settings: dict[str, Any] = {"nogil": True, "error_model": "numpy", **options}
        try:
            compiled: F = numba.njit(cache=True, **settings)(function)
            _watch(compiled, sources)
        except RuntimeError:  # Numba found no folder that it may write its cache to
            compiled = numba.njit(**settings)(function)
        if message:
            _messages[id(compiled)] = message
        return compiled

    return decorate


def _watch(compiled: Any, sources: Sequence[str]) -> None:
    """Add files to those by whose size and time of change Numba tells whether what is cached of a kernel is good."""
    file = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if sources and file is not None:
        states = [Path(source).stat() for source in sources]
        file._source_stamp = (file._source_stamp, *((state.st_mtime, state.st_size) for state in states))


def say(message: str) -> None:
    """Tell the user, on stderr, why it takes a while."""
    print(f"lutsmith: {message}", file=sys.stderr, flush=True)  # noqa: T201


class _Announce(event.Listener):
    """Calls a function when something is compiled (not loaded from the cache)."""

    def __init__(self, announce: Callable[[], None]) -> None:
        self.announce = announce

    def on_start(self, event: Any) -> None:
        self.announce()

    def on_end(self, event: Any) -> None:
        pass


class _Tell(event.Listener):
    """Tells the user the messages of the kernels that are compiled."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def on_start(self, event: Any) -> None:
        message = _messages.get(id(event.data["dispatcher"]))
        if message is not None and message not in self._told:
            self._told.add(message)
            say(message)

    def on_end(self, event: Any) -> None:
        pass


_register: Any = event.register  # untyped
_flags: Any = config
_cache_of: Any = FunctionCache
_register("numba:compile", _Tell())


@contextmanager
def _optimised(level: int) -> Iterator[None]:
    """LLVM's optimisation level of what is compiled meanwhile; other threads wait."""
    with global_compiler_lock:
        _ = cpu_target.target_context  # made at Numba's own level, at its first use
        usual = _flags.OPT
        _flags.OPT = type(usual)(min(level, usual))
        try:
            yield
        finally:
            _flags.OPT = usual


def is_cached(function: Callable[..., Any]) -> bool | None:
    """Whether Numba has something of a function in its cache on disk; None: there is no folder for it."""
    try:
        cache = _cache_of(function)
    except RuntimeError:
        return None
    return Path(cache._cache_file._index_path).exists()


def callback(
    function: Callable[..., Any], signature: Any, announce: Callable[[], None], level: int = 3, **options: Any
) -> int:
    """Compile a function as a C callback and return its address, for as long as the process lives.

    Cached on disk as by `kernel`; `announce` is called, maybe often, when there is something to compile. `level` is
    LLVM's optimisation level, 0 to 3.
    """
    with event.install_listener("numba:run_pass", _Announce(announce)), _optimised(level):
        try:
            compiled = numba.cfunc(signature, cache=True, **options)(function)
        except (RuntimeError, OSError):  # no folder for the cache, or one that cannot be written after all
            compiled = numba.cfunc(signature, **options)(function)
    _kept.append(compiled)
    address: Any = compiled.address
    return int(address)
