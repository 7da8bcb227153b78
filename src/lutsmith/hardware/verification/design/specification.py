"""What a design should be: its parts and their ports, and encoder and decision as circuits that are as plain as
possible.

Widths come from the circuit, by counting; comparators, search and signs are one gate after another, bit by bit. `logic`
is checked against them, so they share no code with it, except the records `Port` and `Words`, and the values of words
(`Grid.value`). Sums have a proof of their own: `sums`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.grid import Grid
from lutsmith.circuit.heads import Head
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.circuit.results import Heads, IntegerHead
from lutsmith.circuit.words import WordFormats
from lutsmith.logic.design import Port
from lutsmith.logic.words import Words

FLOAT_BITS = 32
"""Of an IEEE 754 binary32 number."""

_AND, _OR, _AND_NOT, _NOT = 0b1000, 0b1110, 0b0010, 0b01
"""Of x_0, x_1; the third is x_0 and not x_1."""
_MUX = 0b11001010
"""x_2 ? x_1 : x_0."""
_GREATER = 0b10110010
"""One step from the low bits up: bits x_0 > x_1, or equal and x_2, what the bits below say."""
_INFINITY = 0x7F80_0000

_Signals = NDArray[np.int32]


@dataclass(frozen=True)
class Ports:
    """A part of a design as it should be seen from outside.

    Attributes:
        name: encoder, network, popcount or decision.
        inputs: its ports, in order.
        outputs: the same.
    """

    name: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    @property
    def sizes(self) -> tuple[int, int]:
        """Bits in, bits out."""
        return sum(port.width * port.count for port in self.inputs), sum(
            port.width * port.count for port in self.outputs
        )


def ports_specification(
    circuit: Circuit, words: Words | None, *, head: bool = True, scores: bool = True
) -> tuple[Ports, ...]:
    """Return the parts that the design of a circuit should have, in order, with their ports.

    Words at each port are the shortest that hold all that they can be, and at least one bit; in two's complement where
    one could be negative. What they can be follows from the number of outputs and from the head.

    Args:
        circuit: any.
        words: what features are; None where comparators are left out, and the design begins with their bits.
        head: whether popcounts and the decision are in the design, if the circuit has a head.
        scores: whether scores are handed out beside a label or labels.
    """
    outputs = circuit.netlist.outputs.size
    bits: tuple[Port, ...] = (Port("bits", 1, circuit.netlist.num_inputs),)
    last: tuple[Port, ...] = (Port("outputs", 1, outputs),)
    parts = []
    if words is not None:
        parts.append(Ports("encoder", (Port("x", word_length(words), circuit.encoder.num_features),), bits))
    parts.append(Ports("network", bits, last))
    heads = heads_specification(circuit) if head else ()
    if any(isinstance(each.head, Head) for each in heads):
        counts = tuple(each.counts for each in heads)
        parts.append(Ports("popcount", last, counts))
        last = counts
    if heads:
        results = [port for each in heads for port in each.results(scores=scores)]
        parts.append(Ports("decision", last, tuple(results)))
    return tuple(parts)


def word_length(words: Words) -> int:
    """Return the bits of a word at the port x: of the longest of those that features come as."""
    lengths = [] if words.formats is None else words.formats.bits.tolist()
    if not words.formats_only:
        lengths.append(FLOAT_BITS if words.grid is None else words.grid.bits)
    return int(max(lengths))


@dataclass(frozen=True)
class HeadSpecification:
    """One head of a circuit, and what its ports should be.

    Attributes:
        prefix: what their names begin with.
        head: popcounts or integers.
        first: the first output of the network that it reads.
        outputs: how many it reads.
        objective: of its scores.
    """

    prefix: str
    head: Head | IntegerHead
    first: int
    outputs: int
    objective: str | None

    @property
    def places(self) -> int:
        """How many places have a result of their own."""
        return math.prod(self.head.shape)

    @property
    def size(self) -> int:
        """The outputs of a group."""
        assert isinstance(self.head, Head)
        return self.outputs // (self.places * self.head.num_groups)

    @property
    def counts(self) -> Port:
        """The port between popcounts and decision."""
        if isinstance(self.head, IntegerHead):
            return Port(f"{self.prefix}bits_of_words", 1, self.outputs)
        return Port(f"{self.prefix}counts", _width(0, self.size), self.places * self.head.num_groups)

    @property
    def scores(self) -> Port:
        """The port of scores."""
        head = self.head
        assert isinstance(head, Head)
        classes = head.num_groups if head.weights is None else len(head.weights)
        low, high = 0, self.size
        if head.weights is not None or head.bias is not None:
            weights = np.eye(classes, dtype=np.int64) if head.weights is None else head.weights.astype(np.int64)
            bias = np.zeros(classes, np.int64) if head.bias is None else head.bias.astype(np.int64)
            low = int((self.size * np.where(weights < 0, weights, 0).sum(axis=1) + bias).min())
            high = int((self.size * np.where(weights > 0, weights, 0).sum(axis=1) + bias).max())
        return Port(f"{self.prefix}scores", _width(low, high), self.places * classes, signed=low < 0)

    def results(self, *, scores: bool = True) -> tuple[Port, ...]:
        """The ports of the results."""
        if isinstance(self.head, IntegerHead):
            return tuple(
                Port(f"{self.prefix}{word.name}", word.bits, self.places, signed=word.signed)
                for word in self.head.words
            )
        values = self.scores
        if self.objective == "regression":
            return (values,)
        classes = values.count // self.places
        result = Port(f"{self.prefix}label", _width(0, classes - 1), self.places)
        if self.objective == "multilabel":
            result = Port(f"{self.prefix}labels", 1, values.count)
        return (result, values) if scores else (result,)


def heads_specification(circuit: Circuit) -> tuple[HeadSpecification, ...]:
    """Return the heads of a circuit, in the order in which they read outputs."""
    head = circuit.head
    if isinstance(head, Heads):
        found, first = [], 0
        for name, part in head.items():
            found.append(HeadSpecification(f"{name}_", part.head, first, part.outputs, part.objective))
            first += part.outputs
        return tuple(found)
    if head is None:
        return ()
    return (HeadSpecification("", head, 0, circuit.netlist.outputs.size, circuit.objective),)


def _width(low: int, high: int) -> int:
    """Return the bits of the shortest word that holds `low` to `high`, in two's complement if `low` is negative."""
    width = 1
    while not (-(1 << width - 1) <= low and high < 1 << width - 1 if low < 0 else high < 1 << width):
        width += 1
    return width


