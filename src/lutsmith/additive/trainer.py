"""Additive learning: a LUT is grown for each score in turn, for the votes that lower the loss most."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.candidates import Candidates
from lutsmith.additive.checkpoint import Checkpoint
from lutsmith.additive.course import Course, Growth, State
from lutsmith.additive.encoding import Encoding
from lutsmith.additive.front import Bits
from lutsmith.additive.losses import ScoreLoss
from lutsmith.additive.network import VotingLut, build_circuit
from lutsmith.additive.objectives import Goal
from lutsmith.additive.rows import RowSource
from lutsmith.additive.settings import AdditiveSettings
from lutsmith.additive.start import Start
from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.file import to_bytes
from lutsmith.circuit.metadata import Accuracy, Metadata, Training
from lutsmith.data.dataset import Dataset
from lutsmith.data.report import CircuitMismatchError, Fitted, Report, score
from lutsmith.data.split import stratified_split
from lutsmith.version import __version__

CHUNK = 1 << 16
"""Rows on which the circuit and the network are compared at a time."""


class AdditiveTrainer:
    """Trains networks of LUTs that vote, without gradients through them and without torch.

    In every round a LUT is grown for each class, label or target: its inputs are chosen greedily among candidates, and
    its table is, for these inputs, the best that there is for the loss, of which every sample is counted exactly with
    and without the vote. The same settings and data give the same circuit, for any number of threads.

    Args:
        settings: how to go about it; None: the defaults.
        loss: of several labels or numbers, (scores, targets) float64 (N,) each to the losses (N,), in place of the loss
            that the settings name; labels are targets 0 and 1.

    Attributes:
        history: after `fit`, how the network grew, step by step.
    """

    def __init__(self, settings: AdditiveSettings | None = None, *, loss: ScoreLoss | None = None) -> None:
        self.settings = AdditiveSettings() if settings is None else settings
        self.loss = loss
        self.history: tuple[Growth, ...] = ()

    def fit(
        self,
        dataset: Dataset,
        *,
        start: Circuit | None = None,
        watch: Callable[[Growth], None] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        metadata: Metadata | None = None,
    ) -> Fitted:
        """Return (None, circuit, report): there is no model beside the circuit.

        Args:
            dataset: from `data.from_arrays` or `data.load`.
            start: a circuit with a head, whoever trained it: nothing is grown, its LUTs that vote are fitted anew in
                `sweeps`. The others, the head, and what the circuit tells of itself stay, and so do the votes that each
                LUT has. LUTs may come to read its comparators, the outputs of LUTs that stay, and thresholds of the
                encoder. tau is the one that suits the circuit's scores on the training rows. Where there are validation
                rows, the circuit that comes out is not worse on them than this one.
            watch: is told how far training has come, step by step.
            checkpoint: a file. Where it is there, training goes on from it, to the same circuit as if it had not
                stopped. It is written anew every few seconds, and when training is interrupted.
            metadata: what the circuit tells of itself; names, accuracy and settings are added.

        Raises:
            ValueError: a loss that the objective does not have; fewer than `rank` bits that tell rows apart; no test
                part and no validation; a checkpoint of other settings or data, or none at all; a start without a head,
                with registers, none of whose LUTs votes, or that is not of such data.
            OSError: a checkpoint that cannot be read or written.
            CircuitMismatchError: the circuit does not give the votes: a fault of lutsmith.
        """
        began = time.perf_counter()
        settings, y = self.settings, dataset.y_train
        if dataset.x_test is None and settings.validation == 0:
            raise ValueError(
                f"{dataset.name} has no test part and validation is 0: nothing would be left to measure on"
            )
        alike = y if dataset.objective == "classification" else np.zeros(len(y), np.int64)
        rows, held_out = stratified_split(alike, settings.validation, settings.seed)
        fresh = Encoding.fit(
            dataset.x_train, settings.bits, dataset.categorical, encoder=settings.encoder, rows=rows, seed=settings.seed
        )
        begun, encoding = None, cast("Bits", fresh)
        if start is not None:  # whose thresholds may be on a grid
            begun = Start.of(start, fresh if start.metadata.input_bits is None else None)
            encoding, settings = begun.front, replace(settings, max_luts=len(begun.network), weights=(1,))
        if min(len(encoding), settings.rank * encoding.feature.size) < settings.rank:
            raise ValueError(f"{len(encoding)} bits tell the rows apart; expected at least the rank, {settings.rank}")
        goal = (Goal.of if begun is None else begun.goal)(dataset, settings, self.loss, rows)
        room = max(settings.max_luts, goal.num_scores) if settings.depth > 1 else 0
        source = RowSource(
            dataset, rows, encoding, goal, room=room, block=settings.block_rows, copies=settings.copies,
            augment=settings.augment(), seed=settings.seed,
        )  # fmt: skip
        check = RowSource(dataset, held_out, encoding, goal, room=room).draw(0) if len(held_out) else None
        deep = settings.deep if settings.depth > 1 or len(encoding) > encoding.feature.size else 0.0
        candidates = Candidates(
            encoding, dataset.input_shape, settings.candidates, settings.window or 6, past=settings.past, deep=deep
        )
        kept = None
        if checkpoint is not None:
            kept = Checkpoint(checkpoint, settings, dataset, encoding, b"" if start is None else to_bytes(start))
        state = (None if kept is None else kept.read()) or State()
        ready = time.perf_counter()
        course = Course(
            settings, source, check, candidates, state, begun, watch,
            None if kept is None else kept.keep,
        )  # fmt: skip
        try:
            network = course.run()
        except KeyboardInterrupt:
            if kept is not None:
                kept.write()
            raise
        self.history = tuple(state.steps)
        if begun is None:
            circuit = build_circuit(dataset, encoding, network, goal, rows, metadata)
        else:
            circuit = begun.build(network, dataset, rows, metadata)
        _check(circuit, network, dataset, encoding, goal, room)
        return self._reported(dataset, circuit, held_out, (ready - began, state.seconds))

    def _reported(
        self, dataset: Dataset, circuit: Circuit, held_out: NDArray[np.int64], seconds: tuple[float, float]
    ) -> Fitted:
        """Say what the circuit reached."""
        settings = self.settings
        if dataset.x_test is not None and dataset.y_test is not None:
            x, y, measured_on = dataset.x_test, dataset.y_test, "test"
        else:
            x, y, measured_on = dataset.x_train[held_out], dataset.y_train[held_out], "validation"
        reached = score(dataset.objective, circuit.predict(x), y)
        report = Report(
            objective=dataset.objective,
            seed=settings.seed,
            score=reached,
            soft_score=reached,
            measured_on=measured_on,
            luts=circuit.netlist.num_nodes,
            depth=circuit.depth,
            best_epoch=1,
            train_seconds=seconds[1],
            setup_seconds=seconds[0],
            comparators=len(circuit.encoder),
            encoder_luts=circuit.metadata.encoder_luts,
            rows=len(x),
            checked_rows=len(dataset.x_train),
        )
        found = Accuracy(report.accuracy, report.accuracy, measured_on)
        if report.accuracy is None:
            found = replace(found, score=reached, soft_score=reached)
        told = circuit.metadata.training or Training()
        training = replace(told, seed=settings.seed, settings=settings.to_json(), lutsmith=__version__)
        return Fitted(
            None, replace(circuit, metadata=replace(circuit.metadata, accuracy=found, training=training)), report
        )


def _check(circuit: Circuit, network: list[VotingLut], dataset: Dataset, encoding: Bits, goal: Goal, room: int) -> None:
    """Compare the circuit's scores with the votes of the network on every row of the training part."""
    for start in range(0, len(dataset.y_train), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(dataset.y_train)))
        part = RowSource(dataset, rows, encoding, goal, room=room).draw(0)
        part.replay(network, 1.0)
        if not np.array_equal(circuit.decision_function(dataset.x_train[rows]), goal.scores(part.votes)):
            raise CircuitMismatchError(
                "the circuit does not give the votes that were counted; nothing was saved. This is a fault of "
                "lutsmith: please report it"
            )
