"""What a vote is worth is what the loss falls by, under every loss."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.additive.losses import LOSSES, make_loss
from lutsmith.additive.votes import ScoreVotes, SoftmaxVotes, Votes


def words(said: np.ndarray) -> np.ndarray:
    row = np.zeros(8 * -(-said.size // 64), np.uint8)
    row[: -(-said.size // 8)] = np.packbits(said, bitorder="little")
    return row.view(np.uint64)


def votes_of(name: str, rng: np.random.Generator, rows: int) -> Votes:
    weights = rng.uniform(0.1, 2, rows)
    counted = (weights / weights.mean()).astype(np.float32)
    if name == "cross-entropy":
        return SoftmaxVotes(rng.integers(0, 3, rows), 3, counted)
    targets = (
        rng.integers(0, 2, (3, rows)).astype(float) if name in LOSSES["multilabel"] else rng.normal(size=(3, rows))
    )
    step = None if name in LOSSES["multilabel"] else np.full(3, 0.3)
    return ScoreVotes(targets, make_loss(name, 0.3), counted, np.zeros(3), step)


def code_of(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(-2, 3, 3).astype(np.int32)


@pytest.mark.parametrize("name", [name for names in LOSSES.values() for name in names])
@given(seed=st.integers(0, 2**32 - 1), rows=st.sampled_from([1, 63, 64, 65, 200]))
@settings(max_examples=15, deadline=None)
def test_gains_are_differences_of_the_loss(name: str, seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    votes = votes_of(name, rng, rows)
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
