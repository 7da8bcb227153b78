"""Every parametrization learns what it can represent, and its circuit knows it."""

import pytest
import torch
from torch import nn

from lutsmith.nn import GroupSum, LogicDense
from tests.nn.parametrization_forms import EVERY_FORM, Form, address_rows, own_inputs

SMALL = [f for f in EVERY_FORM if f.rank == (2 if f.name == "raw" else 4)]


def ids(form):
    return "-".join(map(str, form))


@pytest.mark.slow
@pytest.mark.parametrize("form", SMALL, ids=ids)
def test_tables_of_its_own_kind_are_learned_from_a_residual_start(form):
    """Sixty-four LUTs fit random tables that the parametrization can represent, from all addresses."""
    torch.manual_seed(0)
    parametrization, teacher = form.make(), form.make(weight_init="random")
    target = teacher.hard_tables(teacher.initial_weight(64, torch.Generator().manual_seed(1))).float()
    weight = parametrization.initial_weight(64, torch.Generator().manual_seed(2)).requires_grad_()
    optimizer = torch.optim.Adam([weight], lr=0.1)
    x, reads = address_rows(form.rank), own_inputs(form.rank, 64)
    for _ in range(150):
        optimizer.zero_grad()
        (parametrization.evaluate(x, weight, reads) - target).square().sum().backward()
        optimizer.step()
        parametrization.clamp_(weight.data)
    right = (parametrization.hard_tables(weight) == target).float().mean()
    assert right > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("form", [f for f in SMALL if f[0::2] != ("fourier", "hard") or f.form != "direct"], ids=ids)
def test_two_layers_learn_a_majority_of_bits_through_each_other(form):
    """Not the waves of fourier between bits: they are flat there, and the first layer would learn nothing."""
    torch.manual_seed(0)
    x = torch.randint(0, 2, (256, 9)).float()
    y = (x.sum(1) > 4).long()
    generator = torch.Generator().manual_seed(3)
    settings = {
        "parametrization": form.name,
        "forward_sampling": form.sampling,
        "form": form.form,
        "residual_probability": 0.9,
    }
    first, last = (LogicDense(a, b, form.rank, generator=generator, **settings) for a, b in ((9, 60), (60, 40)))
    model = nn.Sequential(first, last, GroupSum(2, tau=2.0))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
        first.clamp_()
        last.clamp_()
    assert (model.eval()(x).argmax(1) == y).float().mean() > 0.9


def test_the_linear_decay_teaches_the_layer_below():
    torch.manual_seed(0)
    x = torch.randint(0, 2, (256, 9)).float()
    y = (x.sum(1) > 4).long()
    settings = {"parametrization": "dwn", "decay": "linear", "generator": torch.Generator().manual_seed(3)}
    model = nn.Sequential(LogicDense(9, 60, 4, **settings), LogicDense(60, 40, 4, **settings), GroupSum(2, tau=2.0))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        assert model[0].weight.grad.abs().sum() > 0
        optimizer.step()
        model[0].clamp_()
        model[1].clamp_()
    assert (model.eval()(x).argmax(1) == y).float().mean() > 0.9


def test_what_lies_outside_of_a_parametrization_is_not_learned():
    """The tests above could fail: XOR is no threshold gate, and no polynomial of degree 1."""
    form = Form("linear", 2, "soft", "multilinear").make()
    weight = form.initial_weight(1).requires_grad_()
    optimizer = torch.optim.Adam([weight], lr=0.1)
    target = torch.tensor([[0.0, 1.0, 1.0, 0.0]])
    for _ in range(150):
        optimizer.zero_grad()
        (form.evaluate(address_rows(2), weight, own_inputs(2, 1)) - target).square().sum().backward()
        optimizer.step()
    assert not torch.equal(form.hard_tables(weight).float(), target)
