"""From data to a checked circuit in phases: each is trained and kept, and a stopped run resumes where it was."""

from __future__ import annotations

import copy
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lutsmith.circuit.metadata import Metadata
from lutsmith.data.dataset import Dataset
from lutsmith.data.report import Fitted
from lutsmith.data.split import validation_split
from lutsmith.ground.arguments import instance_of
from lutsmith.ground.progress import ProgressBar
from lutsmith.nn.neurons.binary import BinaryConv, BinaryLayer
from lutsmith.nn.neurons.counts import luts_at_all_places, luts_of_layers
from lutsmith.nn.neurons.network import NeuronArchitecture, build_neurons
from lutsmith.nn.neurons.pruning import prunable, prune, sizes_of
from lutsmith.nn.sums.emitting import MOST_LUTS
from lutsmith.training.assembly import objective_of
from lutsmith.training.files.phase import PhaseFolder
from lutsmith.training.fitting import Preparation
from lutsmith.training.isolation import no_trace, torch_threads
from lutsmith.training.metrics import Epoch, score
from lutsmith.training.penalties.distillation import Distillation
from lutsmith.training.phases import Phase, PhasedSettings, Reached, phase_table, seed_of
from lutsmith.training.samples import Samples
from lutsmith.training.teachers import check_teacher, lessons
from lutsmith.training.trainer import Fit, Trainer

FOLDER = "phases"


