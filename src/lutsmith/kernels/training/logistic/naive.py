"""The logistic function and its gradient, in plain torch."""

from __future__ import annotations

from torch import Tensor


def logistic(logits: Tensor, temperature: float) -> Tensor:
    """s(logits / temperature)."""
    return (logits / temperature).sigmoid()


def logistic_backward(grad: Tensor, out: Tensor, temperature: float) -> Tensor:
    """The gradient of the logits by that of the result: g s (1 - s) / temperature."""
    return grad * out * (1 - out) / temperature
