"""`lutsmith presets`: the named networks that `lutsmith train` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lutsmith.cli.arguments import JsonOption
from lutsmith.cli.output import deliver
from lutsmith.ground.alignment import aligned
from lutsmith.presets import list_presets

if TYPE_CHECKING:
    from rich.console import Console


def presets(
    task: Annotated[str | None, typer.Argument(metavar="TASK", help="Only presets for this task or any.")] = None,
    json_output: JsonOption = False,
) -> None:
    """List the presets: the task of each, how it learns, and the test accuracy that it reached."""

    def compute() -> dict[str, Any]:
        rows = [row for row in list_presets() if task in (None, row.task) or row.task is None]
        return {"presets": [row.to_json() for row in rows]}

    deliver(compute, _show, json_output)


def _show(result: dict[str, Any], console: Console) -> None:
    names = ("name", "task", "method", "result", "description")
    rows = [[str(row[name] or "any table") for name in names] for row in result["presets"]]
    for line in aligned([["preset", "task", "method", "reached", "what it is"], *rows], left=range(5)):
        console.print(line, soft_wrap=True)
