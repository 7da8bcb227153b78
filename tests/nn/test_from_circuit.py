"""From a circuit to the network that it is: the hardened network gives the circuit's scores, and is proved to be it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import lutsmith
from lutsmith.additive import AdditiveSettings, AdditiveTrainer
from lutsmith.circuit import Circuit, CircuitBuilder
from lutsmith.circuit.file import from_bytes, to_bytes
from lutsmith.data import Dataset, from_arrays
from lutsmith.nn import Architecture, LogicDense, from_circuit, prove_lowering, to_circuit
from lutsmith.nn.connections.around import candidates_around
from lutsmith.nn.parametrizations import list_parametrizations, setup_parametrization
from lutsmith.nn.skip import Skip, Wires

from ..circuit.examples import random_affine, random_images
from ..circuit.examples import random_circuit as layered

EDGES = np.array([np.nan, -np.inf, np.inf, 0.0, -0.0, 1.0, 1.5, 2.0, np.nextafter(np.float32(1.5), np.float32(-9))])
FIXED = Architecture(connections="fixed")
LEARNED: dict[str, Any] = {"connections": "learnable", "num_candidates": 3}


def random_circuit(seed: int, shape: tuple[int, ...]) -> Circuit:
    """Comparators that repeat and never or always say 1, words of several lengths or none, tests for names, LUTs of
    ranks 0 to 8 that read any earlier signal twice or not, outputs that are any signals, repetitions included.
    """
    rng = np.random.default_rng(seed)
    builder = CircuitBuilder(shape)
    features = rng.integers(0, builder.features.size, 16)
    signals = builder.compare(features, rng.choice([*EDGES[1:], *range(3, 9)], 16))
    low = builder.compare(builder.features.reshape(-1), np.float32(1))
    high = builder.compare(builder.features.reshape(-1), np.float32(2))
    names = builder.lut(np.stack([low, high], axis=1), np.full(low.size, 0b0010, np.uint64))
    signals = np.concatenate([signals, names, low])
    if seed % 3:
        words = [builder.words(builder.features.flat[:2], 3), builder.words(2, 5, offset=-1.25, per_unit=3.7)]
        words.append(builder.words([3], 3, offset=1 / 3, per_unit=1 / 7))
        signals = np.concatenate([signals, *(each.reshape(-1) for each in words)])
    for _ in range(int(rng.integers(1, 5))):
        count, rank = rng.integers(1, 8), rng.integers(0, 9)
        made = builder.lut(rng.choice(signals, (count, rank)), rng.integers(0, 2, (count, 1 << rank)))
        signals = np.concatenate([signals, made])
    count = int(rng.integers(1, 4))  # of two features at least, so that there is always something to train
    made = builder.lut(np.tile(low[:2], (count, 1)), np.full(count, 0b0110, np.uint64))
    outputs = np.concatenate([made, rng.choice(signals, (-made.size) % 3 + 3 * int(rng.integers(0, 3)))])
    builder.popcount(rng.permutation(outputs), 3)
    return builder.build(objective="classification")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([(6,), (2, 3), (1, 3, 2), (2, 2, 2)]), st.booleans())
def test_the_hardened_network_is_the_circuit(seed: int, shape: tuple[int, ...], learned: bool) -> None:
    circuit = random_circuit(seed, shape)
    model = from_circuit(circuit, Architecture(**LEARNED) if learned else FIXED, seed=seed % 7)
    x = np.random.default_rng(seed).choice([*EDGES, *np.arange(-1, 10)], (200, *shape)).astype(np.float32)
    rows = torch.from_numpy(x)
    assert np.array_equal(model.eval()(rows).numpy(), circuit.decision_function(x))
    lowered = to_circuit(model, shape)
    assert prove_lowering(model, lowered).ok, prove_lowering(model, lowered)
    assert lowered.inputs.num_word_bits <= circuit.inputs.num_word_bits
    assert len(lowered.encoder) <= len(circuit.encoder)
    assert lowered.netlist.num_nodes <= circuit.netlist.num_nodes + (circuit.netlist.ranks == 0).sum()
    trained = [layer for layer in model.modules() if isinstance(layer, LogicDense) and layer.weight.requires_grad]
    assert trained


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["classification", "multilabel", "regression"]), st.integers(2, 4))
def test_every_head_that_can_be_says_what_the_circuit_says(seed: int, objective: str, scores: int) -> None:
    affine = random_affine(seed, 3, scores, objective)
    circuit = layered(seed, objective=objective, affine=affine)
    x = random_images(seed, circuit, 50).astype(np.float32)
    try:
        model = from_circuit(circuit).eval()
    except ValueError:
        return  # what is refused has a test of its own
    said = to_circuit(model, circuit.input_shape)
    if objective == "classification":
        assert np.array_equal(model(torch.from_numpy(x)).detach().double().numpy(), circuit.decision_function(x))
        assert np.array_equal(said.decision_function(x), circuit.decision_function(x))
    elif objective == "multilabel":
        assert np.array_equal(said.predict(x), circuit.predict(x))
    else:
        wanted = circuit.predict(x)
        assert np.allclose(said.predict(x), wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())


KNOWN: list[tuple[dict[str, Any], str]] = [
    ({}, "GroupSum"),
    ({"weights": np.diag([2, 2, 3]), "bias": [-4, 5, 0]}, "GroupAffine"),
    ({"weights": np.diag([1, 1, 1]) * 32767}, "GroupAffine"),
    ({"weights": [[3, -2, 0], [0, 0, 7]]}, "GroupedDSP"),
    ({"weights": [[32767, 0, 1], [0, -32767, 0]]}, "GroupedDSP"),
    ({"weights": [[1, -1, 1], [-1, -1, 1]], "bias": [-8, -4]}, "OutputCode"),
]


@pytest.mark.parametrize(("affine", "head"), KNOWN)
def test_affine_heads_have_their_counterparts_and_tau_is_of_the_circuits_scores(
    affine: dict[str, Any], head: str
) -> None:
    circuit = layered(0, affine=affine)
    model = from_circuit(circuit, Architecture(connections="fixed", tau=5, residual_probability=1 - 1e-9))
    assert type(model[-1]).__name__ == head
    x = random_images(0, circuit, 50).astype(np.float32)
    wanted = circuit.decision_function(x)
    assert np.array_equal(model.eval()(torch.from_numpy(x)).detach().numpy(), wanted)
    bits = circuit.outputs(x).astype(np.float32)
    assert np.allclose(model[-1].train()(torch.from_numpy(bits)).detach().numpy(), wanted / 5, rtol=1e-4, atol=1e-4)


def test_what_no_head_to_train_gives_is_one_clear_line() -> None:
    refused: list[tuple[str, dict[str, Any], str]] = [
        ("classification", {"weights": [[1, 2, 0], [0, 1, 0]], "bias": [1, 0]}, "no head to train"),
        ("classification", {"weights": np.diag([1 << 15, 1, 1])}, "weights up to 32768"),
        ("multilabel", {"bias": [0, -2, 1]}, "label 2 of the circuit is always set or never"),
        ("multilabel", {"weights": np.diag([1, -1, 1])}, "more ones of a group of its own"),
        ("regression", {"weights": [[1, 1, 0]]}, "sum over several groups"),
    ]
    for objective, affine, says in refused:
        with pytest.raises(ValueError, match=says):
            from_circuit(layered(0, objective=objective, affine=affine))


# Additive learning


def table(rows: int = 240) -> Dataset:
    """Numbers and names."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    x[:, 2] = rng.integers(0, 5, rows)
    y = np.where(x[:, 2] == 3, 2, (x[:, 0] + x[:, 1] > 0).astype(int))
    names = (None, None, tuple("abcde"), None)
    return replace(from_arrays(x, y), categorical=(2,), category_names=(names[2],))


