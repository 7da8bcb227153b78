"""Circuits: netlists of look-up tables with their inputs and heads. NumPy and Numba only, never torch.

`Stages`, `PackedSamples`, `PackedEvaluation` and `RowChange`, the engine in stages, load compiled code: they are
imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from lutsmith.circuit.engine.stages import PackedEvaluation, PackedSamples, RowChange, Stages

_LATER = ("PackedEvaluation", "PackedSamples", "RowChange", "Stages")

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
    "PackedEvaluation",
    "PackedSamples",
    "Result",
    "RowChange",
    "SharedPart",
    "Stages",
    "TableLayout",
    "Training",
    "WordBits",
    "WordFormats",
    "load",
    "save",
]


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module("lutsmith.circuit.engine.stages"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
