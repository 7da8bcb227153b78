import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lutsmith import to_circuit
from lutsmith.interop import ForeignModelError, from_torchlogix
from tests.torchlogix_modules import torchlogix_module


@pytest.fixture(scope="module")
def torchlogix():
    return torchlogix_module("layers")


CASES = [("raw", 2), ("light", 2), ("light", 4), ("light", 6), ("warp", 1), ("warp", 2), ("warp", 4), ("warp", 6)]


# What no state dict says, as torchlogix's layers have it by default.
USUAL = {"grad_factor": 1.0, "forward_sampling": "soft", "temperature": 1.0}


def network(torchlogix, kind, rank, candidates, seed):
    """Two layers over 40 inputs and a group sum of 4 classes, with random weights."""
    torch.manual_seed(seed)
    modules, width = [], 40
    for out_dim in (48, 60):
        wiring = {"connections": "fixed"}
        if candidates:
            wiring = {"connections": "learnable", "connections_kwargs": {"num_candidates": candidates}}
        modules.append(
            torchlogix.LogicDense(
                width,
                out_dim,
                lut_rank=rank,
                parametrization=kind,
                parametrization_kwargs={"weight_init": "random"},
                **wiring,
            )
        )
        with torch.no_grad():
            modules[-1].weight.normal_()
        width = out_dim
    return nn.Sequential(*modules, torchlogix.GroupSum(4, tau=3.0, beta=1.5))


@pytest.mark.parametrize("candidates", [0, 3, -1])
@pytest.mark.parametrize(("kind", "rank"), CASES)
def test_model_and_circuit_equal_torchlogix(torchlogix, kind, rank, candidates, tmp_path):
    theirs = network(torchlogix, kind, rank, candidates, seed=rank).eval()
    x = torch.randint(0, 2, (500, 40)).float()
    with torch.no_grad():
        expected = theirs(x) * 3.0 - 1.5  # their eval divides by tau as well
        bits = theirs[:2](x)
    file = tmp_path / "model.pt"
    torch.save(theirs.state_dict(), file)
    for source in (theirs, theirs.state_dict(), file, str(file)):
        ours = from_torchlogix(
            source, parametrization=kind, num_classes=4, tau=3.0, beta=1.5, in_dim=40, **USUAL
        ).eval()
        assert torch.equal(ours[:2](x), bits)
        assert [type(module).__name__ for module in ours] == ["LogicDense", "LogicDense", "GroupSum"]
        assert [layer.parametrization_name for layer in ours[:2]] == [kind, kind]
    scores = ours(x)
    torch.testing.assert_close(scores - scores.mean(), expected - expected.mean())
    circuit = to_circuit(ours, (40,))
    assert np.array_equal(circuit.outputs(x.numpy()), bits.bool().numpy())
    assert np.array_equal(circuit.predict(x.numpy()), expected.argmax(-1).numpy())


@pytest.mark.parametrize(("kind", "rank"), CASES)
def test_training_goes_on_where_torchlogix_was(torchlogix, kind, rank):
    theirs = network(torchlogix, kind, rank, 0, seed=rank)
    ours = from_torchlogix(theirs)
    x = torch.rand(50, 40)
    torch.testing.assert_close(ours.train()(x), theirs.train()(x), atol=2e-5, rtol=2e-5)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(CASES), st.sampled_from([0, 2, -1]), st.integers(0, 9999))
def test_tables_and_wiring_are_torchlogixs_own(torchlogix, case, candidates, seed):
    kind, rank = case
    theirs = network(torchlogix, kind, rank, candidates, seed)
    ours = from_torchlogix(theirs)
    for layer, other in zip(ours[:2], theirs[:2], strict=True):
        luts, inputs = layer.get_luts_and_ids(msb_first=True)
        assert torch.equal(luts.bool(), other.get_luts().bool())
        wiring = other.connections.resolve_connections() if candidates else other.connections.indices
        assert torch.equal(inputs, wiring)


