"""A small circuit as a graph: inputs to the left, a column of LUTs for each level, what leaves it to the right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.features.names import feature_names, number_text
from lutsmith.circuit.netlist import read_inputs
from lutsmith.ground.arguments import instance_of, whole_number
from lutsmith.ground.printable import printable, shortened
from lutsmith.reporting.plots.axes import axes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LIMIT = 200
"""Inputs that are read and LUTs, together, that are still told apart."""

_NAMED = 24
"""Signs of a name."""


def plot_circuit(circuit: Circuit, ax: Axes | None = None, *, limit: int = LIMIT) -> Axes:
    """Draw a small circuit and return the axes.

        lutsmith.load("model.lut").plot()

    Args:
        circuit: at most `limit` inputs that are read and LUTs; `simplify` may make it smaller.
        ax: where to draw; None: axes of a new figure.
        limit: how large it may be; of large circuits nothing can be seen.

    Raises:
        TypeError: not a circuit, or not axes.
        ValueError: it is too large.
        ModuleNotFoundError: matplotlib is not installed (extra `plot`).
    """
    instance_of("circuit", circuit, Circuit)
    whole_number("limit", limit, 1)
    netlist = circuit.netlist
    inputs = np.flatnonzero(read_inputs(netlist))
    drawn = inputs.size + netlist.num_registers + netlist.num_nodes
    if drawn > limit:
        raise ValueError(
            f"the circuit has {drawn:,} inputs and LUTs, and at most limit={limit} are drawn: make it smaller, "
            f"draw its wiring instead (plot_wiring), or give limit={drawn}"
        )
    places = _places(circuit, inputs)
    columns = int(np.nanmax(places[:, 0], initial=0)) + 1
    tall = max(2.5, 0.28 * max(np.bincount(places[~np.isnan(places[:, 0]), 0].astype(int), minlength=1)))
    axes = axes_of(ax, (3 + 2.0 * columns, min(tall, 30.0)))
    first = netlist.num_inputs + netlist.num_registers
    reader = first + np.repeat(np.arange(netlist.num_nodes), netlist.ranks)
    lines = [(places[source], places[target]) for source, target in zip(netlist.fanin, reader, strict=True)]
    ends = _outputs(circuit, columns)
    lines += [(places[source], end) for source, end in zip(netlist.outputs, ends, strict=True)]
    from matplotlib.collections import LineCollection

    axes.add_collection(LineCollection(lines, colors="0.6", linewidths=0.7, zorder=1, label="wires"))
    nodes = places[first:]
    axes.scatter(places[inputs][:, 0], places[inputs][:, 1], marker="o", s=26, color="C1", zorder=2, label="inputs")
    axes.scatter(nodes[:, 0], nodes[:, 1], marker="s", s=42, color="C0", zorder=2, label="LUTs")
    axes.scatter(ends[:, 0], ends[:, 1], marker="D", s=26, color="C2", zorder=2, label="outputs")
    if inputs.size <= 60:
        for signal, text in zip(inputs, _input_texts(circuit, inputs), strict=True):
            axes.annotate(
                text,
                places[signal],
                (-6, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                size=7,
                parse_math=False,
            )
    axes.set_xlim(-1.2 if inputs.size <= 60 else -0.3, columns + 0.4)
    axes.set_axis_off()
    axes.set_title(f"{netlist.num_nodes:,} LUTs, depth {circuit.depth}")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=4, frameon=False)
    return axes


def _places(circuit: Circuit, inputs: NDArray[np.int64]) -> NDArray[np.float64]:
    """float64 (signals, 2): the column and the height of each signal; NaN of inputs that nothing reads."""
    netlist = circuit.netlist
    first = netlist.num_inputs + netlist.num_registers
    column = np.full(netlist.num_signals, -1)
    column[inputs] = 0
    column[netlist.num_inputs : first] = 0
    column[first:] = 1 + np.repeat(np.arange(netlist.level_ptr.size - 1), np.diff(netlist.level_ptr))
    found = np.full((netlist.num_signals, 2), np.nan)
    for number in range(int(column.max(initial=0)) + 1):
        own = np.flatnonzero(column == number)
        found[own] = np.stack([np.full(own.size, number), -_spread(own.size)], axis=1)
    return found


def _outputs(circuit: Circuit, columns: int) -> NDArray[np.float64]:
    """float64 (outputs, 2): a column of its own."""
    outputs = circuit.netlist.outputs.size
    return np.stack([np.full(outputs, float(columns)), -_spread(outputs)], axis=1)


def _spread(size: int) -> NDArray[np.float64]:
    """Heights in the middle of as many equal parts of 0 to 1."""
    return (np.arange(size) + 0.5) / max(size, 1)


def _input_texts(circuit: Circuit, inputs: NDArray[np.int64]) -> list[str]:
    names, compared = feature_names(circuit), len(circuit.encoder)
    feature = circuit.inputs.feature
    found = []
    for signal in inputs.tolist():
        name = shortened(printable(names[feature[signal]]), _NAMED)
        if signal < compared:
            name = f"{name} > {number_text(circuit.encoder.threshold[signal])}"
        elif signal >= compared + circuit.inputs.num_word_bits:
            name = f"{name} is missing"
        else:
            name = f"{name}, a bit"
        found.append(name)
    return found
