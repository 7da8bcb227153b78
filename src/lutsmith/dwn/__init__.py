"""The names of torch_dwn (Differentiable Weightless Networks, arXiv:2410.11112), on a CPU, with their arguments.

`import lutsmith.dwn as dwn` replaces `import torch_dwn as dwn`. Values and gradients are torch_dwn's, state dicts have
its keys, and the same seed draws the same wiring and weights. What torch_dwn leaves open is settled here: wirings are
range-checked, NaN compares false, data and inputs may have more than two dimensions, the permutation of a `GroupSum` is
part of its state, and a model of these layers lowers to a circuit with `lutsmith.to_circuit`.

Conventions: slot 0 of a LUT is the least significant address bit, and an input counts as 1 if it is > 0, as does a
table entry. A LUT keeps an input that was drawn twice; the circuit merges such slots.
"""

from __future__ import annotations

from lutsmith.dwn import read_back as _read_back  # noqa: F401 - registers what the layers state
from lutsmith.dwn.binarization import DistributiveThermometer, GaussianThermometer, Thermometer
from lutsmith.dwn.group_sum import GroupSum, pad_if_needed
from lutsmith.dwn.lut_layer import STE, EFDFunction, LUTLayer, STEFunction
from lutsmith.dwn.mapping import LearnableMapping, layer_mapping

__all__ = [
    "STE",
    "DistributiveThermometer",
    "EFDFunction",
    "GaussianThermometer",
    "GroupSum",
    "LUTLayer",
    "LearnableMapping",
    "STEFunction",
    "Thermometer",
    "layer_mapping",
    "pad_if_needed",
]