def datasets() -> dict[str, Dataset]:
    x = np.random.default_rng(1).normal(size=(240, 5)).astype(np.float32)
    return {
        "images": lutsmith.data.load("digits"),
        "names": table(),
        "labels": from_arrays(x, x[:, :3] > 0),
        "numbers": from_arrays(x, np.stack([x[:, 0] * 3 + 40, x[:, 1]], axis=1)),
    }


@pytest.mark.parametrize(
    ("kind", "settings", "layers"),
    [
        ("images", {}, ["LogicDense"]),
        ("images", {"rank": 8}, ["Skip", "LogicDense"]),  # of rank 6, and what chooses among them
        ("images", {"depth": 3, "deep": 0.5}, None),
        ("images", {"plus": 2, "minus": 1, "encoder": "gray"}, ["Skip", "LogicDense"]),
        ("images", {"weights": (1, 2)}, None),  # groups of different sizes are filled up
        ("names", {}, ["Skip", "LogicDense"]),
        ("labels", {}, ["LogicDense"]),
        ("numbers", {}, ["LogicDense"]),
    ],
)
def test_additive_circuits_become_networks_that_say_the_same(
    kind: str, settings: dict[str, Any], layers: list[str] | None
) -> None:
    data = datasets()[kind]
    circuit = AdditiveTrainer(AdditiveSettings(**{"max_luts": 60, "rank": 4, **settings})).fit(data).circuit
    for architecture in (FIXED, None):
        model = from_circuit(circuit, architecture).eval()
        lowered = to_circuit(model, data.input_shape, classes=data.classes or None)
        assert prove_lowering(model, lowered, classes=data.classes or None).ok
        if kind in ("images", "names"):
            scores = model(torch.from_numpy(data.x_train)).detach().numpy()
            assert np.array_equal(scores, circuit.decision_function(data.x_train))
        wanted, said = circuit.predict(data.x_train), lowered.predict(data.x_train)
        assert np.allclose(said, wanted, rtol=1e-5, atol=1e-5) if kind == "numbers" else np.array_equal(said, wanted)
        assert layers is None or [type(module).__name__ for module in model[2:-1]] == layers
        more = lowered.netlist.num_nodes - circuit.netlist.num_nodes
        assert more in ((0, 1) if "weights" in settings else (0,))  # 1: for zeros that fill up groups
        if kind == "names":  # the tests for names are the encoder's, and nothing trains them
            assert not any(parameter.requires_grad for parameter in model[2].parameters())


