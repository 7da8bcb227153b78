"""Finding the LUT layers of a model, and its learned connections."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from lutsmith.nn.connections.base import LearnedConnections


def lut_layers(model: nn.Module, wanted_by: str) -> list[Any]:
    """Return the modules that have tables (a `parametrization` and a `weight`), in the order in which they are
    registered.

    Raises:
        ValueError: there are none; the message names `wanted_by`.
    """
    layers = [
        module
        for module in model.modules()
        if isinstance(getattr(module, "weight", None), Tensor) and hasattr(module, "parametrization")
    ]
    if not layers:
        raise ValueError(f"{wanted_by} acts on LUT layers, and a {type(model).__name__} without any was given")
    return layers


def learned_connections(model: nn.Module) -> list[LearnedConnections]:
    """Return the learned connections of a model, in the order of its modules."""
    return [module for module in model.modules() if isinstance(module, LearnedConnections)]
