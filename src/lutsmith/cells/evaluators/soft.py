"""Bits as probabilities of many cells at once, for learning by gradient. Imports torch.

A signal is a tensor (R, N), the probability that a bit is 1 in each of R restarts and N samples, or a constant. Either
axis may be 1: what is read from the data is (1, N), and what no sample changes is (R, 1). A table is (R, outputs,
2^rank), the probability that an entry is 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Bit = Tensor | bool


class Soft:
    """Evaluates tables by their multilinear extension: the sum of all entries, each times its address's probability.

    With tables and inputs of 0 and 1 it is exact. One evaluator serves one run: it keeps what the cells of the run have
    in common, which are tables with constant inputs left out and the probabilities of addresses in the data.
    """

    def __init__(self) -> None:
        self._tables: dict[tuple[Any, ...], tuple[Tensor, Tensor]] = {}
        self._data: dict[tuple[int, ...], tuple[tuple[Tensor, ...], Tensor]] = {}

    def constant(self, value: bool) -> Bit:
        return value

    def cell(self, table: Tensor, inputs: Sequence[Bit]) -> tuple[Bit, ...]:
        free = [place for place, bit in enumerate(inputs) if not isinstance(bit, bool)]
        signals = {place: bit for place, bit in enumerate(inputs) if isinstance(bit, Tensor)}
        data = [place for place in free if len(signals[place]) == 1 and not signals[place].requires_grad]
        learned = [place for place in free if place not in data]
        entries = self._of_free(table, inputs, data + learned)
        if not free:
            return tuple(entries.unbind(1))
        known = self._addresses([signals[place] for place in data], entries)
        return tuple(_Contraction.apply(entries, known, *(signals[place] for place in learned)).unbind(1))  # type: ignore[no-untyped-call]

    def _of_free(self, table: Tensor, inputs: Sequence[Bit], order: list[int]) -> Tensor:
        """Return a table with constant inputs left out and the others in this order, the first the lowest."""
        fixed = tuple(bit if isinstance(bit, bool) else None for bit in inputs)
        key = id(table), fixed, tuple(order)
        if key not in self._tables:
            rank = len(inputs)
            entries = table.reshape(*table.shape[:2], *[2] * rank)  # the axis of input i is the (i + 1)th from the end
            entries = entries[(..., *(slice(None) if bit is None else int(bit) for bit in reversed(fixed)))]
            left = sorted(order, reverse=True)
            entries = entries.permute(0, 1, *(2 + left.index(place) for place in reversed(order)))
            self._tables[key] = table, entries.reshape(*table.shape[:2], 1 << len(order))
        return self._tables[key][1]

    def _addresses(self, signals: list[Tensor], like: Tensor) -> Tensor:
        """Return the probability of each address of signals from the data, (1, 2^k, N)."""
        key = tuple(map(id, signals))
        if key not in self._data:
            weights = like.new_ones(1, 1, 1)
            for signal in signals:
                weights = _doubled(weights, signal)
            self._data[key] = tuple(signals), weights
        return self._data[key][1]


def _doubled(weights: Tensor, signal: Tensor) -> Tensor:
    """Return the probabilities of addresses that have one bit more, the highest."""
    high = weights * signal.unsqueeze(1)
    return torch.cat((weights - high, high), 1)


class _Contraction(torch.autograd.Function):
    """Tables (R, outputs, 2^rank) at addresses of which the lower bits are data and the upper ones are learned signals.

    The probabilities of addresses are made once, for all outputs and for the gradients of both.
    """

    @staticmethod
    def forward(ctx: Any, entries: Tensor, known: Tensor, *signals: Tensor) -> Tensor:
        levels = [known]
        for signal in signals:
            levels.append(_doubled(levels[-1], signal))
        ctx.save_for_backward(entries, *signals, *levels)
        return torch.matmul(entries, levels[-1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, given: Tensor) -> tuple[Tensor | None, ...]:
        entries, *saved = ctx.saved_tensors
        count = len(saved) // 2
        signals, levels = saved[:count], saved[count:]
        of_entries = torch.matmul(given, levels[-1].transpose(1, 2)) if ctx.needs_input_grad[0] else None
        slopes = torch.matmul(entries.transpose(1, 2), given)
        gradients: list[Tensor | None] = []
        for signal, weights in zip(reversed(signals), reversed(levels[:-1]), strict=True):
            low, high = slopes.chunk(2, 1)
            rise = high - low
            gradients.append((rise * weights).sum(1).sum_to_size(signal.shape))
            slopes = torch.addcmul(low, rise, signal.unsqueeze(1)) if len(gradients) < count else slopes
        return of_entries, None, *reversed(gradients)
