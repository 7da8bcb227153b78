"""Connections: which inputs each LUT reads. Fixed, or learned among candidates or all inputs."""

from __future__ import annotations

import inspect
from typing import Any

import torch

from lutsmith.circuit.wiring import Span
from lutsmith.ground.arguments import check_options, one_of
from lutsmith.nn.connections.base import Connections
from lutsmith.nn.connections.coverage import Coverage
from lutsmith.nn.connections.fixed import FixedConnections
from lutsmith.nn.connections.learnable import LearnableConnections, TopKConnections
from lutsmith.nn.connections.mapping import DenseConnections
from lutsmith.nn.connections.wirings import WIRINGS, options_given, options_of, register_wiring

__all__ = [
    "Connections",
    "Coverage",
    "DenseConnections",
    "FixedConnections",
    "LearnableConnections",
    "Span",
    "TopKConnections",
    "list_connections",
    "list_wirings",
    "options_given",
    "register_wiring",
    "setup_connections",
]

_REGISTRY: dict[str, type[Connections]] = {
    "fixed": FixedConnections,
    "learnable": LearnableConnections,
    "top-k": TopKConnections,
    "dense": DenseConnections,
}
_ALIASES = {"random": "fixed"}
_PREFIX = "connection_"  # BitLogic's names of settings that a layer has too


def list_connections() -> list[str]:
    """The names that `setup_connections` and `LogicDense(connections=...)` know, sorted; "random" is "fixed" too."""
    return sorted(_REGISTRY)


def list_wirings() -> list[str]:
    """The names that `init_method` of fixed connections knows, sorted."""
    return sorted(WIRINGS)


def setup_connections(
    kind: str,
    in_dim: int,
    out_dim: int,
    lut_rank: int,
    device: torch.device | str | None = None,
    **settings: Any,
) -> Connections:
    """Make connections of a kind.

    Args:
        kind: a name of `list_connections()`, or `"random"` for `"fixed"`.
        in_dim: inputs of the layer.
        out_dim: LUTs of the layer.
        lut_rank: inputs of a LUT.
        device: of the parameters and buffers.
        **settings: arguments of the kind's class; `connection_temperature`, `connection_sampling` and
            `connection_rule` are `temperature`, `sampling` and `rule`. None stands for the default.

    Raises:
        ValueError: an unknown kind, a setting that it does not have, impossible sizes or invalid values.
        TypeError: a value of a wrong type.
    """
    one_of("connections", kind, [*list_connections(), *_ALIASES])
    name = _ALIASES.get(kind, kind)
    given: dict[str, Any] = {}
    for key, value in settings.items():
        if value is None:
            continue
        plain = key.removeprefix(_PREFIX)
        if plain in given:
            raise ValueError(f"{plain} is given twice, as {plain} and as {_PREFIX}{plain}")
        given[plain] = value
    known = sorted(_settings_of(name))
    for key in given:
        kinds = [other for other in list_connections() if key in _settings_of(other)]
        where = f"; pass connections={' or '.join(map(repr, kinds))} for {key}" if kinds else ""
        check_options(f"connections={name!r}", [key], known, hint=where)
    connections = _REGISTRY[name](in_dim, out_dim, lut_rank, **given)
    return connections if device is None else connections.to(device)


def _settings_of(kind: str) -> set[str]:
    """The names of the settings of a kind, those of its wirings included."""
    parameters = inspect.signature(_REGISTRY[kind]).parameters
    names = {name for name, parameter in parameters.items() if parameter.kind is parameter.KEYWORD_ONLY}
    if kind == "top-k":
        names |= _settings_of("learnable") - {"sampling", "rule"}
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        names |= {option for method in WIRINGS for option in options_of(method)}
    return names
