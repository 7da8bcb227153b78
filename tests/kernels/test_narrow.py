"""Kernels that read and write bfloat16 give what copies to float32 and back give, to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lutsmith.kernels import threads
from lutsmith.kernels.training import build
from lutsmith.kernels.training.fold import cpu
from lutsmith.kernels.training.ops import Reads, fold, fold_logistic, group_sums, lookup

pytestmark = pytest.mark.usefixtures("always_split")

SAMPLES = st.sampled_from([128, 129, 135, 143, 200, 256, 300])


@contextmanager
def copied() -> Iterator[None]:
    """All activations are copied to float32 and back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cpu, "reads_narrow", lambda *_: False)
        yield


def problem(rank: int, rows: int, luts: int, samples: int, seed: int = 0) -> tuple[Tensor, Tensor, Reads, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(rows, samples, generator=generator)
    x[:, ::3] = x[:, ::3].round()
    x[0] = 1  # a constant column
    tables = torch.randn(luts, 1 << rank, generator=generator)
    inputs = torch.randint(rows, (luts, rank), generator=generator).int()
    grad = torch.randn(luts, samples, generator=generator).bfloat16()
    return x.bfloat16(), tables, Reads(inputs), grad


def evaluated(x: Tensor, tables: Tensor, reads: Reads, grad: Tensor, tau: float | None, need: str) -> list[Tensor]:
    x, tables = x.clone().requires_grad_("x" in need), tables.clone().requires_grad_("t" in need)
    out = fold(x, tables, reads) if tau is None else fold_logistic(x, tables, reads, tau)
    wanted = [leaf for leaf in (x, tables) if leaf.requires_grad]
    return [out.detach(), *torch.autograd.grad(out, wanted, grad)]


def kinds_run(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, str]]:
    """The kernels that are asked for from now on."""
    seen: list[tuple[str, int, str]] = []
    known: Callable[..., int] = build.address
    monkeypatch.setattr(build, "address", lambda *kernel: seen.append(kernel) or known(*kernel))
    return seen


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_narrow_kernels_give_what_copies_give(rank: int, data: st.DataObject) -> None:
    rows, luts, samples = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 40)), data.draw(SAMPLES)
    given_to = problem(rank, rows, luts, samples, data.draw(st.integers(0, 1 << 20)))
    tau, need = data.draw(st.sampled_from([None, 0.5])), data.draw(st.sampled_from(["x", "t", "xt"]))
    with copied():
        expected = evaluated(*given_to, tau, need)
    for count in (1, 2):
        threads.set_num_threads(count)
        for got, sure in zip(evaluated(*given_to, tau, need), expected, strict=True):
            assert got.dtype == sure.dtype
            assert torch.equal(got, sure)


Learned = tuple[Tensor, Tensor, Reads, Tensor]


def learned_problem(rank: int, samples: int, rule: str, choices: int, seed: int, *, exact: bool) -> Learned:
    """Slots that choose; `exact`: bfloat16 holds all slopes."""
    generator = torch.Generator().manual_seed(seed)
    x, tables, _, grad = problem(rank, 11, 17, samples, seed)
    if exact:
        x = (2 * x.float()).round().bfloat16() / 2
        tables = torch.randint(-4, 5, tables.shape, generator=generator) / 4
        grad = torch.randint(-2, 3, grad.shape, generator=generator).bfloat16() / 2
    candidates = torch.randint(11, (17, rank, choices), generator=generator).int()
    scores = torch.randn(17, rank, choices, generator=generator)
    return x, tables, Reads(candidates[:, :, 0].contiguous(), None, candidates, scores, 0.7, rule), grad


def of_learned(x: Tensor, tables: Tensor, reads: Reads, grad: Tensor) -> list[Tensor]:
    assert reads.scores is not None
    leaves = [leaf.clone().requires_grad_() for leaf in (x, tables, reads.scores)]
    out = fold(leaves[0], leaves[1], reads._replace(scores=leaves[2]))
    return [out.detach(), *torch.autograd.grad(out, leaves, grad)]


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_learned_slots_give_what_copies_give_up_to_the_rounding_of_slopes(rank: int, data: st.DataObject) -> None:
    rule, choices = data.draw(st.sampled_from(["softmax", "dwn"])), data.draw(st.sampled_from([1, 3, 4, 8, 11]))
    exact, samples, seed = data.draw(st.booleans()), data.draw(SAMPLES), data.draw(st.integers(0, 1 << 20))
    given_to = learned_problem(rank, samples, rule, choices, seed, exact=exact)
    with copied():
        expected = of_learned(*given_to)
    for count in (1, 2):
        threads.set_num_threads(count)
        for got, sure in zip(of_learned(*given_to), expected, strict=True):
            assert got.dtype == sure.dtype
            if exact:
                assert torch.equal(got, sure)
            else:
                torch.testing.assert_close(
                    got.float(), sure.float(), rtol=0, atol=0.02 * max(1, float(sure.abs().max()))
                )


