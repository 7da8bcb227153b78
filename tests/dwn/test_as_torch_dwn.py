"""`lutsmith.dwn` beside torch_dwn's formulas in plain torch: outputs, gradients and state dicts, in either mode."""

import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lutsmith.dwn as dwn
from lutsmith import to_circuit
from tests.dwn import plain

MAPPINGS = ("random", "arange", "learnable", "tensor")


def pair(mapping, n=3, in_dim=7, out_dim=5, seed=0, **options):
    """A layer of ours and torch_dwn's, of one state, loaded strictly from theirs."""
    torch.manual_seed(seed)
    wiring = torch.randint(0, in_dim, (out_dim, n)).int()
    ours = dwn.LUTLayer(in_dim, out_dim, n, wiring if mapping == "tensor" else mapping, **options)
    named = {("clamp" if name == "clamp_luts" else name): value for name, value in options.items()}
    fixed = mapping if mapping == "learnable" else ours.mapping.clone()
    theirs = plain.LUTLayer(in_dim, out_dim, n, fixed, **named)
    with torch.no_grad():
        theirs.luts.uniform_(-1.5, 1.5)  # beyond the clamp
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return ours, theirs


def run(layer, x, g):
    leaf = x.clone().requires_grad_()
    y = layer(leaf)
    y.backward(g)
    gradients = {"x": leaf.grad, "luts": layer.luts.grad}
    if hasattr(layer.mapping, "weights"):
        gradients["weights"] = layer.mapping.weights.grad
    return y.detach(), gradients, layer.luts.detach()


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(MAPPINGS),
    st.booleans(),
    st.integers(1, 4),
    st.integers(1, 8),
    st.integers(1, 6),
    st.integers(1, 9),
    st.booleans(),
    st.booleans(),
    st.sampled_from([{}, {"alpha": 0.7}, {"beta": 0.5}, {"alpha": -0.2, "beta": 0.0}]),
    st.sampled_from([0.001, 0.1, 1.0]),
    st.sampled_from(["bits", "signs", "reals"]),
    st.integers(0, 999),
)
def test_values_and_gradients_are_the_formulas(
    mapping, training, n, in_dim, out_dim, batch, ste, clamp, decay, tau, kind, seed
):
    ours, theirs = pair(mapping, n, in_dim, out_dim, seed, ste=ste, clamp_luts=clamp, lm_tau=tau, **decay)
    x = {"bits": torch.rand(batch, in_dim).round(), "signs": torch.rand(batch, in_dim).round() * 2 - 1}.get(
        kind, torch.randn(batch, in_dim)
    )
    g = torch.randn(batch, out_dim)
    got, gradients, luts = run(ours.train(training), x, g)
    expected, formulas, clamped = run(theirs.train(training), x, g)
    assert torch.equal(got, expected)
    assert torch.equal(luts, clamped)
    assert gradients.keys() == formulas.keys()
    for name, formula in formulas.items():
        torch.testing.assert_close(
            gradients[name], formula, atol=3e-5, rtol=3e-5, msg=lambda m, name=name: f"{name} {m}"
        )


def test_a_learnable_mapping_learns_in_eval_mode_too():
    ours, theirs = pair("learnable", lm_tau=0.5)
    x, g = torch.rand(6, 7).round(), torch.randn(6, 5)
    _, gradients, _ = run(ours.eval(), x, g)
    _, formulas, _ = run(theirs.eval(), x, g)
    assert gradients["weights"].abs().sum() > 0
    torch.testing.assert_close(gradients["weights"], formulas["weights"])
    assert (gradients["x"] != 0).sum() > 3 * (ours.inputs().unique().numel())  # shares of all inputs, not of those read
    torch.testing.assert_close(gradients["x"], formulas["x"])


def test_without_gradients_the_mapping_reads_the_same():
    ours, _ = pair("learnable")
    x = torch.rand(50, 7).round()
    with torch.no_grad():
        assert torch.equal(ours.eval()(x), ours.train()(x))
    with torch.inference_mode():
        assert torch.equal(ours.eval()(x), ours(x))


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_state_dicts_load_strictly_either_way(mapping):
    ours, theirs = pair(mapping)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    with torch.no_grad():
        ours.luts.uniform_(-1, 1)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    again = pair(mapping, seed=5)[0]
    again.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.rand(30, 7).round()
    assert torch.equal(again(x), ours(x))
    assert torch.equal(theirs(x), ours(x))
    for name, tensor in theirs.state_dict().items():
        assert ours.state_dict()[name].dtype == tensor.dtype


def test_a_state_dict_from_before_the_dummy_loads():
    ours, _ = pair("learnable")
    state = ours.state_dict()
    del state["_LUTLayer__dummy_mapping"]
    again = torch.nn.Sequential(pair("learnable", seed=3)[0])
    assert not any(again.load_state_dict({f"0.{name}": tensor for name, tensor in state.items()}, strict=True))
    assert torch.equal(again[0].inputs(), ours.inputs())
    again[0].load_state_dict(state, strict=True, assign=True)
    assert torch.equal(again[0].inputs(), ours.inputs())


def test_a_dummy_in_another_order_is_the_wiring_of_the_slots():
    ours, theirs = pair("learnable")
    state = theirs.state_dict()
    state["_LUTLayer__dummy_mapping"] = torch.randint(0, 15, (5, 3)).int()
    ours.load_state_dict(state)
    theirs.load_state_dict(state)
    x, g = torch.rand(40, 7).round(), torch.randn(40, 5)
    got, gradients, _ = run(ours, x, g)
    expected, formulas, _ = run(theirs, x, g)
    assert torch.equal(got, expected)
    with torch.no_grad():
        assert torch.equal(ours(x), expected)
    for name, formula in formulas.items():
        torch.testing.assert_close(gradients[name], formula)
    circuit = to_circuit(ours.eval(), (7,))
    assert (torch.from_numpy(circuit.outputs(x.numpy())) == expected.bool()).all()
    state["_LUTLayer__dummy_mapping"][0, 0] = 15
    with pytest.raises(ValueError, match="15; expected 0 to 14"):
        ours.load_state_dict(state)


def test_layers_pickle_with_their_mapping():
    ours, _ = pair("learnable")
    again = pickle.loads(pickle.dumps(ours))
    x = torch.rand(20, 7).round()
    assert torch.equal(again(x), ours(x))
