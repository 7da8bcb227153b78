"""Pruning and expansion: what is left counts, what is pruned never does, and LUTs say what weights said."""

from __future__ import annotations

import copy
import io
import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lutsmith import deeplut, interop
from lutsmith.circuit.simplify import simplify
from lutsmith.nn import to_circuit
from lutsmith.nn.neurons import BinarizeSign, BinaryConv1d, BinaryConv2d, BinaryLinear, LUTConv2d, LUTLinear
from lutsmith.nn.neurons.expansion import equal_outputs, expand, expand_layers
from lutsmith.nn.neurons.memorised import memorise_sums
from lutsmith.nn.neurons.pruning import magnitudes, prune, prune_inputs, sizes_of
from lutsmith.nn.neurons.tiled import expand_tiled


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def layers(seed: int) -> list[Any]:
    return [
        BinaryLinear(24, 10, generator=seeded(seed)),
        BinaryConv2d(4, 6, 3, groups=2, generator=seeded(seed)),
        LUTLinear(24, 10, 3, generator=seeded(seed)),
        LUTConv2d(3, 6, 3, 4, generator=seeded(seed)),
    ]


def tile_by_tile(kept: Tensor, worth: Tensor, tile: tuple[int, int]) -> dict[tuple[int, int], float]:
    """The root mean squares of tiles, in the plainest words."""
    found = {}
    for row, column in itertools.product(range(0, kept.shape[0], tile[0]), range(0, kept.shape[1], tile[1])):
        some = slice(row, row + tile[0]), slice(column, column + tile[1])
        found[row, column] = float((worth[some] ** 2 * kept[some]).mean().sqrt())
    return found


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 3), st.sampled_from(["layer", "output", "tile"]), st.floats(0.01, 1), st.integers(0, 99))
def test_a_density_keeps_the_largest_of_a_layer_an_output_or_its_tiles(
    which: int, per: str, density: float, seed: int
) -> None:
    layer, tile = layers(seed)[which], (4, 5)
    worth = magnitudes(layer).view(layer.outputs, -1)
    count = prune(layer, density=density, per=per, tile=tile)
    kept = layer.kept.view(layer.outputs, -1)
    assert count == int(kept.sum())
    if per == "layer":
        assert count == max(1, round(density * kept.numel()))
        assert worth[kept].min() >= worth[~kept].max() if count < kept.numel() else True
    elif per == "output":
        assert set(kept.sum(1).tolist()) == {max(1, round(density * kept.shape[1]))}
        assert all(w[k].min() >= w[~k].max() for w, k in zip(worth, kept, strict=True) if not k.all())
    else:
        of_all = tile_by_tile(torch.ones_like(kept), worth, tile)
        left = {at for at in of_all if bool(kept[at])}
        assert len(left) == max(1, round(density * len(of_all)))
        assert min(of_all[at] for at in left) >= max((of_all[at] for at in of_all.keys() - left), default=0)
        for row, column in of_all:
            part = kept[row : row + tile[0], column : column + tile[1]]
            assert part.all() or not part.any()
    before = layer.kept.clone()
    prune(layer, density=1.0)
    assert torch.equal(layer.kept, before)  # what is pruned stays pruned


def test_thresholds_are_lutnets_and_apply_to_what_is_left() -> None:
    layer = BinaryLinear(16, 16, generator=seeded(0))
    assert prune(layer, threshold=0.2) == int((layer.weight.abs() > 0.2).sum())
    of_all = tile_by_tile(layer.kept, layer.weight.detach(), (8, 8))
    least = sorted(of_all.values())[1]
    prune(layer, threshold=least, per="tile")
    assert {at for at in of_all if layer.kept[at[0] : at[0] + 8, at[1] : at[1] + 8].any()} == {
        at for at, value in of_all.items() if value > least
    }
    assert prune(layer, inputs=3) == int(layer.kept.sum(1).clamp(max=3).sum())


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam, torch.optim.RMSprop])
@pytest.mark.parametrize("which", range(4))
def test_what_is_pruned_counts_nothing_gets_no_gradient_and_stays_pruned(which: int, optimizer: Any) -> None:
    layer = layers(1)[which]
    x = torch.randn(5, 24) if which % 2 == 0 else torch.randn(5, layer.in_channels, 5, 5)
    prune(layer, density=0.3)
    before = layer.kept.clone()
    trained = optimizer(layer.parameters(), lr=0.01)
    for _ in range(3):
        trained.zero_grad()
        layer(x).square().sum().backward()
        gradient = layer.weight.grad.view(*layer.kept.shape, -1)
        assert (gradient[~layer.kept] == 0).all()
        assert (gradient[layer.kept] != 0).any()
        trained.step()
    assert torch.equal(layer.kept, before)
    said = layer(x)
    with torch.no_grad():
        layer.weight.view(*layer.kept.shape, -1)[~layer.kept] = 7.0
    assert torch.equal(layer(x), said)
    saved = io.BytesIO()
    torch.save(layer.state_dict(), saved)
    again = layers(2)[which]
    again.load_state_dict(torch.load(io.BytesIO(saved.getvalue())))
    assert torch.equal(again.kept, before)
    if which == 0:
        assert torch.equal(again(x), said)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.booleans(), st.booleans(), st.floats(0.05, 1), st.integers(0, 99))
