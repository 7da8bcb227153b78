"""Where the user's cache is: machine code, results of long runs of tools. Nothing in it is ever missed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

CACHE_FOLDER = "LUTSMITH_CACHE_DIR"
"""Environment variable: the folder of the cache, instead of the user's."""


def cache_base() -> Path:
    """Return the folder of the cache, which may not exist: what the environment names, or the system's for its user.

    Raises:
        RuntimeError: the user has no home folder.
    """
    named = os.environ.get(CACHE_FOLDER)
    if named:
        return Path(named)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "lutsmith"
