"""Nodes and registers that reach no output are removed."""

from __future__ import annotations

import numpy as np

from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.simplify.luts import UNUSED, Luts


def remove_dead(netlist: Netlist) -> Netlist:
    """Return the netlist without the nodes and registers that no output depends on, in any clock cycle.

    Inputs stay, read or not: their number is part of the netlist's interface.
    """
    luts = Luts.of(netlist)
    live = np.zeros(netlist.num_signals + 1, np.bool_)
    live[UNUSED] = True
    found = np.unique(netlist.outputs)
    while found.size:
        live[found] = True
        nodes = found[found >= luts.first_node] - luts.first_node
        held = found[(found >= netlist.num_inputs) & (found < luts.first_node)] - netlist.num_inputs
        read = np.concatenate([luts.reads[nodes].reshape(-1), netlist.register_next[held]])
        found = np.unique(read[~live[read]])
    if live[netlist.num_inputs :].all():
        return netlist
    return luts.with_registers(live[netlist.num_inputs : luts.first_node], live[luts.first_node : -1])
