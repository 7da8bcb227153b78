"""The answers of a circuit for samples, method by method: output bits, scores, decisions, labels, integers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.heads import Head
from lutsmith.circuit.results import AnyHead, Heads, IntegerHead
from lutsmith.ground.labels import Label

if TYPE_CHECKING:
    from lutsmith.circuit.engine.engine import Engine

METHODS = ("predict", "predict_labels", "decision_function", "outputs")
"""What can be asked of samples."""


class Readout:
    """The answers of a head. For several heads, answers are dicts by the names of the heads that have such an answer.

    Args:
        head: of the circuit; None: its outputs are the result.
        objective: what the scores of a `Head` mean.
        classes: the labels of its classes.
    """

    def __init__(self, head: AnyHead | None, objective: str | None, classes: tuple[Label, ...] | None) -> None:
        self._head, self._objective, self._classes = head, objective, classes

    def check(self, method: str) -> None:
        """Raise ValueError if the circuit has no such answer."""
        if method == "outputs":
            return
        if self._head is None:
            raise ValueError(f"{method}() needs a head and this circuit has none: use outputs() for its bits")
        if isinstance(self._head, Heads):
            if not self._of_heads(method):
                raise ValueError(f"{method}() is for heads with {_NEEDED[method]}, and there is none: use predict()")
        elif isinstance(self._head, IntegerHead):
            if method != "predict":
                raise ValueError(f"{method}() needs scores, and this circuit gives integers: use predict()")
        elif method == "predict_labels" and not self._classifies:
            raise ValueError(f"{method}() is for classifiers and this circuit is for {self._objective}: use predict()")

    def of_rows(self, method: str, engine: Engine) -> Callable[[NDArray[Any]], Any]:
        """Return the function from rows (N, F) to the answers of a method; ValueError as for `check`."""
        self.check(method)
        head, objective = self._head, self._objective
        if method == "outputs" or not isinstance(head, Head):
            return lambda rows: self.of_outputs(method, engine.outputs(rows))
        if method == "decision_function":
            return engine.decision_function
        if self._classifies:
            return engine.predict if method == "predict" else lambda rows: self._labelled(engine.predict(rows))
        return lambda rows: head.decide(engine.decision_function(rows), objective)

    def of_outputs(self, method: str, outputs: NDArray[np.bool_]) -> Any:
        """Return the answers of a method, which was checked, for output bits (N, O)."""
        head = self._head
        if method == "outputs" or head is None:
            return outputs
        if isinstance(head, IntegerHead):
            return head.integers(outputs)
        if isinstance(head, Heads):
            own = self._of_heads(method)
            return {name: own[name].of_outputs(method, bits) for name, _, bits in head.bits(outputs) if name in own}
        scores = head.scores(outputs)
        if method == "decision_function":
            return scores
        decided = head.decide(scores, self._objective)
        return self._labelled(decided) if method == "predict_labels" else decided

    def _of_heads(self, method: str) -> dict[str, Readout]:
        """The answers of those heads that have such."""
        assert isinstance(self._head, Heads)
        each = {name: Readout(part.head, part.objective, part.classes) for name, part in self._head.items()}
        return {name: part for name, part in each.items() if part.has(method)}

    def has(self, method: str) -> bool:
        """Whether the circuit has such an answer."""
        if method == "outputs" or self._head is None:
            return method == "outputs"
        if isinstance(self._head, Heads):
            return bool(self._of_heads(method))
        if method == "predict_labels":
            return self._classifies
        return method == "predict" or isinstance(self._head, Head)

    @property
    def _classifies(self) -> bool:
        return isinstance(self._head, Head) and self._objective in (None, "classification")

    def _labelled(self, indices: NDArray[Any]) -> NDArray[Any]:
        return indices if self._labels is None else self._labels[indices]

    @cached_property
    def _labels(self) -> NDArray[Any] | None:
        if self._classes is None:
            return None
        if len(set(map(type, self._classes))) == 1:
            labels = np.array(self._classes)
            if tuple(labels.tolist()) == self._classes:  # NumPy cuts zeros off the end of text
                return labels
        labels = np.empty(len(self._classes), object)
        labels[:] = self._classes
        return labels


_NEEDED = {"decision_function": "scores", "predict_labels": "classes"}


def describe(head: AnyHead | None) -> dict[str, Any]:
    """Return a description of a head, ready for JSON: its kind (popcount, integers or several) and its sizes."""
    counted = head if isinstance(head, Head) else None
    told: dict[str, Any] = {
        "head": None if head is None else "several" if isinstance(head, Heads) else "integers",
        "num_groups": None,
        "affine": False,
        "num_classes": None,
    }
    if counted is not None:
        told |= {
            "head": "popcount",
            "num_groups": counted.num_groups,
            "affine": not counted.is_plain,
            "num_classes": counted.num_classes,
        }
    if isinstance(head, IntegerHead):
        told["words"] = [asdict(word) for word in head.words]
    if isinstance(head, Heads):
        told["heads"] = {
            name: {
                "outputs": part.outputs,
                **describe(part.head),
                "classes": None if part.classes is None else list(part.classes),
                "task": part.objective,
            }
            for name, part in head.items()
        }
    elif head is not None and head.shape:
        told["shape"] = list(head.shape)
    return told
