"""Images as files in folders, as SVHN and many others are passed on: `train/` and `test/`, in each a folder a class.

    DIR/train/cat/0001.png  DIR/train/dog/0001.png  DIR/test/cat/0001.png ...

PNG, which says exactly what each pixel is, in colour or in gray of 8 bits, all of one size and one kind. Read by
Pillow (`pip install 'lutsmith[images]'`).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.dataset import DataError, Dataset, MissingDataError
from lutsmith.data.folders import data_folder
from lutsmith.ground.labels import Label

NAME = "images"
_EXPECTED = "train/ and test/, in each a folder a class"
_CHANNELS = {"RGB": 3, "L": 1}
_MODES = {
    "P": "has a palette", "PA": "has a palette", "RGBA": "has a channel of transparency",
    "LA": "has a channel of transparency", "1": "has one bit a pixel", "I;16": "has 16 bits a pixel",
    "I": "has 16 or 32 bits a pixel", "I;16B": "has 16 bits a pixel",
}  # fmt: skip
_KINDS = {"RGB": "in colour", "L": "in gray"}
_NUMBER = re.compile(r"0|[1-9][0-9]*")


def load_image_folder(data: Path | None) -> Dataset:
    """Return the images below `data`: uint8 `(N, 3, H, W)` of images in colour, `(N, 1, H, W)` of gray ones.

    Classes are the names of the folders in `train/`, as integers and in their order where all are such, else in the
    order of the alphabet; images stand class by class, by their names. Without a folder `test/` there is no test part.

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
    first, images = _pixels(paths[0]), None
    for place, path in enumerate(paths):
        pixels = first if place == 0 else _pixels(path)
        if pixels.shape != first.shape:
            shown = " and ".join(
                f"{each} is {there.shape[2]} x {there.shape[1]} {_KINDS['L' if len(there) == 1 else 'RGB']}"
                for each, there in ((paths[0], first), (path, pixels))
            )
            raise DataError(f"{shown}; expected images of one size, all in colour or all in gray: convert them first")
        if images is None:
            images = np.empty((len(paths), *first.shape), np.uint8)
        images[place] = pixels
    assert images is not None  # there is a first one
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


def _pixels(path: Path) -> NDArray[np.uint8]:
    """Return an image, uint8 (channels, height, width)."""
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "reading PNG images needs Pillow: pip install 'lutsmith[images]'", name="PIL"
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=["PNG"]) as image:
                mode, transparent = image.mode, "transparency" in image.info
                if mode in _CHANNELS and not transparent:
                    image.load()  # type: ignore[no-untyped-call,unused-ignore]
                    pixels: NDArray[Any] = np.asarray(image)
    except (OSError, SyntaxError, ValueError, EOFError, Warning, Image.DecompressionBombError) as error:
        strerror = getattr(error, "strerror", None)
        reason = " ".join(str(strerror or error).split())[:200] or type(error).__name__
        raise DataError(f"{path}: not a sound PNG image ({reason})") from error
    if mode not in _CHANNELS or transparent:
        problem = _MODES.get(mode, f"has pixels of the kind {mode}") if mode not in _CHANNELS else _MODES["RGBA"]
        raise DataError(
            f"{path}: the image {problem}; expected 8 bits of gray, or of red, green and blue: convert it, such as "
            "by Pillow's Image.open(file).convert('RGB')"
        )
    return np.ascontiguousarray(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))
