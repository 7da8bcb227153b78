import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import lutsmith.dwn as dwn
from lutsmith import to_circuit

GOLDEN = {
    (0.1, -0.2, 0.3, 0.9): {
        0: [-0.0375, 0.2125],
        1: [-0.0375, 0.4375],
        2: [0.1875, 0.2125],
        3: [0.1875, 0.4375],
    },
    (-1, -0.5, 0.25, 0.75, 0.5, 1, -0.25, 0.125): {
        0: [0.246094, 0.371094, 0.496094],
        5: [0.238281, -0.160156, 0.488281],
        7: [0.214844, -0.160156, -0.035156],
    },
}


@pytest.mark.parametrize(
    ("table", "address", "slopes"),
    [(table, address, slopes) for table, rows in GOLDEN.items() for address, slopes in rows.items()],
)
def test_golden_extended_finite_differences(table, address, slopes):
    n = len(slopes)
    layer = dwn.LUTLayer(n, 1, n, mapping="arange")
    with torch.no_grad():
        layer.luts.copy_(torch.tensor([table]))
    x = torch.tensor([[float(address >> j & 1) for j in range(n)]], requires_grad=True)
    y = layer(x)
    y.backward(torch.ones_like(y))
    assert y.item() == (table[address] > 0)
    torch.testing.assert_close(x.grad, torch.tensor([slopes], dtype=torch.float32), atol=1e-6, rtol=0)
    assert torch.equal(layer.luts.grad, torch.eye(len(table))[[address]])


def naive_efd(x, mapping, luts, alpha, beta, g):
    """The loops of DWN's kernel, in float64: outputs, gradients of x and of the tables."""
    x, luts, g = x.double(), luts.double(), g.double()
    batch, count, n = len(x), *mapping.shape
    y, dx, dluts = torch.zeros(batch, count).double(), torch.zeros_like(x), torch.zeros_like(luts)
    for b in range(batch):
        for j in range(count):
            a = sum(1 << slot for slot in range(n) if x[b, mapping[j, slot]] > 0)
            y[b, j] = luts[j, a]
            dluts[j, a] += g[b, j]
            for slot in range(n):
                slope = 0.0
                for k in range(1 << n):
                    distance = bin((a & ~(1 << slot)) ^ (k & ~(1 << slot))).count("1")
                    slope += (1 if k >> slot & 1 else -1) * luts[j, k] * alpha * beta**distance
                dx[b, mapping[j, slot]] += slope * g[b, j]
    return y, dx, dluts


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 5),
    st.integers(1, 6),
    st.integers(1, 7),
    st.integers(1, 9),
    st.one_of(st.none(), st.floats(-2, 2)),
    st.one_of(st.none(), st.floats(0, 0.9)),
    st.integers(0, 99),
)
def test_efd_equals_the_loops_of_the_kernel(n, in_dim, count, batch, alpha, beta, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, in_dim, generator=generator, requires_grad=True)
    mapping = torch.randint(0, in_dim, (count, n), generator=generator).int()  # inputs may repeat in a LUT
    luts = (torch.rand(count, 1 << n, generator=generator) * 2 - 1).requires_grad_()
    g = torch.randn(batch, count, generator=generator)
    alpha = 0.5 * 0.75 ** (n - 1) if alpha is None else alpha
    beta = 0.25 / 0.75 if beta is None else beta
    y = dwn.EFDFunction.apply(x, mapping, luts, alpha, beta)
    y.backward(g)
    expected = naive_efd(x.detach(), mapping, luts.detach(), alpha, beta, g)
    for ours, theirs in zip((y, x.grad, luts.grad), expected, strict=True):
        torch.testing.assert_close(ours.detach().double(), theirs, atol=2e-5, rtol=2e-5)


def test_the_layer_clamps_its_tables_in_training_only():
    layer = dwn.LUTLayer(4, 3, 2)
    with torch.no_grad():
        layer.luts.fill_(7)
    layer.eval()(torch.zeros(1, 4))
    assert (layer.luts == 7).all()
    layer.train()(torch.zeros(1, 4))
    assert (layer.luts == 1).all()
    free = dwn.LUTLayer(4, 3, 2, clamp_luts=False)
    with torch.no_grad():
        free.luts.fill_(7)
    free.train()(torch.zeros(1, 4))
    assert (free.luts == 7).all()


