import copy
import io
import pickle
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lutsmith.nn import GroupSum, LogicDense
from lutsmith.nn.connections import list_connections
from lutsmith.nn.parametrizations import list_parametrizations


def make(parametrization, connections, rank, in_dim=24, out_dim=10, seed=0, **extra):
    if connections == "learnable":
        extra.setdefault("num_candidates", min(3, in_dim))
    return LogicDense(
        in_dim,
        out_dim,
        rank,
        parametrization=parametrization,
        connections=connections,
        weight_init="random",
        generator=torch.Generator().manual_seed(seed),
        **extra,
    )


# Every parametrization and every rank with every kind; the ranks of each parametrization have tests of their own.
EVERY_LAYER = [
    *((name, kind, 2) for name in list_parametrizations() for kind in list_connections()),
    *(("light", kind, rank) for kind in list_connections() for rank in range(1, 9) if rank != 2),
]


def table_entries(layer, x):
    """The truth table's entry for every sample and LUT, by the definition of an address."""
    luts, ids = layer.get_luts_and_ids()
    address = sum((x[:, ids[j]] > 0.5).long() << j for j in range(layer.lut_rank))
    return torch.gather(luts.expand(len(x), *luts.shape), 2, address.unsqueeze(-1)).squeeze(-1).float()


@pytest.mark.parametrize(("name", "kind", "rank"), EVERY_LAYER)
@settings(max_examples=4, deadline=None)
@given(batch=st.sampled_from([0, 1, 2, 63, 64, 65, 130]), seed=st.integers(0, 99), binary=st.booleans())
def test_eval_is_the_truth_table(name, kind, rank, batch, seed, binary):
    layer = make(name, kind, rank, seed=seed).eval()
    x = torch.rand(batch, 24, generator=torch.Generator().manual_seed(seed))
    x = x.round() if binary else x
    y = layer(x)
    assert y.shape == (batch, 10)
    assert torch.equal(y, table_entries(layer, x))


@pytest.mark.parametrize(("name", "kind", "rank"), EVERY_LAYER)
def test_luts_and_ids_have_the_documented_form(name, kind, rank):
    luts, ids = make(name, kind, rank).get_luts_and_ids()
    assert luts.shape == (10, 2**rank)
    assert ids.shape == (rank, 10)
    assert set(luts.unique().tolist()) <= {0, 1}
    assert all(len(set(column)) == rank for column in ids.t().tolist())


@pytest.mark.parametrize(("name", "kind"), [(n, k) for n in list_parametrizations() for k in list_connections()])
def test_training_reaches_every_parameter(name, kind):
    rank = 2
    layers = nn.Sequential(make(name, kind, rank), make(name, kind, rank, in_dim=10, seed=1), GroupSum(2))
    loss = nn.functional.cross_entropy(layers(torch.rand(64, 24).round()), torch.randint(0, 2, (64,)))
    loss.backward()
    for parameter_name, parameter in layers.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.abs().sum() > 0, parameter_name


@pytest.mark.parametrize("shape", [(24,), (3, 24), (2, 3, 24), (0, 5, 24)])
@pytest.mark.parametrize("training", [True, False])
def test_leading_dimensions_are_free(shape, training):
    layer = make("light", "learnable", 3).train(training)
    x = torch.rand(shape)
    flat = layer(x.reshape(-1, 24))
    assert torch.equal(layer(x), flat.reshape(*shape[:-1], 10))


def test_one_lut_of_one_feature_is_a_layer():
    layer = LogicDense(1, 1, 1)
    assert layer.eval()(torch.tensor([[0.0], [1.0]])).tolist() == [[0.0], [1.0]]


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_float_types_agree_with_float32(dtype):
    layer = make("light", "learnable", 4)
    x = torch.rand(70, 24).to(dtype)
    y = layer(x)
    assert y.dtype == dtype
    torch.testing.assert_close(y.float(), layer(x.float()), atol=2e-2 if dtype == torch.bfloat16 else 1e-5, rtol=0)
    assert torch.equal(layer.eval()(x).float(), layer(x.float()))


@pytest.mark.parametrize("kind", list_connections())
def test_parameters_are_float32_whatever_torchs_default_is(kind):
    torch.set_default_dtype(torch.float64)
    try:
        layers = [make(name, kind, 2) for name in list_parametrizations()]
        layers += [LogicDense(24, 10, 2, parametrization=name, connections=kind) for name in list_parametrizations()]
    finally:
        torch.set_default_dtype(torch.float32)
    assert {parameter.dtype for layer in layers for parameter in layer.parameters()} == {torch.float32}


