"""Encoders whose bits are LUTs over bits of single features, such as differences of pixels: found in a circuit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from lutsmith.logic.linear import placed
from lutsmith.nn.read_back.statements import Computed


def read_computed(walk: Any) -> None:
    """Go on from an encoder's bits of single features, which have just been found, to the bits that it gives.

    Each LUT is found by its table and the numbers of what it reads, like the LUTs of layers. A LUT that is not found
    counts as a bit that the circuit does not have: it matters only if something reads it.
    """
    row, stated = walk.encoder
    if not isinstance(stated, Computed):
        return
    known = np.concatenate([[0, 1], walk.values.reshape(-1)])  # the numbers of the constants are 0 and 1
    luts = 0
    for netlist, reads in stated.steps:
        known = np.concatenate([known, placed(netlist, known[reads], walk.functions.of_luts).reshape(-1)])
        luts += netlist.num_nodes * len(reads)
    found = known[stated.outputs]
    absent = found < 0
    found[absent] = -1 - np.flatnonzero(absent)
    walk.values = found
    walk.encoder = row, replace(stated, feature=stated.owner)
    if stated.steps:
        kept, read = f"{np.count_nonzero(~absent):,} of {found.size:,} bits", walk.rows[row].reason
        reason = f"{kept} by {luts:,} LUTs, tables and wires; {stated.note}; of what they read {read}"
        walk.rows[row] = replace(walk.rows[row], reason=reason)
