"""Numbers as pages show them. Values that are not numbers, as in a damaged record, are shown as they are."""

from __future__ import annotations

from typing import Any

from lutsmith.ground.arguments import is_finite

NONE = "–"
"""Where there is nothing to say."""


def count(value: Any) -> str:
    """Return how many: 1,234."""
    return f"{int(value):,}" if is_finite(value) else _other(value)


def percent(value: Any) -> str:
    """Return a share: 98.72 %."""
    return f"{100 * value:.2f} %" if is_finite(value) else _other(value)


def points(value: Any) -> str:
    """Return a difference of shares, with its sign: +0.12 points."""
    return f"{100 * value:+.2f} points" if is_finite(value) else _other(value)


def decimal(value: Any) -> str:
    """Return a number of four digits."""
    return f"{value:.4g}" if is_finite(value) else _other(value)


def counted(number: int, noun: str, several: str | None = None) -> str:
    """Return a number with what it counts: 1 row, 2 rows; `several` where the plural has more than an s."""
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


def size(number: int) -> str:
    """Return a size of a file in bytes: 12.3 kB."""
    return f"{number:,} bytes" if number < 1000 else f"{number / 1000:,.1f} kB"


def _other(value: Any) -> str:
    return NONE if value is None else str(value)