def encoder_specification(inputs: Inputs, words: Words) -> Netlist:
    """Return a netlist from the bits of all words to the inputs of the network, as the part `encoder` has them."""
    builder = NetlistBuilder(words.num_features * words.bits)
    x = np.arange(words.num_features * words.bits, dtype=np.int32).reshape(words.num_features, words.bits)
    feature, threshold = inputs.comparators.feature, inputs.comparators.threshold
    formats = words.formats
    compared = np.zeros(feature.size, np.int32)
    for place, (number, limit) in enumerate(zip(feature.tolist(), threshold, strict=True)):
        if formats is not None and number in formats.feature:
            own = int(np.flatnonzero(formats.feature == number)[0])
            compared[place] = _word_above(builder, x[number], formats[own : own + 1], limit)
    others = np.flatnonzero([formats is None or number not in formats.feature for number in feature.tolist()])
    compared[others] = _others_above(builder, x, feature[others], threshold[others], words)
    parts = [compared]
    if inputs.words is not None:
        parts.append(x[inputs.words.feature, inputs.words.bit])
    if inputs.missing.size:
        no = builder.constant(False)
        is_float = [words.is_float and (formats is None or number not in formats.feature) for number in inputs.missing]
        nan = _above(builder, x[inputs.missing, : FLOAT_BITS - 1], np.full(inputs.missing.size, _INFINITY, np.int64))
        parts.append(np.where(is_float, nan, no).astype(np.int32))
    return builder.build(np.concatenate(parts))


def _word_above(builder: NetlistBuilder, x: _Signals, formats: WordFormats, threshold: np.float32) -> int:
    """Return the signal of whether the number that a word stands for, as float32, is above a threshold.

    Level 0 is the lowest word; in two's complement that is the word whose sign alone is 1.
    """
    length, signed = int(formats.bits[0]), bool(formats.signed[0])
    half = 1 << length - 1
    limit, step = -1, 1 << length
    while step:
        level = limit + step
        if level < 1 << length:
            pattern = np.array([[level ^ half if signed else level]], np.uint64)
            if formats.numbers(pattern).astype(np.float32)[0, 0] <= threshold:
                limit = level
        step >>= 1
    bits = x[:length].copy()
    if signed:
        bits[-1:] = _gate(builder, _NOT, bits[-1:])
    return int(_above(builder, bits[None], np.array([limit], object))[0])


