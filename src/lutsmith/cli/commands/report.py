"""`lutsmith report`: a run or a model as one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lutsmith.cli.arguments import DataOption, JsonOption, TargetOption, TaskOption, check_output
from lutsmith.cli.output import deliver

if TYPE_CHECKING:
    from rich.console import Console


def report(
    source: Annotated[
        Path, typer.Argument(metavar="RUN_OR_MODEL", help="The folder of a run, finished or not, or a model file.")
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="OUT", help="The HTML file to write; an existing one is replaced."),
    ],
    data: DataOption = None,
    task: TaskOption = None,
    target: TargetOption = None,
    title: Annotated[
        str | None, typer.Option("--title", help="The title of the page; the name of RUN_OR_MODEL by default.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Describe a run or a model on one HTML page: curves, mistakes, wiring, functions, counts, speed, proofs.

    The page loads nothing and runs no script. It is measured on the same rows as eval; sections without data are left
    out, with the reason.
    """
    check_output(output, [source])

    def compute() -> dict[str, Any]:
        from lutsmith.reporting import report as make

        made = make(source, output, data=data, task=task, target=target, title=title)
        return {"output": str(output.resolve()), "bytes": len(made.html.encode()), "title": made.title}

    deliver(compute, _show, json_output)


def _show(result: dict[str, Any], console: Console) -> None:
    console.print(f"{result['output']} written, {result['bytes'] / 1000:,.1f} kB", soft_wrap=True)
