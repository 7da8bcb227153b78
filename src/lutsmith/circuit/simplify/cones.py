"""Small cones are collapsed into one LUT where they fit: a mapping to LUTs of a rank that is chosen, for least area."""

from __future__ import annotations

import numpy as np

from lutsmith.circuit.netlist import MAX_RANK, Netlist
from lutsmith.circuit.simplify.luts import UNUSED, Luts
from lutsmith.circuit.tables import VARIABLES

FLOW_SWEEPS = 3
EXACT_SWEEPS = 3
"""Six and three gain another 0.4 % on random gates and take twice as long; two and two lose 0.8 %."""


def collapse_cones(netlist: Netlist, rank: int = MAX_RANK) -> Netlist:
    """Return the netlist with cones of LUTs replaced by one LUT each, of at most `rank` inputs.

    A cone is a node with some of those that it depends on, down to signals (leaves) that the new LUT reads. Cones may
    overlap: what two of them need may be computed in both. A node that reads more than `rank` signals stays as it is,
    unless it depends on few enough. Registers are leaves. Mapping is repeated for as long as it saves LUTs, or inputs
    of LUTs: the result never has more LUTs than the netlist, nor is it deeper.

    Args:
        netlist: any; its dead nodes are gone in a result that is smaller.
        rank: the most inputs of a LUT that stands for a cone.

    Raises:
        TypeError, ValueError: a rank that is not 2 to 6.
    """
    rank = checked_rank(rank)
    while True:
        mapped = _mapped(netlist, rank)
        if _size(mapped) >= _size(netlist):
            return netlist
        netlist = mapped


def checked_rank(rank: int) -> int:
    """Return the rank as an int after checking that it is an integer from 2 to 6."""
    if isinstance(rank, bool) or not isinstance(rank, (int, np.integer)):
        raise TypeError(f"rank must be an int, not {type(rank).__name__}")
    if not 2 <= rank <= MAX_RANK:
        raise ValueError(f"rank is {rank}, expected 2 to {MAX_RANK}: the most inputs of a LUT")
    return int(rank)


def _mapped(netlist: Netlist, rank: int) -> Netlist:
    """Return one mapping; nodes that no output or register depends on are gone."""
    from lutsmith.kernels.netlists import cuts

    luts = Luts.of(netlist)
    needed = np.bincount(np.concatenate([luts.outputs, luts.register_next]), minlength=netlist.num_signals)
    leaves, sizes, uses = cuts.cover(
        luts.reads,
        luts.first_node,
        needed.astype(np.int32),
        luts.fanout()[:-1].astype(np.int32),
        rank,
        FLOW_SWEEPS,
        EXACT_SWEEPS,
    )
    words = cuts.tables_of(luts.reads, luts.words, luts.first_node, leaves, sizes, uses, VARIABLES)
    in_use = uses[luts.first_node :] > 0
    read = np.where(np.arange(MAX_RANK) < sizes[:, None], leaves, UNUSED).astype(np.int32)
    read[~in_use] = UNUSED
    return Luts(netlist, read, words, luts.outputs, luts.register_next).netlist(in_use)


def _size(netlist: Netlist) -> tuple[int, int]:
    return netlist.num_nodes, netlist.fanin.size
