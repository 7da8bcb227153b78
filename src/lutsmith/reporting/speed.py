"""How many samples a second a circuit predicts on this machine, from raw features to answers."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.engine.workers import ENVIRONMENT, num_threads

LARGEST_BYTES = 1 << 29
"""Batches of very wide samples are cut to this size."""

FEWEST = 5
"""Repetitions of each measurement."""


class Speed(NamedTuple):
    """One measurement: samples at a time, threads, and the median of their seconds."""

    batch: int
    threads: int
    seconds: float


def measured(circuit: Circuit, batches: tuple[int, ...], seconds: float) -> list[Speed]:
    """Return the speed for batches of each size, on one thread and on all, each measured for about so many seconds."""
    found = []
    for batch in batches:
        samples = random_samples(circuit, batch)
        found += [
            Speed(len(samples), threads, median_seconds(circuit, samples, threads, seconds))
            for threads in dict.fromkeys((1, num_threads()))
        ]
    return found


def random_samples(circuit: Circuit, batch: int) -> NDArray[Any]:
    """Return random samples within the range that the model was fitted on; bytes where that range is one of bytes."""
    low, high = (0, 255) if circuit.fitted_range is None else circuit.fitted_range
    low, high = np.broadcast_arrays(low, high)
    integers = bool((low == np.rint(low)).all() and (high == np.rint(high)).all())
    bytes_fit = integers and low.min() >= 0 and high.max() <= 255
    features = circuit.encoder.num_features
    rows = max(1, min(batch, LARGEST_BYTES // (features * (1 if bytes_fit else 4))))
    random = np.random.default_rng(0)
    if bytes_fit:
        return random.integers(low.min(), high.max(), (rows, features), np.uint8, endpoint=True)
    return low + random.random((rows, features), np.float32) * (high - low)


def median_seconds(circuit: Circuit, samples: NDArray[Any], threads: int, seconds: float) -> float:
    """Return the median of the seconds that a prediction takes, after one that is not counted."""
    with _engine_threads(threads):
        circuit.predict(samples)
        taken: list[float] = []
        end = time.perf_counter() + seconds
        while len(taken) < FEWEST or time.perf_counter() < end:
            start = time.perf_counter()
            circuit.predict(samples)
            taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def machine() -> str:
    """Return what this machine is: its processor's architecture and how many threads are used, no names."""
    return f"{platform.system()} on {platform.machine()}, {num_threads()} thread{'' if num_threads() == 1 else 's'}"


@contextmanager
def _engine_threads(count: int) -> Iterator[None]:
    """Let `Circuit.predict` use `count` threads inside the block."""
    before = os.environ.get(ENVIRONMENT)
    os.environ[ENVIRONMENT] = str(count)
    try:
        yield
    finally:
        if before is None:
            del os.environ[ENVIRONMENT]
        else:
            os.environ[ENVIRONMENT] = before
