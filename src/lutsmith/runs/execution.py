"""`train`: from data by name or in memory and a preset to a network and a checked circuit; kept in a folder if one is
given.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import lutsmith.circuit.file
from lutsmith.circuit import Circuit
from lutsmith.circuit.metadata import HeldOut, Metadata, Training
from lutsmith.data import check
from lutsmith.data.report import Report
from lutsmith.ground.arguments import settings_checked, whole_number
from lutsmith.ground.interrupts import TrainingInterrupted
from lutsmith.runs.folder import Run, RunFolder
from lutsmith.runs.methods import METHODS, Ready, Told
from lutsmith.runs.plan import Plan, Request
from lutsmith.runs.requesting import PathLike, requested
from lutsmith.runs.saved import save_checked
from lutsmith.runs.shared import SharedData
from lutsmith.runs.start import check_rows, read_start, start_name

if TYPE_CHECKING:
    from lutsmith.additive import AdditiveSettings
    from lutsmith.nn import Architecture
    from lutsmith.training import Settings


def train(
    source: Any,
    y: Any = None,
    X_test: Any = None,
    y_test: Any = None,
    *,
    sample_weight: Any = None,
    objective: str | None = None,
    preset: str | None = None,
    data: PathLike | None = None,
    target: str | int | None = None,
    test: PathLike | None = None,
    luts: Sequence[int] | int | None = None,
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
    architecture: Architecture | Mapping[str, Any] | None = None,
    settings: Settings | AdditiveSettings | Mapping[str, Any] | None = None,
    table: Mapping[str, Any] | None = None,
    test_share: float | None = None,
    method: str | None = None,
    max_luts: int | None = None,
    max_seconds: float | None = None,
    start: Circuit | PathLike | None = None,
    devices: int | None = None,
) -> Run:
    """Train a network and return it with a circuit that was checked to be equal to it.

        run = lutsmith.train(X, y, X_test, y_test)  # a table: without gradients, and without torch
        run = lutsmith.train("digits", out="runs/digits", seed=0)
        run = lutsmith.train(X, y, method="gradients", epochs=20)

    With gradients, the circuit is read back and compared with the network module by module (`nn.prove_lowering` says
    what this proves and what it trusts), and both give equal scores on every row of the validation and the test part:
    see `training.fit`. With additive learning, the circuit consists of the grown LUTs, and its scores equal the counted
    votes on every row of the training and the validation part: see `additive.AdditiveTrainer`.

    With `out` model.lut, run.json (arguments, versions, result), metrics.jsonl and the checkpoint go into that folder;
    without it nothing is kept on disk.

    Args:
        source: samples in memory, X as for `data.from_arrays`: an array, tensor, list or frame; or a `Dataset`; or the
            name of a task, one of `data.TASKS`: "digits", "mnist", "fashion-mnist", a public table such as "adult",
            "csv", "npz"; or the path of a table: a file, a folder of Parquet files, or `X.npy` with `y.npy` beside it.
            Of memory maps of more than 1 GB, and of folders of more than 100,000 rows, only a sample is held:
            gradients, which are then the default, train on all rows block by block.
        y: the targets of X, or the name of the label column of a frame.
        X_test: test samples, of the same shape or columns.
        y_test: their targets.
        sample_weight: how much each row of X counts in training.
        objective: for data in memory, "classification", "regression" or "multilabel"; default: the objective of a given
            head or setting, else it follows from y (`data.from_arrays`).
        preset: a row of `presets.list_presets()`; default: the one for the task, or for the shape of data in memory
            (`presets.default_of_shape`), and for the method.
        data: for a task, the folder with its files or the parent of that folder (None: `LUTSMITH_DATA`), or the table's
            file.
        target: the label column of a table in a file.
        test: a file with the test rows of a table; without it `test_share` of the table is held out.
        luts: LUTs of each layer, or a number for a single layer; only for gradients. If it is not given, the last layer
            of the preset is rounded up to a multiple of the number of classes, targets or labels.
        rank: inputs of a LUT.
        bits: thresholds of a feature.
        lr: learning rate of the tables; only for gradients.
        epochs: passes over the training rows; only for gradients.
        seed: the seed of the network's random wiring and of all that is random in training.
        out: the run's folder; None: nothing is written.
        resume: go on with the run in the folder, bit for bit as if it had not stopped; for a finished run, return its
            result. Arguments that are not given are taken from the run; those that are given must be the same as
            before, data in memory too. Without a run this is an error. The arguments are written down first, so a run
            can be resumed whenever it was stopped.
        allow_new: with `resume`, begin a run if there is none.
        overwrite: remove the run in the folder, once the data are loaded and the new network is built.
        quiet: show no progress.
        architecture: an `nn.Architecture`, taken as it is, or a mapping of its fields that differ from the preset's;
            only for gradients.
        settings: a `training.Settings`, for additive learning an `additive.AdditiveSettings`, taken as it is, or a
            mapping of its fields that differ from the preset's; of a search a `search.settings.SearchSettings`, or a
            mapping of its fields and of the method's own.
        table: how to read a table: fields of `data.TableOptions`, such as `{"header": True, "drop": ["id"]}`.
        test_share: of a table or data in memory without test rows, the share of each class that is held out, by `seed`,
            before the validation rows are taken and the encoder is fitted; the accuracy is measured on it. Default 0.2.
            With 0 the accuracy is measured on the validation rows, which also chose the epoch, or how many LUTs are
            kept.
        method: "gradients" or "additive". None: the preset's; without a preset the only method that has all given
            arguments; else that of the kind of data (`presets.DEFAULT_METHODS`): "gradients" for images, "additive" for
            tables. A run of additive learning has no `network`, only the circuit. Or a search of tables and wires,
            without torch: "evolve", "bitflip", "pivotal", "coordinate", "anneal", "population", "wires", or one of your
            own (`search.register`).
        max_luts: the largest number of LUTs; only for additive learning.
        max_seconds: for additive learning and search: no LUT or step is begun after so many seconds of training.
        start: for gradients and search: a circuit for these data, or its model file, to go on with (`training.fit`); it
            counts as epoch 0, so the result is never worse on the validation rows. Sizes, thresholds and head stay
            those of the circuit. The settings of the preset are used, but only those fields of the architecture that
            are given.
        devices: for gradients: processes on this machine that train together, each on its part of every batch; see
            `training.Trainer`. A run may be resumed with another number of them. None: one.

    Raises:
        ValueError: arguments, data or a checkpoint that cannot be used; a folder that holds another run; a loss that is
            not finite.
        OSError: files that cannot be read or written.
        ModuleNotFoundError: torch or Lightning Fabric is not installed (`pip install 'lutsmith[train]'`), which
            gradients need; or pyarrow or narwhals (`pip install 'lutsmith[tables]'`), which frames, Parquet and Feather
            need.
        TrainingInterrupted: Ctrl-C or SIGTERM, a `KeyboardInterrupt`; with `out`, everything is saved.
        CircuitMismatchError: the circuit is not equal to the network.
        SavedFileError: the model file does not hold what was written to it; an `OSError`.
    """
    began = time.perf_counter()
    if resume and overwrite:
        raise ValueError("resume=True goes on with a run, overwrite=True removes it: give one of them")
    if allow_new and not resume:
        raise ValueError("allow_new=True lets resume=True begin a run where there is none: give both, or neither")
    if out is not None and not os.fspath(out):
        raise ValueError("out='' names no folder; give out=FOLDER, or out=None to write nothing")
    if out is not None and start_name(start) == str(RunFolder(Path(out)).model):
        raise ValueError(
            f"start={str(start)!r} lies where the run's own model will: take another folder with out=FOLDER"
        )
    if out is None and (resume or overwrite):
        raise ValueError(f"{'resume' if resume else 'overwrite'}=True needs the folder of the run: give out=FOLDER")
    if "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1":
        raise ValueError(
            "train starts processes itself: give devices=N, without torchrun; for several machines, let torchrun start "
            "a script that calls lutsmith.fit"
        )
    devices = None if devices is None else whole_number("devices", devices, 1)
    request = requested(
        source, y, X_test, y_test, sample_weight=sample_weight, objective=objective, preset=preset, data=data,
        target=target, test=test, luts=luts, rank=rank, bits=bits, lr=lr, epochs=epochs, seed=seed,
        architecture=architecture, settings=settings, table=table, test_share=test_share, method=method,
        max_luts=max_luts, max_seconds=max_seconds, start=start, kept=out is not None,
    )  # fmt: skip
    if request.dataset is None and not resume:  # before torch is imported
        check(request.task or "", request.data, target, test, table)
    if out is None:
        plan = Plan.of(request)
        begun = _started(plan, request, devices, provisional=True)
        return _executed(begun, None, resume=False, quiet=quiet, began=began)
    return _kept(
        request,
        RunFolder(Path(out)),
        devices,
        resume=resume,
        allow_new=allow_new,
        overwrite=overwrite,
        quiet=quiet,
        began=began,
    )


def _kept(
    request: Request,
    folder: RunFolder,
    devices: int | None,
    *,
    resume: bool,
    allow_new: bool,
    overwrite: bool,
    quiet: bool,
    began: float,
    shared: SharedData | None = None,
    told: Told | None = None,
) -> Run:
    """Train in a folder: begin there, go on there, or report what is there."""
    recorded = folder.read() if resume else None
    if recorded is not None:
        plan, result, provisional = recorded.plan.completed(), recorded.result, recorded.provisional
        if differences := plan.differences(request):
            raise ValueError(
                f"{folder.path} holds a run with other arguments: {'; '.join(differences)}. "
                "Resume it with its own, or take another folder with out=FOLDER"
            )
        plan = plan.freely(request)
        if result is not None and folder.model.is_file():
            return Run.from_json(result, str(folder.model), lutsmith.circuit.file.load(folder.model))
    else:
        plan = Plan.of(request)
        provisional = plan.follows_classes(request)
        folder.check(overwrite=overwrite)
        if resume and not allow_new:
            raise ValueError(
                f"{folder.path} holds no run to resume: look at out=FOLDER, or let resume=True, allow_new=True begin "
                "one there"
            )
    free = recorded is None and not folder.present()
    with folder.claimed(plan, provisional=provisional) if free else nullcontext():
        start = _started(plan, request, devices, provisional=provisional, shared=shared)
    if recorded is None and not free:  # only now that nothing in the arguments or the data can be wrong any more
        folder.claim(start.plan, overwrite=overwrite)
    elif provisional:
        folder.write(start.plan, None)
    run = _executed(start, folder, resume=recorded is not None, quiet=quiet, began=began, told=told)
    folder.write(start.plan, run)
    return run


def train_shared(request: Request, out: PathLike, shared: SharedData, *, told: Told | None = None) -> Run:
    """Train in a folder as `train` does, on data that runs share: begin there, go on, or return the run that is there.

    Args:
        request: the arguments, from `requested` with `kept=True`.
        out: the folder.
        shared: the data.
        told: is told of each look at the validation rows; what it raises ends the run, which can be resumed.

    Raises:
        ValueError, OSError, CircuitMismatchError, TrainingInterrupted: as for `train`.
    """
    folder = RunFolder(Path(out))
    return _kept(
        request, folder, None, resume=True, allow_new=True, overwrite=False, quiet=True, began=time.perf_counter(),
        shared=shared, told=told,
    )  # fmt: skip


class _Start(NamedTuple):
    """All that is made before the run's folder is touched."""

    plan: Plan
    ready: Ready
    held_out: HeldOut | None


