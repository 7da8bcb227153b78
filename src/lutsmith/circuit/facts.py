"""What a circuit's facts may hold: stated types for those that lutsmith knows, anything for others."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from lutsmith.circuit.tabular import Schema
from lutsmith.ground.strict_json import strict_loads

MAX_FACTS_DEPTH = 32


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_integer(value: Any) -> bool:
    return type(value) is int


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_held_out(value: Any) -> bool:
    parts = {"share": _is_number, "seed": _is_integer, "rows": _is_integer, "table": _is_text}
    return isinstance(value, dict) and value.keys() == parts.keys() and all(parts[name](value[name]) for name in parts)


_TYPES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("task", "preset", "measured_on", "lutsmith"), ("text", _is_text)),
    "target": ("the name or the place of a column", lambda value: _is_text(value) or _is_integer(value)),
    "feature_names": ("a list of names", _is_names),
    "integer_features": ("true or false", lambda value: isinstance(value, bool)),
    "categories": ("a list", lambda value: isinstance(value, list)),  # and as `Schema.of_facts` says
    **dict.fromkeys(("accuracy", "soft_accuracy", "train_seconds"), ("a number", _is_number)),
    **dict.fromkeys(
        ("seed", "best_epoch", "encoder_luts", "wasted_thresholds", "input_bits"), ("an integer", _is_integer)
    ),
    "held_out": ("an object with share, seed, rows and table", _is_held_out),
    **dict.fromkeys(
        ("architecture", "settings", "table", "simplified", "simplified_on_data", "optimised"),
        ("an object", _is_object),
    ),
}
"""The facts that lutsmith writes and reads; null stands for none of them."""


def checked_facts(facts: Any, features: int) -> dict[str, Any]:
    """Return what a model file would give back: a copy through JSON.

    Raises:
        TypeError: facts that are not a dict.
        ValueError: facts that JSON cannot hold, that have another type than lutsmith reads, or that do not describe a
            table of so many features.
    """
    try:
        copy = strict_loads(json.dumps(facts, allow_nan=False), max_depth=MAX_FACTS_DEPTH)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"facts cannot be saved as JSON: {error}") from error
    if not isinstance(copy, dict):
        raise TypeError(f"facts must be a dict, not {type(facts).__name__}")
    check_types(copy)
    try:
        Schema.of_facts(copy, features)
    except ValueError as error:
        raise ValueError(f"facts: {error}") from error
    return copy


def check_types(facts: Mapping[str, Any]) -> None:
    """Raise ValueError where a fact has another type than lutsmith reads."""
    for name, (expected, fits) in _TYPES.items():
        value = facts.get(name)
        if value is not None and not fits(value):
            shown = repr(value)
            raise ValueError(
                f"facts: {name} is {shown if len(shown) <= 60 else shown[:57] + '...'}, expected {expected}"
            )
