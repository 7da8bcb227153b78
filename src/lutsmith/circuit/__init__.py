"""Circuits: netlists of look-up tables with their encoder and head. NumPy and Numba only, never torch."""

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.file import ModelFileError, load, save
from lutsmith.circuit.heads import Head
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.metadata import Accuracy, HeldOut, Metadata, Training
from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.circuit.parts import SharedPart
from lutsmith.circuit.results import Heads, IntegerHead, OutputWord, Result
from lutsmith.circuit.rows import OutOfRangeWarning
from lutsmith.circuit.tabular import TableLayout
from lutsmith.circuit.words import WordBits, WordFormats

__all__ = [
    "Accuracy",
    "Circuit",
    "CircuitBuilder",
    "Comparators",
    "Head",
    "Heads",
    "HeldOut",
    "Inputs",
    "IntegerHead",
    "Metadata",
    "ModelFileError",
    "Netlist",
    "NetlistBuilder",
    "OutOfRangeWarning",
    "OutputWord",
    "Result",
    "SharedPart",
    "TableLayout",
    "Training",
    "WordBits",
    "WordFormats",
    "load",
    "save",
]
