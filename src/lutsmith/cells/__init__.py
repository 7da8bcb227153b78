"""Shared cells: small look-up tables, wired to copies of themselves, that learn arithmetic exactly at any width."""

from lutsmith.cells.arrays import ArrayCell, Counter, RowFeedback, Shifter
from lutsmith.cells.fabric import Evaluator, Fabric, TableShape
from lutsmith.cells.fabrics import FABRICS, Tap, fabric_of
from lutsmith.cells.learned import LearnedCell
from lutsmith.cells.serial import Bitwise, SerialCell, TwoPass
from lutsmith.cells.textbook import TEXTBOOK

__all__ = [
    "FABRICS",
    "TEXTBOOK",
    "ArrayCell",
    "Bitwise",
    "Counter",
    "Evaluator",
    "Fabric",
    "LearnedCell",
    "RowFeedback",
    "SerialCell",
    "Shifter",
    "TableShape",
    "Tap",
    "TwoPass",
    "fabric_of",
]
