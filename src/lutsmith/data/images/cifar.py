"""CIFAR-10: 60,000 colour images of 32 x 32 pixels in ten classes, from any of the forms in which it is distributed.

binary   data_batch_1.bin to data_batch_5.bin, test_batch.bin: a label and 3 x 1,024 bytes an image, red, green, blue
Python   data_batch_1 to data_batch_5, test_batch: pickles of a dict (`pickles.read_pickle`)
npz      cifar10_train.npz, cifar10_test.npz: images `x` or `X`, (N, 3, 32, 32), and labels `y`; or, in the place of
         images, `delta`, (3, N, 32, 32): R - G, G, B - G, each less its left neighbour, and this less that above it,
         modulo 256

Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images, University of Toronto, 2009.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.archive import read_npz
from lutsmith.data.dataset import DataError, Dataset, MissingDataError
from lutsmith.data.folders import DATA_VARIABLE, data_folder
from lutsmith.data.images.pickles import read_pickle

NAME = "cifar-10"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHAPE = (3, 32, 32)
_PIXELS = 3 * 32 * 32
_FOLDERS = ("cifar10", "cifar-10", "CIFAR10", "cifar-10-batches-bin", "cifar-10-batches-py")
_BATCHES = {"train": [f"data_batch_{number}" for number in range(1, 6)], "test": ["test_batch"]}

Part = tuple[NDArray[np.uint8], NDArray[np.int64]]


def load_cifar(data: Path | None = None) -> Dataset:
    """Return both parts: uint8 images `(N, 3, 32, 32)`, red, green, blue, and their class ids.

    `data` and the errors are those of `read_cifar`.
    """
    return Dataset(*read_cifar(data, "train"), *read_cifar(data, "test"), CLASSES, NAME)


def read_cifar(data: Path | None, part: str) -> Part:
    """Return one part: uint8 images `(N, 3, 32, 32)`, red, green, blue, and class ids `(N,)`, in the files' order.

    Args:
        data: the folder with the files, or its parent; None reads the environment variable `LUTSMITH_DATA`.
        part: `train` or `test`.

    Raises:
        DataError: no path is known, files are missing, or one is damaged or not what the task needs.
    """
    files, read = _found(data)
    parts = [_checked(path, *read(path)) for path in files[part]]
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([images for images, _ in parts]), np.concatenate([labels for _, labels in parts])


def check_cifar(data: Path | None) -> None:
    """Raise what `read_cifar` would raise for missing files; nothing is read."""
    _found(data)


def _found(data: Path | None) -> tuple[dict[str, list[Path]], Callable[[Path], tuple[Any, Any]]]:
    """Return the files of both parts in the first folder that holds all of a form, and how they are read."""
    root = data_folder(NAME, data, "the task's batches")
    folders = [root / folder for folder in _FOLDERS if (root / folder).is_dir()] + [root]
    for folder in folders:
        for names, read in _FORMS:
            files = {part: [folder / name for name in some] for part, some in names.items()}
            if all(path.is_file() for paths in files.values() for path in paths):
                return files, read
    raise MissingDataError(
        f"{NAME}: looked for data_batch_1.bin to data_batch_5.bin and test_batch.bin, for data_batch_1 to data_batch_5 "
        f"and test_batch, and for cifar10_train.npz and cifar10_test.npz, in {' or '.join(map(str, folders))}; give "
        f"data=FOLDER or set {DATA_VARIABLE} to the folder that holds them, or to its parent"
    )


def _binary(path: Path) -> tuple[Any, Any]:
    try:
        held = np.fromfile(path, np.uint8)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    if held.size % (1 + _PIXELS):
        raise DataError(f"{path}: {held.size:,} bytes; expected a label and {_PIXELS:,} pixels, bytes, for each image")
    rows = held.reshape(-1, 1 + _PIXELS)
    return rows[:, 1:], rows[:, 0]


def _pickled(path: Path) -> tuple[Any, Any]:
    held = read_pickle(path)
    named = {key.decode("latin-1") if isinstance(key, bytes) else key: value for key, value in held.items()} \
        if isinstance(held, dict) else {}  # fmt: skip
    if not {"data", "labels"} <= named.keys():
        raise DataError(f"{path}: a pickle without the keys data and labels; this is not a batch of CIFAR-10")
    labels = named["labels"]
    if isinstance(labels, list):
        if any(type(label) is not int or not 0 <= label < 256 for label in labels):
            raise DataError(f"{path}: labels hold something else than integers of 0 to {len(CLASSES) - 1}")
        labels = np.array(labels, np.int64)
    return named["data"], labels


def _archived(path: Path) -> tuple[Any, Any]:
    arrays = read_npz(path, ("delta", "x", "X", "y"))
    images = next((arrays[name] for name in ("x", "X") if name in arrays), None)
    if images is None and "delta" in arrays:
        images = _summed(path, arrays["delta"])
    if images is None or "y" not in arrays:
        raise DataError(f"{path}: expected images x, (N, 3, 32, 32), or delta, and labels y")
    return images, arrays["y"]


def _summed(path: Path, delta: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the images (N, 3, 32, 32) of differences (3, N, 32, 32), which are written over."""
    if delta.dtype != np.uint8 or delta.ndim != 4 or delta.shape[::2] != (3, 32) or delta.shape[3] != 32:
        raise DataError(f"{path}: delta is {delta.dtype} {delta.shape}; expected uint8 (3, N, 32, 32)")
    for axis in (3, 2):
        np.cumsum(delta, axis, dtype=np.uint8, out=delta)
    delta[0] += delta[1]
    delta[2] += delta[1]
    return np.ascontiguousarray(delta.transpose(1, 0, 2, 3))


_FORMS: list[tuple[dict[str, list[str]], Callable[[Path], tuple[Any, Any]]]] = [
    ({part: [f"{name}.bin" for name in names] for part, names in _BATCHES.items()}, _binary),
    (_BATCHES, _pickled),
    ({part: [f"cifar10_{part}.npz"] for part in _BATCHES}, _archived),
]


def _checked(path: Path, images: Any, labels: Any) -> Part:
    """Return images and labels of a file as they are kept; raise DataError where they are not images of the task."""
    for what, values in (("images", images), ("labels", labels)):
        if not isinstance(values, np.ndarray):
            raise DataError(f"{path}: the {what} are a {type(values).__name__}, expected an array of numbers")
    if images.dtype != np.uint8 or images.ndim < 2 or images.shape[1:] not in ((_PIXELS,), SHAPE):
        expected = f"uint8 (N, {_PIXELS}) or (N, 3, 32, 32)"
        raise DataError(f"{path}: images are {images.dtype} {images.shape}; expected {expected}")
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(f"{path}: labels are {labels.dtype} {labels.shape}; expected integers (N,)")
    if len(images) != len(labels) or not len(images):
        raise DataError(f"{path}: {len(images)} images and {len(labels)} labels; expected as many, and some")
    if labels.min() < 0 or labels.max() >= len(CLASSES):
        wrong = int(labels.min() if labels.min() < 0 else labels.max())
        raise DataError(f"{path}: label {wrong}; {NAME} has the classes 0 to {len(CLASSES) - 1}")
    return np.ascontiguousarray(images).reshape(-1, *SHAPE), labels.astype(np.int64)
