"""The pooled fold is the fold, pooled: values, what was chosen, and gradients."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.kernels import threads
from lutsmith.kernels.training import arguments
from lutsmith.kernels.training.fold_pooled import naive
from lutsmith.kernels.training.ops import Reads, fold, fold_pooled, pool
from tests.kernels.test_ops import near
from tests.kernels.test_placed import placed


@pytest.fixture(autouse=True)
def always_split(monkeypatch: pytest.MonkeyPatch) -> Any:
    threads._launch()
    monkeypatch.setattr(arguments, "SMALL", 0)
    monkeypatch.setattr(threads.config, "NUMBA_NUM_THREADS", max(2, threads.config.NUMBA_NUM_THREADS))
    yield
    threads.set_num_threads(None)


@pytest.mark.parametrize("rank", range(1, 9))
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_the_pooled_fold_is_the_fold_pooled(rank: int, data: st.DataObject) -> None:
    x, tables, reads, _ = data.draw(placed(rank))
    reads = reads._replace(candidates=None, scores=None)
    count = reads.num_places
    if not count:
        return
    mode, size, width = (
        data.draw(st.sampled_from(["or", "and"])),
        data.draw(st.integers(1, 5)),
        data.draw(st.integers(1, 6)),
    )
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    windows = torch.randint(-1, count, (size, width), generator=generator).int()
    windows[torch.randint(size, (width,), generator=generator), torch.arange(width)] = count - 1
    threads.set_num_threads(data.draw(st.integers(1, 2)))
    leaves = [x.requires_grad_(data.draw(st.booleans())), tables.detach().requires_grad_()]
    out = fold_pooled(*leaves, reads, windows, mode)
    expected = pool(fold(*leaves, reads), windows, count, mode)
    assert torch.equal(out, expected)
    grad = torch.randn(out.shape, generator=generator)
    wanted = [leaf for leaf in leaves if leaf.requires_grad]
    found = torch.autograd.grad(out, wanted, grad)
    for got, should in zip(found, torch.autograd.grad(expected, wanted, grad), strict=True):
        near(got, should)
    wide = x.detach().double(), tables.detach().double(), reads, windows
    values, members = naive.fold_pooled(*wide, mode)
    near(out, values)
    assert members.shape == out.shape


def test_the_operator_is_one_for_torch_and_its_gradients_are_finite_differences() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(8, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    tables = torch.rand(3, 8, generator=generator, dtype=torch.float64, requires_grad=True)
    places = torch.randint(-2, 4, (3, 6), generator=generator).int()
    reads = Reads(torch.randint(6, (3, 3), generator=generator).int(), places=places, plane=4)
    windows = torch.tensor([[0, 2, 4], [1, 3, -1]], dtype=torch.int32)
    for mode in ("or", "and"):
        assert torch.autograd.gradcheck(lambda x, t, mode=mode: fold_pooled(x, t, reads, windows, mode), (x, tables))
    case = (
        x.float().detach().requires_grad_(),
        tables.float().detach().requires_grad_(),
        reads.inputs,
        None,
        places,
        4,
    )
    torch.library.opcheck(torch.ops.lutsmith.fold_pooled.default, (*case, windows, "or"))
    for change, words in [
        ({"mode": "majority"}, "or, and"),
        ({"windows": windows + 4}, "places range over"),
        ({"windows": torch.full((2, 3), -1, dtype=torch.int32)}, "no place"),
        ({"windows": windows.long()}, "windows is torch.int64"),
    ]:
        with pytest.raises(ValueError, match=words):
            fold_pooled(x, tables, reads, **({"windows": windows, "mode": "or"} | change))
