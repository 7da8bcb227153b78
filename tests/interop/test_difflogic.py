import random
import sys
import types
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lutsmith import prove_lowering, to_circuit
from lutsmith.interop import ForeignModelError, from_difflogic
from lutsmith.nn import LogicDense

# difflogic's sixteen gates by their numbers, as functions of a and b.
GATES = [
    lambda a, b: 0,
    lambda a, b: a and b,
    lambda a, b: a and not b,
    lambda a, b: a,
    lambda a, b: b and not a,
    lambda a, b: b,
    lambda a, b: a != b,
    lambda a, b: a or b,
    lambda a, b: not (a or b),
    lambda a, b: a == b,
    lambda a, b: not b,
    lambda a, b: a or not b,
    lambda a, b: not a,
    lambda a, b: b or not a,
    lambda a, b: not (a and b),
    lambda a, b: 1,
]


class LogicLayer(nn.Module):
    """The attributes that difflogic's layer has; `indices` are neither parameter nor buffer."""

    def __init__(self, in_dim, out_dim, grad_factor=1.0):
        super().__init__()
        self.weights = nn.Parameter(torch.randn(out_dim, 16))
        self.in_dim = in_dim
        self.out_dim = out_dim
        self.device = "cpu"
        self.grad_factor = grad_factor
        self.indices = torch.randint(0, in_dim, (out_dim,)), torch.randint(0, in_dim, (out_dim,))

    def forward(self, x):
        a, b = x.bool()[:, self.indices[0]], x.bool()[:, self.indices[1]]
        gates = self.weights.argmax(-1)
        columns = [
            [bool(GATES[gate](bool(p), bool(q))) for p, q in zip(a[:, j], b[:, j], strict=True)]
            for j, gate in enumerate(gates)
        ]
        return torch.tensor(columns).t().float()


class GroupSum(nn.Module):
    def __init__(self, k, tau=1.0):
        super().__init__()
        self.k, self.tau = k, tau


@pytest.fixture
def theirs():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), LogicLayer(12, 30), LogicLayer(30, 20), GroupSum(4, tau=10.0))
    with torch.no_grad():
        for gate in range(16):  # every gate occurs
            model[1].weights[gate, gate] = 10
    return model


@pytest.fixture
def pickled(theirs, tmp_path, monkeypatch):
    """A file of the whole model, whose classes are those of the module difflogic.difflogic."""
    package, module = types.ModuleType("difflogic"), types.ModuleType("difflogic.difflogic")
    for kind in (LogicLayer, GroupSum):
        monkeypatch.setattr(kind, "__module__", "difflogic.difflogic")
        setattr(module, kind.__name__, kind)
    monkeypatch.setitem(sys.modules, "difflogic", package)
    monkeypatch.setitem(sys.modules, "difflogic.difflogic", module)
    path = tmp_path / "model.pt"
    torch.save(theirs, path)
    return path


def check(ours, theirs):
    x = torch.randint(0, 2, (200, 12)).float()
    bits = theirs[2](theirs[1](x))
    ours.eval()
    assert torch.equal(ours[:-1](x), bits)
    assert [layer.parametrization_name for layer in ours[:-1]] == ["raw", "raw"]
    assert ours[-1].tau == 10
    circuit = to_circuit(ours, (12,))
    assert np.array_equal(circuit.predict(x.numpy()), bits.reshape(200, 4, 5).sum(-1).argmax(-1).numpy())


def test_a_model_is_imported_with_its_wiring(theirs):
    check(from_difflogic(theirs), theirs)


def test_a_state_dict_needs_the_wiring_beside_it(theirs):
    state = theirs.state_dict()
    with pytest.raises(ForeignModelError, match=r"pass indices=\["):
        from_difflogic(state, in_dim=12, grad_factor=1.0)
    wiring = [theirs[1].indices, torch.stack(theirs[2].indices)]
    check(from_difflogic(state, wiring, num_classes=4, tau=10.0, in_dim=12, grad_factor=1.0), theirs)
    with pytest.raises(ForeignModelError, match="1 layers"):
        from_difflogic(state, wiring[:1])
    with pytest.raises(ForeignModelError, match="pair"):
        from_difflogic(state, [wiring[0], (wiring[1][0], torch.zeros(3))], in_dim=12, grad_factor=1.0)
    with pytest.raises(ForeignModelError, match="names inputs"):
        from_difflogic(state, [wiring[0], (wiring[1][0], torch.full((20,), 30))], in_dim=12, grad_factor=1.0)


