"""`refine`: fits the voting LUTs of a circuit again; the result is no worse on validation rows. No torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.features.monotone import directions
from lutsmith.circuit.file import load
from lutsmith.data import DataError, Dataset, Reading, from_arrays, load_test
from lutsmith.data import load as load_task
from lutsmith.data.report import Report, score
from lutsmith.ground.arguments import instance_of, settings_checked
from lutsmith.ground.interrupts import Interrupts, TrainingInterrupted
from lutsmith.runs.held_out import TABLES, checksum, hold_out
from lutsmith.runs.methods.growth_log import GrowthLog
from lutsmith.runs.saved import save_checked

if TYPE_CHECKING:
    from lutsmith.additive import AdditiveSettings, Growth


@dataclass(frozen=True, kw_only=True)
class Refinement(Report):
    """The result of refining a circuit; its JSON object is what `lutsmith refine --json` prints.

    Attributes:
        before: the score of the given circuit, on the same rows.
        validation_before: the score of the given circuit on the validation rows, which chose between the two; None
            without such rows.
        luts_before: its LUTs.
        model: absolute path of the file that was written; None where none was.
        circuit: the resulting circuit.
    """

    before: float
    validation_before: float | None
    luts_before: int
    model: str | None
    circuit: Circuit = field(compare=False, repr=False)


def refine(
    model: Circuit | str | os.PathLike[str],
    source: Any = None,
    y: Any = None,
    X_test: Any = None,
    y_test: Any = None,
    *,
    sample_weight: Any = None,
    task: str | None = None,
    data: str | os.PathLike[str] | None = None,
    target: str | int | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    sweeps: int | None = None,
    max_seconds: float | None = None,
    settings: AdditiveSettings | Mapping[str, Any] | None = None,
    out: str | os.PathLike[str] | None = None,
    quiet: bool = False,
) -> Refinement:
    """Fit the voting LUTs of a circuit again, one after the other, and return the result if it is not worse.

        better = lutsmith.refine("model.lut", X, y, sweeps=2, out="better.lut").circuit

    A LUT votes if it is an output and no other LUT reads it; in a network of one layer all LUTs vote. The other LUTs,
    the head and the metadata of the circuit stay; see `additive.AdditiveTrainer.fit`. It does not matter who trained
    the circuit. Rows that its training held out, for validation or as a test part, are held out here too.

    Args:
        model: a circuit or its file, with a head.
        source: the samples in memory, as for `train`, or a `Dataset`; None: those of a task.
        y: the targets of X.
        X_test: test samples.
        y_test: their targets.
        sample_weight: how much each row of X counts.
        task: one of `data.TASKS`; default: the one that it was trained on.
        data: of a task, the folder with its files or the parent of that, or the table's file.
        target: the label column of a table; default: the one that it was trained on.
        header: whether the first row of a text table names its columns; default: where it names one of the circuit.
        delimiter: of a text table; default: as in the circuit's training data.
        sweeps: how often each LUT is fitted again; default 1.
        max_seconds: no LUT is begun after so many seconds.
        settings: an `additive.AdditiveSettings`, taken as it is, or a mapping of fields of it that differ from: the
            most inputs of a LUT of the circuit that votes, the seed, the validation rows, the changes to images and the
            monotone features that it was trained with, and else the defaults.
        out: the file to write; None: nothing is written.
        quiet: show no progress.

    Raises:
        ValueError: a circuit that cannot be refined, or does not fit the data; other invalid arguments.
        OSError: files that cannot be read or written.
        TrainingInterrupted: Ctrl-C or SIGTERM.
    """
    from lutsmith.additive import AdditiveSettings, AdditiveTrainer

    circuit = model if isinstance(model, Circuit) else load(model)
    if out is not None and not Path(out).absolute().parent.is_dir():
        raise ValueError(f"cannot write {out}: there is no folder {Path(out).parent}; create it first")
    given = {"sweeps": sweeps, "max_seconds": max_seconds}
    given = {name: value for name, value in given.items() if value is not None}
    if settings is None or isinstance(settings, Mapping):
        with settings_checked():
            chosen = AdditiveSettings.from_json({**_settings_of(circuit), **(settings or {}), **given})
    else:
        instance_of("settings", settings, AdditiveSettings, "or a mapping of its fields")
        chosen = settings
        if given:
            raise ValueError(f"{next(iter(given))} is a field of the settings that are given: give it there alone")
    if source is None:
        dataset = own_dataset(circuit, task, data, target, Reading(header, delimiter))
    elif isinstance(source, Dataset):
        dataset = source
    else:
        dataset = from_arrays(
            source, y, X_test, y_test, sample_weight=sample_weight, objective=circuit.objective or "classification"
        )
    dataset = without_held_out(circuit, dataset)
    trainer = AdditiveTrainer(chosen)
    ready = trainer.prepare(dataset, start=circuit)
    with Interrupts() as interrupts, GrowthLog(None, quiet=quiet) as log:

        def watch(growth: Growth) -> None:
            log.append(growth)
            if interrupts.requested is not None:
                raise TrainingInterrupted(
                    f"stopped in {growth.stage}; nothing was written: max_seconds=S ends in time", interrupts.requested
                )

        _, refined, report = trainer.fit(ready, watch=watch)
    if out is not None:
        save_checked(refined, Path(out))
    x, labels = dataset.x_train[ready.held_out], dataset.y_train[ready.held_out]
    reached = score(dataset.objective, circuit.predict(x), labels) if len(x) else None
    if dataset.x_test is not None and dataset.y_test is not None:
        x, labels = dataset.x_test, dataset.y_test
    return Refinement(
        **{item.name: getattr(report, item.name) for item in fields(Report)},
        before=score(dataset.objective, circuit.predict(x), labels),
        validation_before=reached,
        luts_before=circuit.netlist.num_nodes,
        model=None if out is None else str(Path(out).absolute()),
        circuit=refined,
    )


def _settings_of(circuit: Circuit) -> dict[str, Any]:
    """Settings that follow from a circuit: it is refined as it was trained, with LUTs as large."""
    from lutsmith.additive.start import Start

    training = circuit.metadata.training
    monotone = None if training is None or training.settings is None else training.settings.get("monotonic_cst")
    told = {"sweeps": 1, "rank": max(1, Start.of(circuit).rank), **trained_with(circuit)}
    if monotone is not None:  # by places: rows in memory have no names
        pairs = dict(monotone) if isinstance(monotone[0], (list, tuple)) else monotone
        told["monotonic_cst"] = directions(pairs, circuit.encoder.num_features, circuit.metadata.feature_names)
    return told


def trained_with(circuit: Circuit) -> dict[str, Any]:
    """Return the seed, the share of validation rows and the changes to images that a circuit was trained with, as far
    as it tells: the same rows are held out again.
    """
    from lutsmith.data.augmentation.recipe import ImageAugmentation

    training = circuit.metadata.training
    told = {} if training is None or training.settings is None else dict(training.settings)
    found = {name: told[name] for name in ("seed", "validation") if name in told}
    if told.get("split_seed") is not None:
        found["seed"] = told["split_seed"]
    changes = [item.name for item in fields(ImageAugmentation)]
    recipe = told.get("augmentation") or {name: told[name] for name in changes if name in told}
    augmentation = ImageAugmentation.from_json(recipe).to_json()
    return found | ({"augmentation": augmentation} if augmentation else {})


def own_dataset(circuit: Circuit, task: str | None, data: Any, target: str | int | None, reading: Reading) -> Dataset:
    """The rows of a task; for a table all rows, read as the circuit reads them."""
    task = circuit.metadata.task if task is None else task
    if task is None:
        raise DataError("the model does not say which task it was trained on: give task=NAME, or samples in memory")
    if not circuit.is_classifier:
        raise DataError(f"{task} is a task of classes, and the model is one for {circuit.objective}: give samples")
    if task not in TABLES:
        return load_task(task, data, target)
    column = circuit.metadata.target if target is None and task == "npz" else target
    x, y = load_test(task, circuit.score_labels, data, column, circuit.schema, reading)
    names = circuit.metadata.categories or ()
    categorical = tuple(place for place, categories in enumerate(names) if categories is not None)
    named = tuple(names[place] or () for place in categorical)
    return Dataset(
        x, y, None, None, circuit.score_labels, Path(data).name, circuit.metadata.feature_names, categorical, named,
        circuit.schema if circuit.schema.ordered else None,
    )  # fmt: skip


def _checksum(dataset: Dataset) -> str:
    return checksum(dataset.x_train, dataset.y_train, dataset.categories)


def without_held_out(circuit: Circuit, dataset: Dataset) -> Dataset:
    """The rows that a circuit was trained on, with those that were held out as a test part, if this is its table."""
    kept = None if circuit.metadata.training is None else circuit.metadata.training.held_out
    if dataset.x_test is not None or kept is None or _checksum(dataset) != kept.table:
        return dataset
    return hold_out(dataset, kept.share, kept.seed)[0]
