"""Architectures: what they refuse, what each layer gets, and the networks that are built from them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from lutsmith.nn import Architecture, build, to_circuit
from lutsmith.nn.encoders import ENCODERS, Columns
from lutsmith.nn.heads import HEADS

X = np.random.default_rng(0).random((200, 9), np.float32)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"luts": (0,)}, "luts is"),
        ({"rank": 9}, "rank is 9; expected the inputs of a LUT, an integer from 1 to 8"),
        ({"rank": (6, 0)}, "an integer from 1 to 8"),
        ({"rank": (6, 4, 2)}, "rank has 3 numbers for 2 layers"),
        ({"connections": ("fixed",)}, "connections has 1 names for 2 layers"),
        ({"connections": ("fixed", "learned")}, "connections is 'learned'; expected one of dense, fixed"),
        ({"init_method": ("random",)}, "init_method has 1 names"),
        ({"num_candidates": 1}, "-1 for all inputs or some of them, an integer of at least 2"),
        ({"parametrization": "relu"}, "parametrization is 'relu'; expected one of dwn, "),
        ({"head": "softmax"}, "head is 'softmax'; expected one of "),
        ({"encoder": "thermometer"}, "encoder is 'thermometer'; expected one of uniform, "),
    ],
)
def test_a_field_that_cannot_be_is_named_with_what_it_may_be(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Architecture(**fields)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"luts": (2.5,)}, "luts is"),
        ({"luts": (True,)}, "luts is"),
        ({"luts": 2.5}, "luts is 2.5; expected the width of each layer"),
        ({"rank": "6"}, "rank is '6'"),
        ({"num_candidates": 2.0}, "an integer of at least 2"),
        ({"encoder": None}, "encoder is None; expected a name, one of uniform, "),
        ({"head_options": [1]}, "head_options is .* expected names with values"),
        ({"encoder_options": {"x": X}}, "encoder_options holds what is not a JSON value: "),
    ],
)
def test_a_field_of_a_wrong_type_is_a_type_error(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(TypeError, match=says):
        Architecture(**fields)


def test_every_field_survives_json() -> None:
    architecture = Architecture(
        luts=(30, 12),
        rank=(3, 2),
        encoder_options={"input_bits": 6},
        parametrization_options={"rho": 0.5},
        connections=("learnable", "fixed"),
        init_method=(None, "butterfly"),
        head_options={"permute": True},
        tau="learned",
    )
    assert Architecture.from_json(json.loads(json.dumps(architecture.to_json()))) == architecture
    with pytest.raises(ValueError, match=r"an architecture has no depth; it takes bits, .*tau"):
        Architecture.from_json({"depth": 3})


def test_what_earlier_versions_wrote_down_is_read() -> None:
    written = {
        "luts": [30, 12], "rank": 4, "bits": 3, "encoder": "distributive", "per": "feature", "parametrization": "light",
        "connections": "learnable", "num_candidates": [9, 4], "connection_temperature": 1.0,
        "connection_rule": "softmax", "tau": "auto", "weight_init": "residual", "residual_probability": 0.951,
    }  # fmt: skip
    plain = Architecture(luts=(30, 12), rank=4, num_candidates=(9, 4))
    old, new = (build(one, X, 3, seed=1).state_dict() for one in (Architecture.from_json(written), plain))
    assert all(torch.equal(old[name], new[name]) for name in old)


def test_each_layer_gets_its_own_rank_and_wiring() -> None:
    architecture = Architecture(
        luts=(40, 30, 12),
        rank=(4, 3, 2),
        connections=("learnable", "fixed", "top-k"),
        init_method=(None, "butterfly", None),
        num_candidates=(5, 16, 3),
        connection_temperature=0.5,
        connection_rule="dwn",
    )
    layers = list(build(architecture, X, 3))[2:-1]
    assert [layer.lut_rank for layer in layers] == [4, 3, 2]
    assert [type(layer.connections).__name__ for layer in layers] == [
        "LearnableConnections", "FixedConnections", "TopKConnections",
    ]  # fmt: skip
    assert [layers[0].connections.scores.shape[2], layers[2].connections.scores.shape[2]] == [5, 3]
    assert (layers[0].connections.rule, layers[0].connections.temperature) == ("dwn", 0.5)
    assert layers[2].connections.temperature == 0.5


def test_a_local_first_layer_sees_windows_of_the_encoded_image() -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, 1, 9, 8), dtype=np.uint8)
    fields = {
        "luts": [72, 12],
        "rank": 3,
        "bits": 2,
        "init_method": ["local", None],
        "connection_options": [{"window": 3}, {"num_groups": 2}],
        "num_candidates": [4, 5],
    }
    first, second = list(build(Architecture.from_json(json.loads(json.dumps(fields))), images, 3))[2:-1]
    rows, columns = (first.connections.candidates.flatten(1).long() % 72 // 8, first.connections.candidates % 8)
    assert int((rows.amax(1) - rows.amin(1)).max()) == 2
    assert int((columns.flatten(1).amax(1) - columns.flatten(1).amin(1)).max()) == 2
    groups = second.connections.candidates.flatten(1) // 36
    assert (groups[:6] == 0).all()
    assert (groups[6:] == 1).all()


def test_options_reach_encoder_parametrization_and_head() -> None:
    model = build(
        Architecture(
            luts=(12,),
            rank=3,
            encoder_options={"input_bits": 5},
            parametrization="dwn",
            parametrization_options={"rho": 0.25},
            sampling="hard",
            head_options={"permute": True, "beta": 1.5},
            tau=3.0,
        ),
        X,
        3,
    )
    assert model[0].input_bits == 5
    assert model[2].parametrization.rho == 0.25
    assert (model[-1].tau, model[-1].beta, len(model[-1].permutation)) == (3.0, 1.5, 12)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"encoder_options": {"colour": 1}}, "the encoder: .*colour"),
        ({"parametrization_options": {"colour": 1}}, "layer 0: .*colour"),
        ({"head_options": {"colour": 1}}, "the head: .*colour"),
        ({"connection_options": {"window": 3}}, "window"),
        ({"luts": (10,)}, "cannot share equally"),
    ],
)
def test_an_option_that_nothing_takes_is_an_error(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        build(Architecture(**{"luts": (12,), "rank": 3, **fields}), X, 3)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_encoder_is_built_by_name_and_lowers(encoder: str) -> None:
    model = build(Architecture(luts=(24, 12), rank=3, bits=3, encoder=encoder), X, 3).eval()
    circuit = to_circuit(model, (9,))
    with torch.no_grad():
        np.testing.assert_array_equal(circuit.decision_function(X), model(torch.from_numpy(X)).numpy())


@pytest.mark.parametrize("head", [name for name in HEADS if name != "output-code"])
def test_every_head_is_built_by_name(head: str) -> None:
    model = build(Architecture(luts=(36,), rank=3, head=head), X, 3).eval()
    with torch.no_grad():
        assert model(torch.from_numpy(X)).shape == (200, 3)


def test_categorical_columns_are_one_hot_beside_the_numbers() -> None:
    x = X.copy()
    x[:, [2, 5]] = np.random.default_rng(1).integers(0, 4, (200, 2))
    x[3, 5] = np.nan
    model = build(Architecture(luts=(30,), rank=3, bits=4), x, 3, categorical=(2, 5)).eval()
    assert isinstance(model[0], Columns)
    bits = model[0](torch.from_numpy(x))
    assert bits.shape == (200, 7 * 4 + 2 * 4)
    assert bits[:, 28:].sum(1).tolist() == [1.0 if row == 3 else 2.0 for row in range(200)]
    circuit = to_circuit(model, (9,))
    with torch.no_grad():
        np.testing.assert_array_equal(circuit.decision_function(x), model(torch.from_numpy(x)).numpy())


def test_a_table_of_categories_alone_is_built() -> None:
    x = np.random.default_rng(1).integers(0, 3, (50, 4)).astype(np.float32)
    model = build(Architecture(luts=(20,), rank=3), x, 2, categorical=range(4))
    assert model[2].in_dim == 12
