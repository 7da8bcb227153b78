"""The circuit: inputs, a netlist of LUTs and a head. It predicts from raw features; a model file holds one."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.heads import Head
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.metadata import Metadata
from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.parts import SharedPart, checked_parts
from lutsmith.circuit.pickled import reduced
from lutsmith.circuit.readout import METHODS, Readout, describe
from lutsmith.circuit.results import AnyHead, Heads, IntegerHead, checked_result
from lutsmith.circuit.rows import NOT_EXACT, FittedRange, as_rows, checked_range
from lutsmith.circuit.tabular import Schema, as_frame
from lutsmith.circuit.tabular.frames import is_arrow, is_text_array
from lutsmith.circuit.words import WordBits
from lutsmith.ground.arguments import one_of
from lutsmith.ground.arrays import checked_shape, frozen, integers
from lutsmith.ground.labels import Label
from lutsmith.ground.printable import html_table

if TYPE_CHECKING:
    from lutsmith.circuit.engine.cycles import Machine
    from lutsmith.circuit.engine.engine import Engine
    from lutsmith.circuit.engine.stages import Stages

BATCH = 65_536
"""Samples of a batch: 50 MB of MNIST's images, work for all cores."""

SLICE = 1024
"""Samples that `Circuit.evaluate` takes at a time, to bound its memory."""


