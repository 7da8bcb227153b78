"""Pooling is the order statistic of each window, in plain torch and in the kernels."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lutsmith.kernels import threads
from lutsmith.kernels.training.ops import pool
from lutsmith.kernels.training.pool import naive

MODES = naive.MODES


pytestmark = pytest.mark.usefixtures("always_split")


@st.composite
def problems(draw: st.DrawFn) -> tuple[Tensor, Tensor, int]:
    """Pixels with ties or without, windows with a pixel each, and the size of a plane."""
    channels, plane, taps = draw(st.integers(1, 4)), draw(st.integers(1, 9)), draw(st.integers(1, 7))
    count, samples = draw(st.integers(1, 6)), draw(st.sampled_from([0, 1, 7, 8, 15, 16, 17, 64, 100]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1 << 20)))
    x = torch.rand(
        channels * plane, samples, generator=generator, dtype=draw(st.sampled_from([torch.float32, torch.float64]))
    )
    x = {"bits": x.round(), "ties": (x * 4).round() / 4, "none": x}[draw(st.sampled_from(["bits", "ties", "none"]))]
    places = torch.randint(-2, plane, (taps, count), generator=generator).int()
    row = torch.randint(taps, (count,), generator=generator)
    places[row, torch.arange(count)] = torch.randint(plane, (count,), generator=generator).int()
    return x, places, plane


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=40, deadline=None)
@given(problem=problems(), count=st.integers(1, 2))
def test_pooling_is_a_sorted_window(mode: str, problem: tuple[Tensor, Tensor, int], count: int) -> None:
    x, places, plane = problem
    threads.set_num_threads(count)
    expected, grad = [], torch.rand(x.shape[0] // plane * places.shape[1], x.shape[1], dtype=x.dtype)
    dx = torch.zeros_like(x)
    for channel in range(x.shape[0] // plane):
        for place in range(places.shape[1]):
            rows = [channel * plane + pixel for pixel in places[:, place].tolist() if pixel >= 0]
            wanted = {"or": 0, "and": len(rows) - 1, "majority": len(rows) // 2}[mode]
            chosen = []
            for sample in range(x.shape[1]):
                in_order = sorted(range(len(rows)), key=lambda k: -float(x[rows[k], sample]))
                chosen.append(rows[in_order[wanted]])
                dx[chosen[-1], sample] += grad[len(expected), sample]
            expected.append(x[torch.tensor(chosen, dtype=torch.long), torch.arange(x.shape[1])])
    leaf = x.clone().requires_grad_()
    out = pool(leaf, places, plane, mode)
    assert torch.equal(out, torch.stack(expected))
    torch.testing.assert_close(torch.autograd.grad(out, leaf, grad)[0], dx)
    values, taps = naive.pool(x, places, plane, mode)
    assert torch.equal(values, out)
    torch.testing.assert_close(naive.pool_backward(grad, taps, places, plane), dx)
    if bool(((x == 0) | (x == 1)).all()):
        ones = (naive.pool(x, places, plane, "or")[0], naive.pool(x, places, plane, "and")[0])
        assert bool((ones[1] <= out).all() and (out <= ones[0]).all())


def test_the_operator_is_one_for_torch() -> None:
    x, places = torch.rand(8, 5, requires_grad=True), torch.tensor([[0, 1, -1], [3, -1, 2]], dtype=torch.int32)
    torch.library.opcheck(torch.ops.lutsmith.pool.default, (x, places, 4, "or"))
    torch.library.opcheck(
        torch.ops.lutsmith.pool_backward.default,
        (torch.rand(6, 5), torch.zeros(6, 5, dtype=torch.uint8), places, 4),
    )
    wide = x.detach().double().requires_grad_()
    for mode in MODES:
        assert torch.autograd.gradcheck(lambda x, mode=mode: pool(x, places, 4, mode), wide)
        assert pool(x.bfloat16(), places, 4, mode).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mode": "other"}, "or, and, majority"),
        ({"plane": 3}, r"expected floats \(channels x 3, batch\)"),
        ({"places": torch.zeros(257, 2, dtype=torch.int32)}, "two steps"),
        ({"places": torch.zeros(2, 2)}, "places is torch.float32"),
        ({"places": torch.full((2, 2), 4, dtype=torch.int32)}, "places range over"),
        ({"places": torch.tensor([[0, -1], [1, -2]], dtype=torch.int32)}, "a window has no pixel"),
    ],
)
def test_bad_windows_are_refused(change: dict[str, Any], words: str) -> None:
    given_: dict[str, Any] = {"places": torch.zeros(2, 2, dtype=torch.int32), "plane": 4, "mode": "or"}
    with pytest.raises(ValueError, match=words):
        pool(torch.rand(8, 3), **(given_ | change))
