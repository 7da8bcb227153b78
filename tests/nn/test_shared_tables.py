"""Layers whose LUTs share tables and scores: one kernel at many places is as many copies of it."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lutsmith.kernels import threads
from lutsmith.kernels.training import arguments
from lutsmith.nn import GroupSum, LogicDense, prove_lowering, to_circuit
from lutsmith.nn.connections import list_connections
from lutsmith.nn.from_circuit import from_circuit
from lutsmith.nn.parameter_groups import collect_groups
from lutsmith.nn.parametrizations import list_parametrizations, setup_parametrization
from lutsmith.training.penalties import Area

IN_DIM, PLACES, RANK, K = 30, 1024, 2, 5
KINDS: dict[str, dict[str, Any]] = {
    "fixed": {},
    "learnable": {"connections": "learnable", "num_candidates": K},
    "learnable, dwn's rule": {"connections": "learnable", "num_candidates": K, "connection_rule": "dwn"},
    "learnable, soft": {"connections": "learnable", "num_candidates": K, "connection_sampling": "soft"},
    "top-k": {"connections": "top-k", "num_candidates": K},
    "dense": {"connections": "dense"},
}
FORMS = [(name, form) for name in list_parametrizations() for form in type(setup_parametrization(name, 2)).forms]


def make(kind: str = "fixed", owners: Any = None, out_dim: int = PLACES, rank: int = RANK, **more: Any) -> LogicDense:
    """A layer of this kind with random weights; owners of tables, and of scores where there are candidates."""
    shared = {} if owners is None else {"table_of": owners}
    if owners is not None and "num_candidates" in KINDS[kind]:
        shared["score_of"] = owners
    generator = torch.Generator().manual_seed(3)
    options = {"weight_init": "random", "generator": generator, **KINDS[kind], **shared, **more}
    layer = LogicDense(IN_DIM, out_dim, rank, **options)
    if more.get("parametrization") == "fourier":  # within [0, 1]: beyond, the sign of the whole gradient matters
        layer.weight.data *= 0.2
    return layer


def copies_of(layer: LogicDense, kind: str, **more: Any) -> LogicDense:
    """The layer with a table and scores of its own for each LUT, equal to those that it shares."""
    other = make(kind, None, layer.out_dim, layer.lut_rank, **more)
    state = dict(layer.state_dict())
    for owner, name in (("table_of", "weight"), ("connections.score_of", "connections.scores")):
        if owner in state:
            state[name] = state[name][state.pop(owner).long()]
    other.load_state_dict(state)
    return other


def gradients(layer: LogicDense, x: Tensor, grad: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    x = x.clone().requires_grad_()
    y = layer(x)
    leaves = {"x": x, **dict(layer.named_parameters())}
    return y.detach(), dict(zip(leaves, torch.autograd.grad(y, list(leaves.values()), grad), strict=True))


def summed(values: Tensor, owners: Any) -> Tensor:
    owners = torch.as_tensor(owners).long()
    return torch.zeros(int(owners.max()) + 1, *values.shape[1:], dtype=torch.float64).index_add(
        0, owners, values.double()
    )


def near(got: Tensor, expected: Tensor) -> None:
    scale = max(1.0, float(expected.abs().max()))
    torch.testing.assert_close(got.double(), expected.double(), rtol=0, atol=3e-5 * scale)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "form"), FORMS)
def test_1024_places_of_one_table_and_one_score_vector_are_1024_copies(name: str, form: str, kind: str) -> None:
    owners = [0] * PLACES
    options = {"parametrization": name, "form": form}
    layer = make(kind, owners, **options)
    copies = copies_of(layer, kind, **options)
    assert len(layer.weight) == 1
    if "num_candidates" in KINDS[kind]:
        assert layer.connections.scores.shape == (1, RANK, K)
    x, grad = torch.rand(9, IN_DIM), torch.randn(9, PLACES)
    y, found = gradients(layer, x, grad)
    expected_y, expected = gradients(copies, x, grad)
    assert torch.equal(y, expected_y)
    assert torch.equal(found["x"], expected["x"])
    near(found["weight"], summed(expected["weight"], owners))
    if "connections.scores" in found:
        shared = found["connections.scores"].shape[0] == 1
        scores = expected["connections.scores"]
        near(found["connections.scores"], summed(scores, owners) if shared else scores)
    assert torch.equal(layer.eval()(x), copies.eval()(x))
    first, second = (to_circuit(nn.Sequential(model), input_shape=(IN_DIM,)).netlist for model in (layer, copies))
    for field in ("fanin", "fanin_ptr", "table_pool", "table_index", "outputs"):
        np.testing.assert_array_equal(getattr(first, field), getattr(second, field))
    for got, other in zip(layer.get_luts_and_ids(), copies.get_luts_and_ids(), strict=True):
        assert torch.equal(got, other)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None)
@given(st.data())
def test_tables_are_shared_in_any_order(kind: str, data: st.DataObject) -> None:
    tables, rank = data.draw(st.integers(1, 6)), data.draw(st.sampled_from([1, 3, 6]))
    more = data.draw(st.lists(st.integers(0, tables - 1), max_size=30))
    owners = data.draw(st.permutations([*range(tables), *more]))
    name = data.draw(st.sampled_from([name for name in list_parametrizations() if name != "raw"]))
    layer = make(kind, owners, len(owners), rank, parametrization=name)
    copies = copies_of(layer, kind, parametrization=name)
    x, grad = torch.rand(7, IN_DIM), torch.randn(7, len(owners))
    y, found = gradients(layer, x, grad)
    expected_y, expected = gradients(copies, x, grad)
    near(y, expected_y)
    near(found["x"], expected["x"])
    near(found["weight"], summed(expected["weight"], owners))
    if "num_candidates" in KINDS[kind]:
        near(found["connections.scores"], summed(expected["connections.scores"], owners))
    model = nn.Sequential(layer).eval()
    assert torch.equal(model(x), copies.eval()(x))
    circuit = to_circuit(model, input_shape=(IN_DIM,))
    np.testing.assert_array_equal(circuit.evaluate(x.numpy()), model(x).detach().numpy() > 0.5)
    assert prove_lowering(model, circuit).ok
    assert repr(layer).count(f"tables={tables}") == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["light", "poly", "dwn"])
def test_shared_gradients_are_the_same_bits_on_any_number_of_threads(
    name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arguments, "SMALL", 0)
    form = "direct" if name == "poly" else "multilinear"
    owners = torch.arange(300) * 7 % 4
    layer = make(kind, owners, 300, 3, parametrization=name, form=form)
    x, grad = torch.rand(300, IN_DIM), torch.randn(300, 300)
    found, before = [], torch.get_num_threads()
    try:
        for count in (1, 2, 4):
            torch.set_num_threads(1 if form == "direct" else count)  # its matrix products are torch's
            threads.set_num_threads(min(count, threads.config.NUMBA_NUM_THREADS))
            y, every = gradients(layer, x, grad)
            found.append(
                [y, every["weight"], *([every["connections.scores"]] if "connections.scores" in every else [])]
            )
    finally:
        torch.set_num_threads(before)
        threads.set_num_threads(None)
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


@pytest.mark.parametrize("sampling", ["gumbel_soft", "gumbel_hard"])
@pytest.mark.parametrize("name", ["raw", "light", "hybrid"])
def test_noise_in_tables_is_drawn_once_for_each_table(name: str, sampling: str) -> None:
    wires = torch.tensor([[1, 2]]).repeat(40, 1)
    options = {"parametrization": name, "forward_sampling": sampling, "indices": wires, "residual_probability": 0.6}
    owners = torch.arange(40) // 20
    layer = LogicDense(IN_DIM, 40, 2, table_of=owners, **options)
    own = LogicDense(IN_DIM, 40, 2, **options)
    x = torch.rand(64, IN_DIM).round()
    y, other = layer(x), own(x)
    assert all(torch.equal(y[:, place], y[:, 0 if place < 20 else 20]) for place in range(40))
    assert len(other.unique(dim=1).t()) > 2  # copies have noise of their own
    assert len(layer(x).unique(dim=1).t()) <= 2


def test_noise_on_outputs_is_drawn_for_each_place() -> None:
    wires = torch.tensor([[1, 2]]).repeat(40, 1)
    layer = LogicDense(
        IN_DIM, 40, 2, table_of=[0] * 40, indices=wires, parametrization="warp", forward_sampling="gumbel_soft"
    )
    assert len(layer(torch.rand(3, IN_DIM)).unique(dim=1).t()) == 40


def test_noise_of_scores_is_drawn_once_for_each_kernel() -> None:
    owners = torch.arange(60) % 3
    layer = make("learnable", owners, 60, 3, connection_sampling="gumbel")
    connections: Any = layer.connections
    drawn = set()
    for seed in range(20):
        torch.manual_seed(seed)
        reads = connections.route(torch.rand(IN_DIM, 4))[1]
        numbers = (connections.candidates == reads.inputs.unsqueeze(-1)).int().argmax(-1)
        assert torch.equal(numbers, numbers[:3][owners])
        assert torch.equal(reads.scores, reads.scores[:3][owners])
        drawn.add(tuple(numbers[:3].flatten().tolist()))
        torch.manual_seed(seed)  # the gradient is that of copies with this noise
        noise = torch.empty_like(connections.scores).exponential_().log().detach()
        hard = make("learnable", owners, 60, 3)
        hard.load_state_dict({**layer.state_dict(), "connections.scores": connections.scores.detach() - noise})
        torch.manual_seed(seed)
        x, grad = torch.rand(9, IN_DIM), torch.randn(9, 60)
        torch.manual_seed(seed)
        found = gradients(layer, x, grad)[1]
        for name, expected in gradients(hard, x, grad)[1].items():
            assert torch.equal(found[name], expected)
    assert len(drawn) > 10


@pytest.mark.parametrize("rank", [2, 6])
def test_a_convolution_of_kernels_at_places_with_overlapping_pools(rank: int) -> None:
    """Windows that move: candidates of the slots overlap, in the same way at each place."""
    kernels, places, window = 3, 20, 9
    generator = torch.Generator().manual_seed(1)
    pools = torch.rand(kernels, rank, window, generator=generator).argsort(-1)[:, :, :6]
    candidates = (pools.unsqueeze(1) + torch.arange(places).view(1, -1, 1, 1)).flatten(0, 1)
    owners = torch.arange(kernels).repeat_interleave(places)
    layer = LogicDense(
        IN_DIM, kernels * places, rank, connections="learnable", candidates=candidates, table_of=owners, score_of=owners
    )
    reads = layer.get_luts_and_ids()[1].t().reshape(kernels, places, rank)
    assert torch.equal(reads - torch.arange(places).view(1, -1, 1), reads[:, :1].expand_as(reads))
    assert all(len(set(row)) == rank for row in reads[:, 0].tolist())
    x = torch.rand(5, IN_DIM).round()
    shifted = layer.eval()(x.roll(1, dims=1)).reshape(5, kernels, places)
    assert torch.equal(shifted[:, :, 1:], layer(x).reshape(5, kernels, places)[:, :, :-1])
    with pytest.raises(ValueError, match="'candidates' cannot be refreshed"):
        layer.connections.refresh(0.3)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_refreshed_candidates_stay_the_same_slots_at_all_places(data: st.DataObject) -> None:
    seed, rank = data.draw(st.integers(0, 999)), data.draw(st.integers(1, 3))
    owners = torch.tensor([0, 1, 2, *data.draw(st.lists(st.integers(0, 2), min_size=4, max_size=30))])
    options = data.draw(
        st.sampled_from(
            [{}, {"num_groups": 2, "group_bias": 0.5}, {"init_method": "local", "shape": (IN_DIM,), "window": 25}]
        )
    )
    if options.get("num_groups"):
        rank = min(rank, 2)
    layer = make("learnable", owners, len(owners), rank, num_candidates=4, **options)
    connections: Any = layer.connections
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        connections.scores.copy_(torch.randn(connections.scores.shape, generator=generator))
    before, scores, inputs = connections.candidates.clone(), connections.scores.detach().clone(), connections.inputs()
    changed = connections.refresh(data.draw(st.sampled_from([0.1, 0.5, 0.9])), generator)
    assert changed.shape == scores.shape
    assert torch.equal(before == connections.candidates, ~changed[owners])
    assert torch.equal(connections.inputs(), inputs)
    assert torch.equal(connections.scores[~changed], scores[~changed])
    flat = connections.candidates.flatten(1)
    assert all(len(set(row)) == flat.shape[1] for row in flat.tolist())
    numbers = (connections.candidates == inputs.unsqueeze(-1)).int().argmax(-1)
    first = torch.stack([numbers[owners == kernel][0] for kernel in range(3)])
    assert torch.equal(numbers, first[owners])


def test_a_candidate_that_finds_no_successor_at_one_place_stays_at_all() -> None:
    """LUT 0 may read four inputs, which are candidates all; LUT 1 has others."""
    usable = (torch.arange(IN_DIM) < 4) | (torch.arange(IN_DIM) >= 15)
    changed = []
    for owners in (None, [0, 0]):
        layer = make("learnable", owners, 2, 2, num_candidates=2, num_groups=2, usable=usable)
        connections: Any = layer.connections
        before = connections.candidates.clone()
        connections.refresh(0.5)
        changed.append((connections.candidates != before).flatten(1).any(1).tolist())
    assert changed == [[False, True], [False, False]]


def test_states_with_and_without_sharing() -> None:
    names = {f"connections.{name}" for name in ("usable", "frozen", "candidates", "scores")}
    assert set(make("learnable").state_dict()) == {"weight", *names}
    assert set(make("fixed").state_dict()) == {"weight", "connections.usable", "connections.indices"}
    owners = torch.arange(40) * 3 % 5
    layer = make("learnable", owners, 40)
    assert {"table_of", "connections.score_of"} < set(layer.state_dict())
    stored = io.BytesIO()
    torch.save(layer.state_dict(), stored)
    stored.seek(0)
    other = make("learnable", torch.arange(40) % 5, 40)
    other.load_state_dict(torch.load(stored, weights_only=True))
    x = torch.rand(9, IN_DIM)
    for again in (other, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(again.train()(x), layer.train()(x))
        assert torch.equal(again.eval()(x), layer.eval()(x))
    for name, key in (("table_of", "table_of"), ("score_of", "connections.score_of")):
        for bad in (5, -1):
            state = {**layer.state_dict(), key: torch.full((40,), bad, dtype=torch.int32)}
            with pytest.raises(RuntimeError, match=f"{name} ranges over {bad}..{bad}; expected 0..4"):
                other.load_state_dict(state)
    assert torch.equal(other(x), layer(x))  # what was refused has changed nothing
    old = make("learnable", None, 8)
    for module, names in ((old, ("table_of", "_table_ptr", "_order", "_back")), (old.connections, ("score_of",))):
        for name in names:
            del module._buffers[name]
    assert pickle.loads(pickle.dumps(old))(x).shape == (9, 8)  # pickled before there was sharing


def test_groups_penalties_circuits_and_faults_see_what_is_shared() -> None:
    owners = [0] * 12 + [1] * 4
    layer = make("learnable", owners, 16, 2)
    model = nn.Sequential(layer, GroupSum(4)).eval()
    groups = collect_groups(model)
    assert [parameter.shape for parameter in groups["scores"]] == [(2, 2, K)]
    assert [parameter.shape for parameter in groups["ordinary"]] == [(2, 4)]
    with torch.no_grad():  # table 0 is a wire, table 1 is an exclusive or
        layer.weight.copy_(torch.tensor([[-9.0, 9, -9, 9], [-9, 9, 9, -9]]))
    assert Area(1.0).expected_luts(model) == pytest.approx(4, abs=0.1)
    assert Area(1.0, exact=True).of_model(model).item() == pytest.approx(0.25, abs=0.01)
    circuit = to_circuit(model, input_shape=(IN_DIM,))
    assert prove_lowering(model, circuit).ok
    x = torch.rand(50, IN_DIM)
    assert torch.equal(from_circuit(circuit).eval()(x), model(x))  # each LUT with a table of its own again
    layer._table_ptr.copy_(torch.tensor([0, 11, 16]))  # type: ignore[union-attr]
    proof = prove_lowering(model, circuit)
    assert not proof.ok
    assert "1 of 16 LUTs of rank 2 are not in the circuit" in str(proof)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"table_of": [0, 0, 1]}, ValueError, r"table_of has shape \(3,\); expected \(out_dim,\) = \(4,\)"),
        ({"table_of": [0, 0, 2, 2]}, ValueError, "table_of names 1 nowhere and 2 as its largest"),
        ({"table_of": [0, 0, -1, 0]}, ValueError, r"table_of ranges over -1..0"),
        ({"table_of": [0, 0, 4, 0]}, ValueError, r"table_of ranges over 0..4; expected numbers from 0 on, at most 3"),
        ({"table_of": [0.0, 0, 0, 0]}, TypeError, "table_of is torch.float32; expected integers"),
        ({"table_of": "0011"}, TypeError, "table_of is a str that cannot become a tensor"),
        ({"indices": {0: 1}}, TypeError, "indices is a dict that cannot become a tensor"),
        ({"usable": "all"}, TypeError, "usable is a str that cannot become a tensor"),
        (
            {"candidates": [[[0, 1], [2]]] * 4, "connections": "learnable"},
            ValueError,
            "candidates cannot become a tensor .* equal lengths",
        ),
        ({"score_of": [0] * 4}, ValueError, "pass connections='learnable' or 'top-k' for score_of"),
        (
            {"score_of": [0] * 4, "connections": "dense"},
            ValueError,
            "pass connections='learnable' or 'top-k' for score",
        ),
        ({"candidates": [[[0, 1]]] * 4}, ValueError, "pass connections='learnable' or 'top-k' for candidates"),
        (
            {"score_of": [0] * 4, "connections": "learnable", "num_candidates": -1},
            ValueError,
            "LUT 1 shares scores with LUTs whose candidates are the same input at other slots",
        ),
    ],
)
def test_sharing_that_cannot_be_is_refused(options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        LogicDense(IN_DIM, 4, 2, generator=torch.Generator().manual_seed(0), **options)


@pytest.mark.parametrize(
    ("candidates", "more", "error", "message"),
    [
        ([[[0.0, 1], [2, 3]]], {}, TypeError, "candidates are torch.float32; expected integers"),
        ([[[0, 1]]], {}, ValueError, r"candidates have shape \(1, 1, 2\); expected \(out_dim, lut_rank, K\)"),
        ([[[0], [1]]], {}, ValueError, "2 or more"),
        ([[[0, 30], [2, 3]]], {}, ValueError, r"candidates range over 0..30; expected 0..29"),
        ([[[0, 0], [2, 3]]], {}, ValueError, "candidates of a slot are equal"),
        ([[[0, 1], [2, 3]]], {"usable": torch.arange(IN_DIM) != 3}, ValueError, "input 3, which is not usable"),
        ([[[0, 1], [2, 3]]], {"num_candidates": 2}, ValueError, "cannot be combined with num_candidates"),
        ([[[0, 1], [2, 3]]], {"init_method": "local", "window": 3}, ValueError, "combined with init_method, window"),
        ([[[0, 1], [0, 1], [0, 1]]], {}, ValueError, "all 2 candidates of slot 2 of LUT 0 may be taken"),
    ],
)
def test_candidates_that_cannot_be_are_refused(candidates: Any, more: Any, error: type, message: str) -> None:
    rank = len(candidates[0]) if "slot 2" in message else 2
    with pytest.raises(error, match=message):
        LogicDense(IN_DIM, 1, rank, connections="learnable", candidates=candidates, **more)


def test_every_kind_of_connections_is_here() -> None:
    assert {options.get("connections", "fixed") for options in KINDS.values()} == set(list_connections())
