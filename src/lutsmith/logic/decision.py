"""The logic after the counts of a head: the affine map to scores and the decision; words pass through.

Scores are exact integers, in the shortest words that hold all possible values; two's complement where one could be
negative. The scale and offset of a regression are real numbers: the reader of the scores has to apply them.
"""

from __future__ import annotations

import numpy as np

from lutsmith.circuit.heads import Head
from lutsmith.circuit.results import AnyHead, IntegerHead
from lutsmith.ground.arrays import runs
from lutsmith.logic.arithmetic import any_of, argmax, signed_digits, total
from lutsmith.logic.design import Part, Port
from lutsmith.logic.folding import FALSE, FoldingBuilder, Literals
from lutsmith.logic.heads import EachHead, heads_of
from lutsmith.logic.popcount import counts_port


def decision_part(head: AnyHead, num_outputs: int, objective: str | None, *, scores: bool = True) -> Part:
    """Return the part `decision`: from the port counts to the results of the objective.

    Ports of a head of popcounts: label for classification, the lowest class of the highest score, one word a place;
    labels for several labels, one bit each, set where the score is above 0; and scores, which a regression always has.
    For integers, a port for each word, one word a place. For several heads, names begin with that of the head and _.
    Without any popcounts the part follows the network, and takes the port outputs.

    Args:
        head: turns counts into scores, or bits into integers.
        num_outputs: O, bits of the network.
        objective: as in `Circuit`.
        scores: whether there is a port of scores beside the decision.
    """
    logic = FoldingBuilder()
    heads = heads_of(head, num_outputs, objective)
    counted = tuple(counts_port(each) for each in heads)
    if not any(isinstance(each.head, Head) for each in heads):
        counted = (Port("outputs", 1, num_outputs),)
    bits = logic.input(sum(port.size for port in counted))
    ends: list[tuple[Port, Literals]] = []
    start = 0
    for each in heads:
        size = counts_port(each).size
        own, start = bits[start : start + size], start + size
        ends += (
            _integers(each, each.head, own)
            if isinstance(each.head, IntegerHead)
            else _decided(logic, each, each.head, own, scores=scores)
        )
    netlist = logic.build(np.concatenate([literals.reshape(-1) for _, literals in ends]))
    return Part("decision", netlist, counted, tuple(port for port, _ in ends))


def _decided(
    logic: FoldingBuilder, each: EachHead, head: Head, bits: Literals, *, scores: bool
) -> list[tuple[Port, Literals]]:
    """Return the ports of a head of popcounts, and their bits."""
    counts = counts_port(each)
    words = bits.reshape(counts.count, counts.width)
    port = scores_port(each)
    values = _affine(logic, head, words, port.width)
    ends: list[tuple[Port, Literals]] = []
    if each.objective == "multilabel":
        negative = values[:, -1] if port.signed else np.full(len(values), FALSE, np.int64)
        rest = values[:, :-1] if port.signed else values
        set_ = logic.lut(np.stack([any_of(logic, rest), negative], axis=1), np.uint64(0b0010))
        ends.append((Port(f"{each.prefix}labels", 1, port.count), set_))
    elif each.objective != "regression":
        comparable = values.copy()
        if port.signed:
            comparable[:, -1] ^= 1  # the order of two's complement, once the sign is turned
        places = comparable.reshape(head.places, head.num_classes, port.width)
        label = np.stack([argmax(logic, place) for place in places])
        ends.append((Port(f"{each.prefix}label", label.shape[1], head.places), label))
    if scores or each.objective == "regression":
        ends.append((port, values))
    return ends


def _integers(each: EachHead, head: IntegerHead, bits: Literals) -> list[tuple[Port, Literals]]:
    """Return the port of each word, and its bits: those of the first place first."""
    length = sum(word.bits for word in head.words)
    places = bits.reshape(-1, length)
    ends, end = [], 0
    for word in head.words:
        start, end = end, end + word.bits
        port = Port(f"{each.prefix}{word.name}", word.bits, len(places), signed=word.signed)
        ends.append((port, places[:, start:end]))
    return ends


def scores_port(each: EachHead) -> Port:
    """Return the port of the scores: the shortest words, signed if need be, for all scores of all classes."""
    head = each.head
    assert isinstance(head, Head)
    low, high = head.reach(head.group_size(each.outputs))
    width = max(high.bit_length() if high > 0 else 0, (~low).bit_length() if low < 0 else 0)
    return Port(f"{each.prefix}scores", max(1, width + (low < 0)), head.places * head.num_classes, signed=low < 0)


def _affine(logic: FoldingBuilder, head: Head, words: Literals, width: int) -> Literals:
    """Return the scores (C, width) of counts (G, m), of one place after the other: sums of shifted counts, one for each
    signed digit of a weight.

    Less x is its complement and a constant: -x is ~x + 1 - 2^m for x of m bits. Sums are modulo 2^width.
    """
    if head.is_plain:
        return words
    classes, length = head.places * head.num_classes, words.shape[1]
    weights = np.eye(head.num_classes, dtype=np.int64) if head.weights is None else head.weights.astype(np.int64)
    bias = np.zeros(head.num_classes, np.int64) if head.bias is None else head.bias.astype(np.int64)
    constant = np.tile(bias, head.places)
    places = np.arange(head.places)[:, None]
    rows, columns, bits = [], [], []
    for shift, digits in enumerate(signed_digits(weights)[:width]):
        row, group = np.nonzero(digits)
        less = np.tile(digits[row, group] < 0, head.places)
        row, group = (row + head.num_classes * places).reshape(-1), (group + head.num_groups * places).reshape(-1)
        np.add.at(constant, row[less], (1 - (1 << length)) << shift)
        for place in range(min(length, width - shift)):
            rows.append(row)
            columns.append(np.full(row.size, shift + place))
            bits.append(words[group, place] ^ less)
    row, column, bit = (np.concatenate([*parts, np.zeros(0, np.int64)]) for parts in (rows, columns, bits))
    heap = []
    for place in range(width):
        here = np.flatnonzero(column == place)
        here = here[np.argsort(row[here], kind="stable")]
        heights = np.bincount(row[here], minlength=classes)
        filled = np.full((classes, int(heights.max()) + 1), FALSE, np.int64)
        filled[row[here], runs(np.zeros_like(heights), heights)] = bit[here]
        filled[:, -1] = constant >> place & 1
        heap.append(filled)
    return total(logic, heap, width)
