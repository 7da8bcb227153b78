"""JSON as RFC 8259 has it: no NaN, no repeated keys, no numbers or nesting that break the reader."""

from __future__ import annotations

import json
import math
from typing import Any

MAX_DEPTH = 64
"""Lists and objects within each other."""


def strict_loads(text: str | bytes) -> Any:
    """Return the value of a JSON document.

    Raises:
        ValueError: it is not JSON, holds NaN, Infinity or a number beyond float64, repeats a key in an object, or is
            nested deeper than `MAX_DEPTH`.
    """
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None
    layer, depth = [value], 0
    while layer:
        if depth > MAX_DEPTH:
            raise ValueError(f"JSON is nested deeper than {MAX_DEPTH} levels")
        layer = [item for container in layer for item in _items(container)]
        depth += 1
    return value


def _items(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"JSON repeats the key {next(key for key in keys if keys.count(key) > 1)!r}")
    return result


def _refuse_constant(name: str) -> float:
    raise ValueError(f"JSON holds {name}")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"JSON holds the number {digits[:40]}, which is beyond float64")
    return number
