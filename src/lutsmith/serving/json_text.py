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
_AFTER_ROW = re.compile(r"[ \t\r\n]*([,\]])[ \t\r\n]*")
_END = re.compile(r"\}[ \t\r\n]*")


def row_parts(body: bytes | bytearray) -> Iterator[list[Any]]:
    """Yield the rows of `{"rows": [...]}`, in parts of one row and more; nothing where there are none. Numbers beyond
    float64 are infinite.

    Raises:
        RequestError: 400 where the body is not JSON, holds NaN, repeats a key or is nested too deeply; 422 where it is
            another document.
    """
    try:
        text = body.decode()
        begin = _BEGIN.match(text) if len(text) > LONG else None
        if begin is None or text.startswith("]", begin.end()):
            rows = _rows(_DECODER.decode(text))
            if rows:
                yield rows
        else:
            yield from _parts(text, begin.end())
        return
    except RecursionError:
        problem = "it is nested too deeply"
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} is not UTF-8"
    except ValueError as error:
        problem = "it holds a number of too many digits" if "set_int_max_str_digits" in str(error) else str(error)
    raise RequestError(400, f"the body is not JSON: {problem}")


def _parts(text: str, place: int) -> Iterator[list[Any]]:
    """Yield the rows of a document whose list of rows begins at `place`."""
    rows: list[Any] = []
    while True:
        try:
            row, place = _SCAN(text, place)
        except StopIteration as error:
            raise json.JSONDecodeError("Expecting value", text, error.value) from None
        rows.append(row)
        after = _AFTER_ROW.match(text, place)
        if after is None:
            raise json.JSONDecodeError("Expecting ',' delimiter", text, place)
        place = after.end()
        if after[1] == "]":
            break
        if len(rows) == PART:
            yield rows
            rows = []
    if not _END.fullmatch(text, place):
        _rows(_DECODER.decode(text))  # it has other keys, or is not JSON: this says which
        raise json.JSONDecodeError("Extra data", text, place)
    yield rows


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