@dataclass(frozen=True, eq=False)
class PhasedPreparation:
    """Everything that is made before the first phase begins.

    Attributes:
        prepared: checked data, and the network with real weights.
        settings: how it is trained.
    """

    prepared: Preparation
    settings: PhasedSettings

    @classmethod
    def of(
        cls, dataset: Dataset, architecture: NeuronArchitecture, settings: PhasedSettings, devices: int | None = None
    ) -> PhasedPreparation:
        """Check data, architecture and settings against each other, and build the network that `devices` processes
        will train.

        Raises:
            TypeError: objects of other types.
            ValueError: data of another objective, or without rows to measure on; sizes that do not fit.
        """
        began = time.perf_counter()
        instance_of("dataset", dataset, Dataset, "(data.from_arrays(X, y) makes one)")
        instance_of("architecture", architecture, NeuronArchitecture)
        instance_of("settings", settings, PhasedSettings)
        dataset.check_in_memory("training in phases")
        common = settings.common
        if dataset.objective != "classification":
            raise ValueError(f"phases learn classes, and {dataset.name} is for {dataset.objective}; take gradients")
        if common.validation == 0:
            raise ValueError("validation is 0, and phases are compared on rows that are held out; give it a share")
        kinds = [phase.kind for phase in settings.wanted if phase.kind in ("real", "binary")]
        if kinds[-1:] != ["binary"]:
            raise ValueError(
                f"after phase {settings.wanted[-1].name!r} weights are real numbers, which no circuit has; end "
                "with a phase behind one of kind 'binary'"
            )
        samples = Samples.of(dataset.x_train, dataset.y_train, objective_of(common), dataset.sample_weight)
        check_teacher(common, samples, dataset.num_classes)
        rows, _ = validation_split(samples.y, common.validation, common.rows_seed)
        with torch_threads(common.torch_threads):
            model = build_neurons(architecture, samples.x[rows], dataset.num_classes, common.seed)
        _check_room(model, settings, dataset.input_shape)
        seconds = time.perf_counter() - began
        made = Preparation(dataset, architecture, common, samples, None, model, seconds, scored=False, devices=devices)
        return cls(made, settings)

    @property
    def seconds(self) -> float:
        """How long making this took."""
        return self.prepared.seconds

    def fit(
        self,
        *,
        resume: bool = False,
        metadata: Metadata | None = None,
        folder: Path | None = None,
        quiet: bool = False,
        told: Any = None,  # noqa: ARG002 - epochs of different phases cannot be compared
    ) -> Fitted:
        """Train phase by phase, lower, check and report. Call it once only: the network is trained in place.

        With a folder, each phase has its own subfolder in `phases`, with metrics, a checkpoint and its result. With
        `resume`, finished phases are loaded from there, and a stopped one resumes within its epoch.

        Raises:
            As `training.fit`; ValueError for a phase that cannot change the network as it is at that point.
        """
        prepared, model, reached = self.prepared, self.prepared.model, list[Reached]()
        place = None if folder is None else folder / FOLDER
        _, rows = validation_split(prepared.samples.y, self.settings.common.validation, self.settings.common.rows_seed)
        trained: Fit | None = None
        taught = list[Distillation]()
        for number, phase in enumerate(self.settings.wanted, start=1):
            own = PhaseFolder(None if place is None else place / f"{number}-{phase.name}")
            callbacks = phase.change(model, seed_of(self.settings.common.seed, number))
            if resume and own.done:
                reached.append(own.take(model))
                continue
            if prepared.settings.teacher is not None and not taught:
                asked: dict[str, Any] = {"folder": folder, "resume": resume, "quiet": quiet}
                asked["devices"] = prepared.devices
                taught.append(lessons(prepared.settings, prepared.samples, prepared.dataset.num_classes, **asked))
            trained = self._train(phase, callbacks, own.path, taught, resume=resume, quiet=quiet)
            reached.append(self._reached(phase, trained, rows))
            _say(reached[-1:], quiet)
            own.keep(model, reached[-1])
        return self._finished(reached, trained, rows, metadata or Metadata(), quiet)

    def _train(
        self,
        phase: Phase,
        callbacks: list[Any],
        folder: Path | None,
        taught: list[Distillation],
        *,
        resume: bool,
        quiet: bool,
    ) -> Fit | None:
        settings = phase.settings(self.settings.common)
        if settings is None:
            return None
        prepared = self.prepared
        own: dict[str, Any] = {"callbacks": callbacks, "penalties": taught, "devices": prepared.devices}
        trainer = Trainer(settings, folder=folder, quiet=quiet, **own)
        return trainer.fit(
            prepared.model,
            prepared.samples.x,
            prepared.samples.y,
            prepared.dataset.sample_weight,
            resume=resume and folder is not None,
            keep_start=phase.keeps_start,
        )

    def _reached(self, phase: Phase, trained: Fit | None, rows: Any) -> Reached:
        prepared, model = self.prepared, self.prepared.model.cpu().eval()
        if trained is not None:
            soft, hard = trained.best.soft, trained.best.hard
        else:
            objective = objective_of(self.settings.common)
            with no_trace(model), torch_threads(self.settings.common.torch_threads):
                soft, hard = (
                    score(model, prepared.samples, rows, objective, hardened=hardened) for hardened in (False, True)
                )
        binary = all(
            layer.binary if isinstance(layer, BinaryLayer) else layer.binary_weights
            for layer in prunable(model).values()
        )
        luts = tuple(luts_of_layers(model, prepared.dataset.input_shape, once=True).values()) if binary else ()
        kept = sum(size.kept for size in sizes_of(model))
        epoch, seconds = (0, 0.0) if trained is None else (trained.best.epoch, trained.train_seconds)
        return Reached(phase.name, soft, hard, kept, luts, epoch, seconds)

    def _finished(
        self, reached: list[Reached], trained: Fit | None, rows: Any, metadata: Metadata, quiet: bool
    ) -> Fitted:
        last, prepared = reached[-1], self.prepared
        seconds = sum(each.seconds for each in reached)
        gap = None if last.soft is None or last.hard is None else last.soft - last.hard
        best = Epoch(last.epoch, None, last.soft, last.hard, gap, 0.0, last.seconds)
        setup = 0.0 if trained is None else trained.setup_seconds
        whole = Fit((best,), best, np.asarray(rows), seconds, setup, None if trained is None else trained.stopped)
        prepared.model.cpu().eval()
        with torch_threads(self.settings.common.torch_threads):
            model, circuit, report = prepared.lowered(metadata, whole)
        counted = tuple(luts_of_layers(model, prepared.dataset.input_shape, simplified=True, once=True).values())
        final = replace(last, name="circuit", luts=counted, seconds=0.0)
        _say([*reached, final], quiet)
        training = circuit.metadata.training
        assert training is not None
        told = replace(circuit.metadata, training=replace(training, settings=self.settings.told()))
        phases = tuple({**asdict(each), "luts": list(each.luts)} for each in (*reached, final))
        return Fitted(model, replace(circuit, metadata=told), replace(report, method="phases", phases=phases))


def _check_room(model: Any, settings: PhasedSettings, input_shape: tuple[int, ...]) -> None:
    """Raise ValueError if what the phases make of a network of kernels has no room in a circuit: before training."""
    if not any(isinstance(layer, BinaryConv) for layer in model):
        return
    trial = copy.deepcopy(model)
    for number, phase in enumerate(settings.wanted, start=1):
        for pruning in phase.change(trial, seed_of(settings.common.seed, number)):
            for name, density in pruning.densities.items():
                prune(trial.get_submodule(name), density=density, per=pruning.per, tile=pruning.tile)
    luts = luts_at_all_places(trial.eval(), input_shape)
    if luts > MOST_LUTS:
        raise ValueError(
            f"after phase {settings.wanted[-1].name!r} there would be about {luts:,} LUTs at all places, more than the "
            f"{MOST_LUTS:,} of a circuit: prune to fewer inputs, or train the network without a run (Trainer, "
            "Phase.change) and lower it with to_stream, which has each kernel once"
        )


def _say(rows: list[Reached], quiet: bool) -> None:
    ProgressBar(1.0, quiet=quiet).note(f"phases done\n{phase_table(rows)}")
