"""Additive learning from images that are changed anew: which changes there are, and that threads change nothing."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lutsmith
from lutsmith.additive import AdditiveSettings, AdditiveTrainer, rows
from lutsmith.additive.encoding import Encoding
from lutsmith.additive.objectives import Goal
from lutsmith.circuit.file import to_bytes
from lutsmith.data import Dataset, from_arrays
from lutsmith.data.augmentation import pieces

CHANGES = {"shift": 1, "rotate": 10, "zoom": 0.1, "shear": 5, "elastic": 0.8, "elastic_nodes": 4, "cutout": 2}
SETTINGS = AdditiveSettings(max_luts=60, rank=4, augmentation=CHANGES, copies=2, redraws=2, sweeps=1)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return lutsmith.data.load("digits")


def test_changed_copies_give_another_circuit_and_threads_the_same(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "CHUNK", 256)
    monkeypatch.setattr(pieces, "PIECE", 1000)
    made = []
    for threads in ("1", "3"):
        monkeypatch.setenv("LUTSMITH_NUM_THREADS", threads)
        _, circuit, report = AdditiveTrainer(SETTINGS).fit(digits)
        made.append(to_bytes(circuit))
    assert made[0] == made[1]
    assert report.accuracy is not None
    assert report.accuracy > 0.6
    plain = AdditiveTrainer(AdditiveSettings(max_luts=60, rank=4, sweeps=1)).fit(digits).circuit
    assert not np.array_equal(plain.decision_function(digits.x_train), circuit.decision_function(digits.x_train))


def test_a_draw_holds_the_rows_and_behind_them_their_changed_copies(digits: Dataset) -> None:
    """A draw is a function of its number: made first or after others, it is the same."""
    chosen = np.arange(0, 1000, 3)
    x = digits.x_train
    encoding = Encoding.fit(x[chosen].reshape(len(chosen), -1), 3)
    goal = Goal.of(digits, SETTINGS, None, chosen)

    def source() -> rows.RowSource:
        augment = AdditiveSettings(augmentation={"shift": 1}).augment()
        return rows.RowSource(digits, chosen, encoding, goal, copies=2, augment=augment, seed=4)

    def bits_of(packed: NDArray[np.uint64], count: int) -> NDArray[np.uint8]:
        return np.unpackbits(packed.view(np.uint8), axis=1, bitorder="little")[:, :count]

    one = source()
    draws = [one.draw(number).bits.copy() for number in (0, 1)]
    assert np.array_equal(source().draw(1).bits, draws[1])
    around = np.pad(x[chosen], [(0, 0), (0, 0), (1, 1), (1, 1)])
    moved = [around[..., i : i + 8, j : j + 8] for i in range(3) for j in range(3)]
    could = [bits_of(encoding.packed(each.reshape(len(chosen), -1)), len(chosen)) for each in moved]
    copies = []
    for draw in draws:
        plain, *changed = np.split(bits_of(draw, 3 * len(chosen)), 3, axis=1)
        assert np.array_equal(plain, could[4])
        for each in changed:
            assert np.any([(each == other).all(axis=0) for other in could], axis=0).all()  # each moved in some way
        copies += changed
    assert len({each.tobytes() for each in copies}) == 4


def test_changes_are_kept_as_json_and_what_changes_nothing_is_none() -> None:
    text = json.dumps(SETTINGS.to_json())
    assert AdditiveSettings.from_json(json.loads(text)) == SETTINGS
    assert json.loads(text)["augmentation"] == CHANGES
    for nothing in (None, {}, {"shift": 0, "elastic_nodes": 9}):
        assert AdditiveSettings(augmentation=nothing).augment() is None


@pytest.mark.parametrize(
    ("values", "error", "says"),
    [
        ({"turn": 8}, ValueError, "augmentation has no turn; it takes flip, .*rotate"),
        ({"rotate": 200}, ValueError, r"rotate is 200; expected degrees in \[0, 180\]"),
        ("shift", TypeError, "augmentation is 'shift'; expected a mapping"),
    ],
)
def test_changes_that_there_are_not_are_refused(values: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        AdditiveSettings(augmentation=values)


def test_rows_of_a_table_are_no_images() -> None:
    table = from_arrays(np.random.default_rng(0).normal(size=(200, 9)), np.arange(200) % 2)
    with pytest.raises(ValueError, match=r"changes images: expected samples of shape \(H, W\) .* got \(9,\)"):
        AdditiveTrainer(SETTINGS).fit(table)
