"""Neurons that are a sum and a threshold: layers of signs and of LUTs, and how their weights are trained."""

from lutsmith.nn.neurons.add import Add
from lutsmith.nn.neurons.binary import BinaryConv1d, BinaryConv2d, BinaryConv3d, BinaryLinear
from lutsmith.nn.neurons.counts import luts_of_layers
from lutsmith.nn.neurons.expansion import equal_outputs, expand, expand_layers
from lutsmith.nn.neurons.latent import Clamped
from lutsmith.nn.neurons.lut_conv import LUTConv1d, LUTConv2d, LUTConv3d
from lutsmith.nn.neurons.lut_linear import LUTLinear
from lutsmith.nn.neurons.lut_sum import LUTSum, SumOfLuts
from lutsmith.nn.neurons.masks import MASKS, MaskSizes, expanded, list_masks, minimal, register_mask
from lutsmith.nn.neurons.memorised import memorise_sums
from lutsmith.nn.neurons.network import NeuronArchitecture, build_neurons
from lutsmith.nn.neurons.pruning import prune, prune_inputs, sizes_of
from lutsmith.nn.neurons.signs import BinarizeSign, BitsToSigns, ResidualSign
from lutsmith.nn.neurons.tiled import TiledLUTLinear, expand_tiled

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
    "MaskSizes",
    "NeuronArchitecture",
    "ResidualSign",
    "SumOfLuts",
    "TiledLUTLinear",
    "build_neurons",
    "equal_outputs",
    "expand",
    "expand_layers",
    "expand_tiled",
    "expanded",
    "list_masks",
    "luts_of_layers",
    "memorise_sums",
    "minimal",
    "prune",
    "prune_inputs",
    "register_mask",
    "sizes_of",
]
