"""Whether a stream of Arrow's IPC format is compressed: a small one could become gigabytes.

A stream is a sequence of messages: the marker 0xFFFFFFFF, the length of the metadata as int32, the metadata, and a body
of the length that these state. The metadata are a FlatBuffer of the table `Message` (Message.fbs of Arrow), whose
header, for batches of rows or of a dictionary, is a table with an entry `compression`. pyarrow reads streams, but does
not say which of them are compressed before it has allocated what they say that they become.
"""

from __future__ import annotations

import struct

_MARKER = 0xFFFFFFFF
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3
_HEADER_TYPE, _HEADER, _BODY_LENGTH = 1, 2, 3  # the fields of Message, by number
_DATA, _COMPRESSION = 1, 3  # of DictionaryBatch, of RecordBatch


def is_compressed(stream: bytes | bytearray) -> bool:
    """Return whether a message of a stream has compressed buffers. Where the stream breaks off, so does the search:
    pyarrow says what is wrong with it.

    Raises:
        ValueError: the metadata of a message point outside of it.
    """
    try:
        return _search(stream)
    except struct.error:
        raise ValueError("its metadata are damaged") from None


def _search(stream: bytes | bytearray) -> bool:
    place = 0
    while place + 8 <= len(stream):
        length: int
        marker, length = struct.unpack_from("<Ii", stream, place)
        if marker != _MARKER:  # of versions before 0.15
            length, place = struct.unpack_from("<i", stream, place)[0], place + 4
        else:
            place += 8
        if length <= 0 or place + length > len(stream):
            return False
        message = _Table.root(stream, place, place + length)
        kind, header = message.number(_HEADER_TYPE, "<B"), message.table(_HEADER)
        if kind == _DICTIONARY and header is not None:
            header = header.table(_DATA)
        if kind in (_DICTIONARY, _BATCH) and header is not None and header.has(_COMPRESSION):
            return True
        body = message.number(_BODY_LENGTH, "<q")
        if body < 0:
            raise ValueError("the length of a body is negative")
        place += length + body
    return False


class _Table:
    """A table of a FlatBuffer that lies in `data` up to `end`."""

    def __init__(self, data: bytes | bytearray, place: int, end: int) -> None:
        self._data, self._place, self._end = data, place, end
        self._fields = place - self._read("<i", place)
        self._size = self._read("<H", self._fields)

    @classmethod
    def root(cls, data: bytes | bytearray, start: int, end: int) -> _Table:
        return cls(data, start + struct.unpack_from("<I", data, start)[0], end)

    def has(self, field: int) -> bool:
        return self._offset(field) != 0

    def number(self, field: int, form: str) -> int:
        offset = self._offset(field)
        return self._read(form, self._place + offset) if offset else 0

    def table(self, field: int) -> _Table | None:
        offset = self._offset(field)
        if not offset:
            return None
        place = self._place + offset
        return _Table(self._data, place + self._read("<I", place), self._end)

    def _offset(self, field: int) -> int:
        slot = 4 + 2 * field
        return self._read("<H", self._fields + slot) if slot + 2 <= self._size else 0

    def _read(self, form: str, place: int) -> int:
        if place < 0 or place + struct.calcsize(form) > self._end:
            raise ValueError("its metadata are damaged")
        value: int = struct.unpack_from(form, self._data, place)[0]
        return value
