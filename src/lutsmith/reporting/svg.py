"""Charts as SVG: curves, bars, columns, grids of numbers, scattered points. Colours are classes of the page's style."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lutsmith.ground.printable import shortened
from lutsmith.reporting.axes import Axis, Label, bounds, frame, percents, short
from lutsmith.reporting.elements import Element, element, group

COLOURS = 6
"""Series that have a colour of their own."""

MOST_POINTS = 400
"""Points of a curve; of more, every n-th is drawn, and the last."""

_WIDTH, _HEIGHT = 560, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 40, 52
_SIGN = 6.6
"""How wide a sign is, about."""


@dataclass(frozen=True, eq=False)
class Series:
    """One curve.

    Attributes:
        name: in the legend.
        x, y: float64 (N,), its points; where one is NaN or infinite the curve is broken.
        colour: the number of its colour; None: its place among the curves.
    """

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    colour: int | None = None

    def thinned(self) -> Series:
        """Return the same with at most `MOST_POINTS` + 1 points, the last among them."""
        step = -(-self.x.size // MOST_POINTS)
        if step <= 1:
            return self
        kept = np.unique(np.append(np.arange(0, self.x.size, step), self.x.size - 1))
        return Series(self.name, self.x[kept], self.y[kept], self.colour)


def chart(title: str, parts: Sequence[Element], width: float = _WIDTH, height: float = _HEIGHT) -> Element:
    """Return a whole chart; its title describes it to readers who do not see it."""
    view = f"0 0 {width:g} {height:g}"
    return element("svg", element("title", title), *parts, viewBox=view, width=width, height=height, role="img")


def line_chart(
    title: str, series: Sequence[Series], labels: tuple[str, str], *, shares: bool = False, from_zero: bool = False
) -> Element:
    """Return curves over whole numbers, such as epochs; `shares` are shown as percents."""
    drawn = [each.thinned() for each in series]
    low, high = bounds(np.concatenate([each.y for each in drawn]))
    left, right = bounds(np.concatenate([each.x for each in drawn]))
    across = Axis(left, right, _LEFT, _WIDTH - _RIGHT, whole=True)
    up = Axis(min(0.0, low) if from_zero else low, high, _HEIGHT - _BOTTOM, _TOP)
    parts = frame(across, up, labels, (short, percents if shares else short))
    for place, each in enumerate(drawn):
        colour = _colour(place if each.colour is None else each.colour)
        parts += [
            element("path", d=path, class_=f"line dash{place % COLOURS} {colour}") for path in _paths(each, across, up)
        ]
        finite = np.flatnonzero(np.isfinite(each.x) & np.isfinite(each.y))
        if 0 < finite.size <= 30:
            parts += [
                element("circle", class_=f"dot {colour}", cx=across.place(each.x[i]), cy=up.place(each.y[i]), r=2.5)
                for i in finite
            ]
    names = [(each.name, place if each.colour is None else each.colour) for place, each in enumerate(drawn)]
    return chart(title, [*parts, *(_legend(names, _WIDTH - _RIGHT) if len(names) > 1 else ())])


def bar_chart(
    title: str, rows: Sequence[tuple[str, Sequence[float]]], names: Sequence[str], shown: Label = short
) -> Element:
    """Return bars to the right, one or several for each row, with their numbers; not finite ones have none."""
    left = min(230.0, 16 + _SIGN * max((len(shortened(name, 32)) for name, _ in rows), default=1))
    thick, gap = 14.0, 8.0
    each = thick * len(names) + gap
    top = 34.0 if len(names) > 1 else 8.0
    _, high = bounds([0.0, *(value for _, values in rows for value in values)])
    across = Axis(0.0, high if high > 0 else 1.0, left, _WIDTH - 74.0)
    parts: list[Element] = []
    for row, (name, values) in enumerate(rows):
        y = top + row * each
        where = y + thick * len(names) / 2 + 4
        parts.append(element("text", shortened(name, 32), x=left - 8, y=where, text_anchor="end"))
        for place, value in enumerate(values):
            at = y + place * thick
            end = across.place(value) if math.isfinite(value) and value > 0 else left
            parts.append(
                element("rect", class_=f"bar {_colour(place)}", x=left, y=at, width=end - left, height=thick - 2)
            )
            parts.append(element("text", shown(value) if math.isfinite(value) else "–", x=end + 6, y=at + 10.5))
    if len(names) > 1:
        parts += _legend(list(zip(names, range(len(names)), strict=True)), _WIDTH - 16)
    return chart(title, parts, height=top + each * len(rows) + 8)


def column_chart(
    title: str,
    columns: Sequence[tuple[str, Sequence[float]]],
    names: Sequence[str],
    labels: tuple[str, str],
) -> Element:
    """Return stacked columns, one part for each name; with a single name, its number is above the column."""
    high = max((sum(values) for _, values in columns), default=1.0) or 1.0
    across = Axis(0.0, float(len(columns) or 1), _LEFT, _WIDTH - _RIGHT)
    bottom, top = _HEIGHT - _BOTTOM, _TOP + (16 if len(names) > 1 else 0)
    up = Axis(0.0, high, bottom, top)
    parts = frame(across, up, labels, (short, short), marked=False)
    width = (across.stop - across.start) / max(len(columns), 1)
    every = -(-len(columns) * 34 // int(across.stop - across.start)) or 1
    for place, (name, values) in enumerate(columns):
        thick = min(0.8 * width, 72.0)
        x, below = across.place(place + 0.5) - thick / 2, 0.0
        for number, value in enumerate(values):
            if value > 0:
                y = up.place(below + value)
                tall = (bottom if below == 0 else up.place(below)) - y
                parts.append(element("rect", class_=f"bar {_colour(number)}", x=x, y=y, width=thick, height=tall))
            below += value
        if place % every == 0:
            middle = x + thick / 2
            parts.append(element("text", shortened(name, 12), x=middle, y=bottom + 20, text_anchor="middle"))
            if len(names) == 1 and below > 0 and width > 30:
                parts.append(element("text", short(below), x=middle, y=up.place(below) - 5, text_anchor="middle"))
    if len(names) > 1:
        parts += _legend(list(zip(names, range(len(names)), strict=True)), _WIDTH - _RIGHT)
    return chart(title, parts)


def grid_chart(title: str, counts: NDArray[np.int64], names: Sequence[str], labels: tuple[str, str]) -> Element:
    """Return a square of counts, row by row: a confusion matrix. The darker, the more of its row."""
    size = len(names)
    cell = min(72.0, max(26.0, 440.0 / max(size, 1)))
    texts = [shortened(name, 12) for name in names]
    left = 40 + _SIGN * max(map(len, texts), default=1)
    slanted = max(map(len, texts), default=1) * _SIGN > cell
    top = 44.0 + (0.75 * _SIGN * max(map(len, texts), default=1) if slanted else 0)
    parts = [
        element("text", labels[1], class_="label", x=left + size * cell / 2, y=14, text_anchor="middle"),
        element("text", labels[0], class_="label", x=14, y=top + size * cell / 2, text_anchor="middle",
                transform=f"rotate(-90 14 {top + size * cell / 2:.1f})"),
    ]  # fmt: skip
    sums = counts.sum(axis=1)
    for i in range(size):
        y = top + i * cell
        parts.append(element("text", texts[i], x=left - 6, y=y + cell / 2 + 4, text_anchor="end"))
        x = left + (i + 0.5) * cell
        turned = f"rotate(-45 {x:.1f} {top - 6:.1f})" if slanted else None
        anchor = "start" if slanted else "middle"
        parts.append(element("text", texts[i], x=x, y=top - 6, text_anchor=anchor, transform=turned))
        for j in range(size):
            share = counts[i, j] / sums[i] if sums[i] else 0.0
            kind = "right" if i == j else "wrong"
            strength = f"{0.85 * share**0.5 if i != j else 0.12 + 0.6 * share:.2f}"
            told = element("title", f"{names[i]} taken for {names[j]}: {counts[i, j]:,} ({share:.1%})")
            parts.append(
                element("rect", told, class_=f"cell {kind}", x=left + j * cell, y=y, width=cell - 1.5,
                        height=cell - 1.5, fill_opacity=strength)
            )  # fmt: skip
            if counts[i, j]:
                parts.append(
                    element("text", _fitting(int(counts[i, j]), cell), class_="in-cell",
                            x=left + (j + 0.5) * cell - 0.75, y=y + cell / 2 + 3.5, text_anchor="middle")
                )  # fmt: skip
    return chart(title, parts, left + size * cell + 8, top + size * cell + 8)


def reliability_chart(
    title: str, confidence: NDArray[np.float64], right: NDArray[np.float64], count: NDArray[np.int64]
) -> Element:
    """Return shares of right answers over the confidence of their bins; the area of a dot is the rows of its bin."""
    across, up = Axis(0.0, 1.0, _LEFT, _WIDTH - _RIGHT), Axis(0.0, 1.0, _HEIGHT - _BOTTOM, _TOP)
    parts = frame(across, up, ("confidence", "share of right answers"), (percents, percents))
    parts.append(element("line", class_="ideal", x1=across.start, y1=up.start, x2=across.stop, y2=up.stop))
    most = max(int(count.max(initial=1)), 1)
    for place in np.flatnonzero(count):
        x, y = across.place(confidence[place]), up.place(right[place])
        told = element("title", f"{count[place]:,} rows: confidence {confidence[place]:.1%}, right {right[place]:.1%}")
        radius = 3 + 9 * math.sqrt(count[place] / most)
        parts.append(element("line", class_="gap", x1=x, x2=x, y1=up.place(confidence[place]), y2=y))
        parts.append(element("circle", told, class_="bubble c0", cx=x, cy=y, r=radius))
    return chart(title, parts)


def scatter_chart(title: str, x: NDArray[np.float64], y: NDArray[np.float64], labels: tuple[str, str]) -> Element:
    """Return points on axes of one scale, with the line where both are equal."""
    low, high = bounds(np.concatenate([x, y]))
    across, up = Axis(low, high, _LEFT, _WIDTH - _RIGHT), Axis(low, high, _HEIGHT - _BOTTOM, _TOP)
    parts = frame(across, up, labels, (short, short))
    parts.append(element("line", class_="ideal", x1=across.start, y1=up.start, x2=across.stop, y2=up.stop))
    kept = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    parts += [
        element("circle", class_="dot c0", cx=across.place(x[i]), cy=up.place(y[i]), r=2.0, fill_opacity="0.5")
        for i in kept
    ]
    return chart(title, parts)


def _paths(series: Series, across: Axis, up: Axis) -> list[str]:
    """The pieces of a curve between points that are not finite."""
    finite = np.isfinite(series.x) & np.isfinite(series.y)
    starts = np.flatnonzero(finite & ~np.append(False, finite[:-1]))
    stops = np.flatnonzero(finite & ~np.append(finite[1:], False))
    pieces = []
    for start, stop in zip(starts, stops, strict=True):
        points = [
            f"{across.place(series.x[i]):.1f} {up.place(series.y[i]):.1f}" for i in range(int(start), int(stop) + 1)
        ]
        pieces.append("M" + "L".join(points))
    return pieces


def _fitting(number: int, width: float) -> str:
    """A count as a cell holds it: 11,736, or 11.7k where that is too wide."""
    text = f"{number:,}"
    if _SIGN * len(text) < width:
        return text
    scale, letter = (1e3, "k") if number < 1e6 else (1e6, "M")
    return f"{number / scale:.3g}{letter}"


def _legend(names: Sequence[tuple[str, int]], right: float) -> list[Element]:
    parts, x = [], right
    for name, colour in reversed(names):
        text = shortened(name, 28)
        x -= _SIGN * len(text) + 26
        parts.append(
            group(
                [
                    element("rect", class_=f"bar {_colour(colour)}", x=x, y=6, width=12, height=12),
                    element("text", text, x=x + 17, y=16.5),
                ]
            )
        )
    return parts[::-1]


def _colour(place: int) -> str:
    return f"c{place % COLOURS}"