def _others_above(
    builder: NetlistBuilder, x: _Signals, feature: NDArray[np.int32], threshold: NDArray[np.float32], words: Words
) -> _Signals:
    """Return the signals of comparators of features that are not words of the circuit's."""
    if not feature.size:
        return np.zeros(0, np.int32)
    if words.grid is not None:
        return _above(builder, x[feature, : words.grid.bits], _limits(words.grid, feature, threshold))
    # IEEE 754 binary32: without the sign, bits order as numbers do, and those of NaN are above infinity.
    magnitude, sign = x[feature, : FLOAT_BITS - 1], x[feature, FLOAT_BITS - 1]
    pattern = threshold.view(np.uint32).astype(np.int64)
    limit = pattern & (1 << FLOAT_BITS - 1) - 1
    below_zero = (pattern >> FLOAT_BITS - 1 == 1) & (limit > 0)
    nan = _above(builder, magnitude, np.full(feature.size, _INFINITY, np.int64))
    larger = _above(builder, magnitude, limit)
    smaller = _gate(builder, _NOT, _above(builder, magnitude, limit - 1))
    positive = _gate(builder, _NOT, sign)
    # t >= 0: not negative and |x| > |t|.  t < 0: not negative, or |x| < |t|.
    above_positive = _gate(builder, _AND, positive, larger)
    above_negative = _gate(builder, _OR, positive, smaller)
    chosen = np.where(below_zero, above_negative, above_positive)
    return _gate(builder, _AND_NOT, chosen, nan)


def counts_specification(counts: Port, size: int) -> Netlist:
    """Return a netlist from the bits of any words to words that counts of `size` bits can be: larger ones become 0."""
    builder = NetlistBuilder(counts.count * counts.width)
    words = np.arange(counts.count * counts.width, dtype=np.int32).reshape(counts.count, counts.width)
    larger = _above(builder, words, np.full(counts.count, size, np.int64))
    return builder.build(_gate(builder, _AND_NOT, words.reshape(-1), np.repeat(larger, counts.width)))


def label_specification(count: int, width: int, *, signed: bool) -> Netlist:
    """Return a netlist from `count` scores of `width` bits to the label: the lowest class of the highest score.

    One class after the other: it takes over where its score is above the best so far.
    """
    builder = NetlistBuilder(count * width)
    scores = np.arange(count * width, dtype=np.int32).reshape(count, width)
    label = np.full(max(1, (count - 1).bit_length()), builder.constant(False), np.int32)
    best = scores[0]
    for number in range(1, count):
        first, second = scores[number].copy(), best.copy()
        if signed:  # where the signs differ, the number whose sign is 0 is the greater
            first[-1], second[-1] = second[-1], first[-1]
        greater = np.array([builder.constant(False)], np.int32)
        for a, b in zip(first, second, strict=True):
            greater = builder.lut(np.array([[a, b, greater[0]]]), np.array([_GREATER], np.uint64))
        best = _gate(builder, _MUX, best, scores[number], np.repeat(greater, width))
        bits = np.array([builder.constant(bool(number >> place & 1)) for place in range(label.size)], np.int32)
        label = _gate(builder, _MUX, label, bits, np.repeat(greater, label.size))
    return builder.build(label)


def labels_specification(count: int, width: int, *, signed: bool) -> Netlist:
    """Return a netlist from `count` scores of `width` bits to one bit each: whether the score is above 0."""
    builder = NetlistBuilder(count * width)
    scores = np.arange(count * width, dtype=np.int32).reshape(count, width)
    rest = scores[:, :-1] if signed else scores
    some = np.full(count, builder.constant(False), np.int32)
    for place in range(rest.shape[1]):
        some = _gate(builder, _OR, some, rest[:, place])
    return builder.build(_gate(builder, _AND_NOT, some, scores[:, -1]) if signed else some)


def _limits(grid: Grid, feature: NDArray[np.int32], threshold: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return int64 (I,), the highest word that stands for no more than the threshold, or -1: by bisection."""
    values = grid[feature]
    limit = np.full(feature.size, -1, np.int64)
    for place in reversed(range(grid.bits + 1)):
        word = limit + (1 << place)
        inside = word < 1 << grid.bits
        limit = np.where(inside & (values.value(np.where(inside, word, 0)) <= threshold), word, limit)
    return limit


def _above(builder: NetlistBuilder, words: _Signals, limits: NDArray[Any]) -> _Signals:
    """Return the signals (W,) of `word > limit` for words (W, b); limits may be negative, or beyond all words."""
    result = np.full(len(words), builder.constant(False), np.int32)
    for place in range(words.shape[1]):
        one = (limits >> place & 1).astype(np.bool_)
        result = np.where(
            one,
            _gate(builder, _AND, words[:, place], result),
            _gate(builder, _OR, words[:, place], result),
        ).astype(np.int32)
    highest = (1 << words.shape[1]) - 1
    result = np.where((limits < 0).astype(np.bool_), builder.constant(True), result)
    return np.where((limits >= highest).astype(np.bool_), builder.constant(False), result).astype(np.int32)


def _gate(builder: NetlistBuilder, table: int, *inputs: _Signals) -> _Signals:
    """Return the signals of one gate on each of the inputs (W,)."""
    return builder.lut(np.stack(inputs, axis=1), np.full(inputs[0].size, table, np.uint64))
