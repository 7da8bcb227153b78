"""Folders of Parquet files as one table: in memory where it is small, else as a source of rows, a row group a block."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.tabular import Schema
from lutsmith.data.dataset import DataError, MissingDataError
from lutsmith.data.labels import class_ids, find_classes, parse_labels
from lutsmith.data.large.source import BlockSource, sample_rows, sample_size
from lutsmith.data.tables.options import place_of
from lutsmith.data.tables.table import features_by, labels_of
from lutsmith.ground.labels import Label

_ENDINGS = (".parquet", ".pq")
_MOST = 1000
"""Classes, at most."""


@dataclass(frozen=True)
class _Group:
    """A row group: its file, that file's metadata, and its number there."""

    path: Path
    metadata: Any
    number: int

    def read(self, columns: list[str] | None = None) -> Any:
        """Return its rows as an Arrow table; raise DataError where the file is not, or no longer, sound."""
        import pyarrow
        from pyarrow import parquet

        try:
            with parquet.ParquetFile(self.path, metadata=self.metadata) as file:
                return file.read_row_group(self.number, columns=columns)
        except (pyarrow.ArrowException, OSError, IndexError) as error:
            raise DataError(f"{self.path}: not a sound Parquet file ({' '.join(str(error).split())})") from error


class ParquetFolder:
    """The Parquet files in a folder and in those in it, in the order of their names; names that begin with a dot or an
    underscore are left out.

    Args:
        path: the folder.

    Attributes:
        sizes: the rows of each row group that has some.
        names: of the columns, as they are in the files.

    Raises:
        MissingDataError: there are none.
        DataError: one is damaged, or has other columns than the first; or there are no rows.
        ModuleNotFoundError: pyarrow is not installed (`pip install 'lutsmith[tables]'`).
    """

    def __init__(self, path: Path) -> None:
        import pyarrow
        from pyarrow import parquet

        self.path = path
        self._groups: list[_Group] = []
        self._files: list[str] = []
        first: tuple[Path, Any] | None = None
        sizes = []
        for file in parquet_files(path):
            try:
                with parquet.ParquetFile(file) as opened:
                    metadata, schema = opened.metadata, opened.schema_arrow
            except (pyarrow.ArrowException, OSError) as error:
                raise DataError(f"{file}: not a sound Parquet file ({' '.join(str(error).split())})") from error
            first = first or (file, schema)
            _check_same(file, schema, *first)
            self._files.append(f"{file.relative_to(path).as_posix()} {file.stat().st_size} {metadata.num_rows}")
            for number in range(metadata.num_row_groups):
                if rows := metadata.row_group(number).num_rows:
                    self._groups.append(_Group(file, metadata, number))
                    sizes.append(rows)
        if first is None:
            raise MissingDataError(f"{path} holds no Parquet files; expected names that end in .parquet")
        if not sizes:
            raise DataError(f"{path}: no rows in {len(self._files)} Parquet files")
        self.sizes, self.names = np.array(sizes, np.int64), [str(name) for name in first[1].names]

    @property
    def is_large(self) -> bool:
        """Whether a sample does not hold all rows."""
        total = int(self.sizes.sum())
        return sample_size(total, 4 * len(self.names)) < total

    def sample(self, seed: int = 0) -> tuple[Any, NDArray[np.int64]]:
        """Return rows as an Arrow table, and their numbers, ascending: all rows, where a sample holds as many."""
        import pyarrow

        total = int(self.sizes.sum())
        rows = sample_rows(total, 4 * len(self.names), seed)
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.sizes)])
        ends = np.searchsorted(rows, starts)
        parts = []
        for number, group in enumerate(self._groups):
            own = rows[ends[number] : ends[number + 1]] - starts[number]
            if len(own):
                table = group.read()
                parts.append(table if len(own) == len(table) else table.take(pyarrow.array(own)))
        return pyarrow.concat_tables(parts), rows

    def source(self, schema: Schema, target: str | int, missing: Sequence[str]) -> ParquetRows:
        """Return the rows as training reads them, after a look at all labels.

        Args:
            schema: how the sample was read; every block is read so, strictly.
            target: the label column.
            missing: the spellings of a missing label.
        """
        stripped = [name.strip() for name in self.names]
        label = place_of(str(target), stripped, len(stripped), str(self.path))
        wanted = None if schema.names is None else set(schema.names)
        columns = [
            name
            for place, name in enumerate(self.names)
            if place == label or wanted is None or stripped[place] in wanted
        ]
        return ParquetRows(self, schema, columns, self.names[label], missing)

    @property
    def groups(self) -> Sequence[_Group]:
        """The row groups, in order."""
        return self._groups

    def identity(self) -> str:
        """Return the names, sizes and rows of the files."""
        return "parquet " + "; ".join(self._files)


class ParquetRows(BlockSource):
    """The rows of a folder as a model's features and class ids.

    Attributes:
        classes: all labels that occur, ascending.
    """

    def __init__(
        self, folder: ParquetFolder, schema: Schema, columns: list[str], label: str, missing: Sequence[str]
    ) -> None:
        self._folder, self._schema, self._columns, self._label = folder, schema, columns, label
        self._missing, self.sizes = tuple(missing), folder.sizes
        self._what = f"{folder.path}, column {label.strip()!r}"
        found: NDArray[Any] | None = None
        for group in folder.groups:
            labels = np.unique(labels_of(group.read([label]), str(group.path)))
            found = labels if found is None else np.unique(np.concatenate([found, labels]))
            if len(found) > _MOST:
                raise DataError(f"{self._what}: more than {_MOST:,} different labels; is this a column of labels?")
        assert found is not None  # a folder has rows
        self.classes: tuple[Label, ...] = find_classes(self._typed(found, None), self._what)

    def block(self, number: int) -> tuple[NDArray[Any], NDArray[Any]]:
        group = self._folder.groups[number]
        table = group.read(self._columns)
        x = features_by(self._schema, table, str(group.path), further=True)
        labels = labels_of(table.select([self._label]), str(group.path))
        return x, class_ids(self._typed(labels, self.classes), self.classes, self._what)

    def identity(self) -> str:
        return f"{self._folder.identity()} {self._label} {self._schema!r}"

    def _typed(self, labels: NDArray[Any], classes: Sequence[Label] | None) -> NDArray[Any]:
        return parse_labels(labels.tolist(), self._what, classes, self._missing) if labels.dtype.kind == "U" else labels


def parquet_files(folder: Path) -> list[Path]:
    """Return the Parquet files in a folder and in those in it, by their names."""
    found = []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        found += [
            Path(root, name) for name in files if name.lower().endswith(_ENDINGS) and not name.startswith((".", "_"))
        ]
    return sorted(found)


def _check_same(file: Path, schema: Any, first: Path, expected: Any) -> None:
    """Raise DataError where a file has other columns than the first."""
    if schema.names != expected.names:
        other = sorted(set(schema.names) ^ set(expected.names))
        how = f"different columns, such as {other[0]!r}" if other else "the same columns in another order"
        raise DataError(f"{file} and {first} have {how}; expected one table")
    for name, found, wanted in zip(schema.names, schema.types, expected.types, strict=True):
        if found != wanted:
            raise DataError(f"{file}: column {name!r} is {found}, and {wanted} in {first}; expected one table")
