"""The pooled fold is the fold, level by level, pooled: values, what was chosen, and gradients."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lutsmith.kernels import threads
from lutsmith.kernels.training.fold_pooled import naive
from lutsmith.kernels.training.fold_pooled.trees import nodes_of
from lutsmith.kernels.training.ops import Reads, fold, fold_pooled, pool
from tests.kernels.test_ops import near
from tests.kernels.test_placed import SAMPLES, placed

pytestmark = pytest.mark.usefixtures("always_split")


@pytest.mark.slow
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


DEPTHS = [(1, 3), (2, 2), (2, 3), (2, 5), (3, 3), (4, 2), (6, 2), (8, 2)]
IN_DOUBLES = [(2, 3), (6, 2)]  # one of the ranks that are not split, and one that is: each is compiled


@pytest.mark.slow
@pytest.mark.parametrize(("rank", "depth"), DEPTHS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_trees_are_their_levels_one_after_the_other(rank: int, depth: int, data: st.DataObject) -> None:
    draw = data.draw
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    kernels, channels, plane, taps, count = (draw(st.integers(1, most)) for most in (4, 3, 9, 6, 6))
    width, samples = rank ** (depth - 1), draw(SAMPLES)
    x = torch.rand(channels * plane, samples, generator=generator).requires_grad_(draw(st.booleans()))
    tables = torch.rand(kernels * nodes_of(rank, depth), 1 << rank, generator=generator).requires_grad_()
    places = torch.randint(-2, plane, (taps, count), generator=generator).int()
    inputs = torch.randint(channels * taps, (kernels * width, rank), generator=generator).int()
    reads = Reads(inputs, places=places, plane=plane)
    windows = torch.arange(count).int().unsqueeze(0)
    if draw(st.booleans()):
        windows = torch.randint(-1, count, (4, 3), generator=generator).int()
        windows[draw(st.integers(0, 3))] = count - 1
    mode = draw(st.sampled_from(["or", "and"]))
    levels = torch.split(tables, [kernels * rank**level for level in reversed(range(depth))])

    def one_after_the_other(x: Tensor) -> Tensor:
        rows, those = x, reads
        for level in levels:
            rows = fold(rows, level, those)
            above = torch.arange(len(level) // rank * rank).int().view(-1, rank)
            those = Reads(above, places=torch.arange(count).int().unsqueeze(0), plane=count)
        return pool(rows, windows, count, mode)

    found, grad = [], torch.randn(kernels * windows.shape[1], samples, generator=generator)
    wanted = [leaf for leaf in (x, tables) if leaf.requires_grad]
    for threads_used in (1, 2):
        threads.set_num_threads(threads_used)
        out = fold_pooled(x, tables, reads, windows, mode, depth)
        found.append([out, *torch.autograd.grad(out, wanted, grad)])
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))
    expected = one_after_the_other(x)
    near(found[0][0].detach(), expected.detach())
    if torch.equal(found[0][0], expected):
        for got, should in zip(found[0][1:], torch.autograd.grad(expected, wanted, grad), strict=True):
            near(got, should)
    wide = x.detach().double(), tables.detach().double(), reads, windows
    values, members = naive.fold_pooled(*wide, mode, depth)
    near(found[0][0].detach(), values)
    if (rank, depth) in IN_DOUBLES:
        exact = [leaf.detach().double().requires_grad_() for leaf in (x, tables)]
        out = fold_pooled(*exact, reads, windows, mode, depth)
        torch.testing.assert_close(out, values)
        gradients = naive.fold_pooled_backward(grad.double(), members, *wide, depth)
        for got, should in zip(torch.autograd.grad(out, exact, grad.double()), gradients, strict=True):
            torch.testing.assert_close(got, should)
    half = fold_pooled(x.detach().bfloat16(), tables.detach().bfloat16(), reads, windows, mode, depth)
    single = fold_pooled(x.detach().bfloat16().float(), tables.detach().bfloat16().float(), reads, windows, mode, depth)
    assert torch.equal(half, single.bfloat16())


@pytest.mark.slow
def test_the_operator_is_one_for_torch_and_its_gradients_are_finite_differences() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(8, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    tables = torch.rand(3, 8, generator=generator, dtype=torch.float64, requires_grad=True)
    places = torch.randint(-2, 4, (3, 6), generator=generator).int()
    reads = Reads(torch.randint(6, (3, 3), generator=generator).int(), places=places, plane=4)
    windows = torch.tensor([[0, 2, 4], [1, 3, -1]], dtype=torch.int32)
    for mode in ("or", "and"):
        assert torch.autograd.gradcheck(lambda x, t, mode=mode: fold_pooled(x, t, reads, windows, mode), (x, tables))
    leaves = Reads(torch.randint(6, (8, 2), generator=generator).int(), places=places, plane=4)
    deep = torch.rand(14, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    for some in (windows, torch.arange(6, dtype=torch.int32).unsqueeze(0)):
        assert torch.autograd.gradcheck(lambda x, t, w=some: fold_pooled(x, t, leaves, w, "or", 3), (x, deep))
        arguments = x.float().detach().requires_grad_(), deep.float().detach().requires_grad_(), leaves.inputs, None
        torch.library.opcheck(torch.ops.lutsmith.fold_pooled.default, (*arguments, places, 4, some, 3, "or"))
    case = (
        x.float().detach().requires_grad_(),
        tables.float().detach().requires_grad_(),
        reads.inputs,
        None,
        places,
        4,
    )
    torch.library.opcheck(torch.ops.lutsmith.fold_pooled.default, (*case, windows, 1, "or"))
    for change, words in [
        ({"mode": "majority"}, "or, and"),
        ({"windows": windows + 4}, "places range over"),
        ({"windows": torch.full((2, 3), -1, dtype=torch.int32)}, "no place"),
        ({"windows": windows.long()}, "windows is torch.int64"),
        ({"depth": 0}, "depth is 0"),
        ({"depth": 2}, "expected a multiple of 3 LUTs, as trees have 2 levels, and 4 tables"),
        ({"reads": reads._replace(table_ptr=torch.arange(4).int()), "depth": 2}, "leave table_ptr out"),
    ]:
        with pytest.raises(ValueError, match=words):
            fold_pooled(x, tables, **({"reads": reads, "windows": windows, "mode": "or"} | change))
