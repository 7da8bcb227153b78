"""Any circuit as the start of backfitting: it is taken apart and put together again exactly, and never ends worse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import lutsmith
from lutsmith.additive import AdditiveSettings, AdditiveTrainer, Growth, checkpoint, course
from lutsmith.additive.encoding import Encoding
from lutsmith.additive.start import Start, best_tau
from lutsmith.circuit import Circuit, CircuitBuilder, Comparators, Head, Metadata
from lutsmith.circuit.file import to_bytes
from lutsmith.data import Dataset, from_arrays
from lutsmith.data.report import score
from lutsmith.data.split import stratified_split
from tests.circuit.examples import random_affine, random_circuit, random_images, random_netlist

FEATURES = 5
OBJECTIVES = ("classification", "multilabel", "regression")


def dataset(seed: int, objective: str, scores: int, rows: int = 150) -> Dataset:
    """Numbers, some of them missing, and targets that have to do with them."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, (rows, FEATURES)).astype(np.float32)
    x[rng.random(x.shape) < 0.05] = np.nan
    told = np.nan_to_num(x) @ rng.normal(size=(FEATURES, scores))
    y = {"classification": told.argmax(axis=1), "multilabel": (told > 0).astype(int), "regression": told}[objective]
    classes = tuple(range(scores)) if objective == "classification" else ()
    return Dataset(x, y, None, None, classes, "random", objective=objective)


def any_circuit(seed: int, objective: str, groups: int, scores: int) -> Circuit:
    """LUTs of ranks 0 to 6 and constants on several levels; outputs are any signals, comparators among them, and the
    same ones repeatedly.
    """
    rng = np.random.default_rng(seed)
    inputs = int(rng.integers(1, 12))
    thresholds = rng.choice([-2.0, -0.0, 0.0, 0.5, 1.0, 2.0, np.inf, -np.inf], inputs)
    encoder = Comparators(rng.integers(0, FEATURES, inputs), thresholds.astype(np.float32), FEATURES)
    size = int(rng.integers(1, 7))
    netlist = random_netlist(seed, inputs=inputs, luts=int(rng.integers(1, 40)), outputs=groups * size, max_rank=6)
    affine = random_affine(seed, groups, scores, objective) if scores != groups or rng.random() < 0.7 else {}
    if objective != "regression":
        affine = {name: affine[name] for name in affine if name in ("weights", "bias")}
    return Circuit((FEATURES,), encoder, netlist, Head(groups, **affine), objective=objective)


def fitted(circuit: Circuit, data: Dataset, **fields: Any) -> tuple[AdditiveTrainer, Circuit]:
    trainer = AdditiveTrainer(AdditiveSettings(**{"rank": 2, "sweeps": 0, "validation": 0.3, **fields}))
    return trainer, trainer.fit(data, start=circuit).circuit


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(OBJECTIVES), st.integers(2, 4), st.integers(1, 4), st.booleans())
def test_a_circuit_is_put_together_as_it_was_and_ends_no_worse(
    seed: int, objective: str, groups: int, scores: int, plain: bool
) -> None:
    scores = groups if plain else max(scores, 2 if objective == "classification" else 1)
    circuit, data = any_circuit(seed, objective, groups, scores), dataset(seed, objective, scores)
    try:
        start = Start.of(circuit)
    except ValueError as error:
        assume("votes" not in str(error))
        raise
    rows = np.random.default_rng(seed).choice(
        np.array([0.0, -0.0, 0.5, 1.0, np.nan, np.inf, -np.inf, 3e38], np.float32), (130, FEATURES)
    )
    everything = np.concatenate([rows, data.x_train])
    again = fitted(circuit, data)[1]
    assert np.array_equal(again.decision_function(everything), circuit.decision_function(everything))
    assert (again.head, again.objective) == (circuit.head, circuit.objective)
    assert again.netlist.num_nodes <= circuit.netlist.num_nodes + 2  # constants that were none
    assert max(again.luts_by_rank(), default=0) <= 6

    trainer, better = fitted(circuit, data, sweeps=2, rank=3)
    held_out = stratified_split(data.y_train if objective == "classification" else np.zeros(150, int), 0.3, 0)[1]
    reached = [
        score(objective, each.predict(data.x_train[held_out]), data.y_train[held_out]) for each in (circuit, better)
    ]
    assert trainer.history[0].stage == "start"
    assert trainer.history[0].validation == reached[0]
    assert reached[1] == max(reached[0], *(step.validation or 0.0 for step in trainer.history if "swe" in step.stage))
    losses = [step.loss for step in trainer.history]
    assert losses == sorted(losses, reverse=True) or max(np.diff(losses)) < 1e-5 * (1 + abs(losses[0]))
    assert better.head == circuit.head
    assert Start.of(better).free <= start.free or better.netlist.num_nodes
