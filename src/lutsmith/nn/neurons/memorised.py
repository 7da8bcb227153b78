"""First tables that memorise targets, counted layer by layer, for models whose neurons add up LUTs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.ground.arrays import packed
from lutsmith.kernels.counting import targets as counting
from lutsmith.nn.modes import in_eval
from lutsmith.nn.neurons.lut_sum import LUTSum

_COLUMNS = 1 << 16  # samples at places that are counted at a time
_CHUNK = 1024
_SEED = 0x3E4


class Counts:
    """How often LUTs read each entry while their target was 0, and while it was 1: int64 `(LUTs, 2, 2**rank)`."""

    def __init__(self, luts: int, rank: int) -> None:
        self.counts = np.zeros((luts, 2, 1 << rank), np.int64)

    def add(
        self,
        bits: NDArray[np.bool_],
        inputs: NDArray[np.int32],
        targets: NDArray[np.bool_],
        target_of: NDArray[np.int64],
    ) -> None:
        """Count samples: rows of bits `(F, N)`, the rows that LUTs read, least significant first, targets `(T, N)`, and
        which of them each LUT has.
        """
        found = np.empty_like(self.counts)
        rows, asked = packed(np.ascontiguousarray(bits)), packed(np.ascontiguousarray(targets))
        counting.count(rows, np.ascontiguousarray(inputs), asked, target_of, bits.shape[1], found)
        self.counts += found

    def gains(self) -> NDArray[np.int64]:
        """What an entry gains by being 1. The more samples have the same target, the less each of them counts."""
        totals = np.maximum(self.counts.sum(axis=2, keepdims=True), 1)
        gained: NDArray[np.int64] = self.counts[:, 1] * totals[:, 0] - self.counts[:, 0] * totals[:, 1]
        return gained


def target_bits(target: Any, samples: int) -> NDArray[np.bool_]:
    """Targets `(N,)` or `(N, T)` of 0 and 1 as bits `(T, N)`.

    Raises:
        ValueError: other shapes or numbers.
    """
    found = np.asarray(target.detach().cpu() if isinstance(target, Tensor) else target)
    if found.ndim not in (1, 2) or len(found) != samples:
        raise ValueError(f"target has shape {found.shape}; expected ({samples},) or ({samples}, outputs)")
    if not np.isin(found, (0, 1)).all():
        wrong = found[~np.isin(found, (0, 1))].flat[0]
        raise ValueError(
            f"target has {wrong}; expected 0 and 1, of one target or of each output: give classes as one-hot, or to "
            "lutsmith.nn.neurons.memorise_sums"
        )
    bits: NDArray[np.bool_] = found.reshape(samples, -1).T == 1
    return bits


def memorise_sums(model: nn.Module, x: Any, y: Any, *, seed: int = 0) -> None:
    """Fill the tables of all layers that add up LUTs, from the first that the model calls to the last.

    Each entry becomes the bit that its LUT's target had more often when the entry was read; the more samples have the
    same target, the less each of them counts. Outputs of the last layer stand for classes in runs, as heads take them;
    those of other layers stand for classes that are drawn evenly. Entries that the data leave open are drawn at random.
    Other modules stay as they are, and are in eval mode during the count.

    Args:
        model: any module; each of its `LUTSum` layers is called once.
        x: samples (N, ...), what the model takes.
        y: class numbers (N,), or targets (N, T) of 0 and 1.
        seed: of what is drawn.

    Raises:
        TypeError: class numbers that are not integers.
        ValueError: no such layers, no samples, class numbers below 0, a last layer whose outputs are not a multiple of
            the targets; shapes that do not fit.
    """
    samples, labels = torch.as_tensor(x), np.asarray(y)
    if len(samples) == 0:
        raise ValueError("x has no samples; expected one or more to count")
    if labels.ndim == 1:
        if labels.dtype.kind not in "biu":
            raise TypeError(f"y is {labels.dtype}; expected class numbers, integers, or targets (N, T) of 0 and 1")
        if labels.min(initial=0) < 0:
            raise ValueError(f"y has the class {labels.min()}; expected class numbers of 0 or more")
        labels = labels[:, None] == np.arange(max(int(labels.max(initial=0)) + 1, 2))
    targets = target_bits(labels, len(samples))
    with in_eval(model):
        layers = _called(model, samples[:1])
        if not layers:
            raise ValueError("the model calls no layer that adds up LUTs; expected LUTLinear, LUTConv2d or the like")
        if layers[-1].outputs % len(targets):
            raise ValueError(
                f"the last layer has {layers[-1].outputs} outputs; expected a multiple of {len(targets)} targets"
            )
        for number, layer in enumerate(layers):
            draw = np.random.default_rng([seed, _SEED, number])
            asked = np.arange(layer.outputs) * len(targets) // layer.outputs
            _fill(model, layer, samples, targets, asked if layer is layers[-1] else draw.permutation(asked), draw)


def _fill(
    model: nn.Module,
    layer: LUTSum,
    samples: Tensor,
    targets: NDArray[np.bool_],
    asked: NDArray[np.int64],
    draw: np.random.Generator,
) -> None:
    """Count what a layer reads, and write its tables."""
    weight, mask = layer.latent()
    inputs = mask.expand(layer.outputs, -1, -1).reshape(-1, mask.shape[2]).cpu().numpy()
    target_of, counts = np.repeat(asked, mask.shape[1]), Counts(len(inputs), mask.shape[2])
    step, first = 64, 0  # few, until it is known how many places there are
    while first < len(samples):
        rows, places = layer.read(_input_of(model, layer, samples[first : first + step]))
        own = np.tile(targets[:, first : first + step], places)
        counts.add((rows > 0).cpu().numpy(), inputs, own, target_of)
        first += step
        step = max(1, min(_CHUNK, _COLUMNS // places))
    gains = counts.gains()
    bits = np.where(gains == 0, draw.integers(0, 2, gains.shape), gains > 0)
    with torch.no_grad():
        layer.fill(torch.from_numpy(2.0 * bits - 1).to(weight))


class _FoundError(Exception):
    """Ends a forward pass where the input that was looked for is known."""


def _input_of(model: nn.Module, layer: LUTSum, x: Tensor) -> Tensor:
    found: list[Tensor] = []

    def keep(_: nn.Module, arguments: tuple[Any, ...]) -> None:
        found.append(arguments[0])
        raise _FoundError

    handle = layer.register_forward_pre_hook(keep)
    try:
        with torch.no_grad():
            model(x)
    except _FoundError:
        pass
    finally:
        handle.remove()
    return found[0]


def _called(model: nn.Module, x: Tensor) -> list[LUTSum]:
    """The layers that add up LUTs, in the order in which they are called."""
    found: list[LUTSum] = []
    own = [module for module in model.modules() if isinstance(module, LUTSum)]
    handles = [layer.register_forward_pre_hook(lambda layer, _: found.append(layer)) for layer in own]
    try:
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return found
