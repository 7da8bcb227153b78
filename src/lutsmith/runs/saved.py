"""A model file is read back and compared before a run calls itself done."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.file import load, save
from lutsmith.circuit.metadata import Metadata


class SavedFileError(OSError):
    """A model file does not hold what was written to it, or cannot be read; the file is removed."""


def save_checked(circuit: Circuit, path: Path) -> None:
    """Write a circuit to a model file, read it back, and compare every field.

    Raises:
        SavedFileError: the file cannot be read or holds something else; it is removed again.
        OSError, ValueError: as for `save`.
    """
    save(circuit, path)
    try:
        problem = ", ".join(differences(circuit, load(path)))
    except (OSError, ValueError) as error:
        problem = str(error)
    if problem:
        path.unlink(missing_ok=True)
        raise SavedFileError(
            f"{path} did not hold the model after it was written ({problem}), and was removed; check the disk, then go "
            "on with resume=True"
        )


def differences(one: Circuit, two: Circuit) -> list[str]:
    """Return the names of the fields in which two circuits differ, such as `netlist.fanin`; none where they are equal.

    Numbers are compared by value (0.0 equals -0.0), labels and metadata with their types.
    """
    found = []
    for part in ("netlist", "encoder"):
        ours, theirs = getattr(one, part), getattr(two, part)
        for item in fields(ours):
            if not np.array_equal(getattr(ours, item.name), getattr(theirs, item.name)):
                found.append(f"{part}.{item.name}")
    if one.head != two.head:
        found.append("head")
    low_high = [() if circuit.fitted_range is None else circuit.fitted_range for circuit in (one, two)]
    if len(low_high[0]) != len(low_high[1]) or not all(map(np.array_equal, *low_high)):
        found.append("fitted_range")
    told = ("input_shape", "classes", "objective", "metadata")
    found += [name for name in told if _text(getattr(one, name)) != _text(getattr(two, name))]
    return found


def _text(value: Any) -> str:
    return json.dumps(value.to_json() if isinstance(value, Metadata) else value)
