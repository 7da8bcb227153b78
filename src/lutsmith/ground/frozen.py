"""JSON values that cannot be changed: objects are mappings, lists are tuples."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from lutsmith.ground.strict_json import MAX_DEPTH, strict_loads

_Key = TypeVar("_Key")
_Value = TypeVar("_Value", covariant=True)


class FrozenMapping(Mapping[_Key, _Value]):
    """A mapping that cannot be changed, in the order of its keys; equal to a dict of the same entries."""

    __slots__ = ("_entries",)

    _entries: Mapping[_Key, _Value]

    def __init__(self, entries: Mapping[_Key, _Value] | None = None) -> None:
        object.__setattr__(self, "_entries", MappingProxyType(dict(entries or {})))

    def __getitem__(self, key: _Key) -> _Value:
        return self._entries[key]

    def __iter__(self) -> Iterator[_Key]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return repr(dict(self._entries))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a frozen mapping cannot be changed: {name}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self._entries),)


def frozen_json(value: Any) -> Any:
    """Return a value that `json` gave with objects as `FrozenMapping` and lists as tuples."""
    if isinstance(value, dict):
        return FrozenMapping({key: frozen_json(item) for key, item in value.items()})
    return tuple(map(frozen_json, value)) if isinstance(value, list) else value


def plain_json(value: Any) -> Any:
    """Return a value with mappings as dicts and tuples as lists, as `json` takes and gives them."""
    if isinstance(value, Mapping):
        return {key: plain_json(item) for key, item in value.items()}
    return [plain_json(item) for item in value] if isinstance(value, (list, tuple)) else value


def copied_json(value: Any, *, max_depth: int = MAX_DEPTH) -> Any:
    """Return what JSON gives back of a value.

    Raises:
        ValueError: JSON cannot hold it, or not strictly: NaN, keys that become the same text, or too much nesting.
    """
    try:
        return strict_loads(json.dumps(value, allow_nan=False, default=_as_dict), max_depth=max_depth)
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def _as_dict(value: Any) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"it holds {type(value).__name__}, expected objects, lists, text, numbers, truth values and None")
