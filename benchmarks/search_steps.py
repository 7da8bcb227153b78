"""Search: CPU seconds of a training step at LUTNets' own size, and how far each method lowers its loss.

    python -m benchmarks.search_steps [--data DIR] [--steps N] [--seeds N] [--only NAME ...] [--json FILE]

time     one step on `cnn_iv0` (3,714 LUTs of rank 6, 8 output bits), batches of 1,000 of the first 5,000 training rows
         of MNIST, 200 candidates, one thread: the mean CPU time of the process over some passes, with what it costs to
         bring a batch up to date. LUTNets takes about 10 s of CPU for evolve and bitflip and 5 s for pivotal (measured
         at the same size, one thread; its row here is `pivotal-as-lutnets`, with its selector and its rule).
descent  N steps on the same 5,000 rows, all of them in every step: the wrong bits (of 40,000) and right answers at the
         start and the end, and whether the loss ever rose. The test part is not read.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np

import lutsmith.search.methods  # noqa: F401 - makes the methods known
from lutsmith.circuit.engine.stages import PackedSamples
from lutsmith.data import load
from lutsmith.search.method import SearchMethod, method_named
from lutsmith.search.networks import network_circuit
from lutsmith.search.problem import BatchSchedule, Problem

ROWS, BATCH = 5_000, 1_000
LUTNETS = {"evolve": 10.0, "bitflip": 10.0, "pivotal-as-lutnets": 5.0, "pivotal": 5.0, "pivotal-quarter": 5.0}
"""CPU seconds a step."""

METHODS = {
    "evolve": ("evolve", {}),
    "bitflip": ("bitflip", {}),
    "pivotal-as-lutnets": ("pivotal", {"selector": "score", "together": 1, "accept": "always"}),
    "pivotal": ("pivotal", {}),
    "pivotal-quarter": ("pivotal", {"share": 0.25}),
    "coordinate": ("coordinate", {}),
    "anneal": ("anneal", {"cooling": 1_000}),
    "population": ("population", {}),
    "wires": ("wires", {}),
}


def packed(data: Path | None, seed: int) -> tuple[PackedSamples, np.ndarray, object]:
    """The first training rows as bits, their labels, and a circuit with random tables."""
    dataset = load("mnist", data)
    circuit = network_circuit("cnn_iv0", seed=seed)
    samples = circuit.stages.pack(dataset.x_train[:ROWS].reshape(ROWS, -1))
    return samples, np.asarray(dataset.y_train[:ROWS], np.int64), circuit


def search(problem: Problem, method: SearchMethod, steps: int) -> list[float]:
    """The loss after each step, and before the first."""
    values = []
    for _ in range(steps):
        step = method.step(problem, np.random.default_rng([0, problem.step]))
        values += [step.before] if not values else []
        values.append(step.after)
        problem.step += 1
    return values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--steps", type=int, default=1_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=METHODS, default=list(METHODS))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = []
    for name in given.only:
        kind, settings = METHODS[name]
        samples, labels, circuit = packed(given.data, 0)
        problem = Problem(
            circuit.netlist, samples, labels, circuit.head, schedule=BatchSchedule(batch=BATCH), threads=1, seed=0
        )
        method = method_named(kind, settings)
        search(problem, method, ROWS // BATCH)  # packs the batches
        times = []
        for _ in range(5):
            began = time.process_time()
            search(problem, method, 2 * ROWS // BATCH)
            times.append((time.process_time() - began) / (2 * ROWS // BATCH))
        row = {"method": name, "cpu_ms_a_step": 1e3 * statistics.median(times), "least": 1e3 * min(times)}
        if name in LUTNETS:
            row["times_faster"] = LUTNETS[name] / statistics.median(times)
        print(json.dumps(row), flush=True)
        found.append(row)
    for name in given.only if given.steps else ():
        kind, settings = METHODS[name]
        for seed in range(given.seeds):
            samples, labels, circuit = packed(given.data, seed)
            problem = Problem(circuit.netlist, samples, labels, circuit.head, seed=seed, threads=1)
            first, began = problem.batch().accuracy, time.process_time()
            values = search(problem, method_named(kind, settings), given.steps)
            row = {
                "method": name, "seed": seed, "start": values[0], "end": values[-1], "right_at_start": first,
                "right_at_end": problem.batch().accuracy, "ever_rose": bool((np.diff(values) > 0).any()),
                "cpu_seconds": time.process_time() - began,
            }  # fmt: skip
            print(json.dumps(row), flush=True)
            found.append(row)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
