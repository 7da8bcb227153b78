"""The answers of a circuit for rows, and how the answers of an export are compared with them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.cycles import evaluate_cycles
from lutsmith.circuit.readout import Readout
from lutsmith.hardware.tools.tool import ToolFailed
from lutsmith.logic.design import Design
from lutsmith.logic.heads import words_at_ports


@dataclass(frozen=True, eq=False)
class Answers:
    """All answers of a circuit for N rows; answers that an export does not give are None.

    Attributes:
        outputs: bool (N, O), the output bits.
        scores: int32 (N, *shape, C); of several heads a dict by the names of those with scores.
        results: what `Circuit.predict` returns: an array, or a dict of arrays by names of words or heads.
        ports: the words (N, count) at each output port that a design of the circuit has.
    """

    outputs: NDArray[np.bool_] | None = None
    scores: Any = None
    results: Any = None
    ports: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, circuit: Circuit, rows: NDArray[Any]) -> Answers:
        """Return the answers of the specification, which is plain NumPy, not the engine; for circuits without a
        state.
        """
        return cls.of_outputs(circuit, circuit.evaluate(rows))

    @classmethod
    def of_streams(cls, circuit: Circuit, streams: NDArray[Any]) -> Answers:
        """Return the same for streams (S, T, F), each from the initial state on: N is S T, stream by stream."""
        bits = circuit.inputs.encode(streams.reshape(-1, streams.shape[2]))
        outputs, _ = evaluate_cycles(circuit.netlist, bits.reshape(*streams.shape[:2], bits.shape[1]))
        return cls.of_outputs(circuit, outputs.reshape(len(bits), circuit.netlist.outputs.size))

    @classmethod
    def of_outputs(cls, circuit: Circuit, outputs: NDArray[np.bool_]) -> Answers:
        """Return the answers of a circuit for output bits (N, O)."""
        said = Readout(circuit.head, circuit.objective, circuit.classes)
        scores = said.of_outputs("decision_function", outputs) if said.has("decision_function") else None
        results = said.of_outputs("predict", outputs) if said.has("predict") else None
        return cls(outputs, scores, results, words_at_ports(circuit, outputs))

    def difference(self, given: Answers) -> str | None:
        """Return where `given` first differs from these, or None. At least one answer must be given."""
        compared = 0
        for name in ("outputs", "scores", "results"):
            expected, found = getattr(self, name), getattr(given, name)
            if expected is None or found is None:
                continue
            compared += 1
            problem = _difference(name, expected, found)
            if problem is not None:
                return problem
        return None if compared or not len(self.outputs if self.outputs is not None else ()) else "nothing was said"

    def bits(self, design: Design) -> NDArray[np.bool_]:
        """Return these answers as the bits (N, B) at the output ports of a design."""
        columns = []
        for port in design.outputs:
            if port.name not in self.ports:
                raise ValueError(f"a circuit says nothing of a port {port.name}")
            words = self.ports[port.name]
            columns.append(port.bits(words.astype(np.int64) if words.dtype.kind == "b" else words))
        return np.concatenate(columns, axis=1)


def _difference(name: str, expected: Any, found: Any) -> str | None:
    """Return where arrays, or dicts of them, differ."""
    if isinstance(expected, dict):
        if not isinstance(found, dict) or list(found) != list(expected):
            told = ", ".join(found) if isinstance(found, dict) else "one"
            return f"{name} are of {told}, expected {', '.join(expected)}"
        problems = (_difference(f"{name} of {key}", expected[key], found[key]) for key in expected)
        return next((problem for problem in problems if problem is not None), None)
    found = np.asarray(found)
    if found.shape != expected.shape:
        return f"{name} have shape {found.shape}, expected {expected.shape}"
    wrong = (found != expected).astype(np.bool_).reshape(len(expected), math.prod(expected.shape[1:])).any(axis=1)
    if not wrong.any():
        return None
    row = int(wrong.argmax())
    return (
        f"{name} of {np.count_nonzero(wrong):,} of {len(expected):,} rows differ, first of row {row}: "
        f"{_short(found[row])}, expected {_short(expected[row])}"
    )


def exactly(name: str, values: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Return values in another type.

    Raises:
        ToolFailed: one is not the same there.
    """
    with np.errstate(invalid="ignore"):
        kept = values.astype(dtype)
    other = kept.astype(values.dtype) != values  # NaN too, which no answer is
    if other.any():
        raise ToolFailed(f"{name} hold {values[other].reshape(-1)[0]}, which is not a {np.dtype(dtype).name}")
    return kept


def bit_difference(design: Design, expected: NDArray[np.bool_], found: NDArray[np.bool_]) -> str | None:
    """Return where words at the output ports first differ, or None."""
    end = 0
    for port in design.outputs:
        start, end = end, end + port.size
        wrong = (expected[:, start:end] != found[:, start:end]).any(axis=1)
        if wrong.any():
            row = int(wrong.argmax())
            said, meant = (port.words(bits[row : row + 1, start:end])[0] for bits in (found, expected))
            return (
                f"{port.name} of {np.count_nonzero(wrong):,} of {len(expected):,} rows differ, first of row {row}: "
                f"{_short(said)}, expected {_short(meant)}"
            )
    return None


def _short(values: Any) -> str:
    text = " ".join(str(np.asarray(values).tolist()).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
