"""Arrow data by the C data interface: columns of numbers and of text as rows, without importing pyarrow.

Whatever exports `__arrow_c_stream__` or `__arrow_c_array__` (pyarrow, polars, DuckDB, nanoarrow ...) hands over
pointers to two small structures, a schema and an array; buffers are read where they lie. The structures and their rules
are those of https://arrow.apache.org/docs/format/CDataInterface.html and CStreamInterface.html.

A record batch becomes rows in one of two ways:

- several columns of numbers, one a feature: they are copied side by side, since a sample's features lie apart;
- one column of lists of fixed size, or of bytes of fixed size, a sample each: not copied.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.tabular.frames import CODED, Coded

NUMBERS = {
    "c": "i1", "C": "u1", "s": "i2", "S": "u2", "i": "i4", "I": "u4", "l": "i8", "L": "u8",
    "e": "f2", "f": "f4", "g": "f8",
}  # fmt: skip
"""The formats of Arrow's plain numbers, as NumPy types; bits ("b") and nulls ("n") are taken too."""

_NAMES = {
    "u": "text",
    "U": "text",
    "vu": "text",
    "z": "bytes",
    "Z": "bytes",
    "vz": "bytes",
    "+l": "lists",
    "+L": "lists",
}
_KINDS = {"t": "times", "d": "decimals", "+s": "structs", "+m": "maps"}


class _Schema(ctypes.Structure):
    pass


_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
    ("dictionary", ctypes.POINTER(_Schema)),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]


class _Array(ctypes.Structure):
    pass


_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.POINTER(_Array)),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]


class _Stream(ctypes.Structure):
    _fields_ = (
        ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)),
        ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)),
        ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


class Field:
    """The name and the type of a column.

    Attributes:
        name: the column's.
        format: Arrow's format string.
        width: features that it holds: more than 1 for lists and bytes of fixed size.
        kind: the NumPy type of its numbers, "b" for bits, "n" for nothing but nulls; None if it holds no numbers.
        entries: of a dictionary, the type of its entries; then `kind` is None, and `indices` the type of the codes.
    """

    def __init__(self, schema: Any) -> None:
        self.name = (schema.name or b"").decode(errors="replace")
        self.format = (schema.format or b"").decode(errors="replace")
        self.child: Field | None = None
        self.entries: Field | None = None
        self.indices = ""
        self.width, self.kind = 1, None
        if schema.dictionary:
            self.entries, self.indices = Field(schema.dictionary.contents), NUMBERS.get(self.format, "")
            self.format = "dictionary"
        elif self.format.startswith("+w:"):
            self.child = Field(schema.children[0].contents)
            self.width, self.kind = int(self.format[3:]) * self.child.width, self.child.kind
        elif self.format.startswith("w:"):
            self.width, self.kind = int(self.format[2:]), "u1"
        elif self.format in ("b", "n"):
            self.kind = self.format
        else:
            self.kind = NUMBERS.get(self.format)

    @property
    def is_text(self) -> bool:
        """Whether the column holds text, or a dictionary of text or numbers."""
        if self.entries is not None:
            return self.entries.is_text or self.entries.kind is not None
        return self.format in ("u", "U", "vu")

    @property
    def words(self) -> str:
        """What the column holds, in words."""
        if self.format == "dictionary":
            return "categories"
        return _NAMES.get(self.format) or _KINDS.get(self.format[:2]) or _KINDS.get(self.format[:1]) or self.format


