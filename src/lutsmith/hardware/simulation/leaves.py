"""The arrays that programs give for answers that may be several, by names of heads and of words: sent one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.results import Heads, IntegerHead, OutputWord
from lutsmith.hardware.simulation.answers import Answers, exactly
from lutsmith.hardware.tools.tool import ToolFailed


@dataclass(frozen=True)
class Leaf:
    """One array of a circuit's answers.

    Attributes:
        answer: outputs, scores or results.
        path: the names by which it is found there.
        dtype: of the circuit's own answer.
        shape: for a sample.
        word: the integer that it is, if it is one.
    """

    answer: str
    path: tuple[str, ...]
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    word: OutputWord | None = None

    @property
    def bits(self) -> int:
        """Of the integer; 0 where it is none."""
        return 0 if self.word is None else self.word.bits

    @property
    def name(self) -> str:
        """The answer and the path, for messages."""
        return " of ".join([self.answer, *self.path])


def leaves(circuit: Circuit) -> list[Leaf]:
    """Return the arrays of a circuit's answers: outputs, scores, results, in the order of heads and words."""
    nothing = Answers.of_outputs(circuit, np.zeros((0, circuit.netlist.outputs.size), np.bool_))
    words = _words(circuit)
    found = []
    for answer in ("outputs", "scores", "results"):
        for path, array in _arrays((), getattr(nothing, answer)):
            word = words.get(path) if answer == "results" else None
            found.append(Leaf(answer, path, array.dtype, array.shape[1:], word))
    return found


def assembled(some: Sequence[Leaf], arrays: Sequence[NDArray[Any]]) -> Answers:
    """Return arrays (N, *shape), of the types of the leaves or of types that hold them exactly, as answers.

    Raises:
        ToolFailed: an array holds what its type does not.
    """
    parts: dict[str, Any] = {}
    for leaf, array in zip(some, arrays, strict=True):
        place, *rest = (leaf.answer, *leaf.path)
        inner = parts
        for name in rest:
            inner = inner.setdefault(place, {})
            place = name
        inner[place] = array if array.dtype == leaf.dtype else exactly(leaf.name, array, leaf.dtype)
    return Answers(**parts)


def of_limbs(leaf: Leaf, limbs: NDArray[np.uint64]) -> NDArray[Any]:
    """Return integers in two's complement (N, *shape, L), 64 bits a limb, the lowest first, in the type of a leaf.

    Raises:
        ToolFailed: one is not of that type.
    """
    size = 8 * limbs.shape[-1]
    data = np.ascontiguousarray(limbs, "<u8").tobytes()
    whole = [int.from_bytes(data[at : at + size], "little", signed=True) for at in range(0, len(data), size)]
    try:
        values = np.array(whole, leaf.dtype)
    except OverflowError:
        raise ToolFailed(f"{leaf.name} hold integers that are not {leaf.dtype.name}") from None
    return values.reshape(limbs.shape[:-1])


def _arrays(path: tuple[str, ...], answer: Any) -> list[tuple[tuple[str, ...], NDArray[Any]]]:
    if answer is None:
        return []
    if isinstance(answer, dict):
        return [found for name, part in answer.items() for found in _arrays((*path, name), part)]
    return [(path, answer)]


def _words(circuit: Circuit) -> dict[tuple[str, ...], OutputWord]:
    """Return the integers that a circuit gives, by their paths."""
    heads = circuit.head
    each = {(name,): part.head for name, part in heads.items()} if isinstance(heads, Heads) else {(): heads}
    found: dict[tuple[str, ...], OutputWord] = {}
    for path, head in each.items():
        if isinstance(head, IntegerHead):
            several = len(head.words) > 1
            found |= {(*path, *[word.name] * several): word for word in head.words}
    return found
