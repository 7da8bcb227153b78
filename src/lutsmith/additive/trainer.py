"""Additive learning: a LUT is grown for each score in turn, for the votes that lower the loss most."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.candidates import Candidates
from lutsmith.additive.encoding import Encoding
from lutsmith.additive.losses import ScoreLoss
from lutsmith.additive.network import VotingLut, build_circuit
from lutsmith.additive.objectives import Goal
from lutsmith.additive.settings import AdditiveSettings
from lutsmith.additive.votes import Votes
from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.engine.workers import num_threads, share
from lutsmith.circuit.metadata import Accuracy, Training
from lutsmith.data.dataset import Dataset
from lutsmith.data.report import CircuitMismatchError, Fitted, Report, score
from lutsmith.data.split import validation_split
from lutsmith.kernels.additive import luts
from lutsmith.kernels.additive.growth import Grower
from lutsmith.version import __version__


@dataclass(frozen=True)
class Growth:
    """How far a network had grown.

    Attributes:
        luts: so far.
        loss: mean loss of the training rows, at the tau of that time.
        validation: `data.report.score` of the validation rows; None without such rows.
        seconds: of training so far.
    """

    luts: int
    loss: float
    validation: float | None
    seconds: float


class _Rows:
    """Rows as packed bits, and the votes on them."""

    def __init__(
        self, bits: NDArray[np.uint64], y: NDArray[Any], goal: Goal, weights: NDArray[Any] | None = None
    ) -> None:
        self.bits, self.y, self.goal = bits, y, goal
        self.votes = goal.votes(y, weights)

    def cast(self, lut: VotingLut, sign: int = 1) -> None:
        words = np.empty(self.bits.shape[1], np.uint64)
        luts.evaluate(self.bits, lut.inputs, lut.table, words)
        self.votes.cast(lut.k, words, sign)

    def score(self) -> float:
        return score(self.goal.objective, self.goal.predicted(self.votes), self.y)


class AdditiveTrainer:
    """Trains networks of one layer of LUTs that vote, without gradients through them and without torch.

    In every round a LUT is grown for each class, label or target: its inputs are chosen greedily among candidates, and
    its table is, for these inputs, the best that there is for the loss, of which every sample is counted exactly with
    and without the vote. The same settings and data give the same circuit, for any number of threads.

    Args:
        settings: how to go about it; None: the defaults.
        loss: of several labels or numbers, (scores, targets) float64 (N,) each to the losses (N,), in place of the loss
            that the settings name; labels are targets 0 and 1.

    Attributes:
        history: after `fit`, how the network grew, round by round.
    """

    def __init__(self, settings: AdditiveSettings | None = None, *, loss: ScoreLoss | None = None) -> None:
        self.settings = AdditiveSettings() if settings is None else settings
        self.loss = loss
        self.history: tuple[Growth, ...] = ()

    def fit(self, dataset: Dataset) -> Fitted:
        """Return (None, circuit, report): there is no model beside the circuit.

        Args:
            dataset: from `data.from_arrays` or `data.load`.

        Raises:
            ValueError: a loss that the objective does not have; fewer than `rank` bits that tell rows apart; no test
                part and no validation.
            CircuitMismatchError: the circuit does not give the votes: a fault of lutsmith.
        """
        began = time.perf_counter()
        settings, y = self.settings, dataset.y_train
        if dataset.x_test is None and settings.validation == 0:
            raise ValueError(
                f"{dataset.name} has no test part and validation is 0: nothing would be left to measure on"
            )
        alike = y if dataset.objective == "classification" else np.zeros(len(y), np.int64)
        rows, held_out = validation_split(alike, settings.validation, settings.seed)
        x = dataset.x_train.reshape(len(y), -1)
        bits = settings.bits or (3 if len(dataset.input_shape) > 1 else 63)
        encoding = Encoding.fit(x[rows], bits, dataset.categorical)
        if len(encoding) < settings.rank:
            raise ValueError(f"{len(encoding)} bits tell the rows apart; expected at least the rank, {settings.rank}")
        goal = Goal.of(dataset, settings, self.loss, rows)
        weights = None if dataset.sample_weight is None else np.asarray(dataset.sample_weight, np.float64)[rows]
        train = _Rows(encoding.packed(x[rows]), y[rows], goal, weights)
        check = _Rows(encoding.packed(x[held_out]), y[held_out], goal) if len(held_out) else None
        candidates = Candidates(encoding, dataset.input_shape, settings.candidates, settings.window or 6)
        ready = time.perf_counter()
        network = self._grown(train, check, candidates)
        for sweep in range(settings.sweeps):
            network = self._refitted(train, check, candidates, network, sweep)
        seconds = ready - began, time.perf_counter() - ready
        circuit = build_circuit(dataset, encoding, network, goal, rows)
        for each, places in ((train, rows), (check, held_out)):
            if each is not None:
                _check(circuit, goal, dataset.x_train[places], each.votes)
        return self._reported(dataset, circuit, held_out, seconds)

    # Growing

    def _grown(self, train: _Rows, check: _Rows | None, candidates: Candidates) -> list[VotingLut]:
        settings, began = self.settings, time.perf_counter()
        scores = train.goal.num_scores
        rounds = max(1, settings.max_luts // scores)
        network: list[VotingLut] = []
        best, kept = -np.inf, 0
        history: list[Growth] = []
        for turn in range(rounds):
            share_of_all = (turn + 1) / rounds
            start = settings.tau_start
            train.votes.begin(settings.tau * (start**2 + (1 - start**2) * share_of_all) ** 0.5)
            grown = self._round(train, candidates, list(range(scores)), [None] * scores, (0, turn))
            for lut in grown:
                train.cast(lut)
                if check is not None:
                    check.cast(lut)
            network += grown
            reached = None if check is None else check.score()
            seconds = time.perf_counter() - began
            history.append(Growth(len(network), train.votes.loss(), reached, seconds))
            if reached is None or reached >= best:
                best, kept = best if reached is None else reached, len(network)
            if settings.max_seconds is not None and seconds >= settings.max_seconds:
                break
        for lut in network[kept:]:
            train.cast(lut, -1)
            if check is not None:
                check.cast(lut, -1)
        self.history = tuple(history)
        return network[:kept]

    def _round(
        self,
        train: _Rows,
        candidates: Candidates,
        classes: list[int],
        old: list[VotingLut | None],
        stream: tuple[int, int],
    ) -> list[VotingLut]:
        """Grow a LUT for each of these classes, beside each other, from the votes that there are now.

        Where there is an old one, its inputs are among the candidates, and stay if the new ones gain no more.
        """
        settings = self.settings
        found: list[VotingLut | None] = [None] * len(classes)

        def work(take: Any) -> None:
            grower = Grower(len(train.y), settings.candidates, settings.rank)
            while (place := take()) is not None:
                k, before = classes[place], old[place]
                drawn = candidates.draw(np.random.default_rng([settings.seed, *stream, k]))
                gains = train.votes.gains(k)
                if before is not None:
                    drawn[: before.inputs.size] = before.inputs
                missing = settings.rank - np.unique(drawn).size
                if missing > 0:  # few bits: every one of them
                    drawn = np.resize(np.arange(len(train.bits), dtype=np.int32), settings.candidates)
                grown = grower.grow(train.bits, gains, drawn)
                lut = VotingLut(k, grown.inputs, grown.sums > 0)
                if before is not None:
                    again = grower.grow(train.bits, gains, np.resize(before.inputs, settings.candidates))
                    if np.maximum(again.sums, 0).sum() >= np.maximum(grown.sums, 0).sum():
                        lut = VotingLut(k, again.inputs, again.sums > 0)
                found[place] = lut

        share(len(classes), min(num_threads(), len(classes)), work)
        return [lut for lut in found if lut is not None]

    def _refitted(
        self, train: _Rows, check: _Rows | None, candidates: Candidates, network: list[VotingLut], sweep: int
    ) -> list[VotingLut]:
        """Take LUTs out, one of each class at a time, and grow others in their place where the loss is lower then."""
        settings = self.settings
        rng = np.random.default_rng([settings.seed, 1, sweep])
        classes = sorted({lut.k for lut in network})
        places = {k: rng.permutation([at for at, lut in enumerate(network) if lut.k == k]) for k in classes}
        before, network = list(network), list(network)
        reached = None if check is None else check.score()
        train.votes.begin(settings.tau)
        for turn in range(max(map(len, places.values()))):
            chosen = [int(order[turn]) for order in places.values() if turn < len(order)]
            old = [network[place] for place in chosen]
            loss = train.votes.loss()
            for lut in old:
                train.cast(lut, -1)
            new = self._round(train, candidates, [lut.k for lut in old], list(old), (2 + sweep, turn))
            for lut in new:
                train.cast(lut)
            if train.votes.loss() > loss:  # together they may do worse than each of them alone
                for lut, other in zip(new, old, strict=True):
                    train.cast(lut, -1)
                    train.cast(other)
                continue
            for place, lut, other in zip(chosen, new, old, strict=True):
                network[place] = lut
                if check is not None:
                    check.cast(other, -1)
                    check.cast(lut)
            if turn % 64 == 63:
                train.votes.begin(settings.tau)  # what float32 has lost is put right
        if check is not None and reached is not None and check.score() < reached:  # never worse than before
            for lut, other in zip(network, before, strict=True):
                train.cast(lut, -1)
                train.cast(other)
                check.cast(lut, -1)
                check.cast(other)
            return before
        return network

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
        named = np.isin(np.unique(circuit.encoder.feature), dataset.categorical).any()
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
            encoder_luts=None if named else 0,
            rows=len(x),
            checked_rows=len(dataset.x_train),
        )
        found = Accuracy(report.accuracy, report.accuracy, measured_on)
        if report.accuracy is None:
            found = replace(found, score=reached, soft_score=reached)
        training = Training(seed=settings.seed, settings=settings.to_json(), lutsmith=__version__)
        return Fitted(
            None, replace(circuit, metadata=replace(circuit.metadata, accuracy=found, training=training)), report
        )


def _check(circuit: Circuit, goal: Goal, x: NDArray[Any], votes: Votes) -> None:
    if not np.array_equal(circuit.decision_function(x), goal.scores(votes)):
        raise CircuitMismatchError(
            "the circuit does not give the votes that were counted; nothing was saved. This is a fault of lutsmith: "
            "please report it"
        )
