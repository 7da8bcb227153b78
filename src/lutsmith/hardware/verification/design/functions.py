"""Proofs of one part: as a function, block by block where it takes too long."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from lutsmith.circuit.netlist import Netlist
from lutsmith.hardware.equivalence import prove
from lutsmith.hardware.verification.design.cones import cone
from lutsmith.hardware.verification.report import Verdict
from lutsmith.logic.design import Part

Outcome = tuple[Verdict, str]

MAX_BLOCKS = 16
"""Into how many blocks of outputs a proof falls that was too long as a whole."""

SMALL_BLOCK = 64
"""LUTs of a block that is worth a proof of its own from the start."""


def proved(a: Netlist, b: Netlist, timeout: float, words: int = 1, names: Sequence[str] = ()) -> Outcome:
    """Decide whether two netlists are the same function: as a whole, or where this takes too long, block by block.

    With more than one of `words`, into which the outputs fall equally, each is a block from the start: counts of
    different classes share nothing, and a proof of all at once runs away. `names` are what outputs are called.
    """
    limit = time.perf_counter() + timeout
    count = min(words, a.outputs.size, 1 + a.num_nodes // SMALL_BLOCK)
    if count <= 1:
        proof = prove(a, b, timeout / 2)
        if proof.verdict == "equal":
            return "proved", proof.method
        if proof.verdict == "different":
            return "failed", f"{_called(names, proof.output)} differs, found by {proof.method}"
        count = min(MAX_BLOCKS, a.outputs.size)
    blocks = np.linspace(0, a.outputs.size, count + 1).astype(int).tolist()
    methods: dict[str, None] = {}
    for start, stop in pairwise(blocks):
        left = limit - time.perf_counter()
        if left <= 0:
            return "not decided", f"no proof of outputs {start} and on within {timeout:g} s"
        block = slice(start, stop)
        proof = prove(cone(a, block), cone(b, block), left)
        methods[proof.method] = None
        if proof.verdict == "different":
            return "failed", f"{_called(names, start + (proof.output or 0))} differs, found by {proof.method}"
        if proof.verdict != "equal":
            return "not decided", f"no proof of outputs {start} to {stop - 1} within {timeout:g} s: {proof.note}"
    return "proved", f"{len(blocks) - 1} blocks of outputs, each by {' or '.join(methods)}"


def _called(names: Sequence[str], output: int | None) -> str:
    return names[output] if output is not None and output < len(names) else f"output {output}"


def words_of(part: Part) -> int:
    """Return into how many words the outputs of a part fall that have nothing to do with each other."""
    return part.outputs[0].count if part.name == "popcount" else 1
