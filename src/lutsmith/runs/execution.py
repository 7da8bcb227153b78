"""`train`: load a task, build and train a network, lower it, check the circuit against it, and save it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.data import Dataset, check, load
from lutsmith.runs.folder import Run, RunFolder
from lutsmith.runs.held_out import TABLES, hold_out
from lutsmith.runs.plan import Plan, Request
from lutsmith.runs.saved import save_checked
from lutsmith.version import __version__

if TYPE_CHECKING:
    from torch import nn

    from lutsmith.circuit import Circuit, HeldOut, Metadata
    from lutsmith.training import Fit, Settings
    from lutsmith.training.batches import Samples

PathLike = str | os.PathLike[str]


class CircuitMismatchError(RuntimeError):
    """The circuit does not compute what the network computes: a fault of lutsmith, and nothing was saved."""


def train(
    task: str,
    preset: str | None = None,
    data: PathLike | None = None,
    target: str | int | None = None,
    test: PathLike | None = None,
    *,
    luts: Sequence[int] | None = None,
    rank: int | None = None,
    bits: int | None = None,
    lr: float | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    out: PathLike | None = None,
    resume: bool = False,
    allow_new: bool = False,
    overwrite: bool = False,
    quiet: bool = False,
    architecture: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    table: Mapping[str, Any] | None = None,
    test_share: float | None = None,
) -> Run:
    """Train a network for a task and save it as a circuit that is proved to be the network.

    The circuit is read back and compared with the network module by module (`nn.prove_lowering` says what that proves
    and what it trusts), and both give equal scores on every row that is measured.

    Into `out` go model.lut, run.json (arguments, versions, result), metrics.jsonl and checkpoint.pt.

    Args:
        task: a name of `data.TASKS`: "digits", "mnist", "fashion-mnist", a public table such as "adult"; "csv", "npz".
        preset: a row of `presets.list_presets()`; default: the task's.
        data: the folder with the task's files or its parent (None: `LUTSMITH_DATA`), or the table's file.
        target: the label column of a table.
        test: a file with the test rows of a table; without it `test_share` of the table is held out.
        luts: LUTs of each layer. Where it is not given, the preset's last layer is rounded up to a multiple of the
            number of classes.
        rank: inputs of a LUT.
        bits: thresholds of a feature.
        lr: learning rate of the tables.
        epochs: passes over the training rows.
        seed: of the network's random wiring and of all that is random in training.
        out: the run's folder; default: the first free of runs/TASK-PRESET-seedSEED, the same with -2, -3, ...
        resume: go on with the run in the folder, bit for bit as if it had not stopped; a finished one just reports.
            What is not given is taken from the run, what is given must be as it was. Where there is no run, that is
            refused. The arguments are written down first, so that a run is resumed whenever it was stopped.
        allow_new: with `resume`, begin a run where there is none.
        overwrite: remove the run in the folder, once the data are loaded and the new network is built.
        quiet: show no progress.
        architecture: further fields of `nn.Architecture`.
        settings: further fields of `training.Settings`.
        table: how a table is to be read: fields of `data.TableOptions`, such as `{"header": True, "drop": ["id"]}`.
        test_share: of a table without a file of test rows, the share of each class that is held out, by `seed`, before
            the validation rows are taken and the encoder is fitted; the accuracy is measured on it. Default 0.2. With 0
            the accuracy is that of the validation rows, which chose the epoch.

    Raises:
        ValueError: arguments, data or a checkpoint that cannot be used; a folder that holds another run; a loss that is
            not finite.
        OSError: files that cannot be read or written.
        ModuleNotFoundError: torch or Lightning Fabric is not installed (`pip install 'lutsmith[train]'`).
        TrainingInterrupted: Ctrl-C or SIGTERM, a `KeyboardInterrupt`; everything is saved.
        CircuitMismatchError: the circuit is not the network.
        SavedFileError: the model file does not hold what was written to it; an `OSError`.
    """
    began = time.perf_counter()
    if resume and overwrite:
        raise ValueError("resume goes on with a run, overwrite removes it: give one of them")
    if allow_new and not resume:
        raise ValueError("allow_new lets resume begin a run where there is none: give both, or neither")
    request = Request(
        task,
        preset,
        None if data is None else os.fspath(data),
        target,
        None if test is None else os.fspath(test),
        luts if luts is None else tuple(luts),
        rank,
        bits,
        lr,
        epochs,
        seed,
        architecture,
        settings,
        table,
        test_share,
    )
    if not resume:  # before torch is imported
        check(task, data, target, test, table)
    plan = Plan.of(request)
    name = f"{plan.task}-{plan.preset}-seed{plan.settings['seed']}"
    folder = RunFolder.choose(out, name, resume=resume, overwrite=overwrite)
    recorded = folder.read() if resume else None
    provisional = "luts" not in request.overrides()[0]
    if recorded is not None:
        plan, result, provisional = recorded.plan.completed(), recorded.run, recorded.provisional
        if differences := plan.differences(request):
            raise ValueError(
                f"{folder.path} holds a run with other arguments: {'; '.join(differences)}. "
                "Resume it with its own, or take another --out"
            )
        if result is not None and folder.model.is_file():
            return result
    else:
        folder.check(overwrite=overwrite)
        if resume and not allow_new:
            raise ValueError(
                f"{folder.path} holds no run to resume: look at --out, or let --resume --allow-new begin one there"
            )
    free = recorded is None and not folder.present()
    with folder.claimed(plan, provisional=provisional) if free else nullcontext():
        dataset = load(plan.task, plan.data, plan.target, plan.test, plan.table)
        if provisional:
            plan = plan.fitted_to(dataset, request)
        held_out = None
        if plan.task in TABLES:
            dataset, held_out = hold_out(dataset, plan.test_share or 0.0, plan.settings["seed"])
        if recorded is None:
            _check_measurable(dataset, plan)
        training = _Training.of(plan, dataset, held_out)
    if recorded is None and not free:  # only now that nothing in the arguments or the data can be wrong any more
        folder.claim(plan, overwrite=overwrite)
    elif provisional:
        folder.write(plan, None)
    run = _execute(training, folder, resume=recorded is not None, quiet=quiet, began=began)
    folder.write(plan, run)
    return run


def _check_measurable(dataset: Dataset, plan: Plan) -> None:
    if dataset.x_test is None and plan.settings["validation"] == 0:
        raise ValueError(
            f"{dataset.name} has no test set and validation is 0: nothing would be left to measure the accuracy on; "
            "give --test FILE, a --test-share or a validation share"
        )


@dataclass(frozen=True, eq=False)
class _Training:
    """All that is made before the run's folder is touched."""

    plan: Plan
    dataset: Dataset
    settings: Settings
    samples: Samples
    model: nn.Sequential
    held_out: HeldOut | None

    @classmethod
    def of(cls, plan: Plan, dataset: Dataset, held_out: HeldOut | None) -> _Training:
        """Build the network of a plan; raise ValueError or TypeError where plan and data do not fit."""
        from lutsmith.nn import Architecture, build
        from lutsmith.training import Settings
        from lutsmith.training.batches import Samples, split
        from lutsmith.training.isolation import torch_threads

        settings = Settings.from_json(plan.settings)
        samples = Samples.of(dataset.x_train, dataset.y_train)
        rows, _ = split(samples.y, settings.validation, settings.seed)
        architecture = Architecture.from_json(plan.architecture)
        with torch_threads(settings.torch_threads):
            model = build(architecture, samples.x[rows], dataset.num_classes, settings.seed, dataset.categorical)
        if model[-1].objective != "classification" or settings.objective != "classification":
            raise ValueError(
                f"head {architecture.head!r} with objective {settings.objective!r}: train() makes classifiers; "
                "lutsmith.training.Trainer fits other heads"
            )
        return cls(plan, dataset, settings, samples, model, held_out)


