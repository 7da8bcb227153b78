"""What a model was told is read from it, and what a state dict leaves open has to be given."""

import numpy as np
import pytest
import torch
from torch import nn

from lutsmith import to_circuit
from lutsmith.interop import ForeignModelError, from_difflogic, from_difflut, from_torch_dwn, from_torchlogix
from lutsmith.interop.gradient_factor import GradientFactor
from lutsmith.nn import LogicDense
from tests.dwn import plain
from tests.interop import difflut_modules as difflut

IN_DIM, OUT_DIM, RANK = 10, 12, 3


def bits(count=200):
    return torch.randint(0, 2, (count, IN_DIM)).float()


# --- state dicts: each option in turn is left open -----------------------------------------------------------------


def difflut_state(node, **options):
    return difflut.RandomLayer(node, IN_DIM, OUT_DIM, RANK, **options).state_dict()


def torch_dwn_state():
    return {"luts": torch.rand(OUT_DIM, 8) - 0.5, "mapping": torch.randint(0, IN_DIM - 1, (OUT_DIM, RANK)).int()}


def torchlogix_state():
    indices = torch.randint(0, IN_DIM - 1, (RANK, OUT_DIM))
    return {"weight": torch.randn(OUT_DIM, 8), "connections.indices": indices}


HEAD = {"num_classes": 4, "tau": 2.0, "in_dim": IN_DIM}
NEURAL = {"activation": "relu", "temperature": 0.5, "ste": False, "grad_factor": 1.0}
CASES = {
    "torch_dwn": (from_torch_dwn, torch_dwn_state, {"ste": True, "alpha": 0.3, "beta": 0.4}),
    "torchlogix": (
        from_torchlogix,
        torchlogix_state,
        {"parametrization": "warp", "beta": 0.0, "grad_factor": 1.0, "forward_sampling": "soft", "temperature": 2.0},
    ),
    "difflogic": (
        from_difflogic,
        lambda: {"weights": torch.randn(OUT_DIM, 16)},
        {"indices": [torch.randint(0, IN_DIM - 1, (2, OUT_DIM))], "grad_factor": 1.0},
    ),
    "difflut fourier": (from_difflut, lambda: difflut_state(difflut.FourierNode), {"max_amplitude": 0.7}),
    "difflut neurallut": (from_difflut, lambda: difflut_state(difflut.NeuralLUTNode), NEURAL),
    "difflut early dwn": (from_difflut, lambda: difflut_state(difflut.EarlyDWNNode), {"alpha": 0.3, "beta": 0.4}),
    "difflut dwn": (from_difflut, lambda: difflut_state(difflut.DWNNode), {}),
    "difflut linear": (from_difflut, lambda: difflut_state(difflut.LinearLUTNode), {}),
}
OPEN = [(case, name) for case, (*_, options) in CASES.items() for name in (*options, "tau", "in_dim")]


@pytest.mark.parametrize(("case", "name"), OPEN)
def test_what_a_state_dict_leaves_open_is_asked_for_by_name(case, name):
    load, state, options = CASES[case]
    given = {**HEAD, **options}
    load(state(), **given)
    del given[name]
    with pytest.raises(ForeignModelError, match=f"pass {name}="):
        load(state(), **given)


@pytest.mark.parametrize("case", CASES)
def test_all_that_is_open_is_asked_for_at_once(case):
    load, state, options = CASES[case]
    with pytest.raises(ForeignModelError) as error:
        load(state(), num_classes=4)
    assert all(f"{name}=" in str(error.value) for name in (*options, "tau", "in_dim"))


@pytest.mark.parametrize("case", CASES)
def test_what_is_given_is_what_the_model_has(case):
    load, state, options = CASES[case]
    model = load(state(), **HEAD, **options)
    layer = next(module for module in model if isinstance(module, LogicDense))
    assert (layer.in_dim, model[-1].k, model[-1].tau) == (IN_DIM, 4, 2.0)
    if "temperature" in options:
        assert layer.parametrization.temperature == options["temperature"]
    assert to_circuit(model.eval(), (IN_DIM,)).netlist.num_nodes > 0


