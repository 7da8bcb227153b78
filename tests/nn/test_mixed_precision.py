"""Autocast to bfloat16: activations while training, where that is quicker; nothing in eval mode, and no table ever."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lutsmith.nn import GroupSum, LogicDense, NodeLayer, Nodes, Parametrization, to_circuit
from lutsmith.nn.parametrizations import list_parametrizations, setup_parametrization
from lutsmith.training import Settings, Trainer

from ..training.models import same_state


def autocast() -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16)


def layer(rank: int = 2, inputs: int = 300, luts: int = 200, **options: Any) -> LogicDense:
    return LogicDense(inputs, luts, rank, generator=torch.Generator().manual_seed(0), **options)


@pytest.mark.parametrize("parametrization", ["raw", "light", "warp", "poly", "fourier", "lagrange"])
def test_layers_hand_on_bfloat16_while_training(parametrization: str) -> None:
    model = nn.Sequential(layer(parametrization=parametrization), layer(inputs=200, parametrization=parametrization))
    x = torch.rand(150, 300)
    with autocast():
        first, second = model[0](x), model(x)
    assert (first.dtype, second.dtype) == (torch.bfloat16, torch.bfloat16)
    torch.testing.assert_close(second.float(), model(x), rtol=0, atol=0.02)
    second.float().square().sum().backward()
    mixed = [module.weight.grad for module in model]
    model.zero_grad()
    model(x).square().sum().backward()
    for module, got in zip(model, mixed, strict=True):
        assert got is not None
        assert got.dtype == torch.float32
        expected = module.weight.grad
        assert expected is not None
        assert (got - expected).norm() < 0.02 * expected.norm()


@pytest.mark.parametrize(
    ("made", "samples", "dtype"),
    [
        (layer(6), 150, torch.float32),
        (layer(6, connections="learnable"), 150, torch.float32),
        (layer(2, table_of=[0] * 200), 150, torch.float32),
        (layer(2, parametrization="dwn"), 150, torch.float32),
        (layer(2, parametrization="neural", form="direct"), 150, torch.float32),
        (layer(2), 127, torch.float32),
        (layer(2, 100), 150, torch.float32),
        (layer(2).double(), 150, torch.float64),
    ],
)
def test_layers_that_gain_nothing_stay_as_they_are(made: LogicDense, samples: int, dtype: torch.dtype) -> None:
    x = torch.rand(samples, made.in_dim)
    with autocast():
        assert made(x.to(dtype)).dtype == dtype
        if dtype == torch.float32:
            assert torch.equal(made(x.bfloat16()), made(x.bfloat16().float()))  # behind a layer that hands on bfloat16


@pytest.mark.parametrize("sampling", ["hard", "gumbel_soft", "gumbel_hard"])
def test_samplings_of_outputs_are_float32(sampling: str) -> None:
    made = layer(2, parametrization="warp", forward_sampling=sampling)
    with autocast():
        assert made(torch.rand(150, 300).bfloat16()).dtype == torch.float32


def test_other_precisions_of_autocast_change_no_activations() -> None:
    x = torch.rand(150, 300)
    with torch.autocast("cpu", torch.float16):
        assert layer()(x).dtype == torch.float32
    with autocast(), torch.autocast("cpu", enabled=False):
        assert layer()(x).dtype == torch.float32


def test_group_sums_of_narrow_layers_are_float32() -> None:
    model, x = nn.Sequential(layer(), GroupSum(10)), torch.rand(150, 300)
    with autocast():
        assert model(x).dtype == torch.float32


RANKS = {"raw": [2]}


@pytest.mark.parametrize(
    ("parametrization", "rank"), [(name, n) for name in list_parametrizations() for n in RANKS.get(name, [1, 2, 4, 6])]
)
def test_in_eval_mode_a_layer_is_the_hardware(parametrization: str, rank: int) -> None:
    model = nn.Sequential(layer(rank, luts=3000, parametrization=parametrization, weight_init="random")).eval()
    x = torch.randint(2, (150, 300)).float()
    expected, tables, circuit = model(x), model[0].hard_tables(), to_circuit(model, input_shape=(300,))
    with autocast():
        assert torch.equal(model(x), expected)
        assert torch.equal(model[0].hard_tables(), tables)
        inside = to_circuit(model, input_shape=(300,))
        assert np.array_equal(inside.netlist.tables(), circuit.netlist.tables())
        for function in (model[0].parametrization.probabilities, model[0].parametrization.tables):
            rounded = function(model[0].weight)
            with torch.autocast("cpu", enabled=False):
                assert torch.equal(rounded, function(model[0].weight))


class Products(Parametrization):
    """One of the user's own, by products of matrices."""

    def _pass_input_0(self) -> Tensor:
        return ((torch.arange(1 << self.rank) & 1) * 2.0 - 1) / 8

    def _random(self, shape: tuple[int, int], generator: torch.Generator | None) -> Tensor:
        return torch.randn(shape, generator=generator)

    def tables(self, weight: Tensor) -> Tensor:
        return (weight @ torch.linspace(0.9, 1.1, weight.shape[1]).diag()).sigmoid()

    def probabilities(self, weight: Tensor) -> Tensor:
        return self.tables(weight)

    def hard_tables(self, weight: Tensor) -> Tensor:
        return self.tables(weight) > 0.5


