"""What dense models are trained by: the squared error of sigmoids, ALU_Net's, or cross entropy; decay of kernels."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from torch import Tensor, nn
from torch.nn import functional

from lutsmith.alu.dense.layers import Convolution, Dense
from lutsmith.training.objectives import Loss
from lutsmith.training.penalties.base import Batch


def squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean squared error of the sigmoids of logits."""
    return functional.mse_loss(outputs.sigmoid(), targets)


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean binary cross entropy of logits."""
    return functional.binary_cross_entropy_with_logits(outputs, targets)


LOSSES: Mapping[str, Loss] = MappingProxyType({"mse": squared_error, "bce": cross_entropy})
"""The losses by name."""


def kernel_decay(model: nn.Module, batch: Batch, outputs: Tensor) -> Tensor:  # noqa: ARG001
    """Return `l2` times the sum of squares of each kernel, as Keras' `kernel_regularizer` adds it to the loss."""
    terms = [layer.l2 * layer.weight.square().sum() for layer in decaying(model)]
    return sum(terms[1:], start=terms[0])


def decaying(model: nn.Module) -> list[Dense | Convolution]:
    """Return the layers whose kernels decay."""
    return [layer for layer in model.modules() if isinstance(layer, (Dense, Convolution)) and layer.l2]
