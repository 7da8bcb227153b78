"""PLA, the tables of Espresso, of the types `fr` and `fd`, plain or gzipped, read strictly.

A row is a cube: 0, 1 or - (any value) for each input, then a mark for each output. In type `fr` a 1 says that the
output is 1 on the cube, a 0 that it is 0, and a - nothing. In type `fd`, the default, a 1 says that it is 1, a - that
it does not matter, and a 0 nothing: the output is 0 unless a row says otherwise.

Source: R. Rudell, the manual page espresso(5), Berkeley, 1988.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.data.dataset import DataError
from lutsmith.ground.arguments import one_of
from lutsmith.ground.arrays import booleans, frozen, integers
from lutsmith.ground.atomic import write_atomically

TYPES = ("fr", "fd")
ANY = 2
"""A - in the arrays of a `Pla`."""

MAX_COLUMNS = 1 << 16
MAX_BYTES = 1 << 28
"""Of text: a small gzipped file may promise any amount."""

_MARKS = np.full(256, 255, np.uint8)
_MARKS[np.frombuffer(b"01-2", np.uint8)] = [0, 1, ANY, ANY]


@dataclass(frozen=True)
class Pla:
    """A table of cubes.

    Attributes:
        inputs: uint8 (R, I), 0, 1 or 2, which is -.
        outputs: uint8 (R, O), the same.
        type: "fr" or "fd"; what the marks of the outputs mean.
        input_names: I names, or None.
        output_names: O names, or None.
    """

    inputs: NDArray[np.uint8]
    outputs: NDArray[np.uint8]
    type: str = "fr"
    input_names: tuple[str, ...] | None = None
    output_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        one_of("type", self.type, TYPES)
        for name in ("inputs", "outputs"):
            values = np.asarray(getattr(self, name))
            if values.ndim != 2 or not 1 <= values.shape[1] <= MAX_COLUMNS:
                raise ValueError(f"{name} has shape {values.shape}, expected (rows, 1 to {MAX_COLUMNS} columns)")
            object.__setattr__(
                self, name, frozen(integers(name, values, low=0, high=3).reshape(values.shape), np.uint8)
            )
        if len(self.inputs) != len(self.outputs):
            raise ValueError(f"inputs has {len(self.inputs)} rows, outputs has {len(self.outputs)}")
        for name, names, count in (
            ("input_names", self.input_names, self.inputs.shape[1]),
            ("output_names", self.output_names, self.outputs.shape[1]),
        ):
            if names is not None and (len(names) != count or any(len(each.split()) != 1 for each in names)):
                raise ValueError(f"{name} is {names!r}, expected {count} words")

    def examples(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return the rows as samples, bool (R, I) and (R, O), where each row is one sample and gives all outputs.

        Raises:
            ValueError: a row has a -, or the type is fd, whose rows are cubes of a function and not samples.
        """
        if self.type != "fr":
            raise ValueError("a PLA of type fd has no examples, its rows are a function: values(X) evaluates it")
        free = (self.inputs == ANY).any(axis=1) | (self.outputs == ANY).any(axis=1)
        if free.any():
            raise ValueError(f"row {free.argmax()} has a -, expected 0 or 1 everywhere: values(X) reads cubes")
        return self.inputs == 1, self.outputs == 1

    def values(self, X: ArrayLike) -> NDArray[np.uint8]:
        """Return the outputs of samples (N, I) according to the table: uint8 (N, O), 0, 1, or 2 where it says nothing
        or "any".

        Raises:
            ValueError: X has another shape; or rows of a table `fr` say both 0 and 1 of a sample.
        """
        samples = booleans("X", X)
        if samples.ndim != 2 or samples.shape[1] != self.inputs.shape[1]:
            raise ValueError(f"X has shape {samples.shape}, expected (samples, {self.inputs.shape[1]})")
        said = np.zeros((3, len(samples), self.outputs.shape[1]), np.bool_)
        for cube, marks in zip(self.inputs, self.outputs, strict=True):
            fixed = cube != ANY
            rows = (samples[:, fixed] == cube[fixed]).all(axis=1)
            for mark in range(3):
                said[mark] |= rows[:, None] & (marks == mark)
        if self.type == "fd":
            return np.where(said[1], 1, np.where(said[ANY], ANY, 0)).astype(np.uint8)
        if (both := said[0] & said[1]).any():
            sample, output = np.argwhere(both)[0]
            raise ValueError(f"the table says both 0 and 1 of output {output} for sample {sample}")
        return np.where(said[0], 0, np.where(said[1], 1, ANY)).astype(np.uint8)


