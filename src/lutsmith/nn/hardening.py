"""Layers that stay hardened while others train."""

from __future__ import annotations

from typing import Self

from torch import nn


class Hardening(nn.Module):
    """A layer that may be hardened for good: it is its hard tables in training too, and `train()` does not change it.

    If its inputs are bits, the hardened form gives bits. A layer whose parameters need no gradient costs no backward
    pass if it stands behind an encoder or behind other such layers.
    """

    hardened: bool = False

    def harden(self) -> None:
        """Stay in eval mode from now on. This is not part of the state dict."""
        self.hardened = True
        self.eval()

    def train(self, mode: bool = True) -> Self:
        return super().train(mode and not self.hardened)
