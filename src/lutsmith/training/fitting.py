"""The way from data to a checked circuit: build, train, lower once, read back, compare, report. No folder is needed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn
from torch.optim import SGD

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.circuit.metadata import Accuracy, Metadata, Training
from lutsmith.data.dataset import Dataset
from lutsmith.data.large.arrays import streamed
from lutsmith.data.report import CircuitMismatchError, Fitted, Report, score
from lutsmith.data.split import validation_split
from lutsmith.data.start import check_start, coded_as
from lutsmith.ground.arguments import instance_of
from lutsmith.nn.from_circuit import architecture_of, from_circuit
from lutsmith.nn.heads import HEADS
from lutsmith.nn.lowering import lower
from lutsmith.nn.memorised import memorise
from lutsmith.nn.network import MEMORIZE, Architecture, build
from lutsmith.nn.neurons.network import NeuronArchitecture
from lutsmith.nn.read_back import prove_lowering
from lutsmith.training.assembly import callbacks_of, objective_of
from lutsmith.training.callbacks.base import Stage
from lutsmith.training.callbacks.telling import Telling
from lutsmith.training.isolation import no_trace, torch_threads
from lutsmith.training.loop.streamed import Streamed
from lutsmith.training.metrics import logits
from lutsmith.training.samples import Samples
from lutsmith.training.settings import Settings
from lutsmith.training.target_range import TargetRange
from lutsmith.training.teachers import check_teacher, lessons
from lutsmith.training.trainer import Fit, Trainer
from lutsmith.version import __version__

DEFAULT_HEADS = {"classification": "group-sum", "regression": "regression", "multilabel": "multi-label"}
"""The head of each objective where none is chosen."""

_REPORT = "This is a fault of lutsmith: please report it"


def fit(
    dataset: Dataset,
    architecture: Architecture | None = None,
    settings: Settings | None = None,
    *,
    start: Circuit | None = None,
    resume: bool = False,
    metadata: Metadata | None = None,
    **trainer: Any,
) -> Fitted:
    """Fit a network to data and return it with its circuit and what they reached. Nothing is written to disk.

        model, circuit, report = lutsmith.fit(lutsmith.data.from_arrays(X, y))

    The network is lowered once. That circuit is read back and compared with the network module by module
    (`nn.prove_lowering`), and both give equal scores on every row of the validation and the test part (in regression,
    equal numbers in float32). The same object is then returned.

    The objective is the data set's. `settings.objective` follows it, and so does the head if it is "group-sum", the
    default: it is then replaced by "regression" or "multi-label". In regression the network is trained on targets
    scaled to [-1, 1] by the range of the training rows, and the head is scaled back at the end.

    Args:
        dataset: from `data.from_arrays` or `data.load`.
        architecture: what to build; None: the default, with a last layer that the classes can share. With a start, how
            its tables and wires are trained (`nn.from_circuit`).
        settings: how to train; None: the defaults. Without a test part the rows of `settings.validation` are measured.
        start: a circuit for these data, from any trainer, to continue from: training begins with its thresholds, wires,
            tables and head. It counts as epoch 0, so that the result is never worse on the validation rows. If it was
            trained with the same seed and at least as large a share of validation rows, it has seen none of these.
        resume: resume from the checkpoint in the trainer's folder, if there is one.
        metadata: what the circuit's metadata shall hold besides what is found here. If it names rows held out of
            training, those are the test part.
        **trainer: further arguments of `Trainer`, such as `folder`, `quiet`, `callbacks`.

    Raises:
        ValueError: data, an architecture and settings that do not fit together; as `Trainer.fit` raises.
        TrainingInterrupted: Ctrl-C or SIGTERM, a `KeyboardInterrupt`.
        CircuitMismatchError: the circuit does not compute what the network does.
    """
    return Preparation.of(dataset, architecture, settings, start).fit(resume=resume, metadata=metadata, **trainer)


@dataclass(frozen=True, eq=False)
class Preparation:
    """Everything that is made before training begins: the checked data and the network, untrained.

    Attributes:
        dataset: as it was given.
        architecture: with the head of the data set's objective.
        settings: with the data set's objective.
        samples: the training part, with targets as training uses them.
        target_range: in regression, the range of the targets; else None.
        model: the network, its encoder fitted on the training rows alone.
        seconds: how long making this took.
        started: whether the network has learned already, because training continues from a circuit or because tables
            were memorised: then it is measured before the first step, and kept if nothing later is better.
        scored: whether the circuit's scores are the network's outputs; False: its classes are the network's.
        devices: processes that train, unless `fit` is told another number; None: as `Trainer` has it.
    """

    dataset: Dataset
    architecture: Architecture | NeuronArchitecture
    settings: Settings
    samples: Samples
    target_range: TargetRange | None
    model: nn.Sequential
    seconds: float
    started: bool = False
    scored: bool = True
    devices: int | None = None

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        architecture: Architecture | None = None,
        settings: Settings | None = None,
        start: Circuit | None = None,
        devices: int | None = None,
    ) -> Preparation:
        """Check data, architecture and settings against each other, and build the network; errors as for `fit`."""
        began = time.perf_counter()
        instance_of("dataset", dataset, Dataset, "(data.from_arrays(X, y) makes one)")
        instance_of("architecture", architecture or Architecture(), Architecture)
        instance_of("settings", settings or Settings(), Settings)
        dataset = streamed(dataset)
        settings = _with_objective(settings or Settings(), dataset)
        if start is not None:
            dataset = coded_as(start, dataset)
            check_start(start, dataset, seed=settings.rows_seed, validation=settings.validation)
        else:
            architecture = _with_head(architecture or Architecture().shared_by(dataset.num_classes), dataset)
        if dataset.x_test is None and settings.validation == 0:
            raise ValueError(
                f"{dataset.name} has no test set and validation is 0: nothing would be left to measure on; give "
                "test=FILE or test_share=SHARE, X_test and y_test, or a validation share"
            )
        if settings.teacher is not None:
            dataset.check_in_memory("a teacher")
        samples = Samples.of(dataset.x_train, dataset.y_train, objective_of(settings), dataset.sample_weight)
        rows, _ = validation_split(samples.y, settings.validation, settings.rows_seed)
        target_range = None
        if dataset.objective == "regression":
            target_range = TargetRange.of(dataset.y_train[rows])
            samples = replace(samples, y=target_range.scaled(dataset.y_train))
        with torch_threads(settings.torch_threads):
            if start is None:
                assert architecture is not None
                x = samples.x[rows]
                model = build(architecture, x, dataset.num_classes, settings.seed, dataset.one_hot)
                if started := architecture.weight_init == MEMORIZE:
                    memorise(model, x, samples.y[rows], settings.seed)
            else:
                model, started = from_circuit(start, architecture, seed=settings.seed), True
                architecture = architecture_of(model, architecture)
                if target_range is not None:
                    target_range.scale(model[-1])
        _check_levers(settings, model, samples, dataset.num_classes)
        seconds = time.perf_counter() - began
        return cls(dataset, architecture, settings, samples, target_range, model, seconds, started, devices=devices)

    def fit(
        self,
        *,
        resume: bool = False,
        metadata: Metadata | None = None,
        told: Callable[[int, float], None] | None = None,
        **trainer: Any,
    ) -> Fitted:
        """Train, lower, check and report: the rest of `fit`. Call it once only: the network is trained in place.

        `told` is called after each epoch that is measured, with its number and its score on the validation rows.
        """
        if told is not None:
            trainer["callbacks"] = [*trainer.get("callbacks", ()), Telling(told)]
        metadata = Metadata() if metadata is None else metadata
        instance_of("metadata", metadata, Metadata, "(Metadata.from_json reads a dict)")
        settings, target_range = self.settings, self.target_range
        if target_range is not None and settings.huber_delta is not None:
            settings = replace(settings, huber_delta=target_range.scaled_error(settings.huber_delta))
        began = time.perf_counter()
        trainer.setdefault("devices", self.devices)
        if settings.teacher is not None:
            own = {"folder": trainer.get("folder"), "quiet": trainer.get("quiet", False), "resume": resume}
            own["devices"] = trainer["devices"]
            lesson = lessons(settings, self.samples, self.dataset.num_classes, **own)
            trainer["penalties"] = [*trainer.get("penalties", ()), lesson]
        taught = time.perf_counter() - began
        going, trainer_of = {"resume": resume, "keep_start": self.started}, Trainer(settings, **trainer)
        if self.dataset.stream is None:
            weights = self.dataset.sample_weight
            trained = trainer_of.fit(self.model, self.samples.x, self.samples.y, weights, **going)
        else:
            feed = Streamed(self.samples, self.dataset.stream, settings, trainer_of.parts.loss, self._targets)
            trained = trainer_of.fit_feed(self.model, feed, **going)
        trained = replace(trained, setup_seconds=trained.setup_seconds + taught)
        model = self.model.cpu()
        if target_range is not None:
            target_range.unscale(model[-1])
        with torch_threads(settings.torch_threads):
            return self.lowered(metadata, trained)

    def _targets(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return targets of rows that are read later, as those of the samples are."""
        scaled = y if self.target_range is None else self.target_range.scaled(y)
        return objective_of(self.settings).targets(scaled, len(scaled))

    def lowered(self, metadata: Metadata, trained: Fit) -> Fitted:
        """Lower the trained network once, and return the circuit after checking that it equals the network."""
        dataset, model = self.dataset, self.model
        x, y, measured_on = self._measured(metadata, trained)
        hardened = logits(model, x, np.arange(len(x)), hardened=True)
        with no_trace(model):  # a batch norm takes the statistics of what it reads
            soft = logits(model, x, np.arange(len(x)), hardened=False)
        lowered = lower(model, dataset.input_shape, classes=dataset.classes or None)
        report = Report(
            objective=dataset.objective,
            seed=self.settings.seed,
            score=score(dataset.objective, _decided(lowered.circuit, hardened, self.scored), y),
            soft_score=score(dataset.objective, _said(dataset.objective, soft), y),
            measured_on=measured_on,
            luts=lowered.circuit.netlist.num_nodes,
            encoder_luts=lowered.encoder_luts,
            comparators=len(lowered.circuit.encoder),
            depth=lowered.circuit.depth,
            best_epoch=trained.best.epoch,
            train_seconds=trained.train_seconds,
            stopped=trained.stopped,
            setup_seconds=self.seconds + trained.setup_seconds,
            rows=len(x),
            validation=trained.best.hard,
        )
        circuit = replace(lowered.circuit, metadata=self._metadata(metadata, report))
        proof = prove_lowering(model, circuit, classes=dataset.classes or None)
        if proof.verdict == "failed":
            raise CircuitMismatchError(
                f"the circuit does not hold what the network states: {proof.problems[0]}; nothing was saved. {_REPORT}"
            )
        _check_rows(circuit, x, hardened, measured_on, self.scored)
        checked = len(x)
        if measured_on != "validation" and len(trained.validation_rows):
            held_out = self.samples.x[trained.validation_rows]
            own = logits(model, held_out, np.arange(len(held_out)), hardened=True)
            _check_rows(circuit, held_out, own, "validation", self.scored)
            checked += len(held_out)
        lowering = "; ".join([proof.verdict, *map(str, proof.problems)])
        return Fitted(model, circuit, replace(report, lowering=lowering, checked_rows=checked))

    def _measured(self, metadata: Metadata, trained: Fit) -> tuple[NDArray[Any], NDArray[Any], str]:
        """Return the rows that are measured, and what they are."""
        dataset, rows = self.dataset, trained.validation_rows
        if dataset.x_test is not None and dataset.y_test is not None:
            held_out = None if metadata.training is None else metadata.training.held_out
            return dataset.x_test, dataset.y_test, "held-out" if held_out is not None and held_out.rows else "test"
        return dataset.x_train[rows], dataset.y_train[rows], "validation"

    def _metadata(self, given: Metadata, report: Report) -> Metadata:
        """Return what the circuit tells about its training: no paths, which are nobody else's business, and no times,
        so that a seed gives one file.
        """
        dataset, encoder, teacher = self.dataset, self.model[0], self.settings.teacher
        reached = Accuracy(report.accuracy, report.soft_accuracy, report.measured_on)
        if report.accuracy is None:
            reached = replace(reached, score=report.score, soft_score=report.soft_score)
        return replace(
            given,
            feature_names=dataset.feature_names,
            categories=dataset.categories or None,
            integer_features=dataset.holds_integers,
            table=dataset.schema,
            accuracy=reached,
            training=replace(
                given.training or Training(),
                seed=report.seed,
                best_epoch=report.best_epoch,
                architecture=self.architecture.to_json(),
                settings=replace(self.settings, teacher=teacher and Path(teacher).name).to_json(),
                lutsmith=__version__,
            ),
            encoder_luts=report.encoder_luts,
            wasted_thresholds=getattr(encoder, "num_wasted", None),  # where the encoder knows it
            input_bits=getattr(encoder, "input_bits", None),
            order=(),  # that of all of these
        )


