"""The naive forms are the mathematics: against brute force over all corners, autograd and published values."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from lutsmith.kernels.training.encode import naive as naive_encode
from lutsmith.kernels.training.fold import naive as naive_fold
from lutsmith.kernels.training.lookup import naive as naive_lookup
from lutsmith.kernels.training.reads import Reads


def brute_force(x: Tensor, tables: Tensor, reads: Reads) -> Tensor:
    """sum_k p_k prod_j x_j^k_j (1 - x_j)^(1 - k_j), one corner at a time."""
    rank = reads.inputs.shape[1]
    rows = x[reads.inputs.long()]
    out = torch.zeros(rows.shape[0], x.shape[1], dtype=x.dtype)
    for corner in itertools.product((0, 1), repeat=rank):
        address = sum(bit << place for place, bit in enumerate(corner))
        weight = torch.ones_like(out)
        for place, bit in enumerate(corner):
            weight = weight * (rows[:, place] if bit else 1 - rows[:, place])
        out = out + tables[:, address : address + 1] * weight
    return out


def straight_through(x: Tensor, reads: Reads) -> Tensor:
    """The rows read now, with the gradient of the candidates: (W, n, B)."""
    assert reads.candidates is not None
    assert reads.scores is not None
    values = x[reads.candidates.long()]
    shares = torch.softmax(reads.scores / reads.temperature, -1).unsqueeze(3)
    if reads.rule == "softmax":
        soft = (shares * values).sum(2)
    else:
        soft = (shares.detach() * values).sum(2) + (reads.scores.unsqueeze(3) * (2 * values.detach() - 1)).sum(2)
    return x[reads.inputs.long()].detach() + soft - soft.detach()


@pytest.mark.parametrize("rank", range(1, 9))
def test_fold_is_the_multilinear_extension(rank: int) -> None:
    generator = torch.Generator().manual_seed(rank)
    x = torch.rand(9, 4, dtype=torch.float64, generator=generator)
    tables = torch.randn(3, 1 << rank, dtype=torch.float64, generator=generator)
    reads = Reads(torch.randint(9, (3, rank), generator=generator).int())
    torch.testing.assert_close(naive_fold.fold(x, tables, reads), brute_force(x, tables, reads))


@pytest.mark.parametrize("rule", ["softmax", "dwn"])
@pytest.mark.parametrize("rank", [1, 3, 5])
def test_gradients_are_those_of_autograd_through_the_formula(rank: int, rule: str) -> None:
    generator = torch.Generator().manual_seed(rank)
    x = torch.rand(12, 5, dtype=torch.float64, generator=generator, requires_grad=True)
    tables = torch.randn(4, 1 << rank, dtype=torch.float64, generator=generator, requires_grad=True)
    scores = torch.randn(4, rank, 3, dtype=torch.float64, generator=generator, requires_grad=True)
    candidates = torch.randint(12, (4, rank, 3), generator=generator).int()
    reads = Reads(candidates[:, :, 1].contiguous(), None, candidates, scores, 0.7, rule)
    grad = torch.randn(4, 5, dtype=torch.float64, generator=generator)

    rows = straight_through(x, reads)
    flat = Reads(torch.arange(4 * rank).view(4, rank).int())
    expected = torch.autograd.grad(brute_force(rows.flatten(0, 1), tables, flat), (x, tables, scores), grad)
    got = naive_fold.fold_backward(grad, x.detach(), tables.detach(), reads._replace(scores=scores.detach()))
    for mine, theirs in zip(got, expected, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_one_table_may_be_read_by_many_luts() -> None:
    x = torch.rand(6, 5)
    inputs = torch.randint(6, (7, 3)).int()
    tables = torch.randn(3, 8)
    shared = Reads(inputs, torch.tensor([0, 4, 4, 7], dtype=torch.int32))
    own = Reads(inputs)
    expanded = tables[[0, 0, 0, 0, 2, 2, 2]]
    torch.testing.assert_close(naive_fold.fold(x, tables, shared), naive_fold.fold(x, expanded, own))
    grad = torch.randn(7, 5)
    dt_own = naive_fold.fold_backward(grad, x, expanded, own)[1]
    dt = naive_fold.fold_backward(grad, x, tables, shared)[1]
    assert dt is not None
    assert dt_own is not None
    torch.testing.assert_close(dt, torch.stack([dt_own[:4].sum(0), torch.zeros(8), dt_own[4:].sum(0)]))


GOLDEN = [
    ([0.1, -0.2, 0.3, 0.9], {0: [-0.0375, 0.2125], 1: [-0.0375, 0.4375], 2: [0.1875, 0.2125], 3: [0.1875, 0.4375]}),
    (
        [-1, -0.5, 0.25, 0.75, 0.5, 1, -0.25, 0.125],
        {
            0: [0.246094, 0.371094, 0.496094],
            5: [0.238281, -0.160156, 0.488281],
            7: [0.214844, -0.160156, -0.035156],
        },
    ),
]


@pytest.mark.parametrize(("table", "gradients"), GOLDEN)
def test_lookup_gradients_are_dwn_extended_finite_differences(
    table: list[float], gradients: dict[int, list[float]]
) -> None:
    tables = torch.tensor([table])
    rank = tables.shape[1].bit_length() - 1
    reads = Reads(torch.arange(rank).view(1, rank).int())
    for address, expected in gradients.items():
        x = torch.tensor([[float(address >> place & 1)] for place in range(rank)])
        assert naive_lookup.lookup(x, tables, reads).item() == tables[0, address]
        dx, dt, _ = naive_lookup.lookup_backward(torch.ones(1, 1), x, tables, reads, 0.5)
        assert dx is not None
        assert dt is not None
        torch.testing.assert_close(dx[:, 0], torch.tensor(expected), atol=1e-6, rtol=0)
        assert dt.flatten().tolist() == [float(k == address) for k in range(1 << rank)]


def test_encode_orders_rows_by_channel_then_bit_then_place() -> None:
    x = torch.tensor([[1.0, 2.0, 3.0, float("nan")]])  # two channels of two places
    thresholds = torch.tensor([[0.5, 1.0]] * 4)
    assert naive_encode.encode(x, thresholds, inner=2).flatten().tolist() == [1, 1, 0, 1, 1, 0, 1, 0]
    assert naive_encode.encode(x, thresholds).flatten().tolist() == [1, 0, 1, 1, 1, 1, 0, 0]
