"""Connections: which inputs each LUT reads. Fixed, or learned among candidates."""

from __future__ import annotations

from typing import Any

from lutsmith.nn.connections.base import Connections
from lutsmith.nn.connections.fixed import FixedConnections
from lutsmith.nn.connections.learnable import LearnableConnections

__all__ = ["Connections", "FixedConnections", "LearnableConnections", "list_connections", "setup_connections"]

_REGISTRY: dict[str, type[Connections]] = {"fixed": FixedConnections, "learnable": LearnableConnections}


def list_connections() -> list[str]:
    """The names that `setup_connections` and `LogicDense(connections=...)` know, sorted."""
    return sorted(_REGISTRY)


def setup_connections(kind: str, in_dim: int, out_dim: int, lut_rank: int, **settings: Any) -> Connections:
    """Make connections of a kind; `settings` are its class's arguments.

    Raises:
        KeyError: unknown kind.
        ValueError: sizes or settings that it cannot have.
    """
    if kind not in _REGISTRY:
        raise KeyError(f"unknown connections {kind!r}; there are {', '.join(list_connections())}")
    return _REGISTRY[kind](in_dim, out_dim, lut_rank, **settings)