def test_learned_slots_of_many_samples_are_taken_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "SLOPED", 0)
    given_to = learned_problem(2, 300, "softmax", 8, 0, exact=True)
    with copied():
        expected = of_learned(*given_to)
    for got, sure in zip(of_learned(*given_to), expected, strict=True):
        assert torch.equal(got, sure)


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
def test_narrow_kernels_are_those_that_run(rank: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, tables, reads, grad = problem(rank, 9, 12, 128)
    seen = kinds_run(monkeypatch)
    evaluated(x, tables, reads, grad, None, "xt")
    folds = {(kind, dtype) for kind, _, dtype in seen if kind in ("fold", "backward", "gather_pairs")}
    assert folds == {("fold", "bfloat16"), ("gather_pairs" if rank == 2 else "backward", "bfloat16")}
    seen.clear()
    evaluated(x, tables, reads, grad, None, "t")
    assert {(kind, dtype) for kind, _, dtype in seen} == {("fold", "bfloat16"), ("backward", "bfloat16")}


@pytest.mark.parametrize("rank", [1, 2, 4])
@pytest.mark.parametrize("luts", [1, 3, 7])
def test_batches_that_threads_share_are_written_where_they_belong(rank: int, luts: int) -> None:
    given_to = problem(rank, 9, luts, 300)
    with copied():
        expected = evaluated(*given_to, None, "xt")
    for count in (1, 2):
        threads.set_num_threads(count)
        for got, sure in zip(evaluated(*given_to, None, "xt"), expected, strict=True):
            assert torch.equal(got, sure)


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_look_ups_have_the_gradient_of_copies(rank: int) -> None:
    x, tables, reads, grad = problem(rank, 9, 12, 130)
    found = []
    for kind in (torch.bfloat16, torch.float32):
        leaves = x.to(kind).requires_grad_(), tables.clone().requires_grad_()
        out = lookup(*leaves, reads, rho=1.0)
        found.append((out, *torch.autograd.grad(out, leaves, grad.to(kind))))
    for narrow, wide in zip(*found, strict=True):
        assert torch.equal(narrow, wide.to(narrow.dtype))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_the_default_dtype_and_device_change_nothing(dtype: torch.dtype) -> None:
    given_to = problem(2, 9, 12, 130)
    expected = [*evaluated(*given_to, None, "xt"), group_sums(given_to[0], 3)]
    try:
        torch.set_default_dtype(dtype)
        with torch.device("meta"):
            found = [*evaluated(*given_to, None, "xt"), group_sums(given_to[0], 3)]
    finally:
        torch.set_default_dtype(torch.float32)
    for got, sure in zip(found, expected, strict=True):
        assert got.dtype == sure.dtype
        assert torch.equal(got, sure)


def test_other_passes_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = kinds_run(monkeypatch)
    x, tables, reads, grad = problem(2, 9, 12, 128)
    shared = reads._replace(table_ptr=torch.arange(13).int())
    others = [
        (x, tables, shared, grad),
        (x, tables.double(), reads, grad),
        (x[:, :100], tables, reads, grad[:, :100]),
        problem(5, 9, 12, 128),
    ]
    for other in others:
        assert evaluated(*other, None, "xt")[0].dtype == torch.bfloat16
    out = lookup(x.clone().requires_grad_(), tables, reads, rho=1.0)
    out.backward(grad)
    assert out.dtype == torch.bfloat16
    assert "bfloat16" not in {dtype for _, _, dtype in seen}


def test_learned_slots_run_narrow_kernels_where_rows_gather(monkeypatch: pytest.MonkeyPatch) -> None:
    x, tables, reads, grad = learned_problem(3, 130, "softmax", 8, 0, exact=False)
    seen = kinds_run(monkeypatch)
    of_learned(x, tables, reads, grad)
    kinds = {(kind, dtype) for kind, _, dtype in seen}
    assert kinds == {(kind, "bfloat16") for kind in ("fold", "backward", "gather_learned")} | {
        ("spread", "float32"),
        ("finish", "float32"),
    }
    seen.clear()
    evaluated(x, tables, reads, grad, None, "t")  # no gradient of x: scores have theirs from the LUTs
    assert {(kind, dtype) for kind, _, dtype in seen} == {("fold", "bfloat16"), ("backward", "float32")}


def test_small_problems_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "ROOM", 1 << 16)
    x, _, reads, _ = problem(2, 127, 12, 128)
    assert not cpu.narrow_pays(x, reads)
    assert not cpu.narrow_pays(x.float(), reads)
    larger, _, reads, _ = problem(2, 128, 12, 128)
    assert cpu.narrow_pays(larger, reads)
    assert cpu.narrow_pays(larger.float(), reads)


