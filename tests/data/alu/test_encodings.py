"""Encodings: bit for bit those of ALU_Net where it has them, and back to the same integers at every width."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.data.alu import ALUNET, ENCODINGS, encoding
from lutsmith.data.alu.encodings import TRUE

ORDER = ["+", "-", "*", "/", "%", "AND", "OR", "XOR", ">", "<", "=", "!="]


def lowest_first(value: int, bits: int) -> list[int]:
    return [value % 2**bits >> place & 1 for place in range(bits)]


@pytest.mark.parametrize(("a", "op", "b", "z"), [
    (22, "*", 33, 726), (5, "-", 7, -2), (32767, "+", 32767, 65534), (7, "/", 0, 32767), (3, ">", 2, 1), (3, "<", 2, 0),
])  # fmt: skip
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_the_flat_encoding_is_alunets(a: int, op: str, b: int, z: int, dtype: str) -> None:
    flat = encoding({"name": "flat", "dtype": dtype})
    expected = lowest_first(a, 16) + [int(name == op) for name in ORDER]
    assert flat.inputs(op, a, b).tolist() == [expected + lowest_first(b, 16)]
    result = lowest_first(0x7FFFFFFF * z if op in "><" else z, 32)
    assert flat.outputs(op, z).tolist() == [result]
    assert (flat.input_shape, flat.output_bits, flat.inputs(op, a, b).dtype) == ((44,), 32, np.dtype(dtype))


def test_words_have_positions_or_not() -> None:
    with_positions, without = encoding("words"), encoding({"name": "words", "positions": False})
    words = [lowest_first(9, 16), [0] * 11 + [1] + [0] * 4, lowest_first(300, 16)]
    assert without.inputs("!=", 9, 300).tolist() == [words]
    places = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    expected = [[word + place for word, place in zip(words, places, strict=True)]]
    assert with_positions.inputs("!=", 9, 300).tolist() == expected
    assert with_positions.outputs("+", 309).tolist() == [lowest_first(309, 32)]
    assert encoding("words", 4).input_shape == (3, 12 + 3)


def test_the_views_for_cells_are_bit_by_bit() -> None:
    serial, grid = encoding("serial", 4, ["+"]), encoding("array", 4, ["*"])
    a, b = lowest_first(11, 4), lowest_first(6, 4)
    assert serial.inputs("+", 11, 6).tolist() == [[list(pair) for pair in zip(a, b, strict=True)]]
    assert serial.outputs("+", 17).tolist() == [lowest_first(17, 5)]
    assert grid.inputs("*", 11, 6).tolist() == [[[[a[i], b[j]] for i in range(4)] for j in range(4)]]
    assert grid.outputs("*", 66).tolist() == [lowest_first(66, 8)]
    assert encoding("serial", 4, ["+", ">"]).inputs(">", 11, 6)[0, 2].tolist() == [a[2], b[2], 0, 1]


@pytest.mark.parametrize(("true", "ones_at_15", "ones_at_8"), [
    ("31 ones", 31, 17), ("16 ones", 16, 9), ("15 ones", 15, 8), ("ones", 32, 18), ("one", 1, 1),
])  # fmt: skip
def test_true_is_written_as_asked(true: str, ones_at_15: int, ones_at_8: int) -> None:
    for bits, ones in ((15, ones_at_15), (8, ones_at_8)):
        flat = encoding({"name": "flat", "true": true}, bits)
        op = np.array([8, 8, 0])
        y = flat.outputs(op, [1, 0, 1])
        assert y.sum(axis=1).tolist() == [ones, 0, 1]
        assert y[0, :ones].all()
        assert flat.results(op, y).tolist() == [1, 0, 1]
    assert true in TRUE
    broken = flat.outputs(">", 1).astype(float) * 0.9
    broken[0, 17] = 0.6 if true != "ones" else 0.4
    assert flat.results(">", broken).tolist() == [-1]


@given(st.sampled_from(list(ENCODINGS)), st.sampled_from([1, 2, 7, 8, 15, 31, 32, 33, 63, 64, 65, 100]), st.booleans(),
       st.data())  # fmt: skip
@settings(deadline=None, max_examples=60)
def test_what_is_encoded_is_decoded(name: str, bits: int, signed: bool, data: st.DataObject) -> None:
    ops = data.draw(st.sampled_from([ALUNET, ("neg",), ("abs", "*", "popcount", "SHR"), ("V", "=")]))
    chosen = encoding(name, bits, ops, signed)
    values = st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else st.integers(0, 2**bits - 1)
    rows = data.draw(st.lists(st.tuples(st.integers(0, len(ops) - 1), values, values), min_size=1, max_size=5))
    op, a, b = (list(column) for column in zip(*rows, strict=True))
    x = chosen.inputs(np.array(op), a, b)
    assert x.shape == (len(op), *chosen.input_shape)
    assert [array.tolist() for array in chosen.examples(x)] == [op, a, b]
    operations = [chosen.operations[place] for place in op]
    z = [o.evaluate(p, q if o.arity == 2 else None, bits, signed) for o, p, q in zip(operations, a, b, strict=True)]
    assert chosen.results(np.array(op), chosen.outputs(np.array(op), z)).tolist() == z


def test_integers_beyond_those_of_float64_come_back_whole() -> None:
    """Results of 64 bits of which some are signed, and broken truth values (-1) beside large results."""
    large = 2**53 + 1
    signed = encoding("serial", 63, ["neg", "NOT"])
    assert signed.results([0, 1], signed.outputs([0, 1], [-large, large])).tolist() == [-large, large]
    flat = encoding("serial", 64, ["NOT", "="])
    y = flat.outputs([0, 1], [2**64 - 1, 1])
    y[1, 1] = 1
    assert flat.results([0, 1], y).tolist() == [2**64 - 1, -1]


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: encoding("flt"), ValueError, "encoding is 'flt'; expected one of flat, words, serial, array; did you"),
        (lambda: encoding({"tru": "one"}), ValueError, "'flat' has no tru; it takes dtype, negative, true; did"),
        (lambda: encoding({"true": "two"}), ValueError, "true is 'two'; expected one of 31 ones"),
        (lambda: encoding().inputs("+", 1 << 15, 1), ValueError, "a is 32768; expected an integer from 0 to 32767"),
        (lambda: encoding().inputs("NOT", 1), ValueError, "op is 'NOT'; expected one of"),
        (lambda: encoding().inputs([12], 1), ValueError, r"op has places 12 \.\. 12; expected 0 \.\. 11"),
        (lambda: encoding().inputs([0.5], 1), TypeError, "expected the name of an operation, or places"),
        (lambda: encoding().inputs("+", 1.5, 1), TypeError, "a holds 1.5; expected integers"),
        (lambda: encoding().outputs("+", [0.5]), TypeError, "z holds 0.5 at place 0; expected integers"),
        (lambda: encoding({"negative": "raise"}).outputs("-", [1, -2]), ValueError,
         "the result of - at place 1 is -2; negative='twos' takes it"),
        (lambda: encoding(bits=0), ValueError, "bits is 0"),
    ],
)  # fmt: skip
def test_mistakes_are_one_message(call: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        call()
