"""Random changes to training batches: shifted images and inverted encoder bits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn


def shift_images(images: npt.NDArray[Any], limit: int, generator: np.random.Generator) -> npt.NDArray[Any]:
    """Return a copy in which each image is moved by -limit..limit pixels along both axes; what moves in is 0.

    Args:
        images: (B, H, W) or (B, C, H, W), any dtype; all channels of an image move together.
        limit: the largest move in pixels.
        generator: 2 B integers are drawn from it.

    Raises:
        ValueError: a batch that is not of images.
    """
    if images.ndim not in (3, 4):
        raise ValueError(
            f"shift={limit} moves images: expected samples of shape (H, W) or (C, H, W), got {images.shape[1:]}"
        )
    count, height, width = len(images), images.shape[-2], images.shape[-1]
    padding = [(0, 0)] * (images.ndim - 2) + [(limit, limit)] * 2
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(images, padding), (height, width), axis=(-2, -1))
    down, right = generator.integers(0, 2 * limit + 1, size=(2, count))
    # Advanced indices apart from each other put the batch first: (B, H, W) or (B, C, H, W) either way.
    return np.ascontiguousarray(windows[np.arange(count), ..., down, right, :, :])


def flip_bits(bits: Tensor, probability: float, generator: np.random.Generator) -> Tensor:
    """Return a copy of a 0/1 tensor in which each element is inverted with the given probability, independently.

    A Poisson number of positions, drawn with replacement, hits each element with probability 1 - exp(-mean) on its
    own; the mean is chosen to make that `probability`. The cost is that of the flips, not of all the bits.
    """
    hits = generator.poisson(-math.log1p(-probability) * bits.numel())
    if hits == 0:
        return bits
    positions = np.unravel_index(generator.integers(0, bits.numel(), size=hits), tuple(bits.shape))
    where = tuple(torch.from_numpy(p).to(bits.device) for p in positions)
    return bits.index_put(where, 1 - bits[where])


class BitFlips:
    """Inverts bits of the encoder's output while it is `active`: a forward hook on the model's first module."""

    def __init__(self, model: nn.Module, probability: float) -> None:
        """Find the encoder: the first module of an `nn.Sequential`.

        Raises:
            ValueError: a model of another kind, where the encoder cannot be told.
        """
        if not isinstance(model, nn.Sequential) or len(model) < 2:
            raise ValueError(
                f"bit_flip={probability} changes the output of a Sequential's first module, the encoder; "
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
