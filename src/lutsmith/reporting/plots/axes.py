"""Axes to draw on: given ones, or new ones that no window shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def axes_of(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the axes given, or those of a new figure of this size in inches, made through `pyplot`: notebooks show it.

    Raises:
        TypeError: `ax` is something else.
        ModuleNotFoundError: matplotlib is not installed (extra `plot`).
    """
    from matplotlib.axes import Axes

    if ax is not None:
        if not isinstance(ax, Axes):
            raise TypeError(f"ax is a {type(ax).__name__}; expected axes of matplotlib")
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(figsize=size, layout="constrained")[1]
