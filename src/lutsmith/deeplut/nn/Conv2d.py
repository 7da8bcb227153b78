# ruff: noqa: N999 - the path is DeepLUT's
"""A convolution whose products are LUTs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.deeplut.layer import TrainedLuts, levels, mask_for
from lutsmith.deeplut.mask.MaskBase import MaskBase
from lutsmith.deeplut.mask.MaskExpanded import MaskExpanded
from lutsmith.deeplut.trainer.BaseTrainer import BaseTrainer
from lutsmith.deeplut.trainer.LagrangeTrainer import LagrangeTrainer
from lutsmith.ground.arguments import one_of
from lutsmith.kernels.training.unrolled import windows
from lutsmith.nn.neurons.conv_sizes import conv_sizes
from lutsmith.nn.neurons.lut_conv import LUTConv2d
from lutsmith.nn.neurons.masks import MaskSizes

PADDINGS = {"zeros": 0.0, "+1": 1.0, "-1": -1.0}
"""What is added around an image: DeepLUT's zeros, or bits."""


class Conv2d(TrainedLuts, LUTConv2d):
    """At each place an output is the sum of its LUTs, which read the taps of one channel.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        kernel_size: taps along each axis, or one number for both.
        trainer_type: what learns the tables.
        mask_builder_type: which inputs LUTs read: `MaskExpanded` (a LUT for each input of an output, with its other
            inputs from the same channel), `MaskMinimal`, or your own, which is called for each output with tuples
            (channel, row, column).
        stride: pixels from one place to the next.
        padding: pixels that are added before and after each axis.
        dilation: pixels from one tap to the next.
        groups: channels and outputs are cut into this many runs.
        bias: whether there is one (DeepLUT has none, whatever the argument says).
        padding_mode: a name of `PADDINGS`; zeros are the third symbol, as in DeepLUT.
        k: inputs of a LUT, 1 to 8.
        binarization_level: above 0, weights and inputs are signs; else (the default is 0) real numbers.
        input_expanded: whether LUTs read all their inputs; else a LUT is its first input times entry 0.
        input_dim: accepted only for compatibility with DeepLUT: images may have any size.
        device: of parameters and buffers.
        binary_calculations, replace, zeros: as for `Linear`.

    Shapes: `(..., in_channels, H, W)` to `(..., out_channels, H', W')`.

    Raises:
        TypeError, ValueError: sizes that are impossible or do not fit; in use, an image smaller than the kernel.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        trainer_type: type[BaseTrainer] = LagrangeTrainer,
        mask_builder_type: type[MaskBase] = MaskExpanded,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        k: int = 2,
        binarization_level: int | None = None,
        input_expanded: bool = True,
        input_dim: Any = None,
        device: Any = None,
        *,
        binary_calculations: bool | None = None,
        replace: bool = False,
        zeros: str = "exact",
    ) -> None:
        sized = conv_sizes(2, in_channels, out_channels, kernel_size, stride, padding, dilation, groups)
        channels, outputs, groups, sliding = sized
        taps, own = sliding.taps, sized.own
        anchors = [tuple(map(int, place)) for place in np.ndindex(own, *sliding.window)]
        mask = mask_for(
            mask_builder_type,
            MaskSizes(own * taps, k, outputs, taps, not replace),
            anchors,
            lambda anchor: [other for other in anchors if other[0] == anchor[0] and other != anchor],
            lambda selectors: np.ravel_multi_index(tuple(selectors.T), (own, *sliding.window)),
        )
        if groups > 1:
            mask += (torch.arange(outputs, dtype=torch.int32) // (outputs // groups) * own * taps).view(-1, 1, 1)
        level = levels(binarization_level, binary_calculations, 0)
        self._begin(outputs, mask, trainer_type, level, input_expanded, bias, device, zeros)
        self.in_channels, self.out_channels, self.groups, self.k = channels, outputs, groups, k
        self.sliding, self.padding_value = sliding, PADDINGS[one_of("padding_mode", padding_mode, PADDINGS)]
        self.input_dim = input_dim

    @property
    def input_mask(self) -> NDArray[np.int64]:
        """DeepLUT's mask: (channel, row, column) of all LUTs' inputs in order, the most significant first."""
        numbers = self.mask.flip(2).flatten().long().cpu().numpy()
        return np.stack(np.unravel_index(numbers, (self.in_channels, *self.sliding.window)), 1)

    def forward(self, x: Tensor, targets: Any = None, initalize: bool = False) -> Tensor:
        """With `initalize`, what the LUTs read is also counted, with the targets: see `Memorize`."""
        y = super().forward(x)
        if initalize:
            if x.ndim != 4:
                raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, channels, H, W) to count")
            self._count(x, targets)
        return y

    def _windows(self, rows: Tensor, **at: Any) -> tuple[Tensor, int]:
        found = windows(rows, at["places"], at["plane"], at["outside"])
        return found.flatten(2).flatten(0, 1), math.prod(found.shape[2:3])
