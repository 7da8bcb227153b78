"""Random changes to the encoder's output in training: inverted bits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lutsmith.data.augmentation.portion import Portion


def flip_bits(
    bits: Tensor, probability: float, generator: np.random.Generator, portion: Portion | None = None
) -> Tensor:
    """Return a copy of a 0/1 tensor in which each element is inverted with the given probability, independently.

    A Poisson number of positions, drawn with replacement, hits each element with probability 1 - exp(-mean) on its own;
    the mean is chosen to make that `probability`. The cost grows with the flips, not with all the bits. If the tensor
    holds a `portion` of a batch, `(rows, ...)`, the flips are drawn for the whole batch, and those of its rows made.
    """
    shape = bits.shape if portion is None else (portion.total, *bits.shape[1:])
    hits = generator.poisson(-math.log1p(-probability) * math.prod(shape))
    if hits == 0:
        return bits
    positions = np.unravel_index(generator.integers(0, math.prod(shape), size=hits), tuple(shape))
    if portion is not None:
        own = (positions[0] >= portion.first) & (positions[0] < portion.first + portion.count)
        positions = (positions[0][own] - portion.first, *(each[own] for each in positions[1:]))
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
    def active(self, generator: np.random.Generator, portion: Portion | None = None) -> Iterator[None]:
        """Invert bits in the forward passes inside the `with` block, drawn from `generator`; see `flip_bits`."""

        def hook(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:  # noqa: ARG001
            return flip_bits(output, self.probability, generator, portion)

        handle = self.encoder.register_forward_hook(hook)
        try:
            yield
        finally:
            handle.remove()
