"""What holds for every parametrization at every rank, sampling and form."""

import copy
import itertools
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from lutsmith.kernels.training import ops
from lutsmith.kernels.training.ops import Reads
from lutsmith.nn import GroupSum, LogicDense, to_circuit
from lutsmith.nn.parametrizations import ALIASES, list_parametrizations, setup_parametrization
from lutsmith.nn.parametrizations.sampling import SAMPLINGS
from tests.nn.parametrization_forms import EVERY_FORM, EVERY_GRADIENT, EVERY_RANK, Form, address_rows, own_inputs

SOFT = [f for f in EVERY_GRADIENT if f.sampling.endswith("soft")]
HARD = [f for f in EVERY_FORM if f.sampling.endswith("hard")]
GUMBEL = [f for f in EVERY_FORM if f.sampling.startswith("gumbel")]
LOGITS = ("hybrid", "light", "linear", "neural", "poly", "raw", "warp")


def ids(form):
    return "-".join(map(str, form))


def layer(form, in_dim, out_dim, seed=0, **settings):
    return LogicDense(
        in_dim,
        out_dim,
        form.rank,
        parametrization=form.name,
        forward_sampling=form.sampling,
        form=form.form,
        generator=torch.Generator().manual_seed(seed),
        **settings,
    )


def drawn(parametrization, luts, seed, dtype=torch.float64):
    """Random weights away from kinks, a leaf."""
    generator = torch.Generator().manual_seed(seed)
    weight = parametrization.initial_weight(luts, generator).to(dtype)
    if type(parametrization).__name__ == "Fourier":
        weight = weight / 8  # nowhere clipped
    return weight.requires_grad_()


def seeded(parametrization, x, weight, reads, seed=7):
    """Training output with the noise of a seed."""
    torch.manual_seed(seed)
    return parametrization.evaluate(x, weight, reads)


def test_there_are_the_parametrizations_of_the_field():
    assert list_parametrizations() == [
        "dwn", "fourier", "hybrid", "lagrange", "light", "linear", "neural", "poly", "raw", "warp",
    ]  # fmt: skip
    assert {f.name for f in EVERY_FORM if f.rank == 8} == set(list_parametrizations()) - {"raw"}
    for name in LOGITS:
        assert setup_parametrization(name, 2).samplings == SAMPLINGS


@pytest.mark.parametrize(
    ("name", "ours"),
    [("difflogic", "raw"), ("neurallut", "neural"), ("polylut", "poly"), ("probabilistic", "light")],
)
def test_bitlogics_names_are_known(name, ours):
    assert type(setup_parametrization(name, 2)) is type(setup_parametrization(ours, 2))
    layer = LogicDense(4, 3, 2, parametrization=name)
    layer.load_state_dict(LogicDense(4, 3, 2, parametrization=ours).state_dict())
    assert ALIASES[name] == ours
    assert name not in list_parametrizations()


@pytest.mark.parametrize("form", EVERY_RANK, ids=ids)
def test_hard_tables_are_the_probabilities_above_one_half(form):
    parametrization = form.make(weight_init="random")
    weight = parametrization.initial_weight(6, torch.Generator().manual_seed(form.rank))
    assert weight.shape == (6, parametrization.num_weights)
    hard, p = parametrization.hard_tables(weight), parametrization.probabilities(weight)
    assert hard.shape == p.shape == parametrization.tables(weight).shape == (6, 1 << form.rank)
    assert hard.dtype == torch.bool
    assert p.min() >= 0
    assert p.max() <= 1
    if form.name != "raw":  # the expectation over sixteen gates may sit on the other side of its likeliest gate
        assert torch.equal(hard, p > 0.5)


