"""The names and arguments of DeepLUT, and what they compute."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn, optim

from lutsmith import to_circuit
from lutsmith.deeplut import (
    BaseTrainer,
    BinarizeSign,
    Conv2d,
    LagrangeTrainer,
    MaskBase,
    MaskExpanded,
    MaskMinimal,
    Memorize,
    ResidualSign,
)
from lutsmith.deeplut.nn.Linear import Linear as dLinear
from lutsmith.deeplut.optim.OptimWrapper import OptimWrapper as dOptimWrapper
from lutsmith.interop import from_deeplut
from lutsmith.nn import neurons
from lutsmith.nn.neurons import memorise_sums


def product(weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """DeepLUT's product form, term by term: `(T, 2**k)` weights at `(N, T, k)` inputs; input 0 most significant."""
    k = x.shape[2]
    tau = torch.tensor([[1.0 if a >> (k - 1 - slot) & 1 else -1.0 for a in range(1 << k)] for slot in range(k)])
    return (weight * (1 + tau * x.unsqueeze(3)).prod(2)).sum(2)


@pytest.mark.slow
@pytest.mark.parametrize("k", range(1, 7))
def test_values_and_gradients_are_those_of_the_product_form(k: int) -> None:
    torch.manual_seed(k)
    trainer = LagrangeTrainer(5, k, 1, True, None)
    with torch.no_grad():
        trainer.gamma.fill_(-0.7)
    x = torch.randint(-1, 2, (40, 5 * k)).float().requires_grad_()
    points = x.detach().view(40, 5, k).requires_grad_()
    signs = trainer.weight.detach().sign().requires_grad_()
    gamma = trainer.gamma.detach().clone().requires_grad_()
    expected = gamma.abs() * product(signs, points)
    grad = torch.randn(40, 5)
    y = trainer(x)
    assert torch.equal(y, expected) or k > 3
    torch.testing.assert_close(y, expected)
    found = torch.autograd.grad(y, (x, trainer.weight, trainer.gamma), grad)
    dx, dw, dgamma = torch.autograd.grad(expected, (points, signs, gamma), grad)
    for got, should in zip(found, (dx.view(40, -1), dw, dgamma), strict=True):
        torch.testing.assert_close(got, should, rtol=1e-4, atol=1e-4 * float(should.abs().max()))
    for level in (2, 3):
        trainer.set_binarization_level(level)
        assert torch.equal(trainer(x), y)
    trainer.set_binarization_level(0)
    real = torch.randn(7, 5 * k)
    torch.testing.assert_close(trainer(real), 0.7 * product(trainer.weight, real.view(7, 5, k)), rtol=1e-4, atol=1e-4)
    trainer.set_binarization_level(-1)  # as LUTNetTrainer says it
    torch.testing.assert_close(trainer(x), 0.7 * product(trainer.weight, points), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("mask", [MaskExpanded, MaskMinimal])
def test_a_layer_that_reads_first_inputs_alone_is_a_product_and_stays_it_when_expanded(level: int, mask: Any) -> None:
    torch.manual_seed(0)
    layer = dLinear(6, 3, 2, level, False, LagrangeTrainer, mask)
    x = torch.randn(50, 6)
    first = x.view(50, -1)[:, layer.input_mask[::2]].view(50, 3, -1)
    weight = layer.trainer.weight[:, 0].view(3, -1)
    if level:
        first, weight = first.sign(), weight.sign()
    before = layer(x)
    torch.testing.assert_close(before, (first * weight).sum(2) + layer.bias)
    before.sum().backward()
    assert not bool(layer.trainer.weight.grad[:, 1:].any())
    layer.set_input_expanded(True)
    torch.testing.assert_close(layer(x), before, rtol=1e-5, atol=1e-5)


class LFC(nn.Module):
    """The README's model in small, completed: `nn.` before its first layer, and a `forward`."""

    def __init__(self, k: int, input_expanded: bool, mask_builder_type: Any, device: Any) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(64, 20),
            nn.BatchNorm1d(20),
            nn.ReLU(),
            dLinear(20, 20, k=k, binary_calculations=True, input_expanded=input_expanded, trainer_type=LagrangeTrainer,
                    mask_builder_type=mask_builder_type, bias=False, device=device),
            nn.BatchNorm1d(20),
            nn.ReLU(),
            dLinear(20, 3, k=k, binary_calculations=True, input_expanded=input_expanded, trainer_type=LagrangeTrainer,
                    mask_builder_type=mask_builder_type, bias=False, device=device),
            nn.BatchNorm1d(3),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> Any:
        return self.layers(x)


@pytest.mark.parametrize("mask", [MaskExpanded, MaskMinimal])
def test_the_model_of_the_readme_trains_by_its_optimizer(mask: Any) -> None:
    torch.manual_seed(0)
    model = LFC(k=2, input_expanded=True, mask_builder_type=mask, device=None)
    x = torch.randn(128, 1, 8, 8)
    y = x.flatten(1)[:, :3].argmax(1)
    optimizer = dOptimWrapper(optim.Adam(model.parameters(), lr=0.03), BinaryOptim=True)
    schedule = optim.lr_scheduler.StepLR(optimizer, 20, 0.3)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        losses.append(float(loss.detach()))
        optimizer.step()
        schedule.step()
    assert losses[-1] < 0.5 * losses[0]
    assert optimizer.optimizer.param_groups[0]["lr"] == pytest.approx(0.03 * 0.09)
    assert all(float(layer.trainer.weight.detach().abs().max()) <= 1 for layer in (model.layers[4], model.layers[7]))


def test_the_wrapper_is_an_optimizer_whose_state_is_the_others() -> None:
    torch.manual_seed(0)
    layer = copy.deepcopy(nn.Sequential(dLinear(4, 2, 2, 1), nn.Linear(2, 1)))
    with torch.no_grad():
        layer[0].trainer.weight.fill_(5.0)
        layer[1].weight.fill_(50.0)
    inner = optim.SGD([{"params": layer[0].parameters()}, {"params": layer[1].parameters()}], lr=0.1, momentum=0.9)
    wrapped = dOptimWrapper(inner, BinaryOptim=True)

    def closure() -> torch.Tensor:
        wrapped.zero_grad()
        loss = layer(torch.ones(3, 4)).sum()
        loss.backward()
        return loss

    first = layer(torch.ones(3, 4)).sum()
    assert torch.equal(wrapped.step(closure), first)
    assert float(layer[0].trainer.weight.detach().max()) == 1
    assert float(layer[1].weight.detach().max()) > 1
    again = dOptimWrapper(optim.SGD(layer.parameters(), lr=1.0, momentum=0.9))
    again.add_param_group({"params": [nn.Parameter(torch.ones(1))], "lr": 0.5})
    assert [group["lr"] for group in again.optimizer.param_groups] == [1.0, 0.5]
    state = wrapped.state_dict()
    other = dOptimWrapper(optim.SGD([{"params": layer[0].parameters()}, {"params": layer[1].parameters()}], lr=9.0))
    other.load_state_dict(state)
    assert other.param_groups[0]["lr"] == 0.1
    assert other.param_groups is other.optimizer.param_groups
    with pytest.raises(TypeError, match=r"expected one of torch\.optim"):
        dOptimWrapper(layer)


@settings(max_examples=40, deadline=None)
@given(k=st.integers(1, 4), tables=st.integers(1, 5), sizes=st.lists(st.integers(1, 90), min_size=1, max_size=4),
       seed=st.integers(0, 1 << 20), outputs=st.booleans())  # fmt: skip
def test_counts_are_exact_at_any_batch_size(k: int, tables: int, sizes: list[int], seed: int, outputs: bool) -> None:
    draw = np.random.default_rng(seed)
    memorize, expected = Memorize(tables, k, 1 << k, None), np.zeros((tables, 1 << k), np.int64)
    for size in sizes:
        x = draw.choice([-1.0, 1.0], (size, tables * k))
        target = draw.integers(0, 2, (size, tables) if outputs else size)
        memorize.update_counter(torch.from_numpy(x), torch.from_numpy(target))
        for sample, table in itertools.product(range(size), range(tables)):
            bits = x[sample, table * k : (table + 1) * k] > 0
            address = int("".join(str(int(bit)) for bit in bits), 2)
            expected[table, address] += 2 * (target[sample, table] if outputs else target[sample]) - 1
    assert np.array_equal(memorize.counter.numpy(), expected)
    weights = memorize.update_luts_weights().numpy()
    told = expected != 0
    assert np.array_equal(weights[told], np.sign(expected[told]))
    assert np.array_equal(np.abs(weights), np.ones_like(weights))


def test_ties_are_drawn_and_other_targets_refused() -> None:
    torch.manual_seed(0)
    memorize = Memorize(500, 2)
    drawn = memorize.update_luts_weights()
    assert 0.4 < float((drawn > 0).float().mean()) < 0.6
    with pytest.raises(ValueError, match="target has 7; expected 0 and 1"):
        memorize.update_counter(torch.ones(3, 1000), torch.tensor([0, 1, 7]))
    with pytest.raises(ValueError, match=r"expected \(B, 500 \* 2\)"):
        memorize.update_counter(torch.ones(3, 10), torch.zeros(3))
    with pytest.raises(ValueError, match="a divisor of 500 LUTs"):
        memorize.update_counter(torch.ones(2, 1000), torch.zeros(2, 3))
    with pytest.raises(ValueError, match=r"expected 2\*\*k = 4"):
        Memorize(3, 2, 8)


@pytest.mark.parametrize("conv", [False, True])
def test_a_layer_memorises_while_it_is_called_as_deeplut_says(conv: bool) -> None:
    torch.manual_seed(0)
    layer: Any = Conv2d(2, 3, 2, k=3, binarization_level=1, bias=False) if conv else dLinear(8, 3, 3, 1)
    x = torch.randn(60, *((2, 3, 3) if conv else (8,))).sign()
    target = torch.randint(0, 2, (60,))
    layer.trainer.set_memorize_as_initializer()
    layer.pre_initialize()
    for rows in torch.arange(60).split(17):
        layer(x[rows], target[rows], True)
    counter = layer.trainer.initializer.counter
    windows = nn.functional.unfold(x, 2).permute(0, 2, 1) if conv else x.unsqueeze(1)  # samples, places, inputs
    read = windows[:, :, layer.mask.flip(2).long().flatten()].reshape(60, windows.shape[1], -1, 3)
    address = ((read > 0) * torch.tensor([4, 2, 1])).sum(3)
    expected = torch.zeros(address.shape[2], 8, dtype=torch.int64)
    for table in range(len(expected)):
        votes = (2 * target - 1).repeat_interleave(address.shape[1])
        expected[table].index_add_(0, address[:, :, table].flatten(), votes)
    assert torch.equal(counter, expected)
    layer.update_initialized_weights()
    assert torch.equal(layer.trainer.weight.sign()[expected != 0], expected.sign().float()[expected != 0])


@pytest.mark.parametrize(("k", "expanded"), [(3, True), (3, False), (1, True), (1, False)])
def test_a_network_of_these_layers_memorises_in_one_call(k: int, expanded: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(400, 6).sign()
    model = nn.Sequential(dLinear(6, 8, k, 1, expanded), nn.BatchNorm1d(8), nn.ReLU(), dLinear(8, 2, k, 1, expanded))
    memorise_sums(model, x, (x[:, :3].sum(1) > 0).long())
    tables = model[0].trainer.weight if expanded else model[0].trainer.weight[:, :1]
    assert torch.equal(tables.abs(), torch.ones_like(tables))
    with torch.no_grad():
        assert float((model.eval()(x).argmax(1) == (x[:, :3].sum(1) > 0)).float().mean()) > 0.7


class Halves(MaskBase):
    """Each LUT reads two neighbours."""

    def build(self) -> Any:
        anchors = [anchor for anchor, _ in self.table_input_selections]
        return np.array([pair for a, b in itertools.pairwise(anchors) for pair in (a, b)])

    def get_tables_count(self) -> int:
        return len(self.table_input_selections) - 1


class Sums(BaseTrainer):
    """The sum of weighted inputs."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x.view(len(x), self.tables_count, self.k) * self.weight[:, : self.k]).sum(2)


def test_masks_and_trainers_of_your_own() -> None:
    layer = dLinear(5, 2, 2, 1, True, LagrangeTrainer, Halves)
    assert layer.input_mask.tolist() == [0, 1, 1, 2, 2, 3, 3, 4] * 2
    image = Conv2d(2, 3, 2, LagrangeTrainer, Halves, k=2, binarization_level=1)
    assert image.input_mask[:4].tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 1], [0, 1, 0]]
    own = dLinear(5, 2, 2, 1, True, Sums, MaskMinimal, bias=False)
    x = torch.randn(6, 5)
    read = x[:, own.input_mask].view(6, 2, 3, 2)
    torch.testing.assert_close(own(x), (read * own.trainer.weight[:, :2].view(2, 3, 2)).sum((2, 3)))
    assert Conv2d(2, 3, 2, Sums, padding=1, k=2)(torch.randn(2, 2, 3, 3)).shape == (2, 3, 4, 4)
    with pytest.raises(TypeError, match="expected LagrangeTrainer"):
        dLinear(5, 2, 2, 1, True, nn.Linear)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected MaskExpanded"):
        dLinear(5, 2, 2, 1, True, LagrangeTrainer, list)  # type: ignore[arg-type]


def test_masks_built_one_by_one_are_those_of_layers() -> None:
    selections = [(i, [j for j in range(5) if j != i]) for i in range(5)]
    drawn = MaskExpanded(3, selections).build().reshape(5, 3)
    assert drawn[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert all(len({*row}) == 3 for row in drawn.tolist())
    assert MaskMinimal(2, selections).build().tolist() == [0, 1, 2, 3, 4, 0]
    assert MaskMinimal(2, selections).get_tables_count() == 3
    rows = dLinear(5, 4, 3).input_mask.reshape(-1, 3)
    assert all(len({*row}) == 3 for row in rows.tolist())
    assert any(len({*row}) < 3 for row in dLinear(5, 40, 3, replace=True).input_mask.reshape(-1, 3).tolist())
    with pytest.raises(ValueError, match="4 candidates beside its own"):
        MaskExpanded(6, selections).build()
    with pytest.raises(ValueError, match="take a smaller rank"):
        dLinear(3, 2, 5)
    with pytest.raises(ValueError, match="and not both"):
        dLinear(3, 2, 2, 1, binary_calculations=True)


def test_images_of_any_size_with_zeros_around_them() -> None:
    torch.manual_seed(0)
    layer = Conv2d(3, 4, 3, LagrangeTrainer, MaskMinimal, stride=2, padding=1, dilation=1, k=2, binarization_level=1)
    layer.input_dim = (5, 5)
    x = torch.randn(2, 3, 7, 6).relu()
    y = layer(x)
    assert y.shape == (2, 4, 4, 3)
    windows = nn.functional.unfold(x, 3, padding=1, stride=2).permute(0, 2, 1)
    read = windows[:, :, layer.mask.flip(2).long().flatten()].reshape(24, -1, 2).sign()
    values = product(layer.trainer.weight.sign(), read).view(2, 12, 4, -1).sum(3).transpose(1, 2).reshape(y.shape)
    assert torch.equal(y, values + layer.bias.view(4, 1, 1))
    bits = Conv2d(1, 1, 3, padding=1, padding_mode="+1", k=1, binarization_level=1, zeros="bit")
    assert torch.equal(bits(torch.zeros(1, 1, 4, 4)), bits(-torch.ones(1, 1, 4, 4)))


def test_signs_keep_zero_and_pass_gradients_within_one() -> None:
    x = torch.tensor([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0], requires_grad=True)
    layer, grad = ResidualSign(), torch.arange(1.0, 8.0)
    assert [(name, float(value)) for name, value in layer.state_dict().items()] == [("scaling", 1.0)]
    with torch.no_grad():
        layer.scaling.fill_(-0.5)
    for y, scale in ((BinarizeSign.apply(x), 1.0), (layer(x), 0.5)):
        assert torch.equal(y, scale * torch.tensor([-1.0, -1, -1, 0, 1, 1, 1]))
        (dx,) = torch.autograd.grad(y, x, grad, retain_graph=True)
        assert torch.equal(dx, scale * torch.tensor([0.0, 2, 3, 4, 5, 6, 0]))
    y.backward(grad)
    assert float(layer.scaling.grad) == -float((x.detach().sign() * grad).sum())
    empty = layer(torch.zeros(0, 3).half())
    assert (empty.dtype, empty.shape) == (torch.float16, (0, 3))
    assert torch.equal(BinarizeSign.apply(torch.zeros(2, 3)), torch.zeros(2, 3))


def test_signs_that_are_never_zero_become_a_circuit_and_others_are_refused() -> None:
    torch.manual_seed(0)

    def model(inputs: int) -> nn.Sequential:
        first = neurons.BinaryLinear(inputs, 8, bias=False)  # an odd sum of signs is not 0
        return nn.Sequential(neurons.BinarizeSign(), first, ResidualSign(), dLinear(8, 3, 2, 1)).eval()

    odd, x = model(5), torch.tensor(list(itertools.product([-1.0, 1.0], repeat=5)))
    assert np.array_equal(to_circuit(from_deeplut(odd), (5,)).predict(x.numpy()), odd(x).argmax(1).numpy())
    with pytest.raises(ValueError, match="an input may be 0"):
        to_circuit(from_deeplut(model(6)), (6,))