def test_residual_networks_pass_input_0(torchlogix):
    for kind in ("raw", "warp"):
        theirs = nn.Sequential(torchlogix.LogicDense(20, 30, lut_rank=2, parametrization=kind))
        tables = from_torchlogix(theirs)[0].hard_tables()
        assert torch.equal(tables, torch.tensor([[False, True, False, True]]).expand(30, 4))


def light_state(**changes):
    state = {"0.weight": torch.randn(5, 4), "0.connections.indices": torch.randint(0, 6, (2, 5))}
    state.update({key.replace("__", "."): value for key, value in changes.items()})
    return {key: value for key, value in state.items() if value is not None}


@pytest.mark.parametrize(
    ("state", "match"),
    [
        (light_state(), "pass parametrization"),
        ({}, "without tensors"),
        ({"0.weight": "text"}, "str at"),
        ({"conv.weights.0": torch.zeros(2)}, "skip="),
        (light_state(**{"0.weight": torch.randn(5, 8)}), "8 weights a LUT of rank 2"),
        (light_state(**{"0.weight": torch.full((5, 4), torch.nan)}), "NaN"),
        (light_state(**{"0.weight": torch.zeros(5, 4, dtype=torch.complex64)}), "complex"),
        (light_state(**{"0.weight": torch.zeros(5, 4, device="meta")}), "meta"),
        (light_state(**{"0.weight": torch.zeros(0, 4)}), "empty"),
        (light_state(**{"0.connections.indices": torch.rand(2, 5)}), "expected indices"),
        (light_state(**{"0.connections.indices": torch.zeros(2, 4).long()}), r"shape \(2, 4\)"),
        (light_state(**{"0.connections.indices": torch.full((2, 5), -1)}), "names inputs -1"),
        (light_state(**{"0.connections.indices": None}), "has no connections.indices"),
        (light_state(**{"0.thresholds": torch.rand(3)}), "0.thresholds"),
    ],
)
def test_what_is_no_such_model_is_refused(state, match):
    kind = None if "pass parametrization" in match else "light"
    with pytest.raises(ForeignModelError, match=match):
        from_torchlogix(state, parametrization=kind, in_dim=6, **USUAL)


def test_dimensions_and_classes_must_fit():
    with pytest.raises(ForeignModelError, match="it has 2 inputs"):
        from_torchlogix(
            light_state(**{"0.connections.indices": torch.full((2, 5), 2)}), parametrization="light", in_dim=2, **USUAL
        )
    with pytest.raises(ForeignModelError, match="groups"):
        from_torchlogix(light_state(), parametrization="light", num_classes=3, tau=1.0, beta=0.0, in_dim=6, **USUAL)
    with pytest.raises(ForeignModelError, match="expected one of"):
        from_torchlogix(light_state(), parametrization="heavy")
    model = from_torchlogix(
        light_state(**{"0.thresholds": torch.rand(3)}),
        parametrization="light",
        in_dim=6,
        skip=("0.thresholds",),
        **USUAL,
    )
    assert len(model) == 1


def test_numbered_layers_keep_their_order():
    torch.manual_seed(0)
    state = {}
    for number in sorted(range(12), key=str):  # as safetensors and JSON sort them: 0, 1, 10, 11, 2, ...
        state[f"layers.{number}.weight"] = torch.randn(4 + number, 4)
        state[f"layers.{number}.connections.indices"] = torch.randint(0, 3 + number, (2, 4 + number))
    model = from_torchlogix(state, parametrization="light", in_dim=3, **USUAL)
    assert [layer.out_dim for layer in model] == list(range(4, 16))


def test_importing_leaves_the_random_numbers_alone():
    torch.manual_seed(5)
    state = light_state()
    torch.manual_seed(6)
    expected = torch.rand(3)
    torch.manual_seed(6)
    from_torchlogix(state, parametrization="light", in_dim=6, **USUAL)
    assert torch.equal(torch.rand(3), expected)
