"""The folder of predictions: whose they are, which parts are whole, and who is at work on which.

All of this stands in `_lutsmith/`, which readers of data sets pass over:

- `manifest.json`: the model, by a checksum of its file, and the options; a folder holds the results of one of each;
- `lock`: held by every process that writes to the folder;
- `parts/NAME.json`: of each part its source, by size and time, and how long its predictions are. The process that
  predicts a part holds the lock of this file, so two never predict the same one, and a process that is killed lets go
  of it. Where a file system has no locks, both may: the files are the same, and each is moved into place whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lutsmith.cli.predicting.parts import InputPart
from lutsmith.ground.atomic import remove_leftovers
from lutsmith.ground.locks import lock

_OWN = "_lutsmith"
_VERSION = 1
_WORDS = {"method": "--method", "format": "--format", "header": "--header", "delimiter": "--delimiter"}


@dataclass(frozen=True)
class PartOptions:
    """What decides the predictions besides the model and the parts: the options of the command."""

    method: str = "predict"
    format: str | None = None
    header: bool | None = None
    delimiter: str | None = None


class PartsFolder:
    """A folder that predictions go to.

    Args:
        path: the folder; `prepare` makes it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._own = path / _OWN

    def prepare(self, model: Path, options: PartOptions, parts: list[InputPart]) -> None:
        """Make the folder, or see that it holds results of this model and these options.

        Raises:
            ValueError: it holds those of others, or files that are not results and have the names of some.
            OSError: it cannot be made or written to.
        """
        wanted = {"version": _VERSION, "model": _checksum(model), **options.__dict__}
        self.path.mkdir(exist_ok=True)
        manifest = self._own / "manifest.json"
        if not manifest.exists():
            for part in parts:
                if os.path.lexists(self.path / part.target) and not manifest.exists():  # nor has one begun by now
                    raise ValueError(
                        f"{self.path / part.target} is in the way, and not a result of this command: give OUT another "
                        "folder"
                    )
            (self._own / "parts").mkdir(parents=True, exist_ok=True)
            _create(manifest, json.dumps(wanted, indent=1).encode())
        try:
            found = json.loads(manifest.read_bytes())
            if not isinstance(found, dict) or found.get("version") != _VERSION:
                raise ValueError
        except ValueError:
            raise ValueError(
                f"{manifest} is damaged, or of another version of lutsmith: give OUT another folder"
            ) from None
        if found.get("model") != wanted["model"]:
            raise ValueError(f"{self.path} holds the predictions of another model: give OUT another folder")
        for name, option in _WORDS.items():
            if found.get(name) != wanted[name]:
                raise ValueError(
                    f"{self.path} holds predictions with {option} {_shown(found.get(name))}, and not "
                    f"{_shown(wanted[name])}: give OUT another folder"
                )

    @contextlib.contextmanager
    def presence(self) -> Iterator[None]:
        """Tell others that somebody writes to the folder; where nobody else does, before and after, remove what killed
        processes have left.
        """
        with (self._own / "lock").open("ab") as file:
            self._tidy(file.fileno())
            lock(file.fileno(), shared=True, wait=True)  # others hold it alone for moments only
            try:
                yield
            finally:
                self._tidy(file.fileno())

    def _tidy(self, file: int) -> None:
        if not lock(file, without=False):  # without locks nobody knows whether others are at work
            return
        for folder, _, _ in os.walk(self.path):
            with contextlib.suppress(OSError):
                remove_leftovers(Path(folder))

    def target(self, part: InputPart) -> Path:
        """Return the file for a part's predictions, and make the folders above it.

        Raises:
            ValueError: a link leads out of the folder.
        """
        path = self.path / part.target
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.path)):
            raise ValueError(f"{path} leads out of {self.path}, by a link: remove the link")
        return path

    @contextlib.contextmanager
    def claimed(self, part: InputPart) -> Iterator[Claim | None]:
        """Hold a part in a `with` block; None where another process does."""
        path = self._own / "parts" / f"{part.target}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            yield Claim(file) if lock(file) else None
        finally:
            os.close(file)


class Claim:
    """The record of a part, while a process holds it.

    Attributes:
        record: what it says; {} before a part is begun for the first time.
    """

    def __init__(self, file: int) -> None:
        self._file = file
        data = os.read(file, 1 << 20)
        self.record: dict[str, Any] = {}
        if data:
            try:
                found = json.loads(data)
            except ValueError:
                found = None
            self.record = found if isinstance(found, dict) and found else {"begun": True}

    def write(self, record: dict[str, Any]) -> None:
        """Write what is so now; it is on the disk before this returns."""
        data = json.dumps(record).encode()
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, data)  # before the file is cut: at no moment is it empty again
        os.ftruncate(self._file, len(data))
        os.fsync(self._file)
        self.record = record


def stamp(source: Path) -> dict[str, Any]:
    """Return what tells whether a file is still the same."""
    found = source.stat()
    return {"source": str(source), "size": found.st_size, "mtime_ns": found.st_mtime_ns}


def _create(path: Path, data: bytes) -> None:
    """Write a file whole, unless another process has just done so."""
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        temporary.write_bytes(data)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
        except (OSError, AttributeError):  # a file system without links
            if not path.exists():
                temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _shown(value: object) -> str:
    return {None: "as it is by default", True: "on", False: "off"}.get(value, repr(value))  # type: ignore[call-overload, no-any-return]
