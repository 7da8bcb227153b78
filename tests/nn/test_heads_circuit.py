"""Every head in eval mode is its circuit: scores and decisions, from raw features, through the file; and it learns."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lutsmith.circuit.file import from_bytes, to_bytes
from lutsmith.nn import GroupSum, LogicDense, to_circuit
from lutsmith.nn.heads import HEADS, GroupAffine, GroupedDSP, MultiLabel, OutputCode, Regression, setup_head

FEATURES = 20


def random_model(name, k, size, seed, **options):
    """LUTs and a head of random parameters, in eval mode."""
    torch.manual_seed(seed)
    if name == "output-code":
        options = {"length": max(4, k), **options}
        size = max(4, k) * size // k + 1
    width = k * size if name != "output-code" else options["length"] * size
    head = setup_head(name, k, in_dim=width, **options)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(torch.randn_like(parameter) * 2)
    layer = LogicDense(FEATURES, width, 4, weight_init="random")
    return nn.Sequential(layer, head).eval()


def check(model, circuit, x):
    """The circuit says what the model says, exactly."""
    objective = model[-1].objective
    given = model(x).detach().numpy()
    scores, said = circuit.decision_function(x.numpy()), circuit.predict(x.numpy())
    assert circuit.objective == objective
    assert scores.dtype == np.int32
    assert np.array_equal(circuit.head.scores(circuit.evaluate(x.numpy())), scores)
    if objective == "regression":
        assert said.dtype == np.float64
        assert np.array_equal(said.astype(np.float32), given[:, 0] if given.shape[1] == 1 else given)
        exact = model.double()(x.double()).detach().numpy()
        assert np.array_equal(said, exact[:, 0] if exact.shape[1] == 1 else exact)
        model.float()
    else:
        assert np.array_equal(scores, given)
        assert np.array_equal(said, given > 0 if objective == "multilabel" else given.argmax(1))


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(sorted(HEADS)),
    k=st.integers(1, 6),
    size=st.integers(1, 12),
    samples=st.sampled_from([0, 1, 3, 65, 200]),
    permute=st.booleans(),
    seed=st.integers(0, 999),
)
def test_eval_mode_is_the_circuit(name, k, size, samples, permute, seed):
    options = {"bits": max(1, size // 3), "lut_rank": 2 + seed % 4} if name == "reduction" else {}
    model = random_model(name, k, size, seed, permute=permute, **options)
    circuit = to_circuit(model, (FEATURES,))
    x = torch.rand(samples, FEATURES)
    check(model, circuit, x)
    check(model, from_bytes(to_bytes(circuit)), x)


@settings(max_examples=40, deadline=None)
@given(k=st.integers(1, 5), groups=st.integers(1, 9), wbits=st.integers(2, 16), seed=st.integers(0, 99))
def test_integer_weights_of_any_size_and_number_are_the_circuits(k, groups, wbits, seed):
    torch.manual_seed(seed)
    head = GroupedDSP(k, wbits=wbits, num_groups=groups)
    head.weight.data = torch.randn_like(head.weight)
    model = nn.Sequential(LogicDense(FEATURES, 5 * groups, 3, weight_init="random"), head).eval()
    check(model, to_circuit(model, (FEATURES,)), torch.rand(100, FEATURES))


@pytest.mark.parametrize("name", HEADS)
def test_a_thousand_classes_are_scored(name):
    options = {"bits": 2} if name == "reduction" else {"length": 60} if name == "output-code" else {}
    width = 60 if name == "output-code" else 3000
    torch.manual_seed(0)
    head = setup_head(name, 1000, in_dim=width, permute=True, **options)
    model = nn.Sequential(LogicDense(FEATURES, width, 4, weight_init="random"), head).eval()
    circuit = to_circuit(model, (FEATURES,))
    assert circuit.head.num_classes == 1000
    check(model, circuit, torch.rand(70, FEATURES))


@pytest.mark.parametrize("name", HEADS)
def test_a_head_alone_is_a_circuit_of_wires(name):
    head = setup_head(name, 2, in_dim=8, **({"bits": 4} if name == "reduction" else {}))
    model = nn.Sequential(head).eval()
    check(model, to_circuit(model, (8,)), torch.rand(30, 8))


@pytest.mark.parametrize("name", HEADS)
def test_a_reloaded_model_is_the_same_circuit(name):
    first, other = (random_model(name, 3, 8, seed, permute=True) for seed in (1, 2))
    other.load_state_dict(first.state_dict())
    assert to_bytes(to_circuit(other, (FEATURES,))) == to_bytes(to_circuit(first, (FEATURES,)))


def test_classes_may_be_named_for_every_task():
    for name in ("group-sum", "multi-label", "regression"):
        circuit = to_circuit(random_model(name, 2, 4, 0), (FEATURES,), classes=["left", "right"])
        assert circuit.classes == ("left", "right")
        assert circuit.objective == HEADS[name].objective


@pytest.mark.parametrize("name", HEADS)
def test_heads_lower_one_row_of_as_many_signals_as_they_count(name):
    head = setup_head(name, 2, in_dim=8, **({"bits": 2} if name == "reduction" else {}))
    with pytest.raises(ValueError, match=r"Flatten"):
        to_circuit(head, (2, 8))
    with pytest.raises(ValueError, match="in_dim=8 inputs and got 10"):
        to_circuit(head, (10,))


def test_a_permutation_that_is_none_is_refused():
    head = GroupSum(2, permute=True, in_dim=8)
    for hostile in (torch.zeros(8), torch.arange(8) - 1, torch.arange(8) * 2**40):
        head.permutation.copy_(hostile)
        with pytest.raises(ValueError, match="its permutation is none of 8 inputs"):
            to_circuit(head, (8,))


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize(
    ("name", "parameter"), [("regression", "scale"), ("affine", "scale"), ("grouped-dsp", "weight")]
)
def test_parameters_of_nan_make_no_circuit(name, parameter, value):
    head = setup_head(name, 2, in_dim=8)
    getattr(head, parameter).data.fill_(value)
    if name == "grouped-dsp" and value == torch.inf:  # saturates
        assert to_circuit(head, (8,)).head.weights.max() == 127
        return
    with pytest.raises(ValueError, match="NaN or infinite; was the training unstable"):
        to_circuit(head, (8,))


def test_scores_beyond_int32_make_no_circuit():
    head = GroupedDSP(1, wbits=16)
    head.weight.data.fill_(9.0)
    with pytest.raises(ValueError, match=r"GroupedDSP.*scores could be 0 to 2147549180, beyond int32"):
        to_circuit(head, (65540,))


class Sure(nn.Module):
    """A head of a user, without an objective."""

    def forward(self, x):
        return (x > 0.5).float()

    def lower_head(self, builder, signals):
        builder.popcount(signals, len(signals), bias=[0] * len(signals))


def test_a_head_without_a_task_scores_classes():
    circuit = to_circuit(Sure(), (3,))
    assert circuit.objective == "classification"
    assert circuit.predict([[0, 1, 1]]).tolist() == [1]


# --- learning, by a plain loop ----------------------------------------------------------------------------------------


def trained(head, width, x, y, loss, steps=150):
    torch.manual_seed(0)
    model = nn.Sequential(LogicDense(x.shape[1], width, 4), head)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(steps):
        value = loss(model(x), y)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return to_circuit(model.eval(), (x.shape[1],))


def bits(samples, features, seed=0):
    return torch.randint(0, 2, (samples, features), generator=torch.Generator().manual_seed(seed)).float()


def test_regression_learns_numbers():
    x = bits(500, 8)
    y = torch.stack([100 + x.sum(1), 5 * x[:, 0] - 3 * x[:, 1] * x[:, 2]], dim=1)
    middle, half = (y.amax(0) + y.amin(0)) / 2, (y.amax(0) - y.amin(0)) / 2
    head = Regression(2, scale=half.tolist(), offset=middle.tolist())
    circuit = trained(head, 200, x, y, lambda out, y: (((out - y) / half) ** 2).mean())
    residual = circuit.predict(x.numpy()) - y.numpy()
    assert (residual.var(0) < 0.1 * y.numpy().var(0)).all()


def test_multi_label_learns_each_label():
    x = bits(500, 8)
    y = torch.stack([x[:, 0], x[:, 1] * x[:, 2], (x[:, 3] + x[:, 4] > 0).float()], dim=1)
    circuit = trained(MultiLabel(3), 90, x, y, nn.functional.binary_cross_entropy_with_logits)
    assert (circuit.predict(x.numpy()) == y.bool().numpy()).mean() > 0.97


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("group-sum", {"tau": 3}),
        ("group-sum", {"permute": True}),
        ("grouped-dsp", {"tau": "auto", "num_groups": 9}),
        ("affine", {}),
        ("reduction", {"bits": 4}),
        ("output-code", {"length": 30}),
    ],
)
def test_heads_learn_classes(name, options):
    torch.manual_seed(0)
    x = bits(600, 8)
    y = (x[:, 0] + x[:, 1] + x[:, 2] * x[:, 3]).long().clamp(max=2)
    head = setup_head(name, 3, in_dim=90, **options)
    circuit = trained(head, 90, x, y, nn.functional.cross_entropy)
    assert (circuit.predict(x.numpy()) == y.numpy()).mean() > 0.95


def test_affine_and_code_heads_have_weights_in_the_circuit():
    affine = to_circuit(GroupAffine(2), (8,)).head
    assert affine.weights.tolist() == [[64, 0], [0, 64]]
    code = to_circuit(OutputCode(2, code_words=[[0, 0, 1], [1, 1, 0]]), (6,)).head
    assert code.weights.tolist() == [[-1, -1, 1], [1, 1, -1]]
    assert code.bias.tolist() == [-2, -4]
