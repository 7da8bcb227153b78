"""Code words of classes: each class has a word of output bits, and an answer is the class whose word is nearest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.heads import Head
from lutsmith.circuit.results import AnyHead
from lutsmith.ground.arguments import instance_of, whole_number
from lutsmith.ground.arrays import booleans, frozen

DRAWS = 64
"""Sets of columns that are tried for the bits that do not fill a Hadamard matrix."""

MAX_LENGTH = 1 << 16
"""Bits of a word."""

SHOWN_AT_MOST = 1 << 30
"""Classes squared times length, of a code that is printed with its minimum distance: more takes over 0.1 s."""

MOST_CLOSEST = 10_000
"""Pairs of classes that a report lists."""

_SIDE, _PART = 1024, 1 << 20
"""Words whose distances are computed at a time, and at most so many bits of them."""

Words = NDArray[np.bool_]


@dataclass(frozen=True)
class CodeDistances:
    """How far the words of a code are from each other, in bits.

    Attributes:
        minimum: of any two words; the length where there is one word.
        histogram: for each distance that occurs, ascending, how many pairs have it.
        closest: the pairs of classes at the minimum, ascending; the first 10,000, and `histogram[minimum]` counts all.
        constant: bits that are the same in all words, and tell nothing.
    """

    minimum: int
    histogram: dict[int, int]
    closest: tuple[tuple[int, int], ...]
    constant: tuple[int, ...]

    @property
    def corrects(self) -> int:
        """How many wrong bits of an answer never matter: below half of the minimum."""
        return (self.minimum - 1) // 2

    def __str__(self) -> str:
        pairs = ", ".join(f"{distance} bits x {count}" for distance, count in self.histogram.items()) or "none"
        shown = ", ".join(f"{a}-{b}" for a, b in self.closest[:8]) + (", ..." if len(self.closest) > 8 else "")
        lines = [f"minimum distance {self.minimum}, {self.corrects} wrong bits corrected; pairs: {pairs}"]
        lines += [f"closest classes: {shown}"] if self.closest else []
        lines += [f"bits that are the same in all words: {', '.join(map(str, self.constant))}"] if self.constant else []
        return "\n".join(lines)


class ClassCode:
    """A word of bits for each class, all different. Immutable.

    Bit o of a word is output o of the network. Written as an integer the first bit is the most significant, as LUTNets
    has it.

    Args:
        words: bits (C, O), one word a class.

    Attributes:
        words: bool (C, O).

    Raises:
        TypeError, ValueError: no bits or words, or two classes with one word.
    """

    words: Words

    def __init__(self, words: ArrayLike) -> None:
        bits = booleans("code words", words)
        if bits.ndim != 2 or not bits.size or bits.shape[1] > MAX_LENGTH:
            raise ValueError(
                f"code words have shape {bits.shape}; expected (classes, bits), one word a class, at most {MAX_LENGTH} "
                "bits"
            )
        kinds, number = np.unique(bits, axis=0, return_inverse=True)
        if len(kinds) < len(bits):
            twice = np.flatnonzero(np.bincount(number.reshape(-1)) > 1)[0]
            first, second, *_ = np.flatnonzero(number.reshape(-1) == twice).tolist()
            raise ValueError(
                f"classes {first} and {second} have the same code word: only class {first} would ever be predicted"
            )
        self.__dict__["words"] = frozen(bits, np.bool_)

    @classmethod
    def of_integers(cls, numbers: Sequence[int], length: int | None = None) -> ClassCode:
        """Return the code whose words these integers are, the most significant bit first.

        Args:
            numbers: one for each class, at least 0; of any length.
            length: bits of a word; None: of the largest.

        Raises:
            TypeError, ValueError: numbers that are not integers or do not fit, or two that are equal.
        """
        given = [whole_number(f"code word {c}", number, 0) for c, number in enumerate(numbers)]
        needed = max((number.bit_length() for number in given), default=0) or 1
        bits = whole_number("length", needed if length is None else length, 1, MAX_LENGTH, "the bits of a code word")
        if bits < needed:
            long = next(c for c, number in enumerate(given) if number.bit_length() > bits)
            raise ValueError(f"code word {long} has {given[long].bit_length()} bits; expected at most {bits}")
        octets = -(-bits // 8)
        raw = np.frombuffer(b"".join(number.to_bytes(octets, "big") for number in given), np.uint8)
        return cls(np.unpackbits(raw.reshape(len(given), octets), axis=1)[:, 8 * octets - bits :].astype(np.bool_))

    @classmethod
    def of_head(cls, head: AnyHead | None, num_outputs: int) -> ClassCode | None:
        """Return the code that a circuit of so many outputs decides by; None where its head is none of code words."""
        if not isinstance(head, Head) or head.weights is None:
            return None
        words = head.weights > 0
        if len(np.unique(words, axis=0)) < len(words):
            return None
        code = cls(words)
        return code if code.head(max(1, head.group_size(num_outputs))) == head else None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a code cannot be changed: {name}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.words,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClassCode) and np.array_equal(self.words, other.words)

    def __hash__(self) -> int:
        return hash((self.words.shape, self.words.tobytes()))

    def __repr__(self) -> str:
        cheap = len(self) ** 2 * self.length <= SHOWN_AT_MOST
        distance = f", minimum distance {self.min_distance}" if cheap else ""
        return f"ClassCode({len(self)} words of {self.length} bits{distance})"

    def __len__(self) -> int:
        """C, how many classes there are."""
        return len(self.words)

    @property
    def length(self) -> int:
        """O, the bits of a word."""
        return int(self.words.shape[1])

    @property
    def integers(self) -> list[int]:
        """The words as integers, the first bit the most significant."""
        return [int.from_bytes(row.tobytes()) >> -self.length % 8 for row in np.packbits(self.words, axis=1)]

    @cached_property
    def min_distance(self) -> int:
        """The least number of bits in which two words differ; the length where there is one word."""
        return min_distance(self.words, least=1)

    @cached_property
    def distances(self) -> NDArray[np.int64]:
        """int64 (C, C), in how many bits each two words differ."""
        return distances(self.words)

    def report(self) -> CodeDistances:
        """Return the minimum of the distances, how often each one occurs, and which classes are closest."""
        counts, minimum = np.zeros(self.length + 1, np.int64), self.length
        pairs = np.empty((0, 2), np.int64)
        for row, column, apart in _blocks(self.words):
            if row == column:
                apart[np.tril_indices(len(apart))] = self.length + 1  # itself, and pairs that are there twice
            counts += np.bincount(apart.reshape(-1), minlength=self.length + 2)[:-1]
            lowest = int(apart.min())
            if lowest < minimum:
                minimum, pairs = lowest, pairs[:0]
            if lowest == minimum:
                close = np.argwhere(apart == minimum)[:MOST_CLOSEST]
                pairs = np.concatenate([pairs, close + np.array([row, column])])
                pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))[:MOST_CLOSEST]]
        constant = (self.words == self.words[0]).all(axis=0)
        return CodeDistances(
            minimum,
            {distance: int(counts[distance]) for distance in np.flatnonzero(counts).tolist()},
            tuple((first, second) for first, second in pairs.tolist()),
            tuple(np.flatnonzero(constant).tolist()) if len(self) > 1 else (),
        )

    def nearest(self, outputs: ArrayLike) -> NDArray[np.int64]:
        """Return the class whose word is nearest, the lowest of those that tie, int64 (N,), of bits (N, O)."""
        bits = booleans("outputs", outputs)
        if bits.ndim != 2 or bits.shape[1] != self.length:
            raise ValueError(f"outputs have shape {bits.shape}; expected (samples, {self.length})")
        return self.head().labels(self.head().scores(bits))

    def head(self, per_bit: int = 1) -> Head:
        """Return a circuit's head that decides by this code: the score of a class is minus the Hamming distance.

        Args:
            per_bit: outputs of the network for each bit of the words, next to each other; each one counts.
        """
        whole_number("per_bit", per_bit, 1, what="outputs of a bit")
        signs = np.where(self.words, 1, -1)
        return Head(self.length, weights=signs, bias=-per_bit * self.words.sum(axis=1))


def distances(words: Words) -> NDArray[np.int64]:
    """Return int64 (C, C), in how many bits each two of the words, bool (C, O), differ."""
    apart = np.empty((len(words), len(words)), np.int64)
    for row, column, block in _blocks(words):
        apart[row : row + len(block), column : column + block.shape[1]] = block
        apart[column : column + block.shape[1], row : row + len(block)] = block.T
    return apart


def min_distance(words: Words, least: int = 0) -> int:
    """Return the least number of bits in which two of the words, bool (C, O), differ; the length where C is 1.

    Args:
        words: of the classes.
        least: what it cannot be below, as 1 where all words differ: where two are so near, no others are compared.
    """
    lowest = int(words.shape[1])
    for row, column, apart in _blocks(words):
        if row == column:
            np.fill_diagonal(apart, lowest)
        lowest = min(lowest, int(apart.min()))
        if lowest <= least:
            break
    return lowest


def _blocks(words: Words) -> Iterator[tuple[int, int, NDArray[np.int32]]]:
    """Yield the distances of some words from some others, and where both begin; each pair of words once, or twice in a
    block of words and themselves. In blocks, so that memory does not grow with the square of the words.
    """
    side = max(1, min(_SIDE, _PART // words.shape[1]))

    def signs(start: int) -> NDArray[np.float32]:
        return words[start : start + side].astype(np.float32) * 2 - 1  # sums of at most MAX_LENGTH of them are exact

    for row in range(0, len(words), side):
        own = signs(row)
        for column in range(row, len(words), side):
            same = own @ signs(column).T
            yield row, column, ((words.shape[1] - same) / 2).astype(np.int32)


def drawn_words(classes: int, length: int, permutation: Callable[[int], NDArray[np.int64]]) -> Words:
    """Draw distinct code words of `length` bits, bool (classes, length), with a large minimum distance.

    Class c has a number of m = ceil(log2 classes) bits, and each bit of its word is the parity of some of them: a row
    of Sylvester's Hadamard matrix of order 2**m without its constant column. Any two rows of it differ in exactly half
    of the order. Whole matrices are laid side by side; for the columns left over the best of 64 draws is taken. Words
    of length below 2**m hold the number itself, so that they differ.

    Args:
        classes: how many words.
        length: of each.
        permutation: draws a permutation of 0 .. n - 1, from n: the source of all that is random.

    Raises:
        ValueError: words too short to distinguish the classes.
    """
    num_bits = max(1, (classes - 1).bit_length())
    if length < num_bits:
        raise ValueError(f"{classes} classes need code words of at least {num_bits} bits; got length={length}")
    order = 1 << num_bits
    numbers = permutation(order)[:classes]
    whole, rest = divmod(length, order - 1)
    every = np.arange(1, order)
    tail = every[:0]
    if rest:
        units = 1 << np.arange(num_bits) if not whole else every[:0]
        others = every[~np.isin(every, units)]
        best = -1
        for _ in range(max(1, min(DRAWS, (1 << 25) // (order * rest)))):
            columns = np.concatenate([units, others[permutation(len(others))[: rest - len(units)]]])
            distance = int(_parities(every, columns).sum(axis=1).min())  # of any two words: their sum's from zero
            if distance > best:
                best, tail = distance, columns
    columns = np.concatenate([every] * whole + [tail])
    return _parities(numbers, columns[permutation(length)])


def _parities(numbers: NDArray[np.int64], columns: NDArray[np.int64]) -> Words:
    """Whether each number and each column have an odd number of bits in common, bool (numbers, columns)."""
    odd = np.empty((len(numbers), len(columns)), np.bool_)
    step = max(1, _PART // max(1, len(columns)))
    for start in range(0, len(numbers), step):
        odd[start : start + step] = np.bitwise_count(numbers[start : start + step, None] & columns) & 1
    return odd


def as_code(given: Any) -> ClassCode:
    """Return a code as it is, bits (C, O) or integers (C,) as a code; TypeError or ValueError where they are none."""
    if isinstance(given, ClassCode):
        return given
    numbers = given.tolist() if isinstance(given, np.ndarray) and given.ndim == 1 else given
    if isinstance(numbers, (list, tuple)) and not any(isinstance(each, (list, tuple, np.ndarray)) for each in numbers):
        return ClassCode.of_integers(numbers)
    if isinstance(numbers, (str, bytes)) or not hasattr(numbers, "__len__"):
        instance_of("code", given, ClassCode, "or words: bits (classes, length), or integers")
    return ClassCode(numbers)
