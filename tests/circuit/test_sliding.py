"""Windows over sequences, images and volumes: every place, pixel by pixel."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit.sliding import ONE, PADDINGS, ZERO, Sliding


@st.composite
def slidings(draw: st.DrawFn) -> tuple[Sliding, tuple[int, ...]]:
    """Windows, and an image that they fit in."""
    axes = draw(st.integers(1, 3))
    largest = {1: 9, 2: 5, 3: 3}[axes]

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    window, stride, dilation = each(1, 3), each(1, 3), each(1, 2)
    transposed = draw(st.booleans())
    mode = "zeros" if transposed else draw(st.sampled_from(PADDINGS))
    spans = [step * (taps - 1) + 1 for taps, step in zip(window, dilation, strict=True)]
    if transposed:
        padding = tuple(draw(st.integers(0, (span - 1) // 2)) for span in spans)
        more = tuple(draw(st.integers(0, step - 1)) for step in stride)
        image = each(1, largest)
        return Sliding(window, stride, padding, dilation, mode, True, more), image
    padding = each(0, 2)
    least = [max(1, span - 2 * around) for span, around in zip(spans, padding, strict=True)]
    image = tuple(draw(st.integers(low, low + largest)) for low in least)
    return Sliding(window, stride, padding, dilation, mode), image


def one_by_one(geometry: Sliding, image: tuple[int, ...]) -> list[list[int]]:
    """The table of places, by what each axis says of one tap at one place."""
    rows = []
    for tap in itertools.product(*map(range, geometry.window)):
        row = []
        for place in itertools.product(*map(range, geometry.out_shape(image))):
            pixels, inside = [], True
            for axis, size in enumerate(image):
                step, around = geometry.stride[axis], geometry.padding[axis]
                offset = tap[axis] * geometry.dilation[axis]
                if geometry.transposed:  # place p of the convolution gives pixel p step - around + offset
                    givers = [p for p in range(size) if p * step - around + offset == place[axis]]
                    inside &= bool(givers)
                    pixels.append(givers[0] if givers else 0)
                else:
                    at = place[axis] * step - around + offset
                    inside &= 0 <= at < size
                    pixels.append(min(max(at, 0), size - 1))
            number = int(np.ravel_multi_index(pixels, image))
            constant = {"zeros": ZERO, "ones": ONE, "edge": number}[geometry.padding_mode]
            row.append(number if inside else constant)
        rows.append(row)
    return rows


@settings(max_examples=150, deadline=None)
@given(slidings())
def test_places_are_what_they_are_one_by_one(problem: tuple[Sliding, tuple[int, ...]]) -> None:
    geometry, image = problem
    found = geometry.places(image)
    assert found.dtype == np.int32
    assert found.shape == (geometry.taps, int(np.prod(geometry.out_shape(image))))
    np.testing.assert_array_equal(found, np.array(one_by_one(geometry, image)))
    assert geometry.places(image) is found  # made once


@settings(max_examples=60, deadline=None)
@given(slidings())
def test_sums_over_windows_are_torchs_convolutions(problem: tuple[Sliding, tuple[int, ...]]) -> None:
    """With zeros around, a window's weighted sum is the convolution of torch, transposed ones included."""
    geometry, image = problem
    if geometry.padding_mode != "zeros":
        return
    axes, generator = len(image), torch.Generator().manual_seed(0)
    x = torch.rand((1, 1, *image), generator=generator, dtype=torch.float64)
    weight = torch.rand((1, 1, *geometry.window), generator=generator, dtype=torch.float64)
    name = f"conv_transpose{axes}d" if geometry.transposed else f"conv{axes}d"
    more: dict[str, Any] = {"output_padding": geometry.output_padding} if geometry.transposed else {}
    options = {"stride": geometry.stride, "padding": geometry.padding, "dilation": geometry.dilation, **more}
    expected = getattr(torch.nn.functional, name)(x, weight, **options)
    assert tuple(expected.shape[2:]) == geometry.out_shape(image)
    pixels = torch.cat([x.flatten(), torch.zeros(1, dtype=torch.float64)])  # -1 is the zero
    windows = pixels[torch.tensor(geometry.places(image)).long()]
    torch.testing.assert_close((weight.flatten() @ windows).view(expected.shape), expected)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Sliding.of(2, 3, 1, 0, 1).places((2, 5)), ValueError, r"shape \(2, 5\) .* smaller than the window"),
        (lambda: Sliding.of(1, 3, 1, 0, 2).places((4,)), ValueError, r"spans \(5,\)"),
        (lambda: Sliding.of(2, 3, 1, 0, 1).places((4,)), ValueError, "expected 2 sizes"),
        (lambda: Sliding.of(2, (3, 3, 3), 1, 0, 1), ValueError, "one for each of 2 axes"),
        (lambda: Sliding.of(2, 0, 1, 0, 1), ValueError, "window is 0"),
        (lambda: Sliding.of(2, 3, 1.5, 0, 1), TypeError, "stride is 1.5"),
        (lambda: Sliding.of(2, 3, 1, -1, 1), ValueError, "padding is -1"),
        (lambda: Sliding.of(2, 3, 1, 1, 1, padding_mode="reflect"), ValueError, "zeros, ones, edge"),
        (lambda: Sliding.of(1, 2, 2, 0, 1, transposed=True, padding_mode="edge"), ValueError, "transposed"),
        (lambda: Sliding.of(1, 2, 2, 0, 1, transposed=True, output_padding=2), ValueError, "output_padding is 2"),
        (lambda: Sliding.of(1, 3, 1, 3, 1, transposed=True).places((2,)), ValueError, "leaves nothing"),
        (lambda: Sliding.of(2, 9, 1, 4, 1).places((1 << 13, 1 << 13)), ValueError, "at most"),
    ],
)  # fmt: skip
def test_bad_sizes_are_told(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()
