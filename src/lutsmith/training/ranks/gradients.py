"""The gradients of a whole batch, from those of its parts: one sum over all processes a step.

Everything that the processes tell each other in a step travels in one tensor: the gradients, the loss, and whether
somebody wants to stop. torch's DistributedDataParallel is not used, because it does not fit: it takes means, which are
wrong for parts of different sizes; it needs to know in advance which parameters a step leaves out, and here layers
freeze, wires rest and penalties run the network twice. A parameter without a gradient stays without one.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from lutsmith.training.ranks.ranks import Ranks


class GradientSum:
    """Sums gradients over all processes.

    Args:
        ranks: the processes.
        parameters: of the optimizer, in its order.

    Attributes:
        bytes: of the last sum.
    """

    def __init__(self, ranks: Ranks, parameters: Iterable[nn.Parameter]) -> None:
        self._ranks, self._parameters = ranks, list(parameters)
        self._flat: dict[torch.dtype, Tensor] = {}
        self.bytes = 0

    @torch.no_grad()
    def add(self, loss: Tensor, marks: tuple[float, ...]) -> tuple[Tensor, Tensor]:
        """Replace the gradients by their sums over all processes; return the sums of the losses and of the marks.

        Args:
            loss: of this part, a scalar.
            marks: a few numbers.
        """
        told = torch.cat([loss.detach().reshape(1).float(), torch.tensor(marks, device=loss.device)])
        with_gradients = [parameter for parameter in self._parameters if parameter.grad is not None]
        self.bytes = 0
        for dtype in sorted({torch.float32, *(parameter.dtype for parameter in with_gradients)}, key=str):
            chosen = [parameter for parameter in with_gradients if parameter.dtype == dtype]
            head = len(told) if dtype == torch.float32 else 0
            flat = self._room(dtype, head + sum(parameter.numel() for parameter in chosen), loss.device)
            views, start = [], head
            for parameter in chosen:
                views.append(_like(parameter, flat, start))
                start += parameter.numel()
            if head:
                flat[:head] = told
            if chosen:
                torch._foreach_copy_(views, [parameter.grad for parameter in chosen if parameter.grad is not None])
            self._ranks.add(flat)
            self.bytes += flat.numel() * flat.element_size()
            if head:
                told = flat[:head].clone()
            for parameter, view in zip(chosen, views, strict=True):
                parameter.grad = view
        return told[0], told[1:]

    def _room(self, dtype: torch.dtype, numbers: int, device: torch.device) -> Tensor:
        """Return a tensor of so many numbers, the same memory in each step: gradients are views of it until the next
        one.
        """
        if dtype not in self._flat or len(self._flat[dtype]) < numbers:
            self._flat[dtype] = torch.empty(numbers, dtype=dtype, device=device)
        return self._flat[dtype][:numbers]


def _like(parameter: nn.Parameter, flat: Tensor, start: int) -> Tensor:
    """Return a part of a flat tensor in the shape of a parameter, with its axes in the same order of memory."""
    part = flat[start : start + parameter.numel()]
    if parameter.is_contiguous():
        return part.view(parameter.shape)
    order = sorted(range(parameter.ndim), key=lambda axis: -int(parameter.stride()[axis]))
    dense = part.view([parameter.shape[axis] for axis in order])
    return dense.permute([order.index(axis) for axis in range(parameter.ndim)])
