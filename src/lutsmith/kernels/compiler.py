"""How every Numba kernel of the house is compiled: without the GIL, cached on disk where a cache can be written."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba.core import event

F = TypeVar("F", bound=Callable[..., Any])

_kept: list[Any] = []  # compiled callbacks: their addresses are valid as long as these live


def kernel(**options: Any) -> Callable[[F], F]:
    """Return a decorator that compiles a function with `numba.njit(nogil=True, **options)` and caches it on disk.

    Where no cache folder can be written (a read-only install and home folder), the kernel is compiled in each process.
    """

    def decorate(function: F) -> F:
        settings: dict[str, Any] = {"nogil": True, "error_model": "numpy", **options}
        try:
            compiled: F = numba.njit(cache=True, **settings)(function)
        except RuntimeError:  # Numba found no folder that it may write its cache to
            compiled = numba.njit(**settings)(function)
        return compiled

    return decorate


class _Announce(event.Listener):
    """Says on stderr, once, that something is compiled (not loaded from the cache)."""

    def __init__(self, message: str) -> None:
        self.message = message

    def on_start(self, event: Any) -> None:
        if self.message:
            print(self.message, file=sys.stderr, flush=True)  # noqa: T201
            self.message = ""

    def on_end(self, event: Any) -> None:
        pass


def callback(function: Callable[..., Any], signature: Any, message: str, **options: Any) -> int:
    """Compile a function as a C callback and return its address, for as long as the process lives.

    Cached on disk as by `kernel`; `message` goes to stderr when there is something to compile.
    """
    with event.install_listener("numba:run_pass", _Announce(message)):
        try:
            compiled = numba.cfunc(signature, cache=True, **options)(function)
        except (RuntimeError, OSError):  # no folder for the cache, or one that cannot be written after all
            compiled = numba.cfunc(signature, **options)(function)
    _kept.append(compiled)
    address: Any = compiled.address
    return int(address)
