"""Passes that look at one LUT alone: inputs that its table does not depend on, and inputs that read the same signal."""

from __future__ import annotations

import numpy as np

from lutsmith.circuit.netlist import MAX_RANK, Netlist
from lutsmith.circuit.simplify.luts import UNUSED, Luts
from lutsmith.circuit.tables import depends, merged_inputs


def drop_unused_inputs(netlist: Netlist) -> Netlist:
    """Return the netlist whose LUTs read only what their tables depend on. A table of one value becomes a constant."""
    luts = Luts.of(netlist)
    changed = False
    for j in range(MAX_RANK):
        unused = (luts.reads[:, j] != UNUSED) & ~depends(luts.words, j)
        luts.reads[unused, j] = UNUSED
        changed |= bool(unused.any())
    return luts.netlist() if changed else netlist


def merge_repeated_inputs(netlist: Netlist) -> Netlist:
    """Return the netlist whose LUTs read each signal once: of equal inputs the first stays."""
    luts = Luts.of(netlist)
    changed = False
    for j in range(MAX_RANK):
        for first in range(j):
            same = np.flatnonzero((luts.reads[:, j] != UNUSED) & (luts.reads[:, j] == luts.reads[:, first]))
            if same.size:
                luts.words[same] = merged_inputs(luts.words[same], first, j)
                luts.reads[same, j] = UNUSED
                changed = True
    return luts.netlist() if changed else netlist
