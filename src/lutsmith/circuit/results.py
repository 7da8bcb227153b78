"""Heads other than popcounts: integers made of output bits, and several named heads of one network."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.heads import OBJECTIVES, Head, checked_places
from lutsmith.ground.arguments import whole_number
from lutsmith.ground.labels import Label, checked_labels

MAX_WORD_BITS = 1 << 16
"""Of an integer that a circuit gives."""

_NAME = re.compile("[A-Za-z][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True)
class OutputWord:
    """An integer that a circuit gives. Immutable.

    Attributes:
        name: an identifier: letters, digits and _, a letter first.
        bits: 1 to 65,536.
        signed: whether it is two's complement.

    Raises:
        TypeError, ValueError: another name or number of bits.
    """

    name: str
    bits: int
    signed: bool = False

    def __post_init__(self) -> None:
        checked_name("word", self.name)
        whole_number("bits", self.bits, 1, MAX_WORD_BITS, "the bits of a word")
        if not isinstance(self.signed, bool):
            raise TypeError(f"signed is {self.signed!r}, expected True or False")


@dataclass(frozen=True)
class IntegerHead:
    """Integers made of output bits. Immutable.

    The outputs are the bits of the first word, the least significant first, those of the second, and so on; with a
    `shape`, all words of its first place (in C order), all of the second, and so on.

    Attributes:
        words: at least one, of distinct names.
        shape: of the places that have words of their own; () is one of each.

    Raises:
        TypeError, ValueError: no words, or two of one name; no shape.
    """

    words: tuple[OutputWord, ...]
    shape: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        words = tuple(self.words)
        if not words or not all(isinstance(word, OutputWord) for word in words):
            raise TypeError(f"words are {self.words!r}, expected at least one OutputWord")
        check_distinct("words", [word.name for word in words])
        object.__setattr__(self, "words", words)
        object.__setattr__(self, "shape", checked_places(self.shape))

    @property
    def num_outputs(self) -> int:
        """How many output bits it reads."""
        return math.prod(self.shape) * sum(word.bits for word in self.words)

    def check(self, num_outputs: int) -> None:
        """Raise ValueError unless a circuit has exactly so many output bits."""
        if num_outputs != self.num_outputs:
            raise ValueError(f"{num_outputs} outputs for words of {self.num_outputs} bits in all")

    def bits(self, outputs: NDArray[np.bool_]) -> Iterator[tuple[OutputWord, NDArray[np.bool_]]]:
        """Yield each word and its bits, bool (N, *shape, word.bits), of output bits (N, O)."""
        self.check(outputs.shape[1])
        places = outputs.reshape(len(outputs), *self.shape, sum(word.bits for word in self.words))
        end = 0
        for word in self.words:
            start, end = end, end + word.bits
            yield word, places[..., start:end]

    def integers(self, outputs: NDArray[np.bool_]) -> NDArray[Any] | dict[str, NDArray[Any]]:
        """Return the integers (N, *shape) of output bits (N, O); several words as a dict by their names.

        They are int64 where all of a word fit, uint64 for unsigned words of 64 bits, and Python integers (an array of
        objects) for longer ones.
        """
        values = {word.name: integers_of(bits, signed=word.signed) for word, bits in self.bits(outputs)}
        return values if len(values) > 1 else next(iter(values.values()))

    def limbs(self, outputs: NDArray[np.bool_]) -> dict[str, NDArray[np.uint64]]:
        """Return each word in pieces of 64 bits, the lowest first: uint64 (N, *shape, ceil(bits / 64)), by name.

        The bits of the last piece above the word's own are its sign, or 0.
        """
        return {word.name: _limbs(bits, word.signed) for word, bits in self.bits(outputs)}


@dataclass(frozen=True, eq=False)
class Result:
    """One of several heads of a network. Immutable.

    Attributes:
        head: popcounts, or integers.
        outputs: how many output bits it reads.
        objective: what scores mean, as in `Circuit`; None for integers.
        classes: names of classes, labels or targets; None where they have none.

    Raises:
        TypeError, ValueError: parts that do not fit together.
    """

    head: Head | IntegerHead
    outputs: int
    objective: str | None = None
    classes: tuple[Label, ...] | None = None

    def __post_init__(self) -> None:
        whole_number("outputs", self.outputs, 1, (1 << 31) - 1, "the output bits of a head")
        object.__setattr__(self, "classes", checked_result(self.head, self.outputs, self.objective, self.classes))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Result) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[Any, ...]:
        return self.head, self.outputs, self.objective, self.classes

    @property
    def has_scores(self) -> bool:
        """Whether there are scores: a head of integers has none."""
        return isinstance(self.head, Head)

    def decide(self, outputs: NDArray[np.bool_]) -> Any:
        """Return what its output bits (N, outputs) mean: as `Circuit.predict`."""
        if isinstance(self.head, IntegerHead):
            return self.head.integers(outputs)
        return self.head.decide(self.head.scores(outputs), self.objective)


class Heads(Mapping[str, Result]):
    """Several named heads on the outputs of one network: a mapping from names to results, in order. Immutable.

    The first reads the first outputs, the second those that follow, and so on.

    Args:
        results: at least one, by name; names are identifiers.

    Raises:
        TypeError, ValueError: no results, or another name.
    """

    def __init__(self, results: Mapping[str, Result]) -> None:
        self._results = dict(results)
        if not self._results or not all(isinstance(result, Result) for result in self._results.values()):
            raise TypeError("heads are a mapping of names to Result, with at least one")
        for name in self._results:
            checked_name("head", name)
        check_distinct("heads", list(self._results))

    def __getitem__(self, name: str) -> Result:
        return self._results[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)

    def __repr__(self) -> str:
        return f"Heads({', '.join(f'{name}: {result.head!r}' for name, result in self.items())})"

    def __eq__(self, other: object) -> bool:
        """Whether names, results and their order are the same: the order says which outputs they read."""
        return isinstance(other, Heads) and tuple(self.items()) == tuple(other.items())

    def __hash__(self) -> int:
        return hash(tuple(self.items()))

    @property
    def num_outputs(self) -> int:
        """How many output bits all of them read."""
        return sum(result.outputs for result in self.values())

    def check(self, num_outputs: int) -> None:
        """Raise ValueError unless a circuit has exactly so many output bits."""
        if num_outputs != self.num_outputs:
            raise ValueError(f"{num_outputs} outputs for heads that read {self.num_outputs}")

    def bits(self, outputs: NDArray[np.bool_]) -> Iterator[tuple[str, Result, NDArray[np.bool_]]]:
        """Yield name, result and output bits (N, result.outputs) of each head, of output bits (N, O)."""
        self.check(outputs.shape[1])
        end = 0
        for name, result in self.items():
            start, end = end, end + result.outputs
            yield name, result, outputs[:, start:end]


AnyHead = Head | IntegerHead | Heads
"""What a circuit may have behind its output bits."""


def checked_result(
    head: AnyHead, outputs: int, objective: str | None, classes: Any, kinds: tuple[type, ...] = (Head, IntegerHead)
) -> tuple[Label, ...] | None:
    """Return the classes of a head after a check that head, objective and classes fit each other and the outputs.

    Raises:
        TypeError, ValueError: they do not.
    """
    if not isinstance(head, kinds):
        raise TypeError(f"head is a {type(head).__name__}, expected {' or '.join(kind.__name__ for kind in kinds)}")
    if objective is not None and objective not in OBJECTIVES:
        raise ValueError(f"objective is {objective!r}, expected None or one of {OBJECTIVES}")
    head.check(outputs)
    if not isinstance(head, Head):
        if objective is not None or classes is not None:
            raise ValueError("integers, and several heads together, have no objective and no classes of their own")
        return None
    if objective != "regression" and (head.scale is not None or head.offset is not None):
        raise ValueError(f"a head with a scale or offset is one for regression, and objective is {objective!r}")
    labels = None if classes is None else checked_labels(classes)
    if labels is not None and len(labels) != head.num_classes:
        raise ValueError(f"{len(labels)} classes for a head of {head.num_classes}")
    return labels


def checked_name(what: str, name: Any) -> str:
    """Return a name that every format takes: up to 64 letters, digits and _, a letter first."""
    if not isinstance(name, str):
        raise TypeError(f"the name of a {what} is {name!r}, expected a string")
    if not _NAME.fullmatch(name):
        raise ValueError(f"the name of a {what} is {name!r}, expected up to 64 letters, digits and _, a letter first")
    return name


def integers_of(bits: NDArray[np.bool_], *, signed: bool) -> NDArray[Any]:
    """Return the integers (...) of words of bits (..., b), the least significant bit first.

    int64 where all words of so many bits fit, uint64 for unsigned ones of 64, else Python integers (objects).
    """
    length = bits.shape[-1]
    limbs = _limbs(bits, signed)
    if length <= 64:
        low = limbs[..., 0]
        return low if length == 64 and not signed else low.view(np.int64)
    data, size = np.ascontiguousarray(limbs, "<u8").tobytes(), 8 * limbs.shape[-1]
    values = np.empty(limbs.shape[:-1], object)
    values.reshape(-1)[:] = [
        int.from_bytes(data[start : start + size], "little", signed=signed) for start in range(0, len(data), size)
    ]
    return values


def check_distinct(what: str, names: list[str]) -> None:
    """Raise ValueError where two names are the same but for capitals: not every language tells these apart."""
    if len({name.lower() for name in names}) < len(names):
        raise ValueError(f"two {what} have the same name: {', '.join(names)}")


def _limbs(bits: NDArray[np.bool_], signed: bool) -> NDArray[np.uint64]:
    missing = -bits.shape[-1] % 64
    sign = bits[..., -1:] if signed else np.zeros_like(bits[..., :1])
    padded = np.concatenate([bits, np.repeat(sign, missing, axis=-1)], axis=-1)
    octets = np.packbits(np.ascontiguousarray(padded), axis=-1, bitorder="little")
    return octets.view("<u8").astype(np.uint64, copy=False)
