"""The ways to learn, by name, and which one the arguments of a run ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lutsmith import presets
from lutsmith.ground.arguments import one_of, settings_checked
from lutsmith.ground.registry import own_hint
from lutsmith.runs.methods.additive import Additive
from lutsmith.runs.methods.gradients import Gradients
from lutsmith.runs.methods.method import Method, Parts, Ready, Told, as_json
from lutsmith.runs.methods.phases import Phases
from lutsmith.runs.methods.search import Methods

OWN = own_hint("lutsmith.search.register")
"""What else may be wrong with the name of a method."""
METHODS: Mapping[str, Method] = Methods(Gradients(), Additive(), Phases())
"""The ways to learn; each is a file of this room, but those of search, which share one."""


@settings_checked()
def asked_method(method: str | None, preset: str | None, given: Mapping[str, Any]) -> str | None:
    """Return the method that arguments of `train` ask for: by its name, by the preset, or because no other method has
    all of them; None where any method will do.

    Args:
        method: its name, or None.
        preset: the name of a row, or None.
        given: arguments that not every method has, such as `lr`, `max_luts` and `settings`; None is not given.

    Raises:
        ValueError: unknown names, or arguments of different methods.
    """
    given = {name: value for name, value in given.items() if value is not None}
    asked = {}
    if method is not None:
        asked[f"method={one_of('method', method, METHODS, hint=OWN)!r}"] = [method]
    if preset is not None:
        asked[f"preset={preset!r}"] = [presets.get(preset).method]
    asked.update({_shown(name, value): _takers(name, value, settings=not asked) for name, value in given.items()})
    named = [*METHODS] if method is not None or preset is not None else []
    possible, first = [name for name in METHODS if name in named or not METHODS[name].by_name_alone], ""
    for argument, methods in asked.items():
        left = [name for name in possible if name in methods]
        if not left:
            others = " or ".join(f"method={name!r}" for name in methods)
            raise ValueError(f"{argument} goes with {others} alone, and {first} does not: leave one of them out")
        if len(left) < len(possible):
            first = argument
        possible = left
    return possible[0] if len(possible) == 1 else None


def _takers(name: str, value: Any, *, settings: bool) -> list[str]:
    """Return the methods that have an argument; `settings` says whether what settings hold may decide."""
    having = [method for method in METHODS.values() if method.takes(name)]
    if name == "settings":
        having = [method for method in having if not settings or method.fits(value)]
    return [method.name for method in having]


def _shown(name: str, value: Any) -> str:
    return f"{name}={value!r}" if isinstance(value, (int, float, str, tuple, list)) else name


__all__ = ["METHODS", "Method", "Parts", "Ready", "Told", "as_json", "asked_method"]
