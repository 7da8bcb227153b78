"""`python -m benchmarks.mutants`: samples mutants, tries them, tells which survive."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from rich.console import Console

import benchmarks.mutants as package
from benchmarks.mutants import ROOMS, report
from benchmarks.mutants.choice import BUDGET, Covered
from benchmarks.mutants.report import Result
from benchmarks.mutants.sampler import Mutant, sample
from benchmarks.mutants.workspace import copied, environment

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "benchmarks" / "results" / "mutants-coverage.json"


class Worker:
    """A warm process in a copy of the repository of its own."""

    def __init__(self, workspace: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.mutants.worker"],
            cwd=workspace,
            env={**environment(workspace), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tried(self, **trial: Any) -> dict[str, Any]:
        """Return what `worker.tried` says."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(trial) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process that tries mutants ended with {self._process.wait()}")
        found: dict[str, Any] = json.loads(answer)
        return found

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def try_all(mutants: Sequence[Mutant], covered: Covered, workspaces: Sequence[Path], budget: float) -> Iterator[Result]:
    """Try the mutants, as many at once as there are copies, and give the results as they come.

    Last, the tests that killed run once more without a mutant; kills by those that fail then are void.
    """
    free: SimpleQueue[Worker] = SimpleQueue()
    workers = [Worker(workspace) for workspace in workspaces]
    for worker in workers:
        free.put(worker)

    def one(mutant: Mutant) -> Result:
        tests = covered.chosen(mutant, budget)
        if not tests:
            return Result(mutant, "not covered", "", 0, 0.0)
        worker = free.get()
        try:
            found = worker.tried(file=mutant.file, code=mutant.code, tests=tests)
        finally:
            free.put(worker)
        if found["outcome"] == "no tests":
            raise RuntimeError(f"{mutant.file}:{mutant.first}: none of {[*tests]} is there, measure the coverage anew")
        return Result(mutant, found["outcome"], (found["by"] or [""])[0], len(tests), found["seconds"])

    try:
        with ThreadPoolExecutor(len(workers)) as pool:
            yield from pool.map(one, mutants)
    finally:
        for worker in workers:
            worker.close()


def without_void(results: Sequence[Result], covered: Covered, workspace: Path) -> list[Result]:
    """Run the tests that killed once more without a mutant, and mark the kills by those that fail as void."""
    killers = {each.by: covered.seconds[each.by] for each in results if "::" in each.by}
    worker = Worker(workspace)
    failing = set(worker.tried(file=None, code="", tests=killers, keep_on=True)["by"]) if killers else ()
    worker.close()
    return [replace(each, outcome="void") if each.by in failing else each for each in results]


def main() -> int:
    parser = argparse.ArgumentParser(description=package.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--only", metavar="TEXT", default="", help="of the sample, whose file or name has this text")
    parser.add_argument("--part", metavar="I/N", default="1/1", help="every N-th of the sample, from the I-th")
    parser.add_argument("--budget", type=float, default=BUDGET, help="seconds of tests for a mutant, at most")
    parser.add_argument("--reuse", action="store_true", help="which test runs which line is known from the last run")
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks" / "results" / "mutants.json")
    arguments = parser.parse_args()
    console, began = Console(width=160), time.perf_counter()
    drawn = sample(ROOT, ROOMS, arguments.count, arguments.seed)
    first, _, step = arguments.part.partition("/")
    drawn = [each for each in drawn if arguments.only in f"{each.file} {each.name}"][int(first) - 1 :: int(step)]
    sampled = time.perf_counter()
    KEPT.parent.mkdir(exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the copies are removed then too
    with tempfile.TemporaryDirectory(prefix="lutsmith-mutants-") as folder:
        original = copied(ROOT, Path(folder, "0"))
        covered = Covered.read(KEPT) if arguments.reuse else Covered.measured(original, KEPT)
        measured = time.perf_counter()
        others = [copied(original, Path(folder, str(place))) for place in range(1, arguments.workers)]
        results = []
        for each in try_all(drawn, covered, [original, *others], arguments.budget):
            results.append(each)
            where = f"{each.mutant.file}:{each.mutant.first} {each.mutant.name}"
            sys.stderr.write(f"{len(results)}/{len(drawn)} {each.outcome} {each.seconds:.1f} s {where} {each.by}\n")
        results = without_void(results, covered, original)
    why = report.reasons()
    seconds = {"sample": sampled - began, "coverage": measured - sampled, "trials": time.perf_counter() - measured}
    report.show(results, why, console)
    arguments.json.write_text(json.dumps(report.as_json(results, why, seed=arguments.seed, seconds=seconds), indent=1))
    return 0 if report.score(results) >= report.LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
