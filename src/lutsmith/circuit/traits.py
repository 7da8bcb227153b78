"""What a circuit has beyond comparators, LUTs and one decision by popcounts, and clear errors where that is not
supported.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from lutsmith.circuit.heads import Head
from lutsmith.circuit.results import Heads, IntegerHead

if TYPE_CHECKING:
    from lutsmith.circuit.circuit import Circuit

TRAITS = ("words", "long words", "missing values", "integers", "several heads", "places", "registers", "parts")
"""In the order in which they are told: bits of words as inputs; such of more than 24 bits; missing values as inputs;
integers as results; several heads; a decision for each of several places; a state; parts with instances."""


def traits_of(circuit: Circuit) -> dict[str, str]:
    """Return the traits that a circuit has, with their counts, in words."""
    head = circuit.head
    heads = [result.head for result in head.values()] if isinstance(head, Heads) else [] if head is None else [head]
    words = circuit.words
    long = words is not None and words.formats.is_long
    said = {
        "words": "" if words is None else f"{len(words)} inputs that are bits of words",
        "long words": "words of more than 24 bits as inputs" if long else "",
        "missing values": f"{circuit.missing.size} inputs that are missing values" if circuit.missing.size else "",
        "integers": "integers as results" if any(isinstance(each, IntegerHead) for each in heads) else "",
        "several heads": f"{len(heads)} heads" if isinstance(head, Heads) else "",
        "places": "a result for each of several places" if any(each.shape for each in heads) else "",
        "registers": f"{circuit.netlist.num_registers} registers" if circuit.netlist.num_registers else "",
        "parts": f"{len(circuit.parts)} parts with instances" if circuit.parts else "",
    }
    return {trait: text for trait, text in said.items() if text}


def refuse(
    circuit: Circuit,
    traits: Collection[str],
    who: str,
    instead: str,
    error: type[ValueError] = ValueError,
) -> None:
    """Raise an error where a circuit has one of some traits.

    Args:
        circuit: any.
        traits: those of `TRAITS` that are not supported.
        who: what does not support them, such as "JavaScript".
        instead: what to do instead.
        error: the type of the error.
    """
    found = [text for trait, text in traits_of(circuit).items() if trait in traits]
    if found:
        raise error(f"the circuit has {' and '.join(found)}, which {who} does not take: {instead}")


def popcount_head(circuit: Circuit, who: str, instead: str, error: type[ValueError] = ValueError) -> Head | None:
    """Return the head of a circuit that has one decision by popcounts, or none; arguments as of `refuse`."""
    refuse(circuit, ("integers", "several heads", "places"), who, instead, error)
    return circuit.head if isinstance(circuit.head, Head) else None
