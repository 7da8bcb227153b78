"""Random changes to the encoder's output in training: inverted bits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def flip_bits(bits: Tensor, probability: float, generator: np.random.Generator) -> Tensor:
    """Return a copy of a 0/1 tensor in which each element is inverted with the given probability, independently.

    A Poisson number of positions, drawn with replacement, hits each element with probability 1 - exp(-mean) on its own;
    the mean is chosen to make that `probability`. The cost grows with the flips, not with all the bits.
    """
    hits = generator.poisson(-math.log1p(-probability) * bits.numel())
    if hits == 0:
        return bits
    positions = np.unravel_index(generator.integers(0, bits.numel(), size=hits), tuple(bits.shape))
    where = tuple(torch.from_numpy(p).to(bits.device) for p in positions)
    return bits.index_put(where, 1 - bits[where])


class BitFlips:
    """Inverts bits of the encoder's output while it is `active`: a forward hook on the model's first module."""

    def __init__(self, model: nn.Module, probability: float, name: str = "bit_flip") -> None:
        """Find the encoder: the first module of an `nn.Sequential`; `name` is the name of this in messages.

        Raises:
            ValueError: a model of another kind, in which the encoder cannot be identified.
        """
        if not isinstance(model, nn.Sequential) or len(model) < 2:
            raise ValueError(
                f"{name}={probability} changes the output of a Sequential's first module, the encoder; "
                f"the model is a {type(model).__name__}: wrap it as nn.Sequential(encoder, rest)"
            )
        self.encoder: nn.Module = model[0]
        self.probability = probability

    @contextmanager
    def active(self, generator: np.random.Generator) -> Iterator[None]:
        """Invert bits in the forward passes inside the `with` block, drawn from `generator`."""

        def hook(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:  # noqa: ARG001
            return flip_bits(output, self.probability, generator)

        handle = self.encoder.register_forward_hook(hook)
        try:
            yield
        finally:
            handle.remove()
