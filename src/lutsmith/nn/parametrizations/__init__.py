"""Parametrizations: differentiable maps from weights to truth tables. One file a family, one registry."""

from __future__ import annotations

from typing import Any

from lutsmith.nn.parametrizations.base import Parametrization
from lutsmith.nn.parametrizations.dwn import Dwn
from lutsmith.nn.parametrizations.light import Light
from lutsmith.nn.parametrizations.raw import Raw
from lutsmith.nn.parametrizations.warp import Warp

__all__ = ["Parametrization", "list_parametrizations", "setup_parametrization"]

_REGISTRY: dict[str, type[Parametrization]] = {"dwn": Dwn, "light": Light, "raw": Raw, "warp": Warp}


def list_parametrizations() -> list[str]:
    """The names that `setup_parametrization` and `LogicDense(parametrization=...)` know, sorted."""
    return sorted(_REGISTRY)


def setup_parametrization(name: str, lut_rank: int, **settings: Any) -> Parametrization:
    """Make the parametrization `name` for LUTs of `lut_rank` inputs; `settings` are its class's arguments.

    Raises:
        KeyError: unknown name.
        ValueError: a rank or setting that it does not have.
    """
    if name not in _REGISTRY:
        raise KeyError(f"unknown parametrization {name!r}; there are {', '.join(list_parametrizations())}")
    return _REGISTRY[name](lut_rank, **settings)
