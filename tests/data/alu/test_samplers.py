"""Samplers: each habit at its stated probability, edges that are there, any width, the same for a seed."""

from __future__ import annotations

import numpy as np
import pytest

from lutsmith.data.alu import ALUNET, EDGES, SAMPLERS, draw, operation

N = 200_000


def drawn(sampler: object, name: str, bits: int = 15, count: int = N, signed: bool = False) -> tuple[np.ndarray, ...]:
    return draw(sampler, operation(name), count, bits, signed, rng=5)  # type: ignore[arg-type]


def near(share: float, expected: float) -> bool:
    """Whether a share of N draws is within five standard deviations."""
    return abs(share - expected) <= 5 * np.sqrt(max(expected * (1 - expected), 1e-9) / N) + 1e-9


def uniform_bits(values: np.ndarray) -> bool:
    return all(near(float((values >> place & 1).mean()), 0.5) for place in range(15))


def test_alunet_has_the_habits_of_alunet() -> None:
    a, b = drawn("alunet", "-")
    assert (a >= b).all()
    assert near(float((a + b >= 2**15).mean()), 0.5)
    for name in ("/", "%"):
        a, b = drawn("alunet", name)
        assert (b > 0).all()
        assert near(float((a < b).mean()), 1 / 6)
    for name in ("=", "!="):
        a, b = drawn("alunet", name)
        assert near(float((a == b).mean()), 0.5)
        assert uniform_bits(a)
        assert uniform_bits(b)
    for name in ("+", "*", "AND", "OR", "XOR", ">", "<"):
        a, b = drawn("alunet", name)
        assert uniform_bits(a)
        assert uniform_bits(b)
        assert near(float((a < b).mean()), 0.5 - 2**-16)
        assert (a == b).sum() < 30  # P = 2 ** -15


def test_alunet_never_swaps_where_a_is_0() -> None:
    a, b = drawn("alunet", "/", 3)
    assert near(float((a == 0).mean()), 1 / 8)
    assert near(float((a < b).mean()), 1 / 8 + 21 / 56 / 3)  # 21 of 56 pairs have 0 < a < b
    assert (b > 0).all()


@pytest.mark.parametrize(("sampler", "bits", "divisor"), [
    ("alunet_head", 15, 127), ("alunet_head", 16, 255), ("alunet_head", 2, 1), ("alunet_short", 15, 1000),
])  # fmt: skip
def test_products_of_small_factors(sampler: str, bits: int, divisor: int) -> None:
    a, b = drawn(sampler, "*", bits)
    plain_a, plain_b = drawn("alunet", "*", bits)
    np.testing.assert_array_equal(a, plain_a % divisor)
    np.testing.assert_array_equal(b, plain_b % divisor)
    np.testing.assert_array_equal(drawn(sampler, "/", bits), drawn("alunet", "/", bits))


def test_answers_are_distributed_as_was_measured_of_alunet() -> None:
    quotients = operation("/").evaluate(*drawn("alunet", "/"))
    for answer, share in ((1, 0.417), (0, 0.167), (2, 0.139), (3, 0.070)):
        assert abs((quotients == answer).mean() - share) < 0.004
    assert abs((operation("AND").evaluate(*drawn("alunet", "AND")) == 0).mean() - 0.0134) < 0.002
    constant = {"+": 75.1, "-": 78.1, "*": 57.4, "/": 96.9, "%": 80.5, "AND": 88.3, "OR": 88.3}
    for name, percent in constant.items():  # the bits of the best constant answer, of 32
        z = operation(name).evaluate(*drawn("alunet", name))
        ones = np.array([(z >> place & 1).mean() for place in range(32)])
        assert abs(100 * np.maximum(ones, 1 - ones).mean() - percent) < 0.3, name


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [1, 2, 3, 15, 31, 61, 62, 63, 64, 65, 130])
def test_every_sampler_draws_operands_of_the_width_the_same_for_a_seed(bits: int, signed: bool) -> None:
    for sampler in (*SAMPLERS, {"edge": 1, "alunet": 2}):
        for name in (*ALUNET, "NOT"):
            op = operation(name)
            a, b = drawn(sampler, name, bits, 60, signed)
            op.evaluate(a, b if op.arity == 2 else None, bits, signed)  # raises where the width does not hold them
            again = drawn(sampler, name, bits, 60, signed)
            assert [a.tolist(), b.tolist()] == [values.tolist() for values in again]
            assert op.arity == 2 or not b.any()


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [15, 64, 100])
def test_edges_are_there(bits: int, signed: bool) -> None:
    a, b = (values.astype(object) for values in drawn("edge", "+", bits, 60_000, signed))
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    share = 1 / len(EDGES)
    mask = 2**bits - 1
    chain = ((a & mask) ^ (b & mask)) >> 1 == mask >> 1  # every bit but the lowest propagates
    for what, found, at_least in (
        ("ties", a == b, share),
        ("neighbours", abs(a - b) == 1, share),
        ("full carries", chain & (a & b & 1 == 1), share / 2),
        ("carries that nothing starts", chain & ((a ^ b) & 1 == 1), share / 2),
        ("b = 1", b == 1, share),
        ("remainder 0", np.array([q != 0 and p % q == 0 for p, q in zip(a, b, strict=True)]), share / 3),
    ):
        assert found.mean() > 0.85 * at_least, what
    for values in (a, b):
        for special in {least, least + 1, most - 1, most, 0, 1, 2, -1 if signed else 3}:
            assert (values == special).any(), special
        powers = {1 << place for place in range(bits - signed)}
        assert powers <= set(values.tolist())
        assert not signed or {-power for power in powers} <= set(values.tolist())


@pytest.mark.parametrize(("bits", "signed"), [(1, False), (5, True), (15, False), (64, False), (70, True)])
def test_of_an_overflow_carries_come_to_highest_bits_of_both_kinds(bits: int, signed: bool) -> None:
    a, b = EDGES["carries"](np.random.default_rng(0), operation("V"), 400, bits, signed)
    differ = [(int(p) ^ int(q)) & (1 << bits) - 1 for p, q in zip(a, b, strict=True)]
    between = (1 << bits - 1) - 2 if bits > 1 else 0  # all bits but the lowest and the highest
    assert all(word & between == between for word in differ)
    assert 0.4 < sum(word >> bits - 1 for word in differ) / 400 < 0.6


def test_mixtures_draw_by_their_weights() -> None:
    a, b = drawn({"edge": 0.3, "uniform": 0.9}, ">")
    edges = (drawn("edge", ">")[0] == drawn("edge", ">")[1]).mean()
    assert abs((a == b).mean() - edges / 4) < 0.003
    assert drawn({"edge": 0, "uniform": 2}, "+")[0].tolist() == drawn("uniform", "+")[0].tolist()
    for weights, text in (({"edges": 1}, "did you mean 'edge'"), ({"edge": -1}, "at least 0"), ({"edge": 0}, "above 0"),
                          ({"edge": float("nan")}, "a finite number"), ({}, "of which one is above 0")):  # fmt: skip
        with pytest.raises(ValueError, match=text):
            drawn(weights, "+")
