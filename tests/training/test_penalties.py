"""Penalties: their formulas, their gradients, and that training with them lowers what they name."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lutsmith.nn import Architecture, GroupSum, LogicDense, build
from lutsmith.training import L1, L2, Area, Batch, Consistency, Gap, Settings, Spectral, Trainer

from .models import images

NONE = Batch(torch.zeros(0), torch.zeros(0), np.zeros(0, np.int64))
TABLE_PENALTIES = [
    Spectral(1.0),
    Spectral(0.5, power=2.0),
    L1(1.0),
    L2(1.0),
    L1(1.0, "logits"),
    L2(1.0, "logits"),
    Area(1.0),
    Area(1.0, exact=True),
]


def layer(rank: int, luts: int = 5, seed: int = 0, **settings: Any) -> LogicDense:
    generator = torch.Generator().manual_seed(seed)
    return LogicDense(12, luts, rank, weight_init="random", generator=generator, **settings)


def with_tables(tables: Any) -> LogicDense:
    """A layer of `raw` probabilities: light logits that give exactly these tables."""
    tables = torch.as_tensor(tables, dtype=torch.float32)
    module = LogicDense(12, len(tables), tables.shape[1].bit_length() - 1)
    with torch.no_grad():
        module.weight.copy_(tables.logit(1e-7))
    return module


def address_bits(rank: int) -> np.ndarray:
    return (np.arange(1 << rank)[:, None] >> np.arange(rank)) & 1


@pytest.mark.parametrize("penalty", TABLE_PENALTIES, ids=str)
@pytest.mark.parametrize("parametrization", ["light", "warp", "dwn"])
def test_the_gradient_of_a_table_penalty_is_its_finite_difference(penalty: Any, parametrization: str) -> None:
    module = layer(3, parametrization=parametrization).double()
    model = nn.Sequential(module)
    weight = module.weight.detach() * 0.9 + 0.01

    def value(w: Tensor) -> Tensor:
        return torch.func.functional_call(Caller(model, penalty), {"model.0.weight": w}, ())  # type: ignore[no-any-return]

    assert torch.autograd.gradcheck(value, (weight.requires_grad_(),), eps=1e-6, atol=1e-6)
    grad = torch.autograd.grad(value(weight), weight)[0]
    assert (grad != 0).float().mean() > 0.9


class Caller(nn.Module):
    def __init__(self, model: nn.Module, penalty: Any) -> None:
        super().__init__()
        self.model, self.penalty = model, penalty

    def forward(self) -> Tensor:
        return self.penalty(self.model, NONE, torch.zeros(0))  # type: ignore[no-any-return]


@pytest.mark.parametrize("penalty", [*TABLE_PENALTIES, Gap(1.0)], ids=str)
def test_a_model_without_tables_is_refused(penalty: Any) -> None:
    model, says = nn.Linear(2, 2), "acts on LUT layers, and a Linear without any was given"
    with pytest.raises(ValueError, match=says), penalty.watching(model):
        penalty(model, NONE, torch.zeros(0))


@settings(deadline=None, max_examples=20)
@given(rank=st.integers(1, 5), seed=st.integers(0, 20))
def test_spectral_is_the_total_influence_of_boolean_tables(rank: int, seed: int) -> None:
    tables = np.random.default_rng(seed).integers(0, 2, (4, 1 << rank))
    flips = [np.mean(tables != tables[:, np.arange(1 << rank) ^ (1 << j)]) for j in range(rank)]
    model = nn.Sequential(with_tables(tables))
    assert Spectral(1.0).of_model(model).item() == pytest.approx(sum(flips), abs=1e-4)
    assert Spectral(1.0, power=0.0).of_model(model).item() == pytest.approx(1.0, abs=1e-4)  # Parseval


def test_norms_are_of_entries_or_of_weights() -> None:
    module = layer(3)
    signs = 2 * module.weight.detach().sigmoid() - 1
    model = nn.Sequential(module)
    assert L1(2.0).of_model(model).item() == pytest.approx(2 * float(signs.abs().mean()))
    assert L2(2.0).of_model(model).item() == pytest.approx(2 * float((signs**2).mean()))
    assert L1(1.0, "logits").of_model(model).item() == pytest.approx(float(module.weight.detach().abs().mean()))
    assert L2(1.0, "logits").of_model(model).item() == pytest.approx(float((module.weight.detach() ** 2).mean()))


def gone(table: Any) -> bool:
    """Whether a Boolean table depends on one input at most, by trying all pairs of inputs."""
    entries = np.asarray(table)
    rank = len(entries).bit_length() - 1
    matters = [bool((entries != entries[np.arange(len(entries)) ^ (1 << j)]).any()) for j in range(rank)]
    return sum(matters) <= 1


@settings(deadline=None, max_examples=20)
@given(rank=st.integers(1, 3), seed=st.integers(0, 50))
def test_area_is_the_expectation_over_all_tables(rank: int, seed: int) -> None:
    p = np.random.default_rng(seed).uniform(0.02, 0.98, 1 << rank)
    left = sum(
        float(np.prod(np.where(table, p, 1 - p))) * (not gone(table))
        for table in itertools.product([0, 1], repeat=1 << rank)
    )
    module = with_tables(p[None])
    assert Area(1.0, exact=True).of_model(nn.Sequential(module)).item() == pytest.approx(left, abs=1e-4)
    assert Area(1.0).expected_luts(nn.Sequential(module, module)) == pytest.approx(left, abs=1e-4)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("rank", [1, 2, 4, 6])
def test_area_counts_boolean_tables(rank: int, exact: bool) -> None:
    bits = address_bits(rank)
    tables = [np.zeros(1 << rank), np.ones(1 << rank), bits[:, -1], 1 - bits[:, 0], bits.sum(1) % 2]
    values = [Area(1.0, exact).of_model(nn.Sequential(with_tables(table[None]))).item() for table in tables]
    assert values == pytest.approx([0.0 if gone(table) else 1.0 for table in tables], abs=1e-3)


def test_area_falls_in_training_and_tables_fold_away() -> None:
    def trained(penalty: list[Any]) -> tuple[nn.Sequential, float]:
        x, _ = images()
        model = build(Architecture(luts=(40,), rank=4, bits=1, connections="fixed", weight_init="random"), x, 2)
        before = Area(1.0).expected_luts(model)
        Trainer(Settings(epochs=6, batch_size=32, lr=0.1, validation=0.0), quiet=True, penalties=penalty).fit(
            model, *images()
        )
        return model, before

    def folded(model: nn.Sequential) -> int:
        return sum(gone(table) for table in model[2].hard_tables().numpy())

    (plain, before), (small, _) = trained([]), trained([Area(3.0)])
    assert Area(1.0).expected_luts(small) < 0.5 * before
    assert Area(1.0).expected_luts(small) < 0.5 * Area(1.0).expected_luts(plain)
    assert folded(small) > folded(plain) + 15


def lut_network(**settings: Any) -> nn.Sequential:
    x, _ = images()
    return build(Architecture(luts=(80, 20), rank=4, bits=2, connections="fixed", **settings), x, 2)


def gap_of(model: nn.Sequential) -> float:
    gap, x = Gap(1.0), torch.from_numpy(images()[0])
    with gap.watching(model.train()), torch.no_grad():
        model(x)
    return float(gap(model, NONE, torch.zeros(0)))


def change_of(model: nn.Sequential) -> float:
    torch.manual_seed(0)
    x = torch.from_numpy(images()[0])
    with torch.no_grad():
        return float(Consistency(1.0, 0.1)(model.train(), Batch(x, x, x.numpy()), model(x)))


@pytest.mark.parametrize(
    ("penalty", "measure"),
    [
        (Gap(3.0), gap_of),
        (Consistency(3.0, 0.1), change_of),
        (Spectral(3.0), lambda model: Spectral(1.0).of_model(model).item()),
        (L1(3.0), lambda model: L1(1.0).of_model(model).item()),
        (L2(3.0), lambda model: L2(1.0).of_model(model).item()),
    ],
    ids=["gap", "consistency", "spectral", "l1", "l2"],
)
def test_training_with_a_penalty_lowers_what_it_names(penalty: Any, measure: Any) -> None:
    found = []
    for penalties in ([], [penalty]):
        model = lut_network(weight_init="random")
        Trainer(Settings(epochs=4, batch_size=32, lr=0.05, validation=0.0), quiet=True, penalties=penalties).fit(
            model, *images()
        )
        found.append(measure(model))
    assert found[1] < 0.7 * found[0]


def test_gap_is_zero_for_bits_and_one_in_the_middle() -> None:
    for p, expected in ((0.5, 1.0), (1.0, 0.0), (0.75, 0.75)):
        module = with_tables(torch.full((3, 4), p))
        gap = Gap(2.0)
        with gap.watching(module):
            module(torch.rand(7, 12))
        assert float(gap(module, NONE, torch.zeros(0)).detach()) == pytest.approx(2 * expected, abs=1e-5)


def test_gap_must_have_looked_on() -> None:
    module = with_tables(torch.full((3, 4), 0.5))
    with pytest.raises(ValueError, match=r"inside `with gap.watching\(model\):`"):
        Gap(1.0)(module, NONE, torch.zeros(0))
    gap = Gap(1.0)
    with gap.watching(module):
        pass
    module(torch.rand(2, 12))  # after the block nobody looks
    with pytest.raises(ValueError, match="has seen no outputs"):
        gap(module, NONE, torch.zeros(0))


@pytest.mark.parametrize("power", [1.0, 2.0, 3.0])
def test_the_gradient_of_the_gap_is_its_finite_difference(power: float) -> None:
    module = layer(3).double()
    x, gap = torch.rand(6, 12, dtype=torch.float64), Gap(1.0, power)

    class Whole(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self) -> Tensor:
            with gap.watching(self.module):
                self.module(x)
            return gap(self.module, NONE, x)

    def value(weight: Tensor) -> Tensor:
        return torch.func.functional_call(Whole(), {"module.weight": weight}, ())  # type: ignore[no-any-return]

    assert torch.autograd.gradcheck(value, (module.weight.detach().clone().requires_grad_(),), atol=1e-6)


def test_consistency_is_zero_where_no_bit_matters_and_reaches_the_tables() -> None:
    x = torch.from_numpy(images(50)[0])
    model = lut_network()
    with torch.no_grad():
        model[2].weight.fill_(3.0)  # constants
    term = Consistency(1.0, 0.2)
    batch = Batch(x, x, np.arange(50))
    assert float(term(model, batch, model(x)).detach()) == 0
    model = lut_network()
    term(model, batch, model(x)).backward()
    assert model[2].weight.grad is not None
    assert model[2].weight.grad.any()


def test_consistency_needs_an_encoder_that_can_be_told() -> None:
    with pytest.raises(ValueError, match=r"Consistency: probability=0.02 .* wrap it as nn.Sequential\(encoder, rest\)"):
        Consistency(1.0)(nn.Linear(2, 2), NONE, torch.zeros(0))


def test_a_penalty_in_a_loop_of_ones_own() -> None:
    model, x, y = lut_network(), *map(torch.from_numpy, images())
    optimizer, penalties = torch.optim.Adam(model.parameters(), lr=0.05), [Gap(0.1), Area(0.1)]
    losses = []
    for _ in range(20):
        with penalties[0].watching(model):
            logits = model(x)
        batch = Batch(x, y, np.arange(len(x)))
        loss = nn.functional.cross_entropy(logits, y) + sum(p(model, batch, logits) for p in penalties)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Gap(-1.0), r"Gap\(weight=-1.0\): expected a number >= 0"),
        (lambda: Gap(1.0, power=0.5), r"Gap\(power=0.5\): expected a number >= 1"),
        (lambda: Consistency(float("nan")), r"Consistency\(weight=nan\)"),
        (lambda: Consistency(1.0, 0.0), r"Consistency\(probability=0.0\): expected a number in \(0, 0.5\]"),
        (lambda: Spectral(1.0, power=-1), r"Spectral\(power=-1\)"),
        (lambda: Spectral(float("inf")), r"Spectral\(weight=inf\)"),
        (lambda: L1(-1), r"L1\(weight=-1\)"),
        (lambda: L2(1.0, "weights"), r"L2's of is 'weights'; expected one of tables, logits"),  # type: ignore[arg-type]
        (lambda: Area(-0.1), r"Area\(weight=-0.1\)"),
    ],
)
def test_penalties_that_cannot_be_are_refused(make: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make()


def test_deep_networks_weigh_each_lut_alike() -> None:
    one, two = with_tables(torch.full((3, 4), 0.5)), with_tables(torch.ones(9, 4))
    model = nn.Sequential(one, nn.Linear(3, 12), two, GroupSum(3))
    assert L2(1.0).of_model(model).item() == pytest.approx(9 / 12, abs=1e-5)


@pytest.mark.parametrize("penalty", TABLE_PENALTIES, ids=str)
def test_mixed_precision_does_not_blur_tables(penalty: Any) -> None:
    model = nn.Sequential(layer(6))
    with torch.autocast("cpu", torch.bfloat16):
        blurred = penalty(model, NONE, torch.zeros(0)).item()
    assert blurred == penalty(model, NONE, torch.zeros(0)).item()


def test_penalties_train_in_mixed_precision() -> None:
    x, y = images()
    settings = Settings(epochs=2, batch_size=32, lr=0.05, validation=0.2, precision="bf16-mixed")
    penalties = [Area(0.1), Spectral(0.01), Gap(0.1), Consistency(0.1)]
    assert (
        Trainer(settings, quiet=True, penalties=penalties).fit(lut_network(weight_init="random"), x, y).best.hard > 0.8
    )
