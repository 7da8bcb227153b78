"""Smaller circuits: passes over netlists, each `Netlist -> Netlist` with an equal result, and further ones that use
data.
"""

from lutsmith.circuit.simplify.circuits import Simplification, simplify
from lutsmith.circuit.simplify.codes import use_codes
from lutsmith.circuit.simplify.cones import collapse_cones
from lutsmith.circuit.simplify.constants import fold_constants
from lutsmith.circuit.simplify.dead import remove_dead
from lutsmith.circuit.simplify.duplicates import merge_equal_nodes
from lutsmith.circuit.simplify.inputs import drop_unused_inputs, merge_repeated_inputs
from lutsmith.circuit.simplify.on_data import AccuracyChange, CareProof, DataSimplification, simplify_on
from lutsmith.circuit.simplify.passes import simplify_netlist
from lutsmith.circuit.simplify.restructure import restructure
from lutsmith.circuit.simplify.steps import Step
from lutsmith.circuit.simplify.wires import absorb_wires

__all__ = [
    "AccuracyChange",
    "CareProof",
    "DataSimplification",
    "Simplification",
    "Step",
    "absorb_wires",
    "collapse_cones",
    "drop_unused_inputs",
    "fold_constants",
    "merge_equal_nodes",
    "merge_repeated_inputs",
    "remove_dead",
    "restructure",
    "simplify",
    "simplify_netlist",
    "simplify_on",
    "use_codes",
]
