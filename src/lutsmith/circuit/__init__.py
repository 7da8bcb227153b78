"""Circuits: netlists of look-up tables with their encoder and head. NumPy and Numba only, never torch."""

from lutsmith.circuit.builder import CircuitBuilder, NetlistBuilder
from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.file import ModelFileError, load
from lutsmith.circuit.heads import Head
from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.rows import OutOfRangeWarning

__all__ = [
    "Circuit",
    "CircuitBuilder",
    "Comparators",
    "Head",
    "ModelFileError",
    "Netlist",
    "NetlistBuilder",
    "OutOfRangeWarning",
    "load",
]
