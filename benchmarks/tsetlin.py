"""Predictions a second of a Tsetlin machine and of circuits, on the same images and the same machine.

    pip install green-tsetlin    # builds C++ where there is no wheel
    python -m benchmarks.tsetlin MODEL.lut ... --data DATA [--clauses 2000] [--epochs 5] [--json FILE]

The machine is green-tsetlin's, trained on MNIST with pixels above 75 as bits (s 10, literal budget 32, threshold
half the clauses). Its rows: `predict` of its Predictor, a sample a call; and the C program that it
exports (`topological_c`), compiled with `cc -O3 -march=native` and called for all images in a loop of C. The circuits'
rows: `predict` of raw pixels. All on one core, and `predict` of circuits on all cores, too. `bits` excludes the
encoding: it is comparing pixels in NumPy for the Tsetlin machine, and packing bits for circuits. Rows are measured in
turn; the median counts. Accuracy is that of the test images.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import lutsmith
from benchmarks.engine import parts
from lutsmith.circuit import Circuit
from lutsmith.circuit.engine.workers import cores_given
from lutsmith.data import Dataset

Images = NDArray[np.uint8]
LEVEL = 75  # a pixel above it is a 1

LOOP = """
#include "machine.h"
void predict_all(uint8_t* x, long rows, long literals, uint8_t* out)
{ for (long i = 0; i < rows; i++) out[i] = (uint8_t)predict_tm(x + i * literals); }
"""


def trained(dataset: Dataset, clauses: int, epochs: int) -> Any:
    """A Predictor of green-tsetlin."""
    try:
        import green_tsetlin as gt
    except ImportError as error:
        raise SystemExit("this benchmark compares with green-tsetlin: pip install green-tsetlin") from error
    x, y = bits_of(dataset.x_train), dataset.y_train.astype(np.uint32)
    machine = gt.TsetlinMachine(
        n_literals=x.shape[1], n_clauses=clauses, n_classes=10, s=10.0, threshold=clauses // 2, literal_budget=32
    )
    trainer = gt.Trainer(
        machine, seed=42, n_jobs=cores_given(), n_epochs=epochs, load_best_state=False, progress_bar=False
    )
    trainer.set_train_data(x, y)
    trainer.set_eval_data(x[:1000], y[:1000])
    trainer.train()
    return machine.get_predictor()


def bits_of(images: Images) -> Images:
    """Pixels as bits, a byte each: what green-tsetlin reads."""
    return (images.reshape(len(images), -1) > LEVEL).astype(np.uint8)


def program(predictor: Any, folder: Path) -> Callable[[Images], NDArray[np.uint8]]:
    """The machine's own C program, in a loop over all rows."""
    predictor.export_as_program(str(folder / "machine.h"), exporter="topological_c")
    (folder / "loop.c").write_text(LOOP)
    command = [shutil.which("cc") or "cc", "-O3", "-march=native", "-shared", "-fPIC", "loop.c", "-o", "loop.so"]
    subprocess.run(command, cwd=folder, check=True)
    function = ctypes.CDLL(str(folder / "loop.so")).predict_all
    pointer = np.ctypeslib.ndpointer(np.uint8, flags="C_CONTIGUOUS")
    function.argtypes, function.restype = [pointer, ctypes.c_long, ctypes.c_long, pointer], None

    def run(x: Images) -> NDArray[np.uint8]:
        out = np.empty(len(x), np.uint8)
        function(x, *x.shape, out)
        return out

    return run


def predicted(circuit: Circuit, images: Images, cores: int) -> NDArray[Any]:
    """What the circuit predicts by the interpreter, on so many cores."""
    os.environ |= {"LUTSMITH_NUM_THREADS": str(cores), "LUTSMITH_COMPILE": "0"}
    found: NDArray[Any] = circuit.predict(images)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--clauses", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    dataset = lutsmith.data.load("mnist", given.data)
    test, labels = dataset.x_test, dataset.y_test
    images = np.concatenate([dataset.x_train, test])
    began = time.perf_counter()
    predictor = trained(dataset, given.clauses, given.epochs)
    console = Console()
    console.print(f"trained {given.clauses} clauses for {given.epochs} passes in {time.perf_counter() - began:.0f} s")
    calls: dict[tuple[str, str], tuple[int, Callable[[], Any]]] = {}
    accuracy: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        run = program(predictor, Path(name))
        bits, few = bits_of(images), bits_of(images[:2000])
        found = run(bits_of(test))
        accuracy["green-tsetlin"] = float((found == labels).mean())
        agree = np.mean(
            [predictor.predict(row) == other for row, other in zip(bits_of(test[:2000]), found, strict=False)]
        )
        console.print(f"its program and its Predictor agree on {agree:.2%} of 2,000 images")
        calls["green-tsetlin, Predictor", "bits"] = len(few), lambda: [predictor.predict(row) for row in few]
        calls["green-tsetlin, its C program", "bits"] = len(bits), lambda: run(bits)
        calls["green-tsetlin, its C program", "pixels"] = len(bits), lambda: run(bits_of(images))
        for path in given.models:
            circuit = lutsmith.load(path)
            accuracy[path.stem] = float((circuit.predict(test) == labels).mean())
            for cores in dict.fromkeys((1, cores_given())):
                calls[f"{path.stem}, {cores} core{'s' * (cores > 1)}", "pixels"] = (
                    len(images),
                    lambda circuit=circuit, cores=cores: predicted(circuit, images, cores),
                )
            rows = {row.name.partition(",")[0]: row for row in parts(circuit, images.reshape(len(images), -1))}
            if rows:
                calls[f"{path.stem}, 1 core, interpreter", "bits"] = (
                    len(images),
                    lambda rows=rows: (rows["network"].run(), rows["head"].run()),
                )
        seconds: dict[tuple[str, str], list[float]] = {key: [] for key in calls}
        for turn in range(given.rounds + 1):
            for key, (_, call) in calls.items():
                began = time.perf_counter()
                call()
                if turn:
                    seconds[key].append(time.perf_counter() - began)
    table, rows_json = Table("what", "from", "M images/s", "test accuracy"), []
    for (what, source), (count, _) in calls.items():
        rate = count / statistics.median(seconds[what, source]) / 1e6
        score = next(value for stem, value in accuracy.items() if what.startswith(stem))
        table.add_row(what, source, f"{rate:.3f}", f"{score:.2%}")
        rows_json.append({"what": what, "from": source, "millions": rate, "accuracy": score})
    console.print(table)
    if given.json:
        given.json.write_text(json.dumps(rows_json, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
