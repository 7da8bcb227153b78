"""The models of a server by name, and how a changed file becomes the model that answers.

A model file is looked at by its time, size and place on disk, and read where these changed. If the bytes are others, a
new `LoadedModel` is made beside the one that answers, and takes its place in one assignment; requests that came before
keep the one that they began with. A file that cannot be loaded is refused, and the earlier model goes on.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from lutsmith.circuit import Circuit
from lutsmith.circuit.file import ModelFileError, read_bytes
from lutsmith.ground.printable import printable
from lutsmith.ground.strict_json import brief
from lutsmith.serving.batching import Batcher
from lutsmith.serving.limits import ServerLimits
from lutsmith.serving.loaded import LoadedModel
from lutsmith.serving.metrics import ModelMetrics

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_EXPECTED = "expected up to 64 letters, digits, '_', '-' and '.', a letter or a digit first"


class ServedModel:
    """A name, and the model that answers under it.

    Args:
        name: of the model.
        source: its file, or a circuit, which never changes.
        limits: of the server.

    Attributes:
        current: what answers.
        failure: why the file as it is now is not what answers; None where it is.
        metrics, batcher: of the model; they outlive reloads.

    Raises:
        OSError, ModelFileError: the file cannot be loaded.
    """

    def __init__(self, name: str, source: Path | Circuit, limits: ServerLimits) -> None:
        self.name, self.failure = name, None if isinstance(source, Circuit) else ""
        self.path = None if isinstance(source, Circuit) else source
        self._limits, self._seen, self._lock = limits, self._stamp(), threading.Lock()
        if isinstance(source, Circuit):
            self.current = LoadedModel.of_circuit(source, limits)
        else:
            data = read_bytes(source)
            try:
                self.current = LoadedModel.of_bytes(data, limits)
            except ModelFileError as error:
                raise ModelFileError(f"cannot load {source}: {error}") from error.__cause__
        self.failure = None
        self.metrics = ModelMetrics()
        self.batcher = Batcher(name, limits, self.metrics)

    def refresh(self, *, force: bool = False) -> str | None:
        """Load the file if it changed, and return one line about it; None where nothing changed.

        Args:
            force: whether to read the file even where its time, size and place on disk are the same.
        """
        if self.path is None:
            return None
        with self._lock:
            stamp = self._stamp()
            if stamp == self._seen and not force:
                return None
            self._seen = stamp
            try:
                data = read_bytes(self.path)
                if hashlib.sha256(data).hexdigest() == self.current.version:
                    recovered, self.failure = self.failure is not None, None
                    return f"{self.name}: the file is again what answers" if recovered else None
                self.current = LoadedModel.of_bytes(data, self._limits)
            except Exception as error:  # whatever it is, the earlier model goes on
                before, self.failure = self.failure, printable(brief(error)) or type(error).__name__
                if isinstance(error, OSError):  # it may pass, such as too many open files: the next look reads it again
                    self._seen = None
                    if self.failure == before:
                        return None
                self.metrics.reloads["refused"] += 1
                return f"{self.name}: the new file is refused, the earlier model goes on: {self.failure}"
            self.failure = None
            self.metrics.reloads["loaded"] += 1
            return f"{self.name}: loaded, version {self.current.version[:12]}"

    def _stamp(self) -> tuple[int, ...] | None:
        if self.path is None:
            return None
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


class Catalog(Mapping[str, ServedModel]):
    """The models of a server by name, in order. Which there are never changes.

    Args:
        models: files or circuits by name.
        limits: of the server.

    Raises:
        ValueError: no models, or a name that is not one.
        OSError, ModelFileError: a file cannot be loaded.
    """

    def __init__(self, models: Mapping[str, str | os.PathLike[str] | Circuit], limits: ServerLimits) -> None:
        if not models:
            raise ValueError("models is empty; give at least one model")
        for name in models:
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise ValueError(f"the name of a model is {name!r}; {_EXPECTED}")
        self._models = {
            name: ServedModel(name, source if isinstance(source, Circuit) else Path(source), limits)
            for name, source in models.items()
        }

    def __getitem__(self, name: str) -> ServedModel:
        return self._models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def refresh(self, *, force: bool = False) -> list[str]:
        """Load the files that changed, and return a line about each. It takes its time: call it in a thread."""
        found = [model.refresh(force=force) for model in self.values()]
        return [line for line in found if line is not None]

    def close(self) -> None:
        """Let all threads end."""
        for model in self.values():
            model.batcher.close()


def named_models(given: list[str]) -> dict[str, Path]:
    """Return files by name, of texts such as `runs/mine/adult.lut` or `adult=runs/mine/model.lut`.

    Without a name, the file's own without `.lut` is the name.

    Raises:
        ValueError: a name that is not one, or that is given twice.
    """
    found: dict[str, Path] = {}
    for text in given:
        name, equals, rest = text.partition("=")
        if equals and "/" not in name and os.sep not in name:
            path = Path(rest)
        else:
            path = Path(text)
            name = path.stem
        if not _NAME.fullmatch(name):
            raise ValueError(f"{text!r}: the name of a model is {name!r}; {_EXPECTED}: give NAME=FILE")
        if name in found:
            raise ValueError(
                f"two models have the name {name!r}: {found[name]} and {path}; give one another name, as NAME=FILE"
            )
        found[name] = path
    return found