def test_options_are_for_all_layers_or_for_each():
    state = {f"{number}.{name}": value for number in (0, 1) for name, value in torch_dwn_state().items()}
    model = from_torch_dwn(state, in_dim=IN_DIM, ste=True, alpha=0.3, beta=[0.4, 1 / 3])
    assert [layer.parametrization.rho for layer in model if isinstance(layer, LogicDense)] == [
        pytest.approx(0.6 / 1.4),
        0.5,
    ]
    with pytest.raises(ForeignModelError, match="beta has 3 values for 2 layers"):
        from_torch_dwn(state, in_dim=IN_DIM, ste=True, alpha=0.3, beta=[0.4, 0.4, 0.4])


@pytest.mark.parametrize(
    ("case", "changes", "match"),
    [
        ("torch_dwn", {"ste": "yes"}, "ste is 'yes'"),
        ("torch_dwn", {"alpha": "much"}, "alpha is 'much'"),
        ("torch_dwn", {"beta": 1.0}, "0 <= beta < 1"),
        ("torch_dwn", {"ste": False}, "ste=False"),
        ("torch_dwn", {"in_dim": True}, "in_dim is True"),
        ("torch_dwn", {"tau": -1.0}, "above 0"),
        ("torchlogix", {"temperature": float("nan")}, "temperature is nan"),
        ("torchlogix", {"forward_sampling": "wild"}, "wild"),
        ("difflogic", {"grad_factor": float("inf")}, "grad_factor is inf"),
        ("difflut neurallut", {"activation": "tanh"}, "expected one of relu"),
        ("difflut neurallut", {"temperature": 0.0}, "temperature"),
        ("difflut fourier", {"max_amplitude": None, "in_dim": 3.5}, "in_dim is 3.5"),
    ],
)
def test_options_that_cannot_be_are_named(case, changes, match):
    load, state, options = CASES[case]
    with pytest.raises(ForeignModelError, match=match):
        load(state(), **{**HEAD, **options, **changes})


# --- difflut -------------------------------------------------------------------------------------------------------


def imported(node, **options):
    torch.manual_seed(1)
    theirs = nn.Sequential(difflut.RandomLayer(node, IN_DIM, OUT_DIM, RANK, **options), difflut.GroupSum(4, tau=3.0))
    ours = from_difflut(theirs)
    layer = next(module for module in ours if isinstance(module, LogicDense))
    x = bits()
    assert torch.equal(ours[:-1].eval()(x), theirs[0].bits(x))
    assert (layer.in_dim, ours[-1].tau) == (IN_DIM, 3.0)
    circuit = to_circuit(ours, (IN_DIM,))
    assert np.array_equal(circuit.outputs(x.numpy()), theirs[0].bits(x).bool().numpy())
    return ours.train(), layer, theirs[0]


@pytest.mark.parametrize("max_amplitude", [0.3, 0.5, 1.0, 2.0])
def test_a_fourier_nodes_amplitude_is_its_own(max_amplitude):
    _, layer, theirs = imported(difflut.FourierNode, max_amplitude=max_amplitude)
    x = torch.rand(40, IN_DIM)
    rows = x[:, theirs._mapping_indices.long()]
    values = torch.cat([node.value(rows[:, number]) for number, node in enumerate(theirs.nodes)], 1)
    torch.testing.assert_close(layer(x), values, atol=1e-5, rtol=1e-5)
    given = from_difflut(theirs.state_dict(), in_dim=IN_DIM, max_amplitude=max_amplitude)
    assert torch.equal(given[0].hard_tables(), layer.hard_tables())


def test_amplitudes_do_decide_tables():
    """So that a wrong one would be a wrong network."""
    tables = [imported(difflut.FourierNode, max_amplitude=size)[1].hard_tables() for size in (0.3, 0.5, 1.0)]
    assert not torch.equal(tables[0], tables[1])
    assert not torch.equal(tables[1], tables[2])


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "leakyrelu"])
@pytest.mark.filterwarnings("ignore:the weights of difflut layer")
def test_a_perceptrons_activation_is_its_own(activation):
    imported(difflut.NeuralLUTNode, activation=activation)


