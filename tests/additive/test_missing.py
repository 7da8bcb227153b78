"""Missing values: a circuit says of them what plain NumPy says, whichever way they are read, and it stays so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lutsmith
from lutsmith import hardware
from lutsmith.additive import AdditiveSettings, AdditiveTrainer, Growth, checkpoint, encoding
from lutsmith.additive import missing as module
from lutsmith.additive.encoding import Encoding
from lutsmith.additive.sides import TargetValues, is_above
from lutsmith.circuit import Circuit, CircuitBuilder
from lutsmith.circuit.file import from_bytes, to_bytes
from lutsmith.data import Dataset, from_arrays
from lutsmith.encodings.kinds import KINDS
from lutsmith.logic import Words

SMALL = AdditiveSettings(max_luts=40, rank=3)
WAYS = ("below", "indicator", "learned")


def unpacked(words: np.ndarray, samples: int) -> np.ndarray:
    return np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")[:, :samples].astype(np.bool_).T


def holed(seed: int, rows: int = 600, objective: str = "classification") -> Dataset:
    """Numbers of which large ones are gone, and gone ones of another column say something."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4))
    gone = rng.random((rows, 4)) < 0.05
    gone[:, 0] = x[:, 0] > 0.6
    gone[:, 1] = rng.random(rows) < 0.4
    told = x[:, 0] + 1.5 * gone[:, 1] + x[:, 2] ** 2 / 3 - 0.8
    y = {"classification": (told > 0).astype(int), "regression": told, "multilabel": np.stack([told > 0, told > 1], 1)}
    gone[:, 3] = False
    return from_arrays(np.where(gone, np.nan, x).astype(np.float32), y[objective], objective=objective)


@given(
    name=st.sampled_from(sorted(KINDS)),
    seed=st.integers(0, 2**32 - 1),
    samples=st.sampled_from([1, 3, 64, 200]),
    bits=st.integers(2, 6),
    way=st.sampled_from(WAYS),
)
@settings(max_examples=80, deadline=None)
def test_bits_of_missing_values_are_those_of_a_number_beyond_all_thresholds(
    name: str, seed: int, samples: int, bits: int, way: str
) -> None:
    rng = np.random.default_rng(seed)
    x = np.stack([rng.normal(size=samples), rng.integers(0, 9, samples), rng.integers(0, 3, samples)], 1)
    x[rng.random(x.shape) < rng.choice([0.0, 0.3, 0.9])] = np.nan
    x = x.astype(np.float32)
    named = (2,) if rng.random() < 0.5 else ()
    sides = rng.random(3) < 0.5
    found_of: list[np.ndarray] = []

    def side(column: np.ndarray, places: np.ndarray, target: TargetValues) -> bool:
        number = next(n for n in range(3) if np.array_equal(x[:, n], column, equal_nan=True))
        found_of.append(np.array([number]))
        return bool(sides[number])

    target = TargetValues(np.zeros((samples, 1), np.float32), np.ones(samples))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "is_above", side)
        fitted = Encoding.fit(x, bits, named, encoder=name, missing=way, target=target)
    gone = np.isnan(x).any(axis=0) & ~np.isnan(x).all(axis=0)
    asked = np.concatenate([x, rng.choice(np.append(x[~np.isnan(x)], [np.nan, 5, -1e9, 0.5]), (70, 3))])
    asked = asked.astype(np.float32)
    end = np.where(sides & gone & (way == "learned"), np.inf, -np.inf)
    if named:
        end[2] = -np.inf  # which is not a name either
    filled = np.where(np.isnan(asked), end, asked).astype(np.float32)
    wanted = unpacked(fitted.packed(filled), len(asked))  # no value of these is missing
    says = fitted.missing & (fitted.count == 0) & (fitted.bit < 0)
    assert fitted.feature[says].tolist() == (np.flatnonzero(gone).tolist() if way == "indicator" else [])
    wanted[:, says] = np.isnan(asked)[:, fitted.feature[says]]
    if len(fitted):
        np.testing.assert_array_equal(unpacked(fitted.packed(asked), len(asked)), wanted)
        builder = CircuitBuilder((3,))
        np.testing.assert_array_equal(builder.build(fitted.emit(builder)).evaluate(asked), wanted)
        assert fitted.has_luts or builder.num_luts == 0
    assert (way == "learned") or not (fitted.missing & ~says).any()