class LessOfIt(Products):
    """A class below the user's own, which calls it by another name of its argument."""

    def tables(self, entries: Tensor) -> Tensor:  # type: ignore[override]
        return super().tables(entries) ** 2

    def probabilities(self, weight: Tensor) -> Tensor:
        return self.tables(entries=weight)


class Beside:
    """Tables that are not those of a parametrization."""

    def tables(self, weight: Tensor) -> Tensor:
        return (weight @ torch.linspace(0.8, 1.2, weight.shape[1]).diag()).sigmoid()


class WithIt(Beside, Products):
    """A class that has its tables from beside its base."""


class Static(Products):
    """Tables that need no object."""

    @staticmethod
    def tables(weight: Tensor) -> Tensor:  # type: ignore[override]
        return (weight @ torch.linspace(0.8, 1.2, weight.shape[1]).diag()).sigmoid()

    @classmethod
    def hard_tables(cls, weight: Tensor) -> Tensor:  # type: ignore[override]
        return cls.tables(weight) > 0.5


@pytest.mark.parametrize("kind", [Products, LessOfIt, WithIt, Static])
def test_tables_of_ones_own_are_not_rounded(kind: type[Parametrization]) -> None:
    made, weight = kind(3), torch.randn(500, 8)
    with autocast():
        assert (weight @ weight.t()).dtype == torch.bfloat16
        inside = [method(weight) for method in (made.tables, made.probabilities, made.hard_tables)]
        assert inside[0].dtype == torch.float32
    for rounded, method in zip(inside, (made.tables, made.probabilities, made.hard_tables), strict=True):
        assert torch.equal(rounded, method(weight))


def test_tables_are_described_on_devices_without_autocast() -> None:
    made = setup_parametrization("warp", 2)
    assert made.tables(torch.empty(5, 4, device="meta")).shape == (5, 4)


class Mixed(NodeLayer):
    """Nodes of one's own, by a product of matrices."""

    def __init__(self) -> None:
        super().__init__(4)
        self.weight = nn.Parameter(torch.randn(600, 4, generator=torch.Generator().manual_seed(0)))

    def nodes(self) -> list[Nodes]:
        points = torch.tensor([[1.0, 1, 1, 1], [-1, 1, -1, 1], [-1, -1, 1, 1], [1, -1, -1, 1]])
        return [Nodes(torch.tensor([[0, 1]]).repeat(600, 1), self.weight @ points > 0)]

    def soft(self, x: Tensor) -> Tensor:
        return x[..., :1] * self.weight[:, 0]


def test_nodes_of_ones_own_are_not_rounded() -> None:
    made, x = Mixed().eval(), torch.randint(2, (50, 4)).float()
    expected = made(x)
    with autocast():
        assert torch.equal(made(x), expected)


def test_classes_that_leave_something_open_stay_abstract() -> None:
    class Half(Parametrization):
        def tables(self, weight: Tensor) -> Tensor:
            return weight

    with pytest.raises(TypeError, match="abstract"):
        Half(2)  # type: ignore[abstract]


def network() -> nn.Sequential:
    kinds = (2, "raw", "fixed"), (3, "light", "learnable"), (2, "warp", "fixed"), (4, "warp", "learnable")
    layers = [layer(rank, 300, 300, parametrization=name, connections=wires) for rank, name, wires in kinds]
    return nn.Sequential(*layers, GroupSum(3, tau=5.0))


def test_runs_in_mixed_precision_repeat_and_reach_the_same() -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randint(2, (900, 300), generator=generator).float().numpy()
    y = (x[:, :40].sum(1) > 17).astype(int) + (x[:, :40].sum(1) > 22)
    settings = {"epochs": 4, "batch_size": 128, "lr": 0.05, "validation": 0.2}
    made: list[nn.Sequential] = []
    reached = []
    for precision in ("bf16-mixed", "bf16-mixed", "32-true"):
        made.append(network())
        found = Trainer(Settings(**settings, precision=precision), quiet=True).fit(made[-1], x, y)
        reached.append(found.best.hard)
    assert same_state(made[0], made[1])
    assert not same_state(made[0], made[2])
    assert abs(reached[0] - reached[2]) < 0.15
    assert reached[0] > 0.4


def test_compiled_layers_hand_on_bfloat16() -> None:
    torch.compiler.reset()
    model, x = nn.Sequential(layer(parametrization="warp"), GroupSum(10)), torch.rand(150, 300)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    with autocast():
        expected = model(x)
        assert torch.equal(compiled(x), expected)
    torch.testing.assert_close(compiled(x), model(x))