# Tables and candidates


@pytest.mark.parametrize("name", list_parametrizations())
@pytest.mark.parametrize("rank", [1, 2, 6])
def test_a_parametrization_has_the_weights_of_any_table_or_says_that_it_has_not(name: str, rank: int) -> None:
    if name == "raw" and rank != 2:
        return
    made = setup_parametrization(name, rank, residual_probability=0.9)
    count = 16 if rank == 2 else 40
    numbers = torch.arange(count) if rank < 6 else torch.randint(0, 2**62, (count,))
    tables = (numbers.unsqueeze(1) >> torch.arange(1 << rank)) & 1 > 0
    if name in ("dwn", "hybrid", "lagrange", "light", "raw", "warp"):
        weight = made.weights_of(tables)
        assert torch.equal(made.hard_tables(weight), tables)
        assert weight.shape == (count, made.num_weights)
        passing = made.weights_of(torch.arange(1 << rank).unsqueeze(0) & 1 > 0)[0]
        assert torch.allclose(passing, made._pass_input_0(), atol=1e-5)
    else:
        with pytest.raises(ValueError, match="take dwn, hybrid, lagrange, light, raw or warp"):
            made.weights_of(tables)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(0, 3), st.booleans())
def test_candidates_begin_with_the_wire_and_lie_where_they_should(seed: int, rank: int, reach: int, wide: bool) -> None:
    rng = np.random.default_rng(seed)
    in_dim = int(rng.integers(rank + 1, 120 if wide else rank + 9))
    usable = rng.random(in_dim) < 0.9
    usable[rng.permutation(in_dim)[: rank + 1]] = True
    inputs = np.flatnonzero(usable)
    wires = np.stack([rng.permutation(inputs)[:rank] for _ in range(5)])
    count = int(rng.integers(2, min(9, inputs.size - rank + 1) + 1))
    places = rng.integers(-1, 6, (in_dim, 2))
    pools, again = (
        candidates_around(wires, count, usable, np.random.default_rng(seed), places=places, reach=reach)
        for _ in range(2)
    )
    assert np.array_equal(pools, again)
    assert pools.shape == (5, rank, count)
    assert np.array_equal(pools[:, :, 0], wires)
    assert usable[pools].all()
    for pool, own in zip(pools, wires, strict=True):
        if rank * count <= inputs.size:
            assert np.unique(pool).size == pool.size
        for slot in range(rank):
            others = pool[slot, 1:]
            assert np.unique(others).size == count - 1
            assert not np.isin(others, own).any()
            at = places[own[slot]]
            if (at >= 0).all():  # far ones only where there are no more near ones
                near = inputs[(np.abs(places[inputs] - at) <= reach).all(axis=1)]
                far = others[~np.isin(others, near)]
                left = np.setdiff1d(near, pool if rank * count <= inputs.size else np.append(pool[slot], own))
                assert not (far.size and left.size)


def test_learned_wires_begin_as_the_circuits_and_can_move() -> None:
    data = lutsmith.data.load("digits")
    circuit = AdditiveTrainer(AdditiveSettings(max_luts=60)).fit(data).circuit
    model = from_circuit(circuit, Architecture(connections="learnable", num_candidates=4))
    connections: Any = model[2].connections
    assert torch.equal(connections.inputs(), connections.candidates[:, :, 0])
    assert (connections.scores[:, :, :1] > connections.scores[:, :, 1:]).all()
    connections.scores.data[:, :, 1] = 2
    assert torch.equal(connections.inputs(), connections.candidates[:, :, 1])
    other = from_circuit(circuit, Architecture(connections="learnable", num_candidates=4), seed=1)
    assert not torch.equal(other[2].connections.candidates, connections.candidates)


