"""Texts of others, such as names in models and data, as they may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

LONGEST = 200
"""Signs of a value that a short view shows."""


def printable(text: str) -> str:
    """Return a text without control characters, line ends and other signs that are not seen: escapes stand for them."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or sign == "\u00a0" else sign.encode("unicode_escape").decode() for sign in text
    )


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return a text of at most so many signs; an ellipsis stands for the rest."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def html_table(caption: str, facts: Mapping[str, object]) -> str:
    """Return names and values as an HTML table of two columns, for notebooks: escaped, short, without references."""
    rows = "".join(
        f'<tr><th scope="row">{_shown(name)}</th><td>{_shown(value)}</td></tr>' for name, value in facts.items()
    )
    return f"<table><caption>{_shown(caption)}</caption><tbody>{rows}</tbody></table>"


def _shown(value: object) -> str:
    return escape(printable(shortened(str(value))))