def test_sums_of_pruned_luts_are_those_of_the_others(
    rank: int, binary_weights: bool, binary_inputs: bool, density: float, seed: int
) -> None:
    layer: Any = LUTLinear(
        8, 5, rank, binary_weights=binary_weights, binary_inputs=binary_inputs, generator=seeded(seed)
    ).double()
    prune(layer, density=density)
    prune_inputs(layer, density=density)
    x = torch.randn(7, 8, generator=seeded(seed)).double()
    points = torch.where(x > 0, 1.0, -1.0).double() if binary_inputs else x
    table = layer.weight.detach().view(5, -1, 1 << rank)
    tied = layer.tied.long()
    for o, t, j in itertools.product(range(5), range(layer.luts), range(rank)):
        if tied[o, t] >> j & 1:  # entries that differ in a tied input were made equal
            a = torch.arange(1 << rank)
            assert torch.allclose(table[o, t], table[o, t, a ^ (1 << j)])
    entries = torch.where(table > 0, 1.0, -1.0).double() if binary_weights else table
    expected = torch.zeros(7, 5).double()
    for o, t in layer.kept.nonzero().tolist():
        value = entries[o, t].expand(7, -1)
        for j in reversed(range(rank)):
            share = (1 + points[:, int(layer.mask[o, t, j]), None]) / 2
            value = value[:, : 1 << j] * (1 - share) + value[:, 1 << j :] * share
        expected[:, o] += value[:, 0]
    torch.testing.assert_close(layer(x), expected * layer.factor() + layer.bias)


def test_inputs_on_which_tables_hardly_depend_are_tied_away_and_stay() -> None:
    layer: Any = LUTLinear(6, 4, 3, generator=seeded(0))
    corners = ((torch.arange(8) >> torch.arange(3)[:, None]) & 1) * 2.0 - 1
    with torch.no_grad():  # each table a sign of input 1, hardly of 2, less of 0
        layer.weight.copy_((0.5 * corners[1] + 0.02 * corners[2] + 0.01 * corners[0]).expand(24, -1))
    assert prune_inputs(layer, threshold=0.015) == 48
    assert set(layer.tied.flatten().tolist()) == {0b001}
    x = torch.where(torch.randn(50, 6, generator=seeded(1)) > 0, 1.0, -1.0)
    assert prune_inputs(layer, density=1 / 3) == 24
    assert [size.read for size in sizes_of(layer)] == [24]
    said = layer(x)
    torch.optim.SGD(layer.parameters(), lr=0.5).zero_grad()
    for _ in range(3):
        layer.weight.grad = None
        layer(x).square().sum().backward()
        with torch.no_grad():
            layer.weight -= 0.1 * layer.weight.grad
    assert not torch.equal(layer(x), said)
    tables = layer.tables()
    assert torch.equal(tables, tables[:, torch.arange(8) ^ 1])
    assert torch.equal(tables, tables[:, torch.arange(8) ^ 4])


BINARY: list[tuple[Any, dict[str, Any]]] = [
    (BinaryLinear, {}), (BinaryLinear, {"scale": "channel", "bias": False}), (BinaryLinear, {"scale": "none"}),
    (BinaryConv2d, {"padding": 1, "padding_mode": "+1"}), (BinaryConv2d, {"groups": 2, "stride": 2}),
    (BinaryConv1d, {"dilation": 2, "padding": 2, "padding_mode": "-1", "scale": "channel"}),
]  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 5), st.integers(1, 6), st.sampled_from(["window", "channel"]), st.floats(0, 1), st.integers(0, 99)
)
def test_expansion_preserves_outputs_exactly(which: int, rank: int, combine: str, density: float, seed: int) -> None:
    kind, options = BINARY[which]
    linear = kind is BinaryLinear
    layer = kind(*((12, 6) if linear else (4, 6, 3)), generator=seeded(seed), **options)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=seeded(seed)))
        layer.weight.view(-1)[:3] = 0.0  # whose sign is +1
        layer.kept.copy_(torch.rand(layer.kept.shape, generator=seeded(seed)) < density)  # other numbers each output
    if kind is BinaryConv1d and combine == "channel":
        rank = min(rank, 3)
    made = expand(layer, rank, combine=combine, generator=seeded(seed))
    shape = (12,) if linear else (4, 7) if kind is BinaryConv1d else (4, 6, 5)
    assert equal_outputs(layer, made, shape, samples=50, generator=seeded(seed))
    assert made.luts == max(1, int(layer.kept.flatten(1).sum(1).max()))
    with torch.no_grad():
        made.weight.neg_()
    assert density < 0.2 or not equal_outputs(layer, made, shape, samples=50, generator=seeded(seed))


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_recovery_takes_each_pruned_vote_back_once(rank: int) -> None:
    layer: Any = BinaryLinear(20, 7, generator=seeded(0))
    layer.binary = False
    prune(layer, density=0.4)
    made = expand(layer, rank, recover=True, generator=seeded(1))
    read = torch.zeros(7, 20, dtype=torch.bool)  # by LUTs that are kept
    for o, t in made.kept.nonzero().tolist():
        read[o, made.mask[o, t].long()] = True
    assert int(read.sum()) > int(layer.kept.sum()) or rank == 1
    x = torch.where(torch.randn(40, 20, generator=seeded(2)) > 0, 1.0, -1.0)
    recovered = nn.functional.linear(x, layer.weight.clamp(-1, 1) * read)
    torch.testing.assert_close(made(x), recovered * layer.scale.abs() + layer.bias, atol=1e-5, rtol=1e-5)


