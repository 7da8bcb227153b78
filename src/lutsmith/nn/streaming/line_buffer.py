"""Line buffers of a machine that reads images pixel by pixel: registers, counters, and the windows that layers read.

Pixels come in raster order: the last axis varies fastest. A line buffer keeps the last ones in shift registers, which
move when a pixel comes. A tap of a window is then a pixel that came some pixels ago, the same number at every place; at
the border of the image, other pixels or constants are chosen instead, by counters of rows and columns.

    cycle t      a pixel comes: `tick` is 1
    cycle t + 1  it is the newest in the registers, and the counters say which place has just become complete, if any:
                 then its own `tick` is 1, and what kernels make of the window is a pixel of the next line buffer

Counters count places, not pixels: they lag behind the newest pixel by as many as a window waits for. So windows that
reach beyond the end of an image are read while pixels of the next one come in, and images follow each other without a
gap, each in as many cycles as it has pixels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import MAX_RANK
from lutsmith.logic.folding import FALSE, TRUE, FoldingBuilder, table
from lutsmith.nn.one_place import OUTSIDE, OnePlace

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder

CHOICE = np.uint64(0b10101100)
"""x_2 ? x_0 : x_1."""
AND, OR = np.uint64(0b1000), np.uint64(0b1110)


class PixelClock(NamedTuple):
    """When the pixels of an image come.

    Attributes:
        tick: the signal that is 1 in cycles in which a pixel comes.
        cycles: int64 (pixels,), the cycle of each pixel of the first image, from 0.
        period: cycles from an image to the next.
    """

    tick: int
    cycles: NDArray[np.int64]
    period: int


class LineBuffer:
    """The registers of one layer, and the clock of its own pixels.

    Args:
        builder: of the machine.
        clock: when the pixels come that the layer reads.
        image: their number along each axis.
        place: the layer at one place.

    Attributes:
        clock: when the layer's own pixels come.
        image: their number along each axis.

    Raises:
        ValueError: there are more places than pixels along an axis, so that some would have to come at once.
    """

    def __init__(self, builder: CircuitBuilder, clock: PixelClock, image: tuple[int, ...], place: OnePlace) -> None:
        self._builder, self._logic, self._sizes = builder, FoldingBuilder(builder), image
        self._stride, self.image = place.sliding.stride, place.sliding.out_shape(image)
        for size, count, step in zip(image, self.image, self._stride, strict=True):
            if (count - 1) * step >= size:
                raise ValueError(
                    f"it has {count} places, {step} apart, along an axis of {size} pixels, and a machine that reads a "
                    "pixel a cycle has no time for more places than pixels: take less padding"
                )
        pixels = math.prod(image)
        begins = np.zeros(1, np.int64)  # the pixel at which each window begins, were there no padding
        for size, count, step in zip(image, self.image, self._stride, strict=True):
            begins = (begins[:, None] * size + np.arange(count) * step).reshape(-1)
        inside = place.reads != OUTSIDE
        lag = int((place.reads - begins)[inside].max(initial=0))
        self._delay = np.where(inside, begins + lag - place.reads, OUTSIDE)  # (taps, places)
        self._tick = int(self._logic.literals([clock.tick])[0])
        self._digits, ends = self._counters((-lag - 1) % pixels)
        due = self._valid()
        if self._tick != TRUE:
            due = self._gate(AND, due, self._held(self._tick))
        if lag or self._tick == TRUE:
            begun = self._logic.literals(builder.register(1))
            builder.connect(self._logic.signals(begun), self._logic.signals([self._gate(OR, int(begun[0]), ends)]))
            due = self._gate(AND, due, int(begun[0]))
        when = begins + lag  # numbers of pixels from the first one on
        cycles = clock.cycles[when % pixels] + when // pixels * clock.period + 1
        self.clock = PixelClock(int(self._logic.signals([due])[0]), cycles, clock.period)

    def taps(
        self, signals: NDArray[np.int32], around: NDArray[np.bool_], used: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        """What each tap of the window reads of some bits of pixels, int32 (n, taps).

        Args:
            signals: (n,), bits of the pixel that comes.
            around: (n,), the value of each outside of the image.
            used: (n, taps), which results are wanted; others are 0.
        """
        logic, count = self._logic, len(self._delay)
        wanted = np.ones((len(signals), count), np.bool_) if used is None else used
        unique, place = np.unique(signals, return_inverse=True)
        place = place.reshape(-1)
        depth = np.zeros(unique.size, np.int64)
        np.maximum.at(depth, place, np.where(wanted, self._delay.max(axis=1) + 1, 0).max(axis=1, initial=0))
        held = self._shifted(unique.astype(np.int32), depth)
        found = np.full((len(signals), count), FALSE, np.int64)
        outside = np.where(around, TRUE, FALSE)
        for tap, delays in enumerate(self._delay):
            rows = np.flatnonzero(wanted[:, tap])
            if not rows.size:
                continue
            sources, times = np.unique(delays, return_counts=True)
            value: NDArray[np.int64] | None = None
            for source in sources[np.argsort(-times, kind="stable")].tolist():
                read = outside[rows] if source == OUTSIDE else held[source, place[rows]]
                if value is None:
                    value = read
                else:
                    chosen = np.full(rows.size, self._at(delays == source))
                    value = logic.lut(np.stack([read, value, chosen], axis=1), CHOICE)
            assert value is not None
            found[rows, tap] = value
        return logic.signals(found)

    def inside(self) -> NDArray[np.int32]:
        """Whether each tap is inside of the image, int32 (taps,)."""
        return self._logic.signals([self._at(delays != OUTSIDE) for delays in self._delay])

    def _shifted(self, signals: NDArray[np.int32], depth: NDArray[np.int64]) -> NDArray[np.int64]:
        """Literals (pixels, n) of bits (n,) of the newest pixel and those before; constants stay what they are."""
        logic, builder = self._logic, self._builder
        newer = logic.literals(signals)
        fixed = newer <= TRUE
        held = np.tile(np.where(fixed, newer, FALSE), (int(depth.max(initial=0)), 1))
        for row in held:
            rows = np.flatnonzero((depth > 0) & ~fixed)
            depth = depth - 1
            registers = builder.register(rows.size)
            row[rows] = logic.literals(registers)
            tick = np.full(rows.size, self._tick)
            builder.connect(
                registers, logic.signals(logic.lut(np.stack([newer[rows], row[rows], tick], axis=1), CHOICE))
            )
            newer = row
        return held

    def _counters(self, start: int) -> tuple[list[NDArray[np.int64]], int]:
        """Counters of the axes, which step with each pixel: the literals of their bits, and whether all are at their
        last value, and step.
        """
        logic, builder = self._logic, self._builder
        carry, digits = self._tick, []
        for size, value in zip(reversed(self._sizes), reversed(np.unravel_index(start, self._sizes)), strict=True):
            width = (size - 1).bit_length()
            registers = builder.register(width, (int(value) >> np.arange(width) & 1).astype(np.bool_))
            bits = logic.literals(registers)
            following = (np.arange(size) + 1) % size
            for place in range(width):
                stepped = self._function(bits, following >> place & 1 == 1)
                builder.connect(registers[[place]], logic.signals(logic.lut([[stepped, bits[place], carry]], CHOICE)))
            carry = self._gate(AND, carry, self._function(bits, np.arange(size) == size - 1))
            digits.append(bits)
        return digits[::-1], carry

    def _valid(self) -> int:
        """Whether the counters are where a window begins."""
        found = TRUE
        for bits, size, count, step in zip(self._digits, self._sizes, self.image, self._stride, strict=True):
            digit = np.arange(size)
            found = self._gate(AND, found, self._function(bits, (digit % step == 0) & (digit // step < count)))
        return found

    def _at(self, places: NDArray[np.bool_]) -> int:
        """Whether the counters are at one of some places, bool (places,), if they are at a place at all."""
        return self._among(places.reshape(self.image), 0)

    def _among(self, places: NDArray[np.bool_], axis: int) -> int:
        if places.all() or not places.any():
            return TRUE if places.all() else FALSE
        digits = np.minimum(np.arange(self._sizes[axis]) // self._stride[axis], self.image[axis] - 1)
        rows = places.reshape(self.image[axis], -1)
        found = FALSE
        for row in np.unique(rows[rows.any(axis=1)], axis=0):
            here = self._function(self._digits[axis], (rows == row).all(axis=1)[digits])
            inner = self._among(row.reshape(places.shape[1:]), axis + 1) if places.ndim > 1 else TRUE
            found = self._gate(OR, found, self._gate(AND, here, inner))
        return found

    def _function(self, bits: NDArray[np.int64], values: NDArray[np.bool_]) -> int:
        """A function of a counter, given at each of its values."""
        filled = np.concatenate([values, np.repeat(values[-1:], (1 << bits.size) - values.size)])
        if filled.all() or not filled.any():
            return TRUE if filled[0] else FALSE
        if bits.size <= MAX_RANK:
            return int(self._logic.lut(bits[None], table(filled))[0])
        low, high = (self._function(bits[:-1], half) for half in np.split(filled, 2))
        return int(self._logic.lut([[high, low, int(bits[-1])]], CHOICE)[0])

    def _gate(self, kind: np.uint64, a: int, b: int) -> int:
        return int(self._logic.lut([[a, b]], kind)[0])

    def _held(self, literal: int) -> int:
        """What a literal was a cycle ago; 0 at first."""
        register = self._builder.register(1)
        self._builder.connect(register, self._logic.signals([literal]))
        return int(self._logic.literals(register)[0])
