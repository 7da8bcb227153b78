"""`python -m benchmarks.paired`: what it makes of two sides' times, and that its processes answer."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import pytest
from benchmarks import paired
from benchmarks.paired import HERE, Side, compared, interval, measured

ROUNDS = json.loads("[1.0, 1.01, 0.99, 1.02, 0.98, 1.0, 1.005, 0.995, 1.01, 0.99, 1.0]")
"""Ratios of a steady row, made up."""


def pairs(ratios: Sequence[float]) -> list[tuple[float, float]]:
    """Times of such ratios; both sides slow down together from round to round."""
    return [(ratio * (1 + slow), 1.0 + slow) for slow, ratio in enumerate(ratios)]


@pytest.mark.parametrize(
    ("factor", "spread", "verdict"),
    [(1, 1, ""), (1.04, 0.5, ""), (1.1, 1, "slower"), (0.9, 1, "faster"), (1, 8, "noisy"), (1.1, 8, "noisy")],
)
def test_a_row_is_what_its_ratios_tell(factor: float, spread: float, verdict: str) -> None:
    found = compared("row", pairs([factor + spread * (ratio - 1) for ratio in ROUNDS]))
    assert found.verdict == verdict
    assert found.ratio == pytest.approx(factor)
    assert (found.low, found.high) == pytest.approx((factor - 0.0075 * spread, factor + 0.0075 * spread))
    assert (found.row, found.rounds) == ("row", 11)


def test_ratios_are_paired_before_the_median_is_taken() -> None:
    found = compared("row", [(2, 1), (20, 10), (200, 100), (4, 2), (8, 4), (6, 3), (10, 5), (8, 4), (2, 1)])
    assert (found.ratio, found.low, found.high, found.verdict) == (2, 2, 2, "slower")
    assert (found.here, found.there) == (8, 4)


@pytest.mark.parametrize(("rounds", "place"), [(7, None), (8, 0), (11, 0), (12, 1), (15, 2), (45, 13)])
def test_the_median_lies_between_order_statistics(rounds: int, place: int | None) -> None:
    """As tables of the sign test have it, for 99 %."""
    values = [float(value) for value in range(rounds)]
    expected = (0.0, math.inf) if place is None else (values[place], values[-1 - place])
    assert interval(values[::-1]) == expected


def test_two_clusters_are_noisy() -> None:
    """Ratios of one code against itself on a busy machine: more than half of them above 1.1, and it is not slower."""
    assert compared("row", pairs([1.11] * 4 + [1.14] * 5 + [1.0] * 5 + [0.99])).verdict == "noisy"


@pytest.mark.parametrize("rounds", range(1, paired.FEWEST))
def test_a_few_rounds_tell_nothing(rounds: int) -> None:
    assert compared("row", [(2.0, 1.0)] * rounds).verdict == "noisy"


class Made:
    """A side whose parts take the given seconds, round by round."""

    def __init__(self, log: list[str], name: str, **parts: list[float]) -> None:
        self.log, self.name, self.parts = log, name, parts
        self.round = 0

    def measured(self, row: str) -> dict[str, float]:
        self.log.append(self.name)
        self.round += 1
        return {part: seconds[(self.round - 1) % len(seconds)] for part, seconds in self.parts.items()}


def test_both_sides_take_turns_and_noisy_rows_get_more_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []
    steady = Made(log, "here", a=[1.0], b=[2.0]), Made(log, "there", a=[1.0], b=[1.0])
    found = measured(*steady, "row", 8)  # type: ignore[arg-type]
    assert [(ratio.row, ratio.verdict, ratio.rounds) for ratio in found] == [("row, a", "", 8), ("row, b", "slower", 8)]
    assert log == ["there", "here", "here", "there"] * 4
    wild = Made(log, "here", **{"": [1.0, 1.2, 0.8]}), Made(log, "there", **{"": [1.0]})
    (ratio,) = measured(*wild, "row", 8)  # type: ignore[arg-type]
    assert (ratio.row, ratio.verdict, ratio.rounds) == ("row", "noisy", 24)
    monkeypatch.setattr(paired, "LONGEST", 0.0)
    assert measured(*wild, "row", 8)[0].rounds == paired.FEWEST  # type: ignore[arg-type]


def test_the_process_of_a_checkout_answers() -> None:
    side = Side(HERE, "startup")
    (row,) = side.read()
    assert 0 < side.measured(row)[""] < 60
    side.process.communicate()
    assert side.process.returncode == 0
