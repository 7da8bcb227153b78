"""What polishing lowers, and what it reports, by what a circuit is for: classes, several labels, or numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.engine.stages import PackedEvaluation
from lutsmith.circuit.heads import Head
from lutsmith.circuit.traits import popcount_head
from lutsmith.data.dataset import Dataset
from lutsmith.data.report import score
from lutsmith.search.losses import CrossEntropy, usual_tau
from lutsmith.search.separate_losses import LabelEntropy, SeparateLoss, SquaredError

TAUS = tuple(np.geomspace(0.0625, 16, 65).tolist())
"""Multiples of the usual tau, among which the one is chosen at which a circuit loses least."""


class PolishGoal:
    """The loss of a circuit on some data, and its score: accuracy, the share of right bits, or R^2.

    Args:
        circuit: one that can be polished on these data, see `checked_head`.
        data: of which the training part is read.
        rows: int64 (n,), the rows of it that numbers have their units of: standard deviations.
    """

    def __init__(self, circuit: Circuit, data: Dataset, rows: NDArray[np.int64]) -> None:
        self.head = checked_head(circuit, data)
        self._objective, self._outputs = data.objective, circuit.netlist.outputs.size
        if data.objective == "regression":
            targets = np.asarray(data.y_train[rows], np.float64).reshape(len(rows), -1)
            spread = targets.std(axis=0) if len(rows) else np.ones(targets.shape[1])
            self._units = np.where(spread > 0, spread, 1.0)

    def loss(self, targets: NDArray[Any], tau: float) -> CrossEntropy | SeparateLoss:
        """Return the loss on samples with these targets; numbers have no tau."""
        if self._objective == "regression":
            return SquaredError(self.head, targets.reshape(len(targets), -1), self._outputs, self._units)
        kind = CrossEntropy if self._objective == "classification" else LabelEntropy
        return kind(self.head, targets, self._outputs, tau)

    def score(self, scores: NDArray[np.int32], targets: NDArray[Any]) -> float:
        """Return what a circuit reaches that gives these scores, int32 (N, C)."""
        return score(self._objective, self.head.decide(scores, self._objective), targets)

    def best_tau(self, evaluation: PackedEvaluation, targets: NDArray[Any]) -> float:
        """Return the tau of `TAUS` at which a network loses least."""
        if self._objective == "regression":
            return 1.0
        usual = usual_tau(self.head, self._outputs)
        scores = self.head.affine(evaluation.counts(self.head.num_groups))

        def lost(tau: float) -> float:
            return float(self.loss(targets, tau).of_scores(scores).sum())

        return float(min((usual * share for share in TAUS), key=lost))


def checked_head(circuit: Circuit, data: Dataset) -> Head:
    """Return the head of a circuit that can be polished on some data.

    Raises:
        ValueError: it cannot be, or not on these.
    """
    head = popcount_head(circuit, "polishing", "it lowers the loss of one decision by popcounts")
    if head is None:
        raise ValueError("the circuit has no head: its outputs are bits, and polishing lowers the loss of scores")
    if circuit.netlist.num_registers:
        raise ValueError(f"the circuit has {circuit.netlist.num_registers} registers; expected one without")
    objective = circuit.objective or "classification"
    if objective != data.objective:
        raise ValueError(f"the circuit is for {objective}, and the data are for {data.objective}")
    if not circuit.netlist.num_nodes:
        raise ValueError("the circuit has no LUTs: there is nothing to polish")
    if data.x_train.shape[1:] != circuit.input_shape:
        raise ValueError(
            f"{data.name} has samples of shape {data.x_train.shape[1:]}, the circuit {circuit.input_shape}"
        )
    if circuit.classes is not None and data.classes and tuple(data.classes) != circuit.classes:
        raise ValueError(f"{data.name} has the classes {_some(data.classes)}, the circuit {_some(circuit.classes)}")
    if not len(data.y_train):
        raise ValueError(f"{data.name} has no rows to polish on")
    if objective == "classification":
        if int(data.y_train.max()) >= head.num_classes:
            raise ValueError(f"{data.name} has {int(data.y_train.max()) + 1} classes, the circuit {head.num_classes}")
    elif (targets := data.y_train.reshape(len(data.y_train), -1).shape[1]) != head.num_classes:
        what = "labels" if objective == "multilabel" else "targets"
        raise ValueError(f"{data.name} has {targets} {what}, the circuit {head.num_classes}")
    if data.sample_weight is not None and np.ptp(data.sample_weight) > 0:
        raise ValueError("polishing counts all rows alike: leave sample_weight out")
    return head


def _some(classes: Any) -> str:
    names = [repr(name) for name in classes]
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
