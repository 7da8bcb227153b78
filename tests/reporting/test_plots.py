"""Plots draw the data that they are given, on the axes that are given, and refuse what is too large to see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lutsmith
from lutsmith.circuit.netlist import read_inputs
from lutsmith.reporting import plot_circuit, plot_curves, plot_wiring
from lutsmith.reporting.structure import reads_by_feature
from tests.reporting.examples import HOSTILE, voting, write_run
from tests.tools import module

pytestmark = pytest.mark.needs("matplotlib")

SMALL = voting((5,), ("no", "yes"), luts=4, feature_names=("age", "$\\frac{1}{0}$", "\x1b", "pay", "x" * 500))
STEPS: list[dict[str, Any]] = [
    {"epoch": 1, "loss": 0.9, "hard": None, "soft": None},
    {"epoch": 2, "loss": 0.5, "hard": 0.7, "soft": 0.8},
    {"epoch": 3, "loss": float("nan"), "hard": 0.75, "soft": 0.8},
]


@pytest.fixture(autouse=True)
def pyplot() -> Iterator[Any]:
    module("matplotlib").use("Agg")
    found = module("matplotlib.pyplot")
    yield found
    found.close("all")


def drawn(axes: Any) -> None:
    axes.get_figure().canvas.draw()


def test_a_circuit_is_drawn_signal_by_signal_and_wire_by_wire() -> None:
    axes = SMALL.plot()
    drawn(axes)
    netlist = SMALL.netlist
    wires, inputs, luts, outputs = axes.collections
    assert len(wires.get_segments()) == netlist.fanin.size + netlist.outputs.size
    assert len(inputs.get_offsets()) == read_inputs(netlist).sum()
    assert len(luts.get_offsets()) == netlist.num_nodes
    assert len(outputs.get_offsets()) == netlist.outputs.size
    places = {tuple(place) for group in (inputs, luts, outputs) for place in np.asarray(group.get_offsets()).tolist()}
    for start, end in wires.get_segments():
        assert {tuple(start.tolist()), tuple(end.tolist())} <= places
        assert start[0] < end[0]  # from a lower level to a higher one
    texts = [text.get_text() for text in axes.texts]
    assert "age > 0.5" in texts
    assert all(text.isprintable() and len(text) < 40 for text in texts)
    assert f"{netlist.num_nodes} LUTs, depth 1" == axes.get_title()


def test_a_large_circuit_is_refused_with_its_size() -> None:
    large = voting((20,), ("no", "yes"), luts=300)
    with pytest.raises(
        ValueError, match=r"620 inputs and LUTs, and at most limit=200 are drawn.*plot_wiring.*limit=620"
    ):
        large.plot()
    drawn(large.plot(limit=620))


def test_every_kind_of_small_circuit_is_drawn(pyplot: Any) -> None:
    for path in sorted((Path(__file__).parents[1] / "compatibility" / "files").glob("*.lut"))[::6]:
        circuit = lutsmith.load(path)
        axes = plot_circuit(circuit, limit=100_000)
        drawn(axes)
        assert len(axes.collections[0].get_segments()) == circuit.netlist.fanin.size + circuit.netlist.outputs.size
        pyplot.close("all")


def test_wiring_over_an_image_is_a_map_of_reads() -> None:
    circuit = voting((3, 6, 5), tuple(range(4)))
    axes = plot_wiring(circuit)
    drawn(axes)
    (image,) = axes.images
    wanted = reads_by_feature(circuit).reshape(3, 6, 5).sum(axis=0)
    np.testing.assert_array_equal(np.asarray(image.get_array()), wanted)


def test_wiring_of_a_table_is_bars_of_reads() -> None:
    circuit = voting((len(HOSTILE),), ("no", "yes"), feature_names=HOSTILE)
    axes = plot_wiring(circuit, most=4)
    drawn(axes)
    reads = np.sort(reads_by_feature(circuit))[::-1]
    assert [bar.get_width() for bar in axes.patches] == reads[:4][::-1].tolist()
    assert all(label.get_text().isprintable() for label in axes.get_yticklabels())


def test_curves_are_the_lines_of_the_run(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", SMALL, STEPS)
    axes = plot_curves(folder)
    drawn(axes)
    (loss,) = axes.lines
    np.testing.assert_array_equal(loss.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(loss.get_ydata(), [0.9, 0.5, np.nan])
    hard, soft = axes.child_axes[0].lines
    np.testing.assert_array_equal(hard.get_ydata(), [np.nan, 0.7, 0.75])
    np.testing.assert_array_equal(soft.get_ydata(), [np.nan, 0.8, 0.8])
    assert axes.get_xlabel() == "epoch"
    assert [text.get_text() for text in axes.get_legend().texts] == ["training loss", "hard score", "soft score"]


def test_given_axes_are_drawn_on(tmp_path: Path, pyplot: Any) -> None:
    folder = write_run(tmp_path / "run", SMALL, STEPS)
    for draw in (lambda ax: SMALL.plot(ax), lambda ax: plot_wiring(SMALL, ax), lambda ax: plot_curves(folder, ax)):
        axes = pyplot.figure().add_subplot()
        assert draw(axes) is axes
        drawn(axes)
    assert len(pyplot.get_fignums()) == 3


def test_what_cannot_be_drawn_is_told(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="ax is a int; expected axes of matplotlib"):
        SMALL.plot(3)
    with pytest.raises(TypeError, match="circuit"):
        plot_wiring("model.lut")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="most is 0"):
        plot_wiring(SMALL, most=0)
    for steps in ([], [{"epoch": 1, "loss": "?"}]):
        with pytest.raises(ValueError, match="no losses and no scores were recorded"):
            plot_curves(write_run(tmp_path / "run", SMALL, steps))
    assert json.loads((tmp_path / "run" / "run.json").read_text())["format"] == 1