def _execute(training: _Training, folder: RunFolder, *, resume: bool, quiet: bool, began: float) -> Run:
    from lutsmith.nn import prove_lowering, to_circuit
    from lutsmith.training import Trainer
    from lutsmith.training.isolation import torch_threads

    plan, dataset, settings = training.plan, training.dataset, training.settings
    model, samples = training.model, training.samples
    preparing = time.perf_counter() - began
    fit = Trainer(settings, folder=folder.path, quiet=quiet).fit(model, samples.x, samples.y, resume=resume)

    x, y, measured_on = _measured_rows(training, fit)
    model.cpu()
    circuit = to_circuit(model, dataset.input_shape, classes=dataset.classes)
    proof = prove_lowering(model, circuit, classes=dataset.classes)
    if proof.verdict == "failed":
        raise CircuitMismatchError(
            f"the circuit does not hold what the network states: {proof.problems[0]}; nothing was saved. This is a "
            "fault of lutsmith: please report it"
        )
    with torch_threads(settings.torch_threads):
        accuracy, soft_accuracy = _checked_accuracy(model, circuit, x, y)
    run = Run(
        task=plan.task,
        preset=plan.preset,
        seed=settings.seed,
        accuracy=accuracy,
        soft_accuracy=soft_accuracy,
        measured_on=measured_on,
        luts=circuit.netlist.num_nodes,
        encoder_luts=_encoder_luts(model[0], dataset.input_shape),
        comparators=len(circuit.encoder),
        depth=circuit.depth,
        best_epoch=fit.best.epoch,
        train_seconds=fit.train_seconds,
        setup_seconds=preparing + fit.setup_seconds,
        model=str(folder.model),
        lowering="; ".join([proof.verdict, *map(str, proof.problems)]),
    )
    save_checked(replace(circuit, metadata=_metadata(training, run)), folder.model)
    return run


