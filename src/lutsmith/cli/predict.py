"""`lutsmith predict`: labels, or the numbers of a regression, for a file of samples."""

from __future__ import annotations

import csv
import io
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lutsmith.cli.arguments import JsonOption, ModelArgument
from lutsmith.cli.output import deliver

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.console import Console

    from lutsmith.circuit import Circuit

_ENDINGS = (".npy", ".csv", ".txt")


def predict(
    model: ModelArgument,
    samples: Annotated[Path, typer.Argument(metavar="INPUT", help="Samples: .npy, .npz, .csv or .idx.gz.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="OUT",
            help="Class ids in .npy, labels in .csv (with a header) or .txt. Without it, labels go to stdout. "
            "Several labels are columns of 0 and 1, regression gives numbers.",
        ),
    ] = None,
    json_output: JsonOption = False,
) -> None:  # fmt: skip
    """Predict the label, the labels or the numbers of each sample of a file."""
    _check_output(output, (model, samples), json_output)

    def compute() -> dict[str, Any]:
        from lutsmith.circuit.atomic import write_atomically
        from lutsmith.circuit.file import load
        from lutsmith.data import read_samples

        circuit = load(model)
        names, target = circuit.facts.get("feature_names"), circuit.facts.get("target")
        categories = circuit.facts.get("categories") or ()
        features = _shaped(read_samples(samples, names, target, categories), circuit.input_shape)
        start = time.perf_counter()
        predictions = circuit.predict(features)
        seconds = time.perf_counter() - start
        if output is None:
            sys.stdout.write(_text(circuit, predictions))
        else:
            write_atomically(output, _encoded(output, circuit, predictions))
        return {"samples": len(predictions), "output": output and str(output.resolve()), "predict_seconds": seconds}

    deliver(compute, _show, json_output)


def _show(result: dict[str, Any], console: Console) -> None:
    if result["output"] is not None:
        console.print(f"{result['samples']:,} predictions in {result['output']}", soft_wrap=True)


def _check_output(output: Path | None, sources: tuple[Path, ...], json_output: bool) -> None:
    """Refuse an output that cannot be written before any work is done."""
    if output is None:
        if json_output:
            raise ValueError("--json needs -o OUT: stdout holds the JSON object alone")
        return
    if output.suffix.lower() not in _ENDINGS:
        raise ValueError(f"{output}: unknown kind of file; OUT must end in {', '.join(_ENDINGS)}")
    if output.is_dir():
        raise ValueError(f"{output} is a folder; give OUT the name of a file in it")
    if not output.parent.is_dir():
        raise ValueError(f"cannot write {output}: there is no folder {output.parent}; create it first")
    for source in sources:
        if output.exists() and source.exists() and output.samefile(source):
            raise ValueError(f"{output} is read by this command; give OUT another name")


def _shaped(samples: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return samples in the model's shape where they differ from it by axes of size 1 alone, such as the channel's."""
    if [size for size in samples.shape[1:] if size != 1] == [size for size in shape if size != 1]:
        return samples.reshape(len(samples), *shape)
    return samples


def _rows(circuit: Circuit, predictions: NDArray[Any]) -> list[list[str]]:
    """The predictions as words: a label for each sample, or a column for each label or target."""
    if predictions.dtype.kind == "i":
        classes = circuit.classes
        return [[str(i if classes is None else classes[i])] for i in predictions.tolist()]
    if predictions.dtype.kind == "b":
        predictions = predictions.astype("uint8")
    table = predictions[:, None] if predictions.ndim == 1 else predictions
    return [[repr(value) for value in row] for row in table.tolist()]


def _columns(circuit: Circuit) -> list[str]:
    """The names of the columns of `_rows`."""
    if circuit.head is None or circuit.task in (None, "classification"):
        return ["label"]
    if circuit.classes is not None:
        return [str(name) for name in circuit.classes]
    kind, count = "label" if circuit.task == "multilabel" else "value", circuit.head.num_classes
    return [kind] if count == 1 else [f"{kind} {number}" for number in range(count)]


def _text(circuit: Circuit, predictions: NDArray[Any]) -> str:
    return "".join(f"{' '.join(row)}\n" for row in _rows(circuit, predictions))


def _encoded(output: Path, circuit: Circuit, predictions: NDArray[Any]) -> bytes:
    if output.suffix.lower() == ".txt":
        return _text(circuit, predictions).encode()
    if output.suffix.lower() == ".csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_columns(circuit))
        writer.writerows(_rows(circuit, predictions))
        return text.getvalue().encode()
    import numpy as np

    array = io.BytesIO()
    np.save(array, predictions, allow_pickle=False)
    return array.getvalue()