def _started(
    plan: Plan, request: Request, devices: int | None, *, provisional: bool, shared: SharedData | None = None
) -> _Start:
    """Load the data and build the network of a plan; raise ValueError or TypeError where they do not fit."""
    if devices not in (None, 1) and not METHODS[plan.method].together:
        raise ValueError(f"devices={devices} is of gradients, and the method is {plan.method}: leave it out")
    shared = SharedData() if shared is None else shared
    if provisional:
        plan = plan.fitted_to(shared.whole(plan, request), request)
    dataset, held_out = shared.parted(plan, request)
    circuit = None if plan.start is None else read_start(plan.start, request.start)
    if circuit is not None:
        check_rows(circuit, held_out)
    with settings_checked():
        return _Start(plan, shared.ready(plan, dataset, circuit, devices), held_out)


def _executed(
    start: _Start, folder: RunFolder | None, *, resume: bool, quiet: bool, began: float, told: Told | None = None
) -> Run:
    """Train, check, and save the circuit that was checked."""
    plan, ready, held_out = start
    loading = time.perf_counter() - began - ready.seconds
    facts = Metadata(target=plan.target, training=Training(task=plan.task, preset=plan.preset, held_out=held_out))
    place = None if folder is None else folder.path
    try:
        network, circuit, report = ready.fit(resume=resume, metadata=facts, folder=place, quiet=quiet, told=told)
    except TrainingInterrupted as stopped:  # said for a trainer, whose folder is given with its settings
        more = "; with out=FOLDER a run can go on" if place is None else f", out={str(place)!r}"
        raise TrainingInterrupted(f"{stopped}{more}", stopped.exit_code - 128) from None
    run = Run(
        **{item.name: getattr(report, item.name) for item in fields(Report)},
        task=plan.task,
        preset=plan.preset,
        model=None if folder is None else str(folder.model),
        circuit=circuit,
        network=network,
    )
    if folder is not None:
        save_checked(circuit, folder.model)
    return replace(run, setup_seconds=loading + report.setup_seconds)
