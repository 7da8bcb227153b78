"""Distillation: its formula, its gradient, and that each sample meets its own teacher."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lutsmith.training import Batch, Distillation, Settings, Trainer

from .models import images, network

ROWS = np.array([2, 0])
X = torch.zeros(2, 3)


def batch(x: Tensor = X, rows: Any = ROWS) -> Batch:
    return Batch(x, torch.zeros(len(x), dtype=torch.int64), rows)


def test_it_is_the_divergence_from_the_teacher_of_these_rows() -> None:
    teacher = np.random.default_rng(0).normal(size=(4, 3))
    logits = torch.randn(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    target, student = (np.exp(v / 4) for v in (teacher[ROWS].astype(np.float32).astype(np.float64), logits.numpy()))
    target, student = (v / v.sum(1, keepdims=True) for v in (target, student))
    expected = 0.5 * 16 * (target * np.log(target / student)).sum(1).mean()
    term = Distillation(teacher, weight=0.5, temperature=4.0)(nn.Identity(), batch(), logits)
    assert float(term) == pytest.approx(expected)
    assert float(Distillation(logits.numpy())(nn.Identity(), batch(rows=np.arange(2)), logits)) == pytest.approx(0)


def test_a_teacher_may_be_a_tensor_of_any_kind_and_is_copied_with_the_penalty() -> None:
    logits, teacher = torch.zeros(2, 3), torch.arange(12.0).reshape(4, 3).square() / 16
    expected = Distillation(teacher)(nn.Identity(), batch(), logits)
    for given in (teacher.bfloat16(), teacher.clone().requires_grad_(), teacher.tolist()):
        for penalty in (Distillation(given), pickle.loads(pickle.dumps(Distillation(given)))):
            assert torch.equal(penalty(nn.Identity(), batch(), logits), expected)
            assert penalty.source == Distillation(teacher).source


def test_the_gradient_is_right_and_does_not_reach_the_teacher() -> None:
    teacher = nn.Linear(3, 3).double()
    term = Distillation(teacher, temperature=3.0)
    logits = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    x = batch(torch.randn(2, 3, dtype=torch.float64))
    assert torch.autograd.gradcheck(lambda z: term(nn.Identity(), x, z), (logits,))
    term(nn.Identity(), x, logits).backward()
    assert teacher.weight.grad is None
    assert not teacher.training


def test_the_trainer_hands_each_row_to_its_own_teacher(tmp_path: Any) -> None:
    x, y = images()
    seen: list[np.ndarray] = []

    class Watch(Distillation):
        def __call__(self, model: nn.Module, batch: Batch, logits: Tensor) -> Tensor:
            assert np.array_equal(batch.y.numpy(), y[batch.rows])
            assert np.array_equal(batch.x.numpy(), x[batch.rows])
            seen.append(batch.rows)
            return super().__call__(model, batch, logits)

    result = Trainer(Settings(epochs=1, batch_size=32), quiet=True, penalties=[Watch(np.eye(2)[y])]).fit(
        network(), x, y
    )
    assert set(np.concatenate(seen)) <= set(range(600)) - set(result.validation_rows)


def test_a_student_without_labels_learns_what_the_teacher_knows() -> None:
    x, y = images()
    teacher = 8.0 * np.eye(2)[y] - 4

    def nothing(outputs: Tensor, targets: Tensor) -> Tensor:
        return 0 * outputs.sum()

    settings = Settings(epochs=3, batch_size=32, lr=0.1, validation=0.2)
    for given in (teacher, lambda x: torch.where(x[:, :, :4].sum((1, 2, 3)) > x[:, :, 4:].sum((1, 2, 3)), 4.0, -4.0)):
        if callable(given):
            rule = given
            given = lambda x, rule=rule: torch.stack([rule(x.float()), -rule(x.float())], 1)  # noqa: E731
        trainer = Trainer(settings, quiet=True, loss=nothing, penalties=[Distillation(given)])
        assert trainer.fit(network(), x, y).best.hard > 0.9
    assert Trainer(settings, quiet=True, loss=nothing).fit(network(), x, y).best.hard < 0.8


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Distillation(np.zeros((3, 2)), weight=-1), r"Distillation\(weight=-1\)"),
        (lambda: Distillation(np.zeros((3, 2)), temperature=0), r"Distillation\(temperature=0\)"),
        (lambda: Distillation(np.zeros(3)), r"have shape \(3,\); expected finite numbers of shape"),
        (lambda: Distillation(np.full((3, 2), np.nan)), "finite"),
    ],
)
def test_teachers_that_cannot_be_are_refused(make: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make()


def test_logits_that_do_not_suit_the_data_are_explained() -> None:
    with pytest.raises(ValueError, match=r"logits for 100 rows, and row \d+ is trained on"):
        Trainer(Settings(epochs=1), quiet=True, penalties=[Distillation(np.zeros((100, 2)))]).fit(network(), *images())
    with pytest.raises(ValueError, match=r"the teacher gives \(128, 3\) and the network \(128, 2\)"):
        Trainer(Settings(epochs=1), quiet=True, penalties=[Distillation(np.zeros((600, 3)))]).fit(network(), *images())