@pytest.mark.parametrize("above", [False, True])
def test_a_threshold_that_only_tells_missing_values_apart_is_kept(above: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.array([[2], [np.nan], [2]], np.float32)  # no number is above the threshold, which lies at 2
    monkeypatch.setattr(encoding, "is_above", lambda *_: above)
    target = TargetValues(np.zeros((3, 1), np.float32), np.ones(3))
    fitted = Encoding.fit(x, 3, encoder="uniform", missing="learned", target=target)
    assert len(fitted) == above
    if above:
        assert unpacked(fitted.packed(x), 3)[:, 0].tolist() == [False, True, False]


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 3))
@settings(max_examples=80, deadline=None)
def test_a_side_is_that_of_the_best_split_in_two(seed: int, samples: int, scores: int) -> None:
    rng = np.random.default_rng(seed)
    column = rng.integers(0, 6, samples).astype(np.float32)
    column[rng.random(samples) < 0.4] = np.nan
    values, weight = rng.normal(size=(samples, scores)).astype(np.float32), rng.integers(1, 4, samples).astype(float)
    places = np.sort(rng.choice(np.arange(-0.5, 6), 4)).astype(np.float32)

    def lost(missing: float) -> float:
        """The least squared error of the means of two sides."""
        numbers = np.where(np.isnan(column), missing, column)
        errors = [np.inf]
        for place in places:
            parts = [numbers > place, numbers <= place]
            if all(weight[part].sum() > 0 for part in parts):
                errors.append(sum(
                    (weight[part, None] * (values[part] - np.average(values[part], 0, weight[part])) ** 2).sum()
                    for part in parts
                ))  # fmt: skip
        return float(min(errors))

    above, below = lost(np.inf), lost(-np.inf)
    if np.isnan(column).all() or abs(above - below) < 1e-6 * (1 + min(above, below)):
        return
    assert is_above(column, places, TargetValues(values, weight)) == (above < below)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("objective", ["classification", "regression", "multilabel"])
def test_circuits_of_every_way_are_their_plain_form_and_keep_what_they_say(way: str, objective: str) -> None:
    data = holed(1, objective=objective)
    circuit = AdditiveTrainer(replace(SMALL, missing=way)).fit(data).circuit
    assert (circuit.missing.size > 0) == (way != "below")
    rng = np.random.default_rng(0)
    asked = rng.normal(size=(500, 4)).astype(np.float32)
    asked[rng.random(asked.shape) < 0.4] = np.nan
    assert np.array_equal(circuit.outputs(asked), circuit.evaluate(asked))
    for other in (from_bytes(to_bytes(circuit)), lutsmith.simplify(circuit).circuit):
        assert np.array_equal(other.decision_function(asked), circuit.decision_function(asked))
    training = circuit.metadata.training
    assert training is not None
    assert training.settings is not None
    assert training.settings["missing"] == way
    inner = np.setdiff1d(np.arange(circuit.netlist.num_nodes), circuit.netlist.outputs - circuit.netlist.num_inputs)
    above = np.count_nonzero(circuit.netlist.ranks[inner])  # a LUT2 for each threshold that is read
    assert circuit.metadata.encoder_luts == above
    assert (above > 0) == (way == "learned")
    assert (circuit.netlist.ranks[inner] <= 2).all()
    again = AdditiveTrainer(replace(SMALL, missing=way, sweeps=0)).fit(data, start=circuit).circuit
    assert np.array_equal(again.decision_function(asked), circuit.decision_function(asked))
    trainer = AdditiveTrainer(replace(SMALL, sweeps=1))
    refined = trainer.fit(data, start=circuit).circuit
    assert trainer.history[-1].loss <= trainer.history[0].loss + 1e-6
    assert np.array_equal(refined.outputs(asked), refined.evaluate(asked))


@pytest.mark.needs("torch")
@pytest.mark.parametrize("way", ["indicator", "learned"])
def test_gradients_go_on_with_circuits_that_read_missing_values(way: str) -> None:
    from lutsmith import prove_lowering, to_circuit
    from lutsmith.nn.from_circuit import from_circuit

    circuit = AdditiveTrainer(replace(SMALL, missing=way)).fit(holed(2)).circuit
    model = from_circuit(circuit).eval()
    again = to_circuit(model, input_shape=(4,))
    asked = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    asked[np.random.default_rng(1).random(asked.shape) < 0.4] = np.nan
    assert np.array_equal(again.decision_function(asked), circuit.decision_function(asked))
    assert again.missing.size == circuit.missing.size
    assert prove_lowering(model, again).ok
    features = again.missing.copy()
    features[0] = next(feature for feature in range(4) if feature not in features)
    assert not prove_lowering(model, replace(again, missing=features)).ok


@pytest.mark.needs("abc")
@pytest.mark.parametrize("way", ["indicator", "learned"])
def test_formats_of_logic_and_programs_hold_what_is_read_of_missing_values(way: str) -> None:
    circuit = AdditiveTrainer(replace(SMALL, max_luts=8, rank=2, missing=way)).fit(holed(3)).circuit
    assert circuit.missing.size
    asked = holed(4).x_train[:64]
    assert hardware.verify(circuit, ("blif", "json"), X=asked).ok
    other = np.setdiff1d(np.arange(4), circuit.missing)[0]
    wrong = replace(circuit, missing=np.where(circuit.missing == circuit.missing[0], other, circuit.missing))
    for write in (lutsmith.export.to_blif, lutsmith.export.to_json_text):
        name = "blif" if write is lutsmith.export.to_blif else "json"
        artifacts = {name: {f"net.{name}": write(wrong).encode()}}
        assert not hardware.verify(circuit, [name], X=asked, artifacts=artifacts).ok


