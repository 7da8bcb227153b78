r"""What commands print: a page for people, or exactly one JSON object, the last line of stdout, for scripts.

Names in models and data may hold anything. What could move a cursor, colour a terminal or begin a line is shown as an
escape, such as `\x1b` or `\n`; JSON has escapes of its own.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from lutsmith.ground.printable import printable


class Page(str):
    """A text of several lines that lutsmith has laid out: its line ends are printed as they are."""

    __slots__ = ()


def _printable(value: Any) -> Any:
    """Return a result with all texts in it printable."""
    if isinstance(value, Page):
        return "\n".join(map(printable, value.split("\n")))
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {_printable(name): _printable(item) for name, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, (list, tuple)) else value


def deliver(
    compute: Callable[[], dict[str, Any]], show: Callable[[dict[str, Any], Console], None], json_output: bool
) -> dict[str, Any]:
    """Compute a result, print it, and return it.

    With `json_output`, whatever `compute` prints goes to stderr, and stdout gets the result as one line of JSON.
    """
    with contextlib.redirect_stdout(sys.stderr) if json_output else contextlib.nullcontext():
        result = compute()
    if json_output:
        sys.stdout.write(json.dumps(result, allow_nan=False) + "\n")
    else:
        show(_printable(result), Console(highlight=False, markup=False, emoji=False))
    return result


def levels(depth: int) -> str:
    """Return a depth in words."""
    return f"{depth} level{'' if depth == 1 else 's'}"


def facts_page(console: Console, facts: Mapping[str, object]) -> None:
    """Print names and values as two columns, one line each; values may hold anything, markup is not interpreted."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        console.print(Text.assemble((name.ljust(width), "bold"), f"  {value}"), soft_wrap=True)
