"""Circuits: netlists of look-up tables with their encoder and head. NumPy and Numba only, never torch."""

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.file import ModelFileError, load, save
from lutsmith.circuit.heads import Head
from lutsmith.circuit.metadata import Accuracy, HeldOut, Metadata, Training
from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.circuit.rows import OutOfRangeWarning
from lutsmith.circuit.tabular import TableLayout

__all__ = [
    "Accuracy",
    "Circuit",
    "CircuitBuilder",
    "Comparators",
    "Head",
    "HeldOut",
    "Metadata",
    "ModelFileError",
    "Netlist",
    "NetlistBuilder",
    "OutOfRangeWarning",
    "TableLayout",
    "Training",
    "load",
    "save",
]
