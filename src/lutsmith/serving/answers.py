"""What is answered: predictions, scores, probabilities or output bits of a circuit, as JSON and as Arrow.

An answer is the array that the circuit's method gives, with labels in place of the indices of classes. Several words
and several heads are objects by their names, as the circuit's dicts are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.circuit.results import Heads, Result
from lutsmith.serving.problems import RequestError

ANSWERS = ("predictions", "scores", "outputs")
"""What can be asked for, in the order in which it is answered; probabilities follow from scores at a temperature."""

_METHODS = {"predictions": "predict", "scores": "decision_function", "outputs": "outputs"}

Values = NDArray[Any] | dict[str, Any]
"""An array, or a dict of such by name."""


class ModelAnswers:
    """The answers of a circuit. Immutable.

    Args:
        circuit: whose answers they are.

    Attributes:
        kinds: what it can be asked for, some of `ANSWERS`; the first is what is answered where nothing is asked for.
        probable: whether it has probabilities.
        parts: its heads by name, or one of the name "".
    """

    def __init__(self, circuit: Circuit) -> None:
        self._circuit, head = circuit, circuit.head
        self.parts: dict[str, Result] = {}
        if isinstance(head, Heads):
            self.parts = dict(head)
        elif head is not None:
            self.parts = {"": Result(head, circuit.netlist.outputs.size, circuit.objective, circuit.classes)}
        scores = any(part.has_scores for part in self.parts.values())
        kinds = {"predictions": bool(self.parts), "scores": scores, "outputs": True}
        self.kinds = tuple(kind for kind in ANSWERS if kinds[kind])
        self.probable = any(map(has_probabilities, self.parts.values()))
        self._widths = {
            kind: sum(_width(part, kind) for part in self.parts.values()) for kind in (*ANSWERS, "probabilities")
        }
        self._widths["outputs"] = circuit.netlist.outputs.size
        self._labels = {name: _labels(part) for name, part in self.parts.items()}

    def chosen(self, kinds: Iterable[str]) -> tuple[str, ...]:
        """Return kinds of answers in their order.

        Raises:
            RequestError: 422 for one that the circuit does not have.
        """
        wanted = set(kinds)
        if not wanted <= set(self.kinds):
            odd = sorted(wanted - set(self.kinds))[0]
            raise RequestError(422, f"answers={odd[:40]!r}: the model answers {', '.join(self.kinds)}")
        return tuple(kind for kind in self.kinds if kind in wanted)

    def needed(self, kinds: Iterable[str], temperature: float | None) -> tuple[str, ...]:
        """Return what has to be computed for some kinds of answers, and for probabilities if there is a temperature.

        Raises:
            RequestError: 422 for a temperature where there are no probabilities.
        """
        if temperature is not None and not self.probable:
            raise RequestError(422, "temperature: the model has no probabilities, which are those of classes or labels")
        wanted = {*kinds, *(() if temperature is None else ("scores",))}
        return tuple(kind for kind in ANSWERS if kind in wanted)

    def width(self, kinds: tuple[str, ...], temperature: float | None) -> int:
        """Return how many values the answers for one row are."""
        asked = [*kinds, *(["probabilities"] if temperature is not None else [])]
        return sum(self._widths[kind] for kind in asked)

    def compute(self, rows: NDArray[Any], needed: tuple[str, ...]) -> dict[str, Values]:
        """Return what is `needed` for rows (N, F), by kind, as the circuit's methods give it."""
        circuit, found = self._circuit, dict[str, Values]()
        for kind in reversed(needed):  # scores before predictions, which follow from them
            if kind == "predictions" and "scores" in found and isinstance(circuit.head, Head):
                found[kind] = circuit.head.decide(found["scores"], circuit.objective)  # type: ignore[arg-type]
            else:
                found[kind] = getattr(circuit, _METHODS[kind])(rows)
        return found

    def told(
        self, computed: Mapping[str, Values], kinds: tuple[str, ...], temperature: float | None
    ) -> dict[str, Values]:
        """Return the answers by kind: labels instead of class ids, and probabilities if there is a temperature.

        Args:
            computed: what `compute` gave, or a part of its rows.
            kinds: what was asked for.
            temperature: of probabilities: how many votes are worth a factor e.
        """
        found = {kind: computed[kind] for kind in kinds}
        if "predictions" in found:
            found["predictions"] = self._by_part(found["predictions"], self._labelled)
        if temperature is not None:
            scale = temperature
            found["probabilities"] = self._by_part(
                computed["scores"], lambda name, scores: probabilities(self.parts[name], scores, scale)
            )
        return found

    def _by_part(self, values: Values, made: Callable[[str, Any], Any]) -> Values:
        if isinstance(self._circuit.head, Heads):
            assert isinstance(values, dict)
            found = {name: made(name, part) for name, part in values.items()}
            return {name: part for name, part in found.items() if part is not None}
        result: Values = made("", values)
        return result

    def _labelled(self, name: str, values: Any) -> Any:
        labels = self._labels[name]
        return values if labels is None else labels[values]


