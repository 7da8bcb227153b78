"""Prediction inside Ray Data: a folder of Parquet parts, two workers, labels beside ids.

    python examples/ray_data.py [--workers 2] [--rows 20000]

Each worker holds the circuit once: Ray makes one `Predict` for each, and pickles of a circuit are small. A worker
predicts with the cores that Ray gave it (`num_cpus`), because lutsmith reads OMP_NUM_THREADS, in which Ray says so.
Needs `pip install 'lutsmith[distributed,train]'`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import ray
from pyarrow import parquet

import lutsmith
from lutsmith.circuit.engine.workers import num_threads


class Predict:
    """Adds what a circuit says to batches of samples."""

    def __init__(self, circuit: lutsmith.Circuit) -> None:
        self.circuit = circuit

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Return the labels of a batch beside its ids; and to show who did it, the process and its threads."""
        labels = self.circuit.predict_labels(batch.drop_columns(["id"]))
        told = {"worker": [os.getpid()] * len(batch), "threads": [num_threads()] * len(batch)}
        return pa.table({"id": batch["id"], "label": labels, **told})


def main() -> None:
    """Train, write parts, predict them by Ray, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rows", type=int, default=20_000)
    given = parser.parse_args()
    digits = lutsmith.data.load("digits")
    x = digits.x_train.reshape(len(digits.x_train), -1)
    names = [f"pixel{number}" for number in range(x.shape[1])]
    rows = pa.table(dict(zip(names, x.T, strict=True)))
    circuit = lutsmith.train(rows, digits.y_train, method="additive", max_luts=100, quiet=True).circuit

    samples = np.random.default_rng(0).choice(x, given.rows)
    with tempfile.TemporaryDirectory() as folder:
        for number, ids in enumerate(np.array_split(np.arange(given.rows), 8)):
            columns = dict(zip(names, samples[ids].T, strict=True))
            parquet.write_table(pa.table({"id": ids, **columns}), Path(folder) / f"part-{number}.parquet")
        ray.init(num_cpus=given.workers, include_dashboard=False, logging_level="error", log_to_driver=False)
        ray.data.DataContext.get_current().enable_progress_bars = False
        try:
            found = (
                ray.data.read_parquet(folder)
                .repartition(target_num_rows_per_block=1024)  # tiny parts: Ray would make one block of all
                .map_batches(
                    Predict,
                    fn_constructor_args=(circuit,),
                    batch_format="pyarrow",
                    batch_size=512,
                    num_cpus=0.5,  # half a core: reading has the other half
                    compute=ray.data.ActorPoolStrategy(size=given.workers),
                )
                .to_pandas()
            )
        finally:
            ray.shutdown()
    found = found.sort_values("id")
    differ = int((found["label"].to_numpy() != circuit.predict_labels(samples)).sum())
    print(f"rows: {len(found)}, workers: {found['worker'].nunique()}, threads of each: {found['threads'].max()}")
    print(f"predictions that differ: {differ}")


if __name__ == "__main__":
    main()
