"""Copies of the repository in a temporary folder: what mutants are written into."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_COPIED = ("src", "tests", "benchmarks", "docs", "examples")
_LEFT = shutil.ignore_patterns(".hypothesis", "results")


def copied(root: Path, to: Path) -> Path:
    """Copy what tests need of the repository `root` to the new folder `to`, and return that.

    Times of change are kept, and Numba's caches beside the sources come along: they are valid for the copy, whose own
    changes never reach those of the repository.
    """
    for name in _COPIED:
        if (root / name).is_dir():
            shutil.copytree(root / name, to / name, ignore=_LEFT)
    for path in root.iterdir():
        if path.is_file():
            shutil.copy2(path, to / path.name)
    return to


def environment(workspace: Path) -> dict[str, str]:
    """Return the environment in which the copy's package and tests are the ones that are imported."""
    places = os.pathsep.join([str(workspace / "src"), str(workspace)])
    return {**os.environ, "PYTHONPATH": places}
