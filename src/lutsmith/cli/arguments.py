"""Arguments that several commands take, under one name and with one meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ModelArgument = Annotated[Path, typer.Argument(metavar="MODEL", help="A model file, such as runs/mine/model.lut.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object; all else goes to stderr.")]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="PATH", help="The folder with the IDX files or its parent, or the table's file."),
]
TargetOption = Annotated[
    str | None,
    typer.Option("--target", metavar="COLUMN", help="The label column of a table, by name or place (-1 is the last)."),
]