def test_ste_gives_bits_and_the_gradient_of_the_identity():
    x = torch.tensor([[-1.0, 0.0, 1e-30, 2.0, torch.nan]], requires_grad=True)
    y = dwn.STE()(x)
    y.backward(torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0]]))
    assert y.tolist() == [[0, 0, 1, 1, 0]]
    assert x.grad.tolist() == [[1, 2, 3, 4, 5]]
    real = dwn.LUTLayer(4, 3, 2, ste=False)
    assert set(real(torch.ones(1, 4)).flatten().tolist()) <= set(real.luts.flatten().tolist())


def test_inputs_count_above_zero_whatever_their_size():
    layer = dwn.LUTLayer(1, 1, 1, mapping="arange", ste=False)
    x = torch.tensor([[-0.4], [0.0], [1e-30], [0.4], [3.0]])
    low, high = layer.luts[0].tolist()
    assert layer(x).flatten().tolist() == [low, low, high, high, high]
    assert layer(torch.tensor([[2], [0]])).flatten().tolist() == [high, low]


@pytest.mark.parametrize("random", [True, False])
def test_layer_mapping_is_permutations_in_a_row(random):
    torch.manual_seed(3)
    mapping = dwn.layer_mapping(10, 6, 50, random)
    torch.manual_seed(3)
    order = (lambda: torch.randperm(10)) if random else (lambda: torch.arange(10))
    assert torch.equal(mapping, torch.cat([order() for _ in range(30)]).reshape(50, 6).int())
    assert mapping.dtype == torch.int32
    assert dwn.layer_mapping(10, 3, 2, random=False).tolist() == [[0, 1, 2], [3, 4, 5]]
    if random:
        assert any(len(set(row)) < 6 for row in mapping.tolist())


@pytest.mark.parametrize("shape", [(5, 7), (2, 3, 7), (0, 7)])
def test_a_learnable_mapping_has_dwns_gradients(shape):
    torch.manual_seed(0)
    mapping = dwn.LearnableMapping(7, 9, tau=0.1)
    x = torch.randint(0, 2, shape).float().requires_grad_()
    g = torch.randn(*shape[:-1], 9)
    y = mapping(x)
    y.backward(g)
    weights = mapping.weights.detach()
    rows, grads = x.detach().reshape(-1, 7), g.reshape(-1, 9)
    assert torch.equal(y, x[..., weights.argmax(0)])
    torch.testing.assert_close(mapping.weights.grad, (2 * rows - 1).t() @ grads)
    torch.testing.assert_close(x.grad.reshape(-1, 7), grads @ (weights / 0.1).softmax(0).t())


def test_the_softmax_of_a_learnable_mapping_is_taken_in_blocks(monkeypatch):
    from lutsmith.kernels.training.read_best import blocks

    mapping = dwn.LearnableMapping(7, 9, tau=0.1)
    x = torch.rand(4, 7)
    results = []
    for block in (1 << 22, 20, 1):
        monkeypatch.setattr(blocks, "BLOCK", block)
        leaf = x.clone().requires_grad_()
        mapping(leaf).square().sum().backward()
        results.append(leaf.grad)
    torch.testing.assert_close(results[0], results[1])
    torch.testing.assert_close(results[0], results[2])


@pytest.mark.parametrize("mapping", ["random", "arange", "learnable", torch.tensor([[0, 0, 1], [5, 2, 5]]).int()])
def test_the_circuit_is_the_model(mapping):
    torch.manual_seed(1)
    width = 2 if isinstance(mapping, torch.Tensor) else 20
    model = nn.Sequential(
        dwn.LUTLayer(6, width, 3, mapping), dwn.STE(), dwn.LUTLayer(width, 11, 2), dwn.GroupSum(3, 0.3, randperm=11)
    )
    model.train()(torch.ones(1, 6))
    model.eval()
    x = torch.randint(0, 2, (200, 6)).float()
    circuit = to_circuit(model, (6,))
    assert np.array_equal(circuit.predict(x.numpy()), model(x).argmax(-1).numpy())
    torch.testing.assert_close(torch.from_numpy(circuit.decision_function(x.numpy())).float(), model(x) * 0.3)
    assert torch.equal(model.train()(x), model.eval()(x))