def test_bits_of_any_type_are_inputs():
    layer = make("light", "fixed", 4).eval()
    bits = torch.rand(9, 24) > 0.5
    for x in (bits, bits.to(torch.uint8), bits.long()):
        assert torch.equal(layer(x), layer(bits.float()))


@pytest.mark.parametrize("kind", list_connections())
def test_copies_and_saved_states_give_the_same_bits(kind):
    model = nn.Sequential(make("light", kind, 6), make("light", kind, 4, in_dim=10, seed=3))
    x = torch.rand(100, 24)
    rebuilt = nn.Sequential(make("light", kind, 6, seed=8), make("light", kind, 4, in_dim=10, seed=9))
    stored = io.BytesIO()
    torch.save(model.state_dict(), stored)
    stored.seek(0)
    rebuilt.load_state_dict(torch.load(stored, weights_only=True))
    for other in (rebuilt, copy.deepcopy(model), pickle.loads(pickle.dumps(model)), model.to("cpu")):
        assert torch.equal(other(x), model(x))
        assert torch.equal(other.eval()(x), model.eval()(x))
        other.train()
        model.train()


REBUILD = """
import sys, torch
from torch import nn
from lutsmith.nn import LogicDense
model = nn.Sequential(LogicDense(24, 10, 4, connections="learnable", num_candidates=3))
model.load_state_dict(torch.load(sys.argv[1], weights_only=True))
x = torch.rand(64, 24, generator=torch.Generator().manual_seed(5))
torch.save(model.eval()(x), sys.argv[2])
"""


@pytest.mark.slow
def test_a_new_process_rebuilds_the_same_circuit_from_the_state(tmp_path):
    model = nn.Sequential(make("light", "learnable", 4))
    torch.save(model.state_dict(), tmp_path / "state.pt")
    subprocess.run([sys.executable, "-c", REBUILD, tmp_path / "state.pt", tmp_path / "y.pt"], check=True, timeout=120)
    x = torch.rand(64, 24, generator=torch.Generator().manual_seed(5))
    assert torch.equal(torch.load(tmp_path / "y.pt", weights_only=True), model.eval()(x))


class SideBySide(nn.ModuleList):
    """Layers that read the same inputs, so that one compilation has them all."""

    def forward(self, x):
        return torch.cat([layer(x) for layer in self], dim=-1)


@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_a_compiled_model_of_every_parametrization_computes_the_same(training):
    layers = SideBySide(make(name, "learnable", 2) for name in list_parametrizations())
    model = nn.Sequential(layers, GroupSum(2)).train(training)
    compiled = torch.compile(copy.deepcopy(model), backend="aot_eager")
    x = torch.rand(66, 24)
    torch.testing.assert_close(compiled(x), model(x))
    if training:
        for candidate in (model, compiled):
            candidate(x).square().sum().backward()
        for ours, theirs in zip(model.parameters(), compiled.parameters(), strict=True):
            torch.testing.assert_close(ours.grad, theirs.grad)


def test_frozen_wiring_stays_while_tables_learn():
    layer = make("light", "learnable", 3)
    layer.freeze()
    layer(torch.rand(40, 24)).sum().backward()
    assert layer.connections.scores.grad is None
    assert layer.weight.grad.abs().sum() > 0


def test_dwn_layers_clamp_and_others_do_not():
    for name, top in (("dwn", 1.0), ("light", 5.0)):
        layer = make(name, "fixed", 2)
        with torch.no_grad():
            layer.weight.fill_(5.0)
        layer.clamp_()
        assert layer.weight.max() == top


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"in_dim": 3}, ValueError, "rank 6.*3"),
        ({"lut_rank": 9}, ValueError, "from 1 to 8"),
        ({"out_dim": 0}, ValueError, "out_dim"),
        ({"out_dim": 2.5}, TypeError, "out_dim"),
        ({"parametrization": "x"}, ValueError, "light"),
        ({"connections": "x"}, ValueError, "learnable"),
        ({"num_candidates": 4}, ValueError, "connections='learnable'"),
        ({"nonsense": 4}, ValueError, "light has no nonsense; it takes form, forward_sampling"),
        ({"anchor_init": False}, ValueError, "light has no anchor_init"),
    ],
)
def test_impossible_layers_are_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        LogicDense(**{"in_dim": 24, "out_dim": 10, **arguments})


def test_a_wrong_input_width_is_refused():
    with pytest.raises(ValueError, match=r"in_dim=24.*\(2, 23\)"):
        make("light", "fixed", 2)(torch.rand(2, 23))
