"""Additive learning: for each score in turn, a LUT is grown whose votes lower the loss most."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.candidates import Candidates
from lutsmith.additive.categories import in_order
from lutsmith.additive.checkpoint import Checkpoint
from lutsmith.additive.course import Course, Growth, State, Watch
from lutsmith.additive.encoding import Encoding
from lutsmith.additive.ensemble import checkpoints_of, members_of, named, together, unseen_together, watched
from lutsmith.additive.folds import Unseen, best_steps, parts_of
from lutsmith.additive.front import Bits
from lutsmith.additive.losses import ScoreLoss
from lutsmith.additive.missing import choose, fitted
from lutsmith.additive.monotone import Unate, constrained, masks_of
from lutsmith.additive.network import VotingLut, build_circuit
from lutsmith.additive.objectives import Goal
from lutsmith.additive.opinions import Opinions, Teacher
from lutsmith.additive.rows import RowSource
from lutsmith.additive.settings import AdditiveSettings
from lutsmith.additive.start import Start
from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.features.monotone import check_monotone
from lutsmith.circuit.file import to_bytes
from lutsmith.circuit.metadata import Accuracy, Metadata, Training
from lutsmith.data.dataset import Dataset
from lutsmith.data.report import CircuitMismatchError, Fitted, Report, score
from lutsmith.data.split import validation_split
from lutsmith.data.start import coded_as
from lutsmith.version import __version__

CHUNK = 1 << 16
"""Rows on which the circuit and the network are compared at a time."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A data set that is ready to be learned from.

    Attributes:
        settings: of training, for these data.
        dataset: itself.
        rows: int64, those of the training part that are trained on.
        held_out: int64, the others: they choose how many LUTs are kept.
        encoding: the bits, fitted on `rows`; of a start its front.
        goal: the objective of the votes.
        start: a circuit that is fitted again, taken apart.
        ways: the features that predictions are monotone in, 1 or -1 by their places.
        unate: uint8 (B,), what each bit does as they go their way; None where there are none.
        seconds: how long the preparation took.
    """

    settings: AdditiveSettings
    dataset: Dataset
    rows: NDArray[np.int64]
    held_out: NDArray[np.int64]
    encoding: Bits
    goal: Goal
    start: Start | None
    ways: Mapping[int, int]
    unate: NDArray[np.uint8] | None
    seconds: float


class AdditiveTrainer:
    """Trains networks of LUTs that vote, without gradients through them and without torch.

    In every round a LUT is grown for each class, label or target. Its inputs are chosen greedily among candidates, and
    its table is the best one for these inputs: the loss of every sample is computed exactly with and without the vote.
    The same settings and data give the same circuit, for any number of threads.

    Args:
        settings: of training; None: the defaults.
        loss: for several labels or numbers, a function that replaces the loss that the settings name: from (scores,
            targets), float64 (N,) each, to the losses (N,); labels are targets 0 and 1.
        teacher: gives its opinions on the rows that each network is trained on, and no others. They are learned beside
            the targets, with the share `teacher_weight` of the settings. Held-out rows are measured by their targets
            alone.

    Attributes:
        history: after `fit`, how the network grew, step by step; while `fit` runs, how it grew in earlier sessions.
        unseen: after `fit`, the answers for rows that were not trained on: the network's own for the validation rows,
            or those of the networks of the folds for the rows that each was grown without; None where there are
            neither. Members of an ensemble hold the same validation rows out, and have folds of their own: their
            answers are added up.
        network: after `fit` of one network, its LUTs that vote.
        members: after `fit` of an ensemble, the trainers of its networks.
    """

    def __init__(
        self,
        settings: AdditiveSettings | None = None,
        *,
        loss: ScoreLoss | None = None,
        teacher: Teacher | None = None,
    ) -> None:
        if loss is not None and not callable(loss):
            raise TypeError(
                f"loss is {loss!r}; expected a function. A name goes into the settings: loss={loss!r} there"
            )
        if teacher is not None and not callable(teacher):
            raise TypeError(f"teacher is {teacher!r}; expected a function of rows")
        self.settings = AdditiveSettings() if settings is None else settings
        self.loss, self.teacher = loss, teacher
        self.history: tuple[Growth, ...] = ()
        self.unseen: Unseen | None = None
        self.network: tuple[VotingLut, ...] = ()
        self.members: tuple[AdditiveTrainer, ...] = ()
        self._is_member = False

    def prepare(
        self, dataset: Dataset, *, start: Circuit | None = None, held_out: NDArray[np.int64] | None = None
    ) -> Prepared:
        """Return all that `fit` prepares from a data set before it grows anything: errors in the data show here.

        Args:
            dataset: from `data.from_arrays` or `data.load`.
            start: as for `fit`.
            held_out: the validation rows, ascending, in place of those that the settings draw. If it is empty, folds
                choose how many LUTs are kept, where the settings have them, else all are kept.

        Raises:
            ValueError: a loss that the objective does not have; fewer than `rank` bits that tell rows apart; no test
                part and no validation; a start without a head, with registers, none of whose LUTs votes, or that is
                not of such data.
        """
        began = time.perf_counter()
        dataset.check_in_memory("additive learning")
        ways = constrained(self.settings, dataset)
        y = dataset.y_train
        settings = self.settings.for_data(dataset.input_shape, len(y), dataset.num_classes)
        if start is not None:
            settings = replace(settings, folds=0, ensemble=1, chosen_by=self.settings.chosen_by or "score")
        elif dataset.x_test is None and (held_out is None or len(held_out)):
            settings = replace(settings, folds=0)
        if settings.ensemble > 1 and settings.max_luts < settings.ensemble * dataset.num_classes:
            raise ValueError(
                f"max_luts is {settings.max_luts} for {settings.ensemble} networks; expected at least a LUT for each "
                f"score of each: {settings.ensemble * dataset.num_classes}, or fewer networks"
            )
        if held_out is not None:
            rows = np.delete(np.arange(len(y)), held_out)
        elif dataset.x_test is None and settings.validation == 0:
            raise ValueError(
                f"{dataset.name} has no test part and validation is 0: nothing would be left to measure on"
            )
        else:
            alike = y if dataset.objective == "classification" else np.zeros(len(y), np.int64)
            rows, held_out = validation_split(alike, 0.0 if settings.folds else settings.validation, settings.rows_seed)
        if dataset.sample_weight is not None:  # what does not count is not there
            rows = rows[np.asarray(dataset.sample_weight)[rows] > 0]
        dataset = in_order(settings, dataset, rows) if start is None else coded_as(start, dataset)
        if settings.missing is None and start is not None:
            settings = replace(settings, missing="indicator" if start.missing.size else "below")
        elif settings.missing is None:
            chosen = choose(self.settings, self.loss, dataset, rows, held_out)
            settings = replace(settings, missing=chosen)
        encoding = fitted(settings, dataset, rows)
        if len(encoding) == 0 and self.settings.rank is None:  # what is common is all that can be learned
            encoding = Encoding.constant(encoding.num_features)
        begun = None
        if start is not None:  # whose thresholds may be those of words
            begun = Start.of(start, encoding if start.metadata.input_bits is None else None)
        bits = encoding if begun is None else begun.front
        if self.settings.rank is None and begun is None:  # LUTs of no more inputs than there are
            settings = replace(settings, rank=tuple({min(rank, max(1, len(bits))): 0 for rank in settings.ranks}))
        if len(bits) < max(settings.ranks) or bits.feature.size == 0:
            rank = max(settings.ranks)
            raise ValueError(f"{len(bits)} bits distinguish the rows; expected at least the rank, {rank}")
        goal = (Goal.of if begun is None else begun.goal)(dataset, settings, self.loss, rows)
        masks = masks_of(bits, ways) if ways else None
        if masks is not None:
            Unate(masks, goal).check(settings, () if begun is None else begun.network)
        return Prepared(settings, dataset, rows, held_out, bits, goal, begun, ways, masks, time.perf_counter() - began)

    def fit(
        self,
        dataset: Dataset | Prepared,
        *,
        start: Circuit | None = None,
        watch: Watch | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        metadata: Metadata | None = None,
    ) -> Fitted:
        """Return (None, circuit, report): there is no model beside the circuit.

        Args:
            dataset: from `data.from_arrays` or `data.load`; or what `prepare` has made of it, and of the start.
            start: a circuit with a head, whoever trained it. Then nothing is grown: its LUTs that vote are fitted again
                in `sweeps`, and the result is no worse on the validation rows, where there are any. The other LUTs, the
                head, the votes of each LUT, and the metadata of the circuit stay. LUTs may then read the circuit's
                comparators, the outputs of LUTs that stay, and thresholds of the encoder; those of fewer than `rank`
                inputs get more. tau is chosen for the circuit on the training rows.
            watch: called with the progress of training, step by step, also for the networks that choose how many LUTs
                are best, in the stages "fold 1", "fold 2", ... Where it returns True, that network is done.
            checkpoint: a file. If it exists, training goes on from it, to the same circuit as if it had not stopped. It
                is written every few seconds, and when training is interrupted. Further networks of an ensemble have
                files beside it, which are removed at the end.
            metadata: the metadata of the circuit; names, accuracy and settings are added.

        Raises:
            ValueError: as for `prepare`; a start although the data are prepared; a file that is not a checkpoint, or
                one of other settings or data.
            OSError: a checkpoint that cannot be read or written.
            CircuitMismatchError: the circuit does not give the votes: a bug in lutsmith.
        """
        if start is not None and isinstance(dataset, Prepared):
            raise ValueError("the data are prepared, and start is given: give it to prepare()")
        ready = dataset if isinstance(dataset, Prepared) else self.prepare(dataset, start=start)
        if ready.settings.ensemble > 1:
            return self._fit_members(ready, watch, checkpoint, metadata)
        began = time.perf_counter()
        settings, dataset, rows, held_out = ready.settings, ready.dataset, ready.rows, ready.held_out
        encoding, goal, begun = ready.encoding, ready.goal, ready.start
        if begun is not None:
            settings = replace(settings, max_luts=len(begun.network), weights=(1,))
        asked = settings
        if settings.folds:
            limit = None if settings.max_seconds is None else settings.max_seconds / (settings.folds + 1)
            settings = replace(settings, max_seconds=limit)
        room = max(settings.max_luts, goal.num_scores) if settings.depth > 1 else 0
        deep = settings.deep if settings.depth > 1 or len(encoding) > encoding.feature.size else 0.0

        def course(learned: NDArray[np.int64], checked: NDArray[np.int64], how: AdditiveSettings, state: State,
                   **more: Any) -> Course:  # fmt: skip
            source = RowSource(
                dataset, learned, encoding, goal, room=room, block=how.block_rows, copies=how.copies,
                augment=how.augment(), seed=how.seed, opinions=self._opinions(learned, ready),
            )  # fmt: skip
            check = RowSource(dataset, checked, encoding, goal, room=room).draw(0) if len(checked) else None
            candidates = Candidates(
                encoding, dataset.input_shape, how.candidates or 64, how.window or 6, past=how.past, deep=deep
            )
            unate = None if ready.unate is None else Unate(ready.unate, goal, room)
            return Course(how, source, check, candidates, state, unate=unate, **more)

        kept = None
        if checkpoint is not None:
            of = b"" if begun is None else to_bytes(begun.circuit)
            of += b"" if (taught := self._opinions(rows, ready)) is None else taught.said.tobytes()
            kept = Checkpoint(checkpoint, asked, dataset, encoding, of)
        state = (None if kept is None else kept.read()) or State()
        self.history = tuple(state.steps)
        set_up = ready.seconds + time.perf_counter() - began
        most, choosing, self.unseen = None, 0.0, None
        folds = min(settings.folds or 0, len(rows))  # of one row at the least
        if folds > 1 and state.stage == 0:
            before = time.perf_counter()
            alike = dataset.y_train[rows] if dataset.objective == "classification" else np.zeros(len(rows), np.int64)
            shorter = replace(settings, sweeps=0)

            def without(learned: NDArray[np.int64], checked: NDArray[np.int64], fold: int) -> Course:
                told = None if watch is None else lambda step: watch(replace(step, stage=f"fold {fold + 1}"))
                return course(rows[learned], rows[checked], shorter, State(), watch=told)

            by_score = settings.chosen_by == "score"
            most, said = best_steps(folds, parts_of(alike, folds, settings.seed), without, by_score)
            self.unseen = replace(said, rows=rows[said.rows])
            choosing = time.perf_counter() - before
        try:
            network = course(
                rows, held_out, settings, state, start=begun, most=most, watch=watch,
                keep=None if kept is None else kept.keep,
            ).run()  # fmt: skip
        except KeyboardInterrupt:
            if kept is not None:
                kept.write()
            raise
        if kept is not None and self._is_member:  # others come after it
            kept.keep(state)
            kept.write()
        self.history, self.network = tuple(state.steps), tuple(network)
        if begun is None:
            circuit = build_circuit(dataset, encoding, network, goal, rows, metadata)
        else:
            circuit = begun.build(network, dataset, rows, metadata)
        _check(circuit, network, dataset, encoding, goal, room)
        if ready.ways and not (found := check_monotone(circuit, ready.ways)).ok:
            if begun is not None:
                raise ValueError(f"monotonic_cst: what the start became is {found}")
            raise CircuitMismatchError(f"{found}\nThis is a fault of lutsmith: please report it; nothing was saved")
        if len(held_out):
            x = dataset.x_train[held_out]
            self.unseen = Unseen(held_out, circuit.decision_function(x), circuit.predict(x))
        return self._reported(asked, dataset, circuit, (set_up, choosing + state.seconds))

    def _opinions(self, rows: NDArray[np.int64], ready: Prepared) -> Opinions | None:
        weight = ready.settings.teacher_weight
        if self.teacher is None or weight == 0:
            return None
        return Opinions.asked(self.teacher, rows, ready.dataset.objective, ready.goal.num_scores, weight)

    def _fit_members(
        self,
        ready: Prepared,
        watch: Watch | None,
        checkpoint: str | os.PathLike[str] | None,
        metadata: Metadata | None,
    ) -> Fitted:
        """Grow the networks of an ensemble one after the other, and make one circuit of them."""
        settings, dataset, spent = members_of(ready.settings), ready.dataset, 0.0
        files = [None] * len(settings) if checkpoint is None else checkpoints_of(Path(checkpoint), len(settings))
        unmeasured = replace(dataset, x_test=None, y_test=None)
        self.history, circuits = (), []
        self.members = tuple(AdditiveTrainer(each, loss=self.loss, teacher=self.teacher) for each in settings)
        for number, trainer in enumerate(self.members):
            trainer._is_member = True
            done = self.history

            def tell(step: Growth, number: int = number, done: tuple[Growth, ...] = done, spent: float = spent) -> Any:
                assert watch is not None
                if self.history is done:  # the first step: earlier ones are those of an earlier sitting
                    self.history = (*done, *(named(each, number, spent) for each in self.members[number].history))
                return watched(watch, number, len(settings), spent)(step)

            member = replace(ready, settings=settings[number], dataset=unmeasured)
            _, circuit, report = trainer.fit(
                member, watch=None if watch is None else tell, checkpoint=files[number], metadata=metadata
            )
            self.history = (*done, *(named(step, number, spent) for step in trainer.history))
            circuits.append(circuit)
            spent += report.train_seconds
        circuit = together(circuits, [trainer.network for trainer in self.members], ready.encoding, dataset)
        if ready.ways and not (found := check_monotone(circuit, ready.ways)).ok:
            raise CircuitMismatchError(f"{found}\nThis is a fault of lutsmith: please report it; nothing was saved")
        self.unseen = unseen_together([trainer.unseen for trainer in self.members], circuit)
        for file in files[1:]:
            if file is not None:
                file.unlink(missing_ok=True)
        return self._reported(ready.settings, dataset, circuit, (ready.seconds, spent))

    def _reported(
        self,
        settings: AdditiveSettings,
        dataset: Dataset,
        circuit: Circuit,
        seconds: tuple[float, float],
    ) -> Fitted:
        """Say what the circuit reached."""
        unseen = self.unseen
        if dataset.x_test is not None and dataset.y_test is not None:
            kept = None if circuit.metadata.training is None else circuit.metadata.training.held_out
            y, measured_on = dataset.y_test, "held-out" if kept is not None and kept.rows else "test"
            predicted = circuit.predict(dataset.x_test)
        elif unseen is not None:
            y, predicted = dataset.y_train[unseen.rows], unseen.predicted
            measured_on = "cross-validation" if settings.folds else "validation"
        else:
            y, predicted, measured_on = dataset.y_train, circuit.predict(dataset.x_train), "training"
        reached = score(dataset.objective, predicted, y)
        report = Report(
            objective=dataset.objective,
            seed=settings.seed,
            score=reached,
            measured_on=measured_on,
            luts=circuit.netlist.num_nodes,
            depth=circuit.depth,
            train_seconds=seconds[1],
            setup_seconds=seconds[0],
            comparators=len(circuit.encoder),
            encoder_luts=circuit.metadata.encoder_luts,
            rows=len(y),
            checked_rows=len(dataset.x_train),
            method="additive",
            validation=unseen.score(dataset) if unseen else None,
        )
        found = Accuracy(report.accuracy, measured_on=measured_on)
        if report.accuracy is None:
            found = replace(found, score=reached)
        told = circuit.metadata.training or Training()
        training = replace(
            told, method="additive", seed=settings.seed, settings=settings.to_json(), lutsmith=__version__
        )
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
