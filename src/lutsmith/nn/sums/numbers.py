"""Numbers between the modules of a network, as a circuit has them: integers times a power of two.

- `Levels` are bits with weights: a bit of an encoder is 0 or 1, a sign 2 b - 1, a number of M residual levels M bits.
- `Sums` are linear maps of levels, and what modules make of each single sum, such as a batch norm and a sign: a
  function of one integer. It is evaluated at every integer that the sum can be, by the modules themselves as they are
  in eval mode; so it is never folded, rounded or approximated, and the circuit decides exactly as the network does.

Nothing here knows a circuit: bits are signals when a network is lowered, and numbers of functions when it is proved.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.nn.modes import in_eval
from lutsmith.nn.precision import EXACT, without_autocast

Ids = NDArray[np.int64]

NOTHING, PLUS, MINUS = -1, -2, -3
"""What a linear map reads in the place of an input: nothing that counts, +1, or -1."""

VALUES = 1 << 24
"""Numbers that modules are given at a time."""

MOST = 1 << 33
"""Numbers that modules are given in all, for one layer."""


@dataclass(frozen=True, eq=False)
class Levels:
    """Numbers `unit * (offset + sum of weights[l] * bits[l])`, of one sample.

    Attributes:
        bits: (*shape, M), what each bit is.
        weights: int64 (*shape, M); where it is 0 there is no bit.
        offset: int64 (*shape).
        unit: a power of two.
        shared: whether equal bits are the same one, as those of an encoder are; neurons keep theirs apart.
    """

    bits: Ids
    weights: Ids
    offset: Ids
    unit: float = 1.0
    shared: bool = False

    @classmethod
    def of_bits(cls, bits: NDArray[Any]) -> Levels:
        """Bits as the numbers 0 and 1."""
        ids = bits.astype(np.int64)[..., None]
        return cls(ids, np.ones_like(ids), np.zeros(bits.shape, np.int64), shared=True)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.offset.shape

    def as_sums(self) -> Sums:
        """The numbers as sums of one number each."""
        return Sums.plain(self)

    def affine(self, factor: int, offset: int) -> Levels:
        """`factor * number + offset`, of integers."""
        whole = round(1 / self.unit)
        return replace(self, weights=self.weights * factor, offset=self.offset * factor + offset * whole)

    def moved(self, places: NDArray[np.int64]) -> Levels:
        """The numbers at these places of the flattened sample, of the shape of `places`."""
        bits, weights = (part.reshape(self.offset.size, -1)[places] for part in (self.bits, self.weights))
        return Levels(bits, weights, self.offset.reshape(-1)[places], self.unit, self.shared)

    def as_bits(self, above: float) -> tuple[Ids, NDArray[np.bool_], NDArray[np.bool_]] | None:
        """Whether each number is above one, as bits (*shape), whether each is inverted, and whether it is one at all (a
        constant otherwise, `inverted` its value); None where numbers have several bits.
        """
        if self.bits.shape[-1] != 1:
            return None
        low, high = self.offset, self.offset + self.weights[..., 0]
        zero, one = low * self.unit > above, high * self.unit > above
        return self.bits[..., 0], zero, zero != one


class Bound:
    """A function that belongs to a module: it is evaluated where the module's parameters are, in eval mode."""

    def __init__(self, module: Any, function: Any) -> None:
        self.__self__ = module
        self.function = function

    def __call__(self, x: Tensor) -> Tensor:
        found: Tensor = self.function(x)
        return found


class LinearMap(NamedTuple):
    """A matrix at places: output owners[o, p] is the sum of weights[o, i] times the input that reads[p, i] numbers."""

    weights: NDArray[np.int64]  # (m, n)
    reads: NDArray[np.int64]  # (P, n), places of the flattened sample, or NOTHING, PLUS, MINUS
    owners: NDArray[np.int64]  # (m, P), places of the flattened result; each stands once in all maps


class Block(NamedTuple):
    """Sums of bits: sum owners[o, p] is base[o] + sum of weights[o, i] * bits[p, i]."""

    weights: NDArray[np.int64]  # (m, n), no column all 0
    bits: Ids  # (P, n)
    base: NDArray[np.int64]  # (m,)
    owners: NDArray[np.int64]  # (m, P)


Step = Callable[[Tensor], Tensor]


