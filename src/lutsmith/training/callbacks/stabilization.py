"""Gradient normalization: every LUT layer gets gradients of the same size, however deep it lies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lutsmith.ground.arguments import one_of
from lutsmith.training.callbacks.base import Callback, Stage
from lutsmith.training.lut_layers import lut_layers
from lutsmith.training.ranks.ranks import ALONE, Ranks

_EPSILON = 1e-12


@dataclass
class GradientNormalization(Callback):
    """Replaces the gradient g at the output of each LUT layer by `(g - mean) / (s + 1e-12) target`, s its deviation.

    That is BitLogic's gradient stabilization (arXiv:2602.07400); the tables of the layer and all layers before it learn
    from the new gradient. Each forward pass is normalized on its own: the second one, of a `Consistency` penalty,
    counts as much as the first, whatever its weight. In a loop of your own:

        with GradientNormalization(1e-3).active(model):
            loss = cross_entropy(model(x), y)
            loss.backward()

    Attributes:
        target: the standard deviation of the new gradient, positive. Adam does not see it within a layer.
        over: "layer": one mean and deviation for the batch and all LUTs; "sample": separate ones for each sample.
        subtract_mean: False keeps the mean, and s is then the root mean square.
    """

    target: float = 1.0
    over: Literal["layer", "sample"] = "layer"
    subtract_mean: bool = True
    _hooks: ExitStack = field(default_factory=ExitStack, init=False, repr=False)
    _ranks: Ranks = field(default=ALONE, init=False, repr=False)

    def __post_init__(self) -> None:
        if not (self.target > 0 and self.target < float("inf")):
            raise ValueError(f"GradientNormalization(target={self.target}): expected a positive number")
        one_of("over of GradientNormalization", self.over, ("layer", "sample"))

    def normalized(self, gradient: Tensor) -> Tensor:
        """Return the new gradient for a gradient `(..., LUTs)`; zeros stay zeros."""
        over = tuple(range(gradient.ndim)) if self.over == "layer" else (gradient.ndim - 1,)
        wide = gradient.to(torch.promote_types(gradient.dtype, torch.float32))  # squares vanish in float16
        mean = self._mean_of_layer if self.over == "layer" and self._ranks.portion else _mean
        if self.subtract_mean:
            wide = wide - mean(wide, over)
        size = mean(wide.square(), over).sqrt()
        normalized: Tensor = (wide * (self.target / (size + _EPSILON))).to(gradient.dtype)
        return normalized

    def _mean_of_layer(self, values: Tensor, over: tuple[int, ...]) -> Tensor:
        """Return the mean of the values of all processes, which have the rows of a batch between them."""
        sums = torch.stack([values.sum(), values.new_tensor(values.numel())])
        total, count = self._ranks.add(sums)
        mean: Tensor = (total / count.clamp(min=1)).reshape([1] * len(over))
        return mean

    @contextmanager
    def active(self, model: nn.Module) -> Iterator[None]:
        """Normalize in the backward passes of forward passes that are made inside the `with` block."""

        def watch(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG001
            if torch.is_grad_enabled() and output.requires_grad:
                output.register_hook(self.normalized)  # type: ignore[no-untyped-call]

        handles = [layer.register_forward_hook(watch) for layer in lut_layers(model, "GradientNormalization")]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def begin(self, stage: Stage) -> None:
        self._ranks = stage.ranks
        self._hooks.enter_context(self.active(stage.model))

    def end(self, stage: Stage) -> None:  # noqa: ARG002
        self._hooks.close()
        self._ranks = ALONE


def _mean(values: Tensor, over: tuple[int, ...]) -> Tensor:
    return values.mean(over, keepdim=True)
