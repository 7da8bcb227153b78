"""Any circuit as the start of backfitting: it is taken apart and put together again exactly, and never ends worse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lutsmith import Architecture, Settings, fit
from lutsmith.additive import AdditiveSettings, AdditiveTrainer, Growth, checkpoint, course
from lutsmith.additive.encoding import Encoding
from lutsmith.additive.front import Front, joined
from lutsmith.additive.losses import logistic
from lutsmith.additive.start import Start, best_tau
from lutsmith.additive.votes import ScoreVotes, SoftmaxVotes
from lutsmith.circuit import Circuit, CircuitBuilder, Comparators, Head, Metadata, NetlistBuilder
from lutsmith.circuit.file import from_bytes, to_bytes
from lutsmith.circuit.metadata import Training
from lutsmith.circuit.words import WordBits, WordFormats
from lutsmith.data import Dataset, from_arrays
from lutsmith.data.report import score
from tests.circuit.examples import random_affine, random_netlist

FEATURES = 5
SEED = 7
OBJECTIVES = ("classification", "multilabel", "regression")


def dataset(seed: int, objective: str, scores: int, rows: int = 150) -> Dataset:
    """Numbers, some of them missing, and targets that have to do with them."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, (rows, FEATURES)).astype(np.float32)
    x[rng.random(x.shape) < 0.05] = np.nan
    told = np.nan_to_num(x) @ rng.normal(size=(FEATURES, scores))
    y = {"classification": told.argmax(axis=1), "multilabel": (told > 0).astype(int), "regression": told}[objective]
    classes = tuple(range(scores)) if objective == "classification" else ()
    return Dataset(x, y, None, None, classes, "random", objective=objective)


def any_circuit(seed: int, objective: str, groups: int, scores: int) -> Circuit:
    """LUTs of ranks 0 to 6 and constants on several levels; inputs are comparators, bits of words, plain ones and
    others, and missing values; outputs are any signals, inputs among them, and the same ones repeatedly.
    """
    rng = np.random.default_rng(seed)
    inputs = int(rng.integers(1, 12))
    compared = int(rng.integers(0, inputs + 1))
    thresholds = rng.choice([-2.0, -0.0, 0.0, 0.5, 1.0, 2.0, np.inf, -np.inf], compared)
    encoder = Comparators(rng.integers(0, FEATURES, compared), thresholds.astype(np.float32), FEATURES)
    kinds = WordFormats.of([0, 2, 3], [2, 3, 24], [True, False, True], [0, -1.25, 0], [1, 2, 1])
    which = rng.integers(0, 3, inputs - compared)
    words = WordBits(kinds.feature[which], rng.integers(0, kinds.bits[which]), kinds) if which.size else None
    size = int(rng.integers(1, 7))
    missing = rng.integers(0, FEATURES, rng.integers(0, 4)).astype(np.int32)
    netlist = random_netlist(
        seed, inputs=inputs + missing.size, luts=int(rng.integers(1, 40)), outputs=groups * size, max_rank=6
    )
    affine = random_affine(seed, groups, scores, objective) if scores != groups or rng.random() < 0.7 else {}
    if objective != "regression":
        affine = {name: affine[name] for name in affine if name in ("weights", "bias")}
    return Circuit(
        (FEATURES,), encoder, netlist, Head(groups, **affine), objective=objective, words=words, missing=missing
    )


def fitted(circuit: Circuit, data: Dataset, **fields: Any) -> tuple[AdditiveTrainer, Circuit]:
    trainer = AdditiveTrainer(AdditiveSettings(**{"rank": 2, "sweeps": 0, "validation": 0.3, **fields}))
    return trainer, trainer.fit(data, start=circuit).circuit


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(OBJECTIVES), st.integers(2, 4), st.integers(1, 4), st.booleans())
def test_a_circuit_is_put_together_as_it_was_and_ends_no_worse(
    seed: int, objective: str, groups: int, scores: int, plain: bool
) -> None:
    scores = groups if plain else max(scores, 2 if objective == "classification" else 1)
    circuit, data = any_circuit(seed, objective, groups, scores), dataset(seed, objective, scores)
    try:
        Start.of(circuit)
    except ValueError as error:
        assume("votes" not in str(error))
        raise
    rows = np.random.default_rng(seed).choice(
        np.array([0.0, -0.0, 0.5, 1.0, np.nan, np.inf, -np.inf, 3e38], np.float32), (130, FEATURES)
    )
    everything = np.concatenate([rows, data.x_train])
    again = fitted(circuit, data)[1]
    assert np.array_equal(again.decision_function(everything), circuit.decision_function(everything))
    assert (again.head, again.objective) == (circuit.head, circuit.objective)
    assert again.netlist.num_nodes <= circuit.netlist.num_nodes + 2  # constants that were none
    assert max(again.luts_by_rank(), default=0) <= 6

    trainer, better = fitted(circuit, data, sweeps=2, rank=3)
    held_out = trainer.prepare(data).held_out
    reached = [
        score(objective, each.predict(data.x_train[held_out]), data.y_train[held_out]) for each in (circuit, better)
    ]
    assert trainer.history[0].stage == "start"
    assert trainer.history[0].validation == reached[0]
    ends = {step.stage: step.validation or 0.0 for step in trainer.history}
    assert reached[1] == max(reached[0], *ends.values())
    losses = [step.loss for step in trainer.history]
    assert losses == sorted(losses, reverse=True) or max(np.diff(losses)) < 1e-5 * (1 + abs(losses[0]))
    assert better.head == circuit.head
    assert better.netlist.num_nodes <= circuit.netlist.num_nodes + 2
    assert better.netlist.ranks.max(initial=0) <= max(3, circuit.netlist.ranks.max(initial=0))


