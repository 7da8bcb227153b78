"""What follows the counts of a head as logic: the affine map to scores, and the decision by them.

Scores are exact integers, in the shortest words that hold all that they can be; two's complement where one could be
negative. The scale and offset of a regression are real numbers: they stay with whoever reads the scores.
"""

from __future__ import annotations

import numpy as np

from lutsmith.circuit.heads import Head
from lutsmith.ground.arrays import runs
from lutsmith.logic.arithmetic import any_of, argmax, signed_digits, total
from lutsmith.logic.design import Part, Port
from lutsmith.logic.folding import FALSE, FoldingBuilder, Literals
from lutsmith.logic.popcount import counts_port


def decision_part(head: Head, num_outputs: int, objective: str | None, *, scores: bool = True) -> Part:
    """Return the part `decision`: port counts, to what the objective makes of them.

    Ports: label for classification, one word, the lowest class of the highest score; labels for several labels, one bit
    each, set where the score is above 0; and scores, which a regression always has.

    Args:
        head: turns counts into scores.
        num_outputs: O, bits of the network.
        objective: as in `Circuit`.
        scores: whether there is a port of scores beside the decision.
    """
    logic = FoldingBuilder()
    counts = counts_port(head, num_outputs)
    words = logic.input(counts.size).reshape(counts.count, counts.width)
    port = scores_port(head, num_outputs)
    values = _affine(logic, head, words, port.width)
    ends: list[tuple[Port, Literals]] = []
    if objective == "multilabel":
        negative = values[:, -1] if port.signed else np.full(len(values), FALSE, np.int64)
        rest = values[:, :-1] if port.signed else values
        set_ = logic.lut(np.stack([any_of(logic, rest), negative], axis=1), np.uint64(0b0010))
        ends.append((Port("labels", 1, head.num_classes), set_))
    elif objective != "regression":
        comparable = values.copy()
        if port.signed:
            comparable[:, -1] ^= 1  # the order of two's complement, once the sign is turned
        label = argmax(logic, comparable)
        ends.append((Port("label", label.size), label))
    if scores or objective == "regression":
        ends.append((port, values))
    netlist = logic.build(np.concatenate([literals.reshape(-1) for _, literals in ends]))
    return Part("decision", netlist, (counts,), tuple(port for port, _ in ends))


def scores_port(head: Head, num_outputs: int) -> Port:
    """Return the port of the scores: the shortest words, signed if need be, for all scores of all classes."""
    low, high = head.reach(num_outputs // head.num_groups)
    width = max(high.bit_length() if high > 0 else 0, (~low).bit_length() if low < 0 else 0)
    return Port("scores", max(1, width + (low < 0)), head.num_classes, signed=low < 0)


def _affine(logic: FoldingBuilder, head: Head, words: Literals, width: int) -> Literals:
    """Return the scores (C, width) of counts (G, m): sums of shifted counts, one for each signed digit of a weight.

    Less x is its complement and a constant: -x is ~x + 1 - 2^m for x of m bits. Sums are modulo 2^width.
    """
    if head.is_plain:
        return words
    classes, length = head.num_classes, words.shape[1]
    weights = np.eye(classes, dtype=np.int64) if head.weights is None else head.weights.astype(np.int64)
    constant = np.zeros(classes, np.int64) if head.bias is None else head.bias.astype(np.int64)
    rows, columns, bits = [], [], []
    for shift, digits in enumerate(signed_digits(weights)[:width]):
        row, group = np.nonzero(digits)
        less = digits[row, group] < 0
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
