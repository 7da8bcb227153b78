"""Pieces of C text: literals, constant arrays, strings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.export.errors import ExportError

MAX_STRING = 4000
"""Bytes of one string: a C99 compiler need take no more than 4,095."""

WIDTH = 116

_ESCAPES = {0x22: '\\"', 0x3F: "\\?", 0x5C: "\\\\"}
"""The quote, the backslash, and the question mark: two of those begin a trigraph."""


def prefixed(code: str, name: str) -> str:
    """Return code whose names begin with `lutsmith_` and `LUTSMITH_`, with those of an export of another name."""
    prefixes = {"lutsmith": name, "LUTSMITH": name.upper()}
    return re.sub(r"\b(lutsmith|LUTSMITH)(?=_)", lambda prefix: prefixes[prefix[0]], code)


def ctype(dtype: np.dtype[Any]) -> str:
    """Return the C type of a NumPy type: uint8_t, int16_t, float, double, ..."""
    return {"float32": "float", "float64": "double"}.get(dtype.name, f"{dtype.name}_t")


def array(name: str, values: NDArray[Any], qualifier: str = "") -> str:
    """Return the definition of a static constant array; without values, of one zero that nothing reads."""
    kept = values if values.size else np.zeros(1, values.dtype)
    between = f" {qualifier} " if qualifier else " "
    return f"static const {ctype(kept.dtype)} {name}[{kept.size}]{between}= {{\n{wrapped(literals(kept))}\n}};\n"


def literals(values: NDArray[Any]) -> list[str]:
    """Return numbers as C literals that give the same value."""
    flat = values.reshape(-1)
    if flat.dtype.kind != "f":
        suffix = {"uint64": "u", "uint32": "u"}.get(flat.dtype.name, "")
        if flat.dtype == np.uint64:
            return [f"0x{value:016x}ull" for value in flat.tolist()]
        return [f"{value}{suffix}" for value in flat.tolist()]
    if flat.dtype == np.float32:
        return [_float32(value) for value in flat]
    return [repr(value) for value in flat.tolist()]


def _float32(value: np.float32) -> str:
    if np.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    return f"{value!s}f"


def wrapped(words: Iterable[str]) -> str:
    """Return words with commas between them, in lines of bounded length."""
    lines: list[str] = []
    line: list[str] = []
    length = 0
    for word in words:
        if line and length + len(word) + 2 > WIDTH:
            lines.append("    " + ", ".join(line))
            line, length = [], 0
        line.append(word)
        length += len(word) + 2
    return ",\n".join([*lines, "    " + ", ".join(line)])


def string(text: str) -> str:
    """Return text as a string literal: UTF-8, everything but plain ASCII escaped.

    Raises:
        ExportError: it is longer than a C99 compiler need take, or holds a zero, where a C string ends.
    """
    data = text.encode("utf-8", "backslashreplace")
    if len(data) > MAX_STRING:
        raise ExportError(f"a name of {len(data)} bytes ({text[:20]!r}...) is too long for a C string: shorten it")
    if 0 in data:
        raise ExportError(f"the name {text!r} holds a zero character, where a C string ends: rename it")
    return '"' + "".join(_escaped(byte) for byte in data) + '"'


def _escaped(byte: int) -> str:
    if byte in _ESCAPES:
        return _ESCAPES[byte]
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}"


def strings(name: str, texts: Sequence[str]) -> str:
    """Return the definition of an array of strings that was declared before."""
    lines = ",\n".join(f"    {string(text)}" for text in texts)
    return f"const char *const {name}[{len(texts)}] = {{\n{lines}\n}};\n"
