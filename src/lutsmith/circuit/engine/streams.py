"""Input larger than memory: batches of rows of whatever holds samples, read when they are wanted."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.engine.arrow import RecordBatch, array_batch, stream_batches
from lutsmith.circuit.rows import NOT_EXACT, as_rows
from lutsmith.circuit.tabular import Frame, Schema, SchemaError, as_frame
from lutsmith.circuit.tabular.frames import is_arrow
from lutsmith.circuit.tabular.schema import listed

_COLUMNAR = (".parquet", ".pq", ".feather", ".arrow")
_IPC = b"ARROW1"
_BUFFER = 1 << 20
"""Bytes of a column of Parquet that are read at a time, where a row group is larger."""


@dataclass(frozen=True)
class SampleStream:
    """What a model reads of a source.

    Attributes:
        input_shape: the shape of one sample.
        schema: its columns, and how they are read.
        columns: the names of the columns that are its features, in its order, in place of the schema's.
        exact: whether the model reads words that float32 does not hold: then tables, read as float32, are refused.
    """

    input_shape: tuple[int, ...]
    schema: Schema
    columns: tuple[str, ...] | None = None
    exact: bool = False

    def batches(self, source: Any, batch: int) -> Generator[NDArray[Any], None, None]:
        """Return rows (n, F), n <= batch, of a source; `Circuit.predict_batches` says which there are.

        Its kind is looked at now, its content when it is wanted. The source is closed with the generator, if it can be
        closed and is an iterator or was opened here.

        Raises:
            TypeError, ValueError: no such source; and later, content that does not fit.
        """
        if isinstance(source, (str, os.PathLike)):
            return self._file(Path(source), batch)
        known = self._batches(source, batch)
        if known is not None:
            return known
        if isinstance(source, (bytes, bytearray, dict)) or not isinstance(source, Iterable):
            raise TypeError(
                f"source is a {type(source).__name__}, expected an array, a memory map, Arrow data, "
                "an iterable of these, or the path of a .npy or .parquet file"
            )
        return self._iterable(source, batch)

    def _batches(self, source: Any, batch: int) -> Generator[NDArray[Any], None, None] | None:
        """The batches of a source that is neither a path nor an iterable of sources; None if it is one of these."""
        if is_arrow(source):
            streamed = hasattr(source, "__arrow_c_stream__")
            return self._records(
                lambda: stream_batches(source) if streamed else iter([array_batch(source)]), batch, further=False
            )
        if hasattr(source, "iter_batches"):  # a ParquetFile of pyarrow's
            return self._records(lambda: map(array_batch, source.iter_batches(batch, columns=self._wanted())), batch)
        if hasattr(source, "to_batches"):  # a data set or a scanner of pyarrow's
            return self._records(lambda: map(array_batch, source.to_batches()), batch)
        if isinstance(source, np.ndarray):
            return self._array(source, batch)
        frame = None if isinstance(source, Iterator) else as_frame(source)
        if frame is not None:
            return self._frame(frame, batch)
        if hasattr(source, "shape") and hasattr(source, "__getitem__"):
            return self._array(source, batch)
        return None

    @property
    def _named(self) -> Schema:
        return self.schema if self.columns is None else replace(self.schema, names=self.columns)

    def _wanted(self) -> list[str] | None:
        names = self.schema.names if self.columns is None else self.columns
        return None if names is None else list(names)

    def _frame(self, frame: Frame, batch: int) -> Generator[NDArray[Any], None, None]:
        if self.exact:
            raise ValueError(NOT_EXACT)
        for start in range(0, max(1, frame.length), batch):
            stop = min(start + batch, frame.length)
            yield self._named.rows(frame, start, stop, further=self.columns is not None)

    def _array(self, source: Any, batch: int) -> Generator[NDArray[Any], None, None]:
        """Slices of an array; one of a wrong shape fails as a whole."""
        if len(source.shape) == 0:
            as_rows(source, self.input_shape)
        for start in range(0, max(1, source.shape[0]), batch):
            yield as_rows(source[start : start + batch], self.input_shape)

    def _iterable(self, source: Iterable[Any], batch: int) -> Generator[NDArray[Any], None, None]:
        with _closing(iter(source)) as items:
            for number, item in enumerate(items):
                parts = self._batches(item, batch)
                try:
                    with _closing(parts if parts is not None else self._array(np.asarray(item), batch)) as rows:
                        yield from rows
                except (TypeError, ValueError) as error:
                    kind = TypeError if isinstance(error, TypeError) else ValueError
                    raise kind(f"item {number} of the source: {error}") from error

    def _records(
        self, read: Callable[[], Iterator[RecordBatch]], batch: int, *, further: bool = True
    ) -> Generator[NDArray[Any], None, None]:
        columns: list[int] | None = None
        before = 0
        with _closing(read()) as records:
            for record in records:
                if columns is None:
                    columns = self._columns(record, further or self.columns is not None)
                for start in range(0, max(1, len(record)), batch):
                    yield self._rows(record, columns, start, min(start + batch, len(record)), before)
                before += len(record)
                record = None  # what was read is given back before more is

    def _rows(self, record: RecordBatch, columns: list[int], start: int, stop: int, before: int) -> NDArray[Any]:
        """Rows of a record batch: as they lie where all columns hold numbers, else each column as the schema says.
        Messages count rows from `before`.
        """
        plain = not self.schema.categories and not self.schema.missing_numbers
        if plain and all(record.fields[column].kind is not None for column in columns):
            return record.rows(columns, start, stop)
        schema, first = self._named, before + start
        result = np.empty((len(columns), stop - start), np.float32)
        for place, column in enumerate(columns):
            coded = record.coded(column, start, stop)
            cells = record.values(column, start, stop) if coded is None else coded
            result[place] = schema.values(place, cells, first)
        return result.T

    def _columns(self, record: RecordBatch, further: bool) -> list[int]:
        """The places of the model's features, after a look at names, types and number."""
        if self.exact:
            raise ValueError(NOT_EXACT)
        names = [field.name.strip() for field in record.fields]  # as training reads them
        wanted = self._wanted()
        if wanted is None:
            places = [place for place, name in enumerate(names) if name != self.schema.label_name]
        else:
            try:
                places = replace(self.schema, features=len(wanted), names=tuple(wanted)).find(names, further=further)
            except SchemaError as error:
                raise SchemaError(f"{error}; or name the model's features by columns=, in its order") from error
        for place in places:
            if record.fields[place].kind is None and not record.fields[place].is_text:
                raise TypeError(
                    f"column {names[place]!r} holds {record.fields[place].words}, expected numbers or text: convert it "
                    "first"
                )
        width, features = sum(record.fields[place].width for place in places), int(np.prod(self.input_shape))
        if width != features:
            raise ValueError(
                f"{len(places)} columns of {width} features in all ({listed([names[place] for place in places])}), "
                f"expected {features}: name the model's features by columns=, in its order"
            )
        return places

    def _file(self, path: Path, batch: int) -> Generator[NDArray[Any], None, None]:
        kind = path.suffix.lower()
        if kind not in (".npy", *_COLUMNAR):
            raise ValueError(
                f"{path}: unknown kind of file, expected .npy, .parquet or .feather; others can be given as arrays"
            )
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} {'is a folder' if path.is_dir() else 'does not exist'}: expected a {kind} file"
            )
        if kind == ".npy":
            return self._array(_mapped(path), batch)
        return self._parquet(path, batch) if kind in _COLUMNAR[:2] else self._feather(path, batch)

    def _feather(self, path: Path, batch: int) -> Generator[NDArray[Any], None, None]:
        _, arrow = _pyarrow()
        from pyarrow import feather, ipc

        try:
            with arrow.memory_map(str(path)) as file:
                if file.size() >= len(_IPC) and file.read(len(_IPC)) == _IPC:
                    reader = ipc.open_file(file)  # batch by batch: a compressed one is not in memory as a whole
                    read = (array_batch(reader.get_batch(number)) for number in range(reader.num_record_batches))
                    yield from self._records(lambda: read, batch)
                    return
            table = feather.read_table(path, memory_map=True)  # of the first version, which is not compressed
            yield from self._records(lambda: stream_batches(table), batch)
        except (arrow.ArrowException, OSError) as error:
            raise ValueError(f"{path}: not a sound Feather file ({' '.join(str(error).split())})") from error

    def _parquet(self, path: Path, batch: int) -> Generator[NDArray[Any], None, None]:
        parquet, arrow = _pyarrow()
        try:
            with parquet.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
                known = set(file.schema_arrow.names)
                wanted = self._wanted()
                columns = (
                    wanted if wanted is None or known.issuperset(wanted) else None
                )  # None: to say which is missing
                yield from self._records(lambda: map(array_batch, file.iter_batches(batch, columns=columns)), batch)
        except (arrow.ArrowException, OSError) as error:
            raise ValueError(f"{path}: not a sound Parquet file ({' '.join(str(error).split())})") from error


def _mapped(path: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # NumPy's header parser raises what its parts do: SyntaxError, TokenError ...
        raise ValueError(f"{path}: not a sound .npy file of numbers ({' '.join(str(error).split())})") from error
    return array


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ModuleNotFoundError(
            "Parquet and Feather files are read by pyarrow, which is not installed: pip install 'lutsmith[tables]'",
            name="pyarrow",
        ) from error
    return pyarrow.parquet, pyarrow


@contextlib.contextmanager
def _closing(items: Iterator[Any]) -> Iterator[Iterator[Any]]:
    """Close an iterator in the end, if it can be closed: generators run what stands in their `finally`."""
    try:
        yield items
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()
