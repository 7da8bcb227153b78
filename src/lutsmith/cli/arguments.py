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
TargetOption = Annotated[
    str | None,
    typer.Option("--target", metavar="COLUMN", help="The label column of a table, by name or place (-1 is the last)."),
]
