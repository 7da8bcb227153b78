"""A circuit as a design, from which the formats of logic are written."""

from __future__ import annotations

from typing import TypedDict

from lutsmith import logic
from lutsmith.circuit.circuit import Circuit
from lutsmith.logic.design import Design
from lutsmith.logic.words import Words


class DesignOptions(TypedDict, total=False):
    """How a circuit becomes a design: the arguments of `designed`, with its defaults."""

    words: Words | int | None
    encoder: bool
    head: bool
    pipeline: int | None
    name: str


def designed(
    circuit: Circuit,
    *,
    words: Words | int | None = None,
    encoder: bool = True,
    head: bool = True,
    pipeline: int | None = None,
    name: str = "lutsmith",
) -> Design:
    """Return a circuit as logic, with registers where asked.

    Args:
        circuit: any circuit.
        words: the form of the features, or the bits of a word; None derives it (`Words.of`).
        encoder: whether the comparators are part of the design; without them, the bits of the encoder are its inputs.
        head: whether popcounts and decision are part of the design; without them, the output bits are the result.
        pipeline: registers after every so many levels of LUTs and after each part, so that a sample can enter in each
            cycle; None leaves the logic combinational.
        name: of the design.

    Raises:
        TypeError, ValueError: what `logic.elaborate` and `logic.pipelined` refuse.
    """
    design = logic.elaborate(circuit, words=words, encoder=encoder, head=head, name=name)
    return design if pipeline is None else logic.pipelined(design, pipeline, "pipeline")
