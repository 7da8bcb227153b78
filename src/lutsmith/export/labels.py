"""The names that a circuit gives its features and its classes."""

from __future__ import annotations

from lutsmith.circuit.circuit import Circuit


def feature_names(circuit: Circuit) -> tuple[str, ...] | None:
    """Return the names of the features (F,), from the facts; None where there are none, or not one for each."""
    names = circuit.facts.get("feature_names")
    if not isinstance(names, list) or len(names) != circuit.encoder.num_features:
        return None
    return tuple(map(str, names))


def class_names(circuit: Circuit) -> tuple[str, ...] | None:
    """Return the labels of the classes, or the names of labels or targets, as text; None where they have none."""
    return None if circuit.classes is None else tuple(map(str, circuit.classes))