class Changes(NamedTuple):
    """Functions of an integer each, by where they change: first[p] at the least one, then values[t] from at[t] on."""

    first: NDArray[Any]  # (n, ...)
    place: NDArray[np.int64]  # (T,), sorted
    at: NDArray[np.int64]  # (T,), ascending for each place
    values: NDArray[Any]  # (T, ...)


@dataclass(frozen=True, eq=False)
class Sums:
    """Linear maps of levels, and what modules make of each sum.

    Attributes:
        levels: what is summed.
        maps: all sums once.
        sums: shape of the sums.
        steps: modules, one after the other; each makes of a number one at the same place, or reshapes, or pools.
        sources: int64 (*shape, K): which sums each present number is made of, NOTHING beyond; K is 1 without pools.
        lowest: bool (*shape): of several, the module reads the least sum (True) or the greatest.
        last: a module behind all steps that makes several bits of a number, or None.
        forward: the module itself, from a batch of levels: it says what the first step makes of the sums.
    """

    levels: Levels
    maps: tuple[LinearMap, ...]
    sums: tuple[int, ...]
    steps: tuple[Step, ...]
    sources: NDArray[np.int64]
    lowest: NDArray[np.bool_]
    last: Any = None
    forward: Step | None = None

    @classmethod
    def of(cls, levels: Levels, maps: Sequence[LinearMap], shape: tuple[int, ...], *steps: Step) -> Sums:
        """The sums of linear maps, of this shape. ValueError if float32 does not hold all of them exactly."""
        reach = np.append(np.abs(levels.offset) + np.abs(levels.weights).sum(-1), [0, 0, 0])
        reach[-3:] = np.array([1, 1, 0]) * round(1 / levels.unit)  # by NOTHING, PLUS and MINUS from the end
        for each in maps:
            most = int((np.abs(each.weights) @ reach[each.reads].T).max(initial=0))
            if most > EXACT:
                raise ValueError(
                    f"its sums reach {most} units of {levels.unit}, beyond {EXACT} that float32 holds exactly, so that "
                    "the network itself would depend on their order; expected signs, or levels with scale_bits"
                )
        sources = np.arange(math.prod(shape)).reshape(*shape, 1)
        return cls(levels, tuple(maps), shape, steps, sources, np.zeros(shape, np.bool_))

    @classmethod
    def plain(cls, levels: Levels, *steps: Step) -> Sums:
        """Levels as sums of one number each."""
        every = np.arange(levels.offset.size)
        return cls.of(levels, [LinearMap(np.ones((1, 1), np.int64), every[:, None], every[None])], levels.shape, *steps)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.sources.shape[:-1]

    def as_sums(self) -> Sums:
        """Itself, as for levels."""
        return self

    def then(self, step: Step) -> Sums:
        """The numbers after a module that makes of each one at its place."""
        return replace(self, steps=(*self._more(), step), last=None)

    def moved(self, step: Step, places: NDArray[np.int64]) -> Sums:
        """The numbers after a module that only reshapes: `places` says where each was."""
        sources = self.sources.reshape(-1, self.sources.shape[-1])[places]
        lowest = self.lowest.reshape(-1)[places]
        return replace(self, steps=(*self._more(), step), sources=sources, lowest=lowest, last=None)

    def pooled(self, step: Step, windows: NDArray[np.int64]) -> Sums:
        """The numbers after a module that takes the largest of each window (*shape, K), NOTHING beyond.

        Raises:
            ValueError: what it pools rises and falls with the sums, or not alike within a window.
        """
        changes = self.whole().changes(lambda x: x, everywhere=True)
        rising = _directions(changes, self.sources.shape)
        inside = windows != NOTHING
        window = np.where(inside, windows, windows[..., :1])
        if (windows[..., 0] == NOTHING).any():
            raise ValueError("a window of its pool begins outside")
        _check_alike(changes, window.reshape(-1, window.shape[-1]))
        least = self.lowest.reshape(-1) if self.sources.shape[-1] > 1 else ~rising
        if self.sources.shape[-1] > 1 and (least == rising).any():
            raise ValueError("its pool comes after another pool, and what lies between turns the order around")
        flat = self.sources.reshape(-1, self.sources.shape[-1])
        sources = _distinct(np.where(inside[..., None], flat[window], NOTHING).reshape(*windows.shape[:-1], -1))
        lowest = least[window[..., 0]]
        return replace(self, steps=(*self._more(), step), sources=sources, lowest=lowest, last=None)

    def _more(self) -> tuple[Step, ...]:
        return self.steps if self.last is None else (*self.steps, self.last)

    def whole(self) -> Sums:
        """The same numbers, with no separate `last` module."""
        return replace(self, steps=self._more(), last=None)

    def blocks(self, *constants: tuple[int, int], merged: bool = True) -> list[Block]:
        """The sums over bits, equal shared bits once where a map has one place.

        Args:
            constants: pairs of bits that are always 0 and always 1; they become a part of the base.
            merged: whether shared bits are merged at all.
        """
        levels, found = self.levels, []
        whole = round(1 / levels.unit)
        size = levels.bits.shape[-1]
        bits = np.concatenate([levels.bits.reshape(-1, size), np.zeros((3, size), np.int64)])
        weights = np.concatenate([levels.weights.reshape(-1, size), np.zeros((3, size), np.int64)])
        offset = np.concatenate([levels.offset.reshape(-1), [-whole, whole, 0]])
        for zero, one in constants:
            offset = offset + np.where(bits == one, weights, 0).sum(axis=1)
            weights = np.where((bits == zero) | (bits == one), 0, weights)
        for each in self.maps:
            places = len(each.reads)
            keys = np.concatenate([weights[each.reads].reshape(places, -1), offset[each.reads]], axis=1)
            _, first, group = np.unique(keys, axis=0, return_index=True, return_inverse=True)
            for number, place in enumerate(first.tolist()):
                some = np.flatnonzero(group.reshape(-1) == number)
                factors = np.repeat(each.weights, size, axis=1) * weights[each.reads[place]].reshape(-1)
                reads = bits[each.reads[some]].reshape(some.size, -1)
                if merged and levels.shared and places == 1:
                    _, begins, where = np.unique(reads[0], return_index=True, return_inverse=True)
                    order = np.argsort(begins)  # the order does not depend on what bits are called
                    columns = np.zeros((len(factors), begins.size), np.int64)
                    np.add.at(columns.T, np.argsort(order)[where.reshape(-1)], factors.T)
                    reads, factors = reads[:, begins[order]], columns
                there = factors.any(axis=0)
                base = each.weights @ offset[each.reads[place]]
                found.append(Block(factors[:, there], reads[:, there], base, each.owners[:, some]))
        return found

    def lattice(self) -> tuple[int, int, int, NDArray[np.int64], NDArray[np.int64]]:
        """The least integer of all sums, the greatest, their step, and the least and the greatest of each sum."""
        low, high = np.zeros((2, math.prod(self.sums)), np.int64)
        steps = np.zeros(0, np.int64)
        for block in self.blocks(merged=False):
            low[block.owners] = (block.base + np.minimum(block.weights, 0).sum(axis=1))[:, None]
            high[block.owners] = (block.base + np.maximum(block.weights, 0).sum(axis=1))[:, None]
            steps = np.append(steps, np.unique(np.abs(block.weights)))
        least = int(low.min())
        step = int(np.gcd.reduce(np.concatenate([steps, np.unique(low - least)])))
        return least, int(high.max()), max(1, step), low, high

    def changes(self, function: Step, *, everywhere: bool = False) -> Changes:
        """What a function makes of the present numbers, by the integers at which it changes.

        Args:
            function: a batch of samples (N, *shape) to values (N, *shape) or (N, *shape, bits).
            everywhere: whether integers also count that only other sums can take, not the number's own.
        """
        least, greatest, step, low, high = self.lattice()
        size = math.prod(self.sums)
        every = range(least, greatest + 1, step)
        if len(every) * size > MOST:
            raise ValueError(
                f"its {size} sums have {len(every)} values each, too many to look at all; take fewer scale_bits"
            )
        # The integers that each present number can come from: those of the sums that it is made of.
        flat = self.sources.reshape(-1, self.sources.shape[-1])
        outside = flat == NOTHING
        lowest, ends = self.lowest.reshape(-1), []
        for of_sums in (low, high):
            greatest_of = np.where(outside, np.iinfo(np.int64).min, of_sums[flat]).max(axis=1)
            least_of = np.where(outside, np.iinfo(np.int64).max, of_sums[flat]).min(axis=1)
            ends.append(np.where(lowest, least_of, greatest_of))
        if everywhere:
            ends = [np.full(len(flat), least), np.full(len(flat), greatest)]
        chunk = max(1, VALUES // max(1, size))
        previous: NDArray[Any] | None = None
        first: NDArray[Any] | None = None
        found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]] = []
        for start in range(0, len(every), chunk):
            integers = np.array(every[start : start + chunk])
            values = self._evaluated(integers, function)
            values = values.reshape(len(integers), len(flat), *values.shape[1 + len(self.shape) :])
            before = np.concatenate([values[:1] if previous is None else previous[None], values[:-1]])
            differs = values != before
            if differs.ndim > 2:
                differs = differs.any(axis=2)
            first = values[0].copy() if first is None else first
            at, place = np.nonzero(differs)
            early = integers[at] <= ends[0][place]  # below what the number can be: the last of these is its first value
            first[place[early]] = values[at[early], place[early]]
            kept = ~early & (integers[at] <= ends[1][place])
            found.append((place[kept], integers[at[kept]], values[at[kept], place[kept]]))
            previous = values[-1]
        assert first is not None
        place, at, values = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.lexsort((at, place))
        return Changes(first, place[order], at[order], values[order])

    def _evaluated(self, integers: NDArray[np.int64], function: Step) -> NDArray[Any]:
        """What the steps and a function make of samples in which all sums are one integer."""
        numbers = torch.from_numpy(integers.astype(np.float64) * self.levels.unit)
        x = numbers.float().reshape(-1, *[1] * len(self.sums)).expand(-1, *self.sums).contiguous()
        for step in (*self.steps, function):
            x = evaluated(step, x)
        if x.dtype == torch.bool:
            return x.cpu().numpy()
        if x.isnan().any():
            raise ValueError("it makes NaN of sums; was the training unstable?")
        return x.double().cpu().numpy() + 0.0  # -0.0 is 0.0


