"""`lutsmith predict`: labels, or the numbers of a regression, for a file of samples, batch by batch; for many files, on
all cores, a file of predictions for each.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lutsmith.cli.arguments import DelimiterOption, HeaderOption, JsonOption, ModelArgument, check_output
from lutsmith.cli.output import deliver
from lutsmith.cli.predicting.folder import PartOptions
from lutsmith.cli.predicting.many import predict_parts
from lutsmith.cli.predicting.parts import is_pattern
from lutsmith.cli.predicting.predictions import BATCH, COLUMNAR, METHODS, Predictions
from lutsmith.cli.predicting.writers import WRITERS, text

if TYPE_CHECKING:
    from rich.console import Console

_BATCH = BATCH


def predict(
    model: ModelArgument,
    samples: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...",
            help="Samples: .npy, .npz, .csv, .idx.gz, .parquet, .png, a folder of .png. Of many files (several names, "
            "a folder, or a pattern such as 'data/*.parquet') each is a part.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="OUT",
            help="Class ids in .npy, labels in .csv (with a header), .parquet or .txt. Without it, labels go to "
            "stdout. Several labels are columns of 0 and 1, regression gives numbers. A folder, for parts: each gets a "
            "file of its name; the same command goes on where it was stopped.",
        ),
    ] = None,
    method: Annotated[
        str, typer.Option(help="What is written: predict, decision_function (scores) or outputs (the circuit's bits).")
    ] = "predict",
    format_: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="KIND",
            help="Of the files in a folder OUT: npy, csv, parquet or txt. By default that which suits the part.",
        ),
    ] = None,
    header: HeaderOption = None,
    delimiter: DelimiterOption = None,
    json_output: JsonOption = False,
) -> None:  # fmt: skip
    """Predict the label, the labels or the numbers of each sample of a file, which may be larger than memory.

    For a folder of PNG images, with the folders in it, each line begins with the name of the image. Parts of an input
    are predicted on all cores, each into its own file in a folder; a part that is wrong does not stop the others.
    """
    if method not in METHODS:
        raise ValueError(f"--method is {method!r}, expected {', '.join(METHODS)}")
    if _is_folder(samples, output):
        assert output is not None
        _predict_parts(model, samples, output, PartOptions(method, format_, header, delimiter), json_output)
        return
    if format_ is not None:
        raise ValueError("--format is of parts, and OUT is not a folder: its ending says what it is")
    (path,) = samples
    _check_output(output, (model, path), json_output)
    _check_pyarrow(path.suffix, None if output is None else output.suffix)

    def compute() -> dict[str, Any]:
        from lutsmith.circuit.file import load
        from lutsmith.data import Reading
        from lutsmith.ground.atomic import write_atomically

        circuit = load(model)
        predictions = Predictions(circuit, path, method, Reading(header, delimiter), _BATCH)
        if output is None:
            for batch in predictions:
                sys.stdout.write(text(predictions, batch))
        else:
            write = WRITERS[output.suffix.lower()]
            write_atomically(output, lambda file: write(file, predictions))
        return {
            "samples": predictions.count,
            "output": output and str(output.resolve()),
            "predict_seconds": predictions.seconds,
        }

    deliver(compute, _show, json_output)


def _is_folder(samples: list[Path], output: Path | None) -> bool:
    """Return whether predictions go to a folder, part by part; raise ValueError where they should."""
    several = len(samples) > 1 or is_pattern(samples[0])
    if output is None:
        if several:
            raise ValueError(f"INPUT is several parts, such as {samples[0]}: give the folder for them, -o OUT")
        return False
    if output.is_dir() or not output.suffix:
        return True
    if several:
        if output.suffix.lower() in WRITERS:
            raise ValueError(f"{output} is one file, and INPUT several parts: give OUT the name of a folder")
        return True
    return False


def _predict_parts(model: Path, samples: list[Path], output: Path, options: PartOptions, json_output: bool) -> None:
    """Predict parts into a folder, and say how many."""
    kinds = [ending[1:] for ending in WRITERS]
    if options.format is not None and options.format not in kinds:
        raise ValueError(f"--format is {options.format!r}, expected {', '.join(kinds)}")
    if output.exists() and not output.is_dir():
        raise ValueError(f"{output} is a file; give OUT the name of a folder, or an ending: {', '.join(WRITERS)}")
    if not output.parent.is_dir():
        raise ValueError(f"cannot write {output}: there is no folder {output.parent}; create it first")
    _check_pyarrow(*(path.suffix for path in samples), None if options.format is None else f".{options.format}")

    def compute() -> dict[str, Any]:
        return predict_parts(model, samples, output, options, batch=_BATCH)

    deliver(compute, _show_parts, json_output)


def _check_pyarrow(*endings: str | None) -> None:
    if {ending and ending.lower() for ending in endings} & set(COLUMNAR) and find_spec("pyarrow") is None:
        raise ValueError("Parquet and Feather need pyarrow, which is not installed: pip install 'lutsmith[tables]'")


def _show(result: dict[str, Any], console: Console) -> None:
    if result["output"] is not None:
        console.print(f"{result['samples']:,} predictions in {result['output']}", soft_wrap=True)


def _show_parts(result: dict[str, Any], console: Console) -> None:
    parts, made = result["parts"], result["predicted"]
    there = "" if made == parts else f", {parts - made:,} of them there already"
    console.print(
        f"{result['samples']:,} predictions in {parts:,} part{'' if parts == 1 else 's'} in {result['output']}{there}",
        soft_wrap=True,
    )


def _check_output(output: Path | None, sources: tuple[Path, ...], json_output: bool) -> None:
    """Refuse an output that cannot be written before any work is done."""
    if output is None:
        if json_output:
            raise ValueError("--json needs -o OUT: stdout holds the JSON object alone")
        return
    if output.suffix.lower() not in WRITERS:
        raise ValueError(f"{output}: unknown kind of file; OUT must end in {', '.join(WRITERS)}, or be a folder")
    check_output(output, sources)
