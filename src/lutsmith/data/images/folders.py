"""Images as files in folders, as SVHN and many others are distributed: `train/` and `test/`, each with one folder for
each class.

    DIR/train/cat/0001.png  DIR/train/dog/0001.png  DIR/test/cat/0001.png ...

Images are PNG, a lossless format, in colour or in gray, with 8 bits, all of one size and one kind. Pillow reads them
(`pip install 'lutsmith[images]'`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.dataset import DataError, Dataset, MissingDataError
from lutsmith.data.folders import data_folder
from lutsmith.data.images.png import image_shape, kind, read_png, reads
from lutsmith.ground.labels import Label

NAME = "images"
_EXPECTED = "train/ and test/, in each a folder a class"
_NUMBER = re.compile(r"0|[1-9][0-9]*")


def load_image_folder(data: Path | None) -> Dataset:
    """Return the images below `data`: uint8 `(N, 3, H, W)` of images in colour, `(N, 1, H, W)` of gray ones.

    Classes are the names of the folders in `train/`: integers in ascending order where all names are integers, else in
    the order of the alphabet. Images are sorted by class, then by their names. Without a folder `test/` there is no
    test part.

    Raises:
        DataError: folders or images that are missing, hidden in another form, broken, or not all alike.
        ModuleNotFoundError: Pillow is not installed.
    """
    root = check_image_folder(data)
    classes = _classes(root / "train")
    x_train, y_train = _read(root / "train", classes)
    x_test, y_test = _read(root / "test", classes) if (root / "test").is_dir() else (None, None)
    if x_test is not None and x_test.shape[1:] != x_train.shape[1:]:
        raise DataError(
            f"{root}: images of test/ have shape {x_test.shape[1:]}, those of train/ {x_train.shape[1:]}; expected one "
            "size and one kind"
        )
    return Dataset(x_train, y_train, x_test, y_test, classes, root.name)


def read_test_folder(data: Path | None, classes: Sequence[Label]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the images of `test/` and their class ids among `classes`; errors are those of `load_image_folder`."""
    folder = check_image_folder(data, "test") / "test"
    return _read(folder, classes)


def has_image_folders(data: str | PathLike[str], classes: Sequence[Label] | None) -> bool:
    """Whether a folder holds `test/` with a folder for each of these classes."""
    return bool(classes) and all((Path(data) / "test" / str(label)).is_dir() for label in classes or ())


def images_for(shape: tuple[int, ...], images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images for a model with samples of this shape; DataError where they have another size or kind."""
    if images.shape[1:] != (expected := image_shape(shape, "the images")):
        raise DataError(f"the images are {kind(images.shape[1:])}; {reads(expected)}")
    return images.reshape(-1, *shape)


def check_image_folder(data: Path | None, part: str = "train") -> Path:
    """Return the folder that holds `train/` (or another part); raise DataError where there is none. Nothing is read."""
    if data is None:
        raise MissingDataError(f"{NAME}: no folder; give data=FOLDER with {_EXPECTED}")
    root = data_folder(NAME, data, _EXPECTED)
    if not (root / part).is_dir():
        raise MissingDataError(f"{NAME}: {root} has no folder {part}/; expected {_EXPECTED}")
    return root


def _classes(folder: Path) -> tuple[Label, ...]:
    names = [each.name for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")]
    if not names:
        raise MissingDataError(f"{folder}: no folders in it; expected one for each class, named as the class")
    if all(_NUMBER.fullmatch(name) for name in names):
        return tuple(sorted(map(int, names)))
    return tuple(sorted(names))


def _read(folder: Path, classes: Sequence[Label]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the images of a part, and their class ids."""
    known = {str(label): number for number, label in enumerate(classes)}
    if others := sorted({str(label) for label in _classes(folder)} - known.keys()):
        raise DataError(f"{folder}: {others[0]} is none of the classes {', '.join(list(known)[:20])}")
    paths, labels = [], []
    for name, number in known.items():
        found = _images_of(folder / name)
        paths += found
        labels += [number] * len(found)
    first = read_png(paths[0])
    images = np.empty((len(paths), *first.shape), np.uint8)
    for place, path in enumerate(paths):
        pixels = first if place == 0 else read_png(path)
        if pixels.shape != first.shape:
            shown = f"{paths[0]} is {kind(first.shape)} and {path} is {kind(pixels.shape)}"
            raise DataError(f"{shown}; expected images of one size, all in colour or all in gray: convert them first")
        images[place] = pixels
    return images, np.array(labels, np.int64)


def _images_of(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise MissingDataError(f"{folder.parent}: no folder {folder.name}/, which is a class of the training part")
    files = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    images = sorted(path for path in files if path.suffix.lower() == ".png")
    if not images:
        endings = ", ".join(sorted({path.suffix.lower() or "none" for path in files})[:5])
        there = f"files, of the endings {endings}, but no" if files else "no files: expected"
        raise MissingDataError(f"{folder}: {there} PNG images; expected those of the class {folder.name}")
    return images
