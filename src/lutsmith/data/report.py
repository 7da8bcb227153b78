"""The results of fitting: the model, its circuit, and what both reached. They are the same for every way of fitting; no
torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit

MEASURES = {"classification": "accuracy", "regression": "R^2", "multilabel": "share of right bits"}
"""What `score` is, by objective."""


class CircuitMismatchError(RuntimeError):
    """The circuit does not compute the same as the network: a bug in lutsmith. Nothing was saved."""


def score(
    objective: str, predicted: NDArray[Any], y: NDArray[Any], sample_weight: NDArray[np.float64] | None = None
) -> float:
    """Return how good predictions are; higher is better, 1 is perfect.

    Args:
        objective: a key of `MEASURES`. Classification: the share of rows whose class is predicted. Several labels: the
            share of labels that are predicted correctly. Regression: R^2, the mean over the targets of one minus the
            squared error over the squared distance from the mean; predictions are rounded to float32 first.
        predicted: as `Circuit.predict` gives them.
        y: the targets, as a `Dataset` holds them.
        sample_weight: how much each row counts, `(N,)`, >= 0 and not all 0; None: all the same.
    """
    if objective != "regression":
        right = (predicted == y).reshape(len(y), -1)
        return float(right.mean() if sample_weight is None else np.average(right.mean(axis=1), weights=sample_weight))
    truth = y.reshape(len(y), -1).astype(np.float64)
    counts = 1.0 if sample_weight is None else sample_weight[:, None]
    error = (counts * (predicted.astype(np.float32).reshape(truth.shape) - truth) ** 2).sum(axis=0)
    spread = (counts * (truth - np.average(truth, axis=0, weights=sample_weight)) ** 2).sum(axis=0)
    # where the rows are all equal there is no spread to explain: right is 1, anything else 0
    share = np.divide(error, spread, out=(error > 0).astype(np.float64), where=spread > 0)
    return float(np.mean(1 - share))


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a fitted circuit reached.

    Attributes:
        objective: "classification", "regression" or "multilabel".
        seed: of all that was random.
        score: of the circuit, on the rows that `measured_on` names, all with equal weight: accuracy, R^2 or the share
            of right bits; see `measure`.
        soft_score: of the network before hardening, on the same rows; None for additive learning, which has no such
            network.
        measured_on: "test"; "held-out" where rows of data without a test part were held out of everything; or
            "validation", the rows that chose the epoch or how many LUTs are kept, where none were. Of additive learning
            also "cross-validation", rows left out by the networks that chose how many LUTs are kept, not by the circuit
            itself; and "training" where nothing was left out.
        luts: nodes of rank <= 6 in the netlist: those of the encoder and of the network; comparators and the head's
            sums are not counted.
        depth: levels of the netlist.
        best_epoch: the epoch that the circuit comes from, counted from 1; 0 is the network that training started from;
            None for additive learning.
        train_seconds: from the first batch or LUT to the last, validation included, over all sessions of a resumed run.
        setup_seconds: the time before that in the last session: data, encoder, compiling or loading kernels.
        comparators: how many comparators of the encoder are read; None in records of earlier versions.
        encoder_luts: nodes among `luts` that the encoder emits: none for thermometers, the XORs for other codes; None
            in records of earlier versions.
        lowering: "proved" where the circuit was read back and is the network, as `nn.prove_lowering` defines it; "not
            established", with the reason, where `nn.prove_lowering` does not know a module; None for additive learning,
            where the grown LUTs are the circuit, and in records of earlier versions.
        rows: how many rows `measured_on` names; None in records of earlier versions.
        checked_rows: the rows, of validation and test, on which circuit and network gave equal scores, for regression
            equal numbers; of additive learning those of training and validation, on which the circuit's scores equal
            the votes that were counted; None in records of earlier versions.
        stopped: why training ended before its last epoch (`Settings.patience`, or a callback); None if it did not.
        method: how it was trained: "gradients", "phases", "additive", or the name of a search.
        calibration_error, brier: for estimators of classes, the expected calibration error and the Brier score (summed
            over classes) of the probabilities of rows that were not trained on, at a temperature that is fitted on
            other rows (`data.calibration`); None otherwise.
        validation: the score of the circuit on the validation rows; where folds chose how many LUTs are kept, of their
            networks on the rows that each was grown without; None without either, and in records of earlier versions.
        phases: for training in phases, what each phase and the final circuit reached: fields of
            `training.phases.Reached`, which `training.phases.phase_table` shows; None otherwise.
    """

    objective: str = "classification"
    seed: int
    score: float
    soft_score: float | None = None
    measured_on: str
    luts: int
    depth: int
    best_epoch: int | None = None
    train_seconds: float
    setup_seconds: float
    comparators: int | None = None
    encoder_luts: int | None = None
    lowering: str | None = None
    rows: int | None = None
    checked_rows: int | None = None
    stopped: str | None = None
    method: str = "gradients"
    calibration_error: float | None = None
    brier: float | None = None
    validation: float | None = None
    phases: tuple[Mapping[str, Any], ...] | None = None

    @property
    def measure(self) -> str:
        """What `score` is: a value of `MEASURES`."""
        return MEASURES[self.objective]

    @property
    def accuracy(self) -> float | None:
        """The score of a classifier, in [0, 1]; None for other objectives."""
        return self.score if self.objective == "classification" else None

    @property
    def soft_accuracy(self) -> float | None:
        """The same for the network before hardening; None where there is no such network."""
        return self.soft_score if self.objective == "classification" else None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values, `measure`, and for classifiers `accuracy` and `soft_accuracy`."""
        accuracies = {"accuracy": self.accuracy, "soft_accuracy": self.soft_accuracy}
        return {
            **{item.name: getattr(self, item.name) for item in fields(self) if item.compare},
            "measure": self.measure,
            **{name: value for name, value in accuracies.items() if value is not None},
        }


class Fitted(NamedTuple):
    """The result of `fit`: the trained model, its circuit and a report.

    Attributes:
        model: the trained network, in eval mode on the CPU: a `torch.nn.Sequential`; None for additive learning.
        circuit: the circuit that it was lowered to, with its metadata: the object that was checked against the model.
        report: what the two reached.
    """

    model: Any
    circuit: Circuit
    report: Report