def evaluated(step: Step, x: Tensor) -> Tensor:
    """What a module, or a function, makes of a batch in eval mode, without a gradient, wherever its parameters are."""
    module = step if isinstance(step, nn.Module) else getattr(step, "__self__", None)
    parameters = [*module.parameters(), *module.buffers()] if isinstance(module, nn.Module) else []
    real = next((tensor for tensor in parameters if tensor.is_floating_point()), None)
    if real is not None:
        if real.dtype not in (torch.float32, torch.float64):
            raise ValueError(
                f"it computes in {real.dtype}, which cannot count; expected torch.float32 or torch.float64"
            )
        x = x.to(real.device, real.dtype)
    with torch.no_grad(), without_autocast(x), in_eval(module):
        return step(x)


def _distinct(sources: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums in ascending order, each once, NOTHING behind."""
    behind = np.iinfo(np.int64).max
    ordered = np.sort(np.where(sources == NOTHING, behind, sources), axis=-1)
    ordered[..., 1:][ordered[..., 1:] == ordered[..., :-1]] = behind
    ordered = np.sort(ordered, axis=-1)
    used = int((ordered != behind).sum(axis=-1).max())
    return np.where(ordered == behind, NOTHING, ordered)[..., :used]


def _directions(changes: Changes, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Whether each number rises with its integer, or is constant; ValueError where one rises and falls."""
    count = math.prod(shape[:-1])
    before = np.where(_begins(changes), changes.first[changes.place], np.roll(changes.values, 1))
    up = changes.values > before
    rises = np.bincount(changes.place, up, count) > 0
    falls = np.bincount(changes.place, ~up, count) > 0
    if (rises & falls).any():
        raise ValueError("it pools numbers that rise and fall with the sums; put the pool before or behind that module")
    directions: NDArray[np.bool_] = ~falls
    return directions


def _begins(changes: Changes) -> NDArray[np.bool_]:
    """Whether each change is the first one of its place."""
    begins = np.ones(changes.place.size, np.bool_)
    begins[1:] = changes.place[1:] != changes.place[:-1]
    return begins


def _check_alike(changes: Changes, windows: NDArray[np.int64]) -> None:
    """Raise where the numbers of a window (W, K) are not the same function of their integers."""
    starts = np.searchsorted(changes.place, np.arange(len(changes.first) + 1))
    keys: dict[bytes, int] = {}
    kinds = np.zeros(len(changes.first), np.int64)
    for place, (start, stop) in enumerate(zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)):
        key = b"".join(
            part.tobytes() for part in (changes.at[start:stop], changes.values[start:stop], changes.first[place])
        )
        kinds[place] = keys.setdefault(key, len(keys))
    if (kinds[windows] != kinds[windows[:, :1]]).any():
        raise ValueError(
            "its pool joins numbers that are different functions of their sums; expected one for a channel"
        )
