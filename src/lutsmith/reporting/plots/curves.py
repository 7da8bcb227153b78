"""How training went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lutsmith.reporting.plots.axes import axes_of
from lutsmith.reporting.sections.curves import LOSSES, SCORES, across, column
from lutsmith.reporting.subject import Subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_curves(source: Any, ax: Axes | None = None) -> Axes:
    """Draw the losses and scores of a run, and return the axes of the losses.

    Scores stand on a second axis at the right: `axes.child_axes[0]` where there are any.

    Args:
        source: the folder of a run, finished or not, a model file in one, or a `Run` that was kept in one.
        ax: where to draw; None: axes of a new figure.

    Raises:
        TypeError, ValueError, OSError: as for `report`; or no steps were recorded.
        ModuleNotFoundError: matplotlib is not installed (extra `plot`).
    """
    steps = Subject.of(source).steps
    name, x = across(steps)
    losses = {shown: column(steps, key) for key, shown in LOSSES.items()}
    scores = {shown: column(steps, key) for key, shown in SCORES.items()}
    if not any(np.isfinite(values).any() for values in (*losses.values(), *scores.values())):
        raise ValueError("no losses and no scores were recorded: give the folder of a run that has metrics.jsonl")
    axes = axes_of(ax, (7.0, 4.0))
    axes.set(title="Training", xlabel=name, ylabel="loss")
    lines = []
    for place, (shown, values) in enumerate(losses.items()):
        if np.isfinite(values).any():
            lines += axes.plot(x, values, color=f"C{place}", label=f"{shown} loss")
    if any(np.isfinite(values).any() for values in scores.values()):
        right = axes.inset_axes((0, 0, 1, 1), sharex=axes)
        right.patch.set_visible(False)
        right.yaxis.set_label_position("right")
        right.yaxis.tick_right()
        right.tick_params(bottom=False, labelbottom=False)
        right.set_ylabel("score on validation rows")
        for place, (shown, values) in enumerate(scores.items()):
            if np.isfinite(values).any():
                lines += right.plot(x, values, color=f"C{place + 2}", linestyle="--", label=f"{shown} score")
    axes.legend(handles=lines, loc="center right")
    return axes
