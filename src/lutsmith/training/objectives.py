"""Objectives, what a network is trained for: targets, a loss, and the score by which epochs are compared."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from lutsmith.data.report import score
from lutsmith.ground.arguments import one_of

Loss = Callable[..., Tensor]
"""(outputs, targets) of a batch to a scalar; where samples have weights, called with `sample_weight=` as well."""

Targets = npt.NDArray[Any]


class Objective(ABC):
    """What a network is trained for."""

    @abstractmethod
    def targets(self, y: Targets, count: int) -> Targets:
        """Return `y`, checked, in the dtype that `loss` takes.

        Raises:
            ValueError: targets that cannot be trained on, or a number of them other than `count`.
        """

    @abstractmethod
    def check_outputs(self, outputs: Tensor, y: Targets) -> None:
        """Raise ValueError if the outputs of a batch do not suit the targets of all samples."""

    @abstractmethod
    def loss(self, outputs: Tensor, targets: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Return the mean loss of a batch, or with weights w `(B,)` the sum of w times each sample's loss, over B."""

    @abstractmethod
    def score(self, outputs: npt.NDArray[np.float32], y: Targets, sample_weight: Targets | None = None) -> float:
        """Return how good outputs are, each sample counted by its weight; higher is better, 1 is perfect."""


def weighted_mean(values: Tensor, weights: Tensor | None) -> Tensor:
    """Return the mean of `values` `(B, ...)`, a scalar; with weights w `(B,)` of w times each sample's mean."""
    if weights is None:
        return values.mean()
    return (values.reshape(len(values), -1).mean(1) * weights).mean()


def takes_weights(loss: Loss) -> bool:
    """Return whether a loss has a parameter `sample_weight`: a third one of another name may mean something else."""
    try:
        parameters = inspect.signature(loss.forward if isinstance(loss, nn.Module) else loss).parameters.values()
    except (TypeError, ValueError):  # compiled functions do not tell
        return False
    return any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)


