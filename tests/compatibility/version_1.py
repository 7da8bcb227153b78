"""Wrote the model files of version 1, by the last code that did: `PYTHONPATH=OLD/src python version_1.py FOLDER`, where
OLD is commit 5eb7f08460456b0cdb41d31969c6c329280c0146. What that code said of `rows` is kept as NAME.then.npz.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from answers import rows
from torch import nn

from lutsmith import DistributiveThermometer, GroupSum, LogicDense, NetlistBuilder, load, to_circuit, train
from lutsmith.circuit import Circuit, Comparators


def classifier() -> Circuit:
    torch.manual_seed(1)
    x = np.random.default_rng(1).integers(0, 256, (40, 1, 3, 2)).astype(np.uint8)
    encoder = DistributiveThermometer(4, unique=True).fit(x)
    first, second = (LogicDense(*sizes, 4, weight_init="random") for sizes in ((24, 20), (20, 12)))
    model = nn.Sequential(encoder, nn.Flatten(), first, second, GroupSum(3))
    return to_circuit(model.eval(), (1, 3, 2), classes=("a", 1, 2.5), facts={"accuracy": 0.5, "own": [None]})


def registers() -> Circuit:
    rng, builder = np.random.default_rng(0), NetlistBuilder(8)
    state = builder.register(5, [0, 1, 1, 0, 1])
    made = builder.lut(rng.integers(0, 13, (10, 4)), rng.integers(0, 2, (10, 16)))
    builder.connect(state, np.r_[made[:3], state[:1], 2])
    return Circuit((3,), Comparators(np.arange(8) % 3, np.linspace(-1, 1, 8), 3), builder.build(np.r_[made, state]))


def table(folder: Path) -> Circuit:
    """Names and categories, and no schema."""
    rng = np.random.default_rng(0)
    cities = rng.choice(["Zürich", "Bern", "Genève", "?"], 150)
    ages = rng.integers(18, 90, 150)
    lines = zip(ages, cities, (ages > 50) != (cities == "Bern"), strict=True)
    with (folder / "people.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("age", "city", "outcome"), *lines])
    run = train(
        "csv", data=folder / "people.csv", target="outcome", out=folder / "run", luts=(30, 20), rank=4, bits=4,
        epochs=2, seed=0, quiet=True,
    )  # fmt: skip
    return load(run.model)


def main() -> None:
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        made = {"classifier": classifier(), "registers": registers(), "table": table(Path(scratch))}
    for name, circuit in made.items():
        path = folder / f"version-1-{name}.lut"
        if path.exists():
            sys.exit(f"{path} is there, and is never rewritten")
        circuit.save(path)
        asked = {"outputs": circuit.outputs}
        if circuit.head is not None:
            asked |= {"scores": circuit.decision_function, "predictions": circuit.predict}
        given = rows(path.read_bytes()).values()
        said = {key: np.concatenate([ask(X) for X in given]) for key, ask in asked.items()}
        np.savez_compressed(folder / f"version-1-{name}.then.npz", **said)


if __name__ == "__main__":
    main()
