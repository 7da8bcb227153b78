"""`lutsmith compare`: two runs or models side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lutsmith.cli.arguments import DataOption, JsonOption, TargetOption, TaskOption, check_output
from lutsmith.cli.output import deliver

if TYPE_CHECKING:
    from rich.console import Console


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="The folder of a run, or a model file.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another run or model file.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="OUT", help="An HTML file to write, too; an existing one is replaced."),
    ] = None,
    data: DataOption = None,
    task: TaskOption = None,
    target: TargetOption = None,
    json_output: JsonOption = False,
) -> None:
    """Show two runs or models side by side: scores, sizes, speed, and the settings that differ."""
    if output is not None:
        check_output(output, [first, second])

    def compute() -> dict[str, Any]:
        from lutsmith.reporting import compare as make

        found = make(first, second, output, data=data, task=task, target=target)
        return {**found.to_json(), "output": None if output is None else str(output.resolve())}

    deliver(compute, _show, json_output)


def _show(result: dict[str, Any], console: Console) -> None:
    from rich.table import Table

    names = result["names"]
    table = Table("", *names, "second minus first", title="Scores, sizes and speed")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in result["figures"]:
        table.add_row(*(row[name] for name in ("name", "first", "second", "difference")))
    console.print(table)
    if result["settings"]:
        table = Table("setting", *names, title="Settings that differ")
        for row in result["settings"]:
            table.add_row(*(row[name] for name in ("name", "first", "second")))
        console.print(table)
    for note in result["notes"]:
        console.print(note, soft_wrap=True)
    if result["output"] is not None:
        console.print(f"{result['output']} written", soft_wrap=True)
