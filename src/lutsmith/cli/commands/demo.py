"""`lutsmith demo`: a page that runs a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lutsmith.cli.arguments import JsonOption, ModelArgument, check_output
from lutsmith.cli.output import deliver

if TYPE_CHECKING:
    from rich.console import Console


def demo(
    model: ModelArgument,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="The HTML file to write.")],
    title: Annotated[
        str | None,
        typer.Option("--title", metavar="TEXT", help="The title of the page; by default the model's task."),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            "--temperature", metavar="T",
            help="How many votes are worth a factor e of probability; the answer's probability is shown then.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
    json_output: JsonOption = False,
) -> None:  # fmt: skip
    """Write a page that runs a model in a browser: draw, move sliders, or calculate, and see bits, LUTs and votes.

    It is one file that needs no server and no network. The circuit in it is the WebAssembly of `lutsmith export`.
    """

    def compute() -> dict[str, Any]:
        from lutsmith.circuit.file import load
        from lutsmith.export import to_page
        from lutsmith.export.page.page import USUAL
        from lutsmith.ground.atomic import write_atomically

        check_output(output, [model])
        if output.exists() and not overwrite:
            raise ValueError(f"{output} would be replaced: give --overwrite, or OUT another name")
        page = to_page(load(model), title=title, temperature=temperature).encode()
        write_atomically(output, page)
        return {
            "model": str(model.resolve()),
            "file": str(output),
            "bytes": len(page),
            "notice": f"it is larger than {USUAL:,} bytes, and slow to open: lutsmith simplify may make it smaller"
            if len(page) > USUAL
            else None,
        }

    deliver(compute, _show, json_output)


def _show(result: dict[str, Any], console: Console) -> None:
    console.print(f"{result['file']}  {result['bytes']:,} bytes: open it in a browser", soft_wrap=True)
    if result["notice"]:
        console.print(result["notice"], soft_wrap=True)
