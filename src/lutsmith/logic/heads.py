"""The heads of a circuit one by one: which outputs each reads, and the names of its ports."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.circuit.results import AnyHead, Heads, IntegerHead, integers_of
from lutsmith.ground.labels import Label


@dataclass(frozen=True)
class EachHead:
    """One head. Immutable.

    Attributes:
        prefix: the beginning of the names of its ports: empty, or with several heads its name and "_".
        head: popcounts or integers.
        first: the first output that it reads.
        outputs: how many it reads.
        objective: what scores mean, as in `Circuit`.
        classes: names of classes, labels or targets.
    """

    prefix: str
    head: Head | IntegerHead
    first: int
    outputs: int
    objective: str | None = None
    classes: tuple[Label, ...] | None = None


def heads_of(
    head: AnyHead | None, outputs: int, objective: str | None = None, classes: tuple[Label, ...] | None = None
) -> tuple[EachHead, ...]:
    """Return the heads on so many outputs; none where there is no head."""
    if head is None:
        return ()
    if not isinstance(head, Heads):
        return (EachHead("", head, 0, outputs, objective, classes),)
    found, first = [], 0
    for name, part in head.items():
        found.append(EachHead(f"{name}_", part.head, first, part.outputs, part.objective, part.classes))
        first += part.outputs
    return tuple(found)


def heads_of_circuit(circuit: Circuit) -> tuple[EachHead, ...]:
    """Return the heads of a circuit."""
    return heads_of(circuit.head, circuit.netlist.outputs.size, circuit.objective, circuit.classes)


def words_at_ports(circuit: Circuit, outputs: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """Return the words (N, count) at each output port that a design of a circuit has, of output bits (N, O)."""
    ports: dict[str, NDArray[Any]] = {"outputs": outputs}
    for each in heads_of_circuit(circuit):
        own = outputs[:, each.first : each.first + each.outputs]
        if isinstance(each.head, IntegerHead):
            for word, bits in each.head.bits(own):
                ports[each.prefix + word.name] = integers_of(bits, signed=word.signed)
            continue
        scores = each.head.scores(own)
        ports[f"{each.prefix}scores"] = scores
        decided = each.head.decide(scores, each.objective)
        ports[f"{each.prefix}{'labels' if each.objective == 'multilabel' else 'label'}"] = decided
    return {name: words.reshape(len(words), math.prod(words.shape[1:])) for name, words in ports.items()}
