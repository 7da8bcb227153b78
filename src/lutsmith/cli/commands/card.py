"""`lutsmith card`: a README for a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lutsmith.cli.arguments import JsonOption, check_output
from lutsmith.cli.output import deliver

if TYPE_CHECKING:
    from rich.console import Console


def card(
    source: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file, or the folder of a finished run.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="OUT", help="The file to write; README.md beside the model by default."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="The name of the model.")] = None,
    license: Annotated[  # noqa: A002
        str | None, typer.Option("--license", metavar="SPDX", help="Its licence, such as apache-2.0.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Write a model card: a README with the YAML head that model hubs read.

    It says how to use the model, what it reads and reaches, its size, what was proved and how it was trained, as far as
    that is recorded.
    """
    place = output or (source if source.is_dir() else source.parent) / "README.md"
    check_output(place, [source])
    if place.exists() and not overwrite:
        raise ValueError(f"{place} would be replaced: give --overwrite, or --output another name")

    def compute() -> dict[str, Any]:
        from lutsmith.reporting import card as make

        text = make(source, place, name=name, license=license)
        return {"output": str(place.resolve()), "bytes": len(text.encode())}

    deliver(compute, _show, json_output)


def _show(result: dict[str, Any], console: Console) -> None:
    console.print(f"{result['output']} written, {result['bytes'] / 1000:,.1f} kB", soft_wrap=True)