@pytest.mark.parametrize("form", [f for f in EVERY_FORM if f not in GUMBEL], ids=ids)
def test_training_output_at_the_corners_is_the_table(form):
    parametrization = form.make(weight_init="random", temperature=0.8)
    weight = parametrization.initial_weight(5, torch.Generator().manual_seed(form.rank))
    y = parametrization.evaluate(address_rows(form.rank), weight, own_inputs(form.rank, 5))
    if form.sampling == "hard":
        assert torch.equal(y, parametrization.hard_tables(weight).float())
    else:
        torch.testing.assert_close(y, parametrization.probabilities(weight), atol=1e-5, rtol=0)


@pytest.mark.parametrize("form", EVERY_RANK, ids=ids)
def test_eval_is_the_truth_table_and_has_no_noise(form):
    model = layer(form, 11, 9, weight_init="random").eval()
    x = torch.rand(67, 11, generator=torch.Generator().manual_seed(form.rank))
    luts, inputs = model.get_luts_and_ids()
    addresses = sum((x[:, inputs[j]] > 0.5).long() << j for j in range(form.rank))
    expected = luts.expand(67, -1, -1).gather(2, addresses.unsqueeze(-1)).squeeze(-1).float()
    for _ in range(2):
        assert torch.equal(model(x), expected)


@pytest.mark.parametrize("form", EVERY_RANK, ids=ids)
def test_the_circuit_is_the_layer(form):
    model = nn.Sequential(layer(form, 12, 10, weight_init="random"), layer(form, 10, 6, seed=1), GroupSum(3)).eval()
    x = torch.rand(70, 12, generator=torch.Generator().manual_seed(form.rank))
    circuit = to_circuit(model, (12,))
    assert np.array_equal(circuit.outputs(x.numpy()), model[:-1](x).bool().numpy())
    assert np.array_equal(circuit.predict(x.numpy()), model(x).argmax(-1).numpy())


