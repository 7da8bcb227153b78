"""Categorical columns: names in the data, float32 codes in the samples.

Code c of a column is the c-th of its names, which are in ascending order. A value that is missing, or not among the
names, is NaN, and encodes to all zeros: a code word that no name has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.labels import is_missing

Categories = Sequence[Sequence[str] | None]
"""For each feature column the names of its categories, or None where it holds numbers; empty: all hold numbers."""

MOST_CATEGORIES = 1000
"""Different values that a categorical column may have where most of them stand in one row: as identifiers and free
text do."""


class CategoryColumn:
    """The codes of one column while its cells are read: in the order of appearance, or those of known names."""

    def __init__(self, names: Sequence[str] | None = None) -> None:
        self._fixed = names is not None
        self._codes = {name: float(code) for code, name in enumerate(names or ())}
        self._names = list(names or ())

    def __len__(self) -> int:
        return len(self._names)

    @property
    def names(self) -> tuple[str, ...]:
        """The names so far, ascending; in the order given where they were."""
        return tuple(self._names if self._fixed else sorted(self._names))

    def code(self, cell: str) -> float:
        """Return the code of a cell; NaN where it is missing or not among the known names."""
        code = self._codes.get(cell)
        if code is not None:
            return code
        name = cell.strip()
        if name not in self._codes:
            if self._fixed or is_missing(name):
                return float("nan")
            self._codes[name] = float(len(self._names))
            self._names.append(name)
        return self._codes[name]

    def sorted_codes(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return codes in the order of appearance as codes in the order of `names`."""
        if self._fixed:
            return codes
        place = np.empty(len(self._names), np.float32)
        place[sorted(range(len(self._names)), key=self._names.__getitem__)] = np.arange(len(self._names))
        return apply(place, codes)


def recoded(codes: NDArray[np.float32], names: Sequence[str], wanted: Sequence[str]) -> NDArray[np.float32]:
    """Return the codes of a column in `names` as codes in `wanted`; NaN where that has no such name."""
    place = {name: code for code, name in enumerate(wanted)}
    return apply(np.array([place.get(name, np.nan) for name in names], np.float32), codes)


def ascending(x: NDArray[Any], categories: Categories) -> NDArray[Any]:
    """Return samples with the codes of the names in ascending order, whatever their present order."""
    for place, names in enumerate(categories):
        if names is not None and list(names) != sorted(names):
            x = x.copy()
            x[:, place] = recoded(x[:, place], names, sorted(names))
    return x


def apply(table: NDArray[np.float32], codes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return table[code] for each code, NaN for NaN."""
    known = ~np.isnan(codes)
    result = np.full(codes.shape, np.nan, np.float32)
    result[known] = table[codes[known].astype(np.int64)]
    return result