class ClassificationObjective(Objective):
    """Class ids (N,); cross entropy; the share of samples whose largest logit is their class.

    With class ids (N, *places), such as those of pixels, logits are (B, classes, *places), the loss of a sample is the
    mean over its places, and the score is the share of right places.

    Args:
        label_smoothing: the share of the target that is spread evenly over all classes.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing

    def targets(self, y: Targets, count: int) -> Targets:
        if not y.ndim or len(y) != count or not y.size:
            raise ValueError(
                f"y has shape {y.shape}: expected ({count},), one class id for each row of x, or ({count}, *places)"
            )
        if not np.issubdtype(y.dtype, np.integer):
            raise TypeError(
                f"y has dtype {y.dtype}: expected integer class ids from 0; number the classes first "
                "(or set objective='regression')"
            )
        y = y.astype(np.int64, copy=False)
        if y.min() < 0:
            raise ValueError(f"y holds the label {y.min()}: expected class ids from 0")
        if y.min() == y.max():
            raise ValueError(f"y holds one class only ({y.min()}): a classifier needs samples of at least two classes")
        return y

    def check_outputs(self, outputs: Tensor, y: Targets) -> None:
        if outputs.ndim != y.ndim + 1 or outputs.shape[2:] != y.shape[1:]:
            wanted = ", ".join(["B", "classes", *map(str, y.shape[1:])])
            raise ValueError(f"the model gives {tuple(outputs.shape)} for {len(outputs)} samples: expected ({wanted})")
        if (largest := int(y.max())) >= outputs.shape[1]:
            raise ValueError(f"y holds the label {largest}: the model has classes 0 to {outputs.shape[1] - 1} only")

    def loss(self, outputs: Tensor, targets: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        each = "mean" if sample_weight is None else "none"
        losses = functional.cross_entropy(outputs, targets, label_smoothing=self.label_smoothing, reduction=each)
        return losses if sample_weight is None else weighted_mean(losses, sample_weight)

    def score(self, outputs: npt.NDArray[np.float32], y: Targets, sample_weight: Targets | None = None) -> float:
        # NumPy's argmax takes the first of equals; torch's leaves it open
        right = outputs.argmax(axis=1) == y
        return float(np.average(right.reshape(len(right), -1).mean(axis=1), weights=sample_weight))


class RegressionObjective(Objective):
    """Real numbers (N,) or (N, k); squared error; R^2, the mean over the k columns.

    Args:
        huber_delta: errors beyond it count linearly (Huber's loss); None: all are squared.
    """

    def __init__(self, huber_delta: float | None = None) -> None:
        self.huber_delta = huber_delta

    def targets(self, y: Targets, count: int) -> Targets:
        if y.ndim not in (1, 2) or len(y) != count or y.size == 0:
            raise ValueError(f"y has shape {y.shape}: expected ({count},) or ({count}, k) numbers")
        if not np.issubdtype(y.dtype, np.floating) and not np.issubdtype(y.dtype, np.integer):
            raise TypeError(f"y has dtype {y.dtype}: expected real numbers")
        given = y
        with np.errstate(over="ignore"):
            y = y.astype(np.float32, copy=False)
        if not np.isfinite(y).all():
            raise ValueError("y holds numbers that are not finite in float32: remove those rows or rescale")
        if (y == y[:1]).all():
            if (given == given[:1]).all():
                raise ValueError(f"y is {y[0]} in every row: there is nothing to learn")
            raise ValueError(
                f"y lies in {given.min()} to {given.max()}, and all of it is {y[0]} in float32: subtract its mean or "
                "scale it first"
            )
        return y

    def check_outputs(self, outputs: Tensor, y: Targets) -> None:
        wanted = 1 if y.ndim == 1 else y.shape[1]
        if outputs.numel() != len(outputs) * wanted:
            raise ValueError(
                f"the model gives {tuple(outputs.shape)} for {len(outputs)} samples: expected {wanted} a sample"
            )

    def loss(self, outputs: Tensor, targets: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        outputs, each = outputs.reshape(targets.shape), "mean" if sample_weight is None else "none"
        if self.huber_delta is None:
            losses = functional.mse_loss(outputs, targets, reduction=each)
        else:
            losses = functional.huber_loss(outputs, targets, delta=self.huber_delta, reduction=each)
        return losses if sample_weight is None else weighted_mean(losses, sample_weight)

    def score(self, outputs: npt.NDArray[np.float32], y: Targets, sample_weight: Targets | None = None) -> float:
        return score("regression", outputs, y, sample_weight)


class MultiLabelObjective(Objective):
    """0/1 (N, C), several may be 1; binary cross entropy; the share of right bits, 1 being predicted above 0.

    Args:
        label_smoothing: targets become `y (1 - s) + s / 2`.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing

    def targets(self, y: Targets, count: int) -> Targets:
        if y.ndim != 2 or len(y) != count or y.size == 0:
            raise ValueError(f"y has shape {y.shape}: expected ({count}, labels), a 0 or 1 for each label")
        if not np.isin(y, (0, 1)).all():
            raise ValueError(f"y holds {y[~np.isin(y, (0, 1))][0]}: expected 0 and 1 only")
        return y.astype(np.float32, copy=False)

    def check_outputs(self, outputs: Tensor, y: Targets) -> None:
        if outputs.shape != (len(outputs), y.shape[1]):
            raise ValueError(
                f"the model gives {tuple(outputs.shape)} for {len(outputs)} samples: expected (B, {y.shape[1]})"
            )

    def loss(self, outputs: Tensor, targets: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        if self.label_smoothing:
            targets = torch.lerp(targets, torch.full_like(targets, 0.5), self.label_smoothing)
        each = "mean" if sample_weight is None else "none"
        losses = functional.binary_cross_entropy_with_logits(outputs, targets, reduction=each)
        return losses if sample_weight is None else weighted_mean(losses, sample_weight)

    def score(self, outputs: npt.NDArray[np.float32], y: Targets, sample_weight: Targets | None = None) -> float:
        right = (outputs > 0) == (y > 0)
        return float(np.mean(right) if sample_weight is None else np.average(right.mean(axis=1), weights=sample_weight))


OBJECTIVES = ("classification", "regression", "multilabel")


def make_objective(name: str, label_smoothing: float = 0.0, huber_delta: float | None = None) -> Objective:
    """Return the objective for a name in `OBJECTIVES`; ValueError for any other name."""
    one_of("objective", name, OBJECTIVES)
    if name == "classification":
        return ClassificationObjective(label_smoothing)
    return RegressionObjective(huber_delta) if name == "regression" else MultiLabelObjective(label_smoothing)
