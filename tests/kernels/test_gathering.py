"""Gradients that rows gather from their readers: who reads a row, and the sums, whatever the memory and the threads."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lutsmith.kernels import threads
from lutsmith.kernels.training.fold import cpu, readers
from lutsmith.kernels.training.fold import naive as naive_fold
from lutsmith.kernels.training.fold.readers import readers_of
from lutsmith.kernels.training.fold_logistic import naive as naive_logistic
from lutsmith.kernels.training.lookup import naive as naive_lookup
from lutsmith.kernels.training.operators import call
from lutsmith.kernels.training.ops import Reads

pytestmark = pytest.mark.usefixtures("always_split")

SAMPLES = st.sampled_from([128, 129, 143, 144, 200, 256, 300])


def by_hand(indices: Tensor, rows: int) -> list[list[int]]:
    flat = indices.flatten().tolist()
    return [[k for k, row in enumerate(flat) if row == each] for each in range(rows)]


def listed(found: readers.RowReaders) -> list[list[int]]:
    return [found.entries[a:b].tolist() for a, b in zip(found.first[:-1], found.first[1:], strict=True)]


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(1, 12), luts=st.integers(0, 9), rank=st.integers(1, 3), seed=st.integers(0, 99))
def test_readers_are_those_who_name_a_row(rows: int, luts: int, rank: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    indices = torch.randint(rows, (luts, rank, 4), generator=generator, dtype=torch.int32)
    found = readers_of(indices, rows)
    assert listed(found) == by_hand(indices, rows)
    assert (found.slots == found.entries // 4).all()


def test_indices_that_change_unseen_are_sorted_again() -> None:
    indices = torch.tensor([[0, 1], [2, 1]], dtype=torch.int32)
    first = readers_of(indices, 3)
    assert readers_of(indices, 3).entries is first.entries
    indices.numpy()[1, 0] = 0  # torch counts no change
    assert listed(readers_of(indices, 3)) == [[0, 2], [1, 3], []]
    indices.data[0, 0] = 2
    assert listed(readers_of(indices, 3)) == [[2], [1, 3], [0]]
    assert listed(readers_of(indices, 5)) == [[2], [1, 3], [0], [], []]


def test_what_is_kept_of_old_indices_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "KEPT", 2000)
    made = [torch.randint(50, (100, 1), dtype=torch.int32) for _ in range(5)]
    for indices in made:
        readers_of(indices, 50)
    assert len(readers._kept) == 1  # each takes more than half of it
    large = torch.zeros(10_000, 1, dtype=torch.int32)
    readers_of(large, 1)
    assert [len(each.indices) for each in readers._kept.values()] == [10_000]


@st.composite
def problems(draw: st.DrawFn, rank: int, choices: int) -> tuple[Tensor, Tensor, Reads, Tensor]:
    luts, features, samples = draw(st.integers(1, 30)), draw(st.integers(1, 40)), draw(SAMPLES)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1 << 20)))
    x = torch.rand(features, samples, generator=generator)
    if draw(st.booleans()):
        x = x.round()
    count = draw(st.integers(1, 5)) if choices and draw(st.booleans()) else luts
    tables = torch.randn(count, 1 << rank, generator=generator)
    reads = Reads(torch.randint(features, (luts, rank), generator=generator).int())
    if count != luts:  # tables that LUTs share
        cuts = torch.randint(luts + 1, (count - 1,), generator=generator).sort().values
        reads = reads._replace(table_ptr=torch.cat((torch.tensor([0]), cuts, torch.tensor([luts]))).int())
    if choices:
        reads = reads._replace(
            candidates=torch.randint(features, (luts, rank, choices), generator=generator).int(),
            scores=torch.randn(luts, rank, choices, generator=generator),
            temperature=draw(st.sampled_from([0.5, 2.0])),
            rule=draw(st.sampled_from(["softmax", "dwn"])),
        )
    return x, tables, reads, torch.randn(luts, samples, generator=generator)


def near(got: Tensor, expected: Tensor, scale: float = 1.0) -> None:
    scale = max(scale, float(expected.abs().max())) if expected.numel() else scale
    torch.testing.assert_close(got.double(), expected.double(), rtol=0, atol=2e-5 * scale)


def doubled(reads: Reads) -> Reads:
    return reads if reads.scores is None else reads._replace(scores=reads.scores.double())


@pytest.mark.parametrize("rank", range(1, 9))
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_learned_slots_with_room_for_few_slopes(rank: int, data: st.DataObject) -> None:
    """Some samples at a time: 128 of them, in the least of memory."""
    x, tables, reads, grad = data.draw(problems(rank, data.draw(st.sampled_from([1, 3, 4, 5, 8, 13]))))
    rho = data.draw(st.sampled_from([None, 0.5]))
    name, more = ("fold_backward", ()) if rho is None else ("lookup_backward", (rho,))
    found = []
    for room, count in ((0, 1), (0, 2), (cpu.SLOPED, 2)):
        threads.set_num_threads(count)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cpu, "SLOPED", room)
            found.append(call(name, grad, x, tables, *reads, *more, True, True, True))
    for one, two in zip(*found[:2], strict=True):
        assert torch.equal(one, two)  # whatever the threads
    wide = grad.double(), x.double(), tables.double(), doubled(reads)
    expected = naive_fold.fold_backward(*wide) if rho is None else naive_lookup.lookup_backward(*wide, rho)
    for gradients in found:
        for got, should in zip(gradients, expected, strict=True):
            assert should is not None
            near(got, should)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_luts_of_two_inputs(data: st.DataObject) -> None:
    x, tables, reads, grad = data.draw(problems(2, 0))
    if data.draw(st.booleans()):
        reads.inputs[0] = data.draw(st.integers(0, len(x) - 1))  # one row twice
    tau = data.draw(st.sampled_from([None, 0.5]))
    need = data.draw(st.booleans())
    wide = x.double(), tables.double(), reads
    found = []
    for count in (1, 2):
        threads.set_num_threads(count)
        if tau is None:
            found.append(call("fold_backward", grad, x, tables, *reads, True, need, False))
        else:
            out = call("fold_logistic", x, tables, *reads, tau)
            found.append(call("fold_logistic_backward", grad, out, x, tables, *reads, tau, True, need, False))
    for one, two in zip(*found, strict=True):
        assert torch.equal(one, two)
    if tau is None:
        expected = naive_fold.fold_backward(grad.double(), *wide)
    else:
        sure = naive_logistic.fold_logistic(*wide, tau)
        expected = naive_logistic.fold_logistic_backward(grad.double(), sure, *wide, tau)
    near(found[0][0], expected[0], 2.0)
    if need:
        near(found[0][1], expected[1], 2.0)
    unread = np.setdiff1d(np.arange(len(x)), reads.inputs.numpy())
    assert not found[0][0][torch.from_numpy(unread)].any()


def test_entries_that_no_sample_reaches_get_exactly_nothing() -> None:
    """Adam would follow the smallest rounding error."""
    x = torch.randint(2, (6, 160)).float()
    x[3] = 0  # a constant column
    reads = Reads(torch.tensor([[0, 3], [3, 1], [3, 3]], dtype=torch.int32))
    dt = call("fold_backward", torch.randn(3, 160), x, torch.rand(3, 4), *reads, True, True, False)[1]
    assert not dt[0, 2:].any()
    assert not dt[1, [1, 3]].any()
    assert not dt[2, 1:].any()
    assert dt[0, :2].all()
