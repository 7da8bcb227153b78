"""Penalties of what the network computes on a batch: undecided outputs, and outputs that a flipped bit changes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lutsmith.training.augmentation.bits import BitFlips
from lutsmith.training.lut_layers import lut_layers
from lutsmith.training.penalties.base import Batch, Penalty, check_weight


@dataclass
class Gap(Penalty):
    """`mean of 1 - |2 y - 1|^power` over all outputs y of all LUTs: 0 where all are bits, 1 where all are 1/2.

    It is BitLogic's gap term, `-|y - 1/2|^power`, scaled and shifted. It brings the soft network closer to the hardened
    one.

    Attributes:
        weight: factor.
        power: >= 1.
    """

    weight: float
    power: float = 2.0
    _outputs: list[Tensor] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        check_weight(self)
        _check_power(self, self.power)

    @contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        self._outputs.clear()

        def look(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG001
            self._outputs.append(output)

        handles = [layer.register_forward_hook(look) for layer in lut_layers(model, "Gap")]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def __call__(self, model: nn.Module, batch: Batch, logits: Tensor) -> Tensor:  # noqa: ARG002
        if not self._outputs:
            raise ValueError("Gap has seen no outputs: make the forward pass inside `with gap.watching(model):`")
        undecided = torch.stack([self._undecided(output, batch.weights) for output in self._outputs]).sum()
        count = sum(output.numel() for output in self._outputs)
        self._outputs.clear()
        return self.weight * undecided / max(count, 1)

    def _undecided(self, output: Tensor, weights: Tensor | None) -> Tensor:
        if weights is not None:
            each = (1 - (2 * output - 1).abs() ** self.power).flatten(1).sum(1)
            return (each * weights).sum()
        if self.power == 2:  # the same with a third of the passes over memory
            return 4 * (output.sum() - output.square().sum())
        return (1 - (2 * output - 1).abs() ** self.power).sum()


@dataclass
class Consistency(Penalty):
    """`mean |f(x) - f(x')|^power` over the logits, where x' is the encoder's bits with some of them inverted at random.

    BitLogic's consistency term, with random bits instead of each in turn. It costs a second forward and backward pass.
    The model is a `nn.Sequential` that begins with the encoder. The bits are drawn from torch's global generator.

    Attributes:
        weight: factor.
        probability: that a bit is inverted, in (0, 0.5].
        power: >= 1.
    """

    weight: float
    probability: float = 0.02
    power: float = 2.0

    def __post_init__(self) -> None:
        check_weight(self)
        _check_power(self, self.power)
        if not 0 < self.probability <= 0.5:
            raise ValueError(f"Consistency(probability={self.probability}): expected a number in (0, 0.5]")

    def __call__(self, model: nn.Module, batch: Batch, logits: Tensor) -> Tensor:
        generator = np.random.default_rng(int(torch.randint(2**62, ())))
        flips = BitFlips(model, self.probability, name="Consistency: probability")
        with flips.active(generator, batch.portion):
            changed = model(batch.x)
        return batch.mean((logits - changed).abs() ** self.power) * self.weight


def _check_power(penalty: Penalty, power: float) -> None:
    if not (power >= 1 and math.isfinite(power)):
        raise ValueError(f"{type(penalty).__name__}(power={power}): expected a number >= 1")