def two_levels(classes: int = 3, group: int = 20, rank: int = 4, seed: int = 0) -> Circuit:
    """LUTs that stay, and LUTs that vote on them and on comparators: tables at random."""
    rng = np.random.default_rng(seed)
    builder = CircuitBuilder((FEATURES,))
    bits = builder.compare(np.arange(FEATURES)[:, None], np.array([-1.0, 0.0, 1.0])).reshape(-1)
    inner = builder.lut(rng.permuted(np.tile(bits, (30, 1)), axis=1)[:, :3], rng.integers(0, 2, (30, 8)))
    read = rng.permuted(np.tile(np.concatenate([bits, inner]), (classes * group, 1)), axis=1)[:, :rank]
    builder.popcount(builder.lut(read, rng.integers(0, 2, (len(read), 1 << rank))), classes)
    told = Metadata(
        feature_names=tuple("abcde"),
        training=Training(task="mine", preset="old", seed=SEED, settings={"lr": 1}),
        simplified={"level": 2},
        other={"note": "mine"},
    )
    low, high = np.full((2, FEATURES), [[-1], [1]], np.float32)
    return builder.build(objective="classification", classes=("x", "y", "z"), fitted_range=(low, high), metadata=told)


def named(seed: int = 0, rows: int = 400) -> Dataset:
    return replace(dataset(seed, "classification", 3, rows), classes=("x", "y", "z"))


def test_sweeps_teach_a_circuit_and_what_it_tells_stays() -> None:
    circuit, data = two_levels(), named()
    trainer = AdditiveTrainer(AdditiveSettings(rank=4, sweeps=2, validation=0.3, seed=SEED))
    _, better, report = trainer.fit(data, start=circuit)
    assert report.score == max({step.stage: step.validation or 0.0 for step in trainer.history}.values())
    assert report.score > score("classification", circuit.predict(data.x_train), data.y_train) + 0.3
    assert trainer.history[-1].left == 0
    assert (better.head, better.classes, better.input_shape) == (circuit.head, circuit.classes, circuit.input_shape)
    told = from_bytes(to_bytes(better)).metadata
    assert (told.feature_names, told.other["note"], told.simplified) == (tuple("abcde"), "mine", None)
    assert told.training is not None
    assert (told.training.task, told.training.preset, told.training.method) == ("mine", None, "additive")
    origin = told.training.refined_from
    assert origin is not None
    assert {"luts": 90, "preset": "old", "seed": SEED}.items() <= origin.items()
    assert (origin["settings"]["lr"], origin["simplified"]["level"]) == (1, 2)
    assert better.fitted_range is not None
    assert (better.fitted_range[0][0], better.fitted_range[1][0]) == (-3, 3)  # of both
    twice = trainer.fit(data, start=better).circuit.metadata.training
    assert twice is not None
    assert twice.refined_from is not None
    assert "refined_from" not in twice.refined_from


def test_luts_that_stay_are_candidates_and_stay() -> None:
    circuit, data = two_levels(), named()
    kept = set(circuit.netlist.tables()[:30].tolist())
    for deep in (0.0, 1.0):
        chosen = AdditiveSettings(rank=4, sweeps=1, validation=0.0, deep=deep, seed=SEED)
        better = AdditiveTrainer(chosen).fit(replace(data, x_test=data.x_train, y_test=data.y_train), start=circuit)[1]
        start = Start.of(better)
        assert set(start.front.inner.tables().tolist()) <= kept
        read = [np.count_nonzero(lut.inputs >= len(start.front.encoding)) for lut in start.network]
        before = Start.of(circuit)
        reads = [np.count_nonzero(lut.inputs >= len(before.front.encoding)) for lut in before.network]
        assert (sum(read) > sum(reads)) == (deep == 1.0)


