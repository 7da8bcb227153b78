"""LUTNets' rows of an image task: the first rows of the training part, its rows from 50,000 on, and the test part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.dataset import DataError
from lutsmith.data.images.mnist import ImageTask, read_images
from lutsmith.ground.arguments import one_of, whole_number

FIRST_VALIDATION_ROW = 50_000

SPLITS = ("train", "val", "test")


def read_split(
    task: ImageTask, data: Path | None, split: str, rows: int | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return rows of an image task, in the order of its files: uint8 images (N, 1, height, width), class ids (N,).

    Args:
        task: such as `MNIST`, from IDX or CSV files.
        data: as for `read_images`.
        split: `train`: rows 0 to rows - 1 of the first 50,000 of the training part; `val`: as many from row 50,000 of
            it; `test`: of the test part.
        rows: how many; None: all of them.

    Raises:
        DataError: as `read_images`; no such split, or more rows than it has.
        TypeError: rows that are not integer.
    """
    one_of("split", split, SPLITS, DataError)
    images, labels = read_images(task, data, "test" if split == "test" else "train")
    begin = FIRST_VALIDATION_ROW if split == "val" else 0
    end = FIRST_VALIDATION_ROW if split == "train" else len(labels)
    there = max(0, min(end, len(labels)) - begin)
    if there == 0:
        raise DataError(
            f"{task.name}: the training part has {len(labels)} rows, none from row {begin:,} on for {split}"
        )
    try:
        count = there if rows is None else whole_number("rows", rows, 1, there, f"rows of {split}")
    except ValueError as error:
        raise DataError(f"{task.name}: {error}") from error
    return images[begin : begin + count], labels[begin : begin + count]
