"""How a column of text writes its numbers: plain, with a decimal comma, grouped, with a unit, in hexadecimal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

POINT, COMMA = ".", ","
UNITS = "%$€£¥₹"
"""Signs that a number may wear, in front of it or behind it."""
_SPACES = (" ", "\u00a0", "\u202f", "'", "\u2019")
GROUPS = {POINT: (COMMA, *_SPACES), COMMA: (POINT, *_SPACES)}
"""For each decimal mark the marks that may stand between groups of three digits."""
_FORMS = ("decimal", "hex", "boolean")
_HEX = re.compile(r"[+-]?0[xX][0-9a-fA-F]{1,16}")
_BOOLEAN = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}


@dataclass(frozen=True)
class Numerals:
    """How one column writes its numbers. The default, plain numbers, is what Python's `float` reads.

    Attributes:
        form: `decimal`; `hex`, such as `0x1f`; or `boolean`: true, false, 1 or 0.
        decimal: the decimal mark, `.` or `,`.
        group: what stands between groups of three digits: one of `GROUPS[decimal]`, or nothing.
        unit: one of `UNITS` that is attached to each number, or nothing. `50%` is 50.
        lenient: whether a cell that is not such a number is a missing value rather than an error.
    """

    form: str = "decimal"
    decimal: str = POINT
    group: str = ""
    unit: str = ""
    lenient: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether this is how Python writes numbers."""
        return self.form == "decimal" and self.decimal == POINT and not self.group and not self.unit

    def parse(self, cell: str) -> float | None:
        """Return the number of a cell, or None where it is not a number as this column writes them."""
        if self.is_plain:
            return plain(cell)
        text = cell.strip().replace("\u2212", "-")
        if self.form == "boolean":
            return _BOOLEAN.get(text.lower())
        if self.form == "hex":
            return float(int(text, 16)) if _HEX.fullmatch(text) else None
        if self.unit:
            bare = _without_unit(text, self.unit)
            if bare is None:
                return None
            text = bare
        if not _pattern(self.decimal, self.group).fullmatch(text):
            return None
        if self.group:
            text = text.replace(self.group, "")
        return float(text.replace(COMMA, POINT))

    def to_json(self) -> dict[str, str | bool]:
        """Return the fields that are not the defaults."""
        return {name: value for name, value in asdict(self).items() if value != getattr(PLAIN, name)}

    @classmethod
    def from_json(cls, value: Any) -> Numerals:
        """Return the object that `to_json` wrote; raise ValueError for other values."""
        if not isinstance(value, dict) or not value.keys() <= {item.name for item in fields(cls)}:
            raise ValueError(f"{str(value)[:60]} does not say how numbers are written")
        made = cls(**value)
        if (
            made.form not in _FORMS
            or made.decimal not in (POINT, COMMA)
            or made.group not in ("", *GROUPS[made.decimal])
            or not isinstance(made.lenient, bool)
            or not (made.unit == "" or (isinstance(made.unit, str) and len(made.unit) == 1 and made.unit in UNITS))
        ):
            raise ValueError(f"{str(value)[:60]} is not a way to write numbers")
        return made

    def __str__(self) -> str:
        if self.form != "decimal":
            return {"hex": "hexadecimal numbers", "boolean": "true and false"}[self.form]
        parts = [f"{self.decimal!r} before the fraction"] if self.decimal != POINT else []
        parts += [f"{self.group!r} between groups of three digits"] if self.group else []
        parts += [f"the sign {self.unit}"] if self.unit else []
        return f"numbers with {' and '.join(parts)}" if parts else "plain numbers"


PLAIN = Numerals()


def plain(cell: str) -> float | None:
    """Return what `float` reads, or None. Spaces that `strip` knows are more than those of `float`."""
    try:
        return float(cell.strip())
    except ValueError:
        return None


def readings(cells: Sequence[str], decimal: str | None = None) -> list[Numerals]:
    """Return every way of writing numbers in which all cells are numbers, the plain one first; empty where none is.

    Args:
        cells: the different values of a column, without missing ones; at least one.
        decimal: the decimal mark, where it is known; then numbers that are written with it come first.
    """
    if all(plain(cell) is not None for cell in cells):
        return plain_readings(cells, decimal)
    if _all(Numerals("hex"), cells):
        return [Numerals("hex")]
    found = []
    unit = next((unit for unit in UNITS if unit in cells[0]), "")
    bare = [(_without_unit(cell.strip(), unit) or "") if unit else cell.strip() for cell in cells]
    comma = decimal is not None or any(COMMA in cell for cell in cells)
    for mark in (POINT, COMMA) if decimal is None else (decimal,):
        for group in ("", *GROUPS[mark]) if mark == POINT or comma else (POINT,):
            numerals = Numerals(decimal=mark, group=group, unit=unit)
            if not numerals.is_plain and _all(numerals, cells) and (not group or any(group in cell for cell in bare)):
                found.append(numerals)
    return found


def plain_readings(cells: Sequence[str], decimal: str | None = None) -> list[Numerals]:
    """Return every way of writing numbers in which cells are numbers that are plain numbers: `readings`, quickly."""
    grouped = Numerals(decimal=COMMA, group=POINT)  # 1.234 may be 1234; of whole numbers no mark is in question
    if decimal != POINT and any(POINT in cell for cell in cells) and _all(grouped, cells):
        return [PLAIN, grouped] if decimal is None else [grouped, PLAIN]
    return [PLAIN]


def dress(cell: str) -> str | None:
    """Return in words how a cell writes a number, or None where it does not look like one."""
    if plain(cell) is not None:
        return "plain numbers"
    numerals = readings([cell])
    if not numerals:
        return None
    first = numerals[0]
    if first.form == "hex":
        return "hexadecimal numbers"
    if first.unit:
        return f"numbers with the sign {first.unit}"
    if len(numerals) > 1:
        return "numbers with a decimal comma or grouped digits"
    return "numbers with a decimal comma" if first.decimal == COMMA and not first.group else "numbers of grouped digits"


def _all(numerals: Numerals, cells: Iterable[str]) -> bool:
    return all(numerals.parse(cell) is not None for cell in cells)


def _without_unit(text: str, unit: str) -> str | None:
    """Return a number without its sign of unit, which stands at either end, behind a minus or not; None without it."""
    if text.endswith(unit):
        return text[:-1].rstrip()
    sign, rest = (text[0], text[1:].lstrip()) if text[:1] in ("-", "+") else ("", text)
    if not rest.startswith(unit):
        return None
    rest = rest[1:].lstrip()
    return None if sign and rest[:1] in ("-", "+") else sign + rest


@lru_cache(maxsize=64)
def _pattern(decimal: str, group: str) -> re.Pattern[str]:
    whole = r"[0-9]+"
    if group:  # a grouped number does not begin with 0: 0,125 is a fraction
        whole = rf"(?:[1-9][0-9]{{0,2}}(?:{re.escape(group)}[0-9]{{3}})+|[0-9]+)"
    mark = re.escape(decimal)
    return re.compile(rf"[+-]?(?:{whole}(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?")
