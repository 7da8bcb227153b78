"""A circuit that is ready to answer: read, checked, its compiled code loaded."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit import Circuit
from lutsmith.circuit.file import from_bytes, to_bytes
from lutsmith.circuit.rows import FittedRange
from lutsmith.serving.answers import ModelAnswers, as_arrow
from lutsmith.serving.arrow_rows import ArrowRows
from lutsmith.serving.json_rows import JsonRows
from lutsmith.serving.limits import ServerLimits

_WARM = (80, 1)
"""Rows that are predicted before the first request: several, which load compiled code, then one, by other code."""


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A circuit and what reads and writes for it. Immutable: a reload makes another one.

    Attributes:
        circuit: without its fitted range, which each request is compared with by itself.
        limits: of the server.
        version: the sha256 of the model file, in hexadecimal digits.
        since: when it was loaded, in seconds since 1970.
        bounds: float32 (low, high), each (F,): the range of the data that it was fitted on, or None.
    """

    circuit: Circuit
    limits: ServerLimits
    version: str
    since: float
    bounds: tuple[NDArray[np.float32], NDArray[np.float32]] | None

    @classmethod
    def of_bytes(cls, data: bytes, limits: ServerLimits) -> LoadedModel:
        """Return the model of a file's bytes, warmed up.

        Raises:
            ModelFileError: they are not those of a model.
        """
        return cls._made(from_bytes(data), hashlib.sha256(data).hexdigest(), limits)

    @classmethod
    def of_circuit(cls, circuit: Circuit, limits: ServerLimits) -> LoadedModel:
        """Return the model of a circuit, warmed up."""
        return cls._made(circuit, hashlib.sha256(to_bytes(circuit)).hexdigest(), limits)

    @classmethod
    def _made(cls, circuit: Circuit, version: str, limits: ServerLimits) -> LoadedModel:
        made = cls(replace(circuit, fitted_range=None), limits, version, time.time(), circuit.fitted_range)
        width = circuit.encoder.num_features
        for rows in _WARM:
            for kind in made.answers.kinds:
                found = made.answers.compute(np.zeros((rows, width), np.float32), (kind,))
                if find_spec("pyarrow") is not None:
                    as_arrow(found)  # imports it
        if find_spec("pyarrow") is not None:
            _ = made.arrow_rows
        return made

    @cached_property
    def answers(self) -> ModelAnswers:
        """What it answers."""
        return ModelAnswers(self.circuit)

    @cached_property
    def json_rows(self) -> JsonRows:
        """What reads JSON for it."""
        return JsonRows(self.circuit, self.limits.max_rows)

    @cached_property
    def arrow_rows(self) -> ArrowRows:
        """What reads Arrow for it. ModuleNotFoundError without pyarrow."""
        return ArrowRows(self.circuit, self.limits.max_rows)

    @cached_property
    def _fitted(self) -> FittedRange | None:
        return None if self.bounds is None else FittedRange(*self.bounds)

    def warnings(self, rows: NDArray[Any]) -> list[str]:
        """Return what a client should know about its rows (N, F): that they lie far from the training data."""
        message = None if self._fitted is None else self._fitted.outside(rows)
        return [] if message is None else [message]