def words_of(read: Any) -> Circuit:
    """Two LUTs of what is read of integers 0 to 9."""
    builder = CircuitBuilder((2,))
    builder.popcount(builder.lut(np.array([read(builder)] * 2), [[0, 1, 1, 0]] * 2), 2)
    low, high = np.zeros(2, np.float32), np.full(2, 9, np.float32)
    told = lutsmith.circuit.Metadata(integer_features=True)
    return builder.build(classes=("a", "b"), fitted_range=(low, high), metadata=told)


def test_words_lose_no_missing_value_silently() -> None:
    asks = words_of(lambda builder: [builder.missing([0])[0], builder.compare([1], [4.5])[0]])
    assert Words.derive(asks).is_float  # in which there is NaN
    with pytest.warns(UserWarning, match=r"missing, and no word of 5 bits means that.*NaN becomes word 0"):
        assert Words.derive(asks, 5).bits == 5
    rows = np.array([[np.nan, 3], [0, np.nan], [5, 9], [9, 0]], np.float32)
    names = words_of(lambda builder: builder.compare([0, 1], [-0.5, 4.5]))  # below the lowest name
    words = Words.derive(names)
    assert words.bits == 4
    assert np.array_equal(names.outputs(words.values(words.quantise(rows))), names.outputs(rows))
    assert Words.derive(words_of(lambda builder: builder.compare([0, 1], [0.5, 4.5]))).values([[0, 0]]).max() == 0


@pytest.mark.parametrize("way", WAYS)
def test_columns_without_missing_values_in_training_have_them_below(way: str) -> None:
    data = holed(5)
    circuit = AdditiveTrainer(replace(SMALL, missing=way)).fit(data).circuit
    assert 3 not in circuit.missing
    rows = data.x_train[:100].copy()
    rows[:, 3] = np.nan
    lowest = rows.copy()
    lowest[:, 3] = -np.inf
    assert np.array_equal(circuit.decision_function(rows), circuit.decision_function(lowest))


def test_the_way_is_chosen_by_validation_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 3)).astype(np.float32)
    gone = rng.random(3000) < 0.3
    high = x[:, 0] > 0.7
    for hidden, y, wanted in (
        (gone, gone ^ (x[:, 1] > 0), {"indicator", "learned"}),
        (high, (x[:, 0] > 0.2), {"learned"}),
    ):
        holes = x.copy()
        holes[hidden, 0] = np.nan
        rows = np.arange(3000)
        for held_out in (rows[2000:], rows[:0]):  # where none are held out, parts of the rows take turns
            trained = rows if not held_out.size else rows[:2000]
            data = from_arrays(holes, y.astype(int))
            assert module.choose(replace(SMALL, max_luts=200), None, data, trained, held_out) in wanted

    def never(*_: Any) -> float:
        raise AssertionError("a trial")

    monkeypatch.setattr(module, "_lost", never)
    rows = np.arange(3000)
    assert module.choose(SMALL, None, from_arrays(x, high.astype(int)), rows[:2000], rows[2000:]) == "below"
    holes = x.copy()
    holes[2500:, 0] = np.nan  # of validation rows alone
    assert module.choose(SMALL, None, from_arrays(holes, high.astype(int)), rows[:2000], rows[2000:]) == "below"


def test_what_was_chosen_is_told_and_can_be_asked_for() -> None:
    data = holed(6)
    circuits = [AdditiveTrainer(replace(SMALL, missing=way)).fit(data).circuit for way in (None, "auto", *WAYS)]
    told = [each.metadata.training.settings["missing"] for each in circuits]  # type: ignore[union-attr, index]
    assert told[0] == told[1]
    assert told[2:] == list(WAYS)
    assert to_bytes(circuits[0]) == to_bytes(circuits[1]) == to_bytes(circuits[2 + WAYS.index(told[0])])
    assert AdditiveSettings.from_json(AdditiveSettings(missing="learned").to_json()).missing == "learned"
    for wrong, error in (("above", ValueError), (3, TypeError)):
        with pytest.raises(error, match="missing of the settings is"):
            AdditiveSettings(missing=wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no target is given"):
        Encoding.fit(data.x_train, 3, missing="learned")


class Stopped(BaseException):
    """Ends training at once, as a kill does."""


@pytest.mark.parametrize("way", [None, "learned"])
def test_a_stopped_run_goes_on_to_the_same_circuit(
    way: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    data, chosen = holed(7, 2500), replace(SMALL, missing=way)
    whole = AdditiveTrainer(chosen).fit(data).circuit
    left = iter(range(5))

    def watch(_: Growth) -> None:
        if next(left, None) is None:
            raise Stopped

    with pytest.raises(Stopped):
        AdditiveTrainer(chosen).fit(data, checkpoint=tmp_path / "state", watch=watch)
    again = AdditiveTrainer(chosen).fit(data, checkpoint=tmp_path / "state").circuit
    assert to_bytes(again) == to_bytes(whole)
    other = replace(SMALL, missing="indicator" if whole.metadata.encoder_luts else "below")
    other = replace(SMALL, missing="indicator" if whole.metadata.encoder_luts else "below")
    with pytest.raises(ValueError, match="other settings or data"):
        AdditiveTrainer(other).fit(data, checkpoint=tmp_path / "state")