def has_probabilities(part: Result) -> bool:
    """Whether a head has probabilities: its scores are those of classes or labels."""
    return isinstance(part.head, Head) and part.objective != "regression"


def classifies(part: Result) -> bool:
    """Whether a head decides for one of several classes."""
    return isinstance(part.head, Head) and part.objective in (None, "classification")


def _width(part: Result, kind: str) -> int:
    """How many values of 64 bits a head says of one row."""
    if not isinstance(part.head, Head):
        return sum(-(-word.bits // 64) for word in part.head.words) * math.prod(part.head.shape)
    decides = kind == "predictions" and classifies(part)
    return part.head.places * (1 if decides else part.head.num_classes)


def probabilities(part: Result, scores: NDArray[np.int32], temperature: float) -> NDArray[np.float64] | None:
    """Return probabilities of scores (N, *shape, C) at a temperature: their softmax over the classes, or for several
    labels the logistic function of each; None where scores are numbers.
    """
    if not has_probabilities(part):
        return None
    with np.errstate(over="ignore", under="ignore"):
        scaled = scores / temperature
        if part.objective == "multilabel":
            half: NDArray[np.float64] = 1 / (1 + np.exp(-scaled))
            return half
        powers = np.exp((scores - scores.max(axis=-1, keepdims=True).astype(np.int64)) / temperature)
        found: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
        return found


def part_of(values: Values, start: int, stop: int) -> Values:
    """Return rows start .. stop - 1 of answers."""
    if isinstance(values, dict):
        return {name: part_of(part, start, stop) for name, part in values.items()}
    return values[start:stop]


def flat(values: Mapping[str, Values], prefix: str = "") -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the arrays of answers with their names, such as `predictions` or `predictions.quotient`."""
    for name, part in values.items():
        if isinstance(part, dict):
            yield from flat(part, f"{prefix}{name}.")
        else:
            yield prefix + name, part


def as_json(told: Mapping[str, Values], further: Mapping[str, Any]) -> bytes:
    """Return answers as the text of a JSON object."""
    return _ENCODER.encode({**{kind: _lists(values) for kind, values in told.items()}, **further}).encode()


def as_arrow(told: Mapping[str, Values]) -> bytes:
    """Return answers as a stream of Arrow's IPC format: a column for each array, lists of fixed size where a row has
    several values. Integers above 64 bits, and labels of several types, are text.
    """
    import pyarrow
    import pyarrow.ipc

    columns = {name: _arrow_column(pyarrow, values) for name, values in flat(told)}
    batch = pyarrow.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _arrow_column(pyarrow: Any, values: NDArray[Any]) -> Any:
    items = values.reshape(-1)
    if items.dtype.kind == "O":
        column = pyarrow.array(list(map(str, items.tolist())), pyarrow.string())
    else:
        column = pyarrow.array(items)
    for size in reversed(values.shape[1:]):
        column = pyarrow.FixedSizeListArray.from_arrays(column, size)
    return column


def _lists(values: Values) -> Any:
    if isinstance(values, dict):
        return {name: _lists(part) for name, part in values.items()}
    return values.tolist()


def _labels(part: Result) -> NDArray[Any] | None:
    if not classifies(part) or part.classes is None:
        return None
    kinds = set(map(type, part.classes))
    labels = np.empty(len(part.classes), object)
    labels[:] = part.classes
    if kinds in ({int}, {float}, {bool}):
        plain = np.array(part.classes)
        return plain if type(plain[:1].tolist()[0]) in kinds else labels  # integers may become floats, or stay objects
    return labels


_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
