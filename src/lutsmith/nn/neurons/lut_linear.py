"""A linear layer whose products are LUTs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lutsmith.ground.arguments import whole_number
from lutsmith.nn.neurons.lut_sum import LUTSum
from lutsmith.nn.neurons.masks import MaskSizes, mask_of
from lutsmith.nn.sums.counting import Maker
from lutsmith.nn.sums.lut_layers import lower_lut_sum
from lutsmith.nn.sums.numbers import Levels, Sums


class LUTLinear(LUTSum):
    """`y_o = |scale| sum_t LUT_t(x) + bias_o`, over the LUTs t of output o: see `LUTSum`.

    Args:
        in_features: of the input.
        out_features: of the output.
        rank: inputs of a LUT, 1 to 8.
        mask: which inputs LUTs read: a name of `MASKS`, a function like those, or the numbers, integers `(out_features
            or 1, LUTs, rank)`.
        bias: whether there is one; it starts as 0.
        shared: whether all outputs have LUTs with the same inputs.
        distinct: whether a LUT has distinct inputs.
        scale: a name of `SCALES`; it starts so that sums have the variance 1.
        normalised: see `LUTSum`.
        binary_weights: whether entries are signs; else real numbers.
        binary_inputs: whether inputs are signs; else the LUTs are multilinear, within -1 to 1 and beyond.
        binary_outputs: whether outputs are -1 and 1; the gradient is that of sums clipped to -1 and 1.
        zeros: what a zero counts as, a name of `ZEROS`.
        generator: of the mask and the weights; None is torch's global one.
        device: of the parameters and buffers.

    Shapes: `(..., in_features)` to `(..., out_features)`, float32 (float64 for float64 inputs); stored feature-major.

    Raises:
        TypeError, ValueError: impossible sizes, an unknown name, a mask that does not fit; see `mask_of`.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        rank: int = 4,
        mask: Any = "expanded",
        bias: bool = True,
        *,
        shared: bool = False,
        distinct: bool = True,
        scale: str = "layer",
        normalised: bool = True,
        binary_weights: bool = True,
        binary_inputs: bool = True,
        binary_outputs: bool = False,
        zeros: str = "bit",
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        features = whole_number("in_features", in_features, 1)
        outputs = whole_number("out_features", out_features, 1)
        super().__init__(
            mask_of(mask, MaskSizes(features, rank, outputs, features, distinct), generator, shared=shared),
            outputs,
            bias,
            scale=scale,
            normalised=normalised,
            binary_weights=binary_weights,
            binary_inputs=binary_inputs,
            binary_outputs=binary_outputs,
            zeros=zeros,
            generator=generator,
            device=device,
        )
        self.in_features, self.out_features = features, outputs

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            raise ValueError(
                f"{type(self).__name__} got an input of shape {tuple(x.shape)}; expected (..., {self.in_features})"
            )
        rows = x.reshape(-1, self.in_features).t()
        return self.by_sample(self.summed(rows)).reshape(*x.shape[:-1], self.out_features)

    def read(self, x: Tensor) -> tuple[Tensor, int]:
        return x.reshape(-1, self.in_features).t(), 1

    def lower_numbers(self, maker: Maker, numbers: Levels | Sums) -> Sums:
        """The sums of the LUTs. The LUTs are emitted here, adders together with what reads the sums."""
        return lower_lut_sum(self, maker, numbers)

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, {super().extra_repr()}, bias={self.bias is not None}"
