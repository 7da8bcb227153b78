"""Each family is the formula that it claims to be: naive sums, published numbers, other orders of bits."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.kernels.training.gates.naive import gate_tables
from lutsmith.kernels.training.ops import Reads
from lutsmith.nn import LogicDense
from lutsmith.nn.parametrizations import list_parametrizations, msb_first, setup_parametrization
from lutsmith.nn.parametrizations.dwn import linear_decay
from lutsmith.nn.parametrizations.fourier import clip
from lutsmith.nn.parametrizations.warp import hadamard
from tests.nn.parametrization_forms import address_rows, own_inputs


def randn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rand(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def extended_differences(table, decay):
    """`sum_k +-table_k decay(H)` at every address and input, `(2**n, n)`: DWN's backward pass as it is written."""
    entries = len(table)
    rank = entries.bit_length() - 1
    result = torch.zeros(entries, rank, dtype=torch.float64)
    signed = [[t if k >> j & 1 else -t for k, t in enumerate(table.tolist())] for j in range(rank)]
    decays = [decay(distance) for distance in range(rank)]
    for a, j in itertools.product(range(entries), range(rank)):
        others = a | 1 << j  # with input j set in both addresses, it counts for no distance
        result[a, j] = sum(value * decays[(others ^ (k | 1 << j)).bit_count()] for k, value in enumerate(signed[j]))
    return result


