"""Neurons that are a sum and a threshold: binary layers, signs, and what their weights are trained by."""

from lutsmith.nn.neurons.add import Add
from lutsmith.nn.neurons.binary import BinaryConv1d, BinaryConv2d, BinaryConv3d, BinaryLinear
from lutsmith.nn.neurons.latent import Clamped
from lutsmith.nn.neurons.signs import BinarizeSign, BitsToSigns, ResidualSign

__all__ = [
    "Add",
    "BinarizeSign",
    "BinaryConv1d",
    "BinaryConv2d",
    "BinaryConv3d",
    "BinaryLinear",
    "BitsToSigns",
    "Clamped",
    "ResidualSign",
]