class RecordBatch:
    """Columns of equal length. The memory lives as long as this or an array made of it does.

    Args:
        array: a structure of Arrow's, with the format of `fields`.
        fields: the columns.
        struct: whether the columns are the children of `array`; else it is the only column.
        owner: what keeps the structure alive; None: it is released with this object.
    """

    def __init__(self, array: Any, fields: Sequence[Field], struct: bool, owner: object = None) -> None:
        self._array, self._struct, self._owner = array, struct, owner
        self._entries: dict[int, list[Any]] = {}
        self.fields = fields

    def __del__(self) -> None:
        if self._owner is None:
            _release(self._array)

    def __len__(self) -> int:
        return int(self._array.length)

    def rows(self, columns: Sequence[int], start: int, stop: int) -> NDArray[Any]:
        """Return rows start .. stop - 1 of some columns, (stop - start, features): nulls are NaN.

        uint8 where all columns are bytes or bits without nulls, the column's own type where there is one column
        without nulls, else float32. The columns hold numbers: `Field.kind` is not None.
        """
        parts = [self._column(column, start, stop) for column in columns]
        if len(parts) == 1:
            values, valid = parts[0]
            if valid is None:
                return values.view(np.uint8) if values.dtype == np.bool_ else values
        whole = all(
            valid is None and values.dtype.itemsize == 1 and values.dtype.kind in "bu" for values, valid in parts
        )
        width = sum(values.shape[1] for values, _ in parts)
        result = np.empty((width, stop - start), np.uint8 if whole else np.float32)
        first = 0
        with np.errstate(over="ignore"):
            for values, valid in parts:
                place = result[first : first + values.shape[1]]
                place[:] = values.T
                if valid is not None:
                    place[~valid.T] = np.nan
                first += values.shape[1]
        return result.T

    def values(self, column: int, start: int, stop: int) -> NDArray[Any]:
        """Return rows start .. stop - 1 of one column, (stop - start,): numbers or truth values of its own type where
        none is missing, else floats with NaN or objects with None; or objects: text, None where missing. The column is
        of width 1, with a `kind` or `Field.is_text`.
        """
        if self.fields[column].kind is not None:
            numbers, valid = self._column(column, start, stop)
            if valid is None:
                return numbers[:, 0]
            if numbers.dtype.kind == "f":
                return np.where(valid[:, 0], numbers[:, 0], np.nan)
            objects = numbers[:, 0].astype(object)
            objects[~valid[:, 0]] = None
            return objects
        if not self._struct:
            return self._text(self._array, self.fields[0], int(self._array.offset) + start, stop - start)
        child = self._array.children[column].contents
        begin = int(self._array.offset) + int(child.offset)
        return self._text(child, self.fields[column], begin + start, stop - start)

    def coded(self, column: int, start: int, stop: int) -> Coded | None:
        """Return rows start .. stop - 1 of a column of text or of a dictionary; None of one of numbers, or of few rows
        of text, which are as soon read one by one.
        """
        field = self.fields[column]
        array = self._array.children[column].contents if self._struct else self._array
        begin, count = int(array.offset) + start + (int(self._array.offset) if self._struct else 0), stop - start
        if field.kind is not None or (field.entries is None and count < CODED):
            return None
        known = np.zeros(0, np.bool_)
        if array.null_count and array.buffers[0]:
            known = self._bits(array.buffers[0], begin, count)
        if field.entries is None:
            return self._numbered(array, field, begin, known, count)
        kind = np.dtype(field.indices)
        codes = self._memory(array.buffers[1], begin * kind.itemsize, count * kind.itemsize).view(kind).astype(np.int64)
        if column not in self._entries:
            entries = array.dictionary.contents
            inner = RecordBatch(entries, (field.entries,), struct=False, owner=self)
            self._entries[column] = inner.values(0, 0, len(inner)).tolist()
        return Coded(self._entries[column], np.where(known, codes, -1) if known.size else codes)

    def _numbered(self, array: Any, field: Field, begin: int, known: NDArray[np.bool_], count: int) -> Coded:
        """Text coded by a kernel."""
        from lutsmith.kernels.engine import texts  # compiled code: only for many rows

        codes, room = np.empty(count, np.int32), 1 << 8
        while True:
            addresses, lengths = np.empty((2, min(room, count)), np.int64)
            found = np.full(2 * room, texts.EMPTY, np.int32), addresses, lengths
            if field.format == "vu":
                buffers = np.array([array.buffers[place] or 0 for place in range(2, array.n_buffers - 1)], np.int64)
                number = texts.of_views(int(array.buffers[1]) + 16 * begin, buffers, known, codes, *found)
            else:
                kind = np.dtype("i4" if field.format == "u" else "i8")
                ends = self._memory(array.buffers[1], begin * kind.itemsize, (count + 1) * kind.itemsize).view(kind)
                number = texts.of_offsets(int(array.buffers[2] or 0), ends, known, codes, *found)
            if number >= 0:
                break
            room *= 16
        each = zip(addresses[:number].tolist(), lengths[:number].tolist(), strict=True)
        return Coded([ctypes.string_at(at, length).decode("utf-8", "replace") for at, length in each], codes)

    def _text(self, array: Any, field: Field, begin: int, count: int) -> NDArray[Any]:
        """Objects (count,) of an array of text from its slot `begin` on: text, numbers of a dictionary, or None."""
        result = np.empty(count, object)
        if array.null_count and array.buffers[0]:
            known = np.flatnonzero(self._bits(array.buffers[0], begin, count))
        else:
            known = np.arange(count)
        if field.entries is not None:
            codes = np.dtype(field.indices)
            chosen = self._memory(array.buffers[1], begin * codes.itemsize, count * codes.itemsize).view(codes)[known]
            entries = array.dictionary.contents
            inner = RecordBatch(entries, (field.entries,), struct=False, owner=self)
            result[known] = inner.values(0, 0, len(inner)).astype(object)[chosen]
        elif field.format == "vu":
            for place in known.tolist():
                result[place] = self._viewed(array, begin + place)
        else:
            kind = np.dtype("i4" if field.format == "u" else "i8")
            ends = self._memory(array.buffers[1], begin * kind.itemsize, (count + 1) * kind.itemsize).view(kind)
            if count:
                first = int(ends[0])
                data = self._memory(array.buffers[2], first, int(ends[-1]) - first).tobytes()
                bounds = (ends - first).tolist()
                for place in known.tolist():
                    result[place] = data[bounds[place] : bounds[place + 1]].decode("utf-8", "replace")
        return result

    def _viewed(self, array: Any, slot: int) -> str:
        """One text of a view: within its 16 bytes, or in one of the buffers behind the first two."""
        view = self._memory(array.buffers[1], 16 * slot, 16)
        length, _, buffer, offset = view.view("<i4").tolist()
        data = view[4 : 4 + length] if length <= 12 else self._memory(array.buffers[2 + buffer], offset, length)
        return data.tobytes().decode("utf-8", "replace")

    def _column(self, column: int, start: int, stop: int) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        """Values (n, width) of one column, and which of them are valid; None: all."""
        if not self._struct:
            return self._values(self._array, self.fields[0], start, stop)
        begin = int(self._array.offset)
        child = self._array.children[column].contents
        return self._values(child, self.fields[column], begin + start, begin + stop)

    def _values(self, array: Any, field: Field, start: int, stop: int) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        begin, count = int(array.offset) + start, stop - start
        valid: NDArray[np.bool_] | None = None
        if field.format == "n":
            return np.zeros((count, 1), np.float32), np.zeros((count, 1), np.bool_)
        if array.null_count and array.buffers[0]:
            bits = self._bits(array.buffers[0], begin, count)
            valid = None if bits.all() else bits
        if field.child is not None:
            size = int(field.format[3:])
            inner, known = self._values(array.children[0].contents, field.child, begin * size, (begin + count) * size)
            inner = inner.reshape(count, field.width)
            if valid is None:
                return inner, None if known is None else known.reshape(inner.shape)
            known = np.ones(inner.shape, np.bool_) if known is None else known.reshape(inner.shape)
            return inner, known & valid[:, None]
        if field.kind == "b":
            values: NDArray[Any] = self._bits(array.buffers[1], begin, count)[:, None]
        else:
            dtype = np.dtype(field.kind)
            item = dtype.itemsize * field.width
            flat = self._memory(array.buffers[1], begin * item, count * item).view(dtype)
            values = flat.reshape(count, field.width)
        return values, None if valid is None else np.broadcast_to(valid[:, None], values.shape)

    def _bits(self, address: int, begin: int, count: int) -> NDArray[np.bool_]:
        packed = self._memory(address, begin // 8, (begin + count + 7) // 8 - begin // 8)
        first = begin % 8
        return np.unpackbits(packed, bitorder="little")[first : first + count].view(np.bool_)

    def _memory(self, address: int | None, offset: int, size: int) -> NDArray[np.uint8]:
        """Bytes of a buffer, which keep the batch alive."""
        if size == 0 or not address:
            return np.zeros(size, np.uint8)
        return np.asarray(_Memory(address + offset, size, self))


class _Memory:
    """Foreign bytes as NumPy asks for them; the array made of them keeps `owner`."""

    def __init__(self, address: int, size: int, owner: object) -> None:
        self.owner = owner
        self.__array_interface__ = {"shape": (size,), "typestr": "|u1", "data": (address, True), "version": 3}


def stream_batches(source: Any) -> Iterator[RecordBatch]:
    """Record batches of an object with `__arrow_c_stream__`, one after the other.

    Raises:
        OSError: the stream breaks off, with its message.
    """
    capsule = source.__arrow_c_stream__()
    address = _pointer(capsule, b"arrow_array_stream")
    stream = _Stream.from_address(address)
    schema = _Schema()
    try:
        _checked(stream, address, stream.get_schema(address, ctypes.addressof(schema)))
        fields, struct = _fields(schema)
        while True:
            array = _Array()
            _checked(stream, address, stream.get_next(address, ctypes.addressof(array)))
            if not array.release:
                return
            yield RecordBatch(array, fields, struct)
    finally:
        _release(schema)
        _release(stream)  # the capsule would do so later: files are closed as soon as nobody reads on


def array_batch(source: Any) -> RecordBatch:
    """The one record batch of an object with `__arrow_c_array__`."""
    schema_capsule, array_capsule = source.__arrow_c_array__()
    fields, struct = _fields(_Schema.from_address(_pointer(schema_capsule, b"arrow_schema")))
    array = _Array.from_address(_pointer(array_capsule, b"arrow_array"))
    return RecordBatch(array, fields, struct, owner=array_capsule)  # the capsule releases it


def _fields(schema: Any) -> tuple[tuple[Field, ...], bool]:
    if schema.format == b"+s":
        return tuple(Field(schema.children[place].contents) for place in range(schema.n_children)), True
    return (Field(schema),), False


def _checked(stream: Any, address: int, code: int) -> None:
    if code:
        message = stream.get_last_error(address)
        raise OSError(code, f"the Arrow stream broke off: {message.decode(errors='replace') if message else code}")


def _release(structure: Any) -> None:
    """Give a structure back to who made it, once."""
    if structure.release:
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(structure.release)(ctypes.addressof(structure))


def _pointer(capsule: object, name: bytes) -> int:
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return int(get(capsule, name))