def input_gradients(parametrization, table):
    """The gradient toward each input at every address, `(2**n, n)`."""
    rank = parametrization.rank
    x = address_rows(rank).double().requires_grad_()
    y = parametrization.evaluate(x, table[None], own_inputs(rank, 1))
    assert torch.equal(y[0], (table > 0).double())
    return torch.autograd.grad(y.sum(), x)[0].T


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            [0.1, -0.2, 0.3, 0.9],
            {0: [-0.0375, 0.2125], 1: [-0.0375, 0.4375], 2: [0.1875, 0.2125], 3: [0.1875, 0.4375]},
        ),
        (
            [-1, -0.5, 0.25, 0.75, 0.5, 1, -0.25, 0.125],
            {
                0: [0.246094, 0.371094, 0.496094],
                5: [0.238281, -0.160156, 0.488281],
                7: [0.214844, -0.160156, -0.035156],
            },
        ),
    ],
)
def test_dwn_has_the_gradients_that_its_own_kernel_gives(table, expected):
    table = torch.tensor(table, dtype=torch.float64)
    got = input_gradients(setup_parametrization("dwn", len(table).bit_length() - 1), table)
    for address, gradient in expected.items():
        torch.testing.assert_close(got[address], torch.tensor(gradient, dtype=torch.float64), atol=1e-6, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize(("rank", "rho"), [*((rank, 0.2) for rank in range(1, 9)), (4, 0.5), (1, 1.0), (6, 1.0)])
def test_rho_is_alpha_and_beta_of_the_extended_finite_difference(rank, rho):
    table = randn(1 << rank, seed=rank)
    alpha, beta = rho * ((1 + rho) / 2) ** (rank - 1), (1 - rho) / (1 + rho)
    got = input_gradients(setup_parametrization("dwn", rank, rho=rho), table)
    torch.testing.assert_close(got, extended_differences(table, lambda h: alpha * beta**h))


@pytest.mark.parametrize("rank", range(1, 9))
def test_the_linear_decay_is_the_hamming_sum_of_the_paper(rank):
    table = randn(1 << rank, seed=rank)
    got = input_gradients(setup_parametrization("dwn", rank, decay="linear"), table)
    torch.testing.assert_close(got, extended_differences(table, lambda h: 1 / (h + 1)))


@pytest.mark.parametrize("rank", range(1, 9))
def test_the_quadrature_of_the_linear_decay_is_exact_at_every_distance(rank):
    for distance in range(rank):
        total = 0.0
        for rho, share in linear_decay(rank):
            assert 0 < rho < 1
            total += share * rho * ((1 + rho) / 2) ** (rank - 1) * ((1 - rho) / (1 + rho)) ** distance
        assert total == pytest.approx(1 / (distance + 1), rel=1e-12)


@pytest.mark.parametrize("decay", ["exponential", "linear"])
def test_dwn_tables_get_the_gradient_of_the_addressed_entry_once_with_learned_wiring_too(decay):
    form = setup_parametrization("dwn", 3, decay=decay)
    candidates = torch.arange(12).reshape(2, 3, 2).int()
    scores = randn(2, 3, 2).requires_grad_()
    reads = Reads(candidates[:, :, 0].contiguous(), None, candidates, scores, 1.0, "dwn")
    table, x = randn(2, 8, seed=1).requires_grad_(), rand(12, 1, seed=2).round().requires_grad_()
    y = form.evaluate(x, table, reads)
    dtable, dx, dscores = torch.autograd.grad(y.sum(), (table, x, scores))
    address = (x[candidates[:, :, 0].long(), 0].long() << torch.arange(3)).sum(1)
    assert torch.equal(dtable, torch.nn.functional.one_hot(address, 8).double())
    slopes = torch.stack([input_gradients(form, t)[a] for t, a in zip(table.detach(), address, strict=True)])
    torch.testing.assert_close(dscores, (2 * x.detach()[candidates.long(), 0] - 1) * slopes.unsqueeze(2))
    torch.testing.assert_close(dx[:, 0], (torch.softmax(scores, 2) * slopes.unsqueeze(2)).detach().flatten())


def test_rho_may_change_while_training_and_the_linear_decay_has_none():
    form, table = setup_parametrization("dwn", 4), randn(16)
    form.rho = 0.9
    torch.testing.assert_close(
        input_gradients(form, table), input_gradients(setup_parametrization("dwn", 4, rho=0.9), table)
    )
    with pytest.raises(ValueError, match=r"rho is 1\.2"):
        form.rho = 1.2
    assert form.rho == 0.9
    linear = setup_parametrization("dwn", 4, decay="linear")
    assert not hasattr(linear, "rho")
    with pytest.raises(AttributeError, match="no rho"):
        linear.rho = 0.5


@pytest.mark.parametrize("name", ["dwn", "lagrange"])
def test_tables_of_bounded_entries_are_clamped(name):
    weight = torch.tensor([[-3.0, 0.5, 2.0, 1.0]])
    setup_parametrization(name, 2).clamp_(weight)
    assert weight.tolist() == [[-1.0, 0.5, 1.0, 1.0]]


@pytest.mark.parametrize("name", [n for n in list_parametrizations() if n not in ("dwn", "lagrange")])
def test_other_weights_are_free(name):
    form = setup_parametrization(name, 2)
    weight = 50 * randn(3, form.num_weights)
    kept = weight.clone()
    form.clamp_(weight)
    assert torch.equal(weight, kept)


def test_gate_g_has_the_table_g():
    weight = torch.full((16, 16), -9.0).fill_diagonal_(9.0)
    hard = setup_parametrization("raw", 2).hard_tables(weight)
    assert [sum(int(bit) << k for k, bit in enumerate(row)) for row in hard] == list(range(16))
    a, b = torch.tensor([0, 1, 0, 1]), torch.tensor([0, 0, 1, 1])
    for gate, value in ((10, a), (12, b), (8, a & b), (14, a | b), (6, a ^ b)):
        assert torch.equal(gate_tables()[gate], value.float())


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


def test_hybrid_reads_the_entry_and_passes_on_the_slope_at_binary_inputs_too():
    form, weight = setup_parametrization("hybrid", 2), randn(1, 4)
    x = address_rows(2).double().requires_grad_()
    y = form.evaluate(x, weight, own_inputs(2, 1))
    p = weight.sigmoid()[0]
    assert torch.equal(y[0], p)
    (dx,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(dx[0], (p[[1, 1, 3, 3]] - p[[0, 0, 2, 2]]))
    torch.testing.assert_close(dx[1], (p[[2, 3, 2, 3]] - p[[0, 1, 0, 1]]))
    soft = form.evaluate(torch.full((2, 1), 0.7, dtype=torch.float64), weight, own_inputs(2, 1))
    assert soft.item() == p[3].item()


@pytest.mark.parametrize("rank", [1, 2, 3, 5])
def test_linear_is_a_bias_and_a_weight_for_each_input(rank):
    form = setup_parametrization("linear", rank, temperature=0.5)
    weight, x = randn(4, rank + 1), rand(rank, 7)
    expected = ((weight[:, :1] + weight[:, 1:] @ x) / 0.5).sigmoid()
    torch.testing.assert_close(form.evaluate(x, weight, own_inputs(rank, 4)), expected)
    assert form.num_weights == rank + 1


@pytest.mark.parametrize("form", ["multilinear", "direct"])
@pytest.mark.parametrize(("rank", "degree"), [(1, 1), (1, 3), (2, 2), (3, 2), (4, 3), (3, 5), (6, 2)])
def test_poly_is_the_sum_of_its_monomials(rank, degree, form):
    parametrization = setup_parametrization("poly", rank, degree=degree, form=form)
    powers = [p for p in itertools.product(range(degree + 1), repeat=rank) if sum(p) <= degree]
    if form == "multilinear":
        powers = [p for p in powers if max(p) <= 1]
        assert len(powers) == sum(math.comb(rank, d) for d in range(degree + 1))
    else:
        assert len(powers) == math.comb(rank + degree, degree)
    powers.sort(key=lambda p: (sum(p), [-e for e in p]))  # by degree, then x_0 x_0 before x_0 x_1 before x_1 x_1
    assert parametrization.num_weights == len(powers)
    weight, x = randn(3, len(powers)), rand(rank, 6)
    monomials = torch.stack([torch.stack([x[j] ** e for j, e in enumerate(p)]).prod(0) for p in powers])
    torch.testing.assert_close(parametrization.evaluate(x, weight, own_inputs(rank, 3)), (weight @ monomials).sigmoid())


@pytest.mark.parametrize(("rank", "width", "depth"), [(1, 1, 1), (2, 3, 1), (4, 8, 2), (6, 4, 3)])
def test_neural_is_a_perceptron_of_each_lut_with_a_skip_connection(rank, width, depth):
    direct = setup_parametrization("neural", rank, width=width, depth=depth, form="direct")
    corners = setup_parametrization("neural", rank, width=width, depth=depth)
    sizes = [(rank, width), *[(width, width)] * (depth - 1), (width, 1)]
    assert direct.num_weights == sum(a * b + b for a, b in sizes) + rank
    weight, x = randn(3, direct.num_weights), rand(rank, 5)

    def perceptron(flat, point):
        values = list(flat)
        take = lambda count: [values.pop(0) for _ in range(count)]  # noqa: E731
        signs = hidden = [2 * float(v) - 1 for v in point]
        for layer, (inputs, outputs) in enumerate(sizes):
            matrix, bias = take(inputs * outputs), take(outputs)
            hidden = [bias[o] + sum(hidden[i] * matrix[i * outputs + o] for i in range(inputs)) for o in range(outputs)]
            if layer < depth:
                hidden = [max(h, torch.zeros(())) for h in hidden]
        return hidden[0] + sum(s * v for s, v in zip(values, signs, strict=True))

    expected = torch.tensor([[perceptron(w, point) for point in x.T] for w in weight], dtype=torch.float64)
    torch.testing.assert_close(direct.evaluate(x, weight, own_inputs(rank, 3)), expected.sigmoid())
    tables = torch.tensor([[perceptron(w, point) for point in address_rows(rank).T] for w in weight])
    torch.testing.assert_close(corners.tables(weight), tables.double(), atol=1e-6, rtol=0)


def test_residual_perceptrons_start_at_random_behind_a_closed_way_out():
    form = setup_parametrization("neural", 4)
    weight = form.initial_weight(30, torch.Generator().manual_seed(0)).double().requires_grad_()
    hidden = weight[:, : -(form.width + 1 + form.rank)]
    assert len(hidden.unique(dim=0)) == 30
    (gradient,) = torch.autograd.grad(form.probabilities(weight)[:, 5].sum(), weight)
    assert (gradient[:, -(form.width + 1 + form.rank) :][:, : form.width] != 0).any(1).all()


@pytest.mark.parametrize(("rank", "count"), [(1, None), (2, None), (2, 3), (4, 7), (5, None), (8, 9)])
def test_fourier_is_the_clipped_sum_of_waves_with_few_inputs_first(rank, count):
    form = setup_parametrization("fourier", rank, num_frequencies=count, form="direct")
    waves = [s for degree in range(rank + 1) for s in itertools.combinations(range(rank), degree)][:count]
    amplitude, phase = rand(3, len(waves)) / len(waves), 7 * rand(3, len(waves), seed=1)
    phase[:, 0] = 0  # the constant wave has no phase
    cosine, sine = amplitude * phase.cos(), (amplitude * phase.sin())[:, 1:]
    weight, x = torch.cat((cosine, sine), dim=1), rand(rank, 6)
    turns = torch.stack([x[list(s)].sum(0) / 2 for s in waves])  # <w, x>
    q = 0.5 + (amplitude[..., None] * (2 * math.pi * turns + phase[..., None]).cos()).sum(1)
    y = form.evaluate(x, weight, own_inputs(rank, 3))
    torch.testing.assert_close(y, q.clamp(0, 1))
    at_corners = setup_parametrization("fourier", rank, num_frequencies=count)
    torch.testing.assert_close(at_corners.probabilities(cosine), form.probabilities(weight))


def test_the_clip_of_fourier_passes_the_gradients_that_lead_back():
    q = torch.tensor([-0.5, -0.5, 0.0, 0.3, 0.3, 1.0, 1.5, 1.5], requires_grad=True)
    upstream = torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0])
    y = clip(q)
    assert y.tolist() == q.detach().clamp(0, 1).tolist()
    assert torch.autograd.grad(y, q, upstream)[0].tolist() == [0.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, 0.0]


