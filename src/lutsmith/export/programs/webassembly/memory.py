"""The memory of a module: areas one after the other, each on a multiple of 8 bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.export.errors import ExportError
from lutsmith.export.programs.webassembly.binary import PAGE

LIMIT = 1 << 31
"""Bytes, from which on addresses would be negative to scripts."""


class Memory:
    """Areas that are reserved, and those that hold constants."""

    def __init__(self) -> None:
        self.size = 8  # address 0 is nothing's
        self.data: dict[int, bytes] = {}

    def reserve(self, size: int) -> int:
        """Return the address of so many bytes, at first zeros.

        Raises:
            ExportError: there are too many.
        """
        at = self.size
        self.size += -(-size // 8) * 8
        if self.size > LIMIT:
            raise ExportError(
                f"the circuit takes {self.size:,} bytes of memory, and WebAssembly has {LIMIT:,}: export it as C"
            )
        return at

    def hold(self, values: NDArray[Any]) -> int:
        """Return the address of constants; the same address for equal ones."""
        held = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()
        at = next((at for at, other in self.data.items() if other == held), 0)
        if not at:
            at = self.reserve(len(held))
            self.data[at] = held
        return at

    @property
    def pages(self) -> int:
        """Of 64 KiB."""
        return -(-self.size // PAGE)
