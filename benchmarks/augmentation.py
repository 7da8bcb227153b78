"""Time the random changes to images: 55,000 of MNIST's size, and of CIFAR's.

    python -m benchmarks.augmentation [--repeats 5] [--json FILE]

Images a second on all cores; nanoseconds of processor time an image, which other programs disturb less; and the memory
that is taken beside the batch and its result, in MB.
"""

from __future__ import annotations

import argparse
import json
import time
import tracemalloc
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from lutsmith.data.augmentation import Affine, Augmentation, ColourJitter, Crop, Cutout, Flip, ImageAugmentation, Shift

CHANGES: dict[str, Augmentation] = {
    "shift 1": Shift(1),
    "crop 4": Crop(4),
    "flip": Flip(),
    "crop 4, reflected": Crop(4, "reflect"),
    "colours": ColourJitter(0.2, 0.2, 0.1),
    "crop, flip, colours": ImageAugmentation(
        crop=4, crop_fill="reflect", flip=0.5, brightness=0.2, contrast=0.2, channel=0.1
    ),
    "cutout 8": Cutout(8),
    "turned, scaled, sheared": Affine(8, 0.08, 5),
    "and elastic": Affine(8, 0.08, 5, 1.2),
    "with 14 nodes": Affine(8, 0.08, 5, 1.2, 14),
}
SHAPES = {"mnist": (55_000, 1, 28, 28), "cifar": (50_000, 3, 32, 32)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    table = Table("images", "change", "images/s", "ns an image", "MB beside")
    results = []
    for name, shape in SHAPES.items():
        images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        for change, augment in CHANGES.items():
            augment(images[:100], np.random.default_rng(0))  # compiled
            wall, processor = [], []
            for _ in range(arguments.repeats):
                began, spent = time.perf_counter(), time.process_time()
                augment(images, np.random.default_rng(0))
                wall.append(time.perf_counter() - began)
                processor.append(time.process_time() - spent)
            tracemalloc.start()
            augment(images, np.random.default_rng(0))
            beside = (tracemalloc.get_traced_memory()[1] - images.nbytes) / 1e6
            tracemalloc.stop()
            rate, each = len(images) / min(wall), 1e9 * min(processor) / len(images)
            table.add_row(name, change, f"{rate:,.0f}", f"{each:.0f}", f"{beside:.1f}")
            results.append({"images": name, "change": change, "per_second": rate, "nanoseconds": each, "MB": beside})
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
