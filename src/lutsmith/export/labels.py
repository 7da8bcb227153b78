"""The names that a circuit gives its features and its classes, and the name that a program gives the circuit."""

from __future__ import annotations

import re

from lutsmith.circuit.circuit import Circuit
from lutsmith.export.errors import ExportError

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


def check_identifier(name: object) -> None:
    """Raise ExportError where this is no name for parts of a program: letters, digits and _, a letter first."""
    if not isinstance(name, str) or not _IDENTIFIER.fullmatch(name):
        raise ExportError(f"{name!r} cannot name functions: take up to 64 letters, digits and _, a letter first")


def feature_names(circuit: Circuit) -> tuple[str, ...] | None:
    """Return the names of the features (F,), from the facts; None where there are none, or not one for each."""
    names = circuit.facts.get("feature_names")
    if not isinstance(names, list) or len(names) != circuit.encoder.num_features:
        return None
    return tuple(map(str, names))


def class_names(circuit: Circuit) -> tuple[str, ...] | None:
    """Return the labels of the classes, or the names of labels or targets, as text; None where they have none."""
    return None if circuit.classes is None else tuple(map(str, circuit.classes))