def _measured_rows(training: _Training, fit: Fit) -> tuple[NDArray[Any], NDArray[np.int64], str]:
    dataset, held_out = training.dataset, training.held_out
    if dataset.x_test is not None and dataset.y_test is not None:
        return dataset.x_test, dataset.y_test, "held-out" if held_out is not None and held_out.rows else "test"
    return dataset.x_train[fit.validation_rows], dataset.y_train[fit.validation_rows], "validation"


def _checked_accuracy(model: nn.Module, circuit: Circuit, x: NDArray[Any], y: NDArray[np.int64]) -> tuple[float, float]:
    """Return hardened and soft accuracy on `x`, having checked that circuit and network give equal scores everywhere.

    Raises:
        CircuitMismatchError: they do not.
    """
    from lutsmith.training.metrics import logits

    every = np.arange(len(x))
    wrong = np.any(circuit.decision_function(x) != logits(model, x, every, hardened=True), axis=1)
    if wrong.any():
        raise CircuitMismatchError(
            f"the circuit's scores differ from the network's on {wrong.sum()} of {len(x)} rows, first on row "
            f"{int(wrong.argmax())}; nothing was saved. This is a fault of lutsmith: please report it"
        )
    soft = logits(model, x, every, hardened=False).argmax(axis=1)
    return float(np.mean(circuit.predict(x) == y)), float(np.mean(soft == y))


def _metadata(training: _Training, run: Run) -> Metadata:
    """Return what a model file tells about its training: no paths, which are nobody else's business, and no times, so
    that a seed gives one file.
    """
    from lutsmith.circuit import Accuracy, Metadata, Training

    plan, dataset, encoder = training.plan, training.dataset, training.model[0]
    return Metadata(
        feature_names=dataset.feature_names,
        categories=dataset.categories if dataset.categorical else None,
        integer_features=dataset.holds_integers,
        target=plan.target,
        table=dataset.schema,
        accuracy=Accuracy(run.accuracy, run.soft_accuracy, run.measured_on),
        training=Training(
            task=plan.task,
            preset=plan.preset,
            seed=run.seed,
            best_epoch=run.best_epoch,
            architecture=plan.architecture,
            settings=plan.settings,
            held_out=training.held_out,
            lutsmith=__version__,
        ),
        encoder_luts=run.encoder_luts,
        wasted_thresholds=getattr(encoder, "num_wasted", None),  # where the encoder knows it
        input_bits=getattr(encoder, "input_bits", None),
    )


def _encoder_luts(encoder: nn.Module, input_shape: tuple[int, ...]) -> int:
    """Return how many LUTs the encoder emits; a circuit keeps them all, and a thermometer has none."""
    from torch import nn

    from lutsmith.nn import to_circuit

    ranks = to_circuit(nn.Sequential(encoder), input_shape).luts_by_rank()
    return sum(count for rank, count in ranks.items() if rank)
