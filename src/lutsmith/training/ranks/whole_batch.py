"""Modules of torch that look at a whole batch, or draw for it, while each process has a part of it only.

Batch norm takes the statistics of the whole batch, and dropout draws for all its rows and takes those of its part. So
the parts compute what one process would. Both do so in steps alone; elsewhere, and after training, they are as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from lutsmith.training.ranks.ranks import Ranks


@contextmanager
def whole_batches(model: nn.Module, ranks: Ranks) -> Iterator[None]:
    """Let the modules of a model compute with whole batches inside the block, in steps.

    Raises:
        ValueError: a kind of batch norm that would see its part alone.
    """
    changed = []
    try:
        for name, module in () if ranks.alone else model.named_modules():
            if (forward := _forward_of(name, module, ranks)) is not None:
                module.forward = forward
                changed.append(module)
        yield
    finally:
        for module in changed:
            del module.forward


def _forward_of(name: str, module: nn.Module, ranks: Ranks) -> Callable[[Tensor], Tensor] | None:
    if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
        return partial(_normalised, module, type(module).forward, ranks)
    if isinstance(module, _BatchNorm):
        raise ValueError(
            f"{name} is a {type(module).__name__}, which sees the rows of one process only: with several, use "
            "BatchNorm1d, BatchNorm2d or BatchNorm3d, which then look at the whole batch"
        )
    if type(module) is nn.Dropout:
        return partial(_dropped, module, ranks)
    return None


class _Total(torch.autograd.Function):
    """The sum over all processes, of what each gives and of the gradients alike."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, ranks: Ranks) -> Tensor:
        ctx.ranks = ranks
        return ranks.add(tensor.clone(memory_format=torch.contiguous_format))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return ctx.ranks.add(gradients[0].clone(memory_format=torch.contiguous_format)), None


def _total(tensor: Tensor, ranks: Ranks) -> Tensor:
    total: Tensor = _Total.apply(tensor, ranks)  # type: ignore[no-untyped-call]
    return total


def _normalised(module: Any, plain: Callable[..., Tensor], ranks: Ranks, x: Tensor) -> Tensor:
    """Batch norm with the mean and the variance of the rows of all processes."""
    if ranks.portion is None or not module.training:
        return plain(module, x)
    module._check_input_dim(x)
    over = [axis for axis in range(x.ndim) if axis != 1]
    shape = [-1 if axis == 1 else 1 for axis in range(x.ndim)]
    wide = x.float()
    count = x.new_full((1,), x.numel() // x.shape[1], dtype=torch.float32)
    sums = _total(torch.cat([wide.sum(over), count]), ranks)
    count = sums[-1].detach()
    mean = sums[:-1] / count
    centred = wide - mean.reshape(shape)
    variance = _total(centred.square().sum(over), ranks) / count
    if module.track_running_stats:
        with torch.no_grad():
            module.num_batches_tracked.add_(1)
            share = module.momentum or (0.0 if module.momentum == 0 else 1 / float(module.num_batches_tracked))
            module.running_mean.lerp_(mean.to(module.running_mean), share)
            unbiased = variance * (count / (count - 1).clamp(min=1))
            module.running_var.lerp_(unbiased.to(module.running_var), share)
    result = centred * torch.rsqrt(variance + module.eps).reshape(shape)
    if module.affine:
        result = result * module.weight.reshape(shape) + module.bias.reshape(shape)
    return result.to(x.dtype)


def _dropped(module: nn.Dropout, ranks: Ranks, x: Tensor) -> Tensor:
    """Dropout that draws for the whole batch, in the order in which one process draws, and takes its own rows."""
    portion = ranks.portion
    if portion is None or not module.training or module.p == 0 or len(x) % max(1, portion.count):
        return nn.Dropout.forward(module, x)
    each = len(x) // portion.count if portion.count else 1  # rows of the module for one row of the batch
    order = sorted(range(x.ndim), key=lambda axis: -int(x.stride()[axis]))
    sizes = [portion.total * each if axis == 0 else x.shape[axis] for axis in order]
    drawn = x.new_empty(sizes).bernoulli_(1 - module.p).div_(1 - module.p)
    kept = drawn.permute([order.index(axis) for axis in range(x.ndim)])[portion.first * each :][: len(x)]
    return x * kept
