"""Cells by gradient: the soft evaluator is the hard one at 0 and 1, gradients are right, restarts learn exactly."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.cells import ArrayCell, Bitwise, Counter, Fabric, RowFeedback, SerialCell, Shifter, Tap, TwoPass
from lutsmith.cells.evaluators.soft import Soft
from lutsmith.cells.layer import CellLayer
from lutsmith.cells.learning.gradient import learn_gradient

fabrics = st.one_of(
    st.just(Bitwise()),
    st.builds(
        SerialCell, st.integers(1, 3), st.sampled_from(["lsb", "msb"]), st.sampled_from(["stream", "final", "readout"])
    ),
    st.builds(SerialCell, extra=st.integers(1, 2)),
    st.builds(TwoPass, st.sampled_from(["lsb", "msb"]), st.integers(0, 2)),
    st.builds(ArrayCell, st.sampled_from(["full", "low"])),
    st.builds(RowFeedback, st.sampled_from(["quotient", "remainder", "both", "root"])),
    st.just(Counter()),
    st.builds(Shifter, st.sampled_from(["left", "right"]), st.booleans()),
    st.builds(Tap, st.just(ArrayCell()), st.sampled_from([0, -1])),
)


def pairs(width: int, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    return draw.integers(0, 1 << width, count), draw.integers(0, 1 << width, count)


def bits(values: np.ndarray, width: int) -> torch.Tensor:
    return torch.from_numpy((values[:, None] >> np.arange(width) & 1).astype(np.float32))


@settings(max_examples=60, deadline=None)
@given(fabrics, st.integers(1, 5), st.integers(0, 9), st.integers(1, 3), st.integers(0, 1 << 20))
def test_an_eval_layer_is_exactly_its_cells_and_so_are_soft_tables_of_0_and_1(
    fabric: Fabric, width: int, samples: int, restarts: int, seed: int
) -> None:
    a, b = pairs(width, samples, seed)
    layer = CellLayer(fabric, restarts, seed=seed)
    soft = layer(bits(a, width), bits(b, width))
    assert soft.shape == (restarts, samples, fabric.result_bits(width))
    assert bool(((soft >= 0) & (soft <= 1 + 1e-6)).all())
    hard = layer.eval()(bits(a, width), bits(b, width))
    with torch.no_grad():
        assert torch.equal(layer(bits(a, width), bits(b, width)), hard)
        for logits in layer.logits.values():
            logits.mul_(1e6)  # probabilities are 0 and 1 then
        assert torch.equal(layer.train()(bits(a, width), bits(b, width)), hard)
    for restart in range(restarts):
        expected = layer.cell(restart).outputs(bits(a, width).numpy() > 0, bits(b, width).numpy() > 0)
        assert np.array_equal(hard[restart].numpy(), expected)


def multilinear(table: torch.Tensor, inputs: list[Any]) -> list[torch.Tensor]:
    """The definition: each entry times the probability of its address."""
    given = []
    for output in range(table.shape[1]):
        total = 0
        for address in range(table.shape[2]):
            share = table[:, output, address, None]
            for place, bit in enumerate(inputs):
                share = share * (bit if address >> place & 1 else 1 - bit)
            total = total + share
        given.append(total)
    return given


@pytest.mark.parametrize("kinds", ["", "r", "d", "s", "1", "ds", "sd", "d0s", "s1d", "rs", "sdrs", "ss1s", "rr"])
def test_a_cell_is_the_multilinear_extension_whatever_its_inputs_are_and_its_gradients_are_right(kinds: str) -> None:
    torch.manual_seed(0)
    sizes = {"r": (2, 1), "d": (1, 3), "s": (2, 3)}
    table = torch.rand(2, 2, 1 << len(kinds), dtype=torch.float64, requires_grad=True)
    inputs: list[Any] = [
        torch.rand(sizes[kind], dtype=torch.float64, requires_grad=kind != "d") if kind in sizes else kind == "1"
        for kind in kinds
    ]
    for found, expected in zip(Soft().cell(table, inputs), multilinear(table, [*map(as_number, inputs)]), strict=True):
        torch.testing.assert_close(found.expand(2, 3), expected.expand(2, 3))
    learned = [bit for bit in inputs if isinstance(bit, torch.Tensor) and bit.requires_grad]

    def outputs(table: torch.Tensor, *changed: torch.Tensor) -> tuple[Any, ...]:
        signals = iter(changed)
        return Soft().cell(
            table, [next(signals) if isinstance(bit, torch.Tensor) and bit.requires_grad else bit for bit in inputs]
        )

    assert torch.autograd.gradcheck(outputs, (table, *learned))


def as_number(bit: Any) -> Any:
    return float(bit) if isinstance(bit, bool) else bit


def test_gradients_go_through_a_whole_divider() -> None:
    layer = CellLayer(RowFeedback("both"), 2, seed=3).double()
    a, b = (bits(each, 3).double() for each in pairs(3, 4))
    names = list(layer.logits)

    def outputs(*logits: torch.Tensor) -> Any:
        state = {f"logits.{name}": each for name, each in zip(names, logits, strict=True)}
        return torch.func.functional_call(layer, state, (a, b))

    assert torch.autograd.gradcheck(outputs, tuple(layer.logits.values()))


def test_a_layers_state_loads_and_its_cells_start_alike_whatever_their_number() -> None:
    layer, other = CellLayer(ArrayCell(), 3, seed=1), CellLayer(ArrayCell(), 3, seed=2)
    assert layer.cell(1) != other.cell(1)
    other.load_state_dict(layer.state_dict())
    assert [layer.cell(each) for each in range(3)] == [other.cell(each) for each in range(3)]
    assert CellLayer(ArrayCell(), 2, seed=1).cell(1) == layer.cell(1)


def test_every_restart_learns_to_add_from_four_examples_the_same_for_any_number_of_threads() -> None:
    a, b = pairs(15, 4)
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(learn_gradient(SerialCell(extra=1), a, b, a + b, 15, restarts=8, steps=300, stop="all"))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    first, second = results
    assert first.cells == second.cells
    assert np.array_equal(first.losses, second.losses)
    assert first.steps < 300
    assert not first.wrong.any()
    a, b = pairs(15, 1000, 1)
    for cell in first.cells:
        assert np.array_equal(cell.evaluate(a, b, 15), a + b)
    a, b = pairs(60, 100, 2)
    assert np.array_equal(first.cell.evaluate(a, b, 60), a + b)


def test_restarts_that_fail_start_again_until_they_agree() -> None:
    a, b = pairs(3, 64)
    once, again = (
        learn_gradient(ArrayCell(), a, b, a * b, 3, restarts=6, steps=160, starts=starts, stop="all")
        for starts in (1, 8)
    )
    failed = once.wrong > 0
    assert failed.any()
    assert once.starts.tolist() == [1] * 6
    assert not again.wrong.any()
    assert np.array_equal(again.starts > 1, failed)
    assert [cell for cell, lost in zip(again.cells, failed, strict=True) if not lost] == [
        cell for cell, lost in zip(once.cells, failed, strict=True) if not lost
    ]


def test_a_focus_on_wrong_bits_makes_more_restarts_agree() -> None:
    a, b = pairs(3, 64, 1)
    agree = [
        (learn_gradient(ArrayCell(), a, b, a * b, 3, restarts=16, steps=120, stop="all", focus=focus).wrong == 0).sum()
        for focus in (0.0, None)
    ]
    assert agree[0] < agree[1]


def test_further_examples_judge_but_are_not_learned_from() -> None:
    a, b, z = [0, 1, 2], [0, 2, 1], [0, 3, 3]  # OR and XOR agree with these
    agreeing = {
        name: learn_gradient(Bitwise(), a, b, z, 2, check=([5, 7], [3, 7], check, 3), restarts=16, steps=60, stop="all")
        for name, check in (("or", [7, 7]), ("xor", [6, 0]))
    }
    for name, learned in agreeing.items():
        assert 0 < (learned.wrong == 0).sum() < 16
        assert learned.cell.evaluate([3], [1], 2).tolist() == [3 if name == "or" else 2]
    assert not ((agreeing["or"].wrong == 0) & (agreeing["xor"].wrong == 0)).any()


def test_inverted_labels_do_not_mislead_a_multiplier() -> None:
    a, b = pairs(4, 256)
    flips = (np.random.default_rng(5).random((256, 8)) < 0.1) @ (1 << np.arange(8))
    learned = learn_gradient(ArrayCell(), a, b, a * b ^ flips, 4, restarts=8, noise=0.1, steps=400)
    assert learned.wrong[learned.chosen] == learned.wrong.min() > 0
    a, b = pairs(15, 1000)
    assert np.array_equal(learned.cell.evaluate(a, b, 15), a * b)


def test_contradictions_are_learned_by_majority() -> None:
    z = [1, 1, 1, 0, 0, 0, 0, 1]
    learned = learn_gradient(Bitwise(), [1, 1, 1, 1, 0, 0, 0, 0], None, z, 1, restarts=2, steps=200)
    assert learned.cell.evaluate([0, 1], None, 1).tolist() == [0, 1]
    assert learned.wrong.tolist() == [2, 2]
    assert learned.steps == 200


EXAMPLES: dict[str, Any] = {"fabric": Bitwise(), "a": [1, 2], "b": [3, 0], "z": [1, 0], "width": 2}


@pytest.mark.parametrize(
    ("changed", "kind", "told"),
    [
        ({"a": [1, 4]}, ValueError, "a is 4"),
        ({"a": [1, -1]}, ValueError, "a is -1"),
        ({"z": [1, 7]}, ValueError, "z is 7"),
        ({"b": [float("nan"), 1]}, TypeError, "b holds nan"),
        ({"a": [1, 2, 3]}, ValueError, "3, 2 and 2 rows"),
        ({"a": [], "b": [], "z": []}, ValueError, "no examples"),
        ({"check": ([1], [1], [4], 2)}, ValueError, "z is 4"),
        ({"width": 0}, ValueError, "width is 0"),
        ({"fabric": "array"}, TypeError, "fabric is a str"),
        ({"restarts": 0}, ValueError, "restarts is 0"),
        ({"steps": 1.5}, TypeError, "steps is 1.5"),
        ({"starts": 0}, ValueError, "starts is 0"),
        ({"batch": 0}, ValueError, "batch is 0"),
        ({"lr": float("nan")}, ValueError, "lr is nan"),
        ({"scale": 0}, ValueError, "scale is 0"),
        ({"focus": -1}, ValueError, "focus is -1"),
        ({"noise": 0.5}, ValueError, "noise is 0.5"),
        ({"stop": "now"}, ValueError, "stop is 'now'"),
        ({"seed": -1}, ValueError, "seed is -1"),
    ],
)
def test_bad_examples_and_settings_say_what_is_wrong(changed: dict[str, Any], kind: type, told: str) -> None:
    with pytest.raises(kind, match=told):
        learn_gradient(**EXAMPLES | changed)


def test_bad_bits_and_logits_say_what_is_wrong() -> None:
    layer = CellLayer(Bitwise(), 2)
    with pytest.raises(ValueError, match=r"a has shape \(3,\)"):
        layer(torch.zeros(3))
    with pytest.raises(ValueError, match="expected one shape"):
        layer(torch.zeros(3, 2), torch.zeros(3, 4))
    with pytest.raises(ValueError, match="restart is 2"):
        layer.cell(2)
    layer.logits["cell"].data[1, 0, 3] = float("nan")
    assert layer.cell(0).fabric == Bitwise()
    with pytest.raises(ValueError, match="restart 1 are not finite"):
        layer.cell(1)


def test_an_interrupt_ends_with_the_best_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = CellLayer.forward
    passes = iter(range(1000))

    def interrupted(self: CellLayer, *given: torch.Tensor) -> torch.Tensor:
        if next(passes) == 130:
            signal.raise_signal(signal.SIGINT)
        return ran(self, *given)

    monkeypatch.setattr(CellLayer, "forward", interrupted)
    a, b = pairs(8, 32)
    learned = learn_gradient(SerialCell(extra=1), a, b, a + b, 8, restarts=2, steps=10_000, stop="never")
    assert learned.interrupted
    assert learned.steps < 131
    assert np.array_equal(learned.cell.evaluate(a, b, 8), a + b)


def test_results_are_values_and_cells_alone_do_not_import_torch() -> None:
    assert {field.name for field in dataclasses.fields(learn_gradient(**EXAMPLES, restarts=1, steps=1))} >= {"cells"}
    code = "import sys, lutsmith.cells, lutsmith.cells.learning.gradient; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
