"""The data from which all sections of a report are made, worked out once."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.features.names import feature_names
from lutsmith.circuit.rows import OutOfRangeWarning
from lutsmith.data.calibration import cross_fitted
from lutsmith.data.report import score
from lutsmith.ground.labels import Label
from lutsmith.ground.printable import shortened
from lutsmith.hardware.verification.report import Verification
from lutsmith.reporting.rows import MeasuredRows, NoRows
from lutsmith.reporting.subject import Subject

ALU_WORDS = ("a", "op", "b")
"""What the features of an ALU are (`alu.circuit`)."""


LONGEST = 60
"""Signs of a name that are shown."""


@dataclass(frozen=True, eq=False)
class Context:
    """A subject, the rows it is measured on, and its answers for them.

    Attributes:
        subject: what is reported.
        rows: what it is measured on, or why there are none.
        verification: of its exports; None: none is known.
    """

    subject: Subject
    rows: MeasuredRows | NoRows
    verification: Verification | None = None

    @property
    def circuit(self) -> Circuit | None:
        """The circuit; None where there is none yet."""
        return self.subject.circuit

    @property
    def objective(self) -> str:
        """What the scores mean."""
        return "classification" if self.circuit is None else self.circuit.objective or "classification"

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the features."""
        if self.circuit is None:
            return ()
        named = self.circuit.metadata.feature_names is not None
        if not named and self.subject.is_alu and self.circuit.encoder.num_features == len(ALU_WORDS):
            return ALU_WORDS
        return tuple(map(shown_name, feature_names(self.circuit)))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The names of classes, labels or targets."""
        return () if self.circuit is None else tuple(map(shown_name, self.circuit.score_labels))

    def scores_of(self, rows: Any) -> NDArray[np.int32]:
        """Return the scores of some of the measured rows, (n, C)."""
        return np.asarray(self._ask("decision_function", rows))

    @cached_property
    def said(self) -> NDArray[Any]:
        """The circuit's predictions for the measured rows: class ids (N,), truth values (N, L), numbers (N,
        targets).
        """
        found = np.asarray(self._ask("predict"))
        return found if self.objective == "classification" else found.reshape(len(found), -1)

    @cached_property
    def reached(self) -> float | None:
        """Accuracy, R^2 or the share of right bits on the measured rows; None without any."""
        if isinstance(self.rows, NoRows):
            return None
        return score(self.objective, self.said, self.rows.y)

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """The probabilities of classes, (N, C), by `data.calibration.cross_fitted`; errors are those of that
        function.
        """
        assert isinstance(self.rows, MeasuredRows)
        return cross_fitted(self.scores_of(slice(None)), self.rows.y)

    def _ask(self, method: str, rows: Any = slice(None)) -> Any:
        assert isinstance(self.rows, MeasuredRows)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OutOfRangeWarning)  # measured rows may lie anywhere
            return getattr(self.circuit, method)(self.rows.x[rows])


def shown_name(name: Label) -> str:
    """Return a name as a page shows it: of a length that can be read, and one that is blank in quotes."""
    text = str(name)
    return shortened(text, LONGEST) if text.strip() else f'"{text}"'
