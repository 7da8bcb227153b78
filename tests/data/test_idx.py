"""IDX: what is written is what is read, and whatever else is in the file is one clear error."""

from __future__ import annotations

import contextlib
import gzip
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from lutsmith.data import DataError
from lutsmith.data.images.idx import read_idx

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


def idx_bytes(array: np.ndarray) -> bytes:
    code = CODES[array.dtype.str[1:]]
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    array=st.sampled_from(sorted(CODES)).flatmap(lambda code: arrays(code, array_shapes(min_side=0, max_dims=4))),
    zipped=st.booleans(),
)
def test_every_type_and_shape_reads_back(tmp_path: Path, array: np.ndarray, zipped: bool) -> None:
    file = tmp_path / "array"
    file.write_bytes(gzip.compress(idx_bytes(array), 1) if zipped else idx_bytes(array))
    read = read_idx(file)
    assert read.dtype == array.dtype
    assert read.dtype.isnative
    np.testing.assert_array_equal(read, array)


def test_arrays_are_writable_so_that_torch_can_share_them(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(idx_bytes(IMAGES))
    assert read_idx(tmp_path / "a").flags.writeable


GOOD = idx_bytes(IMAGES)
DAMAGED = {
    "empty": (b"", "not an IDX file"),
    "text": (b"hello, world", "not an IDX file"),
    "unknown type": (b"\0\0\x0a\x01\0\0\0\0", "not an IDX file"),
    "no dimensions": (b"\0\0\x08\0", "not an IDX file"),
    "header cut": (GOOD[:10], "truncated in the header"),
    "values cut": (GOOD[:-1], "truncated: 23 of 24"),
    "trailing byte": (GOOD + b"\0", "bytes after"),
    "huge": (b"\0\0\x0e\x03" + b"\xff" * 12, "more than the file can hold"),
    "huge beside zero": (b"\0\0\x08\x04" + b"\0" * 4 + b"\xff" * 12, "impossible shape|IDX"),
    "gzip cut": (gzip.compress(GOOD)[:-9], "damaged gzip|truncated"),
    "gzip checksum": (gzip.compress(GOOD)[:-8] + b"\1" * 8, "damaged gzip"),
    "gzip of text": (gzip.compress(b"hello"), "not an IDX file"),
    "gzip values cut": (gzip.compress(GOOD[:-1]), "truncated: 23 of 24"),
    "gzip trailing": (gzip.compress(GOOD + b"\0"), "bytes after"),
    "gzip huge": (gzip.compress(b"\0\0\x08\x03" + b"\xff" * 12), "more than the file can hold"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_files_are_one_clear_error(tmp_path: Path, case: str) -> None:
    content, message = DAMAGED[case]
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(DataError, match=message) as raised:
        read_idx(tmp_path / "bad")
    assert "\n" not in str(raised.value)
    assert str(tmp_path / "bad") in str(raised.value)


def test_missing_files_and_folders_are_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_idx(tmp_path / "none")
    with pytest.raises(DataError, match="directory"):
        read_idx(tmp_path)


def test_a_gzip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    content = b"\0\0\x08\x01" + struct.pack(">I", 4) + bytes(200 << 20)
    (tmp_path / "bomb").write_bytes(gzip.compress(content, 9))
    start = time.process_time()
    with pytest.raises(DataError, match="bytes after"):
        read_idx(tmp_path / "bomb")
    assert time.process_time() - start < 0.5


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), zipped=st.booleans())
def test_any_change_of_a_file_reads_or_is_a_data_error(tmp_path: Path, data: st.DataObject, zipped: bool) -> None:
    content = bytearray(gzip.compress(GOOD) if zipped else GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    file = tmp_path / "fuzzed"
    file.write_bytes(bytes(content[:cut]) + data.draw(st.binary(max_size=8)))
    with contextlib.suppress(DataError):
        read_idx(file)
