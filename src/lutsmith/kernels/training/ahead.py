"""Kernels that will be needed soon are compiled by another process, while this one does what it has to do now.

Numba compiles one kernel at a time in a process, and importing torch takes seconds, too. The backward kernel of a rank
takes longest, and is needed last: where there are two cores, another process compiles it from the start. It leaves its
kernels in Numba's cache, from which this one loads them; what it fails to make, this one compiles itself.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Iterable

from lutsmith.ground.programs import python_environment
from lutsmith.kernels import threads

FOLLOWING = {
    "fold": ("backward", "lookup"),
    "lookup": ("backward",),
    "fold_placed": ("backward_placed", "lookup_placed"),
    "lookup_placed": ("backward_placed",),
    "fold_pooled": ("backward_pooled",),
    "fold_sums": ("backward_sums",),
}
"""What is needed soon after a kernel, the longest first."""

MAKER = "lutsmith.kernels.training.build"
"""The module that compiles the kernels which its arguments name."""

TIMEOUT = 120.0
"""Seconds that are waited for a kernel."""

Kernel = tuple[str, int, str]  # kind, rank and dtype, as `build.address` takes them


class Helper:
    """A process that compiles kernels one after the other, and says when each is done."""

    def __init__(self, kernels: Iterable[Kernel]) -> None:
        self.pending = list(kernels)
        self._changed = threading.Condition()
        self._names = {f"{kind} {rank} {dtype}": (kind, rank, dtype) for kind, rank, dtype in self.pending}
        command = [sys.executable, "-m", MAKER, *self._names]
        nothing = subprocess.DEVNULL
        self.process = subprocess.Popen(
            command, stdin=nothing, stdout=subprocess.PIPE, stderr=nothing, env=python_environment(), text=True
        )
        try:
            threading.Thread(target=self._listen, name="lutsmith kernels", daemon=True).start()
        except RuntimeError:  # no more threads
            self.end()
            raise

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as said:
            for line in said:
                if (kernel := self._names.get(line.strip())) is not None:  # others may print as well
                    self.leave(kernel)
        self.process.wait()
        with self._changed:
            self.pending.clear()
            self._changed.notify_all()

    def leave(self, kernel: Kernel) -> None:
        """Wait for a kernel no longer: it is done, or made elsewhere."""
        with self._changed:
            if kernel in self.pending:
                self.pending.remove(kernel)
            self._changed.notify_all()

    def wait(self, kernel: Kernel) -> None:
        """Wait until a kernel is done, or the process has ended."""
        with self._changed:
            self._changed.wait_for(lambda: kernel not in self.pending, TIMEOUT)

    def end(self) -> None:
        """Stop the process."""
        self.process.kill()
        self.process.wait()


_helper: Helper | None = None


def begin(kernels: Iterable[Kernel]) -> None:
    """Have kernels compiled by another process, if there is a core for it and none is at work already."""
    global _helper
    busy = _helper is not None and _helper.process.poll() is None
    if busy or threads.get_num_threads() < 2 or not sys.executable or getattr(sys, "frozen", False):
        return
    try:
        _helper = Helper(kernels)
    except (OSError, RuntimeError, ValueError):  # no process or thread can be started: this one compiles everything
        _helper = None


def pending(kernel: Kernel) -> bool:
    """Whether another process is to compile a kernel, and has not said that it is done."""
    return _helper is not None and kernel in _helper.pending


def wait(kernel: Kernel) -> None:
    """Wait until the other process is done with a kernel, or has failed."""
    if _helper is not None:
        _helper.wait(kernel)


def take_back(kernels: Iterable[Kernel]) -> list[Kernel]:
    """Those of some kernels that the other process has not made: to be compiled here, before it comes to them."""
    found = [kernel for kernel in kernels if pending(kernel)]
    for kernel in found:
        if _helper is not None:
            _helper.leave(kernel)
    return found


def _end() -> None:
    if _helper is not None:
        _helper.end()


def _forget() -> None:
    global _helper
    _helper = None  # it is the parent's


atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
