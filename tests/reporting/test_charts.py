"""Charts show the data that they are given: where points lie, how long bars are, what is broken."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lutsmith.reporting import svg
from lutsmith.reporting.axes import Axis, bounds, percents, short, ticks
from lutsmith.reporting.elements import Element, element
from lutsmith.reporting.images import heat_map, image_form, pixels
from lutsmith.reporting.png import png
from tests.tools import module

FINITE = st.floats(-1e12, 1e12)


def every(node: Element | str) -> Iterator[Element]:
    if isinstance(node, Element):
        yield node
        for child in node.children:
            yield from every(child)


def of(chart: Element, tag: str, kind: str = "") -> list[dict[str, str]]:
    """The attributes of elements of a tag whose class begins so."""
    found = [dict(node.attributes) for node in every(chart) if node.tag == tag]
    return [each for each in found if each.get("class", "").startswith(kind)]


def texts(chart: Element) -> list[str]:
    return [str(node.children[0]) for node in every(chart) if node.tag == "text"]


@given(FINITE, FINITE)
def test_ticks_are_round_ascending_and_within(one: float, two: float) -> None:
    low, high = bounds([one, two])
    found = ticks(low, high)
    slack = (high - low) * 1e-6
    assert 2 <= len(found) <= 8
    assert all(low - slack <= value <= high + slack for value in found)
    steps = np.diff(found)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-6)
    digits = float(f"{steps[0]:.6e}".split("e")[0])
    assert min(abs(digits - round_one) for round_one in (1, 2, 5, 10)) < 1e-3


def test_ticks_of_whole_numbers_are_whole() -> None:
    assert ticks(1, 2, whole=True) == [1, 2]
    assert ticks(1, 8, whole=True) == [2, 4, 6, 8]
    assert ticks(3, 3) == [3]
    assert ticks(0, math.inf) == [0]


@given(st.lists(st.floats(), max_size=5))
@example([1.75e308])
@example([-1.75e308, 1.75e308])
def test_bounds_have_a_length_whatever_the_numbers(values: list[float]) -> None:
    low, high = bounds(values)
    assert math.isfinite(low)
    assert math.isfinite(high)
    assert low < high
    finite = [value for value in values if math.isfinite(value)]
    if finite and math.isfinite(max(finite) - min(finite)):
        assert low <= min(finite) <= max(finite) <= high


def test_a_curve_passes_through_its_points_and_breaks_where_they_are_not_finite() -> None:
    y = np.array([0.0, 1.0, np.nan, 4.0, 2.0, np.inf])
    chart = svg.line_chart("loss", [svg.Series("a", np.arange(6.0), y)], ("x", "y"))
    paths = [each["d"] for each in of(chart, "path")]
    assert [path.count("L") for path in paths] == [1, 1]
    dots = [(float(each["cx"]), float(each["cy"])) for each in of(chart, "circle")]
    assert len(dots) == 4
    heights = [cy for _, cy in dots]
    assert sorted(heights) == [heights[2], heights[3], heights[1], heights[0]]  # up is less
    assert heights[0] - heights[1] == pytest.approx((heights[0] - heights[2]) / 4, abs=0.1)
    np.testing.assert_allclose(np.diff([cx for cx, _ in dots])[[0, 2]], (dots[1][0] - dots[0][0]), atol=0.1)


@pytest.mark.parametrize("count", [1, svg.MOST_POINTS, svg.MOST_POINTS + 1, 10 * svg.MOST_POINTS + 7])
def test_long_curves_are_thinned_and_keep_their_ends(count: int) -> None:
    series = svg.Series("a", np.arange(count, dtype=float), np.arange(count, dtype=float)).thinned()
    assert series.x.size <= svg.MOST_POINTS + 1
    assert (series.x[0], series.x[-1]) == (0, count - 1)
    assert (np.diff(series.x) > 0).all()


def test_bars_are_as_long_as_their_numbers() -> None:
    chart = svg.bar_chart("b", [("one", (1.0, 4.0)), ("two", (2.0, math.nan))], ("first", "second"))
    widths = [float(each["width"]) for each in of(chart, "rect", "bar") if "height" in each and each["height"] == "12"]
    shown = widths[:4]
    assert shown[1] == pytest.approx(4 * shown[0], abs=0.1)
    assert shown[2] == pytest.approx(2 * shown[0], abs=0.1)
    assert shown[3] == 0
    assert "–" in texts(chart)


def test_columns_stand_on_each_other() -> None:
    chart = svg.column_chart("c", [("1", (3.0, 1.0)), ("2", (0.0, 2.0))], ("a", "b"), ("x", "y"))
    rects = [each for each in of(chart, "rect", "bar") if each["height"] != "12"]
    tall = [float(each["height"]) for each in rects]
    assert tall[0] == pytest.approx(3 * tall[1], abs=0.1)
    assert tall[2] == pytest.approx(2 * tall[1], abs=0.1)
    assert float(rects[1]["y"]) + tall[1] == pytest.approx(float(rects[0]["y"]), abs=0.1)


def test_a_matrix_tells_each_cell() -> None:
    counts = np.array([[5, 1], [0, 1234567]])
    chart = svg.grid_chart("m", counts, ("no", "yes"), ("true", "said"))
    told = [str(node.children[0]) for node in every(chart) if node.tag == "title"]
    assert "no taken for yes: 1 (16.7%)" in told
    assert "yes taken for no: 0 (0.0%)" in told
    kinds = [each["class"] for each in of(chart, "rect", "cell")]
    assert kinds == ["cell right", "cell wrong", "cell wrong", "cell right"]
    assert "0" not in texts(chart)


def test_dots_of_a_reliability_diagram_lie_where_their_bins_are() -> None:
    chart = svg.reliability_chart(
        "r", np.array([np.nan, 0.25, 1.0]), np.array([np.nan, 0.5, 1.0]), np.array([0, 100, 25])
    )
    ideal = of(chart, "line", "ideal")[0]
    first, second = of(chart, "circle", "bubble")
    assert (second["cx"], second["cy"]) == (ideal["x2"], ideal["y2"])
    wide = float(ideal["x2"]) - float(ideal["x1"])
    assert float(first["cx"]) - float(ideal["x1"]) == pytest.approx(wide / 4, abs=0.1)
    assert float(first["r"]) > float(second["r"])


def test_charts_of_nothing_are_charts() -> None:
    none = np.zeros(0)
    for chart in (
        svg.line_chart("a", [svg.Series("s", none, none)], ("x", "y")),
        svg.bar_chart("a", [], ("n",)),
        svg.column_chart("a", [], ("n",), ("x", "y")),
        svg.grid_chart("a", np.zeros((0, 0), np.int64), (), ("x", "y")),
        svg.scatter_chart("a", none, none, ("x", "y")),
    ):
        assert chart.tag == "svg"
        numbers = [value for node in every(chart) for _, value in node.attributes]
        assert not any(re.search(r"\b(nan|inf)\b", value) for value in numbers)


def test_a_scatter_has_its_rows() -> None:
    x = np.array([0.0, 1.0, np.nan])
    dots = of(svg.scatter_chart("s", x, x, ("t", "p")), "circle")
    assert len(dots) == 2


def test_numbers_of_ticks() -> None:
    assert [short(value) for value in (0, 0.25, 1500, 20_000, 1_500_000, 1e12, 1e-9)] == [
        "0",
        "0.25",
        "1,500",
        "20k",
        "1.5M",
        "1e+12",
        "1e-09",
    ]
    assert percents(0.975) == "97.5 %"
    assert Axis(0, 10, 100, 200).place(5) == 150


def test_attributes_are_spelled_as_svg_has_them() -> None:
    assert element("text", "x", class_="a", text_anchor="end", viewBox="0", x=None, y=1.0).attributes == (
        ("class", "a"), ("text-anchor", "end"), ("viewBox", "0"), ("y", "1"),
    )  # fmt: skip


@pytest.mark.needs("PIL")
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (3, 5, 1), (4, 2, 3), (4, 2, 4)])
def test_png_files_are_what_pillow_reads(shape: tuple[int, ...]) -> None:
    image = module("PIL.Image")
    array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    read = np.asarray(image.open(io.BytesIO(png(array))))
    np.testing.assert_array_equal(read, array[..., 0] if shape[2:] == (1,) else array)


@pytest.mark.parametrize(
    "array", [np.zeros((2, 2)), np.zeros((2, 2, 2), np.uint8), np.zeros((0, 2), np.uint8), np.zeros(3, np.uint8)]
)
def test_other_arrays_are_no_images(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        png(array)


def test_samples_that_are_images() -> None:
    assert image_form((8, 8)) == (1, 8, 8)
    assert image_form((3, 32, 32)) == (3, 32, 32)
    for shape in ((64,), (2, 8, 8), (1, 1, 64), (2, 2, 2, 2), (3, 3), (1, 1000, 1000)):
        assert image_form(shape) is None, shape


def test_pixels_and_maps_keep_their_places() -> None:
    x = np.array([[0, 64, 128, 255] * 4], np.uint8)
    image = pixels(x, image_form((4, 4)), None)
    np.testing.assert_array_equal(image, x.reshape(1, 4, 4))
    colour = pixels(np.arange(48, dtype=np.float32)[None], image_form((3, 4, 4)), (np.zeros(48), np.full(48, 47.0)))
    assert colour.shape == (1, 4, 4, 3)
    assert colour[0, 0, 1].tolist() == [round(255 * value / 47) for value in (1, 17, 33)]
    assert pixels(np.full((1, 16), np.nan, np.float32), image_form((4, 4)), None).max() == 0
    reads = np.zeros(16)
    reads[5], reads[6], reads[7] = 4, 1, np.nan
    alpha = heat_map(reads, image_form((4, 4)))[..., 3]
    assert (alpha[1, 1], alpha[1, 2], alpha[1, 3], alpha[0, 0]) == (255, 128, 0, 0)