def objective_of_head(head: str) -> str:
    """Return the objective of a head, by its name in `nn.heads.HEADS`."""
    made: Any = HEADS[head]
    return str(made.objective)


def _check_levers(settings: Settings, model: nn.Module, samples: Samples, num_classes: int) -> None:
    """Raise ValueError if the settings ask for what the model or the samples have no place for."""
    check_teacher(settings, samples, num_classes)
    for callback in callbacks_of(settings):
        callback.begin(Stage(model, SGD(model.parameters(), lr=1.0), settings.epochs, settings.seed))


def _with_objective(settings: Settings, dataset: Dataset) -> Settings:
    if settings.objective not in ("classification", dataset.objective):
        raise ValueError(
            f"objective {settings.objective!r} of the settings, and {dataset.name} is for {dataset.objective}: leave "
            "the setting out, or give the data their objective"
        )
    return replace(settings, objective=dataset.objective)


def _with_head(architecture: Architecture, dataset: Dataset) -> Architecture:
    objective = objective_of_head(architecture.head)
    if objective == dataset.objective:
        return architecture
    if architecture.head != DEFAULT_HEADS["classification"]:
        raise ValueError(
            f"head {architecture.head!r} is for {objective}, and {dataset.name} for "
            f"{dataset.objective}: leave the head out, or give the data their objective"
        )
    return replace(architecture, head=DEFAULT_HEADS[dataset.objective])


