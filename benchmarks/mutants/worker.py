"""Tries mutants in a copy of the repository: one process that is warm, and a fork of it for each mutant.

    python -m benchmarks.mutants.worker < TRIALS > RESULTS

Started in the copy. Each line of input is a trial as JSON, each line of output its result. NumPy, Numba, pytest,
Hypothesis and the rooms that are never mutated are imported once; a fork writes nothing but what its tests write, and
all of its processes are ended with it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from benchmarks.mutants import ROOMS
from benchmarks.mutants.coverage_run import OPTIONS

WARM = ("numba", "numpy.testing", "hypothesis.extra.numpy", "lutsmith.circuit", "lutsmith.circuit.engine")
"""What is imported before the forks; nothing of the rooms that are mutated."""

MEMORY = 6 << 30
"""Bytes of data that a process of a trial may have."""

PATIENCE = 10
"""How much longer than its limit a trial may take on the clock. The limit is of a processor's time, so that a machine
that is busy with other things kills no mutant."""


TIMED_OUT = 99
"""The exit status of a trial one of whose tests took too long."""


class Chosen:
    """A plugin of pytest that keeps the chosen tests, in their order, and tells which fail.

    A test that takes more than `grace` seconds of a processor, and `SLACK` times what it takes without a mutant, ends
    the process.
    """

    GRACE, SLACK = 5.0, 4.0

    def __init__(self, tests: dict[str, float], tell: Callable[[str], None], grace: float = GRACE) -> None:
        self.seconds, self.tell, self.grace = tests, tell, grace
        self.order = {test: place for place, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((item for item in items if item.nodeid in self.order), key=lambda i: self.order[i.nodeid])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        def out_of_time(*_: object) -> None:
            self.tell(item.nodeid)
            os._exit(TIMED_OUT)

        signal.signal(signal.SIGPROF, out_of_time)
        signal.setitimer(signal.ITIMER_PROF, self.grace + self.SLACK * self.seconds[item.nodeid])
        try:
            return (yield)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.tell(f"collection of {report.nodeid}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.tell(report.nodeid)


def tried(
    file: str | None, code: str, tests: dict[str, float], keep_on: bool = False, grace: float = Chosen.GRACE
) -> dict[str, Any]:
    """Return what the tests say of `code` in the place of `file`; without a file, of the code as it is.

    Args:
        file: what is changed, relative to the working folder.
        code: what it becomes.
        tests: ids of pytest in their order, and the seconds that each takes without a mutant.
        keep_on: whether the tests go on after one has failed.
        grace: seconds of a processor that any test may take.

    Returns:
        `outcome`, which is "killed", "survived", "timed out" or "no tests", `by`, the tests that failed, `seconds` on
        the clock, and `status`, that of pytest.
    """
    path = None if file is None else Path(file)
    original = None if path is None else (path.read_bytes(), path.stat())
    began = time.perf_counter()
    try:
        if path is not None:
            path.write_text(code, encoding="utf-8")
        status, failed = _forked(tests, keep_on, grace)
    finally:
        if path is not None and original is not None:
            content, stat = original
            path.write_bytes(content)
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # so that compiled files are valid again
    late = status in (None, TIMED_OUT, -signal.SIGXCPU)
    outcome = "timed out" if late else {0: "survived", 5: "no tests"}.get(status or 0, "killed")
    return {"outcome": outcome, "by": failed, "seconds": time.perf_counter() - began, "status": status}


def _forked(tests: dict[str, float], keep_on: bool, grace: float) -> tuple[int | None, list[str]]:
    """Run the tests in a fork; return pytest's exit status (negative: a signal, None: out of time) and what failed."""
    limit = math.ceil(Chosen.GRACE + sum(Chosen.GRACE / 4 + Chosen.SLACK * seconds for seconds in tests.values()))
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        status = 70
        try:
            os.setsid()
            os.close(reading)
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
            status = _run(tests, writing, keep_on, grace)
        finally:
            os._exit(status)
    os.close(writing)
    ends, status = time.monotonic() + PATIENCE * limit, None
    while status is None and time.monotonic() < ends:
        ended, code = os.waitpid(child, os.WNOHANG)
        if ended:
            status = os.waitstatus_to_exitcode(code)
        else:
            time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what its tests left running too
    if status is None:
        os.waitpid(child, 0)
    with os.fdopen(reading) as told:
        return status, told.read().splitlines()


def _run(tests: dict[str, float], writing: int, keep_on: bool, grace: float) -> int:
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    hypothesis.settings.load_profile("mutants")
    plugin = Chosen(tests, lambda test: os.write(writing, f"{test}\n".encode()), grace)
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    return int(pytest.main([*OPTIONS, *([] if keep_on else ["-x"]), *files], plugins=[plugin]))


def main() -> None:
    for name in WARM:
        importlib.import_module(name)
    rooms = tuple("lutsmith." + room.replace("/", ".") for room in ROOMS)
    early = sorted(name for name in sys.modules if name.startswith(rooms))
    if early:
        raise RuntimeError(f"{', '.join(early)} are imported before the forks, so that mutants would not be seen")
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    for line in sys.stdin:
        answers.write(json.dumps(tried(**json.loads(line))) + "\n")


if __name__ == "__main__":
    main()
