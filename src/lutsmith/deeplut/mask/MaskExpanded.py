# ruff: noqa: N999 - the path is DeepLUT's
"""A LUT for each input."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from lutsmith.deeplut.mask.MaskBase import MaskBase
from lutsmith.nn.neurons import masks


class MaskExpanded(MaskBase):
    """LUT i reads anchor i and k - 1 of its candidates, drawn evenly by torch's generator. See `MaskBase`."""

    by_name = staticmethod(masks.expanded)

    def build(self) -> NDArray[np.int64]:
        found = []
        for anchor, candidates in self.table_input_selections:
            count = len(candidates)
            if self.k > 1 and count < (1 if self.replace else self.k - 1):
                raise ValueError(
                    f"a LUT of k={self.k} inputs has {count} candidates beside its own input; take a smaller k, or "
                    "replace=True"
                )
            drawn = torch.randint(count, (self.k - 1,)) if self.replace else torch.randperm(count)[: self.k - 1]
            found += [anchor, *(candidates[number] for number in drawn.tolist())]
        return np.array(found, np.int64)

    def get_tables_count(self) -> int:
        return len(self.table_input_selections)
