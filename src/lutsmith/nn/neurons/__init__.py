"""Neurons that are a sum and a threshold: layers of signs and of LUTs, and what their weights are trained by."""

from lutsmith.nn.neurons.add import Add
from lutsmith.nn.neurons.binary import BinaryConv1d, BinaryConv2d, BinaryConv3d, BinaryLinear
from lutsmith.nn.neurons.latent import Clamped
from lutsmith.nn.neurons.lut_conv import LUTConv1d, LUTConv2d, LUTConv3d
from lutsmith.nn.neurons.lut_linear import LUTLinear
from lutsmith.nn.neurons.lut_sum import LUTSum, SumOfLuts
from lutsmith.nn.neurons.masks import MASKS, MaskSizes, expanded, list_masks, minimal
from lutsmith.nn.neurons.memorised import memorise_sums
from lutsmith.nn.neurons.signs import BinarizeSign, BitsToSigns, ResidualSign

__all__ = [
    "MASKS",
    "Add",
    "BinarizeSign",
    "BinaryConv1d",
    "BinaryConv2d",
    "BinaryConv3d",
    "BinaryLinear",
    "BitsToSigns",
    "Clamped",
    "LUTConv1d",
    "LUTConv2d",
    "LUTConv3d",
    "LUTLinear",
    "LUTSum",
    "MASKS",
    "MaskSizes",
    "ResidualSign",
    "SumOfLuts",
    "expanded",
    "list_masks",
    "memorise_sums",
    "minimal",
]
