"""The error for a table that does not fit a model."""

from __future__ import annotations


class SchemaError(ValueError):
    """A value or a column that a model cannot read.

    Attributes:
        problem: what is wrong, without the place.
        column: what messages call the column, or None.
        row: the row of the data that were given, from 0, or None.
        cell: the text that cannot be read, or None.
    """

    def __init__(self, problem: str, column: str | None = None, row: int | None = None, cell: str | None = None):
        where = "" if column is None else f"column {column}: " if row is None else f"column {column}, row {row}: "
        super().__init__(f"{where}{problem}")
        self.problem, self.column, self.row, self.cell = problem, column, row, cell
