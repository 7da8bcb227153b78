import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.kernels.ops import Wiring
from lutsmith.nn.parametrizations import list_parametrizations, setup_parametrization
from lutsmith.nn.parametrizations.raw import GATE_TABLES
from lutsmith.nn.parametrizations.warp import hadamard


def every_form():
    for name in list_parametrizations():
        for sampling in setup_parametrization(name, 2).samplings:
            for rank in setup_parametrization(name, 2).ranks:
                yield name, rank, sampling


EVERY_FORM = list(every_form())


def corners(rank):
    """All addresses as input rows `(rank, 2**rank)`, and one LUT that reads them."""
    addresses = torch.arange(1 << rank)
    return torch.stack([(addresses >> j) & 1 for j in range(rank)]).float(), Wiring(torch.arange(rank).int()[None])


def test_there_are_the_parametrizations_of_this_release():
    assert list_parametrizations() == ["dwn", "light", "raw", "warp"]


@pytest.mark.parametrize(("name", "rank", "sampling"), EVERY_FORM)
def test_the_soft_form_agrees_with_the_hard_table_at_the_corners(name, rank, sampling):
    form = setup_parametrization(name, rank, forward_sampling=sampling, weight_init="random")
    x, wiring = corners(rank)
    generator = torch.Generator().manual_seed(rank)
    for _ in range(5):
        weight = form.initial_weight(1, generator)
        hard = form.hard_tables(weight)[0]
        y = form.evaluate(x, weight, wiring)[0]
        if sampling == "hard":
            assert torch.equal(y, hard.float())
        elif name != "raw":  # the expectation over sixteen gates may sit on the other side of its likeliest gate
            assert torch.equal(y > 0.5, hard)


@pytest.mark.parametrize("p", [0.6, 0.951, 0.99])
@pytest.mark.parametrize(("name", "rank", "sampling"), EVERY_FORM)
def test_residual_tables_pass_input_0_with_probability_p(name, rank, sampling, p):
    for tau in (1.0, 2.5):
        form = setup_parametrization(name, rank, forward_sampling=sampling, temperature=tau, residual_probability=p)
        weight = form.initial_weight(3)
        passed = (torch.arange(1 << rank) % 2).bool()
        assert torch.equal(form.hard_tables(weight), passed.expand(3, -1))
        if name == "dwn":
            p_of_entry = (form.tables(weight) + 1) / 2
        elif sampling == "hard":
            continue
        else:
            x, _ = corners(rank)
            rows = torch.arange(rank).int().expand(3, -1).contiguous()
            p_of_entry = form.evaluate(x, weight, Wiring(rows))
        expected = torch.where(passed, p, 1 - p).expand(3, -1)
        torch.testing.assert_close(p_of_entry, expected, atol=1e-5, rtol=0)


def test_gate_g_has_the_table_g():
    weight = torch.full((16, 16), -9.0).fill_diagonal_(9.0)
    hard = setup_parametrization("raw", 2).hard_tables(weight)
    assert [sum(int(bit) << k for k, bit in enumerate(row)) for row in hard] == list(range(16))
    a, b = torch.tensor([0, 1, 0, 1]), torch.tensor([0, 0, 1, 1])
    for gate, value in ((10, a), (12, b), (8, a & b), (14, a | b), (6, a ^ b)):
        assert torch.equal(GATE_TABLES[gate], value.float())


def test_raw_residual_share_is_the_published_one():
    share = setup_parametrization("raw", 2).initial_weight(1).softmax(-1)
    assert share[0, 10].item() == pytest.approx(0.908, abs=1e-3)


@pytest.mark.parametrize("rank", range(1, 9))
def test_the_hadamard_matrix_has_the_characters(rank):
    h = hadamard(rank)
    for s in (0, 1, (1 << rank) - 1):
        for k in range(1 << rank):
            sign = math.prod(1 if k >> j & 1 else -1 for j in range(rank) if s >> j & 1)
            assert h[s, k] == sign


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([f for f in EVERY_FORM if f[2] == "soft" and f[1] <= 4]), st.integers(0, 99))
def test_gradients_are_those_of_finite_differences(form, seed):
    name, rank, sampling = form
    parametrization = setup_parametrization(name, rank, forward_sampling=sampling, temperature=1.5)
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(2, parametrization.num_weights, generator=generator, dtype=torch.float64, requires_grad=True)
    x = torch.rand(rank, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    wiring = Wiring(torch.arange(rank).int().expand(2, -1).contiguous())
    assert torch.autograd.gradcheck(lambda x, w: parametrization.evaluate(x, w, wiring), (x, weight))


@pytest.mark.parametrize(("name", "rank", "sampling"), [f for f in EVERY_FORM if f[2] == "hard"])
def test_hard_sampling_passes_gradients_to_weights(name, rank, sampling):
    form = setup_parametrization(name, rank, forward_sampling=sampling, weight_init="random")
    weight = form.initial_weight(1, torch.Generator().manual_seed(0)).requires_grad_()
    x, wiring = corners(rank)
    form.evaluate(x, weight, wiring)[:, : 1 << rank].sum().backward()
    assert weight.grad is not None
    assert weight.grad.abs().sum() > 0 or name == "raw"  # the sum of a softmax has no gradient


def test_dwn_clamps_its_tables():
    weight = torch.tensor([[-3.0, 0.5, 2.0, 1.0]])
    setup_parametrization("dwn", 2).clamp_(weight)
    assert weight.tolist() == [[-1.0, 0.5, 1.0, 1.0]]


@pytest.mark.parametrize(
    ("name", "settings_", "error", "words"),
    [
        ("nope", {}, KeyError, "light"),
        ("raw", {"lut_rank": 3}, ValueError, "rank 2 to 2"),
        ("light", {"lut_rank": 9}, ValueError, "rank 1 to 8"),
        ("light", {"lut_rank": 0}, ValueError, "rank 1 to 8"),
        ("light", {"forward_sampling": "x"}, ValueError, "soft or hard"),
        ("dwn", {"forward_sampling": "soft"}, ValueError, "samples hard"),
        ("light", {"weight_init": "x"}, ValueError, "residual, random"),
        ("light", {"temperature": 0.0}, ValueError, "temperature"),
        ("light", {"residual_probability": 1.0}, ValueError, "residual_probability"),
        ("dwn", {"rho": 0.0}, ValueError, "rho"),
    ],
)
def test_wrong_settings_are_refused(name, settings_, error, words):
    with pytest.raises(error, match=words):
        setup_parametrization(name, **{"lut_rank": 2, **settings_})
