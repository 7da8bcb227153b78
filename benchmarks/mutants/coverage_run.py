"""Which test runs which line: the tests of the rooms, run once under coverage.py. Started by `choice.py` as a program.

    python -m benchmarks.mutants.coverage_run RESULT ROOMS... -- TESTS...

Writes JSON: for each test that passed its seconds, and for each file the tests by line. A test's set-up counts for all
tests of its module, since they may share what is set up. `""` stands for what ran at import.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import coverage
import hypothesis
import pytest

SET_UP = "set-up of "
OPTIONS = ("-p", "no:cacheprovider", "-p", "no:xdist", "-W", "ignore:Module already imported")
"""Of pytest, here and with mutants. Hypothesis draws the same examples in each run."""

hypothesis.settings.register_profile("mutants", derandomize=True, database=None)


class Contexts:
    """A plugin of pytest that tells coverage.py which test runs, and notes what passed."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self.measured = measured
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.unsteady: set[str] = set()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Any:
        self.measured.switch_context(SET_UP + item.nodeid)
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Any:
        self.measured.switch_context(item.nodeid)
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if report.outcome != "passed":
            self.unsteady.add(report.nodeid)


def main() -> int:
    result, *arguments = sys.argv[1:]
    split = arguments.index("--")
    rooms, tests = arguments[:split], arguments[split + 1 :]
    hypothesis.settings.load_profile("mutants")
    measured = coverage.Coverage(data_file=None, include=[f"{Path('src/lutsmith', room)}/*" for room in rooms])
    contexts = Contexts(measured)
    measured.start()
    status = pytest.main([*OPTIONS, *tests], plugins=[contexts])
    measured.stop()
    seconds = {test: time for test, time in contexts.seconds.items() if test not in contexts.unsteady}
    of_module: defaultdict[str, list[str]] = defaultdict(list)
    for test in seconds:
        of_module[test.partition("::")[0]].append(test)
    lines: dict[str, dict[int, list[str]]] = {}
    data = measured.get_data()
    for file in data.measured_files():
        by_line = lines[Path(file).relative_to(Path.cwd()).as_posix()] = {}
        for line, names in data.contexts_by_lineno(file).items():
            found: set[str] = set()
            for name in names:
                shared = name.removeprefix(SET_UP)
                found.update([name] if shared == name else of_module[shared.partition("::")[0]])
            by_line[line] = sorted(name for name in found if name in seconds or not name)
    Path(result).write_text(json.dumps({"seconds": seconds, "lines": lines}))
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
