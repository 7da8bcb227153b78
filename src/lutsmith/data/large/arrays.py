"""Memory-mapped arrays as a source of rows: `np.load("X.npy", mmap_mode="r")`, or the files themselves."""

from __future__ import annotations

import mmap
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.dataset import DataError, Dataset, MissingDataError, as_features
from lutsmith.data.large.source import BLOCK_BYTES, BlockSource, StreamedRows, sample_rows
from lutsmith.data.targets import Targets, as_targets

LARGE = 1 << 30
"""Bytes of a mapped array from which on its rows are streamed; less is gathered in memory."""
_LABELS = 1 << 20
"""Labels that are looked at at a time."""
_MOST = 10_000
"""Different labels, at most."""


class ArrayRows(BlockSource):
    """Rows of arrays, in blocks of equal length but for the last.

    Args:
        x: samples `(N, *input_shape)` of numbers, mapped or not.
        y: targets, `(N,)` or `(N, columns)`.
        targets: how targets are read; None: they are as a data set has them.
        block: rows of a block; None: as many as 8 MB hold.
    """

    def __init__(self, x: NDArray[Any], y: NDArray[Any], targets: Targets | None, block: int | None = None) -> None:
        self._x, self._y, self._targets = x, y, targets
        self._rows = block or max(1, BLOCK_BYTES // max(1, x[:1].nbytes))
        sizes = np.full(-(-len(x) // self._rows), self._rows, np.int64)
        sizes[-1] = len(x) - self._rows * (len(sizes) - 1)
        self.sizes = sizes

    def block(self, number: int) -> tuple[NDArray[Any], NDArray[Any]]:
        rows = slice(number * self._rows, number * self._rows + int(self.sizes[number]))
        return self._read(rows)

    def take(self, rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
        return self._read(rows)

    def _read(self, rows: slice | NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
        x, y = as_features(np.array(self._x[rows])), np.array(self._y[rows])
        if x.dtype.kind == "f" and np.isinf(x).any():
            place = int(np.isinf(x).reshape(len(x), -1).any(1).argmax())
            row = rows.start + place if isinstance(rows, slice) else int(rows[place])
            raise DataError(f"row {row} of X has an infinite value; expected numbers, NaN where one is missing")
        return x, y if self._targets is None else self._targets.again(y, "y")

    def identity(self) -> str:
        return f"array {self._x.shape} {self._x.dtype.str} {self._y.shape} {self._y.dtype.str}"


def is_large(X: Any) -> bool:
    """Return whether X is a mapped array that is to be streamed."""
    return isinstance(X, np.ndarray) and X.nbytes > LARGE and _is_mapped(X)


def _is_mapped(array: Any) -> bool:
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array, mmap.mmap)


def stream_arrays(
    X: NDArray[Any],
    y: Any,
    X_test: Any = None,
    y_test: Any = None,
    *,
    objective: str | None = None,
    name: str = "the data",
    block: int | None = None,
    seed: int = 0,
) -> Dataset:
    """Return a data set whose training rows are read from arrays block by block, and never all held.

    `x_train` and `y_train` are a uniform sample of at most 100,000 rows (256 MB): thresholds are fitted on it, and test
    and validation rows are taken from it, by the same rules as everywhere. Gradients train on all other rows, and are
    the only way to learn from such a data set. `lutsmith.train` does this for mapped arrays of more than 1 GB, and
    `lutsmith.fit` for the data sets of such.

    Args:
        X: samples `(N, *input_shape)` of numbers: an array or a memory map.
        y: targets, as for `data.from_arrays`; an array may be mapped, too.
        X_test: test samples in memory.
        y_test: their targets.
        objective: as for `data.from_arrays`.
        name: what messages call the data.
        block: rows that are read at a time; None: as many as 8 MB hold.
        seed: of the sample.

    Raises:
        TypeError: X is not an array.
        DataError: as for `data.from_arrays`.
        ValueError: `block` is below 1.
    """
    if block is not None and block < 1:
        raise ValueError(f"block is {block}, expected 1 row or more")
    if not isinstance(X, np.ndarray):
        raise TypeError(f"X is a {type(X).__name__}; expected an array or a memory map, such as np.load's")
    if X.dtype.kind not in "biuf" or X.ndim < 2 or X.size == 0:
        raise DataError(f"{name}: X is {X.dtype} of shape {X.shape}; expected numbers (N, features) or (N, *shape)")
    labels = _plain(y, objective)
    if len(labels) != len(X):
        raise DataError(f"{name}: {len(X)} samples and {len(labels)} labels in the training part; expected as many")
    rows = sample_rows(len(X), X[:1].size * (1 if X.dtype.kind == "b" or X.dtype == np.uint8 else 4), seed)
    if objective is None and _has_fractions(labels):
        objective = "regression"  # whatever the sample's targets look like
    targets = Targets.of(np.concatenate([np.array(labels[rows]), *_others(labels, labels[rows], objective)]), objective)
    source = ArrayRows(X, labels, targets, block)
    x, values = source.take(rows)
    again = None if y_test is None else targets.again(y_test, "y_test")
    test = None if X_test is None else as_features(np.asarray(X_test))
    stream = StreamedRows(source, rows, np.zeros(0, np.int64)) if len(rows) < len(X) else None
    return Dataset(x, values, test, again, targets.classes, name, objective=targets.objective, stream=stream)


def streamed(dataset: Dataset) -> Dataset:
    """Return a data set whose training rows are a large mapped array as one that reads them block by block; any other
    as it is, and one whose rows have weights.
    """
    if dataset.stream is not None or dataset.sample_weight is not None or not is_large(dataset.x_train):
        return dataset
    x, y, rows = stream_of(dataset.x_train, dataset.y_train)
    return replace(dataset, x_train=x, y_train=y, stream=rows) if len(x) < len(rows) else dataset


def stream_of(x: NDArray[Any], y: Any, seed: int = 0) -> tuple[NDArray[Any], NDArray[Any], StreamedRows]:
    """Return a sample of mapped rows and of their targets, which are as a trainer takes them, and the stream of all.

    Raises:
        DataError: other numbers of both.
    """
    targets = y if isinstance(y, np.ndarray) else np.asarray(y)
    if len(targets) != len(x):
        raise DataError(f"x has {len(x)} rows and y {len(targets)}; expected as many")
    rows = sample_rows(len(x), x[:1].size * (1 if x.dtype.kind == "b" or x.dtype == np.uint8 else 4), seed)
    source = ArrayRows(x, targets, None)
    sample, values = source.take(rows)
    return sample, values, StreamedRows(source, rows, np.zeros(0, np.int64))


def _plain(y: Any, objective: str | None) -> NDArray[Any]:
    """Return targets as an array that can be read in parts: a mapped one as it is, objects and series as plain values,
    and a column `(N, 1)` as `(N,)`.
    """
    simple = type(y) in (np.ndarray, np.memmap) and y.dtype.kind in "biufSU" and y.ndim
    values: NDArray[Any] = y if simple else as_targets(y, "y")
    if values.ndim == 2 and values.shape[1] == 1 and objective != "multilabel":
        return values[:, 0]
    return values


def _has_fractions(y: NDArray[Any]) -> bool:
    """Return whether any of the targets is no whole number; of several columns, neither 0 nor 1."""
    if y.dtype.kind != "f":
        return False
    for start in range(0, len(y), _LABELS):
        part = np.array(y[start : start + _LABELS])
        part = part[np.isfinite(part)]
        if (part % 1 != 0 if y.ndim == 1 else (part != 0) & (part != 1)).any():
            return True
    return False


def _others(y: NDArray[Any], sample: NDArray[Any], objective: str | None) -> list[NDArray[Any]]:
    """Return one of each label that is not in the sample, where y may be labels; look at all of them."""
    if y.ndim != 1 or objective not in (None, "classification"):
        return []
    found = np.unique(sample)
    for start in range(0, len(y), _LABELS):
        part = np.array(y[start : start + _LABELS])
        if part.dtype.kind == "f" and not np.isfinite(part).all():
            row = int(np.flatnonzero(~np.isfinite(part))[0])
            raise DataError(f"y is {part[row]} in row {start + row}; drop rows without a label, or fill them")
        found = np.union1d(found, part)
        if len(found) > _MOST:
            raise DataError(f"y holds more than {_MOST:,} different labels: give objective='regression' for numbers")
    return [np.setdiff1d(found, sample)]


def open_arrays(path: Path, target: str | int | None) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return samples and targets of NPY files, mapped.

    Args:
        path: of the samples, such as `X.npy`.
        target: the path of the targets; None: `y.npy` beside `X.npy`, or `train_y.npy` beside `train_X.npy`.

    Raises:
        MissingDataError: one of them is not there.
        DataError: one of them is not a sound `.npy` file of numbers or text.
    """
    beside = Path(str(target)) if target is not None else None
    if beside is None and path.stem[-1:] in ("X", "x"):
        beside = path.with_name(f"{path.stem[:-1]}y.npy")
    if beside is None or not beside.is_file():
        raise MissingDataError(
            f"{path}: its targets are missing; expected y.npy beside X.npy, or target=FILE, an .npy file"
        )
    return _mapped(path), _mapped(beside)


def _mapped(path: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # NumPy's header parser raises what its parts do: SyntaxError, TokenError ...
        raise DataError(f"{path}: not a sound .npy file of numbers ({' '.join(str(error).split())})") from error
    return array
