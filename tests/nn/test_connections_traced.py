"""Layers without their values: exported, compiled, on the meta device, of fake tensors; and when indices are read."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.export import Dim, export

import lutsmith.dwn as dwn
from lutsmith.nn import LogicDense
from lutsmith.nn.connections import DenseConnections, FixedConnections, LearnableConnections

IN_DIM, OUT_DIM, RANK = 12, 20, 3
TURNS = torch.arange(OUT_DIM) % 3
USABLE = torch.arange(IN_DIM) % 4 != 1
WAYS = {
    "fixed": {},
    "hard": {"connections": "learnable", "num_candidates": 4},
    "dwn rule": {"connections": "learnable", "num_candidates": 4, "connection_rule": "dwn"},
    "overlapping": {"connections": "learnable", "num_candidates": -1},
    "soft": {"connections": "learnable", "num_candidates": 4, "connection_sampling": "soft"},
    "gumbel": {"connections": "learnable", "num_candidates": 4, "connection_sampling": "gumbel"},
    "top-k": {"connections": "top-k", "num_candidates": 4},
    "dense": {"connections": "dense"},
    "dense softmax": {"connections": "dense", "connection_rule": "softmax"},
    "dense repeating": {"connections": "dense", "unique": False},
    "shared": {"connections": "learnable", "num_candidates": 4, "table_of": TURNS, "score_of": TURNS},
    "shared in order": {"connections": "top-k", "num_candidates": 4, "table_of": [0] * 20, "score_of": [0] * 20},
    "dense masked": {"connections": "dense", "usable": USABLE},
}
MAPPINGS = ("random", "arange", "learnable", "tensor")
LAYERS = [
    *WAYS,
    *(f"{way} frozen" for way in ("hard", "gumbel", "dense masked")),
    *(f"dwn {mapping}" for mapping in MAPPINGS),
]


def make(name):
    torch.manual_seed(0)
    if name.startswith("dwn ") and name[4:] in MAPPINGS:
        mapping = torch.randint(0, IN_DIM, (OUT_DIM, RANK)).int() if name == "dwn tensor" else name[4:]
        return dwn.LUTLayer(IN_DIM, OUT_DIM, RANK, mapping)
    layer = LogicDense(IN_DIM, OUT_DIM, RANK, **WAYS[name.removesuffix(" frozen")])
    if name.endswith(" frozen"):
        layer.freeze()
    return layer


def noisy(name, training):
    return training and name == "gumbel"


def bits(batch=6, width=IN_DIM):
    return torch.rand(batch, width).round()


@pytest.mark.slow
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_an_exported_program_computes_what_the_layer_does(name, training):
    model = nn.Sequential(make(name)).train(training)
    for shapes in (None, ({0: Dim("batch")},)):
        program = export(model, (bits(),), dynamic_shapes=shapes).module()
        for x in (bits(), *(() if shapes is None else (bits(9), bits(1), bits(70)))):
            got = program(x)
            assert got.shape == (len(x), OUT_DIM)
            if not noisy(name, training):
                torch.testing.assert_close(got, model(x), atol=1e-6, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:No complete tensor found")  # of scores that lie slot by slot
def test_an_exported_program_of_several_layers_is_saved_and_loaded(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(
        LogicDense(IN_DIM, 40, 4, **WAYS["hard"]),
        LogicDense(40, 30, 2, **WAYS["dense"]),
        dwn.LUTLayer(30, 20, 3, "learnable"),
        dwn.GroupSum(5),
    ).eval()
    program = export(model, (bits(),), dynamic_shapes=({0: Dim("batch")},))
    torch.export.save(program, tmp_path / "model.pt2")
    x = bits(33)
    assert torch.equal(torch.export.load(tmp_path / "model.pt2").module()(x), model(x))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_on_the_meta_device_has_shapes_and_gradients(name, training):
    layer = make(name).train(training)
    real = layer(bits())
    moved = copy.deepcopy(layer).to("meta")
    x = torch.empty(6, IN_DIM, device="meta", requires_grad=True)
    y = moved(x)
    assert (y.shape, y.dtype, y.device.type) == (real.shape, real.dtype, "meta")
    if y.requires_grad:
        y.sum().backward()
        assert x.grad.shape == x.shape
    moved.load_state_dict(layer.state_dict(), assign=True)
    assert not any(tensor.is_meta for tensor in (*moved.buffers(), *moved.parameters()))
    back = copy.deepcopy(layer).to("meta").to_empty(device="cpu")
    back.load_state_dict(layer.state_dict())
    x = bits(20)
    if not noisy(name, training):
        assert torch.equal(back(x), layer(x))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_of_fake_tensors_has_shapes_and_gradients(name, training):
    layer = make(name).train(training)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        x = mode.from_tensor(bits()).requires_grad_()
        y = layer(x)
        assert y.shape == (6, OUT_DIM)
        if y.requires_grad:
            y.sum().backward()


@pytest.mark.slow
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_a_compiled_layer_has_one_graph_and_the_same_gradients(name, training):
    torch.compiler.reset()
    layer = make(name).train(training)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    results = []
    for model in (layer, compiled):
        torch.manual_seed(5)
        x = bits().requires_grad_()
        y = model(x)
        leaves = [x, *(parameter for parameter in layer.parameters() if parameter.requires_grad)]
        gradients = torch.autograd.grad(y, leaves, torch.ones_like(y), allow_unused=True) if y.requires_grad else ()
        results.append((y, *gradients))
    for got, expected in zip(*reversed(results), strict=True):
        if expected is None:
            assert got is None or not got.any()
        else:
            torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)
    assert compiled(bits(11)).shape == (11, OUT_DIM)


@pytest.mark.parametrize("name", ["dense", "dwn learnable"])
def test_a_large_map_of_scores_compiles_too(name):
    """Whose gradients lie in memory that was used before."""
    torch.compiler.reset()
    layer = LogicDense(700, 300, 4, connections="dense") if name == "dense" else dwn.LUTLayer(700, 300, 4, "learnable")
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True, dynamic=True)
    parameters, x = list(layer.parameters()), bits(6, 700)
    expected = torch.autograd.grad(layer(x).square().sum(), parameters)
    for got, other in zip(torch.autograd.grad(compiled(x).square().sum(), parameters), expected, strict=True):
        torch.testing.assert_close(got, other)


def test_choices_and_mixes_are_operations_that_torch_knows_of_any_batch():
    candidates, scores = torch.randint(20, (7, 3, 4)).int(), torch.randn(7, 3, 4, requires_grad=True)
    for batch in (1, 21):
        x = torch.rand(20, batch, requires_grad=True)
        torch.library.opcheck(torch.ops.lutsmith.mix.default, (x, candidates, scores, 0.5))
    torch.library.opcheck(torch.ops.lutsmith.choose.default, (scores.detach(), candidates))
    for unique in (True, False):
        torch.library.opcheck(torch.ops.lutsmith.best.default, (scores.detach(), unique))


# --- frozen, usable ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [way for way in WAYS if way != "fixed"])
def test_a_loaded_state_says_what_is_frozen_and_usable(name):
    layer, other = make(name), make(name)
    layer.freeze()
    x = bits(30)
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other.train()(x), layer.train()(x))
    again = pickle.loads(pickle.dumps(layer))
    assert torch.equal(again(x), layer(x))
    thawed = make(name)
    again.load_state_dict(thawed.state_dict())
    torch.manual_seed(1)
    expected = thawed(x)
    torch.manual_seed(1)
    assert torch.equal(again(x), expected)


@pytest.mark.parametrize("name", ["hard", "dense masked"])
def test_connections_that_were_pickled_without_these_attributes_load(name):
    layer = make(name)
    layer.freeze()
    state = layer.connections.__getstate__() if hasattr(layer.connections, "__getstate__") else {}
    state = copy.deepcopy(state or layer.connections.__dict__)
    state.pop("_is_frozen")
    state["_buffers"].pop("places", None)
    state["_non_persistent_buffers_set"].discard("places")
    early = type(layer.connections).__new__(type(layer.connections))
    early.__setstate__(state)
    assert torch.equal(early.inputs(), layer.connections.inputs())
    layer.connections = early
    layer(bits())


def test_usable_inputs_of_a_loaded_state_are_the_places_of_its_scores():
    masked = DenseConnections(IN_DIM, 5, 2, usable=USABLE)
    other = DenseConnections(IN_DIM, 5, 2, usable=USABLE.flip(0))
    other.load_state_dict(masked.state_dict())
    assert torch.equal(other.inputs(), masked.inputs())
    with pytest.raises(RuntimeError, match="9 usable inputs; the layer has scores for 12"):
        DenseConnections(IN_DIM, 5, 2).load_state_dict({**masked.state_dict(), "scores": torch.rand(5, 2, 12)})


# --- ranges --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connections", "name"),
    [
        (lambda: FixedConnections(IN_DIM, 5, 2), "indices"),
        (lambda: LearnableConnections(IN_DIM, 5, 2, num_candidates=4), "candidates"),
        (lambda: DenseConnections(IN_DIM, 5, 2), "chosen"),
    ],
)
@pytest.mark.parametrize("value", [-1, IN_DIM])
def test_a_state_that_names_other_inputs_is_refused_when_it_is_loaded(connections, name, value):
    target = nn.Sequential(connections())
    state = target.state_dict()
    state[f"0.{name}"] = state[f"0.{name}"].clone()
    state[f"0.{name}"].view(-1)[1] = value
    before = {key: tensor.clone() for key, tensor in target.state_dict().items()}
    with pytest.raises(RuntimeError, match=rf"0.{name} range over .*; expected 0..{IN_DIM - 1}"):
        target.load_state_dict(state)
    assert all(torch.equal(tensor, before[key]) for key, tensor in target.state_dict().items())
    with pytest.raises(RuntimeError, match="expected integers"):
        target.load_state_dict({**before, f"0.{name}": before[f"0.{name}"].float()})