@pytest.mark.parametrize("form", EVERY_RANK, ids=ids)
def test_residual_tables_pass_input_0_with_probability_p(form):
    passed = (torch.arange(1 << form.rank) % 2).bool().expand(3, -1)
    for p, tau in itertools.product((0.6, 0.951, 0.99), (1.0, 2.5)):
        parametrization = form.make(temperature=tau, residual_probability=p)
        weight = parametrization.initial_weight(3, torch.Generator().manual_seed(0))
        assert torch.equal(parametrization.hard_tables(weight), passed)
        expected = torch.where(passed, p, 1 - p)
        torch.testing.assert_close(parametrization.probabilities(weight), expected, atol=1e-5, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("form", [f for f in SOFT if f.name != "hybrid"], ids=ids)
def test_soft_gradients_are_those_of_finite_differences(form):
    parametrization = form.make(temperature=1.5, weight_init="random")
    weight = drawn(parametrization, 2, form.rank)
    generator = torch.Generator().manual_seed(form.rank)
    x = torch.rand(form.rank, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    reads = own_inputs(form.rank, 2)
    with torch.random.fork_rng():
        assert torch.autograd.gradcheck(
            lambda x, w: seeded(parametrization, x, w, reads), (x, weight), fast_mode=form.rank > 3
        )


@pytest.mark.parametrize(
    "form", [f for f in EVERY_GRADIENT if f.name in (*LOGITS, "fourier") and (f in HARD or f.name == "hybrid")], ids=ids
)
def test_straight_through_gradients_are_those_of_the_stated_surrogate(form):
    """Of weights: the soft sampling's, with the same noise. Of inputs: the fold's of the tables that were sampled, or
    the soft sampling's where it is the output that is sampled. Hybrid's are light's.
    """
    rank, reads = form.rank, own_inputs(form.rank, 4)
    hard = form.make(temperature=1.5, weight_init="random")
    weight = drawn(hard, 4, rank)
    x = torch.rand(rank, 6, generator=torch.Generator().manual_seed(rank), dtype=torch.float64, requires_grad=True)
    g = torch.randn(4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.random.fork_rng():
        y = seeded(hard, x, weight, reads)
        if form.name == "hybrid":
            surrogate = Form("light", *form[1:]).make(temperature=1.5)
        else:
            surrogate = form._replace(sampling=form.sampling.replace("hard", "soft")).make(temperature=1.5)
        if form.name == "hybrid" or form.on_the_output:
            of_inputs = seeded(surrogate, x, weight, reads)
        else:
            torch.manual_seed(7)
            of_inputs = ops.fold(x, hard.tables(weight).detach(), reads)
        of_weights = seeded(surrogate, x, weight, reads)
    dx, dw = torch.autograd.grad(y, (x, weight), g)
    torch.testing.assert_close(dx, torch.autograd.grad(of_inputs, x, g)[0])
    torch.testing.assert_close(dw, torch.autograd.grad(of_weights, weight, g)[0])
    if form in HARD and (form.name == "hybrid" or form.on_the_output):
        assert set(y.unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("form", [f for f in EVERY_RANK if f.rank in (1, 2, 4, 5, 6)], ids=ids)
def test_learned_wiring_gets_gradients_by_its_own_rule_in_every_form(form):
    """The gradient of a score or input through learned wiring is what a mix of the candidates would have, taken at
    the candidate that is read.
    """
    generator = torch.Generator().manual_seed(form.rank)
    rank, luts, features, choices = form.rank, 3, 13, 2
    pools = torch.stack([torch.randperm(features, generator=generator)[: rank * choices] for _ in range(luts)])
    candidates = pools.reshape(luts, rank, choices)
    scores = torch.randn(luts, rank, choices, generator=generator, dtype=torch.float64, requires_grad=True)
    read = candidates.gather(2, scores.argmax(2, keepdim=True)).squeeze(2)
    reads = Reads(read.int(), None, candidates.int(), scores, 0.7, "softmax")
    parametrization = form.make(weight_init="random")
    weight = drawn(parametrization, luts, 3)
    x = torch.rand(features, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    g = torch.randn(luts, 5, generator=generator, dtype=torch.float64)
    with torch.random.fork_rng():
        got = torch.autograd.grad(seeded(parametrization, x, weight, reads), (x, weight, scores), g)
        # The same LUTs on rows of their own: each slot's value is its choice, its gradient that of the softmax mix.
        of_candidates = x[candidates.long()]  # (luts, rank, choices, B)
        by_address = form.name == "dwn" or (form.name, form.sampling) == ("lagrange", "hard")
        values = (
            (of_candidates > 0.5).double() + (of_candidates - of_candidates.detach()) if by_address else of_candidates
        )
        mix = (torch.softmax(scores / 0.7, 2).unsqueeze(3) * values).sum(2)
        rows = x[read.long()].detach() + (mix - mix.detach())
        apart = Reads(torch.arange(luts * rank).int().reshape(luts, rank))
        y = seeded(parametrization, rows.reshape(luts * rank, 5), weight, apart)
    for mine, expected in zip(got, torch.autograd.grad(y, (x, weight, scores), g), strict=True):
        torch.testing.assert_close(mine, expected)


@pytest.mark.parametrize(
    "form",
    # Noise on entries belongs to tables, of which there are not as many.
    [f for f in EVERY_FORM if f.rank in (2, 3) and (f.on_the_output or f not in GUMBEL)],
    ids=ids,
)
def test_shared_tables_are_copies_of_one_table(form):
    parametrization = form.make(weight_init="random")
    weight = drawn(parametrization, 2, 5)
    generator = torch.Generator().manual_seed(2)
    inputs = torch.randint(8, (5, form.rank), generator=generator).int()
    x = torch.rand(8, 6, generator=generator, dtype=torch.float64)
    shared = Reads(inputs, torch.tensor([0, 2, 5], dtype=torch.int32))
    with torch.random.fork_rng():
        y = seeded(parametrization, x, weight, shared)
        expected = seeded(parametrization, x, weight[[0, 0, 1, 1, 1]], Reads(inputs))
    torch.testing.assert_close(y, expected)
    g = torch.randn(5, 6, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(torch.autograd.grad(y, weight, g)[0], torch.autograd.grad(expected, weight, g)[0])


@pytest.mark.parametrize("form", [f for f in GUMBEL if f.rank == 2], ids=ids)
def test_noise_comes_anew_in_training_and_never_elsewhere(form):
    model = layer(form, 4, 50, weight_init="random")
    x = torch.rand(40, 4)
    assert not torch.equal(model(x), model(x))
    torch.manual_seed(3)
    first = model(x)
    torch.manual_seed(3)
    assert torch.equal(model(x), first)
    assert first.isfinite().all()
    model.eval()
    state = torch.get_rng_state()
    assert torch.equal(model(x), model(x))
    model.parametrization.probabilities(model.weight)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", LOGITS)
def test_sampled_bits_are_right_as_often_as_the_probability_says(name):
    """`P(theta + logistic noise > 0) = s(theta)`, and the largest logit with Gumbel noise is a draw of the softmax."""
    parametrization = setup_parametrization(name, 2, forward_sampling="gumbel_hard", weight_init="random")
    weight = parametrization.initial_weight(1, torch.Generator().manual_seed(3)).expand(4000, -1)
    torch.manual_seed(0)
    y = parametrization.evaluate(address_rows(2), weight, own_inputs(2, 4000))
    assert set(y.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(y.mean(0), parametrization.probabilities(weight)[0], atol=0.035, rtol=0)


@pytest.mark.parametrize("form", [f for f in SOFT if f.name in LOGITS and f.rank == 2], ids=ids)
def test_temperature_may_change_while_training(form):
    parametrization = form.make(weight_init="random")
    weight = parametrization.initial_weight(20, torch.Generator().manual_seed(0))
    gaps = []
    for tau in (4.0, 1.0, 0.05):
        parametrization.temperature = tau
        gaps.append((parametrization.probabilities(weight) - 0.5).abs().mean())
        y = seeded(parametrization, address_rows(2), weight, own_inputs(2, 20))
        if form.sampling == "soft":
            torch.testing.assert_close(y, parametrization.probabilities(weight), atol=1e-5, rtol=0)
    assert gaps[0] < gaps[1] < gaps[2]
    with pytest.raises(ValueError, match="temperature is 0"):
        parametrization.temperature = 0
    assert parametrization.temperature == 0.05


@pytest.mark.parametrize("form", [f for f in EVERY_FORM if f.rank == 2], ids=ids)
def test_any_batch_of_any_float_type_is_evaluated(form):
    parametrization = form.make(weight_init="random")
    weight = parametrization.initial_weight(7, torch.Generator().manual_seed(0)).requires_grad_()
    reads = own_inputs(2, 7)
    for batch in (0, 1, 65):
        x = torch.rand(2, batch, requires_grad=True)
        y = seeded(parametrization, x, weight, reads)
        assert y.shape == (7, batch)
        for gradient in torch.autograd.grad(y.sum(), (x, weight)):
            assert gradient.isfinite().all()
    narrow = seeded(parametrization, x.bfloat16(), weight, reads)
    assert narrow.dtype == torch.bfloat16
    if form.sampling == "soft" and form.name not in ("hybrid",):
        torch.testing.assert_close(narrow.float(), seeded(parametrization, x, weight, reads), atol=2e-2, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("form", [f for f in EVERY_FORM if f.rank == 2], ids=ids)
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_compiled_and_copied_layers_compute_the_same(form):
    if form in GUMBEL:
        form = form._replace(sampling=form.sampling.removeprefix("gumbel_"))
    model = layer(form, 6, 8, weight_init="random", connections="learnable", num_candidates=3)
    x = torch.rand(33, 6)
    others = [torch.compile(copy.deepcopy(model), backend="aot_eager"), pickle.loads(pickle.dumps(model))]
    for other in others:
        torch.testing.assert_close(other(x), model(x))
        gradients = [torch.autograd.grad(m(x).square().sum(), m.weight)[0] for m in (model, other)]
        torch.testing.assert_close(*gradients)


@pytest.mark.parametrize(
    ("name", "settings_", "error", "words"),
    [
        ("nope", {}, ValueError, "light"),
        ("raw", {"lut_rank": 3}, ValueError, "lut_rank is 3; expected the inputs of a Raw LUT"),
        ("light", {"lut_rank": 2.0}, TypeError, r"lut_rank is 2\.0; .* from 1 to 8"),
        ("light", {"lut_rank": "2"}, TypeError, "lut_rank is '2'; .* from 1 to 8"),
        ("light", {"lut_rank": 9}, ValueError, "from 1 to 8"),
        ("light", {"lut_rank": 0}, ValueError, "from 1 to 8"),
        ("light", {"forward_sampling": "x"}, ValueError, "one of soft, hard, gumbel_soft, gumbel_hard"),
        ("light", {"form": "direct"}, ValueError, "form of Light is 'direct'; expected one of multilinear"),
        ("poly", {"form": "x"}, ValueError, "multilinear, direct"),
        ("dwn", {"forward_sampling": "soft"}, ValueError, "expected one of hard"),
        ("fourier", {"forward_sampling": "gumbel_soft"}, ValueError, "expected one of soft, hard"),
        ("lagrange", {"forward_sampling": "gumbel_hard"}, ValueError, "expected one of soft, hard"),
        ("light", {"weight_init": "x"}, ValueError, "residual, random"),
        ("light", {"temperature": 0.0}, ValueError, "temperature"),
        ("light", {"temperature": float("nan")}, ValueError, "temperature"),
        ("light", {"temperature": float("inf")}, ValueError, "temperature"),
        ("light", {"residual_probability": 1.0}, ValueError, "residual_probability"),
        ("dwn", {"rho": 0.0}, ValueError, "rho"),
        ("dwn", {"rho": 1.5}, ValueError, "rho"),
        ("dwn", {"rho": float("nan")}, ValueError, "rho"),
        ("dwn", {"decay": "x"}, ValueError, "exponential, linear"),
        ("dwn", {"decay": "linear", "rho": 0.5}, ValueError, "leave it out"),
        ("poly", {"degree": 0}, ValueError, "degree is 0"),
        ("poly", {"degree": 9}, ValueError, "1 to 8"),
        ("poly", {"degree": 1.5}, TypeError, "degree is 1.5"),
        ("linear", {"degree": 2}, ValueError, "linear has no degree; it takes form"),
        ("polylut", {"rho": 0.5}, ValueError, "polylut has no rho; it takes degree, form"),
        ("dwn", {"anchor_init": True}, ValueError, "no anchor_init; it takes decay, form, forward_sampling, residual"),
        ("light", {"rank": 2}, ValueError, "light has no rank"),
        ("light", {"temperature": "hot"}, TypeError, "temperature is 'hot'; expected a positive number"),
        ("ligth", {}, ValueError, "did you mean 'light'"),
        ("neural", {"width": 0}, ValueError, "width is 0"),
        ("neural", {"depth": 0}, ValueError, "depth is 0"),
        ("fourier", {"num_frequencies": 1}, ValueError, "2 to 4"),
        ("fourier", {"num_frequencies": 5}, ValueError, "2 to 4"),
        ("lagrange", {"gamma": 0.0}, ValueError, "gamma"),
        ("lagrange", {"gamma": float("inf")}, ValueError, "gamma"),
    ],
)
def test_wrong_settings_are_refused(name, settings_, error, words):
    with pytest.raises(error, match=words):
        setup_parametrization(name, **{"lut_rank": 2, **settings_})
