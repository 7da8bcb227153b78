"""Codes that no sample has: comparators of one feature are ordered, so some of a LUT's addresses never occur."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.netlist import MAX_RANK, Netlist
from lutsmith.circuit.simplify.care import drop_inputs
from lutsmith.circuit.simplify.luts import UNUSED, Luts
from lutsmith.circuit.tables import ONES, VARIABLES, Words


def use_codes(netlist: Netlist, encoder: Comparators) -> Netlist:
    """Return a netlist that is equal for every sample behind this encoder, with fewer inputs of LUTs.

    A value above 3 is above 2 too: where a LUT reads both comparators, a quarter of its table is never read, and an
    input that only these entries depend on is dropped. Every signal that is left has its value on every sample; on bits
    that no sample gives, the netlists may differ.

    Args:
        netlist: any.
        encoder: the comparators, which are its first inputs; of inputs after them any bits count.

    Raises:
        ValueError: more comparators than inputs.
    """
    if len(encoder) > netlist.num_inputs:
        raise ValueError(f"the netlist has {netlist.num_inputs} inputs and the encoder {len(encoder)} comparators")
    luts = Luts.of(netlist)
    return luts.netlist() if drop_inputs(luts, possible(luts, encoder)) else netlist


def possible(luts: Luts, encoder: Comparators) -> Words:
    """Return uint64 (N,), the addresses that samples may have at each LUT, as far as pairs of its inputs show."""
    feature = np.append(encoder.feature, UNUSED)
    threshold = np.append(encoder.threshold, np.float32(0))
    compared: NDArray[np.bool_] = (luts.reads != UNUSED) & (luts.reads < len(encoder))
    place = np.where(compared, luts.reads, len(encoder))
    features, thresholds = feature[place], threshold[place]
    addresses = np.full(len(luts.reads), ONES)
    for i in range(MAX_RANK):
        addresses[compared[:, i] & np.isposinf(thresholds[:, i])] &= ~VARIABLES[i]
        for j in range(MAX_RANK):
            if i != j:
                same = compared[:, i] & compared[:, j] & (features[:, i] == features[:, j])
                implied = same & (thresholds[:, i] >= thresholds[:, j])
                addresses[implied] &= ~(VARIABLES[i] & ~VARIABLES[j])
    return addresses
