"""What the LUTs of a netlist compute, by named kinds. The kind stays the same when inputs are exchanged or inverted, or
the output is inverted: kinds are classes of NPN equivalence, and unions of such classes.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import MAX_RANK, Netlist
from lutsmith.circuit.tables import ONES, VARIABLES, Words, depends, negated_input, widened

KINDS = ("constant", "wire", "AND", "XOR", "multiplexer", "majority", "unate", "other")
"""In the order in which they are told."""

MEANINGS = {
    "constant": "the same for all inputs",
    "wire": "one input, or its inverse",
    "AND": "AND or OR of all inputs, any of them inverted",
    "XOR": "the parity of all inputs, or its inverse",
    "multiplexer": "one input chooses between two others",
    "majority": "what two of three inputs say",
    "unate": "each input only ever raises or only ever lowers the output, and no kind above says it",
    "other": "no kind above says it",
}
"""What each kind is. Inputs that a table does not depend on do not count."""

_MUX, _MAJORITY = 0xCA, 0xE8


def kinds(netlist: Netlist) -> NDArray[np.int64]:
    """Return int64 (N,), the kind of each node as its place in `KINDS`; each distinct table is examined once."""
    ranks = netlist.ranks
    told, which = np.unique(netlist.tables(), return_inverse=True)
    pairs, place = np.unique(which * (MAX_RANK + 1) + ranks, return_inverse=True)  # a word is a table by its rank
    words, own = told[pairs // (MAX_RANK + 1)], pairs % (MAX_RANK + 1)
    return _kinds(widened(words, own))[place]


def kinds_by_rank(netlist: Netlist) -> dict[int, NDArray[np.int64]]:
    """Return for each rank that occurs how many of its LUTs are of each kind, int64 (kinds,)."""
    found, ranks = kinds(netlist), netlist.ranks
    return {int(rank): np.bincount(found[ranks == rank], minlength=len(KINDS)) for rank in np.unique(ranks)}


def _kinds(words: Words) -> NDArray[np.int64]:
    """The kinds of tables of six inputs (N,)."""
    reads = np.stack([depends(words, j) for j in range(MAX_RANK)], axis=1)
    support = reads.sum(axis=1)
    ones = np.bitwise_count(words).astype(np.int64)
    single = np.left_shift(np.int64(1), MAX_RANK - support)  # how often one entry stands in a word of 64
    parity = np.zeros(len(words), np.uint64)
    for j in range(MAX_RANK):
        parity ^= np.where(reads[:, j], VARIABLES[j], np.uint64(0))
    of_three = support == 3
    found = np.full(len(words), KINDS.index("other"))
    unate = np.logical_and.reduce([_unate(words, j) for j in range(MAX_RANK)])
    for name, holds in (
        ("unate", unate),
        ("majority", of_three & np.isin(words, _class_of(_MAJORITY))),
        ("multiplexer", of_three & np.isin(words, _class_of(_MUX))),
        ("XOR", (words == parity) | (words == parity ^ ONES)),
        ("AND", (ones == single) | (ones == 64 - single)),
        ("wire", support == 1),
        ("constant", support == 0),
    ):
        found[holds] = KINDS.index(name)
    return found


def _unate(words: Words, j: int) -> NDArray[np.bool_]:
    """Whether tables never fall, or never rise, along an input."""
    low, high = words & ~VARIABLES[j], (words & VARIABLES[j]) >> np.uint64(1 << j)
    one_way: NDArray[np.bool_] = ((low & ~high) == 0) | ((high & ~low) == 0)
    return one_way


def _class_of(table: int) -> Words:
    """All words of six inputs that are NPN equivalent to a table of three: its three inputs may be any of the six."""
    words = []
    for inputs in permutations(range(MAX_RANK), 3):
        picked = [VARIABLES[j] for j in inputs]
        word = np.uint64(0)
        for entry in range(8):
            if table >> entry & 1:
                term = ONES
                for bit, variable in enumerate(picked):
                    term &= variable if entry >> bit & 1 else variable ^ ONES
                word |= term
        words.append(word)
    found = np.unique(np.array(words, np.uint64))
    for j in range(MAX_RANK):
        found = np.unique(np.concatenate([found, negated_input(found, j)]))
    return np.unique(np.concatenate([found, found ^ ONES]))