def test_a_learnable_mapping_alone_lowers_to_wires():
    mapping = dwn.LearnableMapping(6, 4)
    circuit = to_circuit(nn.Sequential(mapping), (6,))
    x = torch.randint(0, 2, (20, 6)).float()
    assert np.array_equal(circuit.outputs(x.numpy()), mapping(x).detach().bool().numpy())


def test_real_outputs_do_not_lower():
    with pytest.raises(ValueError, match="ste=True"):
        to_circuit(dwn.LUTLayer(4, 3, 2, ste=False), (4,))


def test_group_sum_pads_and_keeps_its_permutation():
    head = dwn.GroupSum(3, tau=2.0)
    assert head(torch.tensor([[1.0, 1, 1, 1]])).tolist() == [[1.0, 1.0, 0.0]]
    assert head(torch.ones(2, 5, 6)).shape == (2, 5, 3)
    permuted = dwn.GroupSum(k=2, randperm=6)
    other = dwn.GroupSum(2, randperm=6)
    other.load_state_dict(permuted.state_dict())
    x = torch.rand(4, 6)
    assert torch.equal(permuted(x), other(x))
    torch.testing.assert_close(permuted(x), x[:, permuted.randperm].reshape(4, 2, 3).sum(-1))
    with pytest.raises(ValueError, match="6 inputs"):
        permuted(torch.rand(4, 7))


def test_a_state_dict_of_torch_dwn_loads():
    state = {
        "0.luts": torch.rand(5, 8) - 0.5,
        "0.mapping.weights": torch.rand(6, 15),
        "0._LUTLayer__dummy_mapping": torch.arange(15).reshape(5, 3).int(),
        "1.luts": torch.rand(4, 4) - 0.5,
        "1.mapping": torch.randint(0, 5, (4, 2)).int(),
    }
    model = nn.Sequential(dwn.LUTLayer(6, 5, 3, "learnable"), dwn.LUTLayer(5, 4, 2), dwn.GroupSum(2))
    model.load_state_dict(dict(state))
    assert torch.equal(model[0].inputs(), state["0.mapping.weights"].argmax(0).reshape(5, 3).int())
    assert torch.equal(model[1].inputs(), state["1.mapping"])
    with pytest.raises(ValueError, match="names inputs"):
        model.load_state_dict({**state, "1.mapping": torch.full((4, 2), 9).int()})


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
def test_the_published_model_learns(optimizer):
    torch.manual_seed(0)
    x = torch.randint(0, 2, (512, 12)).float()
    y = (x[:, 3] != x[:, 8]).long()
    model = nn.Sequential(
        dwn.LUTLayer(12, 64, n=4, mapping="learnable"), dwn.LUTLayer(64, 40, n=2), dwn.GroupSum(2, tau=2.0)
    )
    steps = optimizer(model.parameters(), lr=1e-2 if optimizer is torch.optim.Adam else 0.5)
    for _ in range(150):
        steps.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        steps.step()
    model.eval()
    assert (model(x).argmax(-1) == y).float().mean() > 0.9
    circuit = to_circuit(model, (12,))
    assert np.array_equal(circuit.predict(x.numpy()), model(x).argmax(-1).numpy())


def test_impossible_settings_say_what_is_expected():
    with pytest.raises(ValueError, match="n of 1 to"):
        dwn.LUTLayer(4, 3, 9)
    with pytest.raises(ValueError, match="'learnable'"):
        dwn.LUTLayer(4, 3, 2, mapping="dense")
    with pytest.raises(ValueError, match="names inputs"):
        dwn.LUTLayer(4, 1, 2, mapping=torch.tensor([[0, 4]]).int())
    with pytest.raises(ValueError, match="expected int32"):
        dwn.LUTLayer(4, 1, 2, mapping=torch.tensor([[0.0, 1.0]]))
    with pytest.raises(ValueError, match="beta"):
        dwn.LUTLayer(4, 3, 2, beta=1.5)
    with pytest.raises(ValueError, match="alpha is nan"):
        dwn.LUTLayer(4, 3, 2, alpha=float("nan"))
    with pytest.raises(TypeError, match="mapping is a ndarray"):
        dwn.LUTLayer(4, 3, 2, mapping=np.zeros((3, 2), np.int32))
    with pytest.raises(ValueError, match="number of groups"):
        dwn.GroupSum(2.0)
    with pytest.raises(ValueError, match="input of shape"):
        dwn.LUTLayer(4, 3, 2)(torch.zeros(1, 5))
    with pytest.raises(ValueError, match="tau"):
        dwn.LearnableMapping(3, 4, tau=0)
    with pytest.raises(ValueError, match="sizes above 0"):
        dwn.LearnableMapping(0, 4)


