"""Data in memory to a `Dataset`: arrays, tensors, memory maps, lists, and frames."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from numpy.typing import NDArray

from lutsmith.circuit.rows import as_numbers
from lutsmith.data.dataset import DataError, Dataset, Table, as_features
from lutsmith.data.tables.frames import arrow_of, is_frame
from lutsmith.data.tables.options import TableOptions, place_of
from lutsmith.data.tables.table import features_by, read_table
from lutsmith.data.targets import Targets


def from_arrays(
    X: Any,
    y: Any,
    X_test: Any = None,
    y_test: Any = None,
    *,
    sample_weight: Any = None,
    objective: str | None = None,
    table: TableOptions | Mapping[str, Any] | None = None,
    name: str = "the data",
) -> Dataset:
    """Return the data set of samples and targets in memory.

    Args:
        X: samples `(N, *input_shape)`: an array, memory map, list or tensor of real numbers; `(N, 1)` for a single
            feature. Bytes stay bytes, all other numbers are compared as float32; arrays of these types are not copied.
            Gradients train on memory maps of more than 1 GB block by block, as if `data.stream_arrays` had made them.
            Or a table: a frame of pandas, polars, pyarrow or another library that narwhals knows, or a list of dicts.
            Columns are found by name, and text, categories and missing values are read as `table.read_table` says.
        y: targets `(N,)` or `(N, columns)`: an array, list, tensor, series or frame. `Targets.of` says which are
            classes, numbers or several labels. Labels are kept as they are: text, integers, floats, truth values. For a
            table also the name of its label column.
        X_test: the test part's samples, of the same shape or columns; dropped columns may be missing. None: there is no
            test part.
        y_test: their targets; the table's label column where y is its name.
        sample_weight: how much each row of X counts in training, `(N,)` numbers of at least 0.
        objective: "classification", "regression" or "multilabel"; None: it follows from y.
        table: how a frame is to be read: `TableOptions`, or a mapping of their names.
        name: what messages call the data.

    Raises:
        DataError: data of other shapes, types or columns than these, no rows, missing labels, one class only, test
            labels that are not among the classes.
        ModuleNotFoundError: frames need pyarrow and narwhals (`pip install 'lutsmith[tables]'`).
    """
    if X_test is None and y_test is not None:
        raise DataError("y_test is given without X_test: give both or neither")
    if not is_frame(X):
        if table is not None:
            raise DataError(f"X is a {type(X).__name__}: table= says how the columns of a frame are read")
        if isinstance(y, str):
            raise DataError(f"y is {y!r} and X has no names of columns: give the labels, or a frame")
        if is_frame(X_test):
            raise DataError(f"X_test is a frame and X a {type(X).__name__}: give both as one or the other")
        known = Table(name, _samples(X, "X"), None, None)
        x_test = None if X_test is None else _samples(X_test, "X_test")
    else:
        frame, target = arrow_of(X), y if isinstance(y, str) else None
        options = TableOptions.of(table)
        known = read_table(frame, target, options)
        if target is not None:
            y = _label_column(frame, target, "X")
        x_test = None
        if X_test is not None:
            if not is_frame(X_test):
                raise DataError(f"X is a frame and X_test a {type(X_test).__name__}: give a frame of the same columns")
            frame_test = _without(frame, options.drop, arrow_of(X_test))
            assert known.schema is not None  # a frame has one
            x_test = features_by(known.schema, frame_test, "X_test", further=False)
            if target is not None and (y_test is None or isinstance(y_test, str)):
                y_test = _label_column(frame_test, target, "X_test")
    if X_test is not None and y_test is None:
        raise DataError("X_test is given without y_test: give both or neither")
    if y is None:
        raise DataError("y is missing: give the labels or numbers to learn, one for each row of X")
    if hasattr(y, "__len__") and getattr(y, "shape", True) and len(y) != len(known.x):
        raise DataError(f"{name}: {len(known.x)} samples and {len(y)} labels in the training part; expected as many")
    targets = Targets.of(y, objective)
    return Dataset(
        known.x,
        targets.values,
        x_test,
        None if y_test is None else targets.again(y_test, "y_test"),
        targets.classes,
        name,
        known.names,
        *named_categories(known),
        known.schema,
        targets.objective,
        None if sample_weight is None else _numbers(sample_weight, "sample_weight"),
    )


def named_categories(table: Table) -> tuple[tuple[int, ...], tuple[tuple[str, ...], ...]]:
    """Return the places of a table's categorical columns, and the names of the categories of each."""
    categories = () if table.schema is None else table.schema.categories
    named = {place: names for place, names in enumerate(categories) if names is not None}
    return tuple(named), tuple(named.values())


def _label_column(frame: Any, target: str, what: str) -> Any:
    names = [str(name).strip() for name in frame.column_names]
    return frame.select([place_of(target, names, len(names), what)])


def _without(frame: Any, dropped: Collection[str], other: Any) -> Any:
    """Return another table without the columns that are dropped of a frame, by the names that they have there."""
    names = [str(name).strip() for name in frame.column_names]
    places = {place_of(column, names, len(names), "X") for column in dropped}
    left_out = {names[place] for place in places} - {name for place, name in enumerate(names) if place not in places}
    return other.select([place for place, name in enumerate(other.column_names) if str(name).strip() not in left_out])


def _numbers(values: Any, what: str) -> NDArray[Any]:
    try:
        return as_numbers(values, what)
    except (TypeError, ValueError) as error:
        raise DataError(str(error)) from error


def _samples(X: Any, what: str) -> NDArray[Any]:
    array = _numbers(X, what)
    if array.ndim < 2:
        hint = f": for one feature give {what}.reshape(-1, 1)" if array.ndim == 1 else ""
        raise DataError(f"{what} has shape {array.shape}, expected (N, features) or (N, *image shape){hint}")
    if array.size == 0:
        raise DataError(f"{what} has shape {array.shape}: there are no {'rows' if len(array) == 0 else 'features'}")
    return as_features(array)
