"""How features and their values are written in texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lutsmith.circuit.circuit import Circuit


def feature_names(circuit: Circuit) -> tuple[str, ...]:
    """Return the names of a circuit's features; x0, x1, ... where they have no names."""
    names, features = circuit.metadata.feature_names, circuit.encoder.num_features
    return names if names is not None and len(names) == features else tuple(f"x{place}" for place in range(features))


def number_text(value: float) -> str:
    """Return the shortest text that is this number in float32: 37, 0.1, 1e+20."""
    number = np.float32(value)
    if number == 0 or 1e-4 <= abs(number) < 1e9:
        return np.format_float_positional(number, trim="-")
    return str(number)
