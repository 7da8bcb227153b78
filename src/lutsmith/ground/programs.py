"""Starting Python programs of our own."""

from __future__ import annotations

import os
import sys


def python_environment(**variables: str) -> dict[str, str]:
    """Return the environment in which a program of ours finds the modules that this process finds, and no others.

    `python -m` would look into the current folder first: a file `numpy.py` there is not to be run. Entries of
    `sys.path` that are no text, which Python passes over, and those that hold the separator cannot be handed on.
    """
    found = [entry for entry in sys.path if isinstance(entry, str) and entry and os.pathsep not in entry]
    return {**os.environ, **variables, "PYTHONPATH": os.pathsep.join(found), "PYTHONSAFEPATH": "1"}
