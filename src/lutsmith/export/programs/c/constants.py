"""The constant arrays of a header, and the statements that read from them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.export.programs.c.text import array, ctype, literals
from lutsmith.export.programs.packing import narrowest


@dataclass
class Constants:
    """Constant arrays and the types of their elements.

    Attributes:
        definitions: their text.
        num_bytes: what they take.
        sizes: macros that stand before them, without the prefix.
    """

    definitions: list[str] = field(default_factory=list)
    num_bytes: int = 0
    sizes: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, values: NDArray[Any], type_name: str = "") -> None:
        """Define an array, and a name for the type of its elements where one is given."""
        if type_name:
            self.definitions.append(f"typedef {ctype(values.dtype)} lutsmith_{type_name};\n")
        self.definitions.append(array(f"lutsmith_{name}", values, "LUTSMITH_FLASH"))
        self.num_bytes += max(values.nbytes, values.itemsize)

    def read(self, variable: str, name: str, values: ArrayLike, index: str, wide: str = "uint32_t") -> str:
        """Return the statement that gives a variable one of these values.

        Values that are all the same, or that rise by the same step, need no array.

        Args:
            variable: what is defined.
            name: of the array.
            values: (N,) integers from 0, or floating point numbers; at least one.
            index: which of them, an expression in C of an unsigned type of 32 bits.
            wide: the type that holds all of the values, for a variable without an array.
        """
        kept = np.asarray(values)
        if kept.dtype.kind != "f":
            kept = narrowest(kept)
        first = literals(kept[:1])[0]
        if (kept == kept[0]).all():
            return f"const {wide} {variable} = {first};"
        if kept.dtype.kind != "f" and int(kept.max()) < 1 << 31:
            steps = np.unique(np.diff(kept.astype(np.int64)))
            if steps.size == 1 and steps[0] > 0:
                times = "" if steps[0] == 1 else f"{steps[0]}u * "
                plus = f"{first} + " if kept[0] else ""
                return f"const {wide} {variable} = {plus}{times}{index};"
        self.add(name, kept)
        return f"LUTSMITH_READ({ctype(kept.dtype)}, {variable}, lutsmith_{name} + {index});"


def scoped(text: str, names: str, scope: str) -> str:
    """Return text with names, "name name ..." without their prefix, made those of a head or a part; "" changes none."""
    if not scope:
        return text
    return re.sub(rf"\blutsmith_({names.replace(' ', '|')})\b", rf"lutsmith_\1_of_{scope}", text)
