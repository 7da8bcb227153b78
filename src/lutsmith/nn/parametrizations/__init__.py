"""Parametrizations: differentiable maps from weights to truth tables. One file a family, one registry."""

from __future__ import annotations

import inspect
from typing import Any

from lutsmith.ground.arguments import check_options, one_of
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

__all__ = ["ALIASES", "Parametrization", "list_parametrizations", "msb_first", "settings_of", "setup_parametrization"]

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
ALIASES = {"difflogic": "raw", "neurallut": "neural", "polylut": "poly", "probabilistic": "light"}
"""BitLogic's names of parametrizations that have another one here."""


def list_parametrizations() -> list[str]:
    """The names that `setup_parametrization` and `LogicDense(parametrization=...)` know, sorted.

    They know those of `ALIASES` too, which are not listed.
    """
    return sorted(_REGISTRY)


def setup_parametrization(name: str, lut_rank: int, **settings: Any) -> Parametrization:
    """Make the parametrization `name` for LUTs of `lut_rank` inputs; `settings` are its class's arguments.

    Raises:
        ValueError: an unknown name, a setting that it does not have, a rank or a value that it cannot have.
        TypeError: a value of a wrong type.
    """
    kind = _kind(name)
    check_options(name, settings, _settings_of(kind))
    return kind(lut_rank, **settings)


def settings_of(name: str) -> list[str]:
    """The names of the settings that the parametrization `name` takes, sorted; ValueError where there is none."""
    return _settings_of(_kind(name))


def _kind(name: str) -> type[Parametrization]:
    one_of("parametrization", name, [*list_parametrizations(), *ALIASES])
    return _REGISTRY[ALIASES.get(name, name)]


def _settings_of(kind: type[Parametrization]) -> list[str]:
    """The names of a class's settings, those of the classes that it hands the rest to included."""
    if kind is Linear:  # a poly whose degree is given
        return [name for name in _settings_of(Poly) if name != "degree"]
    constructors = [base for base in kind.__mro__ if "__init__" in vars(base)]
    parameters = [parameter for base in constructors for parameter in inspect.signature(base).parameters.values()]
    return sorted({parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY})