def test_a_file_of_the_whole_model_is_read_without_difflogic(pickled, theirs, monkeypatch):
    monkeypatch.delitem(sys.modules, "difflogic.difflogic")
    monkeypatch.delitem(sys.modules, "difflogic")
    check(from_difflogic(pickled), theirs)


def test_a_file_of_anything_else_is_refused(tmp_path, theirs):
    torch.save(7, tmp_path / "number.pt")
    with pytest.raises(ForeignModelError, match="int without tensors"):
        from_difflogic(tmp_path / "number.pt")
    torch.save(nn.Sequential(nn.Linear(2, 3)), tmp_path / "other.pt")
    torch.save(theirs, tmp_path / "foreign.pt")  # its classes are those of this test
    for name in ("other.pt", "foreign.pt"):
        with pytest.raises(ForeignModelError, match="cannot read"):
            from_difflogic(tmp_path / name)


def test_training_goes_on_where_difflogic_was(theirs):
    ours = from_difflogic(theirs)
    x = torch.rand(20, 12)
    layer = theirs[1]
    a, b = x[:, layer.indices[0]], x[:, layer.indices[1]]
    corners = [((1 - a) * (1 - b), 0, 0), ((1 - a) * b, 0, 1), (a * (1 - b), 1, 0), (a * b, 1, 1)]
    values = torch.stack([sum(weight * bool(gate(p, q)) for weight, p, q in corners) for gate in GATES], -1)
    expected = (values * layer.weights.softmax(-1)).sum(-1)
    torch.testing.assert_close(ours[0].train()(x), expected)


def test_of_equal_logits_the_first_gate_is_taken():
    weights = torch.zeros(3, 16)
    weights[1, 3] = weights[1, 5] = 2.5
    weights[2, [12, 10]] = -0.0
    model = from_difflogic({"0.weights": weights}, [torch.tensor([[0, 0, 0], [1, 1, 1]])], in_dim=2, grad_factor=1.0)
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    assert model.eval()(x).t().tolist() == [[0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]]


def test_a_pickle_with_any_bytes_changed_imports_or_is_refused(pickled, tmp_path):
    with zipfile.ZipFile(pickled) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    pickle = next(name for name in parts if name.endswith("data.pkl"))
    draw = random.Random(0)
    refused = 0
    for _ in range(150):
        changed = bytearray(parts[pickle])
        for _ in range(draw.choice([1, 1, 4])):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        with zipfile.ZipFile(tmp_path / "changed.pt", "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, bytes(changed) if name == pickle else content)
        try:
            from_difflogic(tmp_path / "changed.pt")
        except ForeignModelError:
            refused += 1
    assert refused > 75


@pytest.mark.parametrize("factors", [(1.0, 1.0), (2.0, 2.0), (1.0, 3.0)])
def test_the_factor_of_gradients_is_kept(theirs, factors):
    for layer, factor in zip(theirs[1:3], factors, strict=True):
        layer.grad_factor = factor
    ours = from_difflogic(theirs).train()
    x = torch.rand(20, 12, requires_grad=True)
    g = torch.randn(20, 4)
    layers = [module for module in ours if isinstance(module, LogicDense)]
    got = torch.autograd.grad(ours(x), [x, *[layer.weight for layer in layers]], g)
    plain = nn.Sequential(*layers, ours[-1])
    expected = torch.autograd.grad(plain(x), [x, *[layer.weight for layer in layers]], g)
    for gradient, other, scale in zip(got, expected, (factors[0] * factors[1], factors[1], 1.0), strict=True):
        torch.testing.assert_close(gradient, scale * other)
    given = from_difflogic(
        theirs.state_dict(), [layer.indices for layer in theirs[1:3]], in_dim=12, grad_factor=list(factors)
    )
    assert [str(module) for module in given] == [str(module) for module in ours[:-1]]


def test_a_model_with_factors_is_proved_to_be_its_circuit(theirs):
    wiring = [layer.indices for layer in theirs[1:3]]
    model = from_difflogic(
        theirs.state_dict(), wiring, num_classes=4, tau=10.0, in_dim=12, grad_factor=[2.0, 1.5]
    ).eval()
    circuit = to_circuit(model.eval(), (12,))
    assert prove_lowering(model, circuit).verdict == "proved"
    worse = random.Random(0).randrange(circuit.netlist.num_nodes)
    tables = circuit.netlist.tables()
    tables[worse] ^= np.uint64(1)
    pool, index = np.unique(tables, return_inverse=True)
    netlist = replace(circuit.netlist, table_pool=pool, table_index=index.astype(np.int32))
    assert prove_lowering(model, replace(circuit, netlist=netlist)).verdict == "failed"