def test_layers_of_a_network_are_expanded_in_place_and_mistakes_are_told() -> None:
    model: Any = nn.Sequential(
        BinarizeSign(), BinaryLinear(9, 8), nn.BatchNorm1d(8), BinarizeSign(), nn.Sequential(BinaryLinear(8, 3))
    )
    before = list(model)
    x = torch.randn(30, 9, generator=seeded(0))
    said = model.eval()(x)
    expand_layers(model, ["1", "4.0"], 3, generator=seeded(0))
    assert [type(model[1]), type(model[4][0])] == [LUTLinear, LUTLinear]
    assert model[2] is before[2]
    assert torch.equal(model(x), said)
    with pytest.raises(TypeError, match=r"4\.0 is a LUTLinear; expected a binary layer"):
        expand_layers(model, ["4.0"])
    with pytest.raises(ValueError, match="LUTs read signs"):
        expand(BinaryConv2d(2, 2, 3, padding=1))
    with pytest.raises(ValueError, match="smaller rank"):
        expand(BinaryLinear(3, 2), 4)
    with pytest.raises(TypeError, match="Linear; expected a BinaryLinear"):
        expand(nn.Linear(3, 2))  # type: ignore[arg-type]
    layer = BinaryLinear(9, 8)
    for arguments in ({}, {"density": 0.5, "inputs": 2}, {"density": 0.0}, {"threshold": -1}, {"inputs": 0}):
        with pytest.raises(ValueError, match="expected"):
            prune(layer, **arguments)
    with pytest.raises(ValueError, match="tile"):
        prune(layer, density=0.5, per="tile", tile=(2,))
    with pytest.raises(ValueError, match="per"):
        prune(layer, density=0.5, per="row")
    with pytest.raises(TypeError, match="LUTLinear"):
        prune_inputs(layer, density=0.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"tile is 2\.5"):
        prune(layer, density=0.5, per="tile", tile=2.5)  # type: ignore[arg-type]
    for none in ({"inputs": (9,), "samples": 0}, {"inputs": torch.ones(0, 9)}):
        with pytest.raises(ValueError, match=r"expected .*(at least 1|one sample or more)"):
            equal_outputs(layer, layer, **none)
    assert np.array_equal(layer.kept.numpy(), np.ones((8, 9), np.bool_))
    again = copy.deepcopy(layer)
    prune(layer, density=0.5, per="tile", tile=5)
    prune(again, density=0.5, per="tile", tile=(5, 5))
    assert 0 < int(layer.kept.sum()) < 72
    assert torch.equal(layer.kept, again.kept)


def test_weights_that_are_nan_are_told() -> None:
    binary, luts = BinaryLinear(9, 8), LUTLinear(9, 8, 3)
    for layer in (binary, luts):
        with torch.no_grad():
            layer.weight[0, 0] = float("nan")
        for arguments in ({"density": 0.5}, {"inputs": 2}, {"threshold": 0.1}, {"density": 0.5, "per": "tile"}):
            with pytest.raises(ValueError, match="is NaN"):
                prune(layer, **arguments)
        assert bool(layer.kept.all())
    for act in (lambda: expand(binary, 3), lambda: expand_tiled(binary, 3), lambda: prune_inputs(luts, density=0.5)):
        with pytest.raises(ValueError, match="is NaN"):
            act()