def test_luts_of_fewer_inputs_get_more_and_those_of_more_keep_them() -> None:
    data = named()
    for rank, wanted in ((2, {4}), (6, {4, 6})):
        chosen = AdditiveSettings(rank=rank, sweeps=2, validation=0.3, seed=SEED)
        better = AdditiveTrainer(chosen).fit(data, start=two_levels(rank=4))[1]
        ranks = {lut.inputs.size for lut in Start.of(better).network}
        assert wanted >= ranks
        assert max(ranks) == max(wanted)


def test_thresholds_of_words_get_no_others_beside_them() -> None:
    circuit = two_levels()
    circuit = replace(circuit, metadata=replace(circuit.metadata, input_bits=4))
    better = AdditiveTrainer(AdditiveSettings(rank=4, sweeps=2, validation=0.3, seed=SEED)).fit(named(), start=circuit)[
        1
    ]
    assert set(better.encoder.threshold.tolist()) <= {-1.0, 0.0, 1.0}
    assert better.metadata.input_bits == 4


class Stopped(BaseException):
    """Ends training at once, as a kill does."""


@pytest.mark.parametrize("fields", [{}, {"depth": 3, "deep": 0.5}])
def test_threads_and_stops_do_not_change_what_comes_out(
    fields: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    monkeypatch.setattr(course, "FRESH", 2)
    circuit, data, file = two_levels(rank=5), named(), tmp_path / "state"
    chosen = AdditiveSettings(rank=3, sweeps=2, validation=0.3, seed=SEED, **fields)  # LUTs of 5 inputs in a state of 3
    made = []
    for threads in ("1", "3"):
        monkeypatch.setenv("LUTSMITH_NUM_THREADS", threads)
        made.append(to_bytes(AdditiveTrainer(chosen).fit(data, start=circuit).circuit))
    for after in (1, 4, 6):
        left = iter(range(after))

        def watch(_: Growth, left: Any = left) -> None:
            if next(left, None) is None:
                raise Stopped

        with pytest.raises(Stopped):
            AdditiveTrainer(chosen).fit(data, start=circuit, checkpoint=file, watch=watch)
    made.append(to_bytes(AdditiveTrainer(chosen).fit(data, start=circuit, checkpoint=file).circuit))
    assert made[0] == made[1] == made[2]
    for other in (two_levels(rank=5, seed=1), None):
        with pytest.raises(ValueError, match="other settings or data"):
            AdditiveTrainer(replace(chosen, max_luts=60)).fit(data, start=other, checkpoint=file)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("trained", ["gradients", "additive"])
def test_circuits_that_were_trained_come_back_as_they_were(objective: str, trained: str) -> None:
    data = dataset(0, objective, 3, rows=300)
    if trained == "additive":
        circuit = AdditiveTrainer(AdditiveSettings(max_luts=60, rank=4)).fit(data).circuit
    else:
        head = {"classification": "group-sum", "multilabel": "multi-label", "regression": "regression"}[objective]
        layers = Architecture(luts=(60, 30), rank=4, head=head)
        circuit = fit(data, layers, Settings(epochs=2, validation=0.2, objective=objective)).circuit
    again = fitted(circuit, data)[1]
    assert np.array_equal(again.decision_function(data.x_train), circuit.decision_function(data.x_train))
    assert np.array_equal(again.predict(data.x_train), circuit.predict(data.x_train))
    trainer, _ = fitted(circuit, data, sweeps=1, rank=4)
    assert trainer.history[-1].loss < trainer.history[0].loss


@pytest.mark.parametrize("unit", [1.0, 500.0])
def test_tau_is_where_rows_lose_least(unit: float) -> None:
    rng = np.random.default_rng(0)
    classes, weights = rng.integers(0, 3, 400), np.ones(400, np.float32)
    told = np.eye(3)[classes].T
    for votes in (SoftmaxVotes(classes, 3, weights), ScoreVotes(told, logistic, weights, np.zeros(3))):
        votes.counts[:] = np.rint(unit * (rng.normal(size=(3, 400)) * 6 + 5 * (2 * told - 1)))
        votes.begin(best_tau(votes, unit))
        found = votes.loss()
        losses = []
        for tau in np.geomspace(unit / 2, 100 * unit, 200):
            votes.begin(float(tau))
            losses.append(votes.loss())
        assert 0 < int(np.argmin(losses)) < 199
        assert found <= min(losses) * (1 + 1e-4)
        votes.counts[:] = 2 * unit * (2 * told - 1)  # all told rightly: as small as it may be
        assert best_tau(votes, unit) == pytest.approx(unit / 2, rel=0.05)


def test_bits_of_a_front_are_those_of_its_parts() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(-2, 3, (200, 3)).astype(np.float32)
    own = Encoding.fit(x, 3)
    gray = Encoding.fit(x, 3, encoder="gray")
    encoding, places = joined([own, gray, own])
    assert (np.diff(encoding.feature) >= 0).all()
    assert len(encoding) < len(own) + len(gray)  # some bits are in both
    assert np.array_equal(places[0], places[2])
    for each, place in zip((own, gray), places[:2], strict=True):
        assert np.array_equal(encoding.packed(x)[place], each.packed(x))
    netlist = random_netlist(1, inputs=len(encoding), outputs=9)
    front = Front(encoding, netlist)
    bits = np.unpackbits(encoding.packed(x).view(np.uint8), axis=1, bitorder="little", count=200).astype(bool).T
    said = np.unpackbits(front.packed(x).view(np.uint8), axis=1, bitorder="little", count=200).astype(bool).T
    assert np.array_equal(said, np.concatenate([bits, netlist.evaluate(bits)], axis=1))
    builder = CircuitBuilder((3,))
    signals = front.emit(builder, np.array([0, len(front) - 1]))
    assert np.array_equal(builder.build(signals[[0, -1]]).evaluate(x), said[:, [0, -1]])


def test_a_feature_is_one_kind_of_word_in_what_is_joined() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 30, (200, 2)).astype(np.float32)
    asked = np.concatenate([x, rng.uniform(-5, 40, (130, 2)), [[np.nan, np.inf], [-np.inf, 0.5]]]).astype(np.float32)
    planes, levels = (Encoding.fit(x, 5, encoder=name) for name in ("binary", "fixed-point"))
    narrow = replace(
        planes, formats=WordFormats.of([0, 1], 6), count=planes.count * 0, threshold=np.zeros(0, np.float32)
    )
    builder = CircuitBuilder((2,))
    own = builder.build(planes.emit(builder))
    assert (len(own.encoder), own.netlist.num_nodes) == (0, 0)
    for parts, compared in (
        ([planes, levels], len(levels)),
        ([narrow, levels, planes], len(levels) + len(planes)),
        ([planes, planes], 0),
    ):
        encoding, places = joined(parts)
        assert np.count_nonzero(encoding.bit < 0) == compared
        for each, place in zip(parts, places, strict=True):
            assert np.array_equal(encoding.packed(asked)[place], each.packed(asked))
        builder = CircuitBuilder((2,))
        assert builder.build(encoding.emit(builder)).outputs(asked).shape == (len(asked), len(encoding))


