"""Sampling: how logits become numbers between 0 and 1, or bits, in a training step. Eval mode does not use it."""

from __future__ import annotations

import torch
from torch import Tensor

from lutsmith.kernels.training import ops

SAMPLINGS = ("soft", "hard", "gumbel_soft", "gumbel_hard")
_EDGE = 1e-7  # uniform numbers keep this far from 0 and 1, so that noise stays within +-16


def straight_through(hard: Tensor, soft: Tensor) -> Tensor:
    """The value of `hard` with the gradient of `soft`."""
    return hard.to(soft.dtype) + (soft - soft.detach())


def scaled(logits: Tensor, temperature: float) -> Tensor:
    """`logits / temperature`."""
    return logits if temperature == 1 else logits / temperature


def sample_bits(logits: Tensor, temperature: float, sampling: str) -> Tensor:
    """`s(logits / tau)`, s the logistic function; the gradient is always its own.

    `"hard"` gives `1[logits > 0]` forward, and `"gumbel_soft"` and `"gumbel_hard"` (Jang et al., arXiv:1611.01144) add
    logistic noise `ln u - ln(1 - u)` to the logits first, one draw for each, from torch's global generator.
    """
    if sampling.startswith("gumbel"):
        noise = torch.rand(logits.shape, device=logits.device).logit(_EDGE)
        logits = logits + noise.to(logits.dtype)
    soft = ops.logistic(logits, temperature)
    return straight_through(logits > 0, soft) if sampling.endswith("hard") else soft


def gumbel(logits: Tensor) -> Tensor:
    """`logits` with Gumbel noise `-ln(-ln u)`, one draw for each, from torch's global generator."""
    uniform = torch.rand(logits.shape, device=logits.device).clamp(_EDGE, 1 - _EDGE)
    return logits - (-uniform.log()).log().to(logits.dtype)