def test_nodes_that_differ_in_an_option_are_refused():
    layer = difflut.RandomLayer(difflut.FourierNode, IN_DIM, OUT_DIM, RANK)
    layer.nodes[3].max_amplitude = 0.5
    with pytest.raises(ForeignModelError, match="differ in max_amplitude"):
        from_difflut(nn.Sequential(layer))


@pytest.mark.parametrize("ste", [False, True])
def test_a_perceptron_trains_with_its_own_noise_temperature_and_factor(ste):
    ours, layer, theirs = imported(difflut.NeuralLUTNode, tau=0.25, ste=ste, grad_factor=3.0)
    assert layer.parametrization.temperature == 0.25
    assert layer.parametrization.forward_sampling == ("gumbel_hard" if ste else "gumbel_soft")
    assert [type(module).__name__ for module in ours] == ["LogicDense", "GradientFactor", "GroupSum"]
    assert ours[1].factor == 3.0
    layer.parametrization.forward_sampling = "soft"
    x = torch.rand(40, IN_DIM, requires_grad=True)
    rows = x[:, theirs._mapping_indices.long()]
    values = torch.cat([node.value(rows[:, number]) for number, node in enumerate(theirs.nodes)], 1)
    torch.testing.assert_close(layer(x), values, atol=1e-5, rtol=1e-5)
    g = torch.randn(40, OUT_DIM)
    expected = torch.autograd.grad(values, x, 3.0 * g)
    torch.testing.assert_close(torch.autograd.grad(ours[:2](x), x, g), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("node", [difflut.DWNNode, difflut.EarlyDWNNode])
@pytest.mark.parametrize("decay", [{}, {"beta": 0.6}, {"alpha": 0.9}, {"alpha": 0.1, "beta": 0.2}])
def test_a_dwn_nodes_alpha_and_beta_are_its_own(node, decay):
    ours, layer, theirs = imported(node, **decay)
    first = theirs.nodes[0]
    wiring = theirs._mapping_indices.int()
    luts = torch.cat([node.luts for node in theirs.nodes]) * 2 - 1  # ours are from -1 to 1
    formula = plain.LUTLayer(
        IN_DIM, OUT_DIM, RANK, wiring, alpha=float(first.alpha), beta=float(first.beta), clamp=False
    )
    with torch.no_grad():
        formula.luts.copy_(luts)
    x, g = bits(50), torch.randn(50, OUT_DIM)
    found = []
    for model in (ours[:-1], formula):
        leaf = x.clone().requires_grad_()
        found.append(torch.autograd.grad(model(leaf), leaf, g)[0])
    torch.testing.assert_close(*found, atol=1e-5, rtol=1e-5)
    assert any(isinstance(module, GradientFactor) for module in ours) == bool(decay)
    assert layer.parametrization.rho == pytest.approx((1 - float(first.beta)) / (1 + float(first.beta)))


@pytest.mark.parametrize("scale", [1.0, 1.25, 0.1])
def test_a_stable_dwn_nodes_scale_of_gradients_is_its_own(scale):
    ours, layer, _ = imported(difflut.DWNStableNode, gradient_scale=scale)
    assert [module.factor for module in ours if isinstance(module, GradientFactor)] == [
        pytest.approx(scale) for _ in range(scale != 1)
    ]
    x, g = bits(50), torch.randn(50, OUT_DIM)
    found = []
    for model, factor in ((ours[:-1], 1.0), (layer, scale)):
        leaf = x.clone().requires_grad_()
        found.append(torch.autograd.grad(model(leaf), (leaf, layer.weight), factor * g))
    torch.testing.assert_close(*found)


def test_the_sums_temperature_is_read_from_a_state_dict_that_has_it():
    theirs = nn.Sequential(difflut.RandomLayer(difflut.LinearLUTNode, IN_DIM, OUT_DIM, RANK), difflut.GroupSum(4, 7.0))
    assert from_difflut(theirs.state_dict(), num_classes=4, in_dim=IN_DIM)[-1].tau == 7.0
    assert from_difflut(theirs)[-1].tau == 7.0
    assert from_difflut(theirs, tau=2.0)[-1].tau == 2.0


def test_classes_that_do_not_divide_the_width_are_padded_as_theirs():
    theirs = nn.Sequential(difflut.RandomLayer(difflut.LinearLUTNode, IN_DIM, OUT_DIM, RANK), difflut.GroupSum(5, 2.0))
    ours, x = from_difflut(theirs).eval(), bits()
    expected = nn.functional.pad(theirs[0].bits(x), (0, 3)).reshape(len(x), 5, 3).sum(-1) / 2.0
    assert torch.equal(ours(x), expected)


def test_a_sum_in_a_new_order_each_time_is_refused():
    theirs = nn.Sequential(
        difflut.RandomLayer(difflut.LinearLUTNode, IN_DIM, OUT_DIM, RANK), difflut.GroupSum(4, use_randperm=True)
    )
    with pytest.raises(ForeignModelError, match="use_randperm"):
        from_difflut(theirs)


def test_noise_that_luts_do_not_have_is_said_to_be_lost():
    layer = difflut.RandomLayer(difflut.LinearLUTNode, IN_DIM, OUT_DIM, RANK)
    layer.flip_probability, layer.grad_stabilization = 0.1, "layerwise"
    with pytest.warns(UserWarning, match="flip_probability=0.1 and grad_stabilization='layerwise'"):
        from_difflut(nn.Sequential(layer))


@pytest.mark.parametrize("name", ["binary_combinations", "truth_tables"])
def test_addresses_and_gates_in_another_order_are_refused(name):
    if name == "truth_tables":
        gates = torch.tensor([[gate >> k & 1 for k in range(4)] for gate in range(16)]).float()
        node = {"weights": torch.randn(1, 16), "indices": torch.tensor([[0, 1]]), name: gates}
    else:
        node = {"raw_luts": torch.randn(1, 8), name: difflut.corners(3)}
    state = {"_mapping_indices": torch.tensor([[0, 1, 2]])} | {f"nodes.0.{key}": value for key, value in node.items()}
    from_difflut(state, in_dim=3)
    state[f"nodes.0.{name}"] = node[name].flip(1)  # the other end first
    with pytest.raises(ForeignModelError, match=f"other {name}"):
        from_difflut(state, in_dim=3)


# --- torch_dwn -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decay", [{}, {"alpha": 0.9}, {"beta": 0.7}, {"alpha": 0.05, "beta": 0.1}])
def test_torch_dwns_alpha_and_beta_are_the_models_own(decay):
    torch.manual_seed(0)
    wirings = [torch.randint(0, width, (OUT_DIM, RANK)).int() for width in (IN_DIM - 2, OUT_DIM)]
    theirs = nn.Sequential(
        plain.LUTLayer(IN_DIM, OUT_DIM, RANK, wirings[0], **decay),
        plain.LUTLayer(OUT_DIM, OUT_DIM, RANK, wirings[1], **decay),
        plain.GroupSum(4, tau=0.3),
    )
    ours = from_torch_dwn(theirs)
    layers = [module for module in ours if isinstance(module, LogicDense)]
    assert layers[0].in_dim == IN_DIM
    x, labels = bits(60), torch.randint(0, 4, (60,))
    found = []
    for model, tables in ((ours, [layer.weight for layer in layers]), (theirs, [layer.luts for layer in theirs[:2]])):
        leaf = x.clone().requires_grad_()
        loss = nn.functional.cross_entropy(model(leaf), labels)
        found.append((loss, *torch.autograd.grad(loss, (leaf, *tables))))
    for got, expected in zip(*found, strict=True):
        torch.testing.assert_close(got, expected, atol=1e-6, rtol=1e-4)


def test_entries_as_outputs_are_refused_where_nothing_makes_bits_of_them():
    wiring = torch.randint(0, IN_DIM, (OUT_DIM, RANK)).int()
    inner = plain.LUTLayer(IN_DIM, IN_DIM, RANK, wiring[:IN_DIM], ste=False)
    theirs, x = nn.Sequential(inner, plain.LUTLayer(IN_DIM, OUT_DIM, RANK, wiring), plain.GroupSum(4)), bits()
    assert torch.equal(from_torch_dwn(theirs[:2]).eval()(x), theirs[:2](x))  # the second compares with 0
    with pytest.raises(ForeignModelError, match="ste=False"):
        from_torch_dwn(nn.Sequential(inner, plain.GroupSum(5)))
    followed = nn.Sequential(inner, plain.STE(), plain.GroupSum(5, tau=1.0))
    assert torch.equal(from_torch_dwn(followed).eval()(x), followed(x))


def test_a_dummy_in_another_order_is_followed():
    theirs = plain.LUTLayer(IN_DIM, OUT_DIM, RANK, "learnable")
    state = theirs.state_dict()
    state["_LUTLayer__dummy_mapping"] = torch.randint(0, OUT_DIM * RANK, (OUT_DIM, RANK)).int()
    theirs.load_state_dict(state)
    x = bits()
    assert torch.equal(from_torch_dwn(theirs).eval()(x), theirs(x))
    state["_LUTLayer__dummy_mapping"][0, 0] = OUT_DIM * RANK
    with pytest.raises(ForeignModelError, match="slots that are not there"):
        from_torch_dwn(state, ste=True, alpha=0.3, beta=0.3)


# --- torchlogix ----------------------------------------------------------------------------------------------------


class Options:
    """A parametrization of torchlogix, an object and no module."""

    def __init__(self, forward_sampling="soft", temperature=1.0):
        self.forward_sampling, self.temperature = forward_sampling, temperature


class LightLUTParametrization(Options):
    pass


class WalshLUTParametrization(Options):
    """As early versions call it; warp."""


class LogicDenseStandIn(nn.Module):
    def __init__(self, options, grad_factor=1.0, buffer=True):
        super().__init__()
        self.in_dim, self.out_dim, self.grad_factor = IN_DIM, OUT_DIM, grad_factor
        self.parametrization = options
        self.weight = nn.Parameter(torch.randn(OUT_DIM, 1 << RANK))
        self.connections = nn.Module()
        indices = torch.randint(0, IN_DIM - 2, (RANK, OUT_DIM))  # as "random-unique", not every input is read
        if buffer:
            self.connections.register_buffer("indices", indices)
        else:
            self.connections.indices = indices


@pytest.mark.parametrize("buffer", [True, False])
@pytest.mark.parametrize("sampling", ["soft", "hard", "gumbel_soft", "gumbel_hard"])
@pytest.mark.parametrize("kind", [LightLUTParametrization, WalshLUTParametrization])
def test_torchlogixs_options_are_the_models_own(kind, sampling, buffer):
    theirs = nn.Sequential(LogicDenseStandIn(kind(sampling, 0.5), grad_factor=2.0, buffer=buffer))
    ours = from_torchlogix(theirs)
    assert [type(module).__name__ for module in ours] == ["GradientFactor", "LogicDense"]
    assert ours[0].factor == 2.0
    layer = ours[1]
    assert layer.parametrization_name == ("light" if kind is LightLUTParametrization else "warp")
    assert (layer.parametrization.forward_sampling, layer.parametrization.temperature) == (sampling, 0.5)
    assert layer.in_dim == IN_DIM
    assert torch.equal(layer.connections.inputs(), theirs[0].connections.indices.t().int())
    assert from_torchlogix(theirs, temperature=4.0, grad_factor=1.0)[0].parametrization.temperature == 4.0


def test_a_factor_of_gradients_is_no_part_of_the_circuit():
    model = nn.Sequential(GradientFactor(3.0), LogicDense(IN_DIM, OUT_DIM, RANK), GradientFactor(0.5))
    x = bits().requires_grad_()
    assert torch.equal(model(x), model[1](x))
    g = torch.randn(200, OUT_DIM)
    torch.testing.assert_close(torch.autograd.grad(model(x), x, g)[0], 1.5 * torch.autograd.grad(model[1](x), x, g)[0])
    circuit = to_circuit(model.eval(), (IN_DIM,))
    assert np.array_equal(circuit.outputs(x.detach().numpy()), model(x).detach().bool().numpy())
