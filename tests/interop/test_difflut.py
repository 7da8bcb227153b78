import itertools
import math
import sys

import numpy as np
import pytest
import torch
from torch import nn

from lutsmith import to_circuit
from lutsmith.interop import ForeignModelError, from_difflut

IN_DIM, RANK, NODES = 11, 3, 8
# What no state dict says.
NEURAL = {"activation": "relu", "temperature": 1.0, "ste": False, "grad_factor": 1.0}
OPTIONS = {**NEURAL, "max_amplitude": 0.5}


def bits_of(address):
    return [address >> j & 1 for j in range(RANK)]


def combinations():
    """difflut's binary_combinations: the inputs at each address."""
    return torch.tensor([bits_of(address) for address in range(1 << RANK)]).float()


def monomials(degree):
    """The exponents of difflut's polylut: the constant, then by degree, each degree's compositions in its order."""
    rows = [(0,) * RANK]
    for d in range(1, degree + 1):
        rows += sorted(e for e in itertools.product(range(d + 1), repeat=RANK) if sum(e) == d)
    return rows


# Each kind: the parameters of one node with m outputs, and the hard bit of output o at binary inputs x, by definition.


def dwn(m):
    luts = torch.rand(m, 1 << RANK)
    state = {"luts": luts, "alpha": torch.tensor(0.5 * 0.75 ** (RANK - 1)), "beta": torch.tensor(1 / 3)}
    return state, lambda x, o: luts[o, address(x)] >= 0.5


def dwn_stable(m):
    raw = torch.randn(m, 1 << RANK) * 0.1
    return {"raw_luts": raw, "gradient_scale": torch.tensor(1.25)}, lambda x, o: raw[o, address(x)].sigmoid() >= 0.5


def hybrid(m):
    raw = torch.randn(m, 1 << RANK) * 0.1
    state = {"raw_luts": raw, "binary_combinations": combinations()}
    return state, lambda x, o: raw[o, address(x)].sigmoid() >= 0.5


def probabilistic(m):
    raw = torch.randn(1 << RANK, m)
    state = {"raw_weights": raw, "temperature": torch.tensor(2.0), "binary_combinations": combinations()}
    return state, lambda x, o: raw[address(x), o].sigmoid() >= 0.5


def linear(m):
    w = torch.randn(RANK, m)
    return {"weights": w}, lambda x, o: sum(w[j, o] * x[j] for j in range(RANK)) >= 0


def linear_with_bias(m):
    w, b = torch.randn(RANK, m), torch.randn(m)
    return {"weights": w, "bias": b}, lambda x, o: sum(w[j, o] * x[j] for j in range(RANK)) + b[o] >= 0


def polylut(m):
    exponents = monomials(3)
    w = torch.randn(len(exponents), m)
    state = {"weights": w, "exponent_matrix": torch.tensor(exponents).float()}
    return (
        state,
        lambda x, o: (
            sum(w[i, o] * math.prod(v**p for v, p in zip(x, e, strict=True)) for i, e in enumerate(exponents)) >= 0
        ),
    )


def neurallut(m, depth=2, skips=()):
    sizes = [RANK, *[8] * (depth - 1), m]
    layers = {f"layers.{i}": nn.Linear(sizes[i], sizes[i + 1]) for i in range(depth)}
    layers |= {f"skip_layers.{i}": nn.Linear(RANK, sizes[i + 1]) for i in skips}
    state = {f"{name}.{key}": value for name, layer in layers.items() for key, value in layer.state_dict().items()}

    def output(x, o):
        inputs = hidden = torch.tensor(x).float()
        for i in range(depth):
            hidden = layers[f"layers.{i}"](hidden)
            if i in skips:
                hidden = hidden + layers[f"skip_layers.{i}"](inputs)
            if i < depth - 1:
                hidden = hidden.relu()
        return hidden[o].sigmoid() >= 0.5

    return state, output


def fourier(m):
    count = 6
    frequencies = 0.5 * torch.randint(0, 2, (count, RANK)).float()  # drawn with replacement
    amplitudes, phases, bias = (
        torch.rand(count, m) * 0.1,
        (torch.rand(count, m) * 2 - 1) * math.pi,
        torch.full((m,), 0.4),
    )
    state = {"frequencies": frequencies, "amplitudes": amplitudes, "phases": phases, "bias": bias}

    def output(x, o):
        total = float(bias[o])
        for k in range(count):
            angle = 2 * math.pi * sum(float(frequencies[k, j]) * x[j] for j in range(RANK)) + float(phases[k, o])
            total += 0.5 * float(amplitudes[k, o] / amplitudes[:, o].sum()) * math.cos(angle)
        return min(max(total, 0), 1) >= 0.5

    return state, output


