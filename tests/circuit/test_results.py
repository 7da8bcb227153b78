"""Integers of output bits, several heads, places: what circuits say of samples, against Python's own numbers."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Circuit, CircuitBuilder, Head, Heads, IntegerHead, OutputWord, Result
from lutsmith.circuit.readout import METHODS
from tests.circuit.examples import random_rich_circuit, random_rich_rows

SHAPES: list[tuple[int, ...]] = [(), (1,), (3,), (2, 3)]


def of_bits(bits: list[bool], signed: bool) -> int:
    """The integer of bits, the least significant first, by Python's integers."""
    value = sum(int(bit) << place for place, bit in enumerate(bits))
    return value - (1 << len(bits)) if signed and bits[-1] else value


@settings(deadline=None, max_examples=150)
@given(
    words=st.lists(st.tuples(st.integers(1, 130), st.booleans()), min_size=1, max_size=3),
    shape=st.sampled_from(SHAPES),
    count=st.integers(0, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_integers_are_those_of_python(
    words: list[tuple[int, bool]], shape: tuple[int, ...], count: int, seed: int
) -> None:
    head = IntegerHead(tuple(OutputWord(f"w{place}", *word) for place, word in enumerate(words)), shape)
    rng = np.random.default_rng(seed)
    outputs = rng.random((count, head.num_outputs)) < rng.choice([0.0, 0.5, 1.0], (count, 1))
    found = head.integers(outputs)
    assert isinstance(found, dict) == (len(words) > 1)
    named: dict[str, Any] = found if isinstance(found, dict) else {"w0": found}
    limbs = head.limbs(outputs)
    wide = sum(bits for bits, _ in words)
    places = outputs.reshape(count, int(np.prod(shape, dtype=int)), wide).tolist()
    start = 0
    for (name, values), (bits, signed) in zip(named.items(), words, strict=True):
        expected = [[of_bits(place[start : start + bits], signed) for place in row] for row in places]
        start += bits
        assert values.shape == (count, *shape)
        assert values.dtype == (object if bits > 64 else np.int64 if signed or bits < 64 else np.uint64)
        assert [list(row) for row in values.reshape(count, len(expected[0]) if count else 1)] == expected
        assert all(type(value) is int for value in values.reshape(-1).tolist())
        pieces = limbs[name].reshape(count, len(places[0]) if count else 1, -(-bits // 64)).tolist()
        joined = [[sum(piece << 64 * place for place, piece in enumerate(each)) for each in row] for row in pieces]
        assert joined == [[value % (1 << 64 * -(-bits // 64)) for value in row] for row in expected]


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), shape=st.sampled_from(SHAPES), count=st.integers(0, 3))
def test_a_head_with_places_is_its_head_at_each_place(seed: int, shape: tuple[int, ...], count: int) -> None:
    rng = np.random.default_rng(seed)
    groups, size, objective = int(rng.integers(1, 4)), int(rng.integers(1, 4)), rng.choice([None, "multilabel"])
    weights = rng.integers(-9, 9, (2, groups))
    one, many = Head(groups, weights), Head(groups, weights, shape=shape)
    places = int(np.prod(shape, dtype=int))
    assert many.places == places
    outputs = rng.integers(0, 2, (count, places * groups * size)).astype(bool)
    scores = many.scores(outputs)
    assert scores.shape == (count, *shape, 2)
    own = [one.scores(part) for part in outputs.reshape(count, places, groups * size).transpose(1, 0, 2)]
    np.testing.assert_array_equal(scores.reshape(count, places, 2), np.stack(own, axis=1))
    decided = many.decide(scores, objective)
    each = np.stack([one.decide(part, objective) for part in own], axis=1)
    np.testing.assert_array_equal(decided, each.reshape(decided.shape))
    assert one == many if not shape else one != many
    assert pickle.loads(pickle.dumps(many)) == many


def three_heads() -> Circuit:
    """A label for each of 2 x 2 places, a number, and integers."""
    builder = CircuitBuilder((3,))
    bits = builder.compare(np.arange(12) % 3, np.linspace(-1, 1, 12))
    total = IntegerHead((OutputWord("low", 3), OutputWord("high", 2, signed=True)))
    builder.heads(
        {
            "map": (bits[[*range(8), 11, 10, 9, 8]], {"head": Head(3, shape=(2, 2)), "classes": ("a", "b", "c")}),
            "size": (bits[:4], {"head": Head(1, scale=[0.5]), "objective": "regression"}),
            "total": (bits[5:10], {"head": total}),
        }
    )
    return builder.build()


ROWS = np.random.default_rng(0).uniform(-1.2, 1.2, (70, 3)).astype(np.float32)


def test_several_heads_answer_by_name() -> None:
    circuit = three_heads()
    outputs = circuit.outputs(ROWS)
    said = circuit.predict(ROWS)
    assert list(said) == ["map", "size", "total"]
    parts = np.split(outputs, [12, 16], axis=1)
    np.testing.assert_array_equal(said["map"], Head(3, shape=(2, 2)).scores(parts[0]).argmax(-1))
    np.testing.assert_array_equal(said["size"], parts[1].sum(axis=1) / 2)
    assert said["size"].dtype == np.float64
    assert list(said["total"]) == ["low", "high"]
    expected = [[of_bits(row[:3], False), of_bits(row[3:], True)] for row in parts[2].tolist()]
    np.testing.assert_array_equal(np.stack([*said["total"].values()], axis=1), expected)
    scores = circuit.decision_function(ROWS)
    assert {name: array.shape for name, array in scores.items()} == {"map": (70, 2, 2, 3), "size": (70, 1)}
    labels = circuit.predict_labels(ROWS)
    assert list(labels) == ["map"]
    np.testing.assert_array_equal(labels["map"], np.array(["a", "b", "c"])[said["map"]])
    info = circuit.info()
    assert (info["head"], info["num_classes"], info["task"]) == ("several", None, None)
    assert not circuit.is_classifier
    assert circuit.score_labels == ()


def assert_equal(one: Any, other: Any) -> None:
    if isinstance(one, dict):
        assert list(one) == list(other)
        for name in one:
            assert_equal(one[name], other[name])
    else:
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        np.testing.assert_array_equal(one, other)


def joined(parts: list[Any]) -> Any:
    if isinstance(parts[0], dict):
        return {name: joined([part[name] for part in parts]) for name in parts[0]}
    return np.concatenate(parts)


@pytest.mark.filterwarnings("ignore::lutsmith.circuit.OutOfRangeWarning")
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), batch=st.integers(1, 9))
def test_every_method_says_the_same_of_batches_and_of_single_rows(seed: int, batch: int) -> None:
    circuit = random_rich_circuit(seed)
    rows = random_rich_rows(seed, circuit, 7)
    for method in METHODS:
        try:
            every = getattr(circuit, method)(rows)
        except ValueError:
            with pytest.raises(ValueError, match="use "):
                circuit.predict_batches([rows], method=method)
            continue
        assert_equal(joined(list(circuit.predict_batches(rows, batch=batch, method=method))), every)
        assert_equal(joined([getattr(circuit, method)(rows[place : place + 1]) for place in range(7)]), every)
        empty = getattr(circuit, method)(rows[:0])
        assert_equal(empty, joined([every])[:0] if not isinstance(every, dict) else empty)


def test_what_a_head_does_not_say_is_refused_by_one_line() -> None:
    builder = CircuitBuilder((2,))
    bits = builder.compare([0, 1], [0, 0])
    builder.integers({"sum": bits})
    integers = builder.build()
    for method in ("decision_function", "predict_labels"):
        with pytest.raises(ValueError, match=rf"{method}\(\) needs scores, and this circuit gives integers: use"):
            getattr(integers, method)(ROWS[:, :2])
        with pytest.raises(ValueError, match="gives integers: use predict"):
            integers.predict_batches(ROWS[:, :2], method=method)  # type: ignore[arg-type]
    several = replace(integers, head=Heads({"sum": Result(integers.head, 2)}))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is for heads with scores, and there is none: use predict"):
        several.decision_function(ROWS[:, :2])
    with pytest.raises(ValueError, match="is for heads with classes, and there is none: use predict"):
        several.predict_labels(ROWS[:, :2])
    assert several.predict(ROWS[:, :2])["sum"].shape == (70,)


WORD = OutputWord("a", 2)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: OutputWord("1a", 2), ValueError, "a letter first"),
        (lambda: OutputWord("a" * 65, 2), ValueError, "up to 64 letters"),
        (lambda: OutputWord("ä", 2), ValueError, "letters, digits"),
        (lambda: OutputWord(1, 2), TypeError, "expected a string"),
        (lambda: OutputWord("a", 0), ValueError, "bits"),
        (lambda: OutputWord("a", 1 << 17), ValueError, "bits"),
        (lambda: OutputWord("a", 2.0), TypeError, "bits"),
        (lambda: OutputWord("a", 2, 1), TypeError, "expected True or False"),
        (lambda: IntegerHead(()), TypeError, "at least one OutputWord"),
        (lambda: IntegerHead((WORD, WORD)), ValueError, "two words have the same name"),
        (lambda: IntegerHead((WORD,), (0,)), ValueError, "shape"),
        (lambda: IntegerHead((WORD,), ((),)), ValueError, "shape"),
        (lambda: IntegerHead((WORD,), "ab"), TypeError, "integers"),
        (lambda: IntegerHead((WORD,)).check(3), ValueError, "3 outputs for words of 2 bits"),
        (lambda: Head(2, shape=(3,)).check(9), ValueError, "multiple of 6"),
        (lambda: Result(IntegerHead((WORD,)), 2, "regression"), ValueError, "no objective and no classes"),
        (lambda: Result(IntegerHead((WORD,)), 2, None, ("a",)), ValueError, "no objective and no classes"),
        (lambda: Result(Head(2), 3), ValueError, "equal groups"),
        (lambda: Result(Head(2), 4, "dance"), ValueError, "objective is 'dance'"),
        (lambda: Result(Head(2), 4, None, ("a",)), ValueError, "1 classes for a head of 2"),
        (lambda: Result(Head(2, scale=[1, 1]), 4), ValueError, "one for regression"),
        (lambda: Result(Heads({"a": Result(Head(1), 1)}), 1), TypeError, "expected Head or IntegerHead"),
        (lambda: Heads({}), TypeError, "at least one"),
        (lambda: Heads({"a": Head(1)}), TypeError, "names to Result"),
        (lambda: Heads({"a b": Result(Head(1), 1)}), ValueError, "the name of a head"),
        (lambda: Heads({"a": Result(Head(1), 1)}).check(2), ValueError, "2 outputs for heads that read 1"),
    ],
)
def test_heads_that_cannot_be_are_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_heads_are_values() -> None:
    one, other = three_heads().head, three_heads().head
    assert one == other
    assert hash(one) == hash(other)
    assert pickle.loads(pickle.dumps(one)) == one
    changed = Heads({**one, "size": Result(Head(1, scale=[0.25]), 4, "regression")})  # type: ignore[dict-item]
    assert changed != one
    turned = Heads(dict(reversed(list(one.items()))))  # type: ignore[union-attr]
    assert turned != one  # they read other outputs
