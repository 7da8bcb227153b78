"""Prediction of an Arrow data set: streamed in one process, then by two that share its fragments.

    python examples/arrow_dataset.py [--workers 2] [--rows 20000]

`circuit.predict_batches` reads a data set batch by batch and holds one batch. Answers are written as they come, so
neither the data nor the answers have to fit into memory.
Needs `pip install 'lutsmith[train]'`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import dataset, parquet

import lutsmith


def fragment(circuit: lutsmith.Circuit, source: str, target: str) -> int:
    """Predict one file of a data set into another file; return the process that did."""
    schema = pa.schema([("class", pa.int64())])
    with parquet.ParquetWriter(target, schema) as writer:
        for ids in circuit.predict_batches(dataset.dataset(source), batch=4096):
            writer.write_table(pa.table([pa.array(ids.astype(np.int64))], schema))
    return os.getpid()


def main() -> None:
    """Train, write a data set, predict it in both ways, and compare."""
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
    expected = circuit.predict(samples)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        (folder / "out").mkdir()
        for number, part in enumerate(np.array_split(samples, 8)):
            columns = dict(zip(names, part.T, strict=True))
            parquet.write_table(pa.table({"id": np.arange(len(part)), **columns}), folder / "in" / f"{number}.parquet")
        whole = dataset.dataset(folder / "in")
        streamed = np.concatenate(list(circuit.predict_batches(whole, batch=4096)))
        print(f"rows: {len(streamed)}, predictions that differ: {int((streamed != expected).sum())}")

        os.environ["OMP_NUM_THREADS"] = "1"  # a core for each worker
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(given.workers, spawn) as pool:
            sources = [each.path for each in whole.get_fragments()]
            targets = [str(folder / "out" / Path(source).name) for source in sources]
            workers = list(pool.map(fragment, [circuit] * len(sources), sources, targets))
        found = np.concatenate([parquet.read_table(target)["class"].to_numpy() for target in targets])
        print(f"rows: {len(found)}, fragments: {len(workers)}, workers: {given.workers}")
        print(f"predictions that differ: {int((found != expected).sum())}")


if __name__ == "__main__":
    main()
