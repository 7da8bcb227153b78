"""Which tests try a mutant: those that run the changed lines, the quick and specific ones first."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.mutants import ROOMS, TESTS
from benchmarks.mutants.sampler import Mutant
from benchmarks.mutants.workspace import environment

BUDGET = 25.0
"""Seconds that the chosen tests of a mutant took together without it, at most; but at least one test is chosen."""


@dataclass(frozen=True)
class Covered:
    """What the run under coverage.py found.

    Attributes:
        seconds: of each test that passed, by its id.
        lines: by file and line, the tests that run it; "" stands for what ran at import.
    """

    seconds: dict[str, float]
    lines: dict[str, dict[int, list[str]]]

    @classmethod
    def measured(cls, workspace: Path, keep: Path) -> Covered:
        """Run the tests in a copy of the repository, and keep what was found in the file `keep`.

        Raises:
            RuntimeError: a test fails: mutants can be tried only where all tests pass without them.
        """
        command = [sys.executable, "-m", "benchmarks.mutants.coverage_run", str(keep), *ROOMS, "--", *TESTS]
        done = subprocess.run(command, cwd=workspace, env=environment(workspace), check=False)
        if done.returncode:
            raise RuntimeError(f"tests fail without any mutant (pytest ended with {done.returncode}): mend them first")
        return cls.read(keep)

    @classmethod
    def read(cls, path: Path) -> Covered:
        """Read what an earlier run kept."""
        kept = json.loads(path.read_text())
        lines = {file: {int(line): tests for line, tests in found.items()} for file, found in kept["lines"].items()}
        return cls(kept["seconds"], lines)

    def chosen(self, mutant: Mutant, budget: float) -> dict[str, float]:
        """Return the tests to try and their seconds, in order: least seconds times lines of the rooms that it runs.

        What runs at import is in every test of that file, or of that folder where no test runs more of the file. Tests
        that would exceed `budget` are passed over.
        """
        by_line = self.lines.get(mutant.file, {})
        lines = range(mutant.first, mutant.last + 1)
        found = {test for line in lines for test in by_line.get(line, ())} - {""}
        if mutant.at_import:
            folder = mutant.file.rpartition("/")[0]
            beside = [found for file, found in self.lines.items() if file.rpartition("/")[0] == folder]
            near = [{test for tests in each.values() for test in tests} - {""} for each in (by_line, *beside)]
            found = next(filter(None, near), set())
        tests: dict[str, float] = {}
        left = budget
        for test in sorted(found, key=lambda test: (self.seconds[test] * self._reach[test], test)):
            if self.seconds[test] <= left or not tests:
                tests[test] = self.seconds[test]
                left -= self.seconds[test]
        return tests

    @cached_property
    def _reach(self) -> Counter[str]:
        """Return how many lines each test runs."""
        return Counter(test for by_line in self.lines.values() for tests in by_line.values() for test in tests)
