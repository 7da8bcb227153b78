"""What a vote is worth is what the loss falls by, under every loss."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.additive.losses import LOSSES, make_loss
from lutsmith.additive.opinions import Opinions
from lutsmith.additive.votes import ScoreVotes, SoftmaxVotes, Votes


def words(said: np.ndarray) -> np.ndarray:
    row = np.zeros(8 * -(-said.size // 64), np.uint8)
    row[: -(-said.size // 8)] = np.packbits(said, bitorder="little")
    return row.view(np.uint64)


def votes_of(
    name: str, rng: np.random.Generator, rows: int, opinions: Opinions | None = None, y: np.ndarray | None = None
) -> Votes:
    weights = rng.uniform(0.1, 2, rows)
    counted = (weights / weights.mean()).astype(np.float32)
    y = targets_of(name, rng, rows) if y is None else y
    if name == "cross-entropy":
        return SoftmaxVotes(y, 3, counted, opinions)
    labels = name in LOSSES["multilabel"]
    step = None if labels else np.full(3, 0.3)
    return ScoreVotes(y, make_loss(name, 0.3), counted, np.zeros(3), step, opinions, labels)


def targets_of(name: str, rng: np.random.Generator, rows: int) -> np.ndarray:
    if name == "cross-entropy":
        return rng.integers(0, 3, rows)
    return rng.integers(0, 2, (3, rows)).astype(float) if name in LOSSES["multilabel"] else rng.normal(size=(3, rows))


def said_of(name: str, rng: np.random.Generator, rows: int) -> np.ndarray:
    said = rng.normal(size=(rows, 3)) if name in LOSSES["regression"] else rng.random((rows, 3))
    said[rng.random((rows, 3)) < 0.2] = 0
    said[:, 0] += 1e-3
    return said / said.sum(axis=1, keepdims=True) if name == "cross-entropy" else said.clip(-9, 1)


def code_of(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(-2, 3, 3).astype(np.int32)


@pytest.mark.parametrize("name", [name for names in LOSSES.values() for name in names])
@given(seed=st.integers(0, 2**32 - 1), rows=st.sampled_from([1, 63, 64, 65, 200]), taught=st.booleans())
@settings(max_examples=20, deadline=None)
def test_gains_are_differences_of_the_loss(name: str, seed: int, rows: int, taught: bool) -> None:
    rng = np.random.default_rng(seed)
    votes = votes_of(name, rng, rows, Opinions(said_of(name, rng, rows), rng.random()) if taught else None)
    votes.begin(5.0)
    for _ in range(6):
        votes.cast(code_of(rng), words(rng.random(rows) < 0.5))
    code = code_of(rng)
    found, unit = votes.gains(code)
    gains = found / unit
    assert np.abs(found, dtype=np.int64).sum() < 2**31
    said = rng.random(rows) < 0.5
    lost = []
    for words_of in (np.zeros(rows, np.bool_), said):
        votes.cast(code, words(words_of))
        lost.append(votes.loss() * rows)
        votes.cast(code, words(words_of), -1)
    assert gains[said].sum() == pytest.approx(lost[0] - lost[1], abs=2e-5 * rows)


@pytest.mark.parametrize("name", [name for names in LOSSES.values() for name in names])
@given(seed=st.integers(0, 2**32 - 1), rows=st.sampled_from([1, 64, 70]), share=st.sampled_from([0.0, 0.3, 1.0]))
@settings(max_examples=15, deadline=None)
def test_the_loss_beside_a_teacher_is_that_of_its_opinions_and_of_the_targets(
    name: str, seed: int, rows: int, share: float
) -> None:
    rng = np.random.default_rng(seed)
    y, said = targets_of(name, rng, rows), said_of(name, rng, rows)
    cast = [(code_of(rng), rng.random(rows) < 0.5) for _ in range(6)]

    def losses(opinions: Opinions | None, y: np.ndarray) -> np.ndarray:
        votes = votes_of(name, np.random.default_rng(seed), rows, opinions, y)
        votes.begin(3.0)
        for code, bits in cast:
            votes.cast(code, words(bits))
        votes.begin(3.0)
        found = []
        for row in range(rows):
            votes.weights[:] = np.arange(rows) == row
            found.append(votes.loss())
        return np.array(found)

    if name in LOSSES["regression"]:
        taught = losses(None, said.T.copy())
    elif name == "cross-entropy":
        taught = sum(said[:, k] * losses(None, np.full(rows, k)) for k in range(3))
    else:  # a mean over labels, each of which is 1 or 0
        nothing = losses(None, np.zeros((3, rows)))
        taught = nothing.copy()
        for label in range(3):
            one = np.zeros((3, rows))
            one[label] = 1
            taught += said[:, label] * (losses(None, one) - nothing)
    expected = (1 - share) * losses(None, y) + share * taught
    np.testing.assert_allclose(losses(Opinions(said, share), y), expected, rtol=1e-4, atol=1e-5)


def test_counts_and_luts_come_and_go() -> None:
    votes = votes_of("squared", np.random.default_rng(0), 70)
    said = np.arange(70) % 3 == 0
    code = np.array([0, 2, -1], np.int32)
    votes.cast(code, words(said))
    assert votes.grown.tolist() == [0, 2, -1]
    np.testing.assert_array_equal(votes.counts, code[:, None] * said)
    votes.cast(code, words(said), -1)
    assert not votes.counts.any()
    assert not votes.grown.any()
