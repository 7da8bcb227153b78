"""Files are replaced whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

FULL = (errno.ENOSPC, errno.EFBIG, *([errno.EDQUOT] if hasattr(errno, "EDQUOT") else []))
"""What a write fails with where a disk is full, or a file or a user may not have more."""

_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.tmp")


def write_atomically(
    path: str | os.PathLike[str], data: bytes | Callable[[BinaryIO], object], *, twice: bool = False
) -> None:
    """Write `data`, or what `data(file)` writes, to `path`: whole or not at all. `twice` says that `data` may be called
    a second time, to count what did not fit on a full disk.

    A reader, a crash or a full disk meets the old file or the new one, never a part. The bytes go to a temporary name
    in the same folder, reach the disk, and are moved into place. A symbolic link keeps pointing at the file that is
    replaced; the file keeps its permissions. On an error the old file is untouched and the temporary one is gone. What
    is not a file, such as /dev/null or a pipe, is written to and stays.

    Raises:
        IsADirectoryError, FileNotFoundError: `path` is a folder, or its folder does not exist.
        OSError: the disk is full (the message says how much is needed and how much is free), or the folder may not be
            written to.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the name of a file in it")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: there is no folder {target.parent}, create it first")
    if target.exists() and not target.is_file():
        with target.open("wb") as device:
            _write(device, data)
        return
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            _write(file, data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in FULL:
            raise out_of_space(error, target, None if callable(data) and not twice else _size(data)) from error
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            error.filename = str(target)
        raise
    with contextlib.suppress(OSError):  # the move itself reaches the disk, where a folder can be opened for that
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def out_of_space(error: OSError, path: Path, size: int | None) -> OSError:
    """Return an error that says what a full disk does not: for which file it was full, and how much that needs."""
    words = [] if size is None else [f"{size:,} bytes are needed"]
    with contextlib.suppress(OSError):
        words.append(f"{shutil.disk_usage(path.parent).free:,} free")
    reason = os.strerror(error.errno or errno.ENOSPC)
    return OSError(error.errno, f"{reason} ({', '.join(words)})" if words else reason, str(path))


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of writes to a folder that were killed; for a folder that nobody else writes to."""
    for entry in folder.iterdir():
        if _TEMPORARY.fullmatch(entry.name):
            entry.unlink(missing_ok=True)


class _Watched:
    """A file for writers that hide why a write failed: it remembers."""

    def __init__(self, file: BinaryIO | None) -> None:
        self._file = file
        self.size = 0
        self.error: OSError | None = None

    def write(self, part: Any) -> int:
        count = memoryview(part).nbytes
        self.size += count
        if self._file is None:
            return count
        try:
            return self._file.write(part)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _size(data: bytes | Callable[[BinaryIO], object]) -> int | None:
    """Return how many bytes a file takes, by writing them to nowhere; None where that fails."""
    if not callable(data):
        return len(data)
    nowhere = _Watched(None)
    try:
        data(cast("BinaryIO", nowhere))
    except Exception:  # it seeks or reads: the size is left unsaid
        return None
    return nowhere.size


def _write(file: BinaryIO, data: bytes | Callable[[BinaryIO], object]) -> None:
    if not callable(data):
        file.write(data)
        return
    watched = _Watched(file)
    try:
        data(cast("BinaryIO", watched))
    except Exception:
        if watched.error is not None:
            raise watched.error from None
        raise