@pytest.mark.parametrize("per", ["layer", "output", "tile"])
def test_the_order_of_axes_in_memory_changes_nothing(per: str) -> None:
    plain = BinaryConv2d(4, 6, 3, generator=seeded(0))
    last = BinaryConv2d(4, 6, 3, generator=seeded(0)).to(memory_format=torch.channels_last)
    last.kept = last.kept.to(memory_format=torch.channels_last)
    assert prune(last, density=0.3, per=per) == prune(plain, density=0.3, per=per) < plain.kept.numel()
    assert torch.equal(last.kept, plain.kept)
    assert equal_outputs(last, expand(last, 3, generator=seeded(1)), (4, 5, 5), samples=20, generator=seeded(2))


@settings(max_examples=10, deadline=None)
@given(st.integers(2, 6), st.integers(1, 3), st.sampled_from([(8, 8), (3, 5), (1, 1)]), st.integers(0, 99))
def test_tiles_share_tables_and_say_what_the_binary_layer_said(
    rank: int, weight_bits: int, tile: tuple[int, int], seed: int
) -> None:
    weight_bits = min(weight_bits, rank - 1)
    layer: Any = BinaryLinear(12, 7, scale="channel", generator=seeded(seed))
    with torch.no_grad():
        layer.bias.normal_(generator=seeded(seed))
    prune(layer, density=0.6)
    made = expand_tiled(layer, rank, weight_bits=weight_bits, tile=tile, generator=seeded(seed))
    assert equal_outputs(layer, made, (12,), samples=50, generator=seeded(seed))
    with torch.no_grad():
        made.weight.normal_(generator=seeded(seed))
    rows, columns = min(tile[0], 7), min(tile[1], 12)
    tables = made.tables().view(7, 12, -1)
    for o, t in made.kept.nonzero().tolist():  # an entry is the shared table's at the weight bits
        u = sum(int(bit >= 0) << p for p, bit in enumerate(made.bits.view(7, 12, -1)[o, t].tolist()))
        shared = made.weight[o % rows * columns + t % columns].view(1 << weight_bits, -1)[u]
        assert torch.equal(tables[o, t], shared > 0)
    made(torch.randn(9, 12, generator=seeded(seed))).sum().backward()
    assert made.weight.grad is not None
    assert made.bits.grad is not None
    assert made.weight.shape == (rows * columns, 1 << rank)
    with pytest.raises(ValueError, match="share tables"):
        prune_inputs(made, density=0.5) if made.weight.shape[1] != 1 << made.rank else pytest.fail("tables are its own")
    assert prune(made, density=0.3) == round(0.3 * 84)


def test_a_pruned_network_is_its_circuit_and_its_luts_become_fewer() -> None:
    model: Any = nn.Sequential(
        BinarizeSign(), BinaryConv2d(1, 4, 3, padding=1, padding_mode="-1", bias=False), nn.MaxPool2d(2),
        nn.BatchNorm2d(4), BinarizeSign(), nn.Flatten(), BinaryLinear(36, 12), nn.BatchNorm1d(12), BinarizeSign(),
        BinaryLinear(12, 5, bias=False),
    )  # fmt: skip
    x = torch.randn(200, 1, 6, 6, generator=seeded(0))
    model(x)
    prune(model[6], inputs=7)
    model.eval()
    expand_layers(model, ["1", "6", "9"], 3, generator=seeded(1))
    with torch.no_grad():
        for index in (1, 6, 9):
            model[index].weight.normal_(generator=seeded(index))
    counts = []
    for density in (1.0, 0.7, 0.4):
        prune(model[6], density=density)
        prune_inputs(model[6], density=density)
        circuit = simplify(to_circuit(model, (1, 6, 6))).circuit
        np.testing.assert_array_equal(circuit.predict(x.numpy()), model(x).argmax(1).numpy())
        counts.append(circuit.netlist.num_nodes)
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


def test_a_pruned_layer_of_deeplut_stays_pruned_in_lutsmith() -> None:
    torch.manual_seed(0)
    theirs = deeplut.Linear(12, 8, 3, 1, True, deeplut.LagrangeTrainer, deeplut.MaskExpanded)
    prune(theirs, density=0.4)
    prune_inputs(theirs, density=0.7)
    x = torch.randint(2, (50, 12)) * 2.0 - 1
    assert torch.equal(interop.from_deeplut(theirs)(x), theirs(x))


def test_what_asks_a_network_leaves_its_modes() -> None:
    """A batch norm that stands still in a network that is trained goes on to stand still, whatever ends the asking."""
    torch.manual_seed(0)
    norm = torch.nn.BatchNorm1d(4)
    model = torch.nn.Sequential(LUTLinear(6, 4, rank=2), norm, LUTLinear(4, 4, rank=2)).train()
    norm.eval()
    x = torch.randn(20, 6)
    assert equal_outputs(model, model, x)
    memorise_sums(model, x, np.arange(20) % 2)
    with pytest.raises(ValueError, match="a multiple of 3 targets"):
        memorise_sums(model, x, np.arange(20) % 3)
    assert [module.training for module in model] == [True, False, True]
