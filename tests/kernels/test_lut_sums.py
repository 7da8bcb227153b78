"""Sums of LUTs agree with their naive form: as bytes, as folds, at places."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lutsmith.kernels import threads
from lutsmith.kernels.training import build
from lutsmith.kernels.training import templates as at
from lutsmith.kernels.training.arguments import name_of, workspace
from lutsmith.kernels.training.lut_sums import cpu, naive, pieces
from lutsmith.kernels.training.ops import Neurons, lut_sums

KINDS = naive.KINDS
Problem = tuple[Tensor, Tensor, Neurons, Tensor]


pytestmark = pytest.mark.usefixtures("always_split")


@st.composite
def problems(draw: st.DrawFn, rank: int) -> Problem:
    """Inputs with zeros or without, tables, what is read, and a gradient; LUTs that read a row twice, and rows that
    are read more often than a byte counts.
    """
    outputs, luts = draw(st.integers(1, 5)), draw(st.sampled_from([1, 2, 3, 300 if rank < 3 else 7 if rank < 6 else 4]))
    channels, samples = draw(st.integers(1, 6)), draw(st.sampled_from([0, 1, 5, 64, 65, 129, 200]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1 << 20)))
    plane, places, features = 1, None, channels
    if draw(st.booleans()):
        plane, taps, count = draw(st.integers(1, 5)), draw(st.integers(1, 4)), draw(st.integers(1, 5))
        places = torch.randint(-2, plane, (taps, count), generator=generator).int()
        features = channels * taps
    x = torch.randn(channels * plane, samples, generator=generator)
    tables = torch.randn(outputs * luts, 1 << rank, generator=generator)
    if draw(st.booleans()):
        x[torch.rand(x.shape, generator=generator) < 0.3] = 0
    if draw(st.booleans()):
        tables[torch.rand(tables.shape, generator=generator) < 0.1] = 0
    own = luts if draw(st.booleans()) else outputs * luts
    kinds = draw(st.sampled_from(KINDS)), draw(st.sampled_from(KINDS))
    inputs = torch.randint(features, (own, rank), generator=generator).int()
    neurons = Neurons(inputs, outputs, *kinds, places, plane, draw(st.sampled_from([-1.0, 0.0, 1.0])))
    count = 1 if places is None else places.shape[1]
    return x, tables, neurons, torch.randn(outputs * count, samples, generator=generator)


def near(got: Tensor, expected: Tensor, exact: bool = False) -> None:
    assert got.shape == expected.shape
    if exact:
        assert torch.equal(got, expected.float())
        return
    scale = max(1.0, float(expected.abs().max())) if expected.numel() else 1.0
    torch.testing.assert_close(got.double(), expected, rtol=0, atol=2e-5 * scale)


def compare(problem: Problem, needs: tuple[bool, bool] = (True, True)) -> None:
    x, tables, neurons, grad = problem
    leaves = [leaf.clone().requires_grad_(need) for leaf, need in zip((x, tables), needs, strict=True)]
    out = lut_sums(*leaves, neurons)
    wide = x.double(), tables.double(), neurons
    near(out, naive.lut_sums(*wide), exact="real" not in (neurons.points, neurons.entries))
    wanted = [leaf for leaf in leaves if leaf.requires_grad]
    found = iter(torch.autograd.grad(out, wanted, grad) if wanted else ())
    for need, should in zip(needs, naive.lut_sums_backward(grad.double(), *wide), strict=True):
        if need:
            assert should is not None
            near(next(found), should)


@pytest.mark.slow
@pytest.mark.parametrize("rank", range(1, 9))
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_kernels_agree_with_the_naive_form(rank: int, data: st.DataObject) -> None:
    problem = data.draw(problems(rank))
    threads.set_num_threads(data.draw(st.integers(1, 2)))
    compare(problem, (data.draw(st.booleans()), data.draw(st.booleans())))


def both_bits(rank: int, seed: int, luts: int = 20, samples: int = 150) -> Problem:
    generator = torch.Generator().manual_seed(seed)
    x, tables = torch.randn(30, samples, generator=generator), torch.randn(4 * luts, 1 << rank, generator=generator)
    inputs = torch.randint(30, (4 * luts, rank), generator=generator).int()
    return x, tables, Neurons(inputs, 4), torch.randn(4, samples, generator=generator)


@pytest.mark.slow
@pytest.mark.parametrize("rank", [4, 5, 8])
@pytest.mark.parametrize("machine", ["avx2", ""])
def test_machines_with_other_shuffles_or_none_say_the_same(
    rank: int, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not pieces.shuffles():
        pytest.skip("this machine has no shuffle of bytes")
    monkeypatch.setattr(pieces, "shuffles", lambda: machine)
    monkeypatch.setattr(cpu, "shuffles", lambda: machine)
    build._address.cache_clear()
    try:
        compare(both_bits(rank, 0))
    finally:
        build._address.cache_clear()


def test_bytes_take_numbers_without_zeros_only() -> None:
    x, tables, neurons, _ = both_bits(3, 1)
    exact = neurons._replace(points="signs", entries="signs")
    assert bool(cpu.pack(x, tables, exact)) == bool(pieces.shuffles())
    for bad in (x, tables):
        kept = bad[2, 1].clone()
        bad[2, 1] = 0
        assert cpu.pack(x, tables, exact) == 0
        bad[2, 1] = kept
    around = exact._replace(places=torch.tensor([[0, -1]], dtype=torch.int32), outside=0.0)
    assert cpu.pack(x, tables, around) == 0


def test_an_input_read_by_all_luts_counts_as_often_as_it_is_read() -> None:
    x, tables, neurons, grad = both_bits(2, 2, luts=600)
    compare((x, tables, neurons._replace(inputs=neurons.inputs % 2), grad))


@pytest.mark.parametrize("kind", ["bits", "real"])
def test_one_to_two_threads_give_the_same_bits(kind: str) -> None:
    x, tables, neurons, grad = both_bits(4, 3, luts=100, samples=300)
    found = []
    for count in (1, 2):
        threads.set_num_threads(count)
        leaves = x.clone().requires_grad_(), tables.clone().requires_grad_()
        out = lut_sums(*leaves, neurons._replace(entries=kind))
        found.append((out, *torch.autograd.grad(out, leaves, grad)))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_the_real_form_has_its_own_gradient() -> None:
    x, tables, neurons, _ = both_bits(3, 4, luts=2, samples=5)
    leaves = x.double().requires_grad_(), tables.double().requires_grad_()
    real = neurons._replace(points="real", entries="real")
    assert torch.autograd.gradcheck(lambda x, tables: lut_sums(x, tables, real), leaves)


def test_the_operator_is_one_for_torch() -> None:
    x, tables, neurons, grad = both_bits(2, 5, luts=3, samples=4)
    case = x.requires_grad_(), tables.requires_grad_(), *neurons
    torch.library.opcheck(torch.ops.lutsmith.lut_sums.default, case)
    detached = (grad, x.detach(), tables.detach(), *neurons, True, False)
    torch.library.opcheck(torch.ops.lutsmith.lut_sums_backward.default, detached)
    out = lut_sums(x.bfloat16(), tables, neurons)
    assert out.dtype == torch.float32
    (dx,) = torch.autograd.grad(out.sum(), x)
    assert dx.dtype == torch.float32


def test_what_does_not_fit_is_refused() -> None:
    x, tables, neurons, _ = both_bits(2, 6, luts=3, samples=4)
    for bad, says in (
        (neurons._replace(inputs=neurons.inputs + 1), r"inputs range over \d+\.\.30; expected 0\.\.29"),
        (neurons._replace(inputs=neurons.inputs.long()), r"inputs is torch\.int64"),
        (neurons._replace(outputs=5), "for 5 outputs"),
        (neurons._replace(points="zeros"), "points is 'zeros'; expected one of bits"),
        (neurons._replace(plane=7), "plane is 7"),
        (neurons._replace(places=torch.tensor([[-3]], dtype=torch.int32)), r"places range over -3\.\.-3"),
    ):
        with pytest.raises(ValueError, match=says):
            lut_sums(x, tables, bad)
    with pytest.raises(ValueError, match="tables have shape"):
        lut_sums(x, tables[:, :2], neurons)
    with pytest.raises(ValueError, match=r"x is torch\.int64"):
        lut_sums(x.long(), tables, neurons)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("entries", [1, 2, 7, 8, 9, 63, 64, 65, 70, 130])
def test_every_entry_becomes_a_bit(entries: int, dtype: torch.dtype) -> None:
    """Whatever the number of lanes: of doubles, a vector may hold fewer than a byte has bits."""
    for _ in range(5):
        tables = torch.randn(entries, dtype=dtype)
        bits = torch.zeros(-(-entries // 64), dtype=torch.int64)
        flags = torch.zeros(16, dtype=torch.int64)
        fields = workspace.begin()
        fields[at.ENTRIES], fields[at.LUT_PARTS], fields[at.TABLES] = entries, 1, tables.data_ptr()
        fields[at.SCRATCH], fields[at.SCRATCH_STEP], fields[at.BITS] = flags.data_ptr(), 64, bits.data_ptr()
        threads.run(build.address("bits_of", 0, name_of(tables)), workspace.address, 1)
        expected = np.packbits((tables > 0).numpy(), bitorder="little")
        assert np.array_equal(bits.numpy().view(np.uint8)[: len(expected)], expected)
        assert flags[0] == 1
        tables[torch.randint(entries, ())] = 0
        threads.run(build.address("bits_of", 0, name_of(tables)), workspace.address, 1)
        assert flags[0] == 0
