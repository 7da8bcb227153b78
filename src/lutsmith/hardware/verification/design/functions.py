"""Proofs of one part: as a function, block by block where it takes too long."""

from __future__ import annotations

import time
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


def proved(a: Netlist, b: Netlist, timeout: float, words: int = 1) -> Outcome:
    """Decide whether two netlists are the same function: as a whole, or where this takes too long, block by block.

    With more than one of `words`, into which the outputs fall equally, each is a block from the start: counts of
    different classes share nothing, and a proof of all at once runs away.
    """
    limit = time.perf_counter() + timeout
    count = min(words, a.outputs.size)
    if count <= 1:
        proof = prove(a, b, timeout / 2)
        if proof.verdict == "equal":
            return "proved", proof.method
        if proof.verdict == "different":
            return "failed", f"output {proof.output} differs, found by {proof.method}"
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
            return "failed", f"output {start + (proof.output or 0)} differs, found by {proof.method}"
        if proof.verdict != "equal":
            return "not decided", f"no proof of outputs {start} to {stop - 1} within {timeout:g} s: {proof.note}"
    return "proved", f"{len(blocks) - 1} blocks of outputs, each by {' or '.join(methods)}"


def words_of(part: Part) -> int:
    """Return into how many words the outputs of a part fall that have nothing to do with each other."""
    return part.outputs[0].count if part.name == "popcount" else 1
