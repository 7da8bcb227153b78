"""Parametrizations: differentiable maps from weights to truth tables. One file a family, one registry."""

from __future__ import annotations

import inspect
from typing import Any

from lutsmith.ground.arguments import check_options, one_of
from lutsmith.ground.registry import add_own, own_hint
from lutsmith.nn.parametrizations.base import Parametrization
from lutsmith.nn.parametrizations.bit_order import msb_first
from lutsmith.nn.parametrizations.dwn import Dwn
from lutsmith.nn.parametrizations.fourier import Fourier
from lutsmith.nn.parametrizations.hybrid import Hybrid
from lutsmith.nn.parametrizations.lagrange import Lagrange
from lutsmith.nn.parametrizations.light import Light
from lutsmith.nn.parametrizations.neural import Neural
from lutsmith.nn.parametrizations.own import check_parametrization
from lutsmith.nn.parametrizations.poly import Linear, Poly
from lutsmith.nn.parametrizations.raw import Raw
from lutsmith.nn.parametrizations.warp import Warp

__all__ = [
    "ALIASES",
    "Parametrization",
    "checked_name",
    "list_parametrizations",
    "msb_first",
    "register_parametrization",
    "settings_of",
    "setup_parametrization",
]

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

    They also accept those of `ALIASES`, which are not listed.
    """
    return sorted(_REGISTRY)


def register_parametrization(name: str, kind: type[Parametrization]) -> None:
    """Make a parametrization of your own known by a name, for this process: `LogicDense(..., parametrization=name)`.

    It is tried first, with fresh weights at two ranks: shapes, finite numbers, a gradient, and Boolean tables that
    agree with the probabilities and with a LUT that passes on its first input. Models store only the name of the
    parametrization: to resume a run, register it again first. Circuits hold tables and need neither.

    Args:
        name: a text without spaces; not one of lutsmith's own.
        kind: a subclass of `Parametrization`; its constructor takes the rank, and settings by name. The same class may
            be registered again, as when a notebook's cell is run again.

    Raises:
        TypeError: `kind` is not a class that can be made, a name that is not a text.
        ValueError: a name that is taken; tables that do not fit or do not agree.
    """
    check_parametrization(kind, _settings_of(kind) if isinstance(kind, type) else ())
    add_own(_REGISTRY, "parametrization", name, kind, ALIASES)


def checked_name(name: object) -> str:
    """Return the name of a parametrization.

    Raises:
        TypeError: it is not a text.
        ValueError: there is no parametrization of this name; the message lists the existing ones.
    """
    hint = own_hint("lutsmith.nn.register_parametrization")
    return one_of("parametrization", name, [*list_parametrizations(), *ALIASES], hint=hint)


def setup_parametrization(name: str, lut_rank: int, **settings: Any) -> Parametrization:
    """Make the parametrization `name` for LUTs of `lut_rank` inputs; `settings` are its class's arguments.

    Raises:
        ValueError: an unknown name, a setting that it does not have, a rank or an invalid value.
        TypeError: a value of a wrong type.
    """
    kind = _kind(name)
    check_options(name, settings, _settings_of(kind))
    return kind(lut_rank, **settings)


def settings_of(name: str) -> list[str]:
    """The names of the settings that the parametrization `name` takes, sorted; ValueError if there is no such
    parametrization.
    """
    return _settings_of(_kind(name))


def _kind(name: str) -> type[Parametrization]:
    checked_name(name)
    return _REGISTRY[ALIASES.get(name, name)]


def _settings_of(kind: type[Parametrization]) -> list[str]:
    """The names of a class's settings, those of the classes that it hands the rest to included."""
    if kind is Linear:  # a poly whose degree is given
        return [name for name in _settings_of(Poly) if name != "degree"]
    constructors = [base for base in kind.__mro__ if "__init__" in vars(base)]
    parameters = [parameter for base in constructors for parameter in inspect.signature(base).parameters.values()]
    return sorted({parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY})
