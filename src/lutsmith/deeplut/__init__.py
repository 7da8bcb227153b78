"""The names of DeepLUT (github.com/a-moadel/deeplut), with their arguments, on lutsmith's kernels.

`lutsmith.deeplut` replaces `deeplut`: its modules have DeepLUT's paths (`lutsmith.deeplut.nn.Linear`, ...), and all
names are also available here. Values and gradients are DeepLUT's, zeros included (`sign(0) = 0`); input 0 of a LUT is
the most significant bit of its address, as in DeepLUT. Errors of DeepLUT are corrected: docs/neurons.md lists them.

Layers are also layers of `lutsmith.nn.neurons` (`isinstance(layer, LUTSum)`), which keep masks with input 0 least
significant.
"""

from __future__ import annotations

from lutsmith.deeplut.initializer.Memorize import Memorize
from lutsmith.deeplut.mask.MaskBase import MaskBase
from lutsmith.deeplut.mask.MaskExpanded import MaskExpanded
from lutsmith.deeplut.mask.MaskMinimal import MaskMinimal
from lutsmith.deeplut.nn.BinarizeSign import BinarizeSign
from lutsmith.deeplut.nn.Conv2d import Conv2d
from lutsmith.deeplut.nn.Linear import Linear
from lutsmith.deeplut.nn.ResidualSign import ResidualSign
from lutsmith.deeplut.optim.OptimWrapper import OptimWrapper
from lutsmith.deeplut.trainer.BaseTrainer import BaseTrainer
from lutsmith.deeplut.trainer.LagrangeTrainer import LagrangeTrainer

__all__ = [
    "BaseTrainer",
    "BinarizeSign",
    "Conv2d",
    "LagrangeTrainer",
    "Linear",
    "MaskBase",
    "MaskExpanded",
    "MaskMinimal",
    "Memorize",
    "OptimWrapper",
    "ResidualSign",
]
