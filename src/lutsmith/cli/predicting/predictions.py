"""The results of a method for the samples of a file, batch by batch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lutsmith.circuit import Circuit
    from lutsmith.data import Reading

BATCH = 65_536
"""Samples at a time, at most."""
COLUMNAR = (".parquet", ".pq", ".feather", ".arrow")
"""The endings of files that pyarrow reads."""
METHODS = ("predict", "decision_function", "outputs")


class Predictions:
    """The results of a method for the samples of a file, batch by batch.

    Attributes:
        method: whose results they are.
        groups: the columns that they make.
        names: of the samples, where they are images of a folder; else None.
        count: samples so far.
        seconds: spent so far on prediction, reading and writing left out where they can be told apart.
    """

    def __init__(self, circuit: Circuit, samples: Path, method: str, reading: Reading, batch: int = BATCH) -> None:
        from lutsmith.cli.columns import column_groups
        from lutsmith.data.images.png import png_names

        self.method, self.count, self.seconds = method, 0, 0.0
        self.groups = column_groups(circuit, method)
        self.names = png_names(samples) if samples.is_dir() else None
        self._circuit, self._samples, self._reading, self._batch = circuit, samples, reading, batch
        self._begun = 0.0

    def __iter__(self) -> Iterator[Any]:
        from lutsmith.cli.columns import size

        method, some = cast("Any", self.method), False
        for batch in self._circuit.predict_batches(self._source(), batch=self._batch, method=method):
            self.seconds += time.perf_counter() - self._begun
            self.count += size(batch)
            some = True
            yield batch
            self._begun = time.perf_counter()
        if not some:  # a Parquet file without rows: the file of its predictions has columns too
            shape = (0, *self._circuit.input_shape)
            yield from self._circuit.predict_batches(np.zeros(shape, np.float32), method=method)

    def names_of(self, answer: Any) -> list[str]:
        """The names of the samples of the batch that came last."""
        from lutsmith.cli.columns import size

        return [] if self.names is None else self.names[self.count - size(answer) : self.count]

    def _source(self) -> Any:
        if self._samples.suffix.lower() in COLUMNAR:
            self._begun = time.perf_counter()
            return self._samples
        return self._batches()

    def _batches(self) -> Iterator[NDArray[Any]]:
        from lutsmith.circuit.rows import NOT_EXACT
        from lutsmith.data import sample_batches
        from lutsmith.data.images.png import is_png, png_batches

        shape = self._circuit.input_shape
        found: Iterator[NDArray[Any]]
        if is_png(self._samples):
            found = png_batches(self._samples, shape, self._batch, self.names)
        else:
            found = sample_batches(self._samples, self._batch, self._circuit.schema, self._reading)
        for batch in found:
            self._begun = time.perf_counter()
            words = self._circuit.words
            if words is not None and words.formats.is_long and batch.dtype == "f4" and self._samples.suffix != ".npy":
                raise ValueError(NOT_EXACT)
            yield _shaped(batch, shape)


def _shaped(samples: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return samples in the model's shape where they differ from it by axes of size 1 alone, such as the channel's."""
    if [size for size in samples.shape[1:] if size != 1] == [size for size in shape if size != 1]:
        return samples.reshape(len(samples), *shape)
    return samples
