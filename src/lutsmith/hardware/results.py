"""Results of long runs of tools, kept in the user's cache folder by the hash of all that they depend on."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lutsmith.circuit.netlist import Netlist
from lutsmith.ground.atomic import write_atomically
from lutsmith.ground.cache import cache_base
from lutsmith.ground.strict_json import strict_loads

LARGEST = 1 << 20
"""Bytes of a result; a larger file is none of ours."""


def remembered(
    key: Mapping[str, Any], compute: Callable[[], dict[str, Any]], valid: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Return the result that was kept for this key, or compute one and keep it.

    If a file is cut off, has another key or is not `valid`, the result is computed again. If the folder cannot be
    written, the result is returned, but not kept.

    Args:
        key: what the result depends on, as JSON can hold it.
        compute: makes the result, which JSON can hold.
        valid: whether a result that was read is one.
    """
    text = json.dumps(key, sort_keys=True)
    path = _path(hashlib.sha256(text.encode()).hexdigest())
    kept = None if path is None else _read(path)
    if kept is not None and kept.get("key") == json.loads(text):
        result = kept.get("result")
        if isinstance(result, dict) and valid(result):
            return result
    result = compute()
    if path is None:
        return result
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps({"key": key, "result": result}, sort_keys=True).encode())
    return result


def digest(netlist: Netlist) -> str:
    """Return the hash of a whole netlist."""
    sha = hashlib.sha256(str(netlist.num_inputs).encode())
    for name in ("fanin", "fanin_ptr", "level_ptr", "outputs", "register_next", "register_init"):
        array = getattr(netlist, name)
        sha.update(f"{name} {array.dtype.str} {array.size} ".encode() + np.ascontiguousarray(array).tobytes())
    sha.update(netlist.tables().tobytes())
    return sha.hexdigest()


def _path(name: str) -> Path | None:
    """Return where a result is kept; None where the user has no folder for it."""
    try:
        return cache_base() / "results" / f"{name}.json"
    except RuntimeError:
        return None


def _read(path: Path) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        found = strict_loads(data.decode()) if len(data) <= LARGEST else None
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
