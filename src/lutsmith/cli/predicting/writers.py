"""Predictions as files: `.npy`, `.csv`, `.txt` and `.parquet`, written batch by batch."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from lutsmith.ground.printable import printable

if TYPE_CHECKING:
    from lutsmith.cli.columns import ColumnGroup
    from lutsmith.cli.predicting.predictions import Predictions

    Write = Callable[[BinaryIO, Predictions], None]


def _rows(predictions: Predictions, answer: Any) -> Iterator[list[str]]:
    """The predictions as words, after the names of samples that have one: a label for each sample, or a column for each
    label, target, score, integer or bit.
    """
    from lutsmith.cli.columns import arrays

    table = [names] if (names := predictions.names_of(answer)) else []
    for group, array in zip(predictions.groups, arrays(answer), strict=True):
        shown = str if group.is_label else repr
        for column in group.values(array):
            table.append([shown(value) for value in (column if isinstance(column, list) else column.tolist())])
    return map(list, zip(*table, strict=True))


def _names(predictions: Predictions) -> list[str]:
    """The names of the columns of `_rows`."""
    return [*(["file"] if predictions.names else []), *(name for group in predictions.groups for name in group.names)]


def text(predictions: Predictions, answer: Any) -> str:
    """Return a line for each sample, its name and a tab first; what would end a line in a label is an escape."""
    named = predictions.names is not None
    rows = (list(map(printable, row)) for row in _rows(predictions, answer))
    return "".join(f"{row.pop(0)}\t{' '.join(row)}\n" if named else f"{' '.join(row)}\n" for row in rows)


def _write_txt(file: BinaryIO, predictions: Predictions) -> None:
    for batch in predictions:
        file.write(text(predictions, batch).encode())


def _write_csv(file: BinaryIO, predictions: Predictions) -> None:
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    quoting = csv.writer(lines, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write(rows: Iterable[list[str]]) -> None:
        for row in rows:  # a carriage return ends a line for many readers, and csv does not quote it
            (quoting if any("\r" in cell for cell in row) else writer).writerow(row)

    write([_names(predictions)])
    for batch in predictions:
        write(_rows(predictions, batch))
        file.write(lines.getvalue().encode())
        lines.seek(0)
        lines.truncate()


def _write_npy(file: BinaryIO, predictions: Predictions) -> None:
    """The header is written again when the number of samples is known: NumPy leaves room for its digits."""
    from numpy.lib import format as npy

    if len(predictions.groups) > 1:
        raise ValueError(
            f"the model says {len(predictions.groups)} arrays, and .npy holds one: give -o a name in .csv or .parquet"
        )
    header: dict[str, Any] = {}
    for batch in predictions:
        if batch.dtype.kind == "O":
            raise ValueError("integers of more than 64 bits have no type in .npy: give -o a name in .csv or .parquet")
        if not header:
            header = npy.header_data_from_array_1_0(batch)
            npy.write_array_header_1_0(file, header)
            begin = file.tell()
        file.write(batch.tobytes())
    file.seek(0)
    npy.write_array_header_1_0(file, {**header, "shape": (predictions.count, *header["shape"][1:])})
    if file.tell() != begin:
        raise RuntimeError("NumPy's header grew")


def _write_parquet(file: BinaryIO, predictions: Predictions) -> None:
    import pyarrow
    import pyarrow.parquet

    from lutsmith.cli.columns import columns

    writer = None
    try:
        for batch in predictions:
            made = [
                pyarrow.array(_of_one_type(predictions.groups, column)) for column in columns(predictions.groups, batch)
            ]
            made = [*([pyarrow.array(names)] if (names := predictions.names_of(batch)) else []), *made]
            table = pyarrow.Table.from_arrays(made, names=_names(predictions))
            if writer is None:
                writer = pyarrow.parquet.ParquetWriter(file, table.schema)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _of_one_type(groups: list[ColumnGroup], column: Any) -> Any:
    """Labels of several types, and integers above 64 bits, as text: a column of Parquet holds one type."""
    if isinstance(column, list):
        kinds = {type(label) for group in groups for label in group.classes or ()}
        return list(map(str, column)) if len(kinds) > 1 else column
    return column.astype(str).tolist() if column.dtype.kind == "O" else column


WRITERS: dict[str, Write] = {
    ".npy": _write_npy,
    ".csv": _write_csv,
    ".txt": _write_txt,
    ".parquet": _write_parquet,
}
