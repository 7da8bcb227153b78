"""Where training computes: the device, its precision, and what is placed there, by Lightning Fabric."""

from __future__ import annotations

from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from lutsmith.training.samples import Array
from lutsmith.training.settings import Settings


class Devices:
    """The one device of a run.

    Attributes:
        fabric: gives the backward pass and the precision of the forward pass.
        device: of the model and of all batches.
    """

    def __init__(self, settings: Settings) -> None:
        """Find the device; ValueError if the requested one does not exist."""
        self.fabric = Fabric(accelerator=accelerator(settings), devices=1, precision=settings.precision)  # type: ignore[arg-type]
        self.device: torch.device = self.fabric.device

    def tensor(self, values: Array) -> Tensor:
        """Return an array on the device."""
        return torch.from_numpy(values).to(self.device)

    def setup(self, model: nn.Module, optimizer: Optimizer) -> tuple[Any, Any]:
        """Return model and optimizer as steps must use them: in the requested precision."""
        network, prepared = self.fabric.setup(model, optimizer)
        return network, prepared


def accelerator(settings: Settings) -> str:
    """Return "cuda", "mps" or "cpu"; raise ValueError if the requested device does not exist."""
    if settings.accelerator == "mps":
        if not torch.backends.mps.is_available():
            raise ValueError("accelerator='mps': torch finds no device of Apple's here; take 'cpu' or 'auto'")
        return "mps"
    if settings.accelerator != "cpu" and torch.cuda.is_available():
        return "cuda"
    if settings.accelerator == "cuda":
        raise ValueError("accelerator='cuda': torch finds no CUDA device here; take 'cpu' or 'auto'")
    return "cpu"
