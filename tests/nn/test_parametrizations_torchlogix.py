"""raw, warp and light compute what torchlogix computes, its orders and signs converted. Skipped where it is missing."""

import pytest
import torch

from lutsmith.nn.parametrizations import msb_first, setup_parametrization
from tests.nn.parametrization_forms import own_inputs
from tests.torchlogix_modules import torchlogix_module

ROWS = [("raw", 2), *(("light", rank) for rank in (2, 4, 6)), *(("warp", rank) for rank in (1, 2, 4, 6))]


@pytest.fixture(scope="module")
def theirs():
    return torchlogix_module("parametrization")


def as_ours(name, rank, weight):
    """Their weights `(luts, basis)` as ours."""
    if name == "light":
        return msb_first(weight)
    if name == "raw":  # gate i is the one whose table, input 0 on top and entry 0 first, reads as i
        gates = torch.arange(16)
        entries = (gates.unsqueeze(1) >> torch.arange(3, -1, -1)) & 1
        numbers = (msb_first(entries) << torch.arange(4)).sum(1)
        return torch.zeros_like(weight).index_copy(1, numbers, weight)
    # Coefficient S of prod (1 - 2 x_j), bit 0 of S being the last input, under a sigmoid of the negative sum.
    sizes = ((torch.arange(1 << rank).unsqueeze(1) >> torch.arange(rank)) & 1).sum(1)
    return -msb_first(weight) * (1 - 2 * (sizes % 2))


@pytest.mark.parametrize("init", ["residual", "random"])
@pytest.mark.parametrize("sampling", ["soft", "hard"])
@pytest.mark.parametrize(("name", "rank"), ROWS)
def test_outputs_gradients_and_tables_equal_those_of_torchlogix(theirs, name, rank, sampling, init):
    settings = {"forward_sampling": sampling, "temperature": 0.7, "weight_init": init}
    other, ours = theirs.setup_parametrization(name, rank, **settings), setup_parametrization(name, rank, **settings)
    torch.manual_seed(rank)
    weight = other.init_weights(5, "cpu").requires_grad_()
    x = torch.rand(rank, 33, requires_grad=True)
    batch = x.t().unsqueeze(2).expand(-1, -1, 5)
    expected = other.forward(batch, weight, training=True, contraction="n,bn->bn").t()
    got = ours.evaluate(x, as_ours(name, rank, weight), own_inputs(rank, 5))
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)
    g = torch.randn(5, 33)
    for mine, other_ in zip(
        torch.autograd.grad(got, (x, weight), g), torch.autograd.grad(expected, (x, weight), g), strict=True
    ):
        torch.testing.assert_close(mine, other_, atol=1e-4, rtol=1e-4)
    tables = ours.hard_tables(as_ours(name, rank, weight.detach()))
    assert torch.equal(msb_first(tables), other.get_luts(weight.detach()).bool())


@pytest.mark.parametrize(("name", "rank"), [row for row in ROWS if row[0] != "light"])
def test_residual_weights_are_those_of_torchlogix(theirs, name, rank):
    """Its light ignores the probability, and is left out."""
    for p in (0.7, 0.951):
        settings = {"residual_probability": p, "temperature": 1.3}
        weight = theirs.setup_parametrization(name, rank, **settings).init_weights(2, "cpu")
        expected = setup_parametrization(name, rank, **settings).initial_weight(2)
        torch.testing.assert_close(as_ours(name, rank, weight), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("name", "rank"), ROWS)
def test_noise_has_the_spread_of_torchlogix(theirs, name, rank):
    settings = {"forward_sampling": "gumbel_soft", "temperature": 0.9, "weight_init": "random"}
    other, ours = theirs.setup_parametrization(name, rank, **settings), setup_parametrization(name, rank, **settings)
    torch.manual_seed(rank)
    weight = other.init_weights(1, "cpu").expand(8000, -1)
    x = torch.rand(rank, 1)
    batch = x.t().unsqueeze(2).expand(-1, -1, 8000)
    expected = other.forward(batch, weight, training=True, contraction="n,bn->bn")[0]
    got = ours.evaluate(x, as_ours(name, rank, weight), own_inputs(rank, 8000))[:, 0]
    for quantile in (0.1, 0.5, 0.9):
        assert got.quantile(quantile).item() == pytest.approx(expected.quantile(quantile).item(), abs=0.04)
