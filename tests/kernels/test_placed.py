"""Kernels at places agree with the loop over places that defines them, forward and backward."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lutsmith.kernels import threads
from lutsmith.kernels.training.fold import cpu
from lutsmith.kernels.training.fold import naive as naive_fold
from lutsmith.kernels.training.lookup import naive as naive_lookup
from lutsmith.kernels.training.ops import Reads, fold, lookup
from tests.kernels.test_ops import double, gradients, near

SAMPLES = st.sampled_from([0, 1, 2, 15, 16, 17, 64, 128, 129, 200, 272])


pytestmark = pytest.mark.usefixtures("always_split")


@st.composite
def placed(draw: st.DrawFn, rank: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Reads, Tensor]:
    """Planes of pixels, tables, kernels at places and a gradient, small or at the edges."""
    kernels, channels, plane = draw(st.integers(1, 9)), draw(st.integers(1, 4)), draw(st.integers(1, 12))
    taps, count, samples = draw(st.integers(1, 9)), draw(st.sampled_from([0, 1, 2, 7, 16])), draw(SAMPLES)
    choices, binary = draw(st.sampled_from([0, 1, 3, 8, 11, 16])), draw(st.booleans())
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1 << 20)))
    x = torch.rand(channels * plane, samples, dtype=dtype, generator=generator)
    x = x.round() if binary else x
    tables = torch.randn(kernels, 1 << rank, dtype=dtype, generator=generator)
    inputs = channels * taps
    reads = Reads(torch.randint(inputs, (kernels, rank), generator=generator).int())
    reads = reads._replace(places=torch.randint(-2, plane, (taps, count), generator=generator).int(), plane=plane)
    if draw(st.booleans()):
        tables = tables[: draw(st.integers(1, kernels))]
        cuts = torch.randint(kernels + 1, (len(tables) - 1,), generator=generator).sort().values
        reads = reads._replace(table_ptr=torch.cat((torch.tensor([0]), cuts, torch.tensor([kernels]))).int())
    if choices:
        reads = reads._replace(
            candidates=torch.randint(inputs, (kernels, rank, choices), generator=generator).int(),
            scores=3 * torch.randn(kernels, rank, choices, dtype=dtype, generator=generator),
            temperature=draw(st.sampled_from([0.5, 1.0])),
            rule=draw(st.sampled_from(["softmax", "dwn"])),
        )
    return x, tables, reads, torch.randn(kernels * count, samples, dtype=dtype, generator=generator)


def one_by_one(x: Tensor, tables: Tensor, reads: Reads, hard: bool) -> Tensor:
    """Each kernel at each place, an instance at a time."""
    assert reads.places is not None
    taps = reads.places.shape[0]
    owner = {}
    for number in range(len(tables)):
        first, last = (number, number + 1) if reads.table_ptr is None else reads.table_ptr[number : number + 2].tolist()
        owner |= dict.fromkeys(range(first, last), number)
    rows = []
    for kernel, slots in enumerate(reads.inputs.tolist()):
        for place in range(reads.places.shape[1]):
            read = []
            for slot in slots:
                pixel = int(reads.places[slot % taps, place])
                around = torch.full_like(x[0], -1.0 - pixel)
                read.append(x[slot // taps * reads.plane + pixel] if pixel >= 0 else around)
            values = tables[owner[kernel]].unsqueeze(1).expand(-1, x.shape[1])
            for value in reversed([(row > 0.5).to(x.dtype) if hard else row for row in read]):
                low, high = values.chunk(2)
                values = low + value * (high - low)
            rows.append(values[0])
    return torch.stack(rows) if rows else x.new_empty((0, x.shape[1]))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_naive_form_is_a_loop_over_kernels_and_places(data: st.DataObject) -> None:
    x, tables, reads, grad = data.draw(placed(data.draw(st.integers(1, 4)), torch.float64))
    near(naive_fold.fold(x, tables, reads), one_by_one(x, tables, reads, hard=False))
    near(naive_lookup.lookup(x, tables, reads), one_by_one(x, tables, reads, hard=True))
    if reads.scores is None and grad.shape[0]:
        leaves = x.requires_grad_(), tables.detach().requires_grad_()
        expected = torch.autograd.grad(one_by_one(*leaves, reads, hard=False), leaves, grad, allow_unused=True)
        for got, should in zip(naive_fold.fold_backward(grad, *leaves, reads), expected, strict=False):
            if should is not None:
                assert got is not None
                near(got, should)


@pytest.mark.slow
@pytest.mark.parametrize("rank", range(1, 9))
@settings(max_examples=14, deadline=None)
@given(data=st.data())
def test_kernels_at_places_agree_with_the_naive_form(rank: int, data: st.DataObject) -> None:
    x, tables, reads, grad = data.draw(placed(rank))
    hard, rho = data.draw(st.booleans()), data.draw(st.sampled_from([0.5, 1.0]))
    threads.set_num_threads(data.draw(st.integers(1, 2)))
    leaves = [x, tables, reads.scores]
    for leaf in leaves:
        if leaf is not None:
            leaf.requires_grad_(data.draw(st.booleans()))
    out = lookup(x, tables, reads, rho) if hard else fold(x, tables, reads)
    exact = double(Reads(*[w.detach() if isinstance(w, Tensor) else w for w in reads]))
    wide = grad.double(), x.detach().double(), tables.detach().double(), exact
    if hard:
        assert torch.equal(out, naive_lookup.lookup(x, tables, reads))
        expected = naive_lookup.lookup_backward(*wide, rho)
    else:
        near(out, naive_fold.fold(*wide[1:]))
        expected = naive_fold.fold_backward(*wide)
    if any(leaf is not None and leaf.requires_grad for leaf in leaves):
        if not any(leaf is not None and leaf.requires_grad for leaf in leaves[:2]) and reads.scores is None:
            return
        # candidates that say the same have scores whose gradients are 0: sums that cancel
        terms = max(1.0, float(grad.abs().sum(1).max()) if grad.numel() else 1.0)
        for got, should in zip(gradients(out, leaves, grad), expected, strict=True):
            if got is not None:
                assert should is not None
                near(got, should, terms)


@pytest.mark.slow
@pytest.mark.parametrize("rank", [3, 6])
def test_gradcheck_of_places_passes_in_float64(rank: int) -> None:
    generator = torch.Generator().manual_seed(rank)
    x = torch.rand(2 * 4, 3, dtype=torch.float64, generator=generator, requires_grad=True)
    tables = torch.randn(3, 1 << rank, dtype=torch.float64, generator=generator, requires_grad=True)
    places = torch.randint(-2, 4, (3, 5), generator=generator).int()
    reads = Reads(torch.randint(6, (3, rank), generator=generator).int(), places=places, plane=4)
    assert torch.autograd.gradcheck(lambda x, tables: fold(x, tables, reads), (x, tables))


def test_places_give_the_same_bits_on_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(1)
    x, tables = torch.rand(3 * 30, 70, generator=generator), torch.rand(20, 16, generator=generator)
    places = torch.randint(-2, 30, (4, 40), generator=generator).int()
    pools = torch.randint(12, (20, 4, 5), generator=generator).int()
    scores = torch.rand(20, 4, 5, generator=generator)
    reads = Reads(pools[:, :, 0], None, pools, scores, places=places, plane=30)
    grad = torch.randn(20 * 40, 70, generator=generator)
    found = []
    for count in (1, 2):
        threads.set_num_threads(count)
        leaves = [leaf.clone().requires_grad_() for leaf in (x, tables, scores)]
        out = fold(leaves[0], leaves[1], reads._replace(scores=leaves[2]))
        found.append([out.detach(), *torch.autograd.grad(out, leaves, grad)])
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))
    monkeypatch.setattr(cpu, "COPIES", 1)  # copies of the gradient are few where they are large
    near(torch.autograd.grad(fold(x.requires_grad_(), tables, reads), [x], grad)[0], found[0][1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"plane": 7}, "plane is 7 and x has 90 rows"),
        ({"plane": 45}, "inputs range over"),
        ({"places": torch.full((4, 5), 30, dtype=torch.int32)}, r"places range over 30..30; expected 0..29"),
        ({"places": torch.full((4, 5), -3, dtype=torch.int32)}, r"places range over -3..-3"),
        ({"places": torch.zeros((4, 5), dtype=torch.int64)}, "places is torch.int64"),
        ({"inputs": torch.full((2, 2), 12, dtype=torch.int32)}, r"inputs range over 12..12; expected 0..11"),
    ],
)
def test_places_that_point_elsewhere_are_refused(change: dict[str, Any], words: str) -> None:
    inputs = torch.full((2, 2), 11, dtype=torch.int32)
    reads = Reads(inputs, places=torch.zeros((4, 5), dtype=torch.int32), plane=30)
    with pytest.raises(ValueError, match=words):
        fold(torch.rand(90, 3), torch.rand(2, 4), reads._replace(**change))
