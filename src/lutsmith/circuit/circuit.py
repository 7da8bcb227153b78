"""The circuit: comparators, a netlist of LUTs and a head. It predicts from raw features; a model file holds one."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.heads import OBJECTIVES, Head
from lutsmith.circuit.metadata import Metadata
from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.rows import FittedRange, as_rows
from lutsmith.circuit.tabular import Schema, as_frame
from lutsmith.circuit.tabular.frames import is_arrow
from lutsmith.ground.arguments import one_of
from lutsmith.ground.arrays import checked_shape, frozen, integers
from lutsmith.ground.labels import Label

if TYPE_CHECKING:
    from lutsmith.circuit.engine.engine import Engine

METHODS = ("predict", "predict_labels", "decision_function", "outputs")
"""What `Circuit.predict_batches` can be asked for."""

BATCH = 65_536
"""Samples of a batch: 50 MB of MNIST's images, work for all cores."""

SLICE = 1024
"""Samples that `Circuit.evaluate` takes at a time, to bound its memory."""


@dataclass(frozen=True, eq=False, repr=False)
class Circuit:
    """Raw features in, output bits, scores and labels out. Immutable.

    A circuit with registers is evaluated for one clock cycle from their initial values.

    Attributes:
        input_shape: the shape of one sample; features are numbered in its flattened (C) order.
        encoder: the comparators, one for each input of the netlist.
        netlist: the LUTs.
        head: turns output bits into scores and decides by them; None if the bits are the result.
        classes: the labels (str, int or float, kept as they are) of the classes 0, 1, ..., or the names of the labels
            or targets; None if they have no names.
        objective: what the scores mean: "classification", "multilabel" or "regression"; None is taken for
            classification where there is a head.
        fitted_range: float32 arrays (low, high), each (F,): where the features lay in the data that the circuit was
            fitted on. Data elsewhere get one `OutOfRangeWarning` a call; `rows.FittedRange` states the rule.
        metadata: names, the table, the training, and whatever else the file should tell.

    Raises:
        TypeError, ValueError: fields that do not fit together.
    """

    input_shape: tuple[int, ...]
    encoder: Comparators
    netlist: Netlist
    head: Head | None = None
    classes: tuple[Label, ...] | None = None
    objective: str | None = None
    fitted_range: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
    metadata: Metadata = field(default_factory=Metadata)

    def __post_init__(self) -> None:
        shape = checked_shape(self.input_shape)
        features = math.prod(shape)
        if features != self.encoder.num_features:
            raise ValueError(f"input_shape {shape} has {features} features, the encoder {self.encoder.num_features}")
        if len(self.encoder) != self.netlist.num_inputs:
            raise ValueError(f"{len(self.encoder)} comparators for {self.netlist.num_inputs} inputs of the netlist")
        if self.objective is not None and self.objective not in OBJECTIVES:
            raise ValueError(f"objective is {self.objective!r}, expected None or one of {OBJECTIVES}")
        if self.head is not None:
            self.head.check(self.netlist.outputs.size)
            if self.objective != "regression" and (self.head.scale is not None or self.head.offset is not None):
                raise ValueError(
                    f"a head with a scale or offset is one for regression, and objective is {self.objective!r}"
                )
        elif self.objective is not None or self.classes is not None:
            raise ValueError("a circuit with an objective or classes needs a head")
        classes = None if self.classes is None else _checked_classes(self.classes)
        if classes is not None and self.head is not None and len(classes) != self.head.num_classes:
            raise ValueError(f"{len(classes)} classes for a head of {self.head.num_classes}")
        fitted = None if self.fitted_range is None else _checked_range(self.fitted_range, features)
        if not isinstance(self.metadata, Metadata):
            raise TypeError(
                f"metadata must be a Metadata, not {type(self.metadata).__name__}: Metadata.from_json reads a dict"
            )
        try:
            self.metadata.schema(features)
        except ValueError as error:
            raise ValueError(f"metadata: {error}") from error
        for name, value in (("input_shape", shape), ("classes", classes), ("fitted_range", fitted)):
            object.__setattr__(self, name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, item.name) for item in fields(self))

    def __repr__(self) -> str:
        head = f", {self.head!r}" if self.head else ""
        return f"Circuit(input_shape={self.input_shape}, {self.encoder!r}, {self.netlist!r}{head})"

    @property
    def depth(self) -> int:
        """The number of levels of LUTs; encoder and head are not counted."""
        return self.netlist.depth

    @property
    def is_classifier(self) -> bool:
        """Whether it predicts classes."""
        return self.head is not None and self.objective in (None, "classification")

    @property
    def score_labels(self) -> tuple[Label, ...]:
        """The names of classes, labels or targets, one for each score; their numbers where they have none."""
        return tuple(range(0 if self.head is None else self.head.num_classes)) if self.classes is None else self.classes

    def luts_by_rank(self) -> dict[int, int]:
        """How many nodes of the netlist have each rank that occurs; rank 0 are constants."""
        return self.netlist.luts_by_rank()

    def info(self) -> dict[str, Any]:
        """What the circuit consists of, ready for JSON: nodes by rank, depth, distinct tables, encoder and head."""
        return {
            "input_shape": list(self.input_shape),
            "features": self.encoder.num_features,
            "features_used": int(np.unique(self.encoder.feature).size),
            "comparators": len(self.encoder),
            "luts": self.netlist.num_nodes,
            "luts_by_rank": self.luts_by_rank(),
            "depth": self.depth,
            "tables": self.netlist.table_pool.size,
            "registers": self.netlist.num_registers,
            "outputs": self.netlist.outputs.size,
            "head": None if self.head is None else "popcount",
            "num_groups": None if self.head is None else self.head.num_groups,
            "affine": self.head is not None and not self.head.is_plain,
            "num_classes": None if self.head is None else self.head.num_classes,
            "classes": None if self.classes is None else list(self.classes),
            "task": self.objective,
        }

    @cached_property
    def schema(self) -> Schema:
        """What the circuit knows of the table that it was trained on: names, categories, how numbers are written."""
        return self.metadata.schema(self.encoder.num_features)

    def evaluate(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Return the output bits, bool (N, O), in plain NumPy: the specification of `outputs`, and slow."""
        rows = self._read(X)
        bits = np.empty((len(rows), self.netlist.outputs.size), np.bool_)
        for start in range(0, len(rows), SLICE):
            part = slice(start, start + SLICE)
            bits[part] = self.netlist.evaluate(self.encoder.encode(rows[part]))
        return bits

    def outputs(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Return the output bits, bool (N, O).

        Args:
            X: (N, *input_shape) or (N, F) real numbers: arrays, memory maps, lists, torch tensors. Or a table, for a
                model of one: a frame of pandas, polars or another library that narwhals knows, an Arrow table, or a
                list of dicts. Its columns are found by name, in any order; text is read as in the training data, names
                of categories and missing values included.

        Raises:
            TypeError, ValueError: X holds no real numbers or has another shape; or a table lacks a column, has one that
                the model does not know (the label's may be there), or a value that cannot be read.
        """
        return self._engine.outputs(self._rows(X))

    def decision_function(self, X: ArrayLike) -> NDArray[np.int32]:
        """Return the scores of the classes, labels or targets, int32 (N, C). Arguments and errors are those of
        `outputs`.

        Raises:
            ValueError: the circuit has no head.
        """
        self._require_head("decision_function")
        return self._engine.decision_function(self._rows(X))

    def predict_labels(self, X: ArrayLike) -> NDArray[Any]:
        """Return the label of each sample, (N,), as it stood in the data: `classes[predict(X)]`.

        Arguments and errors as for `decision_function`. The array holds text, integers or floats, or objects where the
        labels are of several types; without names of classes it is `predict(X)`.

        Raises:
            ValueError: the circuit is not a classifier.
        """
        self._require_labels("predict_labels")
        return self._labelled(self._rows(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return what the circuit says of each sample, by its objective: indices of classes where `predict_labels`
        gives labels. Arguments and errors as for `decision_function`.

        Returns:
            classification: int64 (N,), indices into `classes`. The lowest class wins a tie.
            multilabel: bool (N, C), whether each label is set.
            regression: float64 (N, C), or (N,) with one target.
        """
        self._require_head("predict")
        return self._predicted(self._rows(X))

    def predict_batches(
        self,
        source: Any,
        *,
        batch: int = BATCH,
        method: Literal["predict", "predict_labels", "decision_function", "outputs"] = "predict",
        columns: Sequence[str] | None = None,
    ) -> Generator[NDArray[Any], None, None]:
        """Yield what a method says of each batch of a source that may be larger than memory.

        Sources:

        - arrays and memory maps (N, *input_shape) or (N, F), and whatever else has a shape and gives slices: each is
          read where it lies;
        - Arrow data: whatever has `__arrow_c_stream__` or `__arrow_c_array__`, such as tables, record batches and their
          readers, and the Parquet files and data sets of pyarrow. A feature is a column of numbers; or one column holds
          each sample as a list, or bytes, of fixed size, which is not copied. Nulls are NaN;
        - iterables of these, generators and lists among them: there is a result for each array;
        - frames of pandas, and of other libraries that narwhals knows;
        - the path of a `.npy` file (memory-mapped), or of a `.parquet` or `.feather` file, for which pyarrow is needed.

        Columns of a table are found by name, and text is read as in the training data. A frame or a table has the
        model's columns and at most the label's beside them; files and data sets may have more, which are not read.

        Nothing is read before it is wanted, and no more than a batch is held. A generator that is given is closed with
        this one. Data that do not lie where the circuit was fitted get one `OutOfRangeWarning` a call.

        Args:
            source: the samples.
            batch: samples at a time, at most: larger arrays are cut.
            method: whose results are wanted, with their shapes and types.
            columns: of Arrow data, the names of the columns that are the features, in the circuit's order. By default
                those of `metadata.feature_names`, or else all columns in their order without that of `metadata.target`.

        Raises:
            TypeError, ValueError: no such source or method, or `batch` is no positive integer; and while reading, data
                that do not fit.
            ModuleNotFoundError: a Parquet or Feather file, and no pyarrow.
        """
        from lutsmith.circuit.engine import streams

        one_of("method", method, METHODS)
        if method == "predict_labels":
            self._require_labels(method)
        elif method != "outputs":
            self._require_head(method)
        sizes = integers("batch", [batch], low=1, high=2**31)
        samples = streams.SampleStream(
            self.input_shape, self.schema, None if columns is None else tuple(map(str, columns))
        )
        return self._answers(samples.batches(source, int(sizes[0])), method)

    def _answers(
        self, batches: Generator[NDArray[Any], None, None], method: str
    ) -> Generator[NDArray[Any], None, None]:
        answer = {
            "predict": self._predicted,
            "predict_labels": self._labelled,
            "decision_function": self._engine.decision_function,
            "outputs": self._engine.outputs,
        }[method]
        told = self._range is None
        with contextlib.closing(batches):
            for rows in batches:
                if not told and self._range is not None:
                    told = self._range.warn(rows, stacklevel=3)
                yield answer(rows)

    def _require_head(self, method: str) -> None:
        if self.head is None:
            raise ValueError(f"{method}() needs a head and this circuit has none: use outputs() for its bits")

    def _require_labels(self, method: str) -> None:
        self._require_head(method)
        if not self.is_classifier:
            raise ValueError(f"{method}() is for classifiers and this circuit is for {self.objective}: use predict()")

    def _labelled(self, rows: NDArray[Any]) -> NDArray[Any]:
        indices = self._predicted(rows)
        return indices if self._labels is None else self._labels[indices]

    @cached_property
    def _labels(self) -> NDArray[Any] | None:
        if self.classes is None:
            return None
        if len(set(map(type, self.classes))) == 1:
            labels = np.array(self.classes)
            if tuple(labels.tolist()) == self.classes:  # NumPy cuts zeros off the end of text
                return labels
        labels = np.empty(len(self.classes), object)
        labels[:] = self.classes
        return labels

    def _predicted(self, rows: NDArray[Any]) -> NDArray[Any]:
        if self.head is None or self.is_classifier:
            return self._engine.predict(rows)
        return self.head.decide(self._engine.decision_function(rows), self.objective)

    def _rows(self, X: ArrayLike) -> NDArray[Any]:
        """Return X as rows (N, F), after a look at where they lie. Called by the methods that users call."""
        rows = self._read(X)
        if self._range is not None:
            self._range.warn(rows, stacklevel=4)
        return rows

    def _read(self, X: Any) -> NDArray[Any]:
        """Return X as rows (N, F)."""
        if isinstance(X, np.ndarray):
            return as_rows(X, self.input_shape)
        if is_arrow(X):
            from lutsmith.circuit.engine import streams

            parts = list(streams.SampleStream(self.input_shape, self.schema).batches(X, BATCH))
            return np.concatenate(parts) if parts else np.zeros((0, self.encoder.num_features), np.float32)
        frame = None if self.schema.is_bare and hasattr(X, "__array__") else as_frame(X)
        return as_rows(X, self.input_shape) if frame is None else self.schema.rows(frame, 0, frame.length)

    @cached_property
    def _engine(self) -> Engine:
        """Made when it is first needed: a circuit that is built, saved or described needs no compiled code."""
        from lutsmith.circuit.engine.engine import Engine

        return Engine(self.encoder, self.netlist, self.head)

    @cached_property
    def _range(self) -> FittedRange | None:
        return None if self.fitted_range is None else FittedRange(*self.fitted_range)


def _checked_classes(classes: Any) -> tuple[Label, ...]:
    labels = tuple(label.item() if isinstance(label, np.generic) else label for label in classes)
    for label in labels:
        if not isinstance(label, (str, int, float)) or label != label or label in (math.inf, -math.inf):
            raise TypeError(f"class label {label!r} is not a string, an integer or a finite float")
    if len(set(labels)) != len(labels):
        raise ValueError("two classes have the same label")
    return labels


def _checked_range(fitted_range: Any, features: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    low, high = (frozen(np.reshape(bound, -1), np.float32) for bound in fitted_range)
    if low.shape != (features,) or high.shape != (features,):
        raise ValueError(f"fitted_range has {low.size} and {high.size} values, expected {features} each")
    if not (low <= high).all():
        raise ValueError("fitted_range has a low above its high, or NaN")
    return low, high
