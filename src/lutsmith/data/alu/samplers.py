"""Which operands examples have: samplers by name. They do not compute results, and none alters operands that a user
gives.

A sampler draws pairs of operands for an operation, independently of each other:

- `uniform`: both operands uniform over all integers of the width.
- `alunet`: ALU_Net's own: uniform, with these exceptions. For `-` operands are sorted, so that a >= b. For `/` and `%`
  a `b` of 0 is drawn again, and then operands with a < b are swapped with probability 2/3 unless a is 0. For `=` and
  `!=` b is set to a with probability 1/2.
- `alunet_short`: the same, but for `*` both operands modulo 1000 (its `short_math`).
- `alunet_head`: the same, but for `*` both operands modulo `2**(bits // 2) - 1` (its later code: 127 at 15 bits).
- `edge`: one of `EDGES`, all equally often.

ALU_Net has no signs. Where operands are signed, `alunet` sorts by value for `-`, and compares magnitudes for `/`, `%`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.alu.integers import Integers, as_python_integers, bounds, dtype_of, narrowed
from lutsmith.data.alu.operations import Operation
from lutsmith.data.alu.words import from_bytes
from lutsmith.ground.arguments import number, one_of

Pair = tuple[Integers, Integers]
Sampler = Callable[[np.random.Generator, Operation, int, int, bool], Pair]
"""Of a generator, an operation, how many pairs, the width, and whether operands are signed."""

_ROOM = 61
"""Bits of operands whose sums, and small differences from them, int64 holds."""


def draw(
    sampler: str | Mapping[str, float],
    operation: Operation,
    count: int,
    bits: int = 15,
    signed: bool = False,
    rng: np.random.Generator | int = 0,
) -> Pair:
    """Return operands `(count,)` and `(count,)` that a sampler draws; the second are 0 for operations of one.

    Args:
        sampler: one of `SAMPLERS`; or a mixture, a mapping of names to weights: each pair is of one of them.
        operation: whose operands they are; what samplers do depends on it.
        count: how many.
        bits: the width of the operands.
        signed: whether they are in two's complement.
        rng: NumPy's generator, or a seed.

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: an unknown sampler, or weights that are negative, not finite or all 0.
    """
    parts = mixture(sampler)
    rng = np.random.default_rng(rng)
    shares = np.array(list(parts.values()))
    of = rng.choice(len(parts), count, p=shares / shares.sum()) if len(parts) > 1 else np.zeros(count, np.int64)
    a, b = _each(rng, [SAMPLERS[name] for name in parts], of, operation, bits, signed)
    return a, (np.zeros_like(b) if operation.arity == 1 else b)


def mixture(sampler: str | Mapping[str, float]) -> dict[str, float]:
    """Return the weights of samplers by name, sorted; one sampler has weight 1.

    Raises:
        TypeError, ValueError: as for `draw`.
    """
    if not isinstance(sampler, Mapping):
        return {one_of("sampler", sampler, SAMPLERS): 1.0}
    for name, weight in sampler.items():
        one_of("sampler", name, SAMPLERS)
        number(f"the weight of {name}", weight, lambda w: 0 <= w < np.inf, "a finite number of at least 0")
    if not any(sampler.values()):
        raise ValueError(f"sampler is {dict(sampler)!r}; expected names and weights, of which one is above 0")
    return {name: float(sampler[name]) for name in sorted(sampler) if sampler[name]}


def _each(
    rng: np.random.Generator,
    samplers: list[Sampler],
    of: NDArray[np.int64],
    operation: Operation,
    bits: int,
    signed: bool,
) -> Pair:
    """Return pairs of which each is drawn by the sampler that `of` says."""
    order = np.argsort(of, kind="stable")
    counts = np.bincount(of, minlength=len(samplers))
    drawn = [sampler(rng, operation, int(n), bits, signed) for sampler, n in zip(samplers, counts, strict=True)]
    pair = []
    for parts in zip(*drawn, strict=True):
        mixed = np.empty(len(of), dtype_of(bits, signed))
        mixed[order] = np.concatenate(parts)
        pair.append(mixed)
    return pair[0], pair[1]


def _integers(rng: np.random.Generator, count: int, bits: int, signed: bool) -> Integers:
    """Return integers, uniform over the width."""
    if bits <= 64:
        least, most = bounds(bits, signed)
        return rng.integers(least, most, count, dtype_of(bits, signed), endpoint=True)
    size = -(-bits // 8)
    return from_bytes(np.frombuffer(rng.bytes(count * size), np.uint8).reshape(count, size), bits, signed)


def _uniform(rng: np.random.Generator, operation: Operation, count: int, bits: int, signed: bool) -> Pair:  # noqa: ARG001
    return _integers(rng, count, bits, signed), _integers(rng, count, bits, signed)


def _alunet(
    rng: np.random.Generator,
    operation: Operation,
    count: int,
    bits: int,
    signed: bool,
    modulus: Callable[[int], int] | None,
) -> Pair:
    a, b = _uniform(rng, operation, count, bits, signed)
    if operation.name == "-":
        return np.maximum(a, b), np.minimum(a, b)
    if operation.name in ("/", "%"):
        while (nothing := np.asarray(b == 0, bool)).any():
            b[nothing] = _integers(rng, int(nothing.sum()), bits, signed)
        smaller = a < b if not signed else abs(_wide(a, bits)) < abs(_wide(b, bits))
        swapped = np.asarray(smaller & (a != 0), bool) & (rng.random(count) < 2 / 3)
        return np.where(swapped, b, a), np.where(swapped, a, b)
    if operation.name in ("=", "!="):
        return a, np.where(rng.random(count) < 0.5, a, b)
    if operation.name == "*" and modulus is not None:
        divisor = modulus(bits)
        return _remainder(a, divisor, bits, signed), _remainder(b, divisor, bits, signed)
    return a, b


def _remainder(values: Integers, divisor: int, bits: int, signed: bool) -> Integers:
    """Return remainders that have the sign of the values."""
    wide = _wide(values, bits)
    return np.where(wide < 0, -(-wide % divisor), wide % divisor).astype(dtype_of(bits, signed))


def _wide(values: Integers, bits: int) -> Integers:
    """Return integers with room for calculation."""
    return values if bits <= _ROOM else as_python_integers(values)


def _clipped(values: Integers, bits: int, signed: bool) -> Integers:
    return np.clip(values, *bounds(bits, signed)).astype(dtype_of(bits, signed))


def _special(rng: np.random.Generator, count: int, bits: int, signed: bool) -> Integers:
    """Return 0, 1, all ones, extremes and their neighbours."""
    least, most = bounds(bits, signed)
    found = sorted({v for v in (least, least + 1, most, most - 1, -1, 0, 1, 2) if least <= v <= most})
    return np.array(found, dtype_of(bits, signed))[rng.integers(0, len(found), count)]


def _power(rng: np.random.Generator, count: int, bits: int, signed: bool) -> Integers:
    """Return powers of two, half of them one more or one less; of signed ones half are negative."""
    powers = np.array([1 << place for place in range(bits)], np.int64 if bits <= _ROOM else object)
    values = powers[rng.integers(0, bits, count)] + rng.choice([-1, 0, 0, 1], count)
    return _clipped(np.where(rng.random(count) < 0.5, -values, values) if signed else values, bits, signed)


def _short(rng: np.random.Generator, count: int, bits: int, signed: bool) -> Integers:
    """Return integers of each length as often: of signed ones half are negative."""
    powers = np.array([1 << length for length in range(bits + 1)], np.int64 if bits <= _ROOM else object)
    values = _wide(_integers(rng, count, bits, False), bits) % powers[rng.integers(0, bits + 1, count)]
    return _clipped(np.where(rng.random(count) < 0.5, -values, values) if signed else values, bits, signed)


def _tie(rng: np.random.Generator, operation: Operation, count: int, bits: int, signed: bool) -> Pair:  # noqa: ARG001
    a = _integers(rng, count, bits, signed)
    return a, a.copy()


def _neighbours(rng: np.random.Generator, operation: Operation, count: int, bits: int, signed: bool) -> Pair:  # noqa: ARG001
    a = _integers(rng, count, bits, signed)
    return a, _clipped(_wide(a, bits) + rng.choice([-1, 1], count), bits, signed)


def _specials(rng: np.random.Generator, operation: Operation, count: int, bits: int, signed: bool) -> Pair:  # noqa: ARG001
    """Both special, or one of them."""
    of = rng.integers(0, 3, count)
    a, b = (np.where(of == other, _integers(rng, count, bits, signed), _special(rng, count, bits, signed))
            for other in (1, 2))  # fmt: skip
    return a, b


def _powers(rng: np.random.Generator, operation: Operation, count: int, bits: int, signed: bool) -> Pair:  # noqa: ARG001
    """Both powers, or one of them."""
    of = rng.integers(0, 3, count)
    a, b = (np.where(of == other, _integers(rng, count, bits, signed), _power(rng, count, bits, signed))
            for other in (1, 2))  # fmt: skip
    return a, b


def _carries(rng: np.random.Generator, operation: Operation, count: int, bits: int, signed: bool) -> Pair:
    """Sums whose carry goes from the lowest bit through all others, or would: each bit but the lowest propagates.

    Of `V` every second pair has equal highest bits: where they differ there is no overflow, whatever the carry is.
    """
    a = _wide(_integers(rng, count, bits, signed), bits)
    lowest = rng.integers(0, 2, count)
    a = a | lowest  # in every second pair the lowest bits are both 1
    b = ~a | lowest
    if operation.name == "V":
        b = b ^ rng.integers(0, 2, count) * (1 << bits - 1 if bits <= _ROOM else np.array(1 << bits - 1, object))
    return narrowed(a, bits, signed), narrowed(b, bits, signed)


def _by_one(rng: np.random.Generator, operation: Operation, count: int, bits: int, signed: bool) -> Pair:  # noqa: ARG001
    one = np.ones(count, dtype_of(bits, signed))
    return _integers(rng, count, bits, signed), one if bits > signed else -one


def _multiples(rng: np.random.Generator, operation: Operation, count: int, bits: int, signed: bool) -> Pair:  # noqa: ARG001
    """Operands of each length as often, and `a` a multiple of `b`, or one more or less: remainders 0, 1 and b - 1."""
    a, b = _wide(_short(rng, count, bits, signed), bits), _short(rng, count, bits, signed)
    divisor = np.where(b == 0, 1, _wide(b, bits))
    return _clipped(a - a % divisor + rng.choice([-1, 0, 0, 1], count), bits, signed), b


EDGES: Mapping[str, Sampler] = MappingProxyType(
    {
        "ties": _tie,
        "neighbours": _neighbours,
        "specials": _specials,
        "powers of two": _powers,
        "carries": _carries,
        "b = 1": _by_one,
        "multiples": _multiples,
    }
)
"""What `edge` draws: a = b; b = a - 1 or a + 1; 0, 1, 2, all ones, the least and the largest and their neighbours, with
each other or with any integer; powers of two, and one more or less; carries along the whole width; b = 1 (at one signed
bit -1); operands of every length with a remainder of 0, 1 or b - 1."""


def _edge(rng: np.random.Generator, operation: Operation, count: int, bits: int, signed: bool) -> Pair:
    kinds = list(EDGES.values())
    return _each(rng, kinds, rng.integers(0, len(kinds), count), operation, bits, signed)


SAMPLERS: Mapping[str, Sampler] = MappingProxyType(
    {
        "alunet": partial(_alunet, modulus=None),
        "alunet_short": partial(_alunet, modulus=lambda bits: 1000),  # noqa: ARG005
        "alunet_head": partial(_alunet, modulus=lambda bits: max(1, (1 << bits // 2) - 1)),
        "uniform": _uniform,
        "edge": _edge,
    }
)
"""The samplers by name."""