def product_form(values, signs):
    """`sum_k t_k prod_j (1 + tau_jk x_j)` of DeepLUT, at `signs` `(n, B)`."""
    rank = len(signs)
    total = torch.zeros_like(signs[0])
    for k in range(1 << rank):
        term = torch.ones_like(signs[0])
        for j in range(rank):
            term = term * (1 + (1 if k >> j & 1 else -1) * signs[j])
        total = total + values[k] * term
    return total


@pytest.mark.parametrize("normalised", [True, False])
@pytest.mark.parametrize("rank", [1, 2, 3, 5])
def test_lagrange_is_the_product_form_and_so_are_its_gradients(rank, normalised):
    gamma = 0.7
    weight, x = (rand(1 << rank) * 2 - 1).requires_grad_(), rand(rank, 6).requires_grad_()
    scale = gamma / (1 << rank) if normalised else gamma
    form = setup_parametrization("lagrange", rank, gamma=gamma, normalised=normalised)
    y = form.evaluate(x, weight[None], own_inputs(rank, 1))[0]
    expected = (1 + scale * product_form(weight, 2 * x - 1)) / 2
    torch.testing.assert_close(y, expected)
    for mine, theirs in zip(
        torch.autograd.grad(y.sum(), (x, weight)), torch.autograd.grad(expected.sum(), (x, weight)), strict=True
    ):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("normalised", [True, False])
