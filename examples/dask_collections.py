"""Prediction inside Dask: partitions of a data frame and blocks of an array, on two worker processes.

    python examples/dask_collections.py [--workers 2] [--rows 20000]

The circuit is an argument of the function that Dask maps. Its pickle is small, and a process that has read it once
takes the circuit that it has. OMP_NUM_THREADS says how many cores each worker may use: the workers of `distributed`
set it themselves, those of the scheduler `processes` inherit it from here.
Needs `pip install 'lutsmith[distributed,train]'`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import lutsmith
from lutsmith.circuit.engine.workers import num_threads


def of_frame(part: pd.DataFrame, circuit: lutsmith.Circuit) -> pd.DataFrame:
    """Return the labels of a partition; and to show who did it, the process, its circuit and its threads."""
    told = {"label": circuit.predict_labels(part), "worker": os.getpid(), "circuit": id(circuit)}
    return pd.DataFrame({**told, "threads": num_threads()}, index=part.index)


def of_block(block: np.ndarray, circuit: lutsmith.Circuit) -> np.ndarray:
    """Return the class ids of a block of rows."""
    return circuit.predict(block)


def main() -> None:
    """Train, write parts, predict them by Dask, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rows", type=int, default=20_000)
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # a core for each worker; before Dask starts them

    import dask
    import dask.array
    import dask.dataframe

    digits = lutsmith.data.load("digits")
    x = digits.x_train.reshape(len(digits.x_train), -1)
    names = [f"pixel{number}" for number in range(x.shape[1])]
    rows = pd.DataFrame(x, columns=names)
    circuit = lutsmith.train(rows, digits.y_train, method="additive", max_luts=100, quiet=True).circuit
    samples = np.random.default_rng(0).choice(x, given.rows)
    expected = circuit.predict(samples)

    workers: dict[str, Any] = {"scheduler": "processes", "num_workers": given.workers}
    with tempfile.TemporaryDirectory() as folder:
        for number, part in enumerate(np.array_split(samples, 8)):
            pd.DataFrame(part, columns=names).to_parquet(Path(folder) / f"part-{number}.parquet")
        meta = {"label": "int64", "worker": "int64", "circuit": "int64", "threads": "int64"}
        frame = dask.dataframe.read_parquet(folder).map_partitions(of_frame, circuit, meta=meta)
        found = frame.compute(**workers)
    made = found.groupby("worker")["circuit"].nunique().max()
    print(f"rows: {len(found)}, workers: {found['worker'].nunique()}, threads of each: {found['threads'].max()}")
    print(f"circuits made in a worker: {made}")
    labels = np.asarray(circuit.classes)[expected]
    print(f"predictions that differ: {int((found['label'].to_numpy() != labels).sum())}")

    blocks = dask.array.from_array(samples, chunks=(2500, -1))
    ids = blocks.map_blocks(of_block, circuit, drop_axis=1, dtype=expected.dtype).compute(**workers)
    print(f"predictions that differ: {int((ids != expected).sum())}")


if __name__ == "__main__":
    main()
