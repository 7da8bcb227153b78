"""`lutsmith predict`: labels, or the numbers of a regression, for a file of samples, batch by batch."""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, cast

import typer

from lutsmith.cli.arguments import DelimiterOption, HeaderOption, JsonOption, ModelArgument, check_output
from lutsmith.cli.output import deliver
from lutsmith.ground.printable import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.console import Console

    from lutsmith.circuit import Circuit
    from lutsmith.cli.columns import ColumnGroup
    from lutsmith.data import Reading

    Write = Callable[[BinaryIO, "Predictions"], None]

_BATCH = 65_536
_PARQUET = (".parquet", ".pq", ".feather", ".arrow")
_METHODS = ("predict", "decision_function", "outputs")


def predict(
    model: ModelArgument,
    samples: Annotated[
        Path,
        typer.Argument(metavar="INPUT", help="Samples: .npy, .npz, .csv, .idx.gz, .parquet, .png, a folder of .png."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="OUT",
            help="Class ids in .npy, labels in .csv (with a header), .parquet or .txt. Without it, labels go to "
            "stdout. Several labels are columns of 0 and 1, regression gives numbers.",
        ),
    ] = None,
    method: Annotated[
        str, typer.Option(help="What is written: predict, decision_function (scores) or outputs (the circuit's bits).")
    ] = "predict",
    header: HeaderOption = None,
    delimiter: DelimiterOption = None,
    json_output: JsonOption = False,
) -> None:  # fmt: skip
    """Predict the label, the labels or the numbers of each sample of a file, which may be larger than memory.

    For a folder of PNG images, with the folders in it, each line begins with the name of the image.
    """
    _check_output(output, (model, samples), json_output)
    if method not in _METHODS:
        raise ValueError(f"--method is {method!r}, expected {', '.join(_METHODS)}")

    if {samples.suffix.lower(), output and output.suffix.lower()} & set(_PARQUET) and find_spec("pyarrow") is None:
        raise ValueError("Parquet and Feather need pyarrow, which is not installed: pip install 'lutsmith[tables]'")

    def compute() -> dict[str, Any]:
        from lutsmith.circuit.file import load
        from lutsmith.data import Reading
        from lutsmith.ground.atomic import write_atomically

        circuit = load(model)
        predictions = Predictions(circuit, samples, method, Reading(header, delimiter))
        if output is None:
            for batch in predictions:
                sys.stdout.write(_text(predictions, batch))
        else:
            write = _WRITERS[output.suffix.lower()]
            write_atomically(output, lambda file: write(file, predictions))
        return {
            "samples": predictions.count,
            "output": output and str(output.resolve()),
            "predict_seconds": predictions.seconds,
        }

    deliver(compute, _show, json_output)


class Predictions:
    """The results of a method for the samples of a file, batch by batch.

    Attributes:
        method: whose results they are.
        groups: the columns that they make.
        names: of the samples, where they are images of a folder; else None.
        count: samples so far.
        seconds: spent so far on prediction, reading and writing left out where they can be told apart.
    """

    def __init__(self, circuit: Circuit, samples: Path, method: str, reading: Reading) -> None:
        from lutsmith.cli.columns import column_groups
        from lutsmith.data.images.png import png_names

        self.method, self.count, self.seconds = method, 0, 0.0
        self.groups = column_groups(circuit, method)
        self.names = png_names(samples) if samples.is_dir() else None
        self._circuit, self._samples, self._reading, self._begun = circuit, samples, reading, 0.0

    def __iter__(self) -> Iterator[Any]:
        from lutsmith.cli.columns import size

        for batch in self._circuit.predict_batches(self._source(), batch=_BATCH, method=cast("Any", self.method)):
            self.seconds += time.perf_counter() - self._begun
            self.count += size(batch)
            yield batch
            self._begun = time.perf_counter()

    def names_of(self, answer: Any) -> list[str]:
        """The names of the samples of the batch that came last."""
        from lutsmith.cli.columns import size

        return [] if self.names is None else self.names[self.count - size(answer) : self.count]

    def _source(self) -> Any:
        if self._samples.suffix.lower() in _PARQUET:
            self._begun = time.perf_counter()
            return self._samples
        return self._batches()

    def _batches(self) -> Iterator[NDArray[Any]]:
        from lutsmith.circuit.rows import NOT_EXACT
        from lutsmith.data import sample_batches
        from lutsmith.data.images.png import is_png, png_batches

        shape = self._circuit.input_shape
        found: Iterator[NDArray[Any]]
        if is_png(self._samples):
            found = png_batches(self._samples, shape, _BATCH, self.names)
        else:
            found = sample_batches(self._samples, _BATCH, self._circuit.schema, self._reading)
        for batch in found:
            self._begun = time.perf_counter()
            words = self._circuit.words
            if words is not None and words.formats.is_long and batch.dtype == "f4" and self._samples.suffix != ".npy":
                raise ValueError(NOT_EXACT)
            yield _shaped(batch, shape)


def _show(result: dict[str, Any], console: Console) -> None:
    if result["output"] is not None:
        console.print(f"{result['samples']:,} predictions in {result['output']}", soft_wrap=True)


def _check_output(output: Path | None, sources: tuple[Path, ...], json_output: bool) -> None:
    """Refuse an output that cannot be written before any work is done."""
    if output is None:
        if json_output:
            raise ValueError("--json needs -o OUT: stdout holds the JSON object alone")
        return
    if output.suffix.lower() not in _WRITERS:
        raise ValueError(f"{output}: unknown kind of file; OUT must end in {', '.join(_WRITERS)}")
    check_output(output, sources)


def _shaped(samples: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return samples in the model's shape where they differ from it by axes of size 1 alone, such as the channel's."""
    if [size for size in samples.shape[1:] if size != 1] == [size for size in shape if size != 1]:
        return samples.reshape(len(samples), *shape)
    return samples


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


def _text(predictions: Predictions, answer: Any) -> str:
    """Return a line for each sample, its name and a tab first; what would end a line in a label is an escape."""
    named = predictions.names is not None
    rows = (list(map(printable, row)) for row in _rows(predictions, answer))
    return "".join(f"{row.pop(0)}\t{' '.join(row)}\n" if named else f"{' '.join(row)}\n" for row in rows)


def _write_txt(file: BinaryIO, predictions: Predictions) -> None:
    for batch in predictions:
        file.write(_text(predictions, batch).encode())


def _write_csv(file: BinaryIO, predictions: Predictions) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    quoting = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write(rows: Iterable[list[str]]) -> None:
        for row in rows:  # a carriage return ends a line for many readers, and csv does not quote it
            (quoting if any("\r" in cell for cell in row) else writer).writerow(row)

    write([_names(predictions)])
    for batch in predictions:
        write(_rows(predictions, batch))
        file.write(text.getvalue().encode())
        text.seek(0)
        text.truncate()


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


_WRITERS: dict[str, Write] = {
    ".npy": _write_npy,
    ".csv": _write_csv,
    ".txt": _write_txt,
    ".parquet": _write_parquet,
}
