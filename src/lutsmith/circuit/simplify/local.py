"""The passes that keep LUTs apart, together, and with cones collapsed: to a fixed point."""

from __future__ import annotations

from collections.abc import Callable

from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.simplify.cones import collapse_cones
from lutsmith.circuit.simplify.constants import fold_constants
from lutsmith.circuit.simplify.dead import remove_dead
from lutsmith.circuit.simplify.duplicates import merge_equal_nodes
from lutsmith.circuit.simplify.inputs import drop_unused_inputs, merge_repeated_inputs
from lutsmith.circuit.simplify.wires import absorb_wires

LOCAL: tuple[Callable[[Netlist], Netlist], ...] = (
    remove_dead,
    merge_repeated_inputs,
    drop_unused_inputs,
    fold_constants,
    absorb_wires,
    merge_equal_nodes,
)
"""The passes that keep LUTs apart, in the order in which they gain most."""


def settled(netlist: Netlist, rank: int) -> Netlist:
    """Return the netlist after the local passes and cones of `rank`, as often as any of them changes it."""
    while True:
        before = netlist
        for each in LOCAL:
            netlist = each(netlist)
        if netlist is before:
            netlist = collapse_cones(netlist, rank)
            if netlist is before:
                return netlist
