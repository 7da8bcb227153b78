"""What votes are for: which are counted for an objective, what they predict, and the head that says so in a circuit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.losses import LOSSES, ScoreLoss, make_loss
from lutsmith.additive.opinions import Opinions
from lutsmith.additive.settings import AdditiveSettings
from lutsmith.additive.votes import ScoreVotes, SoftmaxVotes, Votes
from lutsmith.data.dataset import Dataset
from lutsmith.ground.arguments import one_of


@dataclass(frozen=True, eq=False)
class Goal:
    """An objective, and for numbers the line between votes and targets.

    Attributes:
        objective: "classification", "multilabel" or "regression".
        num_scores: K: classes, labels or targets.
        loss: of a score and its target; None: cross entropy of all scores.
        middle: float64 (K,), what no vote stands for: of numbers their middle, else 0.
        step: of numbers, float64 (K,), by how much a vote changes the score, 0 where all targets are one number; else
            None.
    """

    objective: str
    num_scores: int
    loss: ScoreLoss | None
    middle: NDArray[np.float64]
    step: NDArray[np.float64] | None

    @classmethod
    def of(cls, dataset: Dataset, settings: AdditiveSettings, loss: ScoreLoss | None, rows: NDArray[np.int64]) -> Goal:
        """Return the goal of a data set; of numbers, middle and step come from the training rows.

        Raises:
            ValueError: a loss that the objective does not have.
        """
        objective, count = dataset.objective, dataset.num_classes
        name = one_of("loss", settings.loss or LOSSES[objective][0], LOSSES[objective])
        if objective == "classification":
            if loss is not None:
                raise ValueError(
                    "a loss of one score is for several labels and for numbers; classes have cross entropy"
                )
            return cls(objective, count, None, np.zeros(count), None)
        chosen = loss or make_loss(name, settings.quantile)
        if objective == "multilabel":
            return cls(objective, count, chosen, np.zeros(count), None)
        y = dataset.y_train[rows].reshape(len(rows), -1).astype(np.float64)
        middle = y.mean(axis=0) if loss is None and name == "squared" else np.median(y, axis=0)
        spread, same = y.std(axis=0), (y == y[0]).all(axis=0)
        middle, spread = np.where(same, y[0], middle), np.where(same, 0.0, spread)  # what a mean rounds is not spread
        return cls(objective, count, chosen, middle, settings.step * spread / np.sqrt(settings.luts_of_score(count)))

    def votes(self, y: NDArray[Any], weights: NDArray[Any] | None = None, opinions: Opinions | None = None) -> Votes:
        """Return no votes yet, for rows with targets `y`, and opinions of a teacher beside them; rows none of which has
        a weight count alike.
        """
        counted = np.ones(len(y)) if weights is None or not weights.any() else weights / weights.mean()
        if self.loss is None:
            return SoftmaxVotes(y.astype(np.int64), self.num_scores, counted.astype(np.float32), opinions)
        targets = np.ascontiguousarray(y.reshape(len(y), -1).T, np.float64)
        labels = self.objective == "multilabel"
        return ScoreVotes(targets, self.loss, counted.astype(np.float32), self.middle, self.step, opinions, labels)

    def scores(self, votes: Votes) -> NDArray[np.int32]:
        """Return what the circuit's `decision_function` is to give, int32 (N, K)."""
        if self.objective == "classification":
            return votes.counts.T
        return (2 * votes.counts - votes.grown[:, None]).astype(np.int32).T

    def predicted(self, votes: Votes) -> NDArray[Any]:
        """Return what votes predict: class ids (N,), truth values (N, K) or numbers (N, K)."""
        scores = self.scores(votes)
        if self.objective == "classification":
            return np.asarray(scores.argmax(axis=1))
        if self.objective == "multilabel":
            return scores > 0
        assert self.step is not None
        found: NDArray[Any] = scores * (self.step / 2) + self.middle
        return found

    def head(self, codes: NDArray[np.int32], grown: NDArray[np.int64]) -> dict[str, Any]:
        """Return the arguments of the circuit's `Head` for groups of these codes (G, K), and all their votes (K,)."""
        if self.objective == "classification":
            return {} if np.array_equal(codes, np.eye(self.num_scores)) else {"weights": codes.T}
        affine: dict[str, Any] = {"weights": 2 * codes.T.astype(np.int64), "bias": -grown}
        if self.step is not None:
            affine.update(scale=self.step / 2, offset=self.middle)
        return affine
