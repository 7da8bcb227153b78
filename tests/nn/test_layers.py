"""Layers as data: the modules that they name, what they inherit, and what they refuse."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lutsmith.nn import (
    AndPool2d,
    Architecture,
    LogicConv1d,
    LogicConv2d,
    LogicConv3d,
    LogicConvTranspose2d,
    LogicDense,
    LogicResidual,
    MajorityPool2d,
    OrPool2d,
    Parallel,
    PooledConv,
    Residual,
    build,
    prove_lowering,
    to_circuit,
)
from lutsmith.nn.convolution import LogicConv

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 2, 8, 6), dtype=np.uint8)


def made(layers: Any, x: Any = IMAGES, **fields: Any) -> nn.Sequential:
    """The network of layers, with one threshold a pixel and 4 classes; by way of JSON."""
    architecture = Architecture(**{"bits": 1, "rank": 2, "luts": (8,), **fields}, layers=layers)
    again = Architecture.from_json(json.loads(json.dumps(architecture.to_json())))
    assert again == architecture
    return build(again, x, 4, seed=3)


def checked(model: nn.Sequential, x: Any = IMAGES) -> None:
    """The network trains, and in eval mode is its circuit, which is proved."""
    model.train()(torch.from_numpy(x)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
    circuit = to_circuit(model.eval(), x.shape[1:])
    with torch.no_grad():
        np.testing.assert_array_equal(circuit.decision_function(x), model(torch.from_numpy(x)).numpy())
    proof = prove_lowering(model, circuit)
    assert proof.ok, str(proof)


@pytest.mark.parametrize(
    ("layer", "by_hand"),
    [
        ({"conv": 6}, lambda g: LogicConv2d((8, 6), 2, 6, lut_rank=2, generator=g)),
        (
            {"conv": 4, "window": [3, 2], "stride": [2, 1], "padding": 1, "padding_mode": "edge", "rank": 3},
            lambda g: LogicConv2d((8, 6), 2, 4, 1, (3, 2), (2, 1), 1, padding_mode="edge", lut_rank=3, generator=g),
        ),
        (
            {"conv": 4, "tree_depth": 2, "groups": 2, "channel_group_size": 1, "dilation": 2},
            lambda g: LogicConv2d((8, 6), 2, 4, 2, dilation=2, groups=2, channel_group_size=1, lut_rank=2, generator=g),
        ),
        (
            {"conv": 3, "connections": "learnable", "num_candidates": 5, "connection_temperature": 0.5},
            lambda g: LogicConv2d(
                (8, 6), 2, 3, connections="learnable", num_candidates=5, connection_temperature=0.5,
                lut_rank=2, generator=g,
            ),
        ),
        (
            {"conv": 3, "transposed": True, "window": 2, "stride": 2, "parametrization": "raw"},
            lambda g: LogicConvTranspose2d(
                (8, 6), 2, 3, 1, 2, 2, lut_rank=2, parametrization="raw", generator=g
            ),
        ),
        ({"pool": "or"}, lambda g: OrPool2d(2)),
        ({"pool": "and", "window": 3, "stride": 2, "padding": 1}, lambda g: AndPool2d(3, 2, 1)),
        ({"pool": "majority", "window": [1, 3], "dilation": 2}, lambda g: MajorityPool2d((1, 3), dilation=2)),
        (
            {"residual": [{"conv": 2, "padding": 1}], "gate": "or"},
            lambda g: Residual(nn.Sequential(LogicConv2d((8, 6), 2, 2, padding=1, lut_rank=2, generator=g)), "or"),
        ),
        (
            {"residual": [{"conv": 2, "padding": 1}], "gate": "learned", "residual_probability": 0.8},
            lambda g: LogicResidual(
                nn.Sequential(LogicConv2d((8, 6), 2, 2, padding=1, lut_rank=2, generator=g)), 2,
                residual_probability=0.8, generator=g,
            ),
        ),
        (
            {"parallel": [[], [{"conv": 3, "window": 1}]]},
            lambda g: Parallel(
                nn.Sequential(), nn.Sequential(LogicConv2d((8, 6), 2, 3, 1, 1, lut_rank=2, generator=g))
            ),
        ),
        ({"shuffle": 2}, lambda g: nn.ChannelShuffle(2)),
        ({"dense": 20, "rank": 3}, lambda g: nn.Sequential(nn.Flatten(), LogicDense(96, 20, 3, generator=g))),
    ],
)  # fmt: skip
def test_each_kind_is_the_module_that_it_names(layer: dict[str, Any], by_hand: Any) -> None:
    model = made([layer])
    checked(model)
    expected = by_hand(torch.Generator().manual_seed(3))
    own = nn.Sequential(*model[1:-3])
    assert str(expected if "dense" in layer else nn.Sequential(expected)) == str(own)
    states = list(own.state_dict().values()), list(expected.state_dict().values())
    assert len(states[0]) == len(states[1])
    assert all(map(torch.equal, *states))


def test_a_convolution_and_the_pool_behind_it_are_one_pass() -> None:
    model = made([{"conv": 4}, {"pool": "or"}, {"pool": "or", "window": [3, 2]}, {"conv": 3, "window": 1}])
    assert [type(module) for module in model[1:-3]] == [PooledConv, OrPool2d, LogicConv2d]
    checked(model)


def test_all_of_it_in_one_network() -> None:
    model = made(
        [
            {"conv": 6, "padding": 1, "rank": 4},
            {"pool": "or", "stride": 1},
            {"residual": [{"conv": 6, "window": 1}, {"residual": [{"shuffle": 3}]}], "gate": "learned"},
            {"parallel": [[{"conv": 2}], [{"pool": "and", "window": 3, "stride": 1}]]},
            {"dense": 30},
        ],
        luts=(12, 8),
    )
    checked(model)


@pytest.mark.parametrize(("shape", "kind"), [((3, 9), LogicConv1d), ((2, 3, 4, 5), LogicConv3d)])
def test_samples_tell_how_many_axes_there_are(shape: tuple[int, ...], kind: type[LogicConv]) -> None:
    x = np.random.default_rng(1).integers(0, 256, (30, *shape), dtype=np.uint8)
    model = made([{"conv": 4, "window": 2}, {"pool": "or", "stride": 1}], x)
    assert type(model[1].conv) is kind
    checked(model, x)


def test_without_dense_layers_the_head_counts_over_all_places() -> None:
    model = made([{"conv": 8, "window": 3}], luts=())
    checked(model)
    assert model[-1].group_size(8 * 24) == 48
    assert Architecture(luts=(), layers=[{"conv": 8}]).shared_by(3).luts == ()


def test_tables_are_the_architectures_unless_a_layer_says_otherwise() -> None:
    own = {"conv": 4, "rank": 3, "sampling": "soft", "temperature": 1.0, "weight_init": "random"}
    fields = {"parametrization": "dwn", "parametrization_options": {"rho": 0.25}, "weight_init": "random"}
    other = {"conv": 4, "parametrization": "light", "window": 2}
    first, second, third = made([{"conv": 4}, {"conv": 4, "rho": 0.5}, other], **fields)[1:4]
    assert (first.parametrization.rho, second.parametrization.rho, third.parametrization_name) == (0.25, 0.5, "light")
    first, second = made([{"conv": 4}, own], temperature=0.5, sampling="hard", residual_probability=0.7)[1:3]
    assert (first.lut_rank, first.parametrization.temperature, first.parametrization.forward_sampling) == (
        2,
        0.5,
        "hard",
    )
    assert (second.lut_rank, second.parametrization.temperature, second.parametrization.forward_sampling) == (
        3,
        1,
        "soft",
    )
    assert first.weight.std() < second.weight.std() * 3
    assert made([{"conv": 4}], rank=(2,))[1].lut_rank == 6


@pytest.mark.parametrize(
    "between", [[], [{"shuffle": 4}], [{"pool": "or", "window": [2, 1]}], [{"pool": "and"}], [{"parallel": [[], []]}]]
)
def test_what_cannot_change_is_not_wired_whatever_stands_between(between: list[dict[str, Any]]) -> None:
    x = IMAGES.copy()
    x[:, 1] = 7  # a constant channel: its second threshold repeats the first
    architecture = Architecture(bits=2, rank=2, luts=(8,), layers=[*between, {"conv": 40, "channel_group_size": 1}])
    model = build(architecture, x, 4)
    mask = model[1:-4](model[0].usable.float()[None])[0].flatten(1).any(1)  # one of the two channels' second bits
    wired = model[-4].connections.inputs().unique() // 9
    assert 0 < mask.sum() < len(mask)
    assert set(wired.tolist()) == set(mask.nonzero().flatten().tolist())


@pytest.mark.parametrize(
    ("layers", "error", "says"),
    [
        (5, TypeError, r"layers is 5; expected a list of layers, such as \[{\"conv\": 32}"),
        ([5], TypeError, r"layers\[0\] is 5; expected a layer"),
        (
            [{"conv": 4}, {"window": 3}],
            ValueError,
            r"layers\[1\] is {'window': 3}; expected one of the keys conv, pool,",
        ),
        ([{"conv": 4, "pool": "or"}], ValueError, r"expected one of the keys conv, pool,"),
        ([{"residual": 3}], TypeError, r"layers\[0\].residual is 3; expected a list of layers"),
        ([{"parallel": [[{}]]}], ValueError, r"layers\[0\].parallel\[0\]\[0\] is {}; expected one of the keys"),
        ([{"conv": 4, "candidates": IMAGES}], TypeError, "layers holds what is not a JSON value"),
        ([{"conv": 4, "windw": 3}], ValueError, r"layers\[0\] \(conv\): it has no windw; .* did you mean 'window'\?"),
        ([{"conv": 4, "lut_rank": 3}], ValueError, r"layers\[0\] \(conv\): it has no lut_rank"),
        ([{"conv": 4, "channels": 3}], ValueError, r"layers\[0\] \(conv\): it has no channels"),
        ([{"conv": 4, "rho": 0.5}], ValueError, r"layers\[0\] \(conv\): it has no rho"),
        ([{"conv": "4"}], TypeError, r"layers\[0\] \(conv\): conv is '4'; expected kernels"),
        ([{"conv": 4, "transposed": 1}], TypeError, r"layers\[0\] \(conv\): transposed is 1; expected true or false"),
        (
            [{"conv": 4}, {"conv": 4, "window": 7}],
            ValueError,
            r"layers\[1\] \(conv\): an image of shape \(6, 4\) .* smaller",
        ),
        (
            [{"conv": 3, "groups": 2}],
            ValueError,
            r"layers\[0\] \(conv\): num_kernels is 3; expected a multiple of groups",
        ),
        ([{"conv": 3, "window": 1, "rank": 4}], ValueError, r"layers\[0\] \(conv\): a LUT of rank 4 reads 4 different"),
        ([{"pool": "max"}], ValueError, r"layers\[0\] \(pool\): pool is 'max'; expected one of or, and, majority"),
        ([{"pool": "or", "rank": 2}], ValueError, r"layers\[0\] \(pool\): it has no rank; it takes window, stride"),
        ([{"pool": "or", "window": 9}], ValueError, r"layers\[0\] \(pool\): an image of shape \(8, 6\)"),
        (
            [{"residual": [{"conv": 3}]}],
            ValueError,
            r"layers\[0\] \(residual\): its layers turn \(2, 8, 6\) into \(3, 6, 4\)",
        ),
        ([{"residual": [{"conv": 2, "x": 1}]}], ValueError, r"^layers\[0\].residual\[0\] \(conv\): it has no x"),
        ([{"residual": [], "gate": "nor"}], ValueError, r"gate is 'nor'; expected one of and, or, xor, learned"),
        ([{"residual": [], "rank": 2}], ValueError, r"layers\[0\] \(residual\): it has no rank"),
        ([{"parallel": []}], ValueError, r"layers\[0\] \(parallel\): Parallel has no branches"),
        (
            [{"parallel": [[{"conv": 2}], []]}],
            ValueError,
            r"its branches give \(2, 6, 4\), \(2, 8, 6\); expected shapes",
        ),
        ([{"shuffle": 3}], ValueError, r"layers\[0\] \(shuffle\): shuffle is 3; expected groups of channels"),
        (
            [{"dense": 8}, {"conv": 4}],
            ValueError,
            r"layers\[1\] \(conv\): it reads channels of .* bits of shape \(8,\)",
        ),
        ([{"dense": 8}, {"dense": 4, "rank": 9}], ValueError, r"layers\[1\] \(dense\): lut_rank is 9"),
        ([{"dense": 1}], ValueError, r"luts\[0\]: "),
    ],
)
def test_what_cannot_be_is_one_line_that_names_the_layer(layers: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says) as caught:
        made(layers)
    assert "\n" not in str(caught.value)


def test_tables_of_layers_are_not_memorised() -> None:
    with pytest.raises(ValueError, match="'memorize', which fills dense layers alone"):
        Architecture(layers=[{"conv": 4}], weight_init="memorize")
    with pytest.raises(ValueError, match=r"layers\[0\] \(conv\): weight_init is 'memorize'; expected one of residual"):
        made([{"conv": 4, "weight_init": "memorize"}])


def test_every_argument_of_a_layer_has_its_key() -> None:
    told = {"self", "in_dim", "channels", "num_kernels", "out_dim", "usable", "generator", "device", "settings"}
    ours = {"lut_rank": "rank", "receptive_field_size": "window"}
    for kind, layer in (("conv", LogicConv), ("dense", LogicDense)):
        with pytest.raises(ValueError, match="it takes") as caught:
            made([{kind: 8, "?": 0}])
        keys = set(re.findall(r"\w+", str(caught.value).partition("it takes")[2]))
        arguments = {ours.get(name, name) for name in set(inspect.signature(layer).parameters) - told}
        more = {"transposed", "connection_rule"} if kind == "conv" else set()
        assert arguments | more | {"sampling", "temperature", "weight_init", "form"} <= keys
        assert keys.isdisjoint(told)


@pytest.mark.parametrize(
    "layers",
    [
        [{"conv": 4}, {"pool": "or"}],
        [{"conv": 4}, {"residual": [{"conv": 4, "padding": 1}], "gate": "learned"}],
        [{"conv": 4}, {"residual": [{"conv": 4, "padding": 1}], "gate": "or"}],
        [{"parallel": [[{"conv": 4}], [{"conv": 4}]]}, {"shuffle": 2}],
    ],
    ids=str,
)
def test_a_batch_without_rows_goes_both_ways(layers: Any) -> None:
    """Of several processes that share a small batch, some have no rows."""
    model = made(layers).train()
    found = model(torch.from_numpy(IMAGES[:0]))
    found.sum().backward()
    assert found.shape == (0, 4)
    assert all(p.grad is None or not p.grad.any() for p in model.parameters())
