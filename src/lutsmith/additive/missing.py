"""How missing values are treated where the settings do not say: chosen by short trials on validation rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.candidates import Candidates
from lutsmith.additive.course import Course, State
from lutsmith.additive.encoding import MISSING, Encoding
from lutsmith.additive.folds import parts_of
from lutsmith.additive.losses import ScoreLoss
from lutsmith.additive.objectives import Goal
from lutsmith.additive.rows import RowSource
from lutsmith.additive.settings import AdditiveSettings
from lutsmith.additive.sides import TargetValues
from lutsmith.data.dataset import Dataset

SHARE = 0.2
"""Of `max_luts`, how many LUTs a trial grows."""

ROWS = 20_000
"""Rows that a trial learns from at the most, and as many that it is measured on."""

FOLDS = 5
"""Parts of the rows that are each left out, where no validation rows are held out."""

MARGIN = 0.005
"""By what share the loss has to be lower than that of the ways before it."""


def fitted(settings: AdditiveSettings, dataset: Dataset, rows: NDArray[np.int64]) -> Encoding:
    """Return the bits that settings give to rows of the training part."""
    missing = settings.missing or "below"
    return Encoding.fit(
        dataset.x_train, settings.bits, dataset.one_hot, encoder=str(settings.encoder), missing=missing,
        target=TargetValues.of_dataset(dataset) if missing == "learned" else None, rows=rows, seed=settings.rows_seed,
    )  # fmt: skip


def choose(
    asked: AdditiveSettings,
    loss: ScoreLoss | None,
    dataset: Dataset,
    rows: NDArray[np.int64],
    held_out: NDArray[np.int64],
) -> str:
    """Return the way of `encoding.MISSING` that suits a data set.

    Ways that give the bits of one before them are left out: all but "below" where no value is missing in the training
    rows, and "learned" where only names of categories are, or where missing values belong below the thresholds of every
    column. Of those that are left each grows a fifth of the LUTs, from 20,000 rows at the most, and the one with the
    lowest loss of all validation rows is chosen, of the best prefix; where none are held out, parts of the rows take
    turns. A later way has to be better by half a percent than those before it.

    Args:
        asked: the settings, as they were given: what is None is filled in for a trial.
        loss: of several labels or numbers, in place of the settings'.
        dataset: what is learned.
        rows: int64, of the training part, those that are trained on.
        held_out: int64, the validation rows.
    """
    x = dataset.x_train
    if x.dtype.kind != "f" or not any(np.isnan(x[rows[at : at + ROWS]]).any() for at in range(0, len(rows), ROWS)):
        return "below"
    luts = max(1, round(SHARE * asked.max_luts))
    seconds = None if asked.max_seconds is None else SHARE * asked.max_seconds / len(MISSING)
    how = replace(asked, max_luts=luts, sweeps=0, redraws=0, block_rows=None, max_seconds=seconds, seed=asked.rows_seed)
    settings = replace(how.for_data(dataset.input_shape, len(rows), dataset.num_classes), chosen_by="loss")
    rows, held_out = (_drawn(each, settings.seed) for each in (rows, held_out))
    if len(held_out):
        parts = [(rows, held_out)]
    else:
        alike = dataset.y_train[rows] if dataset.objective == "classification" else np.zeros(len(rows), np.int64)
        part = parts_of(alike, FOLDS, settings.seed)
        folds = (part == fold for fold in range(FOLDS) if len(rows) > FOLDS)
        parts = [(rows[~left], rows[left]) for left in folds]
    found: dict[str, list[Encoding]] = {}
    for missing in MISSING:
        encodings = [fitted(replace(settings, missing=missing), dataset, learned) for learned, _ in parts]
        known = any(all(map(Encoding.equals, encodings, others)) for others in found.values())
        if not known and all(map(len, encodings)):
            found[missing] = encodings
    chosen, least = "below", np.inf
    for missing in found if len(found) > 1 else ():
        each = zip(found[missing], parts, strict=True)
        lost = sum(_lost(settings, loss, dataset, encoding, *part) for encoding, part in each)
        if lost < least * (1 - MARGIN):
            chosen, least = missing, lost
    return chosen


def _lost(
    settings: AdditiveSettings,
    loss: ScoreLoss | None,
    dataset: Dataset,
    encoding: Encoding,
    learned: NDArray[np.int64],
    checked: NDArray[np.int64],
) -> float:
    """Return the loss of rows under the best prefix of a network that is grown on others."""
    ranks = tuple({min(rank, len(encoding)): 0 for rank in settings.ranks})
    settings = replace(settings, rank=ranks)
    goal = Goal.of(dataset, settings, loss, learned)
    source, check = (RowSource(dataset, some, encoding, goal, seed=settings.seed) for some in (learned, checked))
    candidates = Candidates(
        encoding, dataset.input_shape, settings.candidates or 64, settings.window or 6, past=settings.past
    )
    course = Course(replace(settings, depth=1), source, check.draw(0), candidates, State())
    course.run()
    return course.state.best_loss * (0.0 if course.check is None else course.check.weight)


def _drawn(rows: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return rows, of many a random choice, ascending."""
    if len(rows) <= ROWS:
        return rows
    return np.sort(np.random.default_rng([seed, 0x2A9]).choice(rows, ROWS, replace=False))
