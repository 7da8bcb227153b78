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


@pytest.mark.parametrize("name", [name for names in LOSSES.values() for name in names])
@given(seed=st.integers(0, 2**32 - 1), rows=st.sampled_from([1, 63, 64, 65, 200]))
@settings(max_examples=15, deadline=None)
def test_gains_are_differences_of_the_loss(name: str, seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    votes = votes_of(name, rng, rows)
    votes.begin(5.0)
    for _ in range(6):
        votes.cast(int(rng.integers(3)), words(rng.random(rows) < 0.5))
    k = int(rng.integers(3))
    gains = votes.gains(k).astype(float)
    one, other = rng.random(rows) < 0.5, rng.random(rows) < 0.5
    lost = []
    for said in (np.zeros(rows, np.bool_), one, other):
        votes.cast(k, words(said))
        lost.append(votes.loss() * rows)
        votes.cast(k, words(said), -1)
    # in one unit: gains of two LUTs are to each other as what the loss falls by
    fallen = lost[0] - lost[1], lost[0] - lost[2]
    scale = np.abs(gains).sum()
    unit = scale / max(1e-9, sum(abs(lost[0] - loss) for loss in lost[1:]) + abs(lost[1] - lost[2]))
    if scale > 1000 and np.isfinite(unit):
        assert gains[one].sum() * fallen[1] == pytest.approx(
            gains[other].sum() * fallen[0], abs=2e-3 * scale * max(1e-3, max(map(abs, fallen)))
        )


def test_counts_and_luts_come_and_go() -> None:
    votes = votes_of("squared", np.random.default_rng(0), 70)
    said = np.arange(70) % 3 == 0
    votes.cast(1, words(said))
    assert votes.grown.tolist() == [0, 1, 0]
    np.testing.assert_array_equal(votes.counts[1], said)
    votes.cast(1, words(said), -1)
    assert not votes.counts.any()
    assert not votes.grown.any()
