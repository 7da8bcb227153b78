"""Parametrizations: differentiable maps from weights to truth tables. One file a family, one registry."""

from __future__ import annotations

from typing import Any

from lutsmith.nn.parametrizations.base import Parametrization
from lutsmith.nn.parametrizations.bit_order import msb_first
from lutsmith.nn.parametrizations.dwn import Dwn
from lutsmith.nn.parametrizations.fourier import Fourier
from lutsmith.nn.parametrizations.hybrid import Hybrid
from lutsmith.nn.parametrizations.lagrange import Lagrange
from lutsmith.nn.parametrizations.light import Light
from lutsmith.nn.parametrizations.neural import Neural
from lutsmith.nn.parametrizations.poly import Linear, Poly
from lutsmith.nn.parametrizations.raw import Raw
from lutsmith.nn.parametrizations.warp import Warp

__all__ = ["Parametrization", "list_parametrizations", "msb_first", "setup_parametrization"]

_REGISTRY: dict[str, type[Parametrization]] = {
    "dwn": Dwn,
    "fourier": Fourier,
    "hybrid": Hybrid,
    "lagrange": Lagrange,
    "light": Light,
    "linear": Linear,
    "neural": Neural,
    "poly": Poly,
    "raw": Raw,
    "warp": Warp,
}
_ALIASES = {"probabilistic": "light"}


def list_parametrizations() -> list[str]:
    """The names that `setup_parametrization` and `LogicDense(parametrization=...)` know, sorted.

    `"probabilistic"` is another name of `"light"` and not listed.
    """
    return sorted(_REGISTRY)


def setup_parametrization(name: str, lut_rank: int, **settings: Any) -> Parametrization:
    """Make the parametrization `name` for LUTs of `lut_rank` inputs; `settings` are its class's arguments.

    Raises:
        KeyError: unknown name.
        ValueError: a rank or setting that it does not have.
    """
    known = _ALIASES.get(name, name)
    if known not in _REGISTRY:
        raise KeyError(f"unknown parametrization {name!r}; there are {', '.join(list_parametrizations())}")
    return _REGISTRY[known](lut_rank, **settings)
