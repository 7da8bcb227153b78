"""What commands print: a page for people, or exactly one JSON object, the last line of stdout, for scripts."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import typer
from rich.console import Console
from rich.text import Text


def deliver(
    compute: Callable[[], dict[str, Any]], show: Callable[[dict[str, Any], Console], None], json_output: bool
) -> None:
    """Compute a result and print it.

    With `json_output`, whatever `compute` prints goes to stderr, and stdout gets the result as one line of JSON. Ctrl-C
    ends the command with exit code 130, SIGTERM in training with 143, and with what the interrupted work says about
    going on.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr) if json_output else contextlib.nullcontext():
            result = compute()
    except KeyboardInterrupt as interrupt:
        sys.stderr.write(f"lutsmith: {' '.join(str(interrupt).split()) or 'interrupted'}\n")
        raise typer.Exit(getattr(interrupt, "exit_code", 130)) from interrupt
    if json_output:
        sys.stdout.write(json.dumps(result, allow_nan=False) + "\n")
    else:
        show(result, Console(highlight=False, markup=False, emoji=False))


def levels(depth: int) -> str:
    """Return a depth in words."""
    return f"{depth} level{'' if depth == 1 else 's'}"


def facts_page(console: Console, facts: Mapping[str, object]) -> None:
    """Print names and values as two columns, one line each; values may hold anything, markup is not interpreted."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        console.print(Text.assemble((name.ljust(width), "bold"), f"  {value}"), soft_wrap=True)
