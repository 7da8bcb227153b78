"""Networks of binary layers as circuits: equal to eval mode on every sample, read back, every planted fault found."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lutsmith.circuit import Circuit
from lutsmith.nn import DistributiveThermometer, GroupSum, LogicDense, Parallel, Residual, prove_lowering, to_circuit
from lutsmith.nn.neurons import (
    Add,
    BinarizeSign,
    BinaryConv1d,
    BinaryConv2d,
    BinaryLinear,
    BitsToSigns,
    LUTConv2d,
    LUTLinear,
    LUTSum,
    ResidualSign,
)
from lutsmith.nn.neurons.binary import PADDINGS, BinaryLayer

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def every_sample(shape: tuple[int, ...]) -> Tensor:
    """All samples of -1 and +1 of a shape."""
    count = int(np.prod(shape))
    bits = np.arange(1 << count)[:, None] >> np.arange(count) & 1
    return torch.from_numpy(2.0 * bits - 1).float().reshape(-1, *shape)


def randomised(model: nn.Module, seed: int) -> nn.Module:
    """The model with random parameters: gains of both signs and of zero, means and biases on integers and off them, so
    that sums lie exactly at thresholds; pruned weights.
    """
    rng = np.random.default_rng(seed)

    def numbers(shape: Any) -> Tensor:
        halves = rng.integers(-4, 5, shape) / 2
        return torch.from_numpy(np.where(rng.random(shape) < 0.6, halves, rng.normal(0, 1.5, shape)))

    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, NORMS):
                module.running_mean.copy_(numbers(module.running_mean.shape))
                module.running_var.copy_(torch.from_numpy(rng.choice([1, 4, 2.3], module.running_var.shape)))
                module.eps = float(rng.choice([0, 1e-5]))
                module.weight.copy_(numbers(module.weight.shape))
                module.bias.copy_(numbers(module.bias.shape))
            elif isinstance(module, BinaryLayer):
                module.weight.copy_(torch.from_numpy(rng.normal(size=tuple(module.weight.shape))))
                module.kept.copy_(torch.from_numpy(rng.random(tuple(module.kept.shape)) < rng.choice([0.3, 0.8, 1])))
                for values in (module.scale, module.bias):
                    if values is not None:
                        values.copy_(numbers(values.shape))
            elif isinstance(module, LUTSum):
                for values in (module.scale, module.bias):
                    if values is not None:
                        values.copy_(numbers(values.shape))
            elif isinstance(module, ResidualSign):
                module.scales.copy_(numbers(module.scales.shape))
    return model.eval()


def says(model: nn.Module, x: Tensor) -> Any:
    with torch.no_grad():
        return model(x).numpy()


def check(model: nn.Module, shape: tuple[int, ...], samples: Tensor | None = None) -> Circuit:
    """The circuit, after it was compared with the model on every sample, and read back."""
    x = every_sample(shape) if samples is None else samples
    model.train()  # lowering and proof leave the mode as it is, and are about eval mode
    try:
        circuit = to_circuit(model, shape)
    except ValueError as error:
        assume("no integers of 32 bits" not in str(error) and "rise and fall" not in str(error))
        raise
    proof = prove_lowering(model, circuit)
    assert model.training
    found = says(model.eval(), x)
    if circuit.head is None:
        assert np.array_equal(circuit.evaluate(x.numpy()), found.reshape(len(x), -1) > 0.5)
    else:
        assert np.array_equal(circuit.predict(x.numpy()), found.argmax(-1))
    assert proof.ok, str(proof)
    return circuit


@st.composite
def signs(draw: st.DrawFn, channels: int) -> list[nn.Module]:
    kind = draw(st.sampled_from(["sign", "levels", "channels", "hard", "relu"]))
    if kind in ("levels", "channels"):
        return [ResidualSign(draw(st.integers(1, 3)), channels if kind == "channels" else None, scale_bits=3)]
    before = {"hard": [nn.Hardtanh()], "relu": [nn.ReLU(), nn.Dropout(0.5)]}.get(kind, [])
    return [*before, BinarizeSign()]


SCALES = st.sampled_from(["layer", "channel", "none"])


@settings(max_examples=30, deadline=None)
@given(st.data(), st.integers(1, 8), st.lists(st.integers(1, 9), max_size=2), st.integers(0, 9999))
def test_dense_stacks_are_their_circuits_on_every_sample(
    data: st.DataObject, inputs: int, widths: list[int], seed: int
) -> None:
    layers: list[nn.Module] = [BinarizeSign()]
    width = inputs
    for outputs in widths:
        layers.append(BinaryLinear(width, outputs, data.draw(st.booleans()), scale=data.draw(SCALES)))
        layers += [nn.BatchNorm1d(outputs)] * data.draw(st.booleans()) + data.draw(signs(outputs))
        width = outputs
    end = data.draw(st.sampled_from(["scores", "norm", "signs", "groups", "luts"]))
    layers.append(BinaryLinear(width, 4, data.draw(st.booleans()), scale=data.draw(SCALES)))
    if end == "norm":
        layers.append(nn.BatchNorm1d(4))
    elif end != "scores":
        layers += [nn.BatchNorm1d(4), BinarizeSign()]
    if end == "luts":
        layers.append(LogicDense(4, 4, 2, generator=torch.Generator().manual_seed(seed)))
    if end in ("groups", "luts"):
        layers.append(GroupSum(2))
    check(randomised(nn.Sequential(*layers), seed), (inputs,))


@settings(max_examples=30, deadline=None)
@given(st.data(), st.integers(0, 9999))
def test_convolutions_pools_and_skips_are_their_circuits_on_every_sample(data: st.DataObject, seed: int) -> None:
    draw = data.draw
    two = draw(st.booleans())
    conv, norm, pool = (BinaryConv2d, NORMS[1], nn.MaxPool2d) if two else (BinaryConv1d, NORMS[0], nn.MaxPool1d)
    shape = (draw(st.sampled_from([1, 2])), *((2, 3) if two else (5,)))
    groups, window = draw(st.sampled_from([1, shape[0]])), draw(st.integers(1, 2))
    padding = draw(st.integers(0, 1))
    mode = draw(st.sampled_from(PADDINGS))
    outputs = 2 * groups
    layers: list[nn.Module] = [
        BinarizeSign(),
        conv(shape[0], outputs, window, draw(st.integers(1, 2)), padding, groups=groups, padding_mode=mode,
             bias=draw(st.booleans()), scale=draw(SCALES)),
        norm(outputs),
    ]  # fmt: skip
    place = draw(st.sampled_from(["before", "behind", "between", "none"]))
    pooling = [pool(draw(st.integers(1, 2)), draw(st.sampled_from([None, 1])), 0)]
    layers = layers[:2] + pooling + layers[2:] if place == "before" else layers
    layers += pooling if place == "between" else []
    layers += draw(signs(outputs))
    layers += pooling if place == "behind" else []
    if draw(st.booleans()):
        inner: list[nn.Module] = [conv(outputs, outputs, 1, bias=False, scale="none")]
        inner += draw(st.sampled_from([[], [norm(outputs), BinarizeSign()]]))
        layers += [Add(nn.Identity(), nn.Sequential(*inner)), norm(outputs), BinarizeSign()]
    model = nn.Sequential(*layers)
    with torch.no_grad():
        try:
            size = model.eval()(torch.ones(1, *shape)).numel()
        except (RuntimeError, ValueError):
            assume(False)
    model.extend([nn.Flatten(), BinaryLinear(size, 3)])
    check(randomised(model, seed), shape)


@settings(max_examples=30, deadline=None)
@given(st.data(), st.integers(0, 9999))
def test_layers_that_add_up_luts_are_their_circuits_on_every_sample(data: st.DataObject, seed: int) -> None:
    draw = data.draw
    generator = torch.Generator().manual_seed(seed)
    common: dict[str, Any] = {"scale": draw(SCALES), "shared": draw(st.booleans()), "generator": generator}
    common |= {"normalised": draw(st.booleans()), "bias": draw(st.booleans())}
    if draw(st.booleans()):
        shape: tuple[int, ...] = (draw(st.integers(4, 9)),)
        rank, mask = draw(st.integers(1, 4)), draw(st.sampled_from(["expanded", "minimal"]))
        layer: nn.Module = LUTLinear(shape[0], 5, rank, mask, **common)
        norm: nn.Module = nn.BatchNorm1d(5)
    else:
        shape, groups = (2, 2, 3), draw(st.sampled_from([1, 2]))
        padding, around = draw(st.integers(0, 1)), draw(st.sampled_from([-1, 0, 1]))
        layer = LUTConv2d(2, 4, 2, 3, stride=draw(st.integers(1, 2)), padding=padding, padding_value=around,
                          groups=groups, dilation=1, **common)  # fmt: skip
        norm = nn.BatchNorm2d(4)
    first: list[nn.Module] = [BinarizeSign()] if draw(st.booleans()) else []
    signs_ = draw(st.sampled_from([[BinarizeSign()], [ResidualSign(2, scale_bits=3)], []]))
    behind = [] if len(shape) == 1 else [nn.Flatten()]
    with torch.no_grad():
        width = layer.eval()(torch.ones(1, *shape)).numel()
    end = LUTLinear(width, 3, 2, bias=False, generator=generator)
    check(randomised(nn.Sequential(*first, layer, norm, *signs_, *behind, end), seed), shape)


def test_luts_whose_inputs_may_be_zero_are_refused_where_zero_is_a_symbol() -> None:
    signs_ = nn.Sequential(BinarizeSign(), LUTLinear(6, 3, 2, zeros="exact", bias=False))
    check(signs_.eval(), (6,))
    for before in ([nn.ReLU()], []):
        model = nn.Sequential(
            BinarizeSign(), BinaryLinear(6, 6, bias=False), *before, LUTLinear(6, 3, 2, zeros="exact", bias=False)
        )
        with pytest.raises(ValueError, match="an input may be 0"):
            to_circuit(model, (6,))
    with pytest.raises(ValueError, match="an input may be 0"):
        to_circuit(nn.Sequential(LUTLinear(6, 3, 2, zeros="exact")), (6,))  # raw features, of any number
    model[2].binary_weights = False  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="binary_weights=False"):
        to_circuit(model, (6,))


def test_bits_of_an_encoder_that_are_equal_count_once_and_constants_not_at_all() -> None:
    x = torch.randint(0, 3, (400, 6), generator=torch.Generator().manual_seed(0)).float()
    encoder = DistributiveThermometer(5).fit(x)  # five thresholds of three values: many are equal
    model = randomised(nn.Sequential(encoder, BitsToSigns(), BinaryLinear(30, 8), nn.BatchNorm1d(8), BinarizeSign()), 1)
    circuit = check(model, (6,), x)
    wide = randomised(nn.Sequential(BinarizeSign(), *list(model)[2:]), 1)
    assert circuit.netlist.num_inputs == 18
    assert circuit.netlist.num_nodes < 0.8 * to_circuit(wide, (30,)).netlist.num_nodes
    unique = DistributiveThermometer(5, unique=True).fit(x)
    check(randomised(nn.Sequential(unique, BinaryLinear(30, 8), nn.BatchNorm1d(8), BinarizeSign()), 2), (6,), x)


def test_levels_side_by_side_and_branches_read_bits() -> None:
    levels = ResidualSign(2, output="joined", scaled=False)
    behind = [LogicDense(12, 6, 3, generator=torch.Generator().manual_seed(0)), GroupSum(2)]
    for scaled in (True, False):
        levels = ResidualSign(2, output="joined", scaled=scaled)
        head = [nn.BatchNorm1d(6), levels, BinaryLinear(12, 3)]
        check(randomised(nn.Sequential(BinarizeSign(), BinaryLinear(7, 6), *head), 3), (7,))
    branches = Parallel(nn.Identity(), nn.Sequential(BinaryLinear(6, 6), BinarizeSign()))
    model = nn.Sequential(BinarizeSign(), BinaryLinear(7, 6), nn.BatchNorm1d(6), BinarizeSign(), branches, *behind)
    check(randomised(model, 4), (7,))


def wide_model(seed: int) -> nn.Sequential:
    generator = torch.Generator().manual_seed(seed)
    one, two, three = (BinaryLinear(a, b, generator=generator) for a, b in ((40, 12), (12, 10), (10, 3)))
    model = nn.Sequential(
        BinarizeSign(), one, nn.BatchNorm1d(12), BinarizeSign(), two, nn.BatchNorm1d(10), ResidualSign(2), three
    )
    with torch.no_grad():
        for norm in (model[2], model[5]):
            assert isinstance(norm, nn.BatchNorm1d)
            norm.running_mean.copy_(torch.randint(-3, 4, norm.running_mean.shape, generator=generator))
            norm.weight.copy_(torch.randn(norm.weight.shape, generator=generator))
    return model.eval()


FAULTS = {
    "a threshold by one": lambda model: model[2].bias.add_(2 * model[2].weight.abs()),
    "a weight": lambda model: model[1].weight[3, 7].mul_(-1),
    "a pruned weight": lambda model: model[4].kept[2, 5].logical_not_(),
    "two inputs": lambda model: model[1].weight.copy_(model[1].weight[:, [1, 0, *range(2, 40)]]),
    "the sign of a gain": lambda model: model[2].weight.abs_(),
    "a scale": lambda model: model[6].scales[1].mul_(0.5),
    "a class": lambda model: model[7].weight.copy_(model[7].weight[[1, 0, 2]]),
    "a score": lambda model: model[7].bias[1].add_(3),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_circuit_of_another_network_fails_where_it_differs(fault: str) -> None:
    """The circuit is that of a network with one fault, planted; the proof is of the network without it."""
    model, other = wide_model(0), wide_model(0)
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        FAULTS[fault](other)
    proof = prove_lowering(model, to_circuit(other, (40,)))
    assert proof.verdict == "failed", proof
    assert all(row.verdict != "proved" for row in proof.rows[-2:-1])


def read_nodes(netlist: Any) -> set[int]:
    """The nodes that an output depends on: the others change nothing."""
    found, first = set(netlist.outputs.tolist()), netlist.num_inputs
    for node in reversed(range(netlist.num_nodes)):
        if first + node in found:
            found.update(netlist.fanin[netlist.fanin_ptr[node] : netlist.fanin_ptr[node + 1]].tolist())
    return {signal - first for signal in found if signal >= first}


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_one_changed_table_or_wire_of_adders_and_comparators_is_found(data: st.DataObject) -> None:
    model = wide_model(1)
    circuit = to_circuit(model, (40,))
    netlist = circuit.netlist
    fields = {name: getattr(netlist, name) for name in vars(netlist)}
    node = data.draw(st.sampled_from(sorted(read_nodes(netlist))))
    if data.draw(st.booleans()):
        tables = netlist.tables().copy()
        tables[node] ^= np.uint64(1 << data.draw(st.integers(0, (1 << int(netlist.ranks[node])) - 1)))
        fields |= {"table_pool": tables, "table_index": np.arange(tables.size)}
    else:
        fanin = netlist.fanin.copy()
        slot = int(netlist.fanin_ptr[node]) + data.draw(st.integers(0, int(netlist.ranks[node]) - 1))
        fanin[slot] = data.draw(st.integers(0, 39).filter(lambda signal: signal != fanin[slot]))
        fields["fanin"] = fanin
    broken = Circuit(
        circuit.input_shape, circuit.encoder, type(netlist)(**fields), head=circuit.head, objective=circuit.objective
    )
    proof = prove_lowering(model, broken)
    assert not proof.ok
    assert proof.verdict == "failed"


MISTAKES: list[tuple[list[nn.Module], tuple[int, ...], str]] = [
    ([BinaryLinear(4, 3)], (4,), "real numbers; put an encoder or a BinarizeSign before it"),
    ([BinarizeSign(), BinaryLinear(4, 3, binary=False), BinarizeSign()], (4,), "expected binary=True"),
    ([BinarizeSign(), BinaryLinear(4, 3)], (5,), "its 4 inputs cannot be numbers of shape"),
    ([BinarizeSign(), BinaryLinear(4, 3), ResidualSign(2, output="stacked")], (4,), "expected output='joined'"),
    ([BinarizeSign(), BinaryLinear(40, 40), nn.BatchNorm1d(40), BinaryLinear(40, 3)], (40,), "put a BinarizeSign"),
    ([BinarizeSign(), BinaryLinear(4, 3), nn.BatchNorm1d(3, track_running_stats=False)], (4,), "running statistics"),
    ([BinarizeSign(), BinaryLinear(4, 3), nn.Tanh(), BinarizeSign()], (4,), "no lower"),
    ([BinarizeSign(), BinaryLinear(9, 9, dtype=torch.bfloat16), BinarizeSign()], (9,), "which cannot count"),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "shape", "message"), MISTAKES)
def test_what_cannot_be_a_circuit_is_told(layers: list[nn.Module], shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_circuit(nn.Sequential(*layers), shape)


@pytest.mark.parametrize(
    ("gain", "bias"), [(0.0, [0, 0, 0]), (0.0, [0, 2, 1]), (0.0, [0.5, 0.5, -1e-30]), (1e36, [0, 1e36, 0])]
)
def test_gains_of_zero_are_constants_and_large_ones_decide_as_small_ones(gain: float, bias: list[float]) -> None:
    model = nn.Sequential(BinarizeSign(), BinaryLinear(6, 3), nn.BatchNorm1d(3)).eval()
    with torch.no_grad():
        model[2].weight.fill_(gain)
        model[2].bias.copy_(torch.tensor(bias))
    check(model, (6,))


@pytest.mark.parametrize("name", ["1.scale", "2.weight", "2.bias"])
@pytest.mark.parametrize("value", [3e38, float("inf")])
@pytest.mark.filterwarnings("error")
def test_scores_beyond_float32_are_one_clear_error(name: str, value: float) -> None:
    model = nn.Sequential(BinarizeSign(), BinaryLinear(8, 3), nn.BatchNorm1d(3)).eval()
    with torch.no_grad():
        model.get_parameter(name).fill_(value)
        model[2].weight.mul_(2)
        model[2].bias.mul_(2)
    with pytest.raises(ValueError, match=r"NaN of sums|numbers beyond float32 of sums; was the training unstable"):
        to_circuit(model, (8,))


def test_modules_that_work_in_place_leave_what_other_branches_read() -> None:
    layer = BinaryLinear(8, 8, bias=False, scale="none", generator=torch.Generator().manual_seed(0))
    for first in (nn.ReLU(inplace=True), nn.Sequential(nn.Flatten(), nn.Hardtanh(0.2, 1, inplace=True), nn.ReLU())):
        branch = nn.Sequential(first, BinarizeSign(), layer)
        x = torch.randn(50, 8, generator=torch.Generator().manual_seed(1))
        for branches in ([nn.Identity(), branch], [branch, nn.Identity()]):
            kept = x.clone()
            assert torch.equal(Add(*branches)(kept), x + branch(x.clone()))
            assert torch.equal(kept, x)
    relu = nn.Sequential(nn.ReLU(inplace=True), layer)
    end = BinaryLinear(8, 3, generator=torch.Generator().manual_seed(2))
    check(nn.Sequential(BinarizeSign(), Add(nn.Identity(), relu), BinarizeSign(), end).eval(), (8,))
    dropout = nn.Dropout(0.5, inplace=True)
    bits = (torch.randn(50, 8, generator=torch.Generator().manual_seed(3)) > 0).float()
    Parallel(dropout, nn.Identity())(bits)
    residual = Residual(dropout, "or")(bits)
    assert torch.equal(bits, bits.round())
    assert bool((residual[bits > 0] == 1).all())  # x or anything


def test_real_scales_are_refused_where_a_sum_reads_them() -> None:
    model = nn.Sequential(BinarizeSign(), BinaryLinear(6, 5), ResidualSign(2, scale_bits=None), BinaryLinear(5, 2))
    with pytest.raises(ValueError, match="scale_bits"):
        to_circuit(model, (6,))
    check(nn.Sequential(*list(model)[:2], ResidualSign(2, scale_bits=None, output="joined", scaled=False)).eval(), (6,))


def test_modules_with_hooks_or_overrides_are_not_established() -> None:
    class Louder(BinaryLinear):
        def scaled(self, sums: Tensor) -> Tensor:
            return 2 * super().scaled(sums)

    model = nn.Sequential(BinarizeSign(), Louder(5, 3), BinarizeSign()).eval()
    assert prove_lowering(model, to_circuit(model, (5,))).verdict == "not established"
    for first, second in itertools.pairwise(["proved", "not established"]):
        plain = nn.Sequential(BinarizeSign(), BinaryLinear(5, 3), BinarizeSign()).eval()
        circuit = to_circuit(plain, (5,))
        assert prove_lowering(plain, circuit).verdict == first
        plain[1].register_forward_hook(lambda *_: None)
        assert prove_lowering(plain, circuit).verdict == second
