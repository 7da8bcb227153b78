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
from lutsmith.cli.output import deliver, printable

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.console import Console

    from lutsmith.circuit import Circuit
    from lutsmith.data import Reading

    Write = Callable[[BinaryIO, Circuit, "Predictions"], None]

_BATCH = 65_536
_PARQUET = (".parquet", ".pq", ".feather", ".arrow")
_METHODS = ("predict", "decision_function", "outputs")


def predict(
    model: ModelArgument,
    samples: Annotated[Path, typer.Argument(metavar="INPUT", help="Samples: .npy, .npz, .csv, .idx.gz, .parquet ...")],
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
    """Predict the label, the labels or the numbers of each sample of a file, which may be larger than memory."""
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
                sys.stdout.write(_text(circuit, batch, method))
        else:
            write = _WRITERS[output.suffix.lower()]
            write_atomically(output, lambda file: write(file, circuit, predictions))
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
        count: samples so far.
        seconds: spent so far on prediction, reading and writing left out where they can be told apart.
    """

    def __init__(self, circuit: Circuit, samples: Path, method: str, reading: Reading) -> None:
        self.method, self.count, self.seconds = method, 0, 0.0
        self._circuit, self._samples, self._reading, self._begun = circuit, samples, reading, 0.0

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for batch in self._circuit.predict_batches(self._source(), batch=_BATCH, method=cast("Any", self.method)):
            self.seconds += time.perf_counter() - self._begun
            self.count += len(batch)
            yield batch
            self._begun = time.perf_counter()

    def _source(self) -> Any:
        if self._samples.suffix.lower() in _PARQUET:
            self._begun = time.perf_counter()
            return self._samples
        return self._batches()

    def _batches(self) -> Iterator[NDArray[Any]]:
        from lutsmith.data import sample_batches

        for batch in sample_batches(self._samples, _BATCH, self._circuit.schema, self._reading):
            self._begun = time.perf_counter()
            yield _shaped(batch, self._circuit.input_shape)


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


def _rows(circuit: Circuit, predictions: NDArray[Any], method: str) -> list[list[str]]:
    """The predictions as words: a label for each sample, or a column for each label, target, score or bit."""
    if method == "predict" and predictions.dtype.kind == "i":
        classes = circuit.classes
        return [[str(i if classes is None else classes[i])] for i in predictions.tolist()]
    return [[repr(value) for value in row] for row in _table(predictions).tolist()]


def _table(predictions: NDArray[Any]) -> NDArray[Any]:
    """Numbers (N, columns) of predictions that are no class ids; bits are 0 and 1."""
    numbers = predictions.astype("uint8") if predictions.dtype.kind == "b" else predictions
    return numbers[:, None] if numbers.ndim == 1 else numbers


def _columns(circuit: Circuit, method: str) -> list[str]:
    """The names of the columns of `_rows`."""
    if method == "outputs":
        return [f"output {number}" for number in range(circuit.netlist.outputs.size)]
    if method == "predict" and (circuit.head is None or circuit.is_classifier):
        return ["label"]
    if circuit.classes is not None:
        return [str(name) for name in circuit.classes]
    kind = "score" if method != "predict" else "label" if circuit.objective == "multilabel" else "value"
    count = max(1, len(circuit.score_labels))
    return [kind] if count == 1 else [f"{kind} {number}" for number in range(count)]


def _text(circuit: Circuit, predictions: NDArray[Any], method: str) -> str:
    """Return a line for each sample; what would end a line in a label is an escape."""
    return "".join(f"{' '.join(map(printable, row))}\n" for row in _rows(circuit, predictions, method))


def _write_txt(file: BinaryIO, circuit: Circuit, predictions: Predictions) -> None:
    for batch in predictions:
        file.write(_text(circuit, batch, predictions.method).encode())


def _write_csv(file: BinaryIO, circuit: Circuit, predictions: Predictions) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    quoting = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write(rows: Iterable[list[str]]) -> None:
        for row in rows:  # a carriage return ends a line for many readers, and csv does not quote it
            (quoting if any("\r" in cell for cell in row) else writer).writerow(row)

    write([_columns(circuit, predictions.method)])
    for batch in predictions:
        write(_rows(circuit, batch, predictions.method))
        file.write(text.getvalue().encode())
        text.seek(0)
        text.truncate()


def _write_npy(file: BinaryIO, circuit: Circuit, predictions: Predictions) -> None:  # noqa: ARG001 - as all writers
    """The header is written again when the number of samples is known: NumPy leaves room for its digits."""
    from numpy.lib import format as npy

    header: dict[str, Any] = {}
    for batch in predictions:
        if not header:
            header = npy.header_data_from_array_1_0(batch)
            npy.write_array_header_1_0(file, header)
            begin = file.tell()
        file.write(batch.tobytes())
    file.seek(0)
    npy.write_array_header_1_0(file, {**header, "shape": (predictions.count, *header["shape"][1:])})
    if file.tell() != begin:
        raise RuntimeError("NumPy's header grew")


def _write_parquet(file: BinaryIO, circuit: Circuit, predictions: Predictions) -> None:
    import pyarrow
    import pyarrow.parquet

    names, writer, labels = _columns(circuit, predictions.method), None, circuit.classes
    if labels is not None and len(set(map(type, labels))) > 1:  # a column holds one type
        labels = tuple(map(str, labels))
    try:
        for batch in predictions:
            if predictions.method == "predict" and batch.dtype.kind == "i":
                columns = [pyarrow.array(batch if labels is None else [labels[index] for index in batch.tolist()])]
            else:
                columns = [pyarrow.array(column) for column in _table(batch).T]
            table = pyarrow.Table.from_arrays(columns, names=names)
            if writer is None:
                writer = pyarrow.parquet.ParquetWriter(file, table.schema)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


_WRITERS: dict[str, Write] = {
    ".npy": _write_npy,
    ".csv": _write_csv,
    ".txt": _write_txt,
    ".parquet": _write_parquet,
}