@dataclass(frozen=True, eq=False, repr=False)
class Circuit:
    """Raw features in; output bits, scores, labels and integers out. Immutable.

    A circuit with registers is evaluated for one clock cycle from their initial values; `run` goes on.

    Attributes:
        input_shape: the shape of one sample; features are numbered in its flattened (C) order.
        encoder: the comparators: the first inputs of the netlist.
        netlist: the LUTs.
        head: turns output bits into scores and a decision (`Head`), into integers (`IntegerHead`), or into several
            results (`Heads`); None if the bits are the result.
        classes: the labels (str, int or float, kept as they are) of the classes 0, 1, ..., or the names of the labels
            or targets; None if they have no names.
        objective: what the scores mean: "classification", "multilabel" or "regression"; None counts as classification
            where there is a `Head`.
        fitted_range: float32 arrays (low, high), each (F,): the range of each feature in the data that the circuit was
            fitted on. Data outside of it cause one `OutOfRangeWarning` per call; `rows.FittedRange` states the rule.
        metadata: names, the table, the training, and whatever else the file should record.
        words: the inputs after the comparators: bits of features that are words; None where no feature is a word.
        missing: int32 (M,), the last inputs: whether the values of these features are missing (NaN).
        parts: sub-circuits that stand in several places of the netlist.

    Raises:
        TypeError, ValueError: fields that do not fit together.
    """

    input_shape: tuple[int, ...]
    encoder: Comparators
    netlist: Netlist
    head: AnyHead | None = None
    classes: tuple[Label, ...] | None = None
    objective: str | None = None
    fitted_range: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
    metadata: Metadata = field(default_factory=Metadata)
    words: WordBits | None = None
    missing: NDArray[np.int32] = field(default_factory=lambda: frozen((), np.int32))
    parts: tuple[SharedPart, ...] = ()

    def __post_init__(self) -> None:
        shape = checked_shape(self.input_shape)
        features = math.prod(shape)
        inputs = Inputs(self.encoder, self.words, self.missing)
        if not isinstance(self.netlist, Netlist):
            raise TypeError(f"netlist must be a Netlist, not {type(self.netlist).__name__}")
        if features != inputs.num_features:
            raise ValueError(f"input_shape {shape} has {features} features, the encoder {inputs.num_features}")
        if len(inputs) != self.netlist.num_inputs:
            what = "comparators" if inputs.are_comparators else "comparators, bits of words and missing values"
            raise ValueError(f"{len(inputs)} {what} for {self.netlist.num_inputs} inputs of the netlist")
        classes = None
        if self.head is not None:
            kinds = (Head, IntegerHead, Heads)
            outputs = self.netlist.outputs.size
            classes = checked_result(self.head, outputs, self.objective, self.classes, kinds)
        elif self.objective is not None or self.classes is not None:
            raise ValueError("a circuit with an objective or classes needs a head")
        fitted = None if self.fitted_range is None else checked_range(self.fitted_range, features)
        if not isinstance(self.metadata, Metadata):
            raise TypeError(
                f"metadata must be a Metadata, not {type(self.metadata).__name__}: Metadata.from_json reads a dict"
            )
        try:
            self.metadata.schema(features)
        except ValueError as error:
            raise ValueError(f"metadata: {error}") from error
        parts = checked_parts(self.netlist, self.parts)
        values = {"input_shape": shape, "classes": classes, "fitted_range": fitted, "parts": parts}
        for name, value in {**values, "missing": inputs.missing}.items():
            object.__setattr__(self, name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        return reduced(type(self), tuple(getattr(self, item.name) for item in fields(self)))

    def __repr__(self) -> str:
        rest = "".join(f", {each!r}" for each in (self.head, *self.parts) if each is not None)
        inputs = self.encoder if self.inputs.are_comparators else self.inputs
        return f"Circuit(input_shape={self.input_shape}, {inputs!r}, {self.netlist!r}{rest})"

    def _repr_html_(self) -> str:
        head = "output bits" if self.head is None else repr(self.head)
        facts = {
            "inputs": self.inputs,
            "network": self.netlist,
            "head": head,
            "classes": self.classes or "without names",
        }
        return html_table(f"Circuit on samples {self.input_shape}", facts)

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw a small circuit by matplotlib and return the axes: see `lutsmith.reporting.plot_circuit`."""
        import lutsmith  # a floor above is reached by its public name

        return lutsmith.reporting.plot_circuit(self, ax, **options)

    @cached_property
    def inputs(self) -> Inputs:
        """What the inputs of the netlist are: comparators, bits of words, missing values, in this order."""
        return Inputs(self.encoder, self.words, self.missing)

    @property
    def depth(self) -> int:
        """The number of levels of LUTs; encoder and head are not counted."""
        return self.netlist.depth

    @property
    def is_classifier(self) -> bool:
        """Whether it predicts classes."""
        return isinstance(self.head, Head) and self.objective in (None, "classification")

    @property
    def score_labels(self) -> tuple[Label, ...]:
        """The names of classes, labels or targets, one for each score; their numbers where they have no names."""
        scores = self.head.num_classes if isinstance(self.head, Head) else 0
        return tuple(range(scores)) if self.classes is None else self.classes

    def luts_by_rank(self) -> dict[int, int]:
        """How many nodes of the netlist have each rank that occurs; rank 0 are constants."""
        return self.netlist.luts_by_rank()

    def info(self) -> dict[str, Any]:
        """What the circuit consists of, ready for JSON: nodes by rank, depth, distinct tables, encoder and head."""
        told: dict[str, Any] = {
            "input_shape": list(self.input_shape),
            "features": self.encoder.num_features,
            "features_used": int(np.unique(self.inputs.feature).size),
            "comparators": len(self.encoder),
            "luts": self.netlist.num_nodes,
            "luts_by_rank": self.luts_by_rank(),
            "depth": self.depth,
            "tables": self.netlist.table_pool.size,
            "registers": self.netlist.num_registers,
            "outputs": self.netlist.outputs.size,
            **describe(self.head),
            "classes": None if self.classes is None else list(self.classes),
            "task": self.objective,
        }
        if self.words is not None:
            told["word_bits"] = len(self.words)
        if self.missing.size:
            told["missing_values"] = self.missing.size
        if self.parts:
            told["parts"] = {part.name: len(part) for part in self.parts}
        return told

    @cached_property
    def schema(self) -> Schema:
        """What the circuit knows about the table that it was trained on: names, categories, how numbers are written."""
        return self.metadata.schema(self.encoder.num_features)

    def evaluate(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Return the output bits, bool (N, O), in plain NumPy: slow, and the specification of `outputs`."""
        rows = self.read(X)
        bits = np.empty((len(rows), self.netlist.outputs.size), np.bool_)
        for start in range(0, len(rows), SLICE):
            part = slice(start, start + SLICE)
            bits[part] = self.netlist.evaluate(self.inputs.encode(rows[part]))
        return bits

    def outputs(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Return the output bits, bool (N, O).

        Args:
            X: (N, *input_shape) or (N, F) real numbers: arrays, memory maps, lists, torch tensors. Or a table, for a
                model of one: a frame of pandas, polars or another library that narwhals knows, an Arrow table, or a
                list of dicts. Its columns are found by name, in any order; text, names of categories and missing values
                are read as in the training data.

        Raises:
            TypeError, ValueError: X holds no real numbers or has another shape; or a table lacks a column, has one that
                the model does not know (the label's may be there), or a value that cannot be read.
        """
        return self._engine.outputs(self._rows(X))

    def decision_function(self, X: ArrayLike) -> Any:
        """Return the scores of the classes, labels or targets, int32 (N, C), or (N, *shape, C) where the head has
        places; for several heads a dict by their names. Arguments and errors are those of `outputs`.

        Raises:
            ValueError: the circuit has no head with scores.
        """
        answer = self._said.of_rows("decision_function", self._engine)
        return answer(self._rows(X))

    def predict_labels(self, X: ArrayLike) -> Any:
        """Return the label of each sample, (N,) or (N, *shape), as it stood in the data: `classes[predict(X)]`.

        Arguments and errors as for `decision_function`. The array holds text, integers or floats, or objects where the
        labels are of several types; without names of classes it is `predict(X)`.

        Raises:
            ValueError: the circuit is not a classifier.
        """
        answer = self._said.of_rows("predict_labels", self._engine)
        return answer(self._rows(X))

    def predict(self, X: ArrayLike) -> Any:
        """Return the prediction for each sample, in the form of the circuit's objective: classes are given by their
        indices (`predict_labels` gives labels). Arguments and errors as for `decision_function`.

        Returns:
            classification: int64 (N,), indices into `classes`. The lowest class wins a tie.
            multilabel: bool (N, C), whether each label is set.
            regression: float64 (N, C), or (N,) with one target.
            an `IntegerHead`: int64 (N,), uint64 or Python integers where int64 does not hold them; for several words a
            dict by their names.

            With places, (N, *shape, ...) instead of (N, ...). For several heads (`Heads`), a dict by their names.
        """
        answer = self._predicted
        return answer(self._rows(X))

    def run(
        self,
        X: ArrayLike,
        cycles: int | None = None,
        *,
        state: ArrayLike | None = None,
        method: Literal["predict", "predict_labels", "decision_function", "outputs"] = "predict",
        return_state: bool = False,
    ) -> Any:
        """Run a circuit with registers on streams of samples, and return its answers in each clock cycle.

        Args:
            X: (N, T, *input_shape) or (N, T, F) numbers: T samples, one a cycle, of each of N streams. With `cycles`,
                (N, *input_shape) or (N, F): one sample, held for so many cycles.
            cycles: T, where samples are held.
            state: bool (N, R) or (R,), what the registers hold before the first cycle; their initial values by default.
            method: the method whose answers are returned, such as "predict": its arrays (N, ...) become (N, T, ...)
                here.
            return_state: whether to return (answers, state), with bool (N, R): what the registers hold after the last
                cycle. With this state, a later call continues a stream exactly.

        Raises:
            TypeError, ValueError: X holds no real numbers or has another shape; a state that is not one bit for each
                register; another method, one that the head has no answer for, or cycles below 0.
        """
        return self._machine.run(X, cycles, state=state, method=method, return_state=return_state)

    @cached_property
    def stages(self) -> Stages:
        """The stages of its evaluation, for searches: `stages.pack(X)` packs samples once, `stages.evaluate(packed)`
        keeps every signal's row of bits, and runs only what changes when tables or wires do. Loads compiled code.
        """
        from lutsmith.circuit.engine.stages import Stages

        return Stages(self.inputs, self.netlist)

    def predict_batches(
        self,
        source: Any,
        *,
        batch: int = BATCH,
        method: Literal["predict", "predict_labels", "decision_function", "outputs"] = "predict",
        columns: Sequence[str] | None = None,
    ) -> Generator[Any, None, None]:
        """Yield the results of a method for each batch of a source, which may be larger than memory.

        Sources:

        - arrays and memory maps (N, *input_shape) or (N, F), and whatever else has a shape and gives slices: each is
          read where it lies;
        - Arrow data: whatever has `__arrow_c_stream__` or `__arrow_c_array__`, such as tables, record batches and their
          readers, and the Parquet files and data sets of pyarrow. A feature is a column of numbers; or one column holds
          each sample as a list, or bytes, of fixed size, which is not copied. Nulls are NaN;
        - iterables of these, generators and lists among them: there is a result for each array;
        - frames of pandas, and of other libraries that narwhals knows;
        - the path of a `.npy` file (memory-mapped), or of a `.parquet` or `.feather` file, for which pyarrow is needed.

        Columns of a table are found by name, and text is read as in the training data. A frame or a table must have the
        model's columns, and no others except the label's; files and data sets may have more, which are not read.

        Nothing is read before it is needed, and only one batch is held in memory. A generator given as the source is
        closed with this one. Data outside of the range that the circuit was fitted on cause one `OutOfRangeWarning` per
        call.

        Args:
            source: the samples.
            batch: samples at a time, at most: larger arrays are cut.
            method: the method whose results are yielded, with their shapes and types, such as "predict".
            columns: for Arrow data, the names of the columns that are the features, in the circuit's order. By default
                those of `metadata.feature_names`, or else all columns in their order except that of `metadata.target`.

        Raises:
            TypeError, ValueError: no such source or method, or `batch` is not a positive integer; and while reading,
                data that do not fit.
            ModuleNotFoundError: a Parquet or Feather file, and no pyarrow.
        """
        from lutsmith.circuit.engine import streams

        one_of("method", method, METHODS)
        self._said.check(method)
        sizes = integers("batch", [batch], low=1, high=2**31)
        named = None if columns is None else tuple(map(str, columns))
        samples = streams.SampleStream(self.input_shape, self.schema, named, self._exact)
        return self._answers(samples.batches(source, int(sizes[0])), method)

    def _answers(self, batches: Generator[NDArray[Any], None, None], method: str) -> Generator[Any, None, None]:
        told, answer = self._range is None, self._said.of_rows(method, self._engine)
        with contextlib.closing(batches):
            for rows in batches:
                if not told and self._range is not None:
                    told = self._range.warn(rows, stacklevel=3)
                yield answer(rows)

    @cached_property
    def _said(self) -> Readout:
        return Readout(self.head, self.objective, self.classes)

    @cached_property
    def _predicted(self) -> Callable[[NDArray[Any]], Any]:
        """From rows to predictions: kept, because one sample takes some microseconds in all."""
        return self._said.of_rows("predict", self._engine)

    def _rows(self, X: ArrayLike) -> NDArray[Any]:
        """Return X as rows (N, F), after a look at where they lie. Called by the methods that users call."""
        rows = self.read(X)
        if self._range is not None:
            self._range.warn(rows, stacklevel=4)
        return rows

    def read(self, X: Any) -> NDArray[Any]:
        """Return samples as rows (N, F) of numbers, as inputs see them. Arguments and errors as for `outputs`."""
        if isinstance(X, np.ndarray) and (self.schema.is_bare or not is_text_array(X)):
            return as_rows(X, self.input_shape)
        if is_arrow(X):
            from lutsmith.circuit.engine import streams

            parts = list(streams.SampleStream(self.input_shape, self.schema, exact=self._exact).batches(X, BATCH))
            return np.concatenate(parts) if parts else np.zeros((0, self.encoder.num_features), np.float32)
        frame = None if self.schema.is_bare and hasattr(X, "__array__") else as_frame(X)
        if frame is not None and self._exact:
            raise ValueError(NOT_EXACT)
        return as_rows(X, self.input_shape) if frame is None else self.schema.rows(frame, 0, frame.length)

    @property
    def _exact(self) -> bool:
        """Whether it reads words that float32 does not hold."""
        return self.words is not None and self.words.formats.is_long

    @cached_property
    def _engine(self) -> Engine:
        """Made when it is first needed: a circuit that is built, saved or described needs no compiled code."""
        from lutsmith.circuit.engine.engine import Engine

        return Engine(self.inputs, self.netlist, self.head if isinstance(self.head, Head) else None)

    @cached_property
    def _machine(self) -> Machine:
        from lutsmith.circuit.engine.cycles import Machine

        return Machine(self.inputs, self.netlist, self._said, self.input_shape)

    @cached_property
    def _range(self) -> FittedRange | None:
        return None if self.fitted_range is None else FittedRange(*self.fitted_range)
