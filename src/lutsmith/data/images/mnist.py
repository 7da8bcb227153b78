"""Image tasks kept as four IDX or two CSV files in a folder: where the files are searched for, and the names of the
classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.dataset import DataError, Dataset, MissingDataError
from lutsmith.data.folders import DATA_VARIABLE, data_folder
from lutsmith.data.images.idx import read_idx
from lutsmith.data.images.image_csv import read_image_csv
from lutsmith.ground.labels import Label

_PARTS = {"train": "train", "test": "t10k"}
_FILES = [(part, kind) for part in _PARTS for kind in ("images", "labels")]


@dataclass(frozen=True)
class ImageTask:
    """An image task: its name, the folders (below the data folder) that hold its files, its classes in order, and the
    shape of an image in a CSV file.
    """

    name: str
    folders: tuple[str, ...]
    classes: tuple[Label, ...]
    shape: tuple[int, int] = (28, 28)


MNIST = ImageTask("mnist", ("mnist", "MNIST", "MNIST/raw"), tuple(range(10)))
FASHION_MNIST = ImageTask(
    "fashion-mnist",
    ("fashion_mnist", "fashion-mnist", "FashionMNIST", "FashionMNIST/raw"),
    ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
_TASKS = (MNIST, FASHION_MNIST)


def load_images(task: ImageTask, data: Path | None = None) -> Dataset:
    """Return both parts of an image task: uint8 images `(N, 1, height, width)` and their class ids.

    `data` and the errors are those of `read_images`.
    """
    x_train, y_train = read_images(task, data, "train")
    x_test, y_test = read_images(task, data, "test")
    return Dataset(x_train, y_train, x_test, y_test, task.classes, task.name)


def read_images(task: ImageTask, data: Path | None, part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return one part of an image task: uint8 images `(N, 1, height, width)` and class ids `(N,)`.

    Args:
        task: which of the tasks.
        data: the folder with the files, or its parent; None reads the environment variable `LUTSMITH_DATA`. They are
            four IDX files, or else two CSV files: `mnist_train.csv` and `mnist_test.csv` (`image_csv.read_image_csv`).
        part: `train` or `test`.

    Raises:
        DataError: no path is known, files are missing, or a file is damaged or not what the task needs.
    """
    folder = image_folder(task, data)
    table = _csv(task, folder, part)
    if not _has_idx(folder):
        images, labels = read_image_csv(table, task.shape)
        _check_labels(task, table, labels)
        return images, labels
    images_path, labels_path = (_existing(folder, part, kind) for kind in ("images", "labels"))
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.ndim != 3 or images.dtype != np.uint8:
        raise DataError(
            f"{images_path}: {images.dtype} values of shape {images.shape}; expected uint8 (N, height, width)"
        )
    if labels.ndim != 1 or labels.dtype != np.uint8:
        raise DataError(f"{labels_path}: {labels.dtype} values of shape {labels.shape}; expected uint8 (N,)")
    if len(images) != len(labels):
        raise DataError(f"{images_path} has {len(images)} images, {labels_path} has {len(labels)} labels")
    _check_labels(task, labels_path, labels)
    return images[:, None], labels.astype(np.int64)


def image_folder(task: ImageTask, data: Path | None) -> Path:
    """Return the first folder that holds the task's four IDX files, or else its two CSV files."""
    data = data_folder(task.name, data, "the task's IDX files")
    others = {folder.split("/")[0] for other in _TASKS if other is not task for folder in other.folders}
    candidates = [data / folder for folder in task.folders if (data / folder).is_dir()]
    if data.resolve().name not in others:  # the folder of another task holds files of the same names
        candidates.append(data)
    for folder in (*filter(_has_idx, candidates), *(each for each in candidates if _has_csv(task, each))):
        return folder
    wanted = ", ".join(_names(*file)[0] for file in _FILES)
    looked = " or ".join(map(str, candidates or [data / folder for folder in task.folders]))
    raise MissingDataError(
        f"{task.name}: looked for {wanted} (or without .gz), or {task.name}_train.csv and {task.name}_test.csv, in "
        f"{looked}; "
        f"give data=FOLDER or set {DATA_VARIABLE} to the folder that holds them, or to its parent"
    )


def _check_labels(task: ImageTask, path: Path, labels: NDArray[Any]) -> None:
    if len(labels) and labels.max() >= len(task.classes):
        raise DataError(f"{path}: label {labels.max()}; {task.name} has the classes 0 to {len(task.classes) - 1}")


def _has_idx(folder: Path) -> bool:
    return all(_existing(folder, *file).is_file() for file in _FILES)


def _has_csv(task: ImageTask, folder: Path) -> bool:
    return all(_csv(task, folder, part).is_file() for part in _PARTS)


def _csv(task: ImageTask, folder: Path, part: str) -> Path:
    """Return the CSV file of a part, plain or gzipped, else its usual name."""
    paths = [folder / f"{task.name}_{part}.csv{suffix}" for suffix in ("", ".gz")]
    return next((path for path in paths if path.is_file()), paths[0])


def _existing(folder: Path, part: str, kind: str) -> Path:
    """Return the file under the first of its names that is there, else under its usual name."""
    paths = [folder / name for name in _names(part, kind)]
    return next((path for path in paths if path.is_file()), paths[0])


def _names(part: str, kind: str) -> list[str]:
    dimensions = {"images": 3, "labels": 1}[kind]
    return [
        f"{_PARTS[part]}-{kind}{separator}idx{dimensions}-ubyte{suffix}" for suffix in (".gz", "") for separator in "-."
    ]