def warp(m):
    c = torch.randn(1 << RANK, m) * 0.1
    state = {"coefficients": c, "temperature": torch.tensor(1.0)}
    return (
        state,
        lambda x, o: (
            sum(c[s, o] * math.prod(2 * x[j] - 1 for j in range(RANK) if s >> j & 1) for s in range(1 << RANK)) > 0
        ),
    )


def difflogic(m):
    weights = torch.randn(m, 16)
    indices = torch.stack([torch.randperm(RANK)[:2] for _ in range(m)])
    table = torch.tensor([[g >> k & 1 for k in range(4)] for g in range(16)]).float()
    state = {"weights": weights, "indices": indices, "truth_tables": table}

    def output(x, o):
        a, b = (x[int(i)] for i in indices[o])
        return bool(table[weights[o].argmax(), 2 * a + b])  # difflut's rows are the outputs at 00, 01, 10, 11

    return state, output


def deep(m):
    return neurallut(m, depth=4, skips=(2,))


def skipping(m):
    return neurallut(m, depth=3, skips=(2,))


KINDS = {
    dwn: "dwn",
    dwn_stable: "dwn",
    hybrid: "hybrid",
    probabilistic: "light",
    linear: "linear",
    linear_with_bias: "linear",
    polylut: "poly",
    neurallut: "neural",
    skipping: "neural",
    fourier: "fourier",
    warp: "warp",
    difflogic: "raw",
}


def address(x):
    return sum(bit << j for j, bit in enumerate(x))


def checkpoint(kind, outputs=1, learnable=False):
    """A state dict of one layer in difflut's layout, and its bits at binary inputs, by definition."""
    if learnable:
        state = {"layers.0.mapping.W": torch.randn(NODES * RANK, IN_DIM)}
        mapping = state["layers.0.mapping.W"].argmax(-1).reshape(NODES, RANK)
    else:
        mapping = torch.stack([torch.randperm(IN_DIM)[:RANK] for _ in range(NODES)])
        state = {"layers.0._mapping_indices": mapping.to(torch.int16)}
    nodes = []
    for number in range(NODES):
        parameters, output = kind(outputs)
        state |= {f"layers.0.nodes.{number}.{name}": value for name, value in parameters.items()}
        nodes.append(output)

    def evaluate(x):
        rows = x.int().tolist()
        return torch.tensor(
            [
                [float(nodes[i]([row[j] for j in mapping[i]], o)) for i in range(NODES) for o in range(outputs)]
                for row in rows
            ]
        )

    return state, evaluate


@pytest.mark.parametrize("learnable", [False, True])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_model_and_circuit_equal_difflut(kind, learnable):
    torch.manual_seed(1)
    state, evaluate = checkpoint(kind, learnable=learnable)
    x = torch.randint(0, 2, (100, IN_DIM)).float()
    expected = evaluate(x)
    model = from_difflut(state, num_classes=4, tau=2.0, in_dim=IN_DIM, **OPTIONS).eval()
    assert model[0].parametrization_name == KINDS[kind]
    assert torch.equal(model[0](x), expected)
    circuit = to_circuit(model, (IN_DIM,))
    assert np.array_equal(circuit.predict(x.numpy()), expected.reshape(100, 4, 2).sum(-1).argmax(-1).numpy())
    assert np.array_equal(circuit.outputs(x.numpy()), expected.bool().numpy())


@pytest.mark.parametrize("rank", [1, 2, 4, 5, 6, 7, 8])
def test_every_rank_equals_difflut(rank, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "RANK", rank)
    torch.manual_seed(rank)
    x = torch.randint(0, 2, (30, IN_DIM)).float()
    kinds = set(KINDS) - ({difflogic} if rank < 2 else set()) - ({polylut} if rank > 6 else set())
    for kind in sorted(kinds, key=lambda kind: kind.__name__):
        state, evaluate = checkpoint(kind)
        model = from_difflut(state, in_dim=IN_DIM, **OPTIONS).eval()
        assert model[0].parametrization_name == KINDS[kind]
        assert torch.equal(model(x), evaluate(x)), kind.__name__


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind not in (neurallut, skipping)], ids=lambda k: k.__name__
)
def test_nodes_of_several_outputs_become_as_many_luts(kind):
    torch.manual_seed(2)
    state, evaluate = checkpoint(kind, outputs=3)
    x = torch.randint(0, 2, (60, IN_DIM)).float()
    model = from_difflut(state, in_dim=IN_DIM, **OPTIONS).eval()
    assert torch.equal(model(x), evaluate(x))
    assert model[0].out_dim == 3 * NODES


@pytest.mark.parametrize(("kind", "outputs"), [(deep, 1), (neurallut, 2)])
def test_what_has_no_counterpart_keeps_its_tables_and_says_so(kind, outputs):
    torch.manual_seed(3)
    state, evaluate = checkpoint(kind, outputs)
    x = torch.randint(0, 2, (60, IN_DIM)).float()
    with pytest.warns(UserWarning, match="as light logits"):
        model = from_difflut(state, in_dim=IN_DIM, **OPTIONS).eval()
    assert model[0].parametrization_name == "light"
    assert torch.equal(model(x), evaluate(x))


