"""Finding the LUT layers of a model."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


def lut_layers(model: nn.Module, wanted_by: str) -> list[Any]:
    """Return the modules that have tables (a `parametrization` and a `weight`), from input to output as registered.

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
