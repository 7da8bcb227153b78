"""Neurons that are a sum and a threshold: layers that add up LUTs."""

from lutsmith.nn.neurons.lut_conv import LUTConv1d, LUTConv2d, LUTConv3d
from lutsmith.nn.neurons.lut_linear import LUTLinear
from lutsmith.nn.neurons.lut_sum import LUTSum, SumOfLuts
from lutsmith.nn.neurons.masks import MASKS, MaskSizes, expanded, list_masks, minimal

__all__ = [
    "MASKS",
    "LUTConv1d",
    "LUTConv2d",
    "LUTConv3d",
    "LUTLinear",
    "LUTSum",
    "MaskSizes",
    "SumOfLuts",
    "expanded",
    "list_masks",
    "minimal",
]
