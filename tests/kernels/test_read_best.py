"""Reading the best of all inputs: its form in blocks against the naive one, and that one against the formula."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lutsmith.kernels.training.best import naive as naive_best
from lutsmith.kernels.training.ops import best, read_best
from lutsmith.kernels.training.read_best import blocks, cpu, naive

COUNTS = st.sampled_from([1, 2, 3, 4, 5, 15, 16, 17, 31, 33, 47, 48, 49, 100, 255, 256, 257, 300, 600])
SAMPLES = st.sampled_from([0, 1, 2, 15, 16, 17, 63, 64, 100, 128, 129, 200])
DTYPES = (torch.float32, torch.float64, torch.bfloat16)


def problem(
    luts: int,
    rank: int,
    features: int,
    usable: int,
    samples: int,
    dtype: torch.dtype,
    scores_dtype: torch.dtype,
    seed: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """x, scores, places, inputs and a gradient."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(features, samples, dtype=torch.float64, generator=generator).to(dtype)
    scores = torch.randn(luts, rank, usable, dtype=torch.float64, generator=generator).to(scores_dtype)
    places = torch.randperm(features, generator=generator)[:usable].sort().values
    inputs = places[best(scores, unique=usable >= rank).long()].int()
    grad = torch.randn(luts * rank, samples, dtype=torch.float64, generator=generator).to(dtype)
    return x, scores, places, inputs, grad


