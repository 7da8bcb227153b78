"""The circuit that a run goes on with: known by its file, or by a checksum where it was given in memory."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from lutsmith.circuit import Circuit
from lutsmith.circuit.file import load, to_bytes
from lutsmith.circuit.metadata import HeldOut

_IN_MEMORY = "circuit "


def start_name(start: Circuit | str | os.PathLike[str] | None) -> str | None:
    """Return how a run records its start: the absolute path, or "circuit" and a checksum.

    Raises:
        TypeError: neither a circuit nor a path.
    """
    if start is None:
        return None
    if isinstance(start, Circuit):
        return _IN_MEMORY + hashlib.sha256(to_bytes(start)).hexdigest()
    if not isinstance(start, (str, os.PathLike)):
        raise TypeError(f"start is a {type(start).__name__}; expected a Circuit, or the path of a model file")
    return str(Path(start).expanduser().absolute())


def read_start(name: str, given: Circuit | str | os.PathLike[str] | None) -> Circuit:
    """Return the circuit of that name; `given` is the start that was passed to this call.

    Raises:
        ValueError: it was in memory, and is not given again; a file that is not a model.
        OSError: a file that cannot be read.
    """
    if isinstance(given, Circuit):
        return given
    if name.startswith(_IN_MEMORY):
        raise ValueError("the run began with a circuit in memory: give the same start= again")
    return load(name)


def check_rows(start: Circuit, held_out: HeldOut | None) -> None:
    """Raise ValueError where a start was trained on rows of the same table that this run is measured on."""
    own = None if start.metadata.training is None else start.metadata.training.held_out
    if own is None or held_out is None or own.table != held_out.table or held_out.share == 0:
        return
    if (own.share, own.seed) != (held_out.share, held_out.seed):
        raise ValueError(
            f"start was trained on rows that test_share={held_out.share} and seed={held_out.seed} would measure it on: "
            f"give test_share={own.share} and seed={own.seed}, which held out others then"
        )
