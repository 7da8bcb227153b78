"""Operations against arithmetic on Python's integers, written here once more, at every width and sign."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.data.alu import ALUNET, OPERATIONS, operation, operations, register
from lutsmith.data.alu.operations import BUILT_IN, _operations

WIDTHS = (1, 2, 3, 8, 15, 16, 31, 32, 33, 61, 62, 63, 64, 65, 128, 200)


def word(value: int, bits: int) -> int:
    return value % 2**bits


def toward_zero(a: int, b: int) -> int:
    return math.trunc(abs(a) // abs(b)) * (1 if a * b >= 0 else -1)


def as_text(value: int, bits: int) -> str:
    return format(word(value, bits), f"0{bits}b")


def joined(a: int, b: int, bits: int, rule: Callable[[str, str], bool]) -> int:
    pairs = zip(as_text(a, bits), as_text(b, bits), strict=True)
    return int("".join("01"[rule(p, q)] for p, q in pairs), 2)


def rotated(a: int, by: int, bits: int) -> int:
    text = as_text(a, bits)
    return int(text[by % bits :] + text[: by % bits], 2)


def flags(a: int, b: int, bits: int) -> dict[str, int]:
    total = word(a, bits) + word(b, bits)
    text = as_text(total, bits)
    sign = {name: as_text(value, bits)[0] for name, value in (("a", a), ("b", b))}
    overflow = sign["a"] == sign["b"] != text[0]
    return {"C": total >= 2**bits, "Z": "1" not in text, "N": text[0] == "1", "V": overflow}


NAIVE: dict[str, Callable[[int, int, int], int]] = {
    "+": lambda a, b, n: a + b,
    "-": lambda a, b, n: a - b,
    "*": lambda a, b, n: a * b,
    "/": lambda a, b, n: toward_zero(a, b) if b else -1,
    "%": lambda a, b, n: a - b * toward_zero(a, b) if b else a,
    "AND": lambda a, b, n: joined(a, b, n, lambda p, q: p == q == "1"),
    "OR": lambda a, b, n: joined(a, b, n, lambda p, q: "1" in (p, q)),
    "XOR": lambda a, b, n: joined(a, b, n, lambda p, q: p != q),
    ">": lambda a, b, n: a > b,
    "<": lambda a, b, n: b > a,
    "=": lambda a, b, n: not (a > b or b > a),
    "!=": lambda a, b, n: a > b or b > a,
    "<=": lambda a, b, n: not a > b,
    ">=": lambda a, b, n: not b > a,
    "NOT": lambda a, b, n: 2**n - 1 - word(a, n),
    "NAND": lambda a, b, n: 2**n - 1 - (word(a, n) & word(b, n)),
    "NOR": lambda a, b, n: 2**n - 1 - (word(a, n) | word(b, n)),
    "SHL": lambda a, b, n: a * 2 ** word(b, n) if word(b, n) < n else 0,
    "SHR": lambda a, b, n: a // 2 ** word(b, n) if word(b, n) < n else (-1 if a < 0 else 0),
    "ROL": lambda a, b, n: rotated(a, word(b, n), n),
    "ROR": lambda a, b, n: rotated(a, -word(b, n), n),
    "min": lambda a, b, n: sorted((a, b))[0],
    "max": lambda a, b, n: sorted((a, b))[1],
    "abs": lambda a, b, n: max(a, -a),
    "neg": lambda a, b, n: -a,
    "gcd": lambda a, b, n: math.gcd(a, b),
    "isqrt": lambda a, b, n: -1 if a < 0 else math.isqrt(a),
    "popcount": lambda a, b, n: as_text(a, n).count("1"),
    **{flag: lambda a, b, n, flag=flag: flags(a, b, n)[flag] for flag in "CZNV"},
}  # fmt: skip

EXACT = set(NAIVE) - {"/", "%", "AND", "OR", "XOR", "NOT", "NAND", "NOR", "SHL", "ROL", "ROR"}
"""Operations whose results always have room: they are not words that are read anew."""


@pytest.fixture
def _own() -> Iterator[None]:
    yield
    for name in set(_operations) - set(BUILT_IN):
        del _operations[name]


@st.composite
def points(draw: st.DrawFn) -> tuple[int, bool, list[int], list[int]]:
    bits, signed = draw(st.sampled_from(WIDTHS)), draw(st.booleans())
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    near = [v for v in (least, least + 1, most, most - 1, -1, 0, 1, 2, bits - 1, bits, bits + 1) if least <= v <= most]
    values = st.one_of(st.sampled_from(near), st.integers(least, most))
    pairs = draw(st.lists(st.tuples(values, values), min_size=1, max_size=6))
    return bits, signed, [a for a, _ in pairs], [b for _, b in pairs]


@given(points())
@settings(deadline=None, max_examples=150)
def test_every_operation_is_exact_at_every_width_alone_and_in_arrays(
    drawn: tuple[int, bool, list[int], list[int]],
) -> None:
    bits, signed, a, b = drawn
    assert set(NAIVE) == set(BUILT_IN)
    for name, naive in NAIVE.items():
        op = operation(name)
        second: list[Any] = [b if op.arity == 2 else None, *(b if op.arity == 2 else [None] * len(b))]
        found = op.evaluate(a, second[0], bits, signed)
        wide, below = op.result_bits(bits, signed), op.result_signed(signed)
        for place, result in enumerate(found.tolist()):
            truth = int(naive(a[place], b[place], bits))
            expected = truth if name in EXACT - {"isqrt"} else word(truth, wide)
            if below and expected >= 2 ** (wide - 1):
                expected -= 2**wide
            assert result == expected, (name, a[place], b[place], bits, signed)
            assert op.evaluate(a[place], second[1 + place], bits, signed) == expected
            assert word(result, wide) == (result if not below or result >= 0 else result + 2**wide)


def test_widths_of_results_and_their_dtypes() -> None:
    bits = {name: operation(name).result_bits(15) for name in BUILT_IN}
    assert bits == {**dict.fromkeys(BUILT_IN, 15), "+": 16, "-": 16, "*": 30, "neg": 16, "isqrt": 8, "popcount": 4,
                    **dict.fromkeys([">", "<", "=", "!=", "<=", ">=", *"CZNV"], 1)}  # fmt: skip
    assert [name for name in BUILT_IN if operation(name).result_signed(False)] == ["-", "neg"]
    top = np.array([2**64 - 1], np.uint64)
    assert operation("AND").evaluate(top, top, 64).dtype == np.uint64
    assert operation("*").evaluate(top, top, 64).tolist() == [(2**64 - 1) ** 2]
    assert operation("+").evaluate(np.zeros((0,), np.int64), [], 15).tolist() == []
    assert operation("+").evaluate([[1], [2]], [3, 4], 15).tolist() == [[4, 5], [5, 6]]


def test_division_by_zero_has_three_policies() -> None:
    divide, rest = operation("/"), operation("%")
    assert divide.evaluate([9, 7], [0, 2], 4).tolist() == [15, 3]
    assert rest.evaluate([9, 7], [0, 2], 4).tolist() == [9, 1]
    assert divide.evaluate([-8, -7, 3], [-1, 2, 0], 4, signed=True).tolist() == [-8, -3, -1]
    assert rest.evaluate([-8, -7, 3], [-1, 2, 0], 4, signed=True).tolist() == [0, -1, 3]
    assert divide.evaluate([9, 7], [0, 2], 4, zero="skip").tolist() == [3]
    with pytest.raises(ValueError, match="/ is undefined at 9, 0; zero='ones'"):
        divide.evaluate([7, 9], [2, 0], 4, zero="raise")
    assert operation("isqrt").evaluate([-3, 7], bits=4, signed=True).tolist() == [3, 2]
    with pytest.raises(ValueError, match="zero is 'one'; expected one of ones, raise, skip"):
        divide.evaluate(1, 1, zero="one")


@pytest.mark.parametrize(
    ("a", "b", "bits", "kind", "text"),
    [
        ([1, 99999, 5], 2, 15, ValueError, "a is 99999 at place 1; expected an integer from 0 to 32767: 15 bits"),
        (3, -1, 15, ValueError, "b is -1; expected an integer from 0 to 32767"),
        (2**80, 1, 80, ValueError, f"a is {2**80}; expected"),
        (np.array([1.0, np.nan]), 2, 15, TypeError, "a is an array of float64; expected integers"),
        ([1, 2.5], 2, 15, TypeError, "a holds 2.5 at place 1; expected integers"),
        (float("nan"), 2, 15, TypeError, "a holds nan; expected integers"),
        (1, True, 15, TypeError, "b holds True; expected integers"),
        (np.array([True]), 1, 15, TypeError, "a is an array of bool; expected integers"),
        ("1", 1, 15, TypeError, "a holds '1'; expected integers"),
        (1, 1, 0, ValueError, "bits is 0; expected the width of an operand, an integer of at least 1"),
        (1, 1, -3, ValueError, "bits is -3; expected"),
        (1, 1, 2.0, TypeError, "bits is 2.0; expected"),
        (1, None, 15, ValueError, "\\+ has two operands"),
    ],
)  # fmt: skip
def test_bad_operands_are_one_message(a: Any, b: Any, bits: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        operation("+").evaluate(a, b, bits)


def test_unknown_operations_are_one_message() -> None:
    assert (
        tuple(op.name for op in operations())
        == ALUNET
        == ("+", "-", "*", "/", "%", "AND", "OR", "XOR", ">", "<", "=", "!=")
    )
    assert [op.name for op in operations("*")] == ["*"]
    with pytest.raises(ValueError, match=r"operations are 'foo', 'bar'; expected ones of \+, -, \*, /, %, AND"):
        operations(["+", "foo", "bar"])
    with pytest.raises(ValueError, match=r"expected one of .*did you mean 'AND'\?"):
        operations(["ANDD"])
    for given_, text in (([], "no operations were given"), (["+", "+"], "expected each once")):
        with pytest.raises(ValueError, match=text):
            operations(given_)
    with pytest.raises(TypeError, match="operation is 3"):
        operations([3])  # type: ignore[list-item]


@pytest.mark.usefixtures("_own")
def test_an_operation_of_your_own_is_one_of_them() -> None:
    mean = register("mean", lambda a, b, width: (a + b) // 2)
    assert OPERATIONS["mean"] is mean is operation("mean")
    assert mean.evaluate([3, 2**64 - 1], [5, 2**64 - 3], 64).tolist() == [4, 2**64 - 2]
    odd = register("odd", lambda a, width: a & 1, 1, is_truth=True)
    assert (odd.result_bits(15), odd.evaluate([3, 4]).tolist()) == (1, [1, 0])
    with pytest.raises(ValueError, match="there is an operation 'mean' already"):
        register("mean", max)
    with pytest.raises(ValueError, match="name is 'a b'; expected a text without spaces"):
        register("a b", max)
    with pytest.raises(ValueError, match="arity is 3"):
        register("three", max, 3)
