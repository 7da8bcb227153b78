"""Registries that take parts of your own: which names there may be, said in one way everywhere."""

from __future__ import annotations

import re
from collections.abc import Collection, MutableMapping
from typing import Any, TypeVar

T = TypeVar("T")

_NAME = re.compile(r"[^\s,=]+")


def add_own(registry: MutableMapping[str, T], kind: str, name: str, value: T, taken: Collection[str] = ()) -> None:
    """Add a part of the user's own to a registry, for this process.

    The same definition may come again, as when a cell of a notebook or a module is run again: it takes its own place.

    Args:
        registry: parts by name.
        kind: what messages call such a part, such as `parametrization`.
        name: by which it is chosen.
        value: the part, a class or a function.
        taken: other names that are in use, such as aliases.

    Raises:
        TypeError: a name that is not a text.
        ValueError: a name that is taken, or that is empty or has a space, a comma or an equals sign, which the command
            line could not tell from what stands around it.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a {kind} is {name!r}; expected a text, such as 'mine'")
    if not _NAME.fullmatch(name):
        raise ValueError(f"the name of a {kind} is {name!r}; expected a text without spaces, commas and equals signs")
    before = registry.get(name)
    if name in taken or (before is not None and not _again(before, value)):
        owner = "" if before is None else f": {getattr(before, '__qualname__', before)}"
        raise ValueError(f"there is a {kind} {name!r} already{owner}; give yours another name")
    registry[name] = value


def own_hint(function: str) -> str:
    """Return what else may be wrong with an unknown name, for the end of a message: a part of one's own is not known.

    Args:
        function: that registers such parts, as users call it.
    """
    return f"; a part of your own has to be registered in this process first, by {function}"


def _again(before: Any, value: Any) -> bool:
    """Return whether both are the same, or one definition outside of lutsmith that was run twice."""
    if before is value:
        return True
    places = [(getattr(part, "__module__", None), getattr(part, "__qualname__", None)) for part in (before, value)]
    module, name = places[0]
    own = isinstance(module, str) and module != "lutsmith" and not module.startswith("lutsmith.")
    return own and places[0] == places[1] and "<lambda>" not in str(name)
