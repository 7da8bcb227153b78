# ruff: noqa: N999 - the path is DeepLUT's
"""A linear layer whose products are LUTs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.deeplut.layer import TrainedLuts, levels, mask_for
from lutsmith.deeplut.mask.MaskBase import MaskBase
from lutsmith.deeplut.mask.MaskExpanded import MaskExpanded
from lutsmith.deeplut.trainer.BaseTrainer import BaseTrainer
from lutsmith.deeplut.trainer.LagrangeTrainer import LagrangeTrainer
from lutsmith.ground.arguments import whole_number
from lutsmith.nn.neurons.lut_linear import LUTLinear
from lutsmith.nn.neurons.masks import MaskSizes


class Linear(TrainedLuts, LUTLinear):
    """Each output is the sum of its LUTs, plus a bias.

    Args:
        in_features: of the input.
        out_features: of the output.
        k: inputs of a LUT, 1 to 8.
        binarization_level: above 0 (the default is 1), weights and inputs are signs; else real numbers.
        input_expanded: whether LUTs read all their inputs; else a LUT is its first input times entry 0.
        trainer_type: what learns the tables.
        mask_builder_type: which inputs LUTs read: `MaskExpanded`, `MaskMinimal`, or your own.
        bias: whether there is one; it starts within -1 to 1.
        device: of parameters and buffers.
        binary_calculations: an older name of `binarization_level`, which DeepLUT's README uses.
        replace: whether a LUT may read an input twice, as a third of the LUTs in DeepLUT do.
        zeros: `"exact"`: sign(0) is 0, DeepLUT's third symbol; `"bit"`: a zero is -1, as in hardware.

    Shapes: `(..., in_features)` to `(..., out_features)`. The state dict has `trainer.weight`, `trainer.gamma`, `bias`,
    as DeepLUT's does, and also `mask`, which DeepLUT's lacks (`lutsmith.interop.from_deeplut` imports it).

    Raises:
        TypeError, ValueError: impossible sizes, such as k above the inputs that a LUT may read.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        k: int = 2,
        binarization_level: int | None = None,
        input_expanded: bool = True,
        trainer_type: type[BaseTrainer] = LagrangeTrainer,
        mask_builder_type: type[MaskBase] = MaskExpanded,
        bias: bool = True,
        device: Any = None,
        *,
        binary_calculations: bool | None = None,
        replace: bool = False,
        zeros: str = "exact",
    ) -> None:
        inputs = whole_number("in_features", in_features, 1)
        outputs = whole_number("out_features", out_features, 1)
        mask = mask_for(
            mask_builder_type,
            MaskSizes(inputs, k, outputs, inputs, not replace),
            list(range(inputs)),
            lambda anchor: [other for other in range(inputs) if other != anchor],
            lambda selectors: selectors,
        )
        level = levels(binarization_level, binary_calculations, 1)
        self._begin(outputs, mask, trainer_type, level, input_expanded, bias, device, zeros)
        self.in_features, self.out_features, self.k = inputs, outputs, k

    @property
    def input_mask(self) -> NDArray[np.int64]:
        """DeepLUT's mask: the inputs of all LUTs, one after the other, the most significant first."""
        return self.mask.flip(2).flatten().long().cpu().numpy()

    def forward(self, x: Tensor, targets: Any = None, initalize: bool = False) -> Tensor:
        """With `initalize`, what the LUTs read is also counted, with the targets: see `Memorize`."""
        y = super().forward(x)
        if initalize:
            self._count(x, targets)
        return y
