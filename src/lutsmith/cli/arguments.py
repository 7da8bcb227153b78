"""Arguments that several commands take, under one name and with one meaning."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lutsmith.circuit import Circuit
    from lutsmith.logic import Words

_BITS = re.compile("[0-9]{1,9}")


def hardware_words(text: str | None, circuit: Circuit) -> Words | int | None:
    """Return what --words says of hardware: nothing, the bits of a word, or that features stay float32.

    Raises:
        ValueError: neither bits nor float32.
    """
    from lutsmith.logic import Words

    if text == "float32":
        return Words.float32(circuit.encoder.num_features)
    if text is not None and not _BITS.fullmatch(text):
        raise ValueError(f"--words is {text!r}, expected a number of bits, 1 to 24, or float32")
    return None if text is None else int(text)


def lengths(text: str) -> tuple[int, ...]:
    """Return word lengths from a list such as `4,6,8`."""
    parts = [part.strip() for part in text.split(",")]
    if not all(map(_BITS.fullmatch, parts)):
        raise typer.BadParameter(f"{text!r} is not a list of word lengths; expected such as 4,6,8")
    return tuple(map(int, parts))


def check_output(output: Path, sources: Iterable[Path]) -> None:
    """Refuse a file OUT that cannot be written, or that the command reads, before any work is done."""
    if output.is_dir():
        raise ValueError(f"{output} is a folder; give OUT the name of a file in it")
    if not output.parent.is_dir():
        raise ValueError(f"cannot write {output}: there is no folder {output.parent}; create it first")
    if not output.exists():
        return
    from lutsmith.ground.metrics_log import METRICS
    from lutsmith.reporting.subject import ALU_RECORD
    from lutsmith.runs.folder import MODEL, RECORD

    for source in sources:
        folder = source if source.is_dir() else source.parent
        is_run = any((folder / name).is_file() for name in (RECORD, ALU_RECORD))
        own = [folder / name for name in (RECORD, MODEL, METRICS, ALU_RECORD)] if is_run else []
        for read in (source, *own):
            if read.exists() and output.samefile(read):
                what = "is read by this command" if read == source else f"is a file of the run in {folder}"
                raise ValueError(f"{output} {what}; give OUT another name")


ModelArgument = Annotated[Path, typer.Argument(metavar="MODEL", help="A model file, such as runs/mine/model.lut.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object; everything else goes to stderr.")]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="PATH", help="The folder with the IDX files or its parent, or the table's file."),
]
HeaderOption = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header", help="Whether a text table's first row names its columns.", show_default=False
    ),
]
DelimiterOption = Annotated[
    str | None,
    typer.Option("--delimiter", metavar="CHAR", help="What separates a text table's fields, such as ';' or tab."),
]
TaskOption = Annotated[
    str | None,
    typer.Option("--task", metavar="TASK", help="Where the rows come from; by default the task of the training."),
]
TargetOption = Annotated[
    str | None,
    typer.Option("--target", metavar="COLUMN", help="The label column of a table, by name or place (-1 is the last)."),
]
