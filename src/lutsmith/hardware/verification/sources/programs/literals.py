"""Names and sizes that stand in the code of C and JavaScript, as values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

from lutsmith.hardware.verification.sources.comments import shown
from lutsmith.hardware.verification.sources.programs.lexemes import Lexeme

_ESCAPES = {"n": 10, "t": 9, '"': 34, "\\": 92, "?": 63, "'": 39}


def c_sizes(code: Sequence[Lexeme]) -> dict[str, str]:
    """Return the names that are defined as a number; those that are so in two ways, as "ambiguous"."""
    pattern = re.compile(r"#\s*define (\w+) ([0-9]+)")
    matches = [pattern.fullmatch(piece.text) for piece in code if piece.kind == "directive"]
    return _distinct([(match[1], match[2]) for match in matches if match])


def javascript_sizes(code: Sequence[Lexeme]) -> dict[str, str]:
    """Return the names in capitals that are given a number; those that are given two, as "ambiguous"."""
    texts = [piece.text for piece in code]
    triples = zip(texts, texts[1:], texts[2:], strict=False)
    return _distinct(
        [(name, value) for name, sign, value in triples if sign == "=" and name.isupper() and value.isdecimal()]
    )


def c_list(code: Sequence[Lexeme], name: str) -> list[str] | str | None:
    """Return the strings of an array; None where its name does not occur, a text where it cannot be read."""
    texts = [piece.text for piece in code]
    places = [place for place, text in enumerate(texts) if text == name]
    starts = [place for place in places if texts[place + 3 : place + 6] == ["]", "=", "{"]]
    if len(starts) != 1:
        return f"{name} is defined {len(starts)} times" if places else None
    return _strings(code, starts[0] + 6, "}", name, _c_string)


def javascript_list(code: Sequence[Lexeme], name: str) -> list[str] | str | None:
    """Return the strings of a constant; None where it is null, a text where it cannot be read."""
    texts = [piece.text for piece in code]
    starts = [at for at, text in enumerate(texts) if text == name and texts[at - 1 : at + 2 : 2] == ["const", "="]]
    if len(starts) != 1:
        return f"{name} is defined {len(starts)} times"
    first = starts[0] + 2
    if texts[first : first + 2] == ["null", ";"]:
        return None
    if texts[first : first + 1] != ["["]:
        return f"{name} is not a list"
    return _strings(code, first + 1, "]", name, json.loads)


def _distinct(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    sizes: dict[str, str] = {}
    for name, value in pairs:
        sizes[name] = value if sizes.get(name, value) == value else "ambiguous"
    return sizes


def _strings(code: Sequence[Lexeme], start: int, end: str, name: str, value: Callable[[str], str]) -> list[str] | str:
    """Return the strings from a place to the end of a list; a comma may stand after the last."""
    strings: list[str] = []
    between = False
    for piece in code[start:]:
        if piece.text == end:
            return strings
        try:
            if between != (piece.text == ","):
                raise ValueError
            if not between:
                strings.append(value(piece.text))
        except ValueError:
            return f"line {piece.line} has {shown(piece.text)} in {name}, where a string or a comma was expected"
        between = not between
    return f"{name} has no end"


def _c_string(literal: str) -> str:
    """Return the value of a literal with the escapes that exports write; other characters stand for their UTF-8.

    Raises:
        ValueError: it is none, or has other escapes.
    """
    if len(literal) < 2 or literal[0] != '"' or literal[-1] != '"':
        raise ValueError(literal)
    data = bytearray()
    for match in re.finditer(r"\\([0-7]{1,3})|\\(.)|(.)", literal[1:-1], re.DOTALL):
        octal, escape, plain = match.groups()
        if octal is not None:
            data.append(int(octal, 8) & 255)
        elif escape is not None:
            if escape not in _ESCAPES:
                raise ValueError(literal)
            data.append(_ESCAPES[escape])
        else:
            data += plain.encode()
    return data.decode("utf-8", "backslashreplace")
