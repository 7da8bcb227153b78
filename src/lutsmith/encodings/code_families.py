"""Codes of classes by name: LUTNets' own, random and drawn ones, Hadamard's and BCH.

- `lutnets-8`: LUTNets' default: ten words of weight 4, of which four pairs are only 2 bits apart.
- `lutnets-20`: of the kind of its `cnn_iv2`: zero and nine words of weight 10, all pairs 10 bits apart. They are rows
  of Paley's Hadamard matrix of order 20.
- `random`: any distinct words.
- `drawn`: `code_words.drawn_words`: any length, far apart.
- `hadamard`: rows of a Hadamard matrix: all pairs half of its order apart.
- `bch`: words of a narrow-sense BCH code (Hocquenghem 1959; Bose and Ray-Chaudhuri 1960), shortened to the length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.encodings.code_words import ClassCode, Words, as_code, drawn_words
from lutsmith.ground.arguments import one_of, whole_number

LUTNETS_8 = (51, 15, 77, 85, 240, 170, 153, 204, 102, 210)

MAX_CODE_LENGTH = 4095
"""Of Hadamard's and BCH codes."""

_PRIMITIVE = {
    2: 0b111,
    3: 0b1011,
    4: 0b10011,
    5: 0b100101,
    6: 0b1000011,
    7: 0b10001001,
    8: 0b100011101,
    9: 0b1000010001,
    10: 0b10000001001,
    11: 0b100000000101,
    12: 0b1000001010011,
}
"""A primitive polynomial of each degree, bit i the coefficient of x^i."""


def lutnets_8() -> ClassCode:
    """Return LUTNets' default: ten words of 8 bits, at least 2 apart."""
    return ClassCode.of_integers(LUTNETS_8, 8)


def lutnets_20() -> ClassCode:
    """Return ten words of 20 bits, zero and nine of weight 10, all 10 apart: the kind of code of LUTNets' cnn_iv2."""
    return hadamard_code(10, 20)


def random_code(classes: int, length: int, seed: int = 0) -> ClassCode:
    """Return distinct words drawn at random, each set of them as likely as any other.

    Raises:
        ValueError: fewer words of the length than classes.
    """
    _check_sizes(classes, length)
    rng, seen = np.random.default_rng([seed, 0]), dict[bytes, NDArray[np.bool_]]()
    if length < 24 and classes > 1 << length - 1:
        numbers = rng.permutation(1 << length)[:classes].tolist()
        return ClassCode.of_integers(numbers, length)
    while len(seen) < classes:
        word = rng.random(length) < 0.5
        seen.setdefault(word.tobytes(), word)
    return ClassCode(np.array(list(seen.values())))


def drawn_code(classes: int, length: int, seed: int = 0) -> ClassCode:
    """Return words that are drawn far apart, of any length: `code_words.drawn_words`."""
    _check_sizes(classes, length)
    return ClassCode(drawn_words(classes, length, np.random.default_rng([seed, 0]).permutation))


def hadamard_code(classes: int, length: int) -> ClassCode:
    """Return rows of a Hadamard matrix, the first one zero: all pairs are ceil(length / 2) apart.

    Args:
        classes: at most the order of the matrix.
        length: the order; or one less, where the matrix of Sylvester loses its constant column.

    Raises:
        ValueError: no such matrix is built here; the message names lengths that are.
    """
    _check_sizes(classes, length)
    matrix = hadamard_matrix(length)
    if matrix is None and (larger := hadamard_matrix(length + 1)) is not None:
        matrix = (larger ^ larger[:, :1])[:, 1:]
        matrix = matrix ^ matrix[0]
    if matrix is None or len(matrix) < classes:
        orders = [n for n in range(2, 130) if n >= classes and hadamard_matrix(n) is not None]
        shown = ", ".join(map(str, orders[:12]))
        raise ValueError(
            f"no Hadamard code of {classes} words of {length} bits is built here; lengths that are: {shown}, and each "
            "of them less 1; drawn and bch take others"
        )
    return ClassCode(matrix[:classes])