def _decided(circuit: Circuit, hardened: NDArray[np.float32], scored: bool) -> NDArray[Any]:
    """Return what the circuit's head makes of the network's hardened outputs, which are its scores or its numbers; or
    what the network says by them, where they are not scores.
    """
    if not scored:
        labels: NDArray[Any] = hardened.argmax(axis=1)
        return labels
    if circuit.objective == "regression":
        return hardened
    assert isinstance(circuit.head, Head)  # every network has one
    return circuit.head.decide(hardened.astype(np.int32), circuit.objective)


def _said(objective: str, outputs: NDArray[np.float32]) -> NDArray[Any]:
    """Return what a network says by its outputs."""
    if objective == "classification":
        labels: NDArray[Any] = outputs.argmax(axis=1)
        return labels
    return outputs if objective == "regression" else outputs > 0


def _check_rows(circuit: Circuit, x: NDArray[Any], hardened: NDArray[np.float32], rows: str, scored: bool) -> None:
    """Raise CircuitMismatchError where the circuit's scores, or its numbers, are not the network's; or its decisions,
    where the network's outputs are not scores.
    """
    given: NDArray[Any]
    wanted: NDArray[Any] = hardened
    if not scored:
        given, wanted = circuit.predict(x)[:, None], hardened.argmax(axis=1)[:, None]
    elif circuit.objective == "regression":
        given = circuit.predict(x).astype(np.float32).reshape(hardened.shape)
    else:
        given = circuit.decision_function(x)
    wrong = np.any(given != wanted, axis=1)
    if wrong.any():
        raise CircuitMismatchError(
            f"the circuit's scores differ from the network's on {wrong.sum()} of {len(x)} {rows} rows, first on row "
            f"{int(wrong.argmax())}; nothing was saved. {_REPORT}"
        )
