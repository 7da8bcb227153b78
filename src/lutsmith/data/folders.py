"""Where the files of a task are looked for: the argument `data`, or the environment variable `LUTSMITH_DATA`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lutsmith.data.dataset import MissingDataError

DATA_VARIABLE = "LUTSMITH_DATA"
"""The environment variable that names the folder of data sets where no path is given."""


def data_folder(task: str, data: Path | None, files: str) -> Path:
    """Return the folder that was given, or the one that the environment names.

    Args:
        task: for the message.
        data: the folder, or None.
        files: what the folder should hold, for the message, such as "the IDX files of the task".

    Raises:
        MissingDataError: no folder is named, or it is not there.
    """
    if data is None:
        named = os.environ.get(DATA_VARIABLE)
        if not named:
            raise MissingDataError(f"{task}: no data folder; give data=FOLDER with {files}, or set {DATA_VARIABLE}")
        data = Path(named)
    if not data.is_dir():
        problem = "is a file" if data.exists() else "does not exist"
        raise MissingDataError(f"{task}: {data} {problem}; expected the folder with {files}, or its parent")
    return data


def find_files(task: str, data: Path | None, folder: str, files: Sequence[str]) -> list[Path]:
    """Return the paths of a task's files, each plain or gzipped, in `data/folder` or in `data` itself.

    Raises:
        MissingDataError: see `data_folder`; or neither folder holds all of the files.
    """
    root = data_folder(task, data, f"{', '.join(files)}")
    candidates = [root / folder, root] if (root / folder).is_dir() else [root]
    for candidate in candidates:
        found = [
            next((path for path in (candidate / name, candidate / f"{name}.gz") if path.is_file()), None)
            for name in files
        ]
        paths = [path for path in found if path is not None]
        if len(paths) == len(files):
            return paths
    looked = " or ".join(map(str, candidates))
    raise MissingDataError(
        f"{task}: looked for {', '.join(files)} (or with .gz) in {looked}; give data=FOLDER or set {DATA_VARIABLE} "
        "to the folder that holds them, or to its parent"
    )
