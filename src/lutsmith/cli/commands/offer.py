"""What `lutsmith train` says where no task is given: what can be learned, each with a command to begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lutsmith.ground.alignment import aligned

if TYPE_CHECKING:
    from rich.console import Console

STARTS = (
    ("digits", "lutsmith train digits", "handwritten digits of 8 x 8 pixels, nothing to fetch: seconds"),
    ("table", "lutsmith train table --data people.csv --target outcome", "a table of yours: text, Parquet or Feather"),
    (
        "images",
        "lutsmith train images --data pictures",
        "pictures of yours: a folder for each class in train/ and test/",
    ),
    ("npz", "lutsmith train npz --data arrays.npz", "arrays of yours: x, and y with what is true of each row"),
    (
        "mnist",
        "lutsmith train mnist --data DATA",
        "public data in the folder DATA, or in LUTSMITH_DATA; the names are below",
    ),
    ("alu", "lutsmith train alu --ops + '*'", "arithmetic, learned from examples and proved"),
)
"""Kinds of tasks: a task of each, the command, and what is learned."""


def offer() -> dict[str, Any]:
    """Return what can be learned."""
    from lutsmith.data.tasks import TASKS

    starts = [{"task": task, "command": command, "what": what} for task, command, what in STARTS]
    return {"tasks": list(TASKS), "starts": starts}


def show_offer(result: dict[str, Any], console: Console) -> None:
    """Print it as a page."""
    console.print("Give a task, which says what is learned:\n")
    rows = [[f"  {start['command']}", start["what"]] for start in result["starts"]]
    for line in aligned(rows, left=range(2)):
        console.print(line, soft_wrap=True)
    console.print(f"\nTasks: {', '.join(result['tasks'])}.", soft_wrap=True)
    console.print(
        "`lutsmith presets TASK` lists networks for a task, `lutsmith train --help` all options.", soft_wrap=True
    )


def tasks_that_begin(incomplete: str) -> list[str]:
    """Return the names of tasks for a shell to complete."""
    return [name for name in offer()["tasks"] if name.startswith(incomplete)]


def presets_that_begin(incomplete: str) -> list[str]:
    """Return the names of presets for a shell to complete."""
    from lutsmith.presets import list_presets

    return [row.name for row in list_presets() if row.name.startswith(incomplete)]
