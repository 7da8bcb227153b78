"""Cells over time: unrolled in training, as a circuit, and as a machine that makes a step each cycle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lutsmith.hardware import prove
from lutsmith.nn import GroupSum, LogicDense, LogicRecurrent, prove_lowering, to_circuit, to_machine
from tests.tools import needs


def step_by_step(layer: LogicRecurrent, x: Tensor) -> Tensor:
    """The same by the cell alone, (N, channels, length) to (N, state, length)."""
    state, states = torch.zeros(len(x), layer.state, dtype=x.dtype), []
    for step in range(x.shape[2]):
        state = layer.cell(torch.cat([x[:, :, step], state], dim=1))
        states.append(state)
    return torch.stack(states, dim=2)


def every_sequence(channels: int, length: int) -> np.ndarray:
    bits = np.arange(1 << channels * length)[:, None] >> np.arange(channels * length) & 1
    return bits.reshape(-1, channels, length).astype(np.float32)


def make(channels: int, state: int, rank: int, seed: int = 0, **options: Any) -> LogicRecurrent:
    generator = torch.Generator().manual_seed(seed)
    return LogicRecurrent(channels, state, rank, weight_init="random", generator=generator, **options)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_all_forms_are_the_cell_step_by_step(data: st.DataObject) -> None:
    channels, state, length = (data.draw(st.integers(1, most)) for most in (3, 6, 4))
    rank = data.draw(st.integers(1, min(8, channels + state)))
    learned = rank < channels + state and data.draw(st.booleans())
    options = {"connections": "learnable", "num_candidates": 2} if learned else {}
    output = data.draw(st.sampled_from(["last", "all"]))
    layer = make(channels, state, rank, data.draw(st.integers(0, 99)), output=output, **options).double()
    x = torch.rand(5, channels, length, dtype=torch.float64, requires_grad=True)
    leaves = [x, *(leaf for leaf in layer.parameters() if leaf.requires_grad)]
    found = []
    for y in (layer.train()(x), step_by_step(layer, x)[..., -1] if output == "last" else step_by_step(layer, x)):
        weights = torch.linspace(-1, 1, y.numel(), dtype=torch.float64).view_as(y)
        found.append([y, *torch.autograd.grad((y * weights).sum(), leaves, materialize_grads=True)])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)
    layer.float().eval()
    bits = every_sequence(channels, length)[:: max(1, (1 << channels * length) // 64)]
    expected = step_by_step(layer, torch.from_numpy(bits)).detach()
    y = layer(torch.from_numpy(bits)).detach()
    assert torch.equal(y, expected[..., -1] if output == "last" else expected)
    model = nn.Sequential(layer)
    circuit = to_circuit(model, (channels, length))
    np.testing.assert_array_equal(circuit.outputs(bits), y.flatten(1).numpy() > 0.5)
    assert prove_lowering(model, circuit).ok
    states = to_machine(model, channels).run(bits.transpose(0, 2, 1)[..., None], method="outputs")
    np.testing.assert_array_equal(states, expected.transpose(1, 2).numpy() > 0.5)


def test_the_machine_is_the_unrolled_circuit_for_every_sequence() -> None:
    """All 4,096 sequences of six steps of two channels, the scores after each step included."""
    torch.manual_seed(0)
    model = nn.Sequential(make(2, 8, 4), LogicDense(8, 12, 3), GroupSum(3)).eval()
    machine = to_machine(model, 2, classes=["a", "b", "c"])
    bits = every_sequence(2, 6)
    scores = machine.run(bits.transpose(0, 2, 1)[..., None], method="decision_function")
    assert len(np.unique(scores.reshape(-1, 3), axis=0)) > 5
    for length in (1, 2, 6):
        circuit = to_circuit(model, (2, length), classes=["a", "b", "c"])
        assert prove_lowering(model, circuit, classes=["a", "b", "c"]).ok
        assert circuit.netlist.num_nodes <= 8 * length + 12 + 1
        np.testing.assert_array_equal(circuit.decision_function(bits[..., :length]), scores[:, length - 1])
    assert machine.netlist.num_registers == 8
    assert machine.netlist.num_nodes == 8 + 12
    assert not prove_lowering(model, machine).ok


def test_a_wrong_cell_is_found() -> None:
    model = nn.Sequential(make(2, 4, 3))
    circuit = to_circuit(model.eval(), (2, 3))
    with torch.no_grad():
        model[0].cell.weight[1] *= -1
    assert prove_lowering(model, circuit).verdict == "failed"


def test_the_machine_is_proved_against_itself_made_anew() -> None:
    needs("abc")
    model = nn.Sequential(make(2, 6, 3), LogicDense(6, 4, 3), GroupSum(2)).eval()
    assert prove(to_machine(model, 2), to_machine(model, 2)).equal


def test_a_cell_learns_what_depends_on_the_order_of_steps() -> None:
    """Which of two channels had the first 1: a state has to keep it, whatever comes after."""
    torch.manual_seed(0)
    x = (torch.rand(3000, 2, 10) < 0.25).float()
    first = torch.where(x > 0, torch.arange(10.0), 99.0).amin(2)
    decided = first[:, 0] != first[:, 1]
    x, y = x[decided], (first[:, 1] < first[:, 0]).long()[decided]
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(LogicRecurrent(2, 24, 4, generator=generator), GroupSum(2, tau=2.0))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for step in range(150):
        rows = torch.arange(128) + 128 * (step % 12)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
    accuracy = (model.eval()(x[1536:]).argmax(1) == y[1536:]).float().mean()
    assert accuracy > 0.9


@pytest.mark.parametrize(
    ("make_it", "error", "words"),
    [
        (lambda: LogicRecurrent(2, 8, 4, output="first"), ValueError, "output is 'first'; expected one of last, all"),
        (lambda: LogicRecurrent(2, 1, 4), ValueError, "4"),
        (lambda: LogicRecurrent(2.5, 8), TypeError, "channels is 2.5"),
        (lambda: make(2, 8, 4)(torch.rand(3, 3, 5)), ValueError, r"shape \(3, 3, 5\); expected \(..., 2, length\)"),
        (lambda: make(2, 8, 4)(torch.rand(3, 2, 0)), ValueError, r"shape \(3, 2, 0\)"),
        (lambda: to_circuit(make(2, 8, 4), (3, 5)), ValueError, r"expected \(..., 2, length\)"),
        (lambda: to_machine(make(2, 8, 4), 0), ValueError, "channels is 0"),
    ],
)
def test_bad_arguments_are_told(make_it: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make_it()
