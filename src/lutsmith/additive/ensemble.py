"""Members of an ensemble: networks of several seeds that are grown apart, and vote in one circuit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.course import Growth, Watch
from lutsmith.additive.folds import Unseen
from lutsmith.additive.front import Bits
from lutsmith.additive.network import VotingLut
from lutsmith.additive.settings import AdditiveSettings
from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.heads import Head
from lutsmith.data.dataset import Dataset
from lutsmith.data.report import CircuitMismatchError
from lutsmith.ensembles import merge

CHUNK = 1 << 16
"""Rows on which the circuit and its members are compared at a time."""


def members_of(settings: AdditiveSettings) -> list[AdditiveSettings]:
    """Return the settings of each member: a seed of its own, the first that of the ensemble, and its share of the LUTs
    and of the seconds.
    """
    count = settings.ensemble
    seconds = None if settings.max_seconds is None else settings.max_seconds / count
    one = replace(settings, ensemble=1, max_luts=settings.max_luts // count, max_seconds=seconds)
    further = np.random.SeedSequence([settings.seed, 0xE25]).generate_state(count - 1)
    return [replace(one, seed=seed) for seed in (settings.seed, *map(int, further))]


def checkpoints_of(first: Path, count: int) -> list[Path]:
    """Return the file of each member: that of the first, and others beside it, which are removed where that is not
    there.
    """
    others = [first.with_name(f"{first.stem}-{number}{first.suffix}") for number in range(2, count + 1)]
    if not first.exists():
        for path in others:
            path.unlink(missing_ok=True)
    return [first, *others]


def named(step: Growth, member: int, spent: float) -> Growth:
    """Return a step with the number of its member in its stage, from 1, and the seconds that others took before."""
    return replace(step, stage=f"{step.stage}, network {member + 1}", seconds=step.seconds + spent)


def watched(watch: Watch, member: int, count: int, spent: float) -> Watch:
    """Return the function that reports the steps of a member, with the time that is left for all."""

    def told(step: Growth) -> bool | None:
        left = step.left
        if left is not None:
            left += (step.seconds + left) * (count - 1 - member)
        return watch(replace(named(step, member, spent), left=left))

    return told


def together(
    circuits: Sequence[Circuit], networks: Sequence[Sequence[VotingLut]], encoding: Bits, dataset: Dataset
) -> Circuit:
    """Return the circuit of all members, compared with them on every row of the training part.

    Raises:
        CircuitMismatchError: it does not give the sum of their scores.
    """
    merged, first = merge(circuits), circuits[0]
    read = np.concatenate([lut.inputs for network in networks for lut in network])
    builder = CircuitBuilder(dataset.input_shape)
    encoding.emit(builder, np.unique(read[read < len(encoding)]))
    told = replace(first.metadata, merged=merged.metadata.merged, encoder_luts=builder.num_luts)
    merged = replace(merged, metadata=told)
    for start in range(0, len(dataset.y_train), CHUNK):
        rows = dataset.x_train[start : start + CHUNK]
        scores = sum(circuit.decision_function(rows) for circuit in circuits)
        if not np.array_equal(merged.decision_function(rows), scores):
            raise CircuitMismatchError(
                "the circuit does not give the sum of its members' scores; nothing was saved. This is a fault of "
                "lutsmith: please report it"
            )
    return merged


def unseen_together(told: Sequence[Unseen | None], merged: Circuit) -> Unseen | None:
    """Return the answers for rows that no member's voting network was trained on: the sum of the members' answers.

    For each row, every member has a network that was not trained on it: all members hold the same rows out, or each has
    grown networks for folds of its own, one of them without the row.
    """
    known = [each for each in told if each is not None]
    if len(known) < len(told):
        return None
    assert isinstance(merged.head, Head)
    orders = [np.argsort(each.rows, kind="stable") for each in known]
    rows: NDArray[np.int64] = known[0].rows[orders[0]]
    for each, order in zip(known, orders, strict=True):
        assert np.array_equal(each.rows[order], rows), "members hold the same rows out, or have folds of all rows"
    scores: NDArray[np.int32] = np.sum(
        [each.scores[order] for each, order in zip(known, orders, strict=True)], axis=0, dtype=np.int32
    )
    return Unseen(rows, scores, merged.head.decide(scores, merged.objective))
