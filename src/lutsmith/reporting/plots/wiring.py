"""Which pixels or features a circuit is wired to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.features.names import feature_names
from lutsmith.ground.arguments import instance_of, whole_number
from lutsmith.ground.printable import printable, shortened
from lutsmith.reporting.images import image_form
from lutsmith.reporting.plots.axes import axes_of
from lutsmith.reporting.structure import reads_by_feature

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 30
"""Features that bars are drawn of."""


def plot_wiring(circuit: Circuit, ax: Axes | None = None, *, most: int = SHOWN) -> Axes:
    """Draw how often each feature is read, and return the axes: a map over images, else bars.

    Args:
        circuit: any; samples (H, W) or (C, H, W) of 1 or 3 channels are images, whose channels are added up.
        ax: where to draw; None: axes of a new figure.
        most: bars that are drawn, of the features that are read most.

    Raises:
        TypeError, ValueError: not a circuit, not axes, or another number of bars.
        ModuleNotFoundError: matplotlib is not installed (extra `plot`).
    """
    instance_of("circuit", circuit, Circuit)
    whole_number("most", most, 1)
    reads = reads_by_feature(circuit)
    form = image_form(circuit.input_shape)
    if form is not None:
        axes = axes_of(ax, (5.0, 4.4))
        image = axes.imshow(reads.reshape(form).sum(axis=0), cmap="viridis", interpolation="nearest")
        figure = axes.get_figure()
        assert figure is not None
        figure.colorbar(image, ax=axes, label="reads")
        axes.set(title="How often each pixel is read", xlabel="column", ylabel="row")
        return axes
    order = np.argsort(-reads, kind="stable")[:most]
    order = order[reads[order] > 0][::-1]
    names = feature_names(circuit)
    axes = axes_of(ax, (6.0, 1.2 + 0.25 * max(order.size, 1)))
    bars = axes.barh(np.arange(order.size), reads[order])
    axes.bar_label(bars, padding=2)
    texts = [shortened(printable(names[place]), 32) for place in order]
    axes.set_yticks(np.arange(order.size), texts, parse_math=False)
    axes.margins(x=0.12)
    axes.set(title="How often each feature is read", xlabel="reads")
    return axes
