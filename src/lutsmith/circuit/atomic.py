"""Files are replaced whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def write_atomically(path: str | os.PathLike[str], data: bytes | Callable[[BinaryIO], object]) -> None:
    """Write `data`, or what `data(file)` writes, to `path`: whole or not at all.

    A reader, a crash or a full disk meets the old file or the new one, never a part. The bytes go to a temporary name
    in the same folder, reach the disk, and are moved into place. A symbolic link keeps pointing at the file that is
    replaced; the file keeps its permissions. On an error the old file is untouched and the temporary one is gone. What
    is no file, such as /dev/null or a pipe, is written to and stays.

    Raises:
        IsADirectoryError, FileNotFoundError: `path` is a folder, or its folder does not exist.
        OSError: the disk is full, or the folder may not be written to.
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
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            error.filename = str(target)  # a full disk does not say for which file it was full
        raise
    with contextlib.suppress(OSError):  # the move itself reaches the disk, where a folder can be opened for that
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _write(file: BinaryIO, data: bytes | Callable[[BinaryIO], object]) -> None:
    if callable(data):
        data(file)
    else:
        file.write(data)