NUMBERS = np.array(
    [
        0x3F808000, 0x3F818000, 0x3F807FFF, 0x3F808001, 0xBF808000, 0xBF818000,  # between two, to the even one
        0x00000000, 0x00000001, 0x00008000, 0x00018000, 0x007FFFFF,  # the smallest
        0x7F7FFFFF, 0xFF7FFFFF, 0x7F7F7FFF,  # beyond the largest
        0x7FC00000, 0xFFC00000, 0x7FFFFFFF, 0xFFFFFFFF, 0x7F800001,  # not a number
    ],
    np.uint32,
).view(np.float32)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, (1 << 32) - 1), max_size=40))
def test_numbers_are_rounded_as_torch_rounds_them(bits: list[int]) -> None:
    values = np.concatenate([NUMBERS, np.array(bits, np.uint32).view(np.float32)])
    values = torch.from_numpy(values[~np.isinf(values)])  # an infinite table gives no number
    tables = torch.stack([values, values], 1)
    for samples in (128, 131):
        x = torch.ones(1, samples, dtype=torch.bfloat16)
        out = fold(x, tables, Reads(torch.zeros(len(values), 1).int()))
        expected = values.bfloat16().unsqueeze(1).expand_as(out)
        assert torch.equal(out.isnan(), expected.isnan())
        told = ~expected.isnan()
        assert torch.equal(out[told], expected[told])


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
def test_what_is_not_a_number_stays_so(rank: int) -> None:
    x, tables, _, grad = problem(rank, 5, 3, 140)
    reads = Reads(torch.arange(rank).repeat(3, 1).int())
    x[0, [5, 139]] = float("nan")
    for tau in (None, 2.0):
        found = evaluated(x, tables, reads, grad, tau, "xt")
        with copied():
            expected = evaluated(x, tables, reads, grad, tau, "xt")
        assert found[0].isnan().sum() == 6
        for got, sure in zip(found, expected, strict=True):
            assert torch.equal(got.isnan(), sure.isnan())
            assert torch.equal(got.nan_to_num(), sure.nan_to_num())


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 70), st.sampled_from([0, 1, 7, 8, 9, 64, 130]), st.integers(0, 99))
def test_sums_of_bfloat16_are_those_of_float32(groups: int, size: int, samples: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.rand(groups * size, samples, generator=generator).bfloat16()
    found = []
    for count in (1, 2):
        threads.set_num_threads(count)
        found.append(group_sums(rows, groups))
    assert torch.equal(*found)
    expected = rows.double().view(groups, size, samples).sum(1)
    torch.testing.assert_close(found[0].double(), expected, rtol=1e-6, atol=1e-6)
    turned = group_sums(rows.t().contiguous().t(), groups)
    assert torch.equal(turned, found[0])


def test_sums_of_many_rows_stay_exact() -> None:
    bits = torch.randint(2, (2 * 60_000, 130))
    assert torch.equal(group_sums(bits.bfloat16(), 2).long(), bits.view(2, 60_000, 130).sum(1))
    soft = torch.rand(100_000, 9).bfloat16()
    torch.testing.assert_close(group_sums(soft, 1)[0].double(), soft.double().sum(0), rtol=2e-6, atol=0)


def test_opcheck_and_compiled_functions() -> None:
    x, tables, reads, grad = problem(2, 9, 12, 130)
    x.requires_grad_()
    tables.requires_grad_()
    torch.library.opcheck(torch.ops.lutsmith.fold.default, (x, tables, *reads))
    torch.library.opcheck(torch.ops.lutsmith.fold_logistic.default, (x, tables, *reads, 0.5))

    def run(x: Tensor, tables: Tensor) -> Tensor:
        return group_sums(fold_logistic(fold(x, tables, reads), tables, reads._replace(inputs=reads.inputs % 5)), 3)

    def gradients(function: Any) -> tuple[Tensor, ...]:
        return torch.autograd.grad(function(x, tables), (x, tables), grad[:3].float())

    for got, expected in zip(gradients(torch.compile(run, backend="aot_eager")), gradients(run), strict=True):
        assert torch.equal(got, expected)


def test_what_follows_is_compiled_for_the_dtype_that_it_has() -> None:
    assert build._of_dtype(("backward", "lookup"), ("fold", 2, "bfloat16")) == [
        ("backward", 2, "bfloat16"),
        ("lookup", 2, "float32"),
    ]
    assert build._of_dtype(("lookup", "lookup_placed"), ("lookup", 2, "float64")) == [("lookup_placed", 2, "float64")]


def test_two_rooms_cannot_have_pieces_of_one_name() -> None:
    with pytest.raises(RuntimeError, match="a piece with the name add_row"):
        build._joined({"add_row": 1}, {"dots": 2}, {"add_row": 3})
