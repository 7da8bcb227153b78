# ruff: noqa: N999 - the path is DeepLUT's
"""A LUT for each k inputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.deeplut.mask.MaskBase import MaskBase
from lutsmith.nn.neurons import masks


class MaskMinimal(MaskBase):
    """LUT t reads anchors tk to tk + k - 1, and the last one continues from the beginning. See `MaskBase`."""

    by_name = staticmethod(masks.minimal)

    def build(self) -> NDArray[np.int64]:
        anchors = np.array([anchor for anchor, _ in self.table_input_selections], np.int64)
        found: NDArray[np.int64] = anchors[np.arange(self.get_tables_count() * self.k) % len(anchors)]
        return found

    def get_tables_count(self) -> int:
        return -(-len(self.table_input_selections) // self.k)
