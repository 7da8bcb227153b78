"""A weight of exactly 0 is the bit 0: in the table, in the sampled forward pass, in the kernel and in the circuit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lutsmith.kernels.training.lookup import naive as naive_lookup
from lutsmith.kernels.training.ops import lookup
from lutsmith.nn import GroupedDSP, LogicDense, to_circuit
from lutsmith.nn.parametrizations import list_parametrizations

TINY = 1e-30
FAMILIES = [(name, 2) for name in list_parametrizations()] + [
    (name, 6) for name in list_parametrizations() if name not in ("raw", "neural")
]
ENTRIES = ["dwn", "hybrid", "lagrange", "light"]
"""Those whose weights are an entry of the table each."""


def corners(rank: int) -> Tensor:
    """Every binary input, float32 (2**rank, rank), in the order of addresses."""
    return ((torch.arange(1 << rank).unsqueeze(1) >> torch.arange(rank)) & 1).float()


def own_layer(name: str, rank: int, luts: int) -> LogicDense:
    """LUTs that read inputs 0 to rank - 1 in order and, while training, give bits."""
    indices = torch.arange(rank).expand(luts, rank)
    sampling = {} if name == "dwn" else {"forward_sampling": "hard"}
    return LogicDense(rank, luts, rank, parametrization=name, indices=indices, **sampling)


def said(layer: LogicDense, x: Tensor) -> dict[str, np.ndarray]:
    """What each form of a layer says of the rows of x."""
    layer.train()
    found = {"sampled": layer(x).detach()}
    layer.eval()
    found["layer"] = layer(x)
    tables = layer.hard_tables()
    reads = layer.connections.reads()
    found["kernel"] = lookup(x.t().contiguous(), tables.float(), reads).t()
    found["naive"] = naive_lookup.lookup(x.t().contiguous(), tables.float(), reads).t()
    values = {form: value.numpy() for form, value in found.items()}
    circuit = to_circuit(nn.Sequential(layer), (layer.in_dim,))
    return values | {"circuit": circuit.outputs(x.numpy()), "specification": circuit.evaluate(x.numpy())}


@pytest.mark.parametrize(("name", "rank"), FAMILIES)
def test_weights_that_are_all_zero_are_tables_of_zeros(name: str, rank: int) -> None:
    layer = own_layer(name, rank, 3)
    with torch.no_grad():
        layer.weight.zero_()
    assert not layer.hard_tables().any()
    for form, bits in said(layer, corners(rank)).items():
        assert not bits.any(), form


@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize("rank", [1, 4, 6])
@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_of_zero_is_on_the_side_of_the_negative_ones(name: str, rank: int, zero: float) -> None:
    layer = own_layer(name, rank, 8)
    rng = np.random.default_rng(rank)
    weight = torch.tensor(rng.choice([zero, TINY, -TINY, 0.7, -0.7], (8, 1 << rank)), dtype=torch.float32)
    with torch.no_grad():
        layer.weight.copy_(weight)
    meant = (weight.numpy() > 0).T  # the corner a reads the entry a
    assert (weight == 0).any()
    assert np.array_equal(layer.hard_tables().numpy(), meant.T)
    for form, bits in said(layer, corners(rank)).items():
        assert np.array_equal(bits.astype(bool), meant), form


def test_an_input_of_exactly_a_half_is_a_zero() -> None:
    layer = own_layer("light", 2, 1).eval()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[-1.0, 1.0, -1.0, -1.0]]))  # input 0 and not input 1
    above = float(np.nextafter(np.float32(0.5), np.float32(1)))
    x = torch.tensor([[0.5, 0.0], [above, 0.0], [1.0, 0.5], [1.0, above]])
    rows, tables, reads = x.t().contiguous(), layer.hard_tables().float(), layer.connections.reads()
    for bits in (layer(x), lookup(rows, tables, reads).t(), naive_lookup.lookup(rows, tables, reads).t()):
        assert bits.flatten().tolist() == [0, 1, 1, 0]


def test_a_class_that_no_group_counts_for_has_the_score_zero_everywhere() -> None:
    """Integer multiply-accumulate with zeros: a row, a column, and single weights that round to 0."""
    head = GroupedDSP(3, wbits=4, num_groups=4, permute=False).eval()
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[0.0, 0.0, 0.0, 0.0], [1.0, 0.0, -1.0, 0.0], [0.05, 0.0, 0.5, -0.0]]))
    weights = head.integer_weight()
    assert weights.tolist() == [[0, 0, 0, 0], [5, 0, -5, 0], [0, 0, 3, 0]]
    bits = torch.tensor(np.random.default_rng(0).integers(0, 2, (200, 12)), dtype=torch.float32)
    counts = bits.reshape(200, 4, 3).sum(2).double()
    meant = counts @ weights.t()
    assert torch.equal(head(bits).double(), meant)
    circuit = to_circuit(nn.Sequential(head), (12,))
    assert circuit.head.weights.tolist() == weights.tolist()
    assert np.array_equal(circuit.decision_function(bits.numpy()), meant.numpy())
    assert np.array_equal(circuit.predict(bits.numpy()), meant.argmax(1).numpy())
