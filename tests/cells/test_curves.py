"""Curves count exact cells: few examples leave entries open, more do not, and noise is the learners' own affair."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lutsmith.cells import Bitwise, RowFeedback, SerialCell
from lutsmith.cells.learning.curves import success_curve
from lutsmith.ground.shares import Share


def test_more_examples_are_exact_more_often_and_a_curve_is_the_same_in_parts() -> None:
    curve = success_curve(Bitwise(), "XOR", [1, 2, 16], width=2, runs=30, prove=True)
    few, _, many = (point.exact for point in curve.points)
    assert few.right < 15  # one example of two bits shows at most two of four entries
    assert many == Share(30, 30)
    assert few.interval[1] < many.interval[0]
    alone = success_curve(Bitwise(), "XOR", [2], width=2, runs=30, prove=True)
    assert alone.points[0].exact == curve.points[1].exact
    told = json.loads(json.dumps(curve.to_json()))
    assert [point["examples"] for point in told["points"]] == [1, 2, 16]
    assert told["points"][2]["exact"]["interval"] == list(many.interval)
    assert told["fabric"] == {"kind": "bitwise"}
    lines = str(curve).splitlines()
    assert len(lines) == 5
    assert lines[-1].split()[:3] == ["16", "30/30", "100.0%"]


@pytest.mark.parametrize(
    ("learner", "settings", "exact"),
    [("sat", {}, 0), ("maxsat", {"descents": 4}, 3), ("gradient", {"restarts": 3, "steps": 80, "batch": 32}, 3)],
)
def test_inverted_labels_stop_sat_alone(learner: str, settings: dict[str, Any], exact: int) -> None:
    curve = success_curve(SerialCell(extra=1), "+", [64], learner=learner, width=5, runs=3, flips=0.1, **settings)
    (point,) = curve.points
    assert (point.exact, point.without) == (Share(exact, 3), 3 - exact)
    if point.restarts is None:
        assert learner != "gradient"
    else:
        assert point.restarts.points == 9
        assert point.restarts.right >= 6


@pytest.mark.parametrize(("fabric", "op"), [(SerialCell(extra=1), "-"), (RowFeedback("root"), "isqrt")], ids=str)
def test_negative_results_and_single_operands(fabric: Any, op: str) -> None:
    assert success_curve(fabric, op, [100], width=8, runs=2).points[0].exact == Share(2, 2)


def test_division_leaves_out_zero() -> None:
    curve = success_curve(RowFeedback("remainder"), "%", [300], width=4, runs=2, prove=True, fresh=500)
    assert curve.points[0].exact.right == 2


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"op": "plus"}, "plus"),
        ({"learner": "luck"}, "learner is 'luck'"),
        ({"counts": [0]}, "counts is 0"),
        ({"runs": 0}, "runs is 0"),
        ({"flips": 0.5}, "flips is 0.5"),
        ({"wider": 1}, "wider is 1"),
        ({"op": "*"}, "z is"),
    ],
)
def test_mistakes(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        success_curve(**{"fabric": Bitwise(), "op": "AND", "counts": [4], "width": 4, **changed})
