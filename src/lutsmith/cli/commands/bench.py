"""`lutsmith bench`: how many samples a second a model predicts on this machine."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lutsmith.cli.arguments import JsonOption, ModelArgument
from lutsmith.cli.output import deliver

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

    from lutsmith.circuit import Circuit

_BATCHES = (1, 1_000, 64_000)
_LARGEST_BYTES = 1 << 29
"""Batches of very wide samples are cut to this size."""
_SECONDS = 0.5
"""Time spent on each row of the table, beyond the fewest repetitions."""
_FEWEST = 5
_WARM_UP = 100
"""Samples enough for the compiled engine to be loaded before anything is measured."""


def bench(model: ModelArgument, json_output: JsonOption = False) -> None:
    """Measure prediction from raw features, encoding and argmax included: median samples/s by batch and cores."""

    def compute() -> dict[str, Any]:
        from lutsmith.circuit.engine.workers import num_threads
        from lutsmith.circuit.file import load

        circuit = load(model)
        rows = []
        most = num_threads()
        circuit.predict(_samples(circuit, _WARM_UP))
        for batch in _BATCHES:
            samples = _samples(circuit, batch)
            for threads in dict.fromkeys((1, most)):
                seconds = _median_seconds(circuit, samples, threads)
                rate = len(samples) / seconds
                rows.append(
                    {"batch": len(samples), "threads": threads, "median_seconds": seconds, "samples_per_second": rate}
                )
        return {"model": str(model.resolve()), "dtype": str(samples.dtype), "rows": rows}

    deliver(compute, _show, json_output)


def _samples(circuit: Circuit, batch: int) -> NDArray[Any]:
    """Return random samples within the range that the model was fitted on; bytes where that range is one of bytes."""
    import numpy as np

    low, high = (0, 255) if circuit.fitted_range is None else circuit.fitted_range
    low, high = np.broadcast_arrays(low, high)
    integers = bool((low == np.rint(low)).all() and (high == np.rint(high)).all())
    bytes_fit = integers and low.min() >= 0 and high.max() <= 255
    features = circuit.encoder.num_features
    rows = max(1, min(batch, _LARGEST_BYTES // (features * (1 if bytes_fit else 4))))
    random = np.random.default_rng(0)
    if bytes_fit:
        return random.integers(low.min(), high.max(), (rows, features), np.uint8, endpoint=True)
    return low + random.random((rows, features), np.float32) * (high - low)


def _median_seconds(circuit: Circuit, samples: NDArray[np.generic], threads: int) -> float:
    with _engine_threads(threads):
        circuit.predict(samples)
        seconds: list[float] = []
        end = time.perf_counter() + _SECONDS
        while len(seconds) < _FEWEST or time.perf_counter() < end:
            start = time.perf_counter()
            circuit.predict(samples)
            seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


@contextmanager
def _engine_threads(count: int) -> Iterator[None]:
    """Let `Circuit.predict` use `count` threads inside the block."""
    from lutsmith.circuit.engine.workers import ENVIRONMENT

    before = os.environ.get(ENVIRONMENT)
    os.environ[ENVIRONMENT] = str(count)
    try:
        yield
    finally:
        if before is None:
            del os.environ[ENVIRONMENT]
        else:
            os.environ[ENVIRONMENT] = before


def _show(result: dict[str, Any], console: Console) -> None:
    from rich.table import Table

    table = Table("batch", "threads", "median", "samples/s", title=f"{result['dtype']} samples, random")
    for column in table.columns:
        column.justify = "right"
    for row in result["rows"]:
        seconds = row["median_seconds"]
        table.add_row(
            f"{row['batch']:,}", str(row["threads"]), f"{seconds * 1e3:,.3f} ms", f"{row['samples_per_second']:,.0f}"
        )
    console.print(table)
