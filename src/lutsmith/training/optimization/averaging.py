"""The running average of the weights: a smoother network than any single step's, for one more copy of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class WeightAverage:
    """An exponential moving average of all parameters of a model, connection scores included.

    After step t the average moves by `1 - min(decay, (1 + t) / (10 + t))` of the way to the parameters: the first steps
    weigh more, so that the random start is soon forgotten. The network with the averaged weights is the one that is
    evaluated and kept, hardened like any other::

        average = WeightAverage(model, 0.999)
        for x, y in batches:
            ...
            optimizer.step()
            average.update()
        with average.applied():
            evaluate(model)

    Args:
        model: its parameters are averaged; buffers are taken as they are.
        decay: in [0, 1); 0.999 averages over about a thousand steps.

    Raises:
        ValueError: an invalid decay.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"WeightAverage(decay={decay}): expected a number in [0, 1), such as 0.999")
        self.decay = decay
        self.steps = 0
        self._live = list(model.parameters())
        self._averages = [parameter.detach().clone() for parameter in self._live]

    @torch.no_grad()
    def update(self) -> None:
        """Move the average toward the present parameters; call after each step."""
        share = 1 - min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        torch._foreach_lerp_(self._averages, list(self._live), share)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Give the model the averaged weights inside the `with` block."""
        before = [parameter.detach().clone() for parameter in self._live]
        self.apply()
        try:
            yield
        finally:
            self._put(before)

    def apply(self) -> None:
        """Give the model the averaged weights for good."""
        self._put(self._averages)

    def restart(self, parameter: nn.Parameter, changed: Tensor) -> None:
        """Restart the average of `parameter` from its present value where the bool tensor `changed` is True."""
        for live, average in zip(self._live, self._averages, strict=True):
            if live is parameter:
                average.copy_(torch.where(changed.to(live.device), live.detach(), average))

    def state_dict(self) -> dict[str, Any]:
        """Return the averages and the number of updates."""
        return {"steps": self.steps, "averages": self._averages}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave; ValueError if it belongs to another model."""
        shapes = [tuple(average.shape) for average in state["averages"]]
        if shapes != [tuple(average.shape) for average in self._averages]:
            raise ValueError(f"the saved averages have shapes {shapes}, which are not those of the model's parameters")
        self.steps = int(state["steps"])
        for average, saved in zip(self._averages, state["averages"], strict=True):
            average.copy_(saved)

    @torch.no_grad()
    def _put(self, values: list[Tensor]) -> None:
        for parameter, value in zip(self._live, values, strict=True):
            parameter.copy_(value)
