"""Weights of samples: integers count as copies, zero as absence, and a scale as nothing."""

from __future__ import annotations

import copy
import functools
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.nn import DistributiveThermometer, GroupSum, LogicDense, OutputCode
from lutsmith.nn.heads import MultiLabel as MultiLabelHead
from lutsmith.nn.heads import Regression as RegressionHead
from lutsmith.training import (
    Batch,
    Consistency,
    Distillation,
    Gap,
    Settings,
    Trainer,
    TrainingInterrupted,
    train_ensemble,
)
from lutsmith.training.objectives import (
    ClassificationObjective,
    MultiLabelObjective,
    Objective,
    RegressionObjective,
    takes_weights,
)
from lutsmith.training.samples import Samples

from .models import InterruptAfter, images, network, same_state

FAST = Settings(epochs=2, batch_size=32, lr=0.05, validation=0.2)
OBJECTIVES = [
    ClassificationObjective(),
    ClassificationObjective(0.1),
    RegressionObjective(),
    RegressionObjective(0.3),
    MultiLabelObjective(),
    MultiLabelObjective(0.2),
]
CLASSES = 3


def weights(count: int = 600, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).exponential(size=count)


def fit(model: nn.Module, sample_weight: Any, chosen: Settings = FAST, **trainer: Any) -> Any:
    return Trainer(chosen, quiet=True, **trainer).fit(model, *images(), sample_weight)


def test_equal_weights_are_none_to_the_bit(tmp_path: Path) -> None:
    for number, given_weights in enumerate((np.ones(600), torch.full((600,), 7.3), [2] * 600, np.ones(600, bool))):
        plain, weighted = network(noise=0.3), network(noise=0.3)
        expected = fit(plain, None, folder=tmp_path / f"{number}")
        assert fit(weighted, given_weights).best.hard == expected.best.hard
        assert same_state(plain, weighted)
        Trainer(FAST, folder=tmp_path / f"{number}", quiet=True).fit(plain, *images(), given_weights, resume=True)


@pytest.mark.parametrize("factor", [0.125, 3.0, 1e200, 1e-300])
def test_the_scale_of_weights_does_not_matter(factor: float) -> None:
    plain, one, other = network(), network(), network()
    fit(plain, None)
    results = [fit(one, weights()), fit(other, factor * weights())]
    assert same_state(one, other)
    assert not same_state(plain, one)
    assert results[0].best.hard == results[1].best.hard


@pytest.mark.parametrize(
    ("given_weights", "says"),
    [
        (np.ones(599), r"sample_weight has shape \(599,\): expected \(600,\)"),
        (np.ones((600, 1)), r"sample_weight has shape \(600, 1\)"),
        (1.0, r"sample_weight has shape \(\)"),
        (np.array(["1"] * 600), "sample_weight has dtype <U1"),
        (np.array([1.0] * 7 + [np.nan] * 593), "sample_weight is nan in row 7: expected finite numbers >= 0"),
        (np.array([1.0] * 599 + [np.inf]), "sample_weight is inf in row 599"),
        (np.array([1.0, -0.5] * 300), "sample_weight is -0.5 in row 1"),
        (np.zeros(600), "sample_weight is 0 in every row"),
    ],
)
def test_weights_that_cannot_be_are_explained(given_weights: Any, says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=says):
        fit(network(), given_weights)


def test_rows_without_any_weight_are_named() -> None:
    held_out = fit(network(), None).validation_rows
    only = np.zeros(600)
    only[held_out[::2]] = 1.0
    with pytest.raises(ValueError, match="sample_weight is 0 in each of the 480 rows that are trained on"):
        fit(network(), only)
    with pytest.raises(ValueError, match="sample_weight is 0 in each of the 120 rows that are held out; hold out more"):
        fit(network(), np.where(np.isin(np.arange(600), held_out), 0, weights()))


# Integers are copies


def targets(objective: Objective, count: int, generator: np.random.Generator) -> NDArray[Any]:
    if isinstance(objective, ClassificationObjective):
        return np.concatenate([np.arange(CLASSES), generator.integers(0, CLASSES, count - CLASSES)])
    if isinstance(objective, RegressionObjective):
        return generator.normal(size=(count, CLASSES)).astype(np.float32)
    return generator.integers(0, 2, (count, CLASSES)).astype(np.float32)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda o: f"{type(o).__name__} {vars(o)}")