def test_soft_outputs_are_those_of_difflut():
    """What the weights mean between the corners, where difflut's forward is a function of x alone."""
    torch.manual_seed(4)
    for kind in (probabilistic, linear_with_bias, polylut, skipping, fourier, warp, difflogic):
        parameters, _ = kind(1)
        state = {"_mapping_indices": torch.arange(RANK).unsqueeze(0)}
        state |= {f"nodes.0.{name}": value for name, value in parameters.items()}
        x = torch.rand(50, RANK)
        model = from_difflut(state, in_dim=RANK, **OPTIONS).train()
        if kind is skipping:  # whose noise has the mean 0
            assert model[0].parametrization.forward_sampling == "gumbel_soft"
            model[0].parametrization.forward_sampling = "soft"
        ours = model(x).flatten()
        torch.testing.assert_close(ours.detach(), soft(kind, parameters, x), atol=2e-6, rtol=2e-5)


def soft(kind, p, x):
    if kind is probabilistic:
        corners = torch.tensor([bits_of(a) for a in range(1 << RANK)])
        terms = (x.unsqueeze(1) * corners + (1 - x.unsqueeze(1)) * (1 - corners)).prod(-1)
        return terms @ (p["raw_weights"][:, 0] / p["temperature"]).sigmoid()
    if kind is difflogic:
        a, b = x[:, p["indices"][0]].unbind(1)
        corners = torch.stack([(1 - a) * (1 - b), (1 - a) * b, a * (1 - b), a * b], 1)
        return corners @ p["truth_tables"].t() @ p["weights"][0].softmax(0)
    if kind is linear_with_bias:
        return (x @ p["weights"][:, 0] + p["bias"][0]).sigmoid()
    if kind is polylut:
        return ((x.unsqueeze(1) ** p["exponent_matrix"]).prod(-1) @ p["weights"][:, 0]).sigmoid()
    if kind is skipping:
        hidden = x
        for i in range(3):
            hidden = nn.functional.linear(hidden, p[f"layers.{i}.weight"], p[f"layers.{i}.bias"])
            if i == 2:
                hidden = hidden + nn.functional.linear(x, p["skip_layers.2.weight"], p["skip_layers.2.bias"])
            else:
                hidden = hidden.relu()
        return hidden[:, 0].sigmoid()
    if kind is fourier:
        shares = p["amplitudes"] / (p["amplitudes"].sum(0) + 1e-8) * 0.5
        waves = (2 * math.pi * x @ p["frequencies"].t() + p["phases"][:, 0]).cos()
        return (waves @ shares[:, 0] + p["bias"][0]).clamp(0, 1)
    masks = torch.tensor([[s >> j & 1 for j in range(RANK)] for s in range(1 << RANK)]).bool()
    products = torch.where(masks, (2 * x - 1).unsqueeze(1), torch.ones(())).prod(-1)
    return (products @ p["coefficients"][:, 0] / p["temperature"]).sigmoid()


@pytest.mark.parametrize(("kind", "name"), [(dwn, "luts"), (hybrid, "raw_luts"), (probabilistic, "raw_weights")])
def test_entries_on_the_threshold_are_ones_as_in_difflut(kind, name):
    state, _ = checkpoint(kind)
    middle = 0.5 if kind is dwn else 0.0
    state = {key: torch.full_like(value, middle) if key.endswith(name) else value for key, value in state.items()}
    assert from_difflut(state, in_dim=IN_DIM, **OPTIONS)[0].hard_tables().all()


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"layers.0._mapping_indices": None}, "no _mapping_indices"),
        ({"layers.0.nodes.3.luts": None}, "7 have luts"),
        ({"layers.0.nodes.3.luts": torch.rand(1, 16)}, "expected the same of all"),
        ({"layers.0._mapping_indices": torch.zeros(NODES, 4).int()}, "8 entries"),
        ({"layers.0._mapping_indices": torch.zeros(NODES, 9).int()}, "512"),
        ({"encoder.thresholds": torch.rand(3)}, "encoder.thresholds"),
        ({f"layers.0.nodes.{i}.mystery": torch.rand(2) for i in range(NODES)}, "not a node known here"),
    ],
)
def test_parts_that_do_not_fit_are_named(changes, match):
    state, _ = checkpoint(dwn)
    state |= changes
    with pytest.raises(ForeignModelError, match=match):
        from_difflut({key: value for key, value in state.items() if value is not None}, in_dim=IN_DIM)
    if "encoder.thresholds" in changes:
        assert len(from_difflut(state, in_dim=IN_DIM, skip=("encoder.",))) == 1