def read_pla(path: str | os.PathLike[str]) -> Pla:
    """Return the table of a PLA file, plain or gzipped, which is recognized by its first bytes, not by its name.

    Raises:
        DataError: the file is missing, unreadable, damaged, cut off (it has neither the end mark .e nor as many rows as
            .p says), longer than 256 MB of text, or not PLA of type fr or fd; the message names the line.
    """
    path = Path(path)
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            content = (gzip.GzipFile(fileobj=raw) if zipped else raw).read(MAX_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: damaged gzip data ({error}); fetch the file again") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    if len(content) > MAX_BYTES:
        raise DataError(f"{path}: more than {MAX_BYTES:,} bytes of text")
    try:
        return _Reader(content).table()
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def write_pla(path: str | os.PathLike[str], table: Pla) -> None:
    """Write a table; gzipped where the name ends in .gz. `read_pla` gives an equal table back."""
    path = Path(path)
    inputs, outputs = table.inputs, table.outputs
    lines = [f".i {inputs.shape[1]}", f".o {outputs.shape[1]}"]
    for key, names in ((".ilb", table.input_names), (".ob", table.output_names)):
        lines += [f"{key} {' '.join(names)}"] if names else []
    lines += [f".p {len(inputs)}", f".type {table.type}", ""]
    text = np.full((len(inputs), inputs.shape[1] + outputs.shape[1] + 2), ord(" "), np.uint8)
    marks = np.frombuffer(b"01-", np.uint8)
    text[:, : inputs.shape[1]] = marks[inputs]
    text[:, inputs.shape[1] + 1 : -1] = marks[outputs]
    text[:, -1] = ord("\n")
    content = "\n".join(lines).encode() + text.tobytes() + b".e\n"
    write_atomically(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


class _Reader:
    """The lines of one file, told apart."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.sizes: dict[str, int] = {}
        self.names: dict[str, tuple[str, ...]] = {}
        self.type: str | None = None
        self.rows: list[bytes] = []
        self.ended = False

    def table(self) -> Pla:
        for number, words in self.lines():
            try:
                if words[0].startswith(b"."):
                    self.command(words[0].decode("ascii", "replace"), words[1:])
                else:
                    self.row(words)
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from error
        if not self.sizes.keys() >= {".i", ".o"}:
            raise ValueError("not PLA: it has no .i and .o")
        if self.sizes.get(".p", len(self.rows)) != len(self.rows):
            raise ValueError(f"{len(self.rows):,} rows, .p says {self.sizes['.p']:,}; the file is cut off or damaged")
        if not self.ended and ".p" not in self.sizes:
            raise ValueError("neither .p nor .e says where it ends; it may be cut off")
        inputs, outputs = self.sizes[".i"], self.sizes[".o"]
        marks = _MARKS[np.frombuffer(b"".join(self.rows), np.uint8)].reshape(len(self.rows), inputs + outputs)
        return Pla(
            marks[:, :inputs], marks[:, inputs:], self.type or "fd", self.names.get(".ilb"), self.names.get(".ob")
        )

    def lines(self) -> Iterator[tuple[int, list[bytes]]]:
        for number, line in enumerate(self.content.split(b"\n"), 1):
            words = line.partition(b"#")[0].replace(b"|", b" ").split()
            if words and self.ended:
                raise ValueError(f"line {number}: text after .e")
            if words:
                yield number, words

    def command(self, name: str, words: list[bytes]) -> None:
        if name in (".e", ".end") and not words:
            self.ended = True
        elif name in (".i", ".o", ".p") and name not in self.sizes:
            if len(words) != 1 or not words[0].isdigit() or len(words[0]) > 12:
                raise ValueError(f"{name} needs one whole number")
            size = int(words[0])
            if name != ".p" and not 1 <= size <= MAX_COLUMNS:
                raise ValueError(f"{name} is {size:,}, expected 1 to {MAX_COLUMNS:,}")
            if name != ".p" and self.rows:
                raise ValueError(f"{name} comes after rows")
            self.sizes[name] = size
        elif name == ".type" and self.type is None and not self.rows:
            self.type = one_of(".type", b" ".join(words).decode("ascii", "replace"), TYPES)
        elif name in (".ilb", ".ob") and name not in self.names:
            count = self.sizes.get(".i" if name == ".ilb" else ".o")
            if count is None or len(words) != count:
                raise ValueError(f"{name} has {len(words):,} names, expected {count or 'its size before it'}")
            self.names[name] = tuple(word.decode("utf-8") for word in words)
        else:
            raise ValueError(f"{name[:20]} is unknown, stands twice, or comes after rows")

    def row(self, words: list[bytes]) -> None:
        if not self.sizes.keys() >= {".i", ".o"}:
            raise ValueError("a row before .i and .o: not PLA")
        inputs, outputs = self.sizes[".i"], self.sizes[".o"]
        if [len(word) for word in words] != [inputs, outputs] or words[0].strip(b"01-2") or words[1].strip(b"01-2"):
            found = " and ".join(f"{len(word):,}" for word in words)
            raise ValueError(f"a row of {found} marks, expected {inputs:,} and {outputs:,} of 0, 1 and -")
        self.rows.append(words[0] + words[1])
