"""Whether circuits are monotone: what tables show holds for all values, and what is planted is found."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith import simplify
from lutsmith.circuit import (
    Circuit,
    CircuitBuilder,
    Comparators,
    Head,
    Inputs,
    IntegerHead,
    Metadata,
    OutputWord,
    WordBits,
)
from lutsmith.circuit.features.changes import FALLS, RISES, STAYS, changes
from lutsmith.circuit.features.functions import LevelFunction
from lutsmith.circuit.features.levels import FeatureLevels
from lutsmith.circuit.features.monotone import check_monotone, directions
from lutsmith.circuit.words import WordFormats
from tests.circuit.examples import random_affine, random_netlist

FEATURES = 3
OBJECTIVES = ("classification", "multilabel", "regression")


def any_circuit(seed: int, objective: str = "regression", groups: int = 2, size: int = 2, luts: int = 8,
                most_words: int = 2) -> Circuit:  # fmt: skip
    """Comparators, bits of words and missing values of three features, and LUTs on several levels."""
    rng = np.random.default_rng(seed)
    compared, worded, gone = (int(rng.integers(low, high)) for low, high in ((1, 7), (0, most_words + 1), (0, 3)))
    thresholds = rng.choice([-2.0, -0.0, 0.0, 0.5, 0.75, 1.0, np.inf, -np.inf], compared).astype(np.float32)
    encoder = Comparators(rng.integers(0, FEATURES, compared), thresholds, FEATURES)
    kinds = WordFormats.of([0, 2], [2, 3], [True, False], [0, -1.25], [1, 2])
    which = rng.integers(0, 2, worded)
    words = WordBits(kinds.feature[which], rng.integers(0, kinds.bits[which]), kinds) if worded else None
    missing = rng.permutation(FEATURES)[:gone].astype(np.int32)
    inputs = compared + worded + gone
    netlist = random_netlist(seed, inputs=inputs, luts=luts, outputs=groups * size, max_rank=4)
    scores = 2 if objective == "classification" else int(rng.integers(1, 3))
    affine = random_affine(seed, groups, scores, objective)
    return Circuit(
        (FEATURES,), encoder, netlist, Head(groups, **affine), objective=objective, words=words, missing=missing
    )


def values_of(circuit: Circuit, feature: int) -> list[float]:
    """Values of a feature that reach all that a circuit can tell of it: both sides of thresholds; of words a grid."""
    own = circuit.encoder.threshold[circuit.encoder.feature == feature]
    grid = np.arange(-2.5, 2.75, 0.25 if circuit.words is not None and feature in circuit.words.feature else 5)
    near = [own, np.nextafter(own, np.float32(np.inf)), np.nextafter(own, np.float32(-np.inf))]
    return np.unique(np.concatenate([*near, grid.astype(np.float32)])).tolist()


def scores_by_brute_force(circuit: Circuit, feature: int) -> np.ndarray:
    """What is to be monotone, (values of the feature, all else, scores)."""
    others = [place for place in range(FEATURES) if place != feature]
    own = values_of(circuit, feature)
    rest = [[*values_of(circuit, place), np.nan] for place in others]
    rows = np.array([np.insert(np.array(cell, float), feature, value) for value in own for cell in product(*rest)])
    scores = circuit.head.scores(circuit.evaluate(rows)).astype(np.int64)
    if circuit.objective == "classification":
        scores = scores[:, 1:] - scores[:, :1]
    elif circuit.objective == "regression":
        scores = np.atleast_2d(circuit.head.decide(scores.astype(np.int32), "regression").T).T
    return scores.reshape(len(own), -1, scores.shape[1])


@pytest.mark.slow
@given(seed=st.integers(0, 2**32 - 1), objective=st.sampled_from(OBJECTIVES), way=st.sampled_from([-1, 1]))
@settings(max_examples=60, deadline=None)
def test_what_is_shown_holds_for_all_values_and_counterexamples_are_some(seed: int, objective: str, way: int) -> None:
    circuit = any_circuit(seed, objective, luts=int(seed % 7) + 1)
    feature = seed % FEATURES
    found = check_monotone(circuit, {feature: way})
    steps = way * np.diff(scores_by_brute_force(circuit, feature), axis=0)
    if found.ok:
        assert (steps >= 0).all()
        assert "shown by its tables" in str(found)
    if found.counterexample is not None:
        assert not found.ok
        low, high = found.counterexample.rows
        assert np.flatnonzero(~((low == high) | np.isnan(low) & np.isnan(high))).tolist() == [feature]
        assert low[feature] < high[feature]
        answers = circuit.head.scores(circuit.evaluate(found.counterexample.rows))
        said = circuit.head.decide(answers, objective) if objective == "regression" else answers
        assert (way * np.diff(said.reshape(2, -1), axis=0) < 0).any() or objective == "classification"
        assert way * np.subtract(*found.counterexample.scores[::-1]) < 0
        assert (steps < 0).any() or circuit.inputs.num_word_bits  # words have values between those of the grid


@given(seed=st.integers(0, 2**32 - 1), way=st.sampled_from([-1, 1]))
@settings(max_examples=60, deadline=None)
def test_of_a_single_vote_it_is_shown_exactly_where_it_is_so(seed: int, way: int) -> None:
    circuit = replace(any_circuit(seed, groups=1, size=1, most_words=0), head=Head(1))
    feature = seed % FEATURES
    found = check_monotone(circuit, {feature: way}, rows=500)
    right = bool((way * np.diff(scores_by_brute_force(circuit, feature), axis=0) >= 0).all())
    assert found.ok == right
    assert right or found.counterexample is not None


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_sets_that_go_through_the_netlist_leave_nothing_out(seed: int) -> None:
    circuit = any_circuit(seed, luts=12)
    signals = np.arange(circuit.netlist.num_signals)
    for feature in np.unique(circuit.inputs.feature).tolist():
        levels = FeatureLevels.of(circuit.inputs, np.flatnonzero(circuit.inputs.feature == feature))
        exact = changes(circuit.inputs, circuit.netlist, levels, signals)
        loose = changes(circuit.inputs, circuit.netlist, levels, signals, most=0)
        assert (exact & ~loose & (RISES | FALLS) == 0).all()
        assert (exact[loose & STAYS == 0] & STAYS == 0).all()
        assert ((loose | exact) & (RISES | FALLS)).any() == (loose & (RISES | FALLS)).any()


def test_levels_are_the_values_that_inputs_tell_apart() -> None:
    inputs = Inputs(Comparators([1, 0, 1, 1], np.float32([2, 0, -1, 2]), 2), None, np.zeros(0, np.int32))
    levels = FeatureLevels.of(inputs, np.array([0, 2, 3]))
    assert levels.bits.astype(int).tolist() == [[0, 0, 0], [0, 1, 0], [1, 1, 1]]
    assert levels.high[:2].tolist() == [-1, 2]
    assert levels.low[1:].tolist() == [np.nextafter(np.float32(-1), 9), np.nextafter(np.float32(2), 9)]
    assert levels.level(levels.bits[2]) == 2
    assert not levels.missing.any()


def test_a_function_of_levels_is_what_the_netlist_says() -> None:
    for seed in range(30):
        circuit = any_circuit(seed)
        signal = circuit.netlist.num_signals - 1
        function = LevelFunction.of(circuit.inputs, circuit.netlist, signal)
        assert function is not None
        rows = np.zeros((20, FEATURES))
        cells = [tuple(np.random.default_rng(row).integers(0, function.values.shape)) for row in range(20)]
        for row, cell in zip(rows, cells, strict=True):
            for each, place in zip(function.levels, cell, strict=True):
                row[each.feature] = np.nan if place == len(each) else each.low[place]
        bits = circuit.netlist.evaluate(circuit.inputs.encode(rows), keep="all")
        assert bits[:, signal].tolist() == [bool(function.values[cell]) for cell in cells]


def voters(tables: list[int], weights: list[list[int]] | None = None, classes: str = "ab") -> Circuit:
    """LUTs that read x0 > 1, x0 > 2 and x1 > 0, each a group of a head."""
    builder = CircuitBuilder((2,))
    bits = builder.compare([0, 0, 1], [1.0, 2.0, 0.0])
    words = np.array([[table >> entry & 1 for entry in range(8)] for table in tables], np.bool_)
    builder.popcount(builder.lut(np.tile(bits, (len(tables), 1)), words), len(tables), weights=weights)
    return builder.build(classes=tuple(classes), objective="classification")


RISING = 0b11101000
"""The majority of three."""


def test_a_flipped_entry_and_a_swapped_weight_are_found() -> None:
    right = voters([255 ^ RISING, RISING], None)
    assert check_monotone(right, {0: 1, 1: 1}).ok
    assert check_monotone(right, [1, 0]).ok
    assert not check_monotone(right, {0: -1}).ok
    for entry in range(8):  # 2 and 6 are never read: above 2 and not above 1
        flipped = check_monotone(voters([255 ^ RISING, RISING ^ 1 << entry]), {0: 1, 1: 1})
        assert flipped.ok == (entry not in (0, 7)), entry  # the others make it another monotone function
        assert flipped.ok or flipped.failures[0].luts == (1,)
    swapped = check_monotone(voters([255 ^ RISING, RISING], [[0, 1], [1, 0]]), {"x0": 1})
    assert not swapped.ok
    assert swapped.counterexample is not None
    assert "not monotone in x0 (rises)" in str(swapped)
    assert "b at x0 > 1" in str(swapped)


def test_votes_that_surely_rise_make_up_for_others() -> None:
    builder = CircuitBuilder((2,))
    bits = builder.compare([0, 1], [1.0, 0.0])
    fall = builder.lut([bits], [[True, False, True, True]])
    builder.popcount(np.concatenate([fall, bits[:1]]), 2, weights=[[1, 2]])
    circuit = builder.build(objective="regression")
    assert check_monotone(circuit, {0: 1}).ok
    assert not check_monotone(replace(circuit, head=Head(2, weights=[[2, 1]])), {0: 1}).ok
    assert check_monotone(replace(circuit, head=Head(2, weights=[[1, 2]], scale=[-1.0])), {0: -1}).ok


def test_simplified_circuits_are_shown_too() -> None:
    circuit = voters([255 ^ RISING ^ 1 << 2, RISING ^ 1 << 6])
    assert check_monotone(simplify(circuit).circuit, {0: 1, 1: 1}).ok


def test_what_cannot_be_asked_is_refused() -> None:
    circuit = voters([255 ^ RISING, RISING])
    three = voters([1, 2, 3], classes="abc")
    with pytest.raises(ValueError, match="has 3 classes"):
        check_monotone(three, {0: 1})
    for wrong, error, text in (
        ({2: 1}, ValueError, "from 0 to 1"),
        ({"x9": 1}, ValueError, "expected one of x0, x1"),
        ({0: 2}, ValueError, "from -1 to 1"),
        ({0: True}, TypeError, "expected an integer"),
        ({0: 1.5}, TypeError, "expected an integer"),
        ({0: 1, "x0": 1}, ValueError, "two constraints"),
        ([1], ValueError, "1 constraints for 2 features"),
        ("x0", TypeError, "expected a mapping"),
    ):
        with pytest.raises(error, match=text):
            check_monotone(circuit, wrong)  # type: ignore[arg-type]
    named = replace(circuit, metadata=Metadata(feature_names=("age", "city"), categories=(None, ("a", "b"))))
    assert check_monotone(named, {"age": 1}).constraints == {"age": 1}
    with pytest.raises(ValueError, match="city holds categories"):
        check_monotone(named, {"city": 1})
    with pytest.raises(ValueError, match="has no head"):
        check_monotone(replace(circuit, head=None, classes=None, objective=None), {0: 1})
    word = IntegerHead([OutputWord("y", 2, False)])
    with pytest.raises(ValueError, match="integers as results"):
        check_monotone(replace(circuit, head=word, classes=None, objective=None), {0: 1})
    with pytest.raises(TypeError, match="expected Circuit"):
        check_monotone("model.lut", {0: 1})  # type: ignore[arg-type]
    assert directions({"age": 0, "city": -1}, 2, ("age", "city")) == {1: -1}
    with pytest.raises(ValueError, match="have no names"):
        directions({"age": 1}, 2, None)


def test_long_words_are_not_shown() -> None:
    builder = CircuitBuilder((1,))
    bits = builder.words([0], 16)
    builder.popcount(bits[0, 15:], 1)
    found = check_monotone(builder.build(objective="regression"), {0: 1})
    assert not found.ok
    assert found.too_long == ("x0",)
    assert "x0 is a word of more than 12 bits" in str(found)


def test_a_feature_that_nothing_reads_is_monotone() -> None:
    builder = CircuitBuilder((3,))
    builder.popcount(builder.compare([0], [1.0]), 1)
    circuit = builder.build(objective="regression")
    assert check_monotone(circuit, {1: 1, 2: -1}).ok
    assert check_monotone(circuit, {}).ok
