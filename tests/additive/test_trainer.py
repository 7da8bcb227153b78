"""Additive learning end to end: what is counted is what the circuit says, for any number of threads, without torch."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lutsmith
from lutsmith.additive import AdditiveSettings, AdditiveTrainer, Growth, checkpoint, course, losses, network
from lutsmith.additive.candidates import Candidates
from lutsmith.additive.codes import draw_codes
from lutsmith.additive.encoding import Encoding
from lutsmith.additive.network import VotingLut, are_read, levels
from lutsmith.additive.objectives import Goal
from lutsmith.additive.rows import RowSource
from lutsmith.additive.steps import Steps
from lutsmith.circuit.file import to_bytes
from lutsmith.data import Dataset, from_arrays
from lutsmith.data.report import CircuitMismatchError

SMALL = AdditiveSettings(max_luts=60, rank=4)


def blobs(rows: int = 400, classes: int = 3, seed: int = 0, **fields: Any) -> Dataset:
    """Numbers whose class is where they lie."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, rows)
    x = rng.normal(size=(rows, 5)) + 2 * np.eye(classes, 5)[y]
    return replace(from_arrays(x.astype(np.float32), y), **fields)


def numbers(targets: int = 1, seed: int = 0) -> Dataset:
    """Targets that depend on three features, and a little on chance."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(800, 4)).astype(np.float32)
    y = np.stack([3 * x[:, t] + x[:, 1] * x[:, 2] + 0.1 * rng.normal(size=800) + 50 for t in range(targets)], axis=1)
    return from_arrays(x, y if targets > 1 else y[:, 0])


def test_digits_are_learned_and_measured() -> None:
    trainer = AdditiveTrainer(AdditiveSettings(max_luts=300))
    model, circuit, report = trainer.fit(lutsmith.data.load("digits"))
    assert model is None
    assert report.measured_on == "test"
    assert report.accuracy is not None
    assert report.accuracy > 0.9
    assert circuit.metadata.accuracy is not None
    assert circuit.metadata.accuracy.value == report.score
    assert report.luts == circuit.netlist.num_nodes <= 300
    assert report.checked_rows == len(lutsmith.data.load("digits").x_train)
    assert [step.luts for step in trainer.history] == [*range(10, 310, 10)]


VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "sweeps": {"sweeps": 2, "exchanges": 2, "pairs": 4},
    "codes": {"plus": 2, "minus": 1, "sweeps": 1},
    "weights": {"weights": (1, 2, 4), "sweeps": 1},
    "deep": {"depth": 3, "deep": 0.5, "sweeps": 1, "past": 0.5},
    "blocks": {"block_rows": 100, "redraws": 3, "sweeps": 1},
    "some rows": {"row_share": 0.5},
    "past": {"past": 0.5, "sweeps": 2, "max_luts": 99},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_threads_do_not_change_the_circuit(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    made = []
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("LUTSMITH_NUM_THREADS", threads)
        fitted = AdditiveTrainer(replace(SMALL, **VARIANTS[name])).fit(blobs())
        assert fitted.report.score > 0.75
        made.append(to_bytes(fitted.circuit))
    assert made[0] == made[1] == made[2]
    assert made[0] != to_bytes(AdditiveTrainer(replace(SMALL, seed=1)).fit(blobs()).circuit)


class Stopped(BaseException):
    """Ends training at once, as a kill does."""


@pytest.mark.parametrize("name", VARIANTS)
def test_a_stopped_run_goes_on_to_the_same_circuit(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    settings, data, file = replace(SMALL, **VARIANTS[name]), blobs(), tmp_path / "state"
    whole = AdditiveTrainer(settings)
    right = whole.fit(data).circuit

    def stop(after: int, error: type[BaseException]) -> None:
        left = iter(range(after))

        def watch(step: Growth) -> None:
            if next(left, None) is None:
                raise error

        with pytest.raises(error):
            AdditiveTrainer(settings).fit(data, watch=watch, checkpoint=file)

    stop(5, Stopped)
    stop(9, KeyboardInterrupt)
    if name == "past":
        stop(len(whole.history) - 5 - 9 - 1, Stopped)  # at the end of the last sweep
    trainer = AdditiveTrainer(settings)
    circuit = trainer.fit(data, checkpoint=file).circuit
    assert to_bytes(circuit) == to_bytes(right)
    assert [step.loss for step in trainer.history] == [step.loss for step in whole.history]
    if settings.sweeps:  # finished but for the end: nothing is left to do
        assert to_bytes(AdditiveTrainer(settings).fit(data, checkpoint=file).circuit) == to_bytes(right)


def test_a_checkpoint_of_something_else_is_refused_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    file = tmp_path / "state"
    AdditiveTrainer(SMALL).fit(blobs(), checkpoint=file)
    good = file.read_bytes()
    for settings, data in ((replace(SMALL, tau=3.0), blobs()), (SMALL, blobs(seed=1))):
        with pytest.raises(ValueError, match="other settings or data"):
            AdditiveTrainer(settings).fit(data, checkpoint=file)
    assert AdditiveTrainer(replace(SMALL, max_seconds=1e6)).fit(blobs(), checkpoint=file).report.score > 0.75
    for bad in (b"", b"PK", good[:-40], good[: len(good) // 2], good.replace(b"additive state 1", b"additive state 2")):
        file.write_bytes(bad)
        with pytest.raises(ValueError, match="holds no state of additive training"):
            AdditiveTrainer(SMALL).fit(blobs(), checkpoint=file)
        assert file.read_bytes() == bad
    with np.load(io.BytesIO(good)) as arrays:
        parts = dict(arrays)
    for name, change in (("inputs", 10_000), ("inputs", -10_000), ("sizes", 7), ("tables", None), ("codes", None)):
        bad_parts = parts | {
            name: parts[name][:-1] if change is None else parts[name] + np.array(change, parts[name].dtype)
        }
        with file.open("wb") as out:
            np.savez(out, **bad_parts)
        with pytest.raises(ValueError, match="holds no state of additive training"):
            AdditiveTrainer(SMALL).fit(blobs(), checkpoint=file)


@pytest.mark.parametrize("step", [3, {}, {"luts": "x"}, {"loss": None}, {"stage": 1}, {"left": "x"}])
def test_steps_that_none_has_left_are_refused(step: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    file = tmp_path / "state.npz"
    AdditiveTrainer(SMALL).fit(blobs(), checkpoint=file)
    with np.load(file) as arrays:
        parts = dict(arrays)
    facts = json.loads(parts["facts"].tobytes())
    facts["steps"] = [{**facts["steps"][0], **step}] if isinstance(step, dict) and step else [step]
    np.savez(file, **parts | {"facts": np.frombuffer(json.dumps(facts).encode(), np.uint8)})
    with pytest.raises(ValueError, match="holds no state of additive training"):
        AdditiveTrainer(SMALL).fit(blobs(), checkpoint=file)


def test_a_checkpoint_is_of_every_row_and_those_of_earlier_versions_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    monkeypatch.setattr(checkpoint, "SAMPLE", 256)  # of large data, earlier versions read a sample
    file, data = tmp_path / "state", blobs()
    changed = replace(data, x_train=data.x_train.copy())
    changed.x_train[1] *= 2
    encoding = AdditiveTrainer(SMALL).prepare(data).encoding
    made = checkpoint.Checkpoint(file, SMALL, data, encoding)
    made.keep(course.State(turn=3))
    with pytest.raises(ValueError, match="other settings or data"):
        checkpoint.Checkpoint(file, SMALL, changed, encoding).read()
    with np.load(file) as arrays:
        parts = dict(arrays)
    facts = json.loads(parts["facts"].tobytes())
    facts["of"] = checkpoint._digest(SMALL, data, encoding, b"", -(-data.x_train.nbytes // 256))
    with file.open("wb") as out:
        np.savez(out, **parts | {"facts": np.frombuffer(json.dumps(facts).encode(), np.uint8)})
    assert made.read() == course.State(turn=3)


def test_deep_networks_read_their_own_luts() -> None:
    fitted = AdditiveTrainer(replace(SMALL, depth=3, deep=0.5)).fit(blobs())
    assert 2 <= fitted.report.depth <= 3
    bits = [
        VotingLut(np.ones(1, np.int32), np.array(inputs, np.int32), np.zeros(4, bool)) for inputs in ((0, 1), (2, 0))
    ]
    assert levels(bits, 2).tolist() == [1, 2]
    assert are_read(bits, 2).tolist() == [True, False]


def test_two_inputs_that_tell_nothing_alone_are_found() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (600, 40)).astype(np.float32)
    data = from_arrays(x, (x[:, 3] != x[:, 31]).astype(int))
    found = [
        AdditiveTrainer(AdditiveSettings(max_luts=4, rank=2, pairs=pairs)).fit(data).report.score for pairs in (0, 64)
    ]
    assert found[0] < 0.8
    assert found[1] == 1.0


def test_the_network_with_the_best_validation_is_kept() -> None:
    trainer = AdditiveTrainer(replace(SMALL, max_luts=90, tau=1.0, chosen_by="loss"))
    report = trainer.fit(blobs(120)).report
    least = min(step.validation_loss or 0.0 for step in trainer.history)
    assert report.luts == max(step.luts for step in trainer.history if step.validation_loss == least)
    trainer = AdditiveTrainer(replace(SMALL, max_luts=90, tau=1.0, chosen_by="score"))
    report = trainer.fit(blobs(120)).report
    best = max(step.validation or 0.0 for step in trainer.history)
    assert report.luts == max(step.luts for step in trainer.history if step.validation == best)
    assert (report.measured_on, report.score) == ("validation", best)


@pytest.mark.parametrize("weights", [(1,), (1, 2, 4)])
@pytest.mark.parametrize(("plus", "minus"), [(1, 0), (2, 1)])
def test_no_lut_raises_the_loss(weights: tuple[int, ...], plus: int, minus: int) -> None:
    data = blobs()
    chosen = replace(SMALL, weights=weights)
    encoding = Encoding.fit(data.x_train, 7)
    goal = Goal.of(data, chosen, None, np.arange(len(data.x_train)))
    rows = RowSource(data, np.arange(len(data.x_train)), encoding, goal).draw(0)
    steps = Steps(chosen, Candidates(encoding, (5,), 64, 6))
    codes = list(draw_codes(3, plus, minus, 3, 0))
    rows.votes.begin(4.0)
    network: list[VotingLut] = []
    for turn in range(5):
        network += steps.grow(rows, codes, (0, turn))
    rows.replay([], 4.0)
    before = rows.votes.loss()
    for lut in network:
        rows.cast(lut)
        assert rows.votes.loss() <= before + 1e-6
        before = rows.votes.loss()
    assert {int(np.abs(lut.code).max()) for lut in network} <= set(weights)


def test_sweeps_lower_the_loss_and_are_never_worse_on_validation_rows() -> None:
    data = blobs(600)
    plain = AdditiveTrainer(SMALL).fit(data)
    swept = AdditiveTrainer(replace(SMALL, sweeps=2)).fit(data)
    assert swept.report.score >= plain.report.score
    assert to_bytes(swept.circuit) != to_bytes(plain.circuit)


@pytest.mark.parametrize("name", [*VARIANTS, "deeper"])
def test_the_votes_that_sweeps_count_are_those_of_their_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    original = course.Course._sweep

    def sweep(self: course.Course) -> None:
        original(self)
        for rows in self._all():
            counted = rows.votes.counts.copy()
            rows.replay(self.state.network, self.settings.tau)
            assert np.array_equal(rows.votes.counts, counted)

    monkeypatch.setattr(course.Course, "_sweep", sweep)
    deeper = {"depth": 20, "deep": 0.3, "sweeps": 2, "rank": 2, "max_luts": 200, "tau": 2.0}
    AdditiveTrainer(replace(SMALL, **VARIANTS.get(name, deeper))).fit(blobs(800, classes=6))


def test_rows_without_weight_do_not_count() -> None:
    data = blobs(300)
    x, y = data.x_train, data.y_train
    weights = (np.arange(300) % 3 > 0).astype(float)
    wrong = np.where(weights == 0, (y + 1) % 3, y)
    settings = replace(SMALL, validation=0.0)
    circuits = [
        AdditiveTrainer(settings).fit(replace(data, y_train=labels, sample_weight=weights, x_test=x, y_test=y)).circuit
        for labels in (y, wrong)
    ]
    assert np.array_equal(circuits[0].decision_function(x), circuits[1].decision_function(x))


def test_missing_values_names_constants_and_repeated_rows_are_learned_from() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 4, (300, 4)).astype(np.float32)
    y = (x[:, 0] == 2).astype(np.int64)
    x[:, 1], x[:, 2] = 7.0, x[:, 0]
    x[rng.random(300) < 0.2, 2] = np.nan
    data = Dataset(x, y, None, None, ("no", "yes"), "names", categorical=(0,), category_names=(("a", "b", "c", "d"),))
    circuit, report = AdditiveTrainer(AdditiveSettings(max_luts=10, rank=2)).fit(data)[1:]
    assert report.score == 1.0
    assert circuit.predict_labels([[2, 7, np.nan, 0], [0, 7, 0, 0]]).tolist() == ["yes", "no"]


@pytest.mark.parametrize("targets", [1, 3])
def test_numbers_are_learned(targets: int) -> None:
    data = numbers(targets)
    _, circuit, report = AdditiveTrainer(AdditiveSettings(max_luts=150 * targets, rank=5)).fit(data)
    assert (report.objective, report.measure) == ("regression", "R^2")
    assert report.score > 0.85
    assert circuit.metadata.accuracy is not None
    assert circuit.metadata.accuracy.score == report.score
    assert circuit.predict(data.x_train).shape == data.y_train.shape


def test_a_quantile_lies_above_its_share_of_targets() -> None:
    data = numbers()
    for share in (0.1, 0.9):
        settings = AdditiveSettings(max_luts=150, rank=4, loss="quantile", quantile=share)
        circuit = AdditiveTrainer(settings).fit(data).circuit
        assert np.mean(data.y_train < circuit.predict(data.x_train)) == pytest.approx(share, abs=0.08)


@pytest.mark.parametrize("loss", ["logistic", "hinge"])
def test_several_labels_are_learned(loss: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 4)).astype(np.float32)
    data = from_arrays(x, np.stack([x[:, 0] > 0, x[:, 1] * x[:, 2] > 0, x[:, 3] > 1], axis=1).astype(int))
    assert data.objective == "multilabel"
    report = AdditiveTrainer(AdditiveSettings(max_luts=90, rank=4, loss=loss)).fit(data).report
    assert report.score > 0.85


def test_a_loss_of_ones_own_is_learned_by() -> None:
    def asymmetric(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return np.where(scores > targets, 9.0, 1.0) * (scores - targets) ** 2

    data = numbers()
    settings = AdditiveSettings(max_luts=150, rank=4)
    low = AdditiveTrainer(settings, loss=asymmetric).fit(data).circuit.predict(data.x_train)
    plain = AdditiveTrainer(settings).fit(data).circuit.predict(data.x_train)
    assert low.mean() < plain.mean()


def test_time_that_is_up_ends_growing() -> None:
    trainer = AdditiveTrainer(replace(SMALL, max_luts=30_000, max_seconds=0.05))
    report = trainer.fit(blobs()).report
    assert 3 <= report.luts < 30_000


def test_what_cannot_be_learned_from_is_refused() -> None:
    with pytest.raises(ValueError, match=r"loss is 'squared'.*cross-entropy"):
        AdditiveTrainer(replace(SMALL, loss="squared")).fit(blobs())
    spoilt = blobs()
    spoilt.x_train[3, 1] = np.inf
    with pytest.raises(ValueError, match="infinite values"):
        AdditiveTrainer(SMALL).fit(spoilt)
    for loss in (
        lambda scores, targets: scores * np.nan,
        lambda scores, targets: scores[:3],
        lambda scores, targets: 1,
    ):
        with pytest.raises(ValueError, match="a finite number for each sample"):
            AdditiveTrainer(SMALL, loss=loss).fit(numbers())
    with pytest.raises(ValueError, match="read-only"):
        AdditiveTrainer(SMALL, loss=lambda scores, targets: np.subtract(scores, targets, out=targets)).fit(numbers())
    with pytest.raises(TypeError, match="loss is 'squared'; expected a function"):
        AdditiveTrainer(SMALL, loss="squared")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="classes have cross entropy"):
        AdditiveTrainer(SMALL, loss=losses.squared).fit(blobs())
    with pytest.raises(ValueError, match="3 bits distinguish the rows; expected at least the rank, 4"):
        AdditiveTrainer(SMALL).fit(from_arrays(np.arange(4.0).repeat(9)[:, None], np.arange(36) % 2))
    with pytest.raises(ValueError, match="validation is 0: nothing would be left to measure on"):
        AdditiveTrainer(replace(SMALL, validation=0.0)).fit(blobs())


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("max_luts", 0, ValueError),
        ("rank", 9, ValueError),
        ("rank", 2.0, TypeError),
        ("candidates", 65, ValueError),
        ("tau", 0.0, ValueError),
        ("tau", float("nan"), ValueError),
        ("tau_start", 1.5, ValueError),
        ("validation", 1.0, ValueError),
        ("bits", 0, ValueError),
        ("max_seconds", -1.0, ValueError),
        ("max_seconds", float("inf"), ValueError),
        ("rank", np.array([2, 9]), ValueError),
        ("tau", 1e-310, ValueError),
        ("seed", "0", TypeError),
    ],
)
def test_settings_that_cannot_be_are_refused(field: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"{field} is"):
        AdditiveSettings(**{field: value})
    with pytest.raises(ValueError, match="additive learning has no"):
        AdditiveSettings.from_json({"max_lut": 3})
    assert AdditiveSettings.from_json(SMALL.to_json()) == SMALL
    with pytest.raises(ValueError, match="a weight is 65536"):
        AdditiveSettings(weights=(1, 1 << 16))
    given = AdditiveSettings(rank=np.array([2, 3]), tau=np.float32(2.5), max_luts=np.int64(9))  # type: ignore[arg-type]
    assert given.to_json() == json.loads(json.dumps(given.to_json()))
    assert given == AdditiveSettings(rank=(2, 3), tau=2.5, max_luts=9)


def test_a_circuit_that_gives_other_votes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    original = network.CircuitBuilder.lut
    monkeypatch.setattr(network.CircuitBuilder, "lut", lambda self, fanin, tables: original(self, fanin, ~tables))
    with pytest.raises(CircuitMismatchError, match="does not give the votes"):
        AdditiveTrainer(SMALL).fit(blobs())


def test_no_torch_is_imported() -> None:
    script = """
        import sys
        import numpy as np
        from lutsmith.additive import AdditiveSettings, AdditiveTrainer
        from lutsmith.data import from_arrays
        x = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
        circuit = AdditiveTrainer(AdditiveSettings(max_luts=8)).fit(from_arrays(x, (x[:, 0] > 0) * 1)).circuit
        assert "torch" not in sys.modules
    """
    code = "\n".join(line.strip() for line in script.splitlines())
    subprocess.run([sys.executable, "-c", code], check=True, timeout=200)


def test_settings_follow_the_data() -> None:
    image, table = (AdditiveSettings().for_data(shape, 60_000, 10) for shape in ((28, 28), (13,)))
    assert (image.rank, image.encoder, image.tau, image.folds) == (6, "distributive", 4.0, 0)
    assert (table.rank, table.encoder, table.tau, table.folds) == ((2, 4, 6), "balanced", 6.7, 0)
    given = AdditiveSettings(
        rank=3, tau=2.0, z=0.5, candidates=128, folds=0, encoder="gray", exchanges=1, row_share=0.5
    )
    assert given.for_data((13,), 100, 2) == replace(given, chosen_by="loss", window=6)
    assert AdditiveSettings.from_json(table.to_json()) == table
    assert AdditiveSettings(block_rows=100).for_data((13,), 950, 2).redraws == 9
    for bad in ((), (2, 9)):
        with pytest.raises(ValueError, match="rank is"):
            AdditiveSettings(rank=bad)
