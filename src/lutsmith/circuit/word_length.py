"""Word lengths: thresholds on the grid of the words that hardware sees, and what fewer bits cost.

Hardware reads each feature as a word of b bits. Its **grid** has 2^b values from the lowest fitted value up, a step
apart: the k-th is `low + k step`. The step is `(high - low) / (2^b - 1)`, rounded up to one part of a whole number,
`1/1, 1/2, 1/3, ...`, where it is at most 1, so that integers whose range fits in the word lie on the grid.

A threshold is **snapped** to the largest value of the grid that is not above it. For every x on the grid, x > t is then
what it was before: snapping costs nothing where the data are words already (bytes, say). Other numbers compare with a
snapped threshold as their words do when they are rounded up to the grid. Values outside of the fitted range saturate in
a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.grid import Grid, checked_word
from lutsmith.circuit.netlist import with_inputs
from lutsmith.ground.alignment import aligned
from lutsmith.ground.arrays import numbered


@dataclass(frozen=True)
class WordLength:
    """What a circuit does when its features are words of `bits` bits.

    Attributes:
        bits: the length of a word; features that the circuit reads as words keep their own.
        accuracy: the share of samples that are classified correctly.
        comparators: how many different comparators are left.
        change: `accuracy` minus that of the circuit as it was.
    """

    bits: int
    accuracy: float
    comparators: int
    change: float


@dataclass(frozen=True)
class WordLengthReport(Sequence[WordLength]):
    """Word lengths and what they cost; `str()` is a table. A sequence of its rows.

    Attributes:
        accuracy: the share of samples that the circuit classifies correctly with the thresholds that it has.
        comparators: the comparators that it has.
        rows: one for each word length, in the order in which they were asked for.
    """

    accuracy: float
    comparators: int
    rows: tuple[WordLength, ...]

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[WordLength]:
        return iter(self.rows)

    def __str__(self) -> str:
        rows = [("bits", "accuracy", "change", "comparators")]
        rows += [(f"{row.bits}", f"{row.accuracy:.2%}", f"{row.change:+.2%}", f"{row.comparators:,}") for row in self]
        rows.append(("float", f"{self.accuracy:.2%}", "", f"{self.comparators:,}"))
        return "\n".join(aligned(rows, left=()))


def snap(thresholds: ArrayLike, low: ArrayLike, high: ArrayLike, bits: int) -> NDArray[np.float32]:
    """Return thresholds moved down to the grid of `bits`-bit words for the range [low, high]; the module defines the
    grid.

    Everything at or above the highest word becomes that word, everything below the lowest one step below it. Infinite
    thresholds stay, and so do those of a feature whose low equals its high: it has no grid.

    Args:
        thresholds: float32, any shape; NaN is not allowed.
        low: float32, the lowest fitted value, of a shape that broadcasts against `thresholds`.
        high: float32, the highest, likewise.
        bits: the length of a word, 1 to 24.

    Raises:
        TypeError, ValueError: `bits` is not such a number.
    """
    at = np.asarray(thresholds, np.float32)
    bottom, top = np.asarray(low, np.float64), np.asarray(high, np.float64)
    grid = Grid.covering(bottom, top, bits)
    word = grid.floor(at)
    under = np.minimum((bottom - 1 / grid.per_unit).astype(np.float32), np.nextafter(np.float32(bottom), -np.inf))
    on_grid = np.where(word < 0, under, grid.value(word))
    fixed: NDArray[np.bool_] = np.isinf(at) | ~(top > bottom)
    return np.where(fixed, at, on_grid).astype(np.float32)


def snapped(circuit: Circuit, word_length: int) -> Circuit:
    """Return the circuit with its thresholds on the grid of words of `word_length` bits, and equal comparators merged.

    The LUTs stay as they are. The range of each feature is that of the data that the circuit was fitted on
    (`circuit.fitted_range`); features that were constant keep their thresholds. The metadata record the `input_bits`;
    where a threshold moved, they no longer hold an accuracy. Features that the circuit reads as words (`circuit.words`)
    stay words of their own length.

    Raises:
        TypeError, ValueError: `word_length` is not an int from 1 to 24, or the circuit has no fitted range, or it reads
            words alone and compares nothing.
    """
    bits = checked_word(word_length, "word_length")
    if circuit.words is not None and not len(circuit.encoder):
        raise ValueError(
            f"the circuit reads its features as words already, of up to {circuit.words.longest} bits, and compares "
            f"nothing that words of {bits} bits could change: measure it as it is"
        )
    if circuit.fitted_range is None:
        raise ValueError(
            f"the circuit has no fitted_range, which words of {bits} bits would cover: give it one, such as "
            "dataclasses.replace(circuit, fitted_range=(low, high)) with the least and greatest value of each feature"
        )
    feature = circuit.encoder.feature
    low, high = (bound[feature] for bound in circuit.fitted_range)
    threshold = snap(circuit.encoder.threshold, low, high, bits) + np.float32(0)  # -0.0 is 0.0
    pairs = np.stack([feature.astype(np.float64), threshold.astype(np.float64)])
    kept, place = numbered(pairs, axis=1)  # comparators stay in their order
    others = kept.size + np.arange(len(circuit.inputs) - feature.size)
    moved = not np.array_equal(threshold, circuit.encoder.threshold)
    metadata = circuit.metadata.unmeasured() if moved else circuit.metadata
    return replace(
        circuit,
        encoder=Comparators(feature[kept], threshold[kept], circuit.encoder.num_features),
        netlist=with_inputs(circuit.netlist, np.concatenate([place, others]), kept.size + others.size),
        metadata=replace(metadata, input_bits=bits),
    )


def word_length_report(
    circuit: Circuit, X: ArrayLike, y: ArrayLike, word_lengths: Sequence[int] = (4, 5, 6, 8, 10, 12, 16)
) -> WordLengthReport:
    """Measure the accuracy of a circuit whose features are words, for each word length.

    Args:
        circuit: a classifier with a fitted range.
        X: (N, *input_shape) or (N, F) numbers, at least one sample.
        y: (N,) int, the class of each sample, an index as `circuit.predict` returns it.
        word_lengths: in bits, each 1 to 24.

    Raises:
        TypeError, ValueError: the circuit is not a classifier or has no fitted range, or arguments that do not fit.
    """
    if not circuit.is_classifier:
        raise ValueError("the report counts classes, but the circuit is not a classifier: compare outputs of snapped()")
    labels = np.asarray(y)
    plain = circuit.predict(X)
    if labels.shape != plain.shape or labels.size == 0:
        raise ValueError(f"y has shape {labels.shape} for {plain.size} samples; expected one class each, at least one")
    accuracy = float(np.mean(plain == labels))
    rows = []
    for length in [checked_word(length, "word_lengths") for length in word_lengths]:
        narrow = snapped(circuit, length)
        reached = float(np.mean(narrow.predict(X) == labels))
        rows.append(WordLength(length, reached, len(narrow.encoder), reached - accuracy))
    return WordLengthReport(accuracy, len(circuit.encoder), tuple(rows))
