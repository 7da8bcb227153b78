"""Additive learning: a LUT is grown for each class in turn, for the votes that lower the loss most."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.candidates import Candidates
from lutsmith.additive.encoding import Encoding
from lutsmith.additive.settings import AdditiveSettings
from lutsmith.additive.votes import SoftmaxVotes
from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.engine.workers import num_threads, share
from lutsmith.circuit.metadata import Accuracy, Metadata, Training
from lutsmith.data.dataset import Dataset
from lutsmith.data.report import CircuitMismatchError, Fitted, Report, score
from lutsmith.data.split import stratified_split
from lutsmith.kernels.additive import luts
from lutsmith.kernels.additive.growth import Grower
from lutsmith.version import __version__


@dataclass(frozen=True, eq=False)
class VotingLut:
    """A LUT whose output is a vote.

    Attributes:
        k: the class that it votes for.
        inputs: int32 (n,), bits of the encoding; input 0 is the least significant bit of the address.
        table: bool (2**n,).
    """

    k: int
    inputs: NDArray[np.int32]
    table: NDArray[np.bool_]


@dataclass(frozen=True)
class Growth:
    """How far a network had grown.

    Attributes:
        luts: so far.
        loss: mean cross entropy of the training rows, at the tau of that time.
        validation: share of the validation rows whose class is predicted; None without such rows.
        seconds: of training so far.
    """

    luts: int
    loss: float
    validation: float | None
    seconds: float


class _Rows:
    """Rows as packed bits, and the votes on them."""

    def __init__(self, bits: NDArray[np.uint64], y: NDArray[np.int64], classes: int, weights: Any = None) -> None:
        self.bits, self.y = bits, y
        counted = np.ones(len(y), np.float32) if weights is None else (weights / weights.mean()).astype(np.float32)
        self.votes = SoftmaxVotes(y, classes, counted)

    def says(self, lut: VotingLut) -> NDArray[np.uint64]:
        words = np.empty(self.bits.shape[1], np.uint64)
        luts.evaluate(self.bits, lut.inputs, lut.table, words)
        return words

    def cast(self, lut: VotingLut, sign: int = 1) -> None:
        self.votes.cast(lut.k, self.says(lut), sign)

    def accuracy(self) -> float:
        return float(np.mean(self.votes.counts.argmax(axis=0) == self.y))


class AdditiveTrainer:
    """Trains classifiers of LUTs that vote, without gradients through them and without torch.

    Scores are votes / tau, the loss is cross entropy. In every round a LUT is grown for each class: its inputs are
    chosen greedily among candidates, and its table, for these inputs, is the best there is for the round's loss. The
    same settings and data give the same circuit, for any number of threads.

    Args:
        settings: how to go about it; None: the defaults.

    Attributes:
        history: after `fit`, how the network grew, round by round.
    """

    def __init__(self, settings: AdditiveSettings | None = None) -> None:
        self.settings = AdditiveSettings() if settings is None else settings
        self.history: tuple[Growth, ...] = ()

    def fit(self, dataset: Dataset) -> Fitted:
        """Return (None, circuit, report): there is no model beside the circuit.

        Args:
            dataset: of classes.

        Raises:
            ValueError: another objective; fewer than `rank` bits that tell rows apart; no test part and no validation.
            CircuitMismatchError: the circuit does not give the votes: a fault of lutsmith.
        """
        began = time.perf_counter()
        settings = self.settings
        if dataset.objective != "classification":
            raise ValueError(f"{dataset.name} is for {dataset.objective}: additive learning is for classes so far")
        if dataset.x_test is None and settings.validation == 0:
            raise ValueError(
                f"{dataset.name} has no test part and validation is 0: nothing would be left to measure on"
            )
        rows, held_out = stratified_split(dataset.y_train, settings.validation, settings.seed)
        x = dataset.x_train.reshape(len(dataset.x_train), -1)
        is_image = len(dataset.input_shape) > 1
        bits = settings.bits or (3 if is_image else 63)
        encoding = Encoding.fit(x[rows], bits, dataset.categorical)
        if len(encoding) < settings.rank:
            raise ValueError(f"{len(encoding)} bits tell the rows apart; expected at least the rank, {settings.rank}")
        weights = None if dataset.sample_weight is None else np.asarray(dataset.sample_weight, np.float64)[rows]
        y, classes = dataset.y_train.astype(np.int64), dataset.num_classes
        train = _Rows(encoding.packed(x[rows]), y[rows], classes, weights)
        check = _Rows(encoding.packed(x[held_out]), y[held_out], classes) if len(held_out) else None
        candidates = Candidates(encoding, dataset.input_shape, settings.candidates, settings.window or 6)
        ready = time.perf_counter()
        network = self._grown(train, check, candidates, classes)
        for sweep in range(settings.sweeps):
            network = self._refitted(train, check, candidates, network, sweep)
        trained = time.perf_counter()
        circuit = self._circuit(dataset, encoding, network, x[rows])
        return self._reported(dataset, circuit, train, check, (rows, held_out), ready - began, trained - ready)

    # Growing

    def _grown(self, train: _Rows, check: _Rows | None, candidates: Candidates, classes: int) -> list[VotingLut]:
        settings, began = self.settings, time.perf_counter()
        rounds = max(1, settings.max_luts // classes)
        network: list[VotingLut] = []
        best, kept = -1.0, 0
        history: list[Growth] = []
        for turn in range(rounds):
            share_of_all = (turn + 1) / rounds
            start = settings.tau_start
            train.votes.begin(settings.tau * (start**2 + (1 - start**2) * share_of_all) ** 0.5)
            grown = self._round(train, candidates, list(range(classes)), [None] * classes, (0, turn))
            for lut in grown:
                train.cast(lut)
                if check is not None:
                    check.cast(lut)
            network += grown
            reached = None if check is None else check.accuracy()
            seconds = time.perf_counter() - began
            history.append(Growth(len(network), train.votes.loss(), reached, seconds))
            if reached is None or reached >= best:
                best, kept = -1.0 if reached is None else reached, len(network)
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
        reached = None if check is None else check.accuracy()
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
        if check is not None and reached is not None and check.accuracy() < reached:  # never worse than before
            for lut, other in zip(network, before, strict=True):
                train.cast(lut, -1)
                train.cast(other)
                check.cast(lut, -1)
                check.cast(other)
            return before
        return network

    # The circuit

    def _circuit(
        self, dataset: Dataset, encoding: Encoding, network: list[VotingLut], x: NDArray[np.generic]
    ) -> Circuit:
        builder = CircuitBuilder(dataset.input_shape)
        signals = encoding.emit(builder)
        order = sorted(network, key=lambda lut: lut.k)
        inputs, tables = np.stack([lut.inputs for lut in order]), np.stack([lut.table for lut in order])
        builder.popcount(builder.lut(signals[inputs], tables), dataset.num_classes)
        with np.errstate(all="ignore"):
            low, high = np.nanmin(x.astype(np.float32), axis=0), np.nanmax(x.astype(np.float32), axis=0)
        known = not np.isnan(low).any()
        return builder.build(classes=dataset.classes, fitted_range=(low, high) if known else None)

    def _reported(
        self,
        dataset: Dataset,
        circuit: Circuit,
        train: _Rows,
        check: _Rows | None,
        parts: tuple[NDArray[np.int64], NDArray[np.int64]],
        setup_seconds: float,
        train_seconds: float,
    ) -> Fitted:
        """Compare the circuit's votes with those that were counted, on every row, and say what it reached."""
        checked = 0
        for rows, known in ((train, parts[0]), (check, parts[1])):
            if rows is not None:
                votes = circuit.decision_function(dataset.x_train[known])
                if not np.array_equal(votes, rows.votes.counts.T):
                    raise CircuitMismatchError(
                        "the circuit does not give the votes that were counted; nothing was saved. This is a fault of "
                        "lutsmith: please report it"
                    )
                checked += len(known)
        if dataset.x_test is not None and dataset.y_test is not None:
            x, y, measured_on = dataset.x_test, dataset.y_test, "test"
        else:
            x, y, measured_on = dataset.x_train[parts[1]], dataset.y_train[parts[1]], "validation"
        reached = score("classification", circuit.predict(x), y)
        encoder_luts = int(np.count_nonzero(circuit.netlist.ranks == 2)) if dataset.categorical else 0
        report = Report(
            seed=self.settings.seed,
            score=reached,
            soft_score=reached,
            measured_on=measured_on,
            luts=circuit.netlist.num_nodes,
            depth=circuit.depth,
            best_epoch=1,
            train_seconds=train_seconds,
            setup_seconds=setup_seconds,
            comparators=len(circuit.encoder),
            encoder_luts=encoder_luts,
            rows=len(x),
            checked_rows=checked,
        )
        metadata = Metadata(
            feature_names=dataset.feature_names,
            categories=dataset.categories or None,
            integer_features=dataset.holds_integers,
            table=dataset.schema,
            accuracy=Accuracy(reached, reached, measured_on),
            training=Training(seed=self.settings.seed, settings=self.settings.to_json(), lutsmith=__version__),
        )
        return Fitted(None, replace(circuit, metadata=metadata), report)
