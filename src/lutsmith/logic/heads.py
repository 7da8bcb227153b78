"""The heads of a circuit one by one: which outputs each reads, and how its ports are called."""

from __future__ import annotations

from dataclasses import dataclass

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.circuit.results import AnyHead, Heads, IntegerHead
from lutsmith.ground.labels import Label


@dataclass(frozen=True)
class EachHead:
    """One head. Immutable.

    Attributes:
        prefix: what the names of its ports begin with: nothing, or of several heads the name and "_".
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