@pytest.mark.parametrize("rank", [1, 2, 3, 5])
def test_hard_lagrange_is_the_binarised_product_form(rank, normalised):
    """DeepLUT's level 1: signs of inputs (identity gradient) and of weights (gradient 1 where |theta| <= 1)."""
    weight, x = (3 * randn(1 << rank)).requires_grad_(), rand(rank, 6).requires_grad_()
    signs = 2 * x - 1
    hard_signs = torch.where(x > 0.5, 1.0, -1.0) + (signs - signs.detach())
    values = torch.where(weight > 0, 1.0, -1.0) + (weight.clamp(-1, 1) - weight.clamp(-1, 1).detach())
    scale = 1 / (1 << rank) if normalised else 1
    form = setup_parametrization("lagrange", rank, normalised=normalised, forward_sampling="hard")
    y = form.evaluate(x, weight[None], own_inputs(rank, 1))[0]
    expected = (1 + scale * product_form(values, hard_signs)) / 2
    torch.testing.assert_close(y, expected)
    for mine, theirs in zip(
        torch.autograd.grad(y.sum(), (x, weight)), torch.autograd.grad(expected.sum(), (x, weight)), strict=True
    ):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("rank", [1, 3, 6])
def test_lagrange_of_either_scale_has_outputs_within_0_and_1_after_clamping(rank):
    for normalised in (True, False):
        form = setup_parametrization("lagrange", rank, gamma=0.5, normalised=normalised)
        weight = 100 * randn(5, 1 << rank)
        form.clamp_(weight)
        y = form.evaluate(address_rows(rank).double(), weight, own_inputs(rank, 5))
        assert y.min() == 0
        assert y.max() == 1


@given(st.integers(0, 8), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_msb_first_reads_the_same_function_with_input_0_on_top(rank, seed):
    tables = torch.randint(0, 2, (3, 1 << rank), generator=torch.Generator().manual_seed(seed))
    other = msb_first(tables)
    for address in range(1 << rank):
        bits = [address >> j & 1 for j in range(rank)]
        theirs = sum(bit << (rank - 1 - j) for j, bit in enumerate(bits))
        assert torch.equal(other[:, theirs], tables[:, address])
    assert torch.equal(msb_first(other), tables)


def test_msb_first_takes_what_layers_give_and_refuses_other_sizes():
    layer = LogicDense(4, 3, 2)  # passes input 0, which is the upper half with input 0 on top
    assert msb_first(layer.get_luts_and_ids()[0]).tolist() == [[0, 0, 1, 1]] * 3
    for bad in (torch.zeros(2, 3), torch.zeros(2, 0), torch.tensor(1.0)):
        with pytest.raises(ValueError, match=r"2\*\*rank"):
            msb_first(bad)
