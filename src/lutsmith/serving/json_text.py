"""JSON of strangers as RFC 8259 has it, without NaN and repeated keys, whole or a few rows at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from lutsmith.circuit.tabular.schema import listed, shorten
from lutsmith.serving.problems import RequestError

PART = 64
"""Rows that are read at a time of long bodies: between two parts other threads have their turn, and the rows of only
one part are Python's objects."""

LONG = 32_768
"""Letters from which on a body is read in parts."""

_EXPECTED = 'expected {"rows": [...]}, with a list of rows and nothing else'
_KINDS = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
_BEGIN = re.compile(r'[ \t\r\n]*\{[ \t\r\n]*"rows"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*')
_SPACES = " \t\r\n"
_SPACE = re.compile(r"[ \t\r\n]*")
_NEAR = 16
"""Letters before the end of a window in which what is wrong may be that the window ends."""
_AFTER_ROW = re.compile(r"[ \t\r\n]*([,\]])[ \t\r\n]*")
_END = re.compile(r"\}[ \t\r\n]*")


def row_parts(body: bytes | bytearray, longest: int) -> Iterator[list[Any]]:
    """Yield the rows of `{"rows": [...]}`, in parts of one row and more; nothing where there are none. Numbers beyond
    float64 are infinite.

    Python reads a value of JSON without letting other threads go on, and takes up to 30 times its letters of memory; so
    of a long body it is given windows of `longest` letters.

    Args:
        body: the text in UTF-8.
        longest: letters of a row, at most, where the body is long.

    Raises:
        RequestError: 400 where the body is not JSON, holds NaN, repeats a key or is nested too deeply; 413 for a row
            that is too long; 422 where it is another document.
    """
    try:
        text = body.decode()
        begin = _BEGIN.match(text) if len(text) > LONG else None
        if begin is not None and not text.startswith("]", begin.end()):
            yield from _parts(text, begin.end(), longest)
        elif begin is not None:
            _end(text, begin.end() + 1)
        elif len(text) > LONG and len(text.strip(_SPACES)) > LONG:
            raise RequestError(422, f"the body is long and begins with {shorten(text[:40])}; {_EXPECTED}")
        elif rows := _rows(_DECODER.decode(text)):
            yield rows
        return
    except RecursionError:
        problem = "it is nested too deeply"
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} is not UTF-8"
    except ValueError as error:
        problem = "it holds a number of too many digits" if "set_int_max_str_digits" in str(error) else str(error)
    raise RequestError(400, f"the body is not JSON: {problem}")


def _parts(text: str, place: int, longest: int) -> Iterator[list[Any]]:
    """Yield the rows of a document whose list of rows begins at `place`."""
    rows: list[Any] = []
    first, window, at = place, text[place : place + longest], 0
    begun = place  # where the rows of this part begin
    while True:
        try:
            row, end = _SCAN(window, at)
            after = _AFTER_ROW.match(window, end)
            wrong, message = end, "Expecting ',' delimiter"
        except StopIteration as error:
            after, wrong, message = None, error.value, "Expecting value"
        except json.JSONDecodeError as error:
            after, wrong, message = None, error.pos, error.msg
        if after is None:  # it is wrong, or the window ends within it
            whole = first + len(window) == len(text)
            if whole or (at == 0 and wrong < len(window) - _NEAR and not message.startswith("Unterminated")):
                raise json.JSONDecodeError(message, text, first + wrong)
            if at == 0:
                raise RequestError(413, f"a row is longer than {longest:,} letters: send what the model reads")
            first = _past_spaces(text, first + at)
            window, at = text[first : first + longest], 0
            continue
        rows.append(row)
        at = after.end()
        if after[1] == "]":
            break
        if len(rows) == PART or first + at - begun > longest:
            yield rows
            rows, begun = [], first + at
    _end(text, first + at)
    yield rows


def _end(text: str, place: int) -> None:
    """Check that a document ends after its rows."""
    place = _past_spaces(text, place)
    if _END.fullmatch(text, place):
        return
    rest = text[place:].rstrip(_SPACES)
    if len(rest) <= LONG:  # it has other keys, or is not JSON: this says which
        before = '{"rows":[]'
        try:
            _rows(_DECODER.decode(before + rest))
        except json.JSONDecodeError as error:
            raise json.JSONDecodeError(error.msg, text, place + error.pos - len(before)) from None
    raise RequestError(422, f"something stands behind the rows; {_EXPECTED}")


def _past_spaces(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return place if found is None else found.end()


def kind(value: Any) -> str:
    """Return in words what a value of JSON is."""
    return _KINDS.get(type(value), "a number")


def _rows(document: Any) -> list[Any]:
    if isinstance(document, dict) and document.keys() == {"rows"} and isinstance(document["rows"], list):
        rows: list[Any] = document["rows"]
        return rows
    if not isinstance(document, dict):
        raise RequestError(422, f"the body is {kind(document)}; {_EXPECTED}")
    if unknown := [key for key in document if key != "rows"]:
        raise RequestError(422, f"the body has the unknown keys {listed(unknown)}; {_EXPECTED}")
    what = f"rows is {kind(document['rows'])}" if document else "the object is empty"
    raise RequestError(422, f"{what}; {_EXPECTED}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"it repeats the key {shorten(key)}")
            seen.add(key)
    return result


def _constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
_SCAN = _DECODER.scan_once  # type: ignore[attr-defined]
