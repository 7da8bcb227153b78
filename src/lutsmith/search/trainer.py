"""The loop of a search: steps of a method, looks at held-out rows, a checkpoint, and a circuit at the end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.engine.stages import PackedEvaluation
from lutsmith.circuit.heads import Head
from lutsmith.circuit.metadata import Accuracy, Metadata, Training
from lutsmith.circuit.table_bank import TableBank
from lutsmith.data.dataset import DataError, Dataset
from lutsmith.data.report import CircuitMismatchError, Fitted, Report, score
from lutsmith.data.split import validation_split
from lutsmith.ground.arguments import whole_number
from lutsmith.search.checkpoint import NOT_READ, SearchCheckpoint, SearchState
from lutsmith.search.members import Ground, members_of
from lutsmith.search.method import SearchMethod, method_named
from lutsmith.search.problem import Problem
from lutsmith.search.rounds import Rounds
from lutsmith.search.settings import SearchSettings
from lutsmith.version import __version__


@dataclass(frozen=True, eq=False)
class PreparedSearch:
    """A search that is about to begin.

    Attributes:
        dataset: what is learned.
        start: the network to begin with.
        problem: it, on packed samples.
        method: how it is searched.
        most: after how many steps nothing is left to do; None: there is always a next one.
        held_out: int64, the validation rows of the training part.
        seconds: what making this took.
        ground: what several members stand on; None for one.
    """

    dataset: Dataset
    start: Circuit
    problem: Problem
    method: SearchMethod
    most: int | None
    held_out: NDArray[np.int64]
    seconds: float
    ground: Ground | None = None


@dataclass(frozen=True)
class Look:
    """How far a search has come.

    Attributes:
        step: steps that were made.
        steps: that there are at most.
        loss: the mean loss of a sample of acceptance, after the step.
        validation: the share of the validation rows that are right at the last look; None before it and without such.
        seconds: of searching so far.
        figures: those of a look, where this is one.
    """

    step: int
    steps: int
    loss: float
    validation: float | None
    seconds: float
    figures: dict[str, Any] | None


class SearchTrainer:
    """Searches for the tables, and with some methods the wires, of a network, without gradients and without torch.

    The same settings and data give the same circuit, for any number of threads, and however often a search is stopped
    and resumed, unless `max_seconds` ends it.

    Args:
        settings: of the search; None: the defaults.

    Attributes:
        looks: the figures of each look at the validation rows; while it runs, those of earlier sessions.
    """

    def __init__(self, settings: SearchSettings | None = None) -> None:
        self.settings = SearchSettings() if settings is None else settings
        self.looks: list[dict[str, Any]] = []
        self._between_steps = True

    def prepare(self, dataset: Dataset, *, start: Circuit | None = None, threads: int | None = None) -> PreparedSearch:
        """Return all that is made before the first step: errors in data and settings show here.

        Args:
            dataset: classes, from `data.from_arrays` or `data.load`.
            start: a circuit to begin with, of such data and with a head; its encoder and head stay. None: the network
                of the settings, for features that are whole numbers.
            threads: to judge with; by default LUTSMITH_NUM_THREADS, else all cores. They change no result.

        Raises:
            ValueError, TypeError: data, settings and start that do not fit each other.
        """
        began, settings = time.perf_counter(), self.settings
        dataset.check_in_memory("a search")
        if dataset.objective != "classification":
            raise DataError(f"{dataset.name} is {dataset.objective}; a search learns classes")
        if dataset.x_test is None and settings.validation == 0:
            raise ValueError(f"{dataset.name} has no test part and validation is 0: nothing is left to measure on")
        circuit = self._network(dataset) if start is None else start
        if not isinstance(circuit.head, Head) or circuit.head.num_classes != len(dataset.classes):
            raise ValueError(f"start has not a head of {len(dataset.classes)} classes, as {dataset.name} has")
        if int(np.prod(circuit.input_shape)) != dataset.x_train[0].size:
            raise ValueError(
                f"start is of samples {circuit.input_shape}, {dataset.name} of {dataset.x_train.shape[1:]}"
            )
        rows, held_out = validation_split(dataset.y_train, settings.validation, settings.rows_seed)
        x, y, stages = dataset.x_train.reshape(len(dataset.x_train), -1), dataset.y_train, circuit.stages
        training = (stages.pack(x[rows], threads=threads), y[rows])
        validation = (stages.pack(x[held_out], threads=threads), y[held_out]) if held_out.size else None
        problem = Problem(
            circuit.netlist,
            *training,
            circuit.head,
            loss=settings.loss,
            schedule=settings.schedule(),
            validation=validation,
            bank=TableBank.of_circuit(circuit),
            seed=settings.seed,
            threads=threads,
        )
        method = method_named(settings.method, settings.options)
        method.check(problem)
        most = method.most_steps(problem)
        if most is not None:
            most = whole_number(f"most_steps of method {settings.method!r}", most, 0, what="steps, or None")
        ground = None
        if settings.members > 1:
            if most is not None:
                raise ValueError(f"method {settings.method!r} ends by itself, and members exchange circuits: members=1")
            for own in settings.member_options:
                method_named(settings.method, {**settings.options, **own}).check(problem)
            ground = Ground(settings, circuit, start is None, training, validation, threads)
        return PreparedSearch(dataset, circuit, problem, method, most, held_out, time.perf_counter() - began, ground)

    def fit(
        self,
        dataset: Dataset | PreparedSearch,
        *,
        start: Circuit | None = None,
        watch: Callable[[Look], None] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        metadata: Metadata | None = None,
    ) -> Fitted:
        """Return (None, circuit, report).

        Args:
            dataset: as for `prepare`, or what this has made of it.
            start: as for `prepare`.
            watch: called with the progress of the search, after every step.
            checkpoint: a file. If it exists, the search goes on from it, to the same circuit as if it had not stopped.
                It is written every few seconds, at the end, and when the search is interrupted.
            metadata: the metadata of the circuit; accuracy and settings are added.

        Raises:
            ValueError: as for `prepare`; a file that is not a checkpoint, or one of other settings or data.
            OSError: a checkpoint that cannot be read or written.
            CircuitMismatchError: the circuit does not give the counted results: a bug in lutsmith.
        """
        ready = dataset if isinstance(dataset, PreparedSearch) else self.prepare(dataset, start=start)
        problem, settings = ready.problem, self.settings
        kept = None if checkpoint is None else SearchCheckpoint(checkpoint, settings, ready.dataset, ready.start)
        state = (None if kept is None else kept.read()) or SearchState()
        if ready.ground is not None:
            self._fit_members(ready, ready.ground, state, kept, watch)
            circuit = replace(ready.start, netlist=problem.netlist)
            self._check(ready, circuit)
            return self._reported(ready, circuit, state, metadata)
        if state.arrays:
            problem.restore(state.step, state.arrays["tables"], state.arrays["fanin"])
            own = {name[7:]: array for name, array in state.arrays.items() if name.startswith("method_")}
            try:
                ready.method.restore(own)
                ready.method.check(problem)
            except NOT_READ as error:
                assert kept is not None
                raise kept.wrong(error) from error
        self.looks = state.looks
        self._between_steps = True
        try:
            self._run(ready, state, kept, watch)
        except KeyboardInterrupt:
            if kept is not None and self._between_steps:  # else what was written last is gone on from
                self._write(ready, state, kept)
            raise
        if kept is not None:
            self._write(ready, state, kept)
        if state.best is not None:
            problem.restore(state.best[2], state.arrays["best_tables"], state.arrays["best_fanin"])
        circuit = replace(ready.start, netlist=problem.netlist)
        self._check(ready, circuit)
        return self._reported(ready, circuit, state, metadata)

    def _fit_members(
        self,
        ready: PreparedSearch,
        ground: Ground,
        state: SearchState,
        kept: SearchCheckpoint | None,
        watch: Callable[[Look], None] | None,
    ) -> None:
        """Search with several members, and leave the best circuit in the problem."""
        with members_of(ground) as members:
            try:
                rounds = Rounds(members, self.settings, state)
            except NOT_READ as error:
                if kept is None or not state.arrays:
                    raise
                raise kept.wrong(error) from error
            self.looks = state.looks

            def told(step: int, loss: float, figures: dict[str, Any]) -> None:
                if kept is not None and kept.due:
                    rounds.save()
                    kept.write(state)
                if watch is not None:
                    watch(Look(step, self.settings.steps, loss, figures["hard"], state.seconds, figures))

            try:
                rounds.run(told)
            except KeyboardInterrupt:
                if kept is not None and rounds.between:
                    rounds.save()
                    kept.write(state)
                raise
            if kept is not None:
                rounds.save()
                kept.write(state)
            tables, wires = rounds.circuit()
            ready.problem.restore(state.step, tables, wires)
        if state.best is not None:
            ready.problem.restore(state.best[2], state.arrays["best_tables"], state.arrays["best_fanin"])

    def _network(self, dataset: Dataset) -> Circuit:
        x = dataset.x_train
        if x.size and not (np.isfinite(x).all() and (x >= 0).all() and (x == np.rint(x)).all()):
            raise DataError(
                f"{dataset.name} has features that are not whole numbers of at least 0, whose bits a network of its "
                "own reads: begin with a circuit (start), whose thresholds read them"
            )
        circuit = self.settings.circuit(x.shape[1:], len(dataset.classes), int(x.max(initial=0)))
        return replace(circuit, classes=dataset.classes, input_shape=x.shape[1:])

    def _run(
        self,
        ready: PreparedSearch,
        state: SearchState,
        kept: SearchCheckpoint | None,
        watch: Callable[[Look], None] | None,
    ) -> None:
        problem, settings, most, before = ready.problem, self.settings, ready.most, state.seconds
        steps = settings.steps if most is None else min(settings.steps, most)
        began, reached = time.perf_counter(), None
        if state.best is None and state.step == 0:
            self._look(problem, state, problem.accepting().value / max(1, len(problem.accepting())), most)
        while state.stopped is None and problem.step < steps:
            state.seconds = before + time.perf_counter() - began
            if settings.max_seconds is not None and state.seconds >= settings.max_seconds:
                if problem.step % settings.every:
                    self._look(problem, state, problem.accepting().value / max(1, len(problem.accepting())), most)
                break
            self._between_steps = False
            taken = ready.method.step(problem, np.random.default_rng([settings.seed, 2, problem.step]))
            loss = taken.after / max(1, len(problem.accepting()))
            problem.step += 1
            state.step, figures = problem.step, None
            state.seconds = before + time.perf_counter() - began
            if problem.step % settings.every == 0 or problem.step == steps:
                figures = self._look(problem, state, loss, most)
            self._between_steps = True
            reached = state.looks[-1]["hard"] if state.looks else None
            if kept is not None and kept.due:
                self._write(ready, state, kept)
            if watch is not None:
                watch(Look(problem.step, steps, loss, reached, state.seconds, figures))

    def _look(self, problem: Problem, state: SearchState, loss: float, most: int | None) -> dict[str, Any]:
        """Measure the network on the validation rows, and keep it if it is the best so far."""
        growing = most is not None and problem.step < most  # a network that is not whole yet tells nothing
        figures: dict[str, Any] = {"step": problem.step, "loss": loss, "hard": None, "validation_loss": None}
        part = problem.validation
        if part is not None:
            accuracy, value = part.accuracy, part.value / len(part)
            figures |= {"hard": accuracy, "validation_loss": value}
            if state.best is None or (accuracy, -value) > (state.best[0], -state.best[1]):
                state.best, state.waited = (accuracy, value, problem.step), 0
                state.arrays["best_tables"], state.arrays["best_fanin"] = problem.tables, problem.fanin
            else:
                state.waited += 0 if growing else 1
                if self.settings.patience is not None and state.waited >= self.settings.patience:
                    state.stopped = f"no better network in {state.waited} looks at the validation rows"
        figures["seconds"] = state.seconds
        if problem.step:
            state.looks.append(figures)
        return figures

    def _write(self, ready: PreparedSearch, state: SearchState, kept: SearchCheckpoint) -> None:
        own = {f"method_{name}": array for name, array in ready.method.state().items()}
        best = {name: array for name, array in state.arrays.items() if name.startswith("best_")}
        state.arrays = {"tables": ready.problem.tables, "fanin": ready.problem.fanin, **best, **own}
        kept.write(state)

    def _check(self, ready: PreparedSearch, circuit: Circuit) -> None:
        """Compare the circuit with what was counted as the network changed: its scores on the validation rows, without
        these its outputs on the samples of acceptance.
        """
        part = ready.problem.validation
        if part is None:
            part = ready.problem.accepting()
            anew = PackedEvaluation(circuit.netlist, part.evaluation.samples)
            equal = np.array_equal(anew.outputs(), part.evaluation.outputs())
        else:
            x = ready.dataset.x_train[ready.held_out]
            equal = np.array_equal(circuit.decision_function(x), part.loss.scores(part.evaluation))
        if not equal:
            raise CircuitMismatchError(
                "the circuit does not give the scores that were counted; nothing was saved. This is a fault of "
                "lutsmith: please report it"
            )

    def _reported(
        self, ready: PreparedSearch, circuit: Circuit, state: SearchState, metadata: Metadata | None
    ) -> Fitted:
        """Say what the circuit reached."""
        dataset, settings = ready.dataset, self.settings
        told = metadata or circuit.metadata
        if dataset.x_test is not None and dataset.y_test is not None:
            kept = None if told.training is None else told.training.held_out
            x, y, measured_on = dataset.x_test, dataset.y_test, "held-out" if kept is not None and kept.rows else "test"
        else:
            x, y, measured_on = dataset.x_train[ready.held_out], dataset.y_train[ready.held_out], "validation"
        reached = score("classification", circuit.predict(x), y)
        most = ready.most
        cut = None if most is None or state.step >= most else f"after {state.step} of {most} steps: not all is trained"
        report = Report(
            seed=settings.seed,
            score=reached,
            measured_on=measured_on,
            luts=circuit.netlist.num_nodes,
            depth=circuit.depth,
            best_epoch=None,
            train_seconds=state.seconds,
            setup_seconds=ready.seconds,
            comparators=len(circuit.encoder),
            encoder_luts=circuit.metadata.encoder_luts,
            rows=len(x),
            checked_rows=len(ready.held_out),
            stopped=state.stopped or cut,
            method=settings.method,
            validation=None if state.best is None else state.best[0],
        )
        training = replace(
            told.training or Training(),
            method=settings.method, seed=settings.seed, settings=settings.to_json(), lutsmith=__version__,
        )  # fmt: skip
        own = circuit.metadata
        facts = replace(
            told,
            other={**own.other, **told.other},
            encoder_luts=own.encoder_luts,
            input_bits=own.input_bits,
            accuracy=Accuracy(reached, measured_on=measured_on),
            training=training,
        )
        return Fitted(None, replace(circuit, metadata=facts), report)
