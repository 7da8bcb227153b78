"""Predicting from data frames: rows per second of processor time, of each kind of frame.

    python -m benchmarks.frames                                    # 1 M rows x 14 columns, 8 of them names
    python -m benchmarks.frames --rows 100000 --kinds pandas polars

The columns are like adult's: six of numbers, eight of 2 to 42 names, some values missing; a network of up to 1,000
LUTs is grown on 20,000 of the rows. The rate of a kind is that of the second call, and besides it stands the share of
the time that goes into making features of the frame, and what the engine takes from an array of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import lutsmith
from lutsmith.circuit import Circuit

NAMES = (9, 16, 7, 15, 6, 5, 2, 42)
"""How many names adult's eight categorical columns have."""
NUMBERS = 6


def columns(rows: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Columns of numbers (int64, float64 with NaN) and of text (objects, None where missing)."""
    rng = np.random.default_rng(seed)
    made: dict[str, np.ndarray] = {}
    for number in range(NUMBERS):
        values = np.round(rng.gamma(2.0, 20.0 * (1 + number), rows))
        made[f"number {number}"] = values.astype(np.int64) if number % 2 else values
    made["number 0"][rng.random(rows) < 0.03] = np.nan
    for place, count in enumerate(NAMES):
        names = np.array([f"{'abcdefgh'[place]}-name-{code * 7919 % 1000}" for code in range(count)], object)
        share = 1 / np.arange(1, count + 1)
        cells = names[rng.choice(count, rows, p=share / share.sum())]
        if place % 3 == 0:
            cells[rng.random(rows) < 0.05] = None
        made[f"name {place}"] = cells
    return made


def frames() -> dict[str, Callable[[dict[str, np.ndarray]], Any]]:
    """How each kind of frame is made of columns."""
    import pandas
    import polars
    import pyarrow

    def dictionary(given: dict[str, np.ndarray]) -> Any:
        table = pyarrow.table(given)
        texts = [place for place, kind in enumerate(table.schema.types) if pyarrow.types.is_string(kind)]
        for place in texts:
            table = table.set_column(place, table.column_names[place], table.column(place).dictionary_encode())
        return table

    def categories(given: dict[str, np.ndarray]) -> Any:
        return pandas.DataFrame({
            name: pandas.Categorical(cells) if cells.dtype == object else cells for name, cells in given.items()
        })  # fmt: skip

    def objects(given: dict[str, np.ndarray]) -> Any:
        return pandas.DataFrame({
            name: pandas.Series(cells, dtype=cells.dtype if cells.dtype != object else object)
            for name, cells in given.items()
        })  # fmt: skip

    def polars_of(given: dict[str, np.ndarray]) -> Any:
        return polars.DataFrame({
            name: polars.Series(name, cells.tolist() if cells.dtype == object else cells)
            for name, cells in given.items()
        })  # fmt: skip

    def polars_categories(given: dict[str, np.ndarray]) -> Any:
        return polars_of(given).with_columns(polars.col(polars.String).cast(polars.Categorical))

    return {
        "pandas": lambda given: pandas.DataFrame(given),
        "pandas objects": objects,
        "pandas categories": categories,
        "polars": polars_of,
        "polars categories": polars_categories,
        "pyarrow": lambda given: pyarrow.table(given),
        "pyarrow dictionary": dictionary,
    }


def grown(given: dict[str, np.ndarray], luts: int) -> Circuit:
    """A network for a target that depends on numbers and names."""
    import pandas

    frame = pandas.DataFrame({name: cells[:20_000] for name, cells in given.items()})
    rng = np.random.default_rng(1)
    told = frame["number 1"].to_numpy() > 60
    told = told ^ (frame["name 4"].to_numpy() == frame["name 4"].mode()[0]) ^ (rng.random(len(frame)) < 0.1)
    return lutsmith.train(frame, told.astype(int), quiet=True, settings={"max_luts": luts}).circuit


def measured(call: Callable[[], Any]) -> float:
    """Seconds of processor time that the best of three calls takes; one goes before them."""
    call()
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--luts", type=int, default=1000)
    parser.add_argument("--kinds", nargs="*", default=None)
    parser.add_argument("--threads", nargs="*", type=int, default=[1, 2])
    args = parser.parse_args()
    given = columns(args.rows)
    circuit = grown(given, args.luts)
    machine = f"{os.cpu_count()} CPUs, {platform.machine()}"
    print(f"{args.rows:,} rows x {len(given)} columns, {circuit.netlist.num_nodes:,} LUTs, {machine}")
    print(f"{'frame':20} {'threads':>7} {'rows/s of processor time':>24} {'features':>9} {'engine':>7}")
    wanted, results = frames(), []
    for kind in args.kinds or wanted:
        frame = wanted[kind](given)
        features = np.array(circuit._read(frame))
        plain = circuit.predict(features)
        for threads in args.threads:
            os.environ["LUTSMITH_NUM_THREADS"] = str(threads)
            assert np.array_equal(circuit.predict(frame), plain)
            whole, read, engine = (
                measured(call)
                for call in (
                    lambda frame=frame: circuit.predict(frame),
                    lambda frame=frame: circuit._read(frame),
                    lambda features=features: circuit.predict(features),
                )
            )
            results.append({"frame": kind, "threads": threads, "rows_per_second": args.rows / whole})
            print(f"{kind:20} {threads:7} {args.rows / whole:24,.0f} {read:8.3f}s {engine:6.3f}s", flush=True)
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / "frames.json").write_text(
        json.dumps({"rows": args.rows, "machine": machine, "frames": results}, indent=1)
    )


if __name__ == "__main__":
    main()