def test_circuits_that_cannot_be_refined_are_refused() -> None:
    circuit, data, trainer = two_levels(), named(), AdditiveTrainer(AdditiveSettings(rank=4, seed=SEED))
    builder = NetlistBuilder(1)
    state = builder.register(1)
    builder.connect(state, [0])
    clocked = builder.build(builder.lut([[state[0]]] * 3, [[0, 1]] * 3))
    wires = replace(circuit.netlist, outputs=np.arange(6))
    encoder = Comparators([0], [0.5], FEATURES)
    other = CircuitBuilder((FEATURES,))
    other.popcount(other.lut([other.words([0], 32)[0, :1]] * 3, [[0, 1]] * 3), 3)
    with_long = other.build(classes=("x", "y", "z"))
    for start, message in (
        (replace(circuit, head=None, classes=None, objective=None), "has no head"),
        (Circuit((FEATURES,), encoder, clocked, Head(3), ("x", "y", "z")), "1 registers"),
        (replace(circuit, netlist=wires), "no LUT of the circuit votes"),
        (with_long, "words of more than 24 bits as inputs, which refining does not take"),
    ):
        with pytest.raises(ValueError, match=message):
            trainer.fit(data, start=start)
    for other, message in (
        (replace(data, classes=("x", "z", "y")), r"start is for classes \('x', 'y', 'z'\)"),
        (replace(data, feature_names=tuple("abcdf")), "start is for feature names"),
        (dataset(0, "multilabel", 3), "start is for objective classification"),
        (dataset(0, "classification", 4), "start is for scores 3"),
        (from_arrays(data.x_train[:, :4], data.y_train), "start is for features 5"),
    ):
        with pytest.raises(ValueError, match=message):
            trainer.fit(other, start=circuit)
    with pytest.raises(ValueError, match=r"give it to prepare\(\)"):
        trainer.fit(trainer.prepare(data), start=circuit)
    huge = Head(3, weights=np.diag([2**30, 1, 1]), bias=[-(2**31), 0, 0])
    netlist = replace(circuit.netlist, outputs=np.repeat(circuit.netlist.outputs[[0, 20, 40]], 3))
    with pytest.raises(ValueError, match="more than int32 holds"):
        trainer.fit(data, start=replace(circuit, head=huge, netlist=netlist))