@pytest.mark.parametrize("rank", range(1, 9))
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_the_operation_is_its_naive_form(rank: int, data: st.DataObject) -> None:
    features = data.draw(st.integers(1, 40))
    usable = data.draw(st.integers(1, features))
    dtype, scores_dtype = data.draw(st.sampled_from(DTYPES)), data.draw(st.sampled_from(DTYPES))
    luts, samples, seed = data.draw(st.integers(0, 20)), data.draw(SAMPLES), data.draw(st.integers(0, 999))
    x, scores, places, inputs, grad = problem(luts, rank, features, usable, samples, dtype, scores_dtype, seed)
    rule, temperature = data.draw(st.sampled_from(["softmax", "dwn"])), data.draw(st.sampled_from([0.3, 1.0, 3.0]))
    need = data.draw(st.sampled_from([(True, True), (True, False), (False, True)]))
    if data.draw(st.booleans()):  # in memory input by input, as DWN's own layer keeps them
        scores = scores.permute(2, 0, 1).contiguous().permute(1, 2, 0)
    for leaf, wanted in zip((x, scores), need, strict=True):
        leaf.requires_grad_(wanted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", data.draw(st.sampled_from([1, 50, 1 << 21])))
        out = read_best(x, scores, places, inputs, temperature, rule)
        assert out.dtype == dtype
        assert torch.equal(out, naive.read_best(x, inputs))
        leaves = [leaf for leaf in (x, scores) if leaf.requires_grad]
        got = torch.autograd.grad(out, leaves, grad)
    if scores.requires_grad and min(scores.shape) > 1 and scores.dtype != torch.bfloat16:
        assert got[-1].stride() == scores.stride()
    wide = grad.double(), x.detach().double(), scores.detach().double(), places
    expected = [g for g, wanted in zip(naive.read_best_backward(*wide, temperature, rule), need, strict=True) if wanted]
    for mine, other, leaf in zip(got, expected, leaves, strict=True):
        assert mine.dtype == leaf.dtype
        assert mine.shape == leaf.shape
        scale = max(1.0, float(other.abs().max())) if other.numel() else 1.0
        # The gradient of scores in bfloat16 is computed in it: sums of up to 200 terms.
        tolerance = 2e-5 if torch.bfloat16 not in (dtype, scores_dtype) else 0.1
        torch.testing.assert_close(mine.double(), other, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize("rule", ["softmax", "dwn"])
@pytest.mark.parametrize("rank", range(1, 9))
def test_the_naive_gradients_are_those_of_autograd_through_the_formula(rank: int, rule: str) -> None:
    x, scores, places, inputs, grad = problem(5, rank, 17, 11, 6, torch.float64, torch.float64, rank)
    x.requires_grad_()
    scores.requires_grad_()
    shares = torch.softmax(scores / 0.7, -1).flatten(0, 1)
    values = x[places]
    if rule == "softmax":
        soft = shares @ values
    else:
        soft = shares.detach() @ values + scores.flatten(0, 1) @ (2 * values.detach() - 1)
    rows = x[inputs.flatten().long()].detach() + soft - soft.detach()
    expected = torch.autograd.grad(rows, (x, scores), grad)
    got = naive.read_best_backward(grad, x.detach(), scores.detach(), places, 0.7, rule)
    for mine, theirs in zip(got, expected, strict=True):
        torch.testing.assert_close(mine, theirs)
    again = torch.autograd.grad(read_best(x, scores, places, inputs, 0.7, rule), (x, scores), grad)
    for mine, theirs in zip(again, expected, strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("layout", ["rows", "columns", "neither"])
def test_gradients_lie_in_memory_as_torch_was_told(layout: str) -> None:
    x, scores, places, _, grad = problem(5, 3, 20, 9, 21, torch.float32, torch.float32, 0)
    order = {"rows": (0, 1, 2), "columns": (2, 0, 1), "neither": (1, 0, 2)}[layout]
    back = [order.index(axis) for axis in range(3)]
    scores = scores.permute(order).contiguous().permute(back)
    arguments = (grad, x, scores, places, 0.3, "dwn", True, True)
    torch.library.opcheck(torch.ops.lutsmith.read_best_backward.default, arguments, test_utils="test_faketensor")


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["softmax", "dwn"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rank", [1, 6])
def test_it_is_an_operation_that_torch_knows(rank: int, dtype: torch.dtype, rule: str) -> None:
    scores_dtype = torch.float32 if dtype == torch.bfloat16 else dtype
    for usable, samples, need in ((20, 21, (True, True)), (9, 1, (False, True)), (1, 0, (True, False))):
        x, scores, places, inputs, grad = problem(4, rank, 20, usable, samples, dtype, scores_dtype, rank)
        leaf, map_ = x.clone().requires_grad_(), scores.clone().requires_grad_()
        torch.library.opcheck(torch.ops.lutsmith.read_best.default, (leaf, map_, places, inputs, 0.3, rule))
        arguments = (grad, x, scores, places, 0.3, rule, *need)
        torch.library.opcheck(torch.ops.lutsmith.read_best_backward.default, arguments)


@pytest.mark.parametrize("rule", ["softmax", "dwn"])
def test_compiled_functions_give_the_same_gradients(rule: str) -> None:
    x, scores, places, inputs, grad = problem(7, 3, 20, 9, 21, torch.float32, torch.float32, 0)
    leaves = (x.requires_grad_(), scores.requires_grad_())

    def loss(x: Tensor, scores: Tensor) -> Tensor:
        return (read_best(x, scores, places, inputs, 0.5, rule) * grad).square().sum()

    expected = torch.autograd.grad(loss(*leaves), leaves)
    got = torch.autograd.grad(torch.compile(loss, backend="aot_eager", fullgraph=True)(*leaves), leaves)
    for a, b in zip(got, expected, strict=True):
        torch.testing.assert_close(a, b)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_products_are_those_of_matrices(data: st.DataObject) -> None:
    slots, samples, features = data.draw(st.integers(0, 40)), data.draw(SAMPLES), data.draw(COUNTS)
    dtype = data.draw(st.sampled_from([torch.float32, torch.float64]))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 999)))
    slopes = torch.randn(slots, samples, dtype=dtype, generator=generator)
    x = torch.randn(samples, features, dtype=dtype, generator=generator)
    around = torch.full((slots + 2, features), 7.0, dtype=dtype)
    cpu.products(slopes, x, around[1:-1])
    torch.testing.assert_close(around[1:-1], slopes @ x, rtol=1e-5, atol=2e-5)
    assert (around[[0, -1]] == 7).all()


def test_products_do_not_depend_on_how_they_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    slopes, x = torch.randn(203, 70), torch.randn(70, 333)
    found = []
    for parts in (1, 2, 3):
        monkeypatch.setattr(cpu, "split", lambda work, most, parts=parts: parts)
        found.append(torch.empty(203, 333))
        cpu.products(slopes, x, found[-1])
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_best_is_the_first_of_the_highest(data: st.DataObject) -> None:
    """Few different numbers, so that there are equals; also where all are the lowest, in rows and in columns."""
    luts, rank, features = data.draw(st.integers(0, 9)), data.draw(st.integers(1, 4)), data.draw(COUNTS)
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 999)))
    values = torch.tensor([-torch.inf, *range(data.draw(st.sampled_from([1, 3, 10_000])))])
    scores = values[torch.randint(len(values), (luts, rank, features), generator=generator)]
    scores = scores.to(data.draw(st.sampled_from(DTYPES)))
    columns = scores.permute(2, 0, 1).contiguous().permute(1, 2, 0)
    for unique in (False, True)[: 1 + (features >= rank)]:
        expected = naive_best.best(scores, unique)
        if not unique or bool((scores > -torch.inf).sum(2).ge(rank).all()):  # else a taken one is as good
            assert torch.equal(best(scores, unique=unique), expected)
            assert torch.equal(best(columns, unique=unique), expected)
