"""What a model knows about the table that it was trained on, and how cells, frames and records become its features."""

from lutsmith.circuit.tabular.errors import SchemaError
from lutsmith.circuit.tabular.frames import Frame, as_frame
from lutsmith.circuit.tabular.layout import MISSING, TableLayout
from lutsmith.circuit.tabular.numerals import Numerals
from lutsmith.circuit.tabular.schema import Schema

__all__ = ["MISSING", "Frame", "Numerals", "Schema", "SchemaError", "TableLayout", "as_frame"]
