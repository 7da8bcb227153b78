"""What a design should be: its parts and their ports, and encoder and decision as the plainest circuits there are.

Widths come from the circuit, by counting; comparators, search and signs are one gate after another, bit by bit. They
share no code with `logic`, which is measured by them, but for the records `Port` and `Words`, and what words stand for
(`Grid.value`). Sums have a proof of their own: `sums`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.grid import Grid
from lutsmith.circuit.heads import Head
from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
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
    bits, last = (Port("bits", 1, circuit.netlist.num_inputs),), (Port("outputs", 1, outputs),)
    parts = []
    if words is not None:
        length = FLOAT_BITS if words.grid is None else words.grid.bits
        parts.append(Ports("encoder", (Port("x", length, circuit.encoder.num_features),), bits))
    parts.append(Ports("network", bits, last))
    if head and circuit.head is not None:
        size = outputs // circuit.head.num_groups
        counts = (Port("counts", _width(0, size), circuit.head.num_groups),)
        parts.append(Ports("popcount", last, counts))
        parts.append(Ports("decision", counts, _results(circuit.head, size, circuit.objective, scores)))
    return tuple(parts)


def _results(head: Head, size: int, objective: str | None, scores: bool) -> tuple[Port, ...]:
    """Return the ports of the decision on groups of `size` bits."""
    classes = head.num_groups if head.weights is None else len(head.weights)
    low, high = 0, size
    if head.weights is not None or head.bias is not None:
        weights = np.eye(classes, dtype=np.int64) if head.weights is None else head.weights.astype(np.int64)
        bias = np.zeros(classes, np.int64) if head.bias is None else head.bias.astype(np.int64)
        low = int((size * np.where(weights < 0, weights, 0).sum(axis=1) + bias).min())
        high = int((size * np.where(weights > 0, weights, 0).sum(axis=1) + bias).max())
    values = Port("scores", _width(low, high), classes, signed=low < 0)
    if objective == "regression":
        return (values,)
    result = Port("labels", 1, classes) if objective == "multilabel" else Port("label", _width(0, classes - 1))
    return (result, values) if scores else (result,)


def _width(low: int, high: int) -> int:
    """Return the bits of the shortest word that holds `low` to `high`, in two's complement if `low` is negative."""
    width = 1
    while not (-(1 << width - 1) <= low and high < 1 << width - 1 if low < 0 else high < 1 << width):
        width += 1
    return width


def encoder_specification(comparators: Comparators, words: Words) -> Netlist:
    """Return a netlist from the bits of all words to the comparators' bits, as the part `encoder` has them."""
    builder = NetlistBuilder(words.num_features * words.bits)
    x = np.arange(words.num_features * words.bits, dtype=np.int32).reshape(words.num_features, words.bits)
    feature, threshold = comparators.feature, comparators.threshold
    if words.grid is not None:
        return builder.build(_above(builder, x[feature], _limits(words.grid, feature, threshold)))
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
    return builder.build(_gate(builder, _AND_NOT, chosen, nan))


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


def _above(builder: NetlistBuilder, words: _Signals, limits: NDArray[np.int64]) -> _Signals:
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
    result = np.where(limits < 0, builder.constant(True), result)
    return np.where(limits >= highest, builder.constant(False), result).astype(np.int32)


def _gate(builder: NetlistBuilder, table: int, *inputs: _Signals) -> _Signals:
    """Return the signals of one gate on each of the inputs (W,)."""
    return builder.lut(np.stack(inputs, axis=1), np.full(inputs[0].size, table, np.uint64))
