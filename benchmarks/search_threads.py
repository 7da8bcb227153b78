"""Search: how many candidates evolutions judge in a second, with one thread and with several.

    python -m benchmarks.search_threads [--data DIR] [--threads N] [--rounds N] [--seconds S] [--only NAME ...]

Whole steps with 200 candidates each, on training rows of MNIST: `small` is LUTNets' size, `cnn_iv0` (3,714 LUTs) and
batches of 1,000 of 5,000 rows; `rows` has these 5,000 in each step; `large` is `cnn_iv1` (19,484 LUTs) and 5,000 rows.
One thread and
several take turns, a window of S seconds each, so that what else the machine does hits both; the best window of each
counts. `cores` is the CPU time of the process in that window by its length: with N threads, whether N cores were free.
`same` says that both searches had the same tables after the first steps. What needs no free cores: `a_cpu_second`, the
candidates judged in a second of CPU time, with one thread and with several (all windows together); `alone`, the share
of a step's CPU time, with one thread, that is not in what threads share; and `at_most`, what that leaves of N.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from pathlib import Path

import numpy as np

import lutsmith.search.methods  # noqa: F401 - makes the methods known
from lutsmith.circuit.engine.stages import trials
from lutsmith.data import load
from lutsmith.search.method import method_named
from lutsmith.search.networks import network_circuit
from lutsmith.search.problem import BatchSchedule, Problem

SIZES = {"small": ("cnn_iv0", 1_000), "rows": ("cnn_iv0", 5_000), "large": ("cnn_iv1", 5_000)}
ROWS, CANDIDATES, COMPARED = 5_000, 200, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--only", nargs="*", choices=SIZES, default=list(SIZES))
    given = parser.parse_args()
    dataset = load("mnist", given.data)
    for size in given.only:
        network, batch = SIZES[size]
        circuit = network_circuit(network)
        samples = circuit.stages.pack(dataset.x_train[:ROWS].reshape(ROWS, -1))
        for name in ("evolve", "bitflip"):
            steppers, tables = {}, []
            for threads in (1, given.threads):
                problem = Problem(
                    circuit.netlist, samples, dataset.y_train[:ROWS], circuit.head,
                    schedule=BatchSchedule(batch=batch), threads=threads,
                )  # fmt: skip
                steppers[threads] = stepper(problem, name)
                for _ in range(COMPARED):
                    next(steppers[threads])
                tables.append(problem.tables)
            best, spent = dict.fromkeys(steppers, (0.0, 0.0)), {threads: np.zeros(2) for threads in steppers}
            load_before = os.getloadavg()[0]
            for _ in range(given.rounds):
                for threads, steps in steppers.items():
                    *found, candidates, cpu = window(steps, given.seconds)
                    best[threads] = max(best[threads], tuple(found))
                    spent[threads] += candidates, cpu
            alone = statistics.median(alone_in(steppers[1]) for _ in range(20))
            (one, _), (several, cores) = best[1], best[given.threads]
            row = {
                "size": size, "method": name, "candidates_a_second": round(one), "threads": given.threads,
                "with_threads": round(several), "times": several / one, "cores": cores,
                "a_cpu_second": [round(candidates / cpu) for candidates, cpu in spent.values()],
                "alone": alone, "at_most": 1 / (alone + (1 - alone) / given.threads),
                "same": bool(np.array_equal(*tables)), "load": (load_before, os.getloadavg()[0]),
            }  # fmt: skip
            print(json.dumps(row), flush=True)


def stepper(problem: Problem, name: str):
    """Step for ever."""
    method = method_named(name, {"candidates": CANDIDATES})
    while True:
        method.step(problem, np.random.default_rng([0, problem.step]))
        problem.step += 1
        yield


def alone_in(steps) -> float:
    """The share of the next step's CPU time that is not spent in what threads share."""
    spent, share = [], trials.share

    def timed(*arguments) -> None:
        began = time.thread_time()
        share(*arguments)
        spent.append(time.thread_time() - began)

    trials.share = timed
    try:
        began = time.thread_time()
        next(steps)
        return 1 - sum(spent) / (time.thread_time() - began)
    finally:
        trials.share = share


def window(steps, seconds: float) -> tuple[float, float, int, float]:
    """Candidates a second in some seconds of steps, and the CPU seconds a second; then how many of each in all."""
    began, cpu, count = time.perf_counter(), time.process_time(), 0
    while (passed := time.perf_counter() - began) < seconds:
        next(steps)
        count += CANDIDATES
    cpu = time.process_time() - cpu
    return count / passed, cpu / passed, count, cpu


if __name__ == "__main__":
    main()