def test_a_large_mapping_in_bfloat16_has_the_gradients_of_its_formulas():
    mapping = dwn.LearnableMapping(300, 300, tau=0.1).bfloat16()  # scores beyond what malloc keeps mapped
    x = torch.randint(0, 2, (5, 300)).bfloat16().requires_grad_()
    grads = torch.randint(-4, 5, (5, 300)).bfloat16()
    mapping(x).backward(grads)
    signs = (2 * x.detach() - 1).float()
    torch.testing.assert_close(mapping.weights.grad.float(), signs.t() @ grads.float())
    shares = (mapping.weights.detach().float() / 0.1).softmax(0)
    torch.testing.assert_close(x.grad.float(), grads.float() @ shares.t(), atol=1e-2, rtol=1e-2)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_layer_in_another_precision_trains(dtype):
    layer = dwn.LUTLayer(6, 4, 3, mapping="learnable").to(dtype)
    x = torch.randint(0, 2, (8, 6)).to(dtype).requires_grad_()
    layer(x).sum().backward()
    assert layer.mapping.weights.grad.dtype == layer.luts.grad.dtype == x.grad.dtype == dtype
    assert layer.mapping.weights.grad.isfinite().all()


@pytest.mark.parametrize("mapping", ["random", "learnable"])
@pytest.mark.parametrize("shape", [(0, 6), (1, 6), (2, 3, 6), (65, 6)])
def test_batches_of_any_shape_pass(mapping, shape):
    torch.manual_seed(0)
    layer, head = dwn.LUTLayer(6, 8, 3, mapping), dwn.GroupSum(2)
    x = torch.randint(0, 2, shape).float().requires_grad_()
    y = head(layer(x))
    assert y.shape == (*shape[:-1], 2)
    y.sum().backward()
    assert x.grad.shape == shape
    alone = [head(layer.eval()(row)) for row in x.detach().reshape(-1, 6).split(1)]
    assert torch.equal(y.detach().reshape(-1, 2), torch.cat([torch.zeros(0, 2), *alone]))


def test_one_seed_draws_what_torch_dwn_draws():
    """In its order: the mapping, then the tables; of a learnable mapping the scores, inputs by slots."""
    torch.manual_seed(7)
    layer = dwn.LUTLayer(10, 12, 4, "learnable")
    torch.manual_seed(7)
    assert torch.equal(layer.mapping.weights, torch.rand(10, 48))
    assert torch.equal(layer.luts, torch.rand(12, 16) * 2 - 1)


def test_scores_and_their_gradient_lie_in_the_order_that_fused_optimizers_step_without_copies():
    mapping = dwn.LearnableMapping(300, 500)
    mapping(torch.randint(0, 2, (4, 300)).float()).sum().backward()
    assert mapping.weights.is_contiguous()
    assert mapping.weights.grad.is_contiguous()


@pytest.mark.parametrize("settings", [{}, {"fused": True}, {"foreach": True}])
def test_optimizers_step_the_scores_where_they_belong(settings):
    torch.manual_seed(0)
    mapping = dwn.LearnableMapping(5, 7)
    plain = mapping.weights.detach().contiguous().clone().requires_grad_()
    steps = [torch.optim.Adam([parameter], lr=0.1, **settings) for parameter in (mapping.weights, plain)]
    for _ in range(3):
        x, g = torch.randint(0, 2, (9, 5)).float(), torch.randn(9, 7)
        mapping.weights.grad, plain.grad = None, (2 * x - 1).t() @ g
        mapping(x).backward(g)
        for step in steps:
            step.step()
    torch.testing.assert_close(mapping.weights.detach(), plain.detach())