def test_what_cannot_begin_with_a_circuit_is_refused() -> None:
    circuit, rows = layered(0), CircuitBuilder((2,))
    rows.popcount(rows.compare([0, 1], [0, 0]), 2)
    nothing = rows.build()
    others = []
    for read in (
        lambda builder: builder.words([0, 1], 3, signed=True)[:, 1],
        lambda builder: builder.words([0, 1], 17)[:, 1],
        lambda builder: builder.words([0, 1], 32)[:, 1],
    ):
        builder = CircuitBuilder((2,))
        builder.popcount(builder.lut([read(builder)] * 2, [[0, 1, 1, 0]] * 2), 2)
        others.append(builder.build())
    refused: list[tuple[Circuit, dict[str, Any], str]] = [
        (nothing, {}, "nothing to train"),
        (others[0], {}, "has signed or long words as inputs, which a network to train does not take"),
        (others[1], {}, "unsigned words of up to 16 bits"),
        (others[2], {}, "words of more than 24 bits as inputs, which a network to train does not take"),
        (replace(circuit, head=None, classes=None, objective=None), {}, "has no head"),
        (circuit, {"head": "affine"}, "the circuit has the head 'group-sum': leave the head out"),
        (circuit, {"connections": "dense"}, "connections of a circuit"),
        (circuit, {"connections": "learnable", "init_method": "butterfly"}, "init_method of a circuit"),
        (circuit, {"connections": "learnable", "connection_options": {"num_groups": 2}}, "num_groups"),
        (circuit, {"parametrization": "poly", "connections": "fixed"}, "cannot be given any table"),
    ]
    for start, fields, says in refused:
        with pytest.raises(ValueError, match=says):
            from_circuit(start, Architecture(**fields))
    with pytest.raises(TypeError, match=r"circuit is a Sequential; expected Circuit"):
        from_circuit(nn.Sequential())  # type: ignore[arg-type]


def test_networks_on_words_go_on_as_networks_on_words() -> None:
    data = from_arrays(np.random.default_rng(0).integers(0, 200, (300, 1, 3, 4)).astype(np.uint8), np.arange(300) % 3)
    for name, per in (
        ("binary", "feature"),
        ("fixed-point", "global"),
        ("fixed-point", "channel"),
        ("gray", "feature"),
    ):
        first = Architecture((60, 30), rank=4, bits=5, encoder=name, per=per)  # type: ignore[arg-type]
        circuit = lutsmith.fit(data, first, lutsmith.Settings(epochs=1), quiet=True)[1]
        assert len(circuit.encoder) == 0
        _, better, report = lutsmith.fit(data, None, lutsmith.Settings(epochs=1), start=circuit, quiet=True)
        assert (len(better.encoder), report.lowering) == (0, "proved")
        assert better.words is not None
        assert circuit.words is not None
        shared = better.words.formats.place(circuit.words.formats.feature) >= 0
        assert circuit.words.formats[shared] == better.words.formats
        refined = AdditiveTrainer(AdditiveSettings(sweeps=1, validation=0.2)).fit(data, start=better).circuit
        assert refined.words is not None
        assert np.array_equal(
            from_bytes(to_bytes(refined)).decision_function(data.x_train), refined.decision_function(data.x_train)
        )


def test_bits_that_go_past_a_layer_are_what_they_were() -> None:
    layer = LogicDense(5, 3, 2)
    x = torch.rand(7, 2, 5)
    module = Skip(layer, [4, 1])
    assert torch.equal(module(x), torch.cat([x[..., [4, 1]], layer(x)], -1))
    assert torch.equal(module.eval()(x), torch.cat([(x[..., [4, 1]] > 0.5).float(), layer(x)], -1))
    assert torch.equal(Wires(5, [3, 3, 0])(x), x[..., [3, 3, 0]])
    for wrong in ([5], [-1], [[0]]):
        with pytest.raises(ValueError, match=r"expected numbers of inputs, 0 to 4"):
            Skip(layer, wrong)
        with pytest.raises(ValueError, match=r"expected numbers of inputs, 0 to 4"):
            Wires(5, wrong)
    with pytest.raises(TypeError, match="layer is a Linear; expected LogicDense"):
        Skip(nn.Linear(5, 3), [0])  # type: ignore[arg-type]
