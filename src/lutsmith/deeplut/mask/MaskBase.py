# ruff: noqa: N999 - the path is DeepLUT's
"""The base of masks, which choose the inputs of each LUT among those that it may read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lutsmith.ground.arguments import whole_number

Selector = int | tuple[int, ...]


class MaskBase:
    """A mask of your own is a subclass with `build` and `get_tables_count`.

    Args:
        k: inputs of a LUT.
        table_input_selections: `(anchor, candidates)` for each input: its number (an integer, or in images a tuple
            (channel, row, column)), and the inputs that its LUT may read besides it.
        replace: whether a LUT may read an input twice.

    Attributes:
        by_name: the mask of `lutsmith.nn.neurons` that draws the same mask for a whole layer at once; None: layers call
            `build` for each output.
    """

    by_name: ClassVar[Any] = None

    def __init__(self, k: int, table_input_selections: Sequence[tuple[Any, Any]], replace: bool = False) -> None:
        self.k = whole_number("k", k, 1)
        self.table_input_selections = table_input_selections
        self.replace = replace

    def build(self) -> NDArray[np.int64]:
        """The inputs of the LUTs, one LUT after the other: `(LUTs * k,)`, or `(LUTs * k, 3)` for tuples."""
        raise NotImplementedError

    def get_tables_count(self) -> int:
        """How many LUTs there are."""
        raise NotImplementedError