@settings(deadline=None)
@given(copies=st.lists(st.integers(0, 4), min_size=3, max_size=12).filter(any), seed=st.integers(0, 9))
def test_losses_and_scores_count_integers_as_copies(objective: Objective, copies: list[int], seed: int) -> None:
    generator, counts = np.random.default_rng(seed), np.array(copies, np.float64)
    y = targets(objective, len(copies), generator)
    outputs = generator.normal(size=(len(copies), CLASSES)).astype(np.float32)
    again = np.repeat(np.arange(len(copies)), copies)

    def gradient(rows: NDArray[Any], weight: Tensor | None) -> tuple[float, NDArray[Any]]:
        free = torch.tensor(outputs, dtype=torch.float64, requires_grad=True)
        target = torch.from_numpy(y[rows])
        loss = objective.loss(free[rows], target if target.ndim == 1 else target.double(), weight)
        loss.backward()
        assert free.grad is not None
        return float(loss.detach()), free.grad.numpy()

    weighted = gradient(np.arange(len(copies)), torch.from_numpy(counts / counts.mean()))
    repeated = gradient(again, None)
    assert weighted[0] == pytest.approx(repeated[0], rel=1e-12)
    np.testing.assert_allclose(weighted[1], repeated[1], rtol=1e-10, atol=1e-14)
    one, two = objective.score(outputs, y, counts), objective.score(outputs[again], y[again])
    assert one == pytest.approx(two, rel=1e-9, abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(copies=st.lists(st.integers(0, 3), min_size=4, max_size=9).filter(any), seed=st.integers(0, 9))
def test_penalties_of_samples_count_integers_as_copies(copies: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(len(copies), 6, generator=generator)
    model = nn.Sequential(nn.Identity(), LogicDense(6, CLASSES, 2, generator=generator))
    teacher = torch.rand(len(copies), CLASSES, generator=generator)
    counts = torch.tensor(copies, dtype=torch.float32)
    again = np.repeat(np.arange(len(copies)), copies)
    y = torch.zeros(len(copies), dtype=torch.int64)
    batches = [
        Batch(x, y, np.arange(len(copies)), counts / counts.mean()),
        Batch(x[again], y[again], again),
    ]
    for penalty in (Distillation(teacher), Gap(1.0), Gap(1.0, 3.0)):
        values = []
        for batch in batches:
            with penalty.watching(model):
                outputs = model(batch.x)
            values.append(float(penalty(model, batch, outputs).detach()))
        assert values[0] == pytest.approx(values[1], rel=1e-5)


def test_the_consistency_penalty_counts_a_sample_by_its_weight() -> None:
    x = torch.rand(8, 6)
    model = nn.Sequential(nn.Identity(), LogicDense(6, CLASSES, 2))
    values = []
    for weight in (None, torch.ones(8), torch.zeros(8), torch.full((8,), 2.0)):
        torch.manual_seed(0)
        batch = Batch(x, torch.zeros(8), np.arange(8), weight)
        values.append(float(Consistency(1.0, 0.5)(model, batch, model(x)).detach()))
    assert values[0] > 0
    assert values[1:] == pytest.approx([values[0], 0.0, 2 * values[0]])


def lut_network(x: NDArray[Any], head: nn.Module) -> nn.Sequential:
    generator = torch.Generator().manual_seed(0)
    encoder = DistributiveThermometer(2).fit(x)
    layer = LogicDense(128, 24, 4, connections="learnable", num_candidates=4, generator=generator)
    return nn.Sequential(encoder, nn.Flatten(), layer, head)


@pytest.mark.parametrize(
    ("head", "objective"),
    [
        (GroupSum(2), "classification"),
        (OutputCode(2, length=12, in_dim=24, generator=torch.Generator().manual_seed(0)), "classification"),
        (RegressionHead(2, scale=20.0, offset=100.0), "regression"),
        (MultiLabelHead(2), "multilabel"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
@pytest.mark.parametrize("seed", range(3))
def test_a_full_batch_trains_on_integers_as_on_copies(head: nn.Module, objective: str, seed: int) -> None:
    x, y = images(60)
    copies = np.random.default_rng(seed).integers(0, 4, 60)
    again = np.repeat(np.arange(60), copies)
    if objective == "regression":
        y = np.stack([x[:, 0, :4].mean((1, 2)), x[:, 0, 4:].mean((1, 2))], 1)
    elif objective == "multilabel":
        y = np.stack([y, 1 - y], 1)
    lr = 1e-3 if objective == "regression" else 1.0
    chosen = Settings(
        epochs=5, batch_size=1000, lr=lr, optimizer="sgd", schedule="constant", validation=0.0, objective=objective
    )
    start = lut_network(x, head)
    weighted, repeated, plain = (copy.deepcopy(start) for _ in range(3))
    one = Trainer(chosen, quiet=True).fit(weighted, x, y, copies)
    two = Trainer(chosen, quiet=True).fit(repeated, x[again], y[again])
    Trainer(chosen, quiet=True).fit(plain, x, y)
    assert one.best.loss == pytest.approx(two.best.loss, rel=1e-4)
    for name, value in repeated.state_dict().items():
        # sums over another number of rows are rounded otherwise
        torch.testing.assert_close(weighted.state_dict()[name], value, rtol=1e-4, atol=1e-4, msg=name)
    moved = (plain[2].weight - weighted[2].weight).abs().max()
    assert moved > 1e-3


def test_batches_are_weighted_by_the_mean_of_all_training_rows() -> None:
    seen: list[Tensor] = []

    def noted(outputs: Tensor, targets: Tensor, sample_weight: Tensor) -> Tensor:
        seen.append(sample_weight)
        return (nn.functional.cross_entropy(outputs, targets, reduction="none") * sample_weight).mean()

    given_weights = weights()
    result = fit(network(), given_weights, Settings(epochs=1, batch_size=48, validation=0.2), loss=noted)
    rows = np.setdiff1d(np.arange(600), result.validation_rows)
    epoch = torch.cat(seen[1:])  # the first is the warm-up
    assert len(epoch) == len(rows) == 480
    assert epoch.mean() == pytest.approx(1.0)
    expected = np.sort(given_weights[rows] / given_weights[rows].mean())
    np.testing.assert_allclose(np.sort(epoch.numpy()), expected, rtol=1e-6)
    assert len({round(float(batch.mean()), 4) for batch in seen}) > 5


def test_validation_counts_rows_by_their_weights() -> None:
    x, y = images()
    model = network()
    result = fit(model, weights(), Settings(epochs=1, batch_size=32, lr=0.002, validation=0.2))
    rows = result.validation_rows
    right = model(torch.from_numpy(x[rows])).argmax(1).numpy() == y[rows]
    assert 0 < right.mean() < 1
    assert result.best.hard == pytest.approx(np.average(right, weights=weights()[rows]))


# Losses of one's own


def weighted(outputs: Tensor, targets: Tensor, sample_weight: Tensor | None = None) -> Tensor:
    losses = nn.functional.cross_entropy(outputs, targets, reduction="none")
    return (losses if sample_weight is None else losses * sample_weight).mean()


def test_a_loss_of_ones_own_is_given_the_weights_or_refused() -> None:
    models = [network(), network()]
    fit(models[0], weights())
    fit(models[1], weights(), loss=functools.partial(weighted))
    assert same_state(*models)
    # its third parameter weighs classes: two samples a batch would have been taken for them
    with pytest.raises(ValueError, match=r"sample_weight with loss=cross_entropy: it must take sample_weight="):
        fit(network(), weights(), loss=nn.functional.cross_entropy)
    fit(network(), np.ones(600), loss=nn.functional.cross_entropy)
    assert takes_weights(lambda outputs, targets, **more: outputs)
    assert not takes_weights(nn.MSELoss())
    with pytest.raises(ValueError, match="sample_weight with loss=CrossEntropyLoss"):
        fit(network(), weights(), loss=nn.CrossEntropyLoss())
    assert not takes_weights(print)


# Going on, and other ways in


def test_a_weighted_run_resumes_to_the_bit_with_its_own_weights_only(tmp_path: Path) -> None:
    whole, resumed = network(noise=0.3), network(noise=0.3)
    fit(whole, weights())
    cut = network(noise=0.3)
    cut[0] = nn.Sequential(InterruptAfter(9, lambda: os.kill(os.getpid(), signal.SIGINT)), cut[0])
    with pytest.raises(TrainingInterrupted):
        fit(cut, weights(), folder=tmp_path)
    trainer = Trainer(FAST, folder=tmp_path, quiet=True)
    for others in (None, weights(seed=1)):
        with pytest.raises(ValueError, match=r"data are 600x1x8x8 uint8 .* and were 600x1x8x8 uint8 \w+ weighted"):
            trainer.fit(network(noise=0.3), *images(), others, resume=True)
    trainer.fit(resumed, *images(), 3 * weights(), resume=True)
    assert same_state(whole, resumed)


def test_a_fingerprint_without_weights_is_as_it_was_before_there_were_any() -> None:
    plain, other = Samples.of(*images()), Samples.of(*images(), sample_weight=weights())
    assert other.fingerprint().startswith(f"{plain.fingerprint()} weighted ")
    assert len(plain.fingerprint().split()) == 3


def test_an_ensemble_is_trained_with_weights() -> None:
    ensemble = train_ensemble(lambda seed: network(), *images(), [0], FAST, quiet=True, sample_weight=weights())
    alone = network()
    fit(alone, weights())
    assert same_state(ensemble.models[0], alone)
