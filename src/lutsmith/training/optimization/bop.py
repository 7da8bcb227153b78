"""Bop: an optimizer of weights that are -1 or +1, without latent ones (K. Helwegen and others, NeurIPS 2019)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.optim import Optimizer

from lutsmith.ground.arguments import number


class Bop(Optimizer):
    """Flip a weight where the average of its gradients agrees with its sign and is large enough.

        m = (1 - lr) m + lr g;   w = -w where |m| > threshold and sign(m) = sign(w)

    Weights are -1 or +1: the first step replaces them by their signs. Give it the weights of binary layers, and all
    other parameters to an optimizer of real numbers:

        bop = Bop([layer.weight for layer in model.modules() if isinstance(layer, BinaryLayer)])

    Args:
        params: parameters, or groups of them, each with its own `lr` and `threshold` if it names them.
        lr: the rate of the average, above 0 and up to 1: what the paper calls the adaptivity rate. Schedules change it.
        threshold: of the average, 0 or more.

    Raises:
        TypeError, ValueError: no parameters, or a number out of range.
    """

    def __init__(self, params: Iterable[Any], lr: float = 1e-3, threshold: float = 1e-8) -> None:
        number("lr", lr, lambda value: 0 < value <= 1, "a number above 0 and up to 1")
        number("threshold", threshold, lambda value: 0 <= value < math.inf, "0 or a positive number")
        super().__init__(params, {"lr": lr, "threshold": threshold})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take a step, and return the loss of `closure`, None without one."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["average"] = torch.zeros_like(weight)
                    weight.copy_(torch.where(weight >= 0, 1.0, -1.0))
                average = state["average"].lerp_(weight.grad, float(group["lr"]))
                weight.copy_(
                    torch.where((average.abs() > group["threshold"]) & (average * weight > 0), -weight, weight)
                )
        return loss
