"""JSON as RFC 8259 has it: no NaN, no repeated keys, no numbers or nesting that break the reader."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from itertools import chain
from typing import Any, TypeVar, get_args, get_type_hints

Record = TypeVar("Record")

MAX_DEPTH = 64
"""Lists and objects within each other."""
MAX_DIGITS = 1000
"""Of one number: reading a very long one takes time that grows with the square of its length."""
MAX_MESSAGE = 400
"""Letters of what is said of a document."""


def strict_loads(text: str, *, max_depth: int = MAX_DEPTH) -> Any:
    """Return the value of a JSON document.

    Raises:
        ValueError: it is not JSON, holds NaN, Infinity or a number beyond float64, repeats a key in an object, or is
            nested deeper than `max_depth`.
    """
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_integer,
        )
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None
    layer, depth = _containers([value]), 0
    while layer:
        depth += 1
        if depth > max_depth:
            raise ValueError(f"JSON is nested deeper than {max_depth} levels")
        inner = (container.values() if isinstance(container, dict) else container for container in layer)
        layer = _containers(chain.from_iterable(inner))
    return value


def record_of(kind: type[Record], values: Any) -> Record:
    """Return a dataclass of a JSON object with its fields, each a truth value, a number, a text or None.

    Raises:
        TypeError: fields that it does not have or needs, or values of other types than its fields.
    """
    made = kind(**values)
    for name, hint in get_type_hints(kind).items():
        value, kinds = getattr(made, name), get_args(hint) or (hint,)
        if type(value) not in kinds and not (type(value) is int and float in kinds):
            raise TypeError(f"{name} is {value!r}; expected {' or '.join(each.__name__ for each in kinds)}")
    return made


def brief(error: Exception) -> str:
    """Return what an error says in a line of at most 400 letters, its beginning and its end, which tells what was
    expected: it may quote what a stranger's file holds.
    """
    text = " ".join(str(error).split())
    half = MAX_MESSAGE // 2
    return text if len(text) <= MAX_MESSAGE else f"{text[: half - 5]} ... {text[-half:]}"


def _containers(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, (dict, list))]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"JSON repeats the key {key[:40]!r}")
        result[key] = value
    return result


def _refuse_constant(name: str) -> float:
    raise ValueError(f"JSON holds {name}")


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"JSON holds a number of {len(digits)} digits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits) if len(digits) <= MAX_DIGITS else math.inf
    if not math.isfinite(number):
        raise ValueError(f"JSON holds the number {digits[:40]}, which no float64 holds")
    return number
