"""The names that a circuit gives its classes, and the name that a program gives the circuit."""

from __future__ import annotations

import re

from lutsmith.circuit.circuit import Circuit
from lutsmith.export.errors import ExportError

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


def check_identifier(name: object) -> None:
    """Raise ExportError where this is not a name for parts of a program: letters, digits and _, a letter first."""
    if not isinstance(name, str) or not _IDENTIFIER.fullmatch(name):
        raise ExportError(f"{name!r} cannot name functions: take up to 64 letters, digits and _, a letter first")


def class_names(circuit: Circuit) -> tuple[str, ...] | None:
    """Return the labels of the classes, or the names of labels or targets, as text; None where there are none."""
    return None if circuit.classes is None else tuple(map(str, circuit.classes))
