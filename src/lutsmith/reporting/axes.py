"""Axes of charts: where their ticks lie, and from numbers to places on the page."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lutsmith.reporting.elements import Element, element

Label = Callable[[float], str]


def ticks(low: float, high: float, most: int = 6, *, whole: bool = False) -> list[float]:
    """Return round numbers within an interval, at most about so many, in steps of 1, 2 or 5 times a power of ten; for
    `whole` numbers the step is at least 1.
    """
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return [low] if math.isfinite(low) else []
    step = 10.0 ** math.floor(math.log10(span / most))
    step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= most)
    step = max(step, 1.0) if whole else step
    return [step * place for place in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def bounds(values: Sequence[float] | NDArray[np.float64]) -> tuple[float, float]:
    """Return an interval around the finite ones of some numbers that has a length; (0, 1) where there are none."""
    array = np.asarray(values, np.float64)
    array = array[np.isfinite(array)]
    if not array.size:
        return 0.0, 1.0
    low, high = float(array.min()), float(array.max())
    if high > low and math.isfinite(high - low):
        return low, high
    room = abs(low) * 0.05 or 1.0
    most = sys.float_info.max
    return max(low - room, -most), min(low + room, most)


@dataclass(frozen=True)
class Axis:
    """Numbers along one side of a chart.

    Attributes:
        low, high: the numbers at its ends.
        start, stop: where these lie; places grow to the right and downward.
        whole: whether only whole numbers are marked.
    """

    low: float
    high: float
    start: float
    stop: float
    whole: bool = False

    def place(self, value: float) -> float:
        """Return where a number lies."""
        return self.start + (self.stop - self.start) * ((value - self.low) / (self.high - self.low))

    def ticks(self) -> list[float]:
        """Return the numbers that are marked."""
        return ticks(self.low, self.high, whole=self.whole)


def short(value: float) -> str:
    """Return a tick's number: 0.25, 1,500, 20k, 1.5M, 1e+12."""
    size = abs(value)
    if size >= 1e9 or 0 < size < 1e-4:
        return f"{value:.0e}"
    if size >= 1e6:
        return f"{value / 1e6:g}M"
    if size >= 1e4:
        return f"{value / 1e3:g}k"
    return f"{value:,.0f}" if size >= 1000 else f"{value:g}" if value == round(value) else f"{value:.4g}"


def percents(value: float) -> str:
    """Return a tick's share: 97.5 %."""
    return f"{round(100 * value, 4):g} %"


def frame(
    across: Axis, up: Axis, labels: tuple[str, str], shown: tuple[Label, Label], *, marked: bool = True
) -> list[Element]:
    """Return grid lines, ticks and the names of both axes; without ticks below where nothing is `marked` there."""
    found = []
    for value in up.ticks():
        y = up.place(value)
        found.append(element("line", class_="grid", x1=across.start, x2=across.stop, y1=y, y2=y))
        found.append(element("text", shown[1](value), x=across.start - 8, y=y + 4, text_anchor="end"))
    for value in across.ticks() if marked else ():
        x = across.place(value)
        found.append(element("line", class_="axis", x1=x, x2=x, y1=up.start, y2=up.start + 5))
        found.append(element("text", shown[0](value), x=x, y=up.start + 20, text_anchor="middle"))
    found.append(element("line", class_="axis", x1=across.start, x2=across.stop, y1=up.start, y2=up.start))
    middle = (across.start + across.stop) / 2
    found.append(element("text", labels[0], class_="label", x=middle, y=up.start + 42, text_anchor="middle"))
    found.append(element("text", labels[1], class_="label", x=across.start, y=up.stop - 12, text_anchor="start"))
    return found
