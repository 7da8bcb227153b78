"""Layers that stay hardened while others train."""

from __future__ import annotations

from typing import Self

from torch import nn


class Hardening(nn.Module):
    """A layer that may be hardened for good: it is its hard tables in training too, and `train()` does not change it.

    Of inputs that are bits the hardened form gives bits, and a layer whose parameters want no gradient, behind others
    such or behind an encoder, costs no backward pass.
    """

    hardened: bool = False

    def harden(self) -> None:
        """Stay in eval mode from now on. It is not a part of the state dict."""
        self.hardened = True
        self.eval()

    def train(self, mode: bool = True) -> Self:
        return super().train(mode and not self.hardened)
