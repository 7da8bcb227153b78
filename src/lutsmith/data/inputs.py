"""Samples without labels, as `lutsmith predict` reads them: `.npy`, `.npz`, text or IDX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.tabular import Schema
from lutsmith.data.archive import read_npz, read_npz_table
from lutsmith.data.dataset import DataError, MissingDataError
from lutsmith.data.images.idx import read_idx
from lutsmith.data.tables.text import AS_FOUND, Reading, text_batches

_TEXT = (".csv", ".csv.gz", ".tsv", ".tsv.gz")


def read_samples(path: str | PathLike[str], schema: Schema | None = None, reading: Reading = AS_FOUND) -> NDArray[Any]:
    """Return the samples of a file, `(N, ...)`; the ending of the name decides the format.

    `.npy`: memory-mapped. `.npz`: the array `X` or `x`, else the only array, else the columns by name.
    `.csv`, `.tsv`, gzipped or not: the model's columns, by name where the file has a header. `.idx`, `.idx.gz`,
    `-ubyte`, `-ubyte.gz`: IDX.

    Args:
        path: the file.
        schema: what the model knows of its table (`circuit.schema`): names, categories, how numbers are written.
        reading: of a text file, whether it has a header, and the delimiter.

    Raises:
        MissingDataError: the file is missing, or a folder.
        DataError: it is damaged, of an unknown ending, or holds no numeric samples.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingDataError(
            f"{path} {'is a folder' if path.is_dir() else 'does not exist'}; expected a file of samples"
        )
    name = path.name.lower()
    if name.endswith(".npy"):
        return _read_npy(path)
    if name.endswith(".npz"):
        return _read_npz_samples(path, schema.names if schema else None)
    if name.endswith(_TEXT):
        return np.concatenate(list(text_batches(path, 1 << 14, schema, reading)))
    if name.removesuffix(".gz").endswith((".idx", "-ubyte")):
        samples = read_idx(path)
        if samples.ndim < 2:
            raise DataError(f"{path}: shape {samples.shape}, such as labels have; expected samples (N, ...)")
        return samples
    raise DataError(f"{path}: unknown kind of file; expected .npy, .npz, .csv, .tsv, .idx or .idx.gz (or -ubyte.gz)")


def sample_batches(
    path: str | PathLike[str], batch: int, schema: Schema | None = None, reading: Reading = AS_FOUND
) -> Iterator[NDArray[Any]]:
    """Yield the samples of a file, `(n, ...)` with n <= `batch`: text row by row, `.npy` mapped, else read as a whole.

    Arguments and errors are those of `read_samples`; an error in a row is raised when the row is reached.
    """
    path = Path(path)
    if path.is_file() and path.name.lower().endswith(_TEXT):
        yield from text_batches(path, batch, schema, reading)
        return
    samples = read_samples(path, schema, reading)
    for start in range(0, max(1, len(samples)), batch):
        yield samples[start : start + batch]


def _read_npy(path: Path) -> NDArray[Any]:
    try:
        samples: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # NumPy's header parser raises what its parts do: SyntaxError, TokenError ...
        raise DataError(f"{path}: not a sound .npy file of numbers ({' '.join(str(error).split())})") from error
    if samples.dtype.kind not in "biuf" or samples.ndim < 2:
        raise DataError(f"{path}: {samples.dtype} values of shape {samples.shape}; expected numbers (N, ...)")
    return samples


def _read_npz_samples(path: Path, feature_names: Sequence[str] | None) -> NDArray[Any]:
    arrays = read_npz(path)
    if len(arrays) == 1 and not {"X", "x"} & arrays.keys():
        ((name, samples),) = arrays.items()
        if samples.dtype.kind not in "biuf" or samples.ndim < 2:
            raise DataError(f"{path}: {name} is {samples.dtype} of shape {samples.shape}; expected numbers (N, ...)")
        return samples
    return read_npz_table(path, columns=feature_names).x
