"""Flat networks of LUTs on the ALU's task: nothing of arithmetic is in their wiring. For comparison with shared cells.

Arguments and results are as in `models.py`; the sums of the last layer's LUTs are the logits, so in train mode a
network gives soft answers, and in eval mode those of its circuit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from lutsmith.nn.network import Architecture, build


def _luts(shape: tuple[int, ...], outputs: int, luts: int, layers: int, rank: int, **options: Any) -> nn.Module:
    architecture = Architecture(
        luts=(luts,) * layers, rank=rank, bits=1, encoder="uniform", head="multi-label", **options
    )
    both = np.stack([np.zeros(shape, np.float32), np.ones(shape, np.float32)])  # a threshold of 1/2 for each bit
    return build(architecture.shared_by(outputs), both, outputs, seed=int(torch.randint(2**31, ())))


def flat(
    shape: tuple[int, ...],
    outputs: int,
    luts: int = 2000,
    layers: int = 5,
    rank: int = 4,
    parametrization: str = "light",
    tau: float | str = "auto",
) -> nn.Module:
    """Layers of LUTs that read random bits of the layer before."""
    options: dict[str, Any] = {"connections": "fixed", "parametrization": parametrization, "tau": tau}
    return _luts(shape, outputs, luts, layers, rank, **options)


def flat_learned(
    shape: tuple[int, ...],
    outputs: int,
    luts: int = 2000,
    layers: int = 5,
    rank: int = 4,
    parametrization: str = "light",
    num_candidates: int = 16,
    tau: float | str = "auto",
) -> nn.Module:
    """The same, where each input of a LUT is learned among candidates."""
    options: dict[str, Any] = {"num_candidates": num_candidates, "parametrization": parametrization, "tau": tau}
    return _luts(shape, outputs, luts, layers, rank, connections="learnable", **options)