def hadamard_matrix(order: int) -> Words | None:
    """Return a Hadamard matrix as bits, bool (order, order), row 0 all 0: any two rows differ in half of the bits.

    Paley's first construction for orders q + 1 with a prime q = 3 modulo 4, doubled as Sylvester does; None for orders
    that are not made so.
    """
    if order == 1:
        return np.zeros((1, 1), np.bool_)
    if order & order - 1 and _is_paley(order - 1):
        q = order - 1
        is_square = np.zeros(q, np.bool_)
        is_square[np.arange(1, q) ** 2 % q] = True
        places = np.arange(q)
        matrix = np.zeros((order, order), np.bool_)  # 1 stands for -1
        matrix[1:, 0] = True
        matrix[1:, 1:] = ~is_square[(places[:, None] - places) % q]
        matrix[1 + places, 1 + places] = False
        return matrix
    half = None if order % 2 else hadamard_matrix(order // 2)
    return None if half is None else np.block([[half, half], [half, ~half]])


def bch_code(classes: int, length: int) -> ClassCode:
    """Return words of the BCH code of this length that corrects most errors and has enough words.

    Of length 2^m - 1 it is a code over the roots alpha, ..., alpha^(2 t) in GF(2^m); a shorter one is shortened: its
    words are those whose first bits are 0. Class c has the word of message c, information first, so that class 0 has
    the word zero.

    Raises:
        ValueError: lengths below 3 or above 4095, or fewer words than classes.
    """
    _check_sizes(classes, length)
    whole_number("length", length, 3, MAX_CODE_LENGTH, "the bits of a word of a BCH code")
    degree, bits = length.bit_length(), max(1, (classes - 1).bit_length())
    shortened = (1 << degree) - 1 - length
    powers, generator, covered = _powers(degree), 1, set[int]()
    best = None
    for root in range(1, 1 << degree, 2):  # even powers are conjugate to smaller ones
        if root not in covered:
            coset = _coset(root, degree)
            covered |= coset
            generator = _times(generator, _minimal(coset, powers))
        information = (1 << degree) - 1 - (generator.bit_length() - 1) - shortened
        if information < bits:
            break
        best = generator
    if best is None:
        raise ValueError(f"no BCH code of {length} bits has {classes} words; take longer words")
    checks = best.bit_length() - 1
    words = [message << checks | _remainder(message << checks, best) for message in range(classes)]
    return ClassCode.of_integers(words, length)


CODES: Mapping[str, Callable[..., ClassCode]] = {
    "lutnets-8": lutnets_8,
    "lutnets-20": lutnets_20,
    "random": random_code,
    "drawn": drawn_code,
    "hadamard": hadamard_code,
    "bch": bch_code,
}
"""The codes by name: functions of `classes`, `length` and, where they draw, `seed`; LUTNets' own take nothing."""


def code_named(name: str, classes: int = 10, length: int | None = None, seed: int = 0) -> ClassCode:
    """Return a code by its name.

    Args:
        name: one of `CODES`.
        classes: how many words; LUTNets' own have ten, of which the first are taken.
        length: bits of a word; LUTNets' own have theirs.
        seed: of random and drawn words.

    Raises:
        TypeError, ValueError: no such name, or sizes that the code does not have.
    """
    one_of("code", name, CODES)
    if name.startswith("lutnets"):
        code = CODES[name]()
        whole_number("classes", classes, 1, len(code), f"words of the code {name}")
        if length not in (None, code.length):
            raise ValueError(f"length is {length}; the code {name} has words of {code.length} bits")
        return ClassCode(code.words[:classes])
    if length is None:
        raise ValueError(f"the code {name} needs a length: the outputs of the network")
    options: dict[str, Any] = {"seed": seed} if name in ("random", "drawn") else {}
    return CODES[name](classes, length, **options)


def code_of(given: Any, classes: int = 10, length: int | None = None, seed: int = 0) -> ClassCode:
    """Return a code by its name (`code_named`), or words as a code (`as_code`); integers have `length` bits.

    Raises:
        TypeError, ValueError: as these; or words of another length.
    """
    if isinstance(given, str):
        return code_named(given, classes, length, seed)
    if isinstance(given, (list, tuple)) and length is not None and all(isinstance(each, int) for each in given):
        return ClassCode.of_integers(given, length)
    code = as_code(given)
    if length not in (None, code.length):
        raise ValueError(f"the code has words of {code.length} bits; expected {length}, the outputs of the network")
    return code


def _check_sizes(classes: int, length: int) -> None:
    whole_number("classes", classes, 1, 1 << 20, "words of a code")
    whole_number("length", length, 1, MAX_CODE_LENGTH, "the bits of a code word")
    if classes > 1 << length:
        raise ValueError(f"there are only {1 << length} words of {length} bits, for {classes} classes")


def _is_paley(q: int) -> bool:
    return q % 4 == 3 and all(q % d for d in range(3, int(q**0.5) + 1, 2))


def _powers(degree: int) -> list[int]:
    """The powers alpha^0, alpha^1, ... of a primitive element of GF(2^degree), as polynomials."""
    powers, value = [], 1
    for _ in range((1 << degree) - 1):
        powers.append(value)
        value <<= 1
        if value >> degree:
            value ^= _PRIMITIVE[degree]
    return powers


def _coset(root: int, degree: int) -> set[int]:
    """The exponents of the conjugates of alpha^root."""
    return {root * (1 << i) % ((1 << degree) - 1) for i in range(degree)}


def _minimal(coset: set[int], powers: list[int]) -> int:
    """The polynomial over GF(2) with these powers of alpha as its roots, as bits."""
    order, logs = len(powers), {value: exponent for exponent, value in enumerate(powers)}
    factors = [1]  # coefficients in the field, of x^0 first
    for exponent in sorted(coset):
        shifted = [0, *factors]
        for i, coefficient in enumerate(factors):
            if coefficient:
                shifted[i] ^= powers[(logs[coefficient] + exponent) % order]
        factors = shifted
    return sum(1 << i for i, coefficient in enumerate(factors) if coefficient)


def _times(a: int, b: int) -> int:
    """The product of polynomials over GF(2)."""
    product = 0
    for i in range(b.bit_length()):
        if b >> i & 1:
            product ^= a << i
    return product


def _remainder(a: int, b: int) -> int:
    """The remainder of polynomials over GF(2)."""
    while a.bit_length() >= b.bit_length():
        a ^= b << a.bit_length() - b.bit_length()
    return a
