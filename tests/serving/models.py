"""Circuits of each kind, as a server answers for them, and rows for each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from lutsmith.circuit import Circuit, CircuitBuilder, Head, Heads, IntegerHead, Metadata, OutputWord, Result

CITIES = ("Bern", "Zürich", "a\"b\\c", "true", "7")


def bare(seed: int = 0, shape: tuple[int, ...] = (1, 4, 4), classes: tuple[Any, ...] | None = ("a", "b", "c")) -> Circuit:
    """A classifier of images from 0 to 16, without names of columns."""
    random, builder = np.random.default_rng(seed), CircuitBuilder(shape)
    features = np.repeat(builder.features.reshape(-1), 3)
    signals = builder.compare(features, np.tile([3.5, 7.5, 11.5], len(features) // 3).astype(np.float32))
    luts = builder.lut(random.choice(signals, (30, 4)), random.integers(0, 2, (30, 16)))
    builder.popcount(luts, 3)
    size = builder.features.size
    fitted = np.zeros(size, np.float32), np.full(size, 16, np.float32)
    return builder.build(luts, classes=classes, objective="classification", fitted_range=fitted)


def table(seed: int = 0, *, unseen: str = "missing", objective: str = "classification") -> Circuit:
    """A model of a table: two columns of numbers, one of names."""
    random, builder = np.random.default_rng(seed), CircuitBuilder((3,))
    age = builder.compare(np.zeros(8, int), np.linspace(20, 70, 8).astype(np.float32))
    pay = builder.compare(np.ones(8, int), np.linspace(-1e3, 1e3, 8).astype(np.float32))
    city = builder.compare(np.full(5, 2), np.arange(5, dtype=np.float32) - 0.5)
    gone = builder.missing([0, 2])
    signals = np.concatenate([age, pay, city, gone])
    luts = builder.lut(random.choice(signals, (40, 5)), random.integers(0, 2, (40, 32)))
    builder.popcount(luts, 2)
    metadata = Metadata.from_json(
        {
            "feature_names": ["age", "pay", "city"],
            "categories": [None, None, list(CITIES)],
            "target": "label",
            "table": {"missing": ["", "?"], "unseen": unseen},
        }
    )
    classes = ("no", "yes") if objective != "regression" else None
    return builder.build(luts, classes=classes, objective=objective, metadata=metadata)
