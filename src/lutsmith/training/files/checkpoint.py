"""Checkpoint files: written whole or not at all, and read without running any code in them."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import torch

from lutsmith.ground.atomic import write_atomically

FORMAT = 3
_LATER = {2: {"stopped": None}}  # what is missing from formats that are still read, and means what it did not say
_KEYS = frozenset(
    (
        *("format", "settings", "data", "parts", "position", "loss", "seconds", "model", "optimizer", "callbacks"),
        *("average", "generators", "best", "history", "stopped"),
    )
)


class CheckpointError(OSError):
    """A checkpoint that could not be written or read; the message names the file, the cause and what to do."""


def save(path: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors and plain values) to `path`; a checkpoint already there stays until this one is whole.

    Raises:
        CheckpointError: the file could not be written (disk full, no permission); what was at `path` is untouched.
    """
    try:
        write_tensors(path, {"format": FORMAT, **state})
    except (OSError, RuntimeError) as error:  # torch reports a failed write as a RuntimeError
        kept = "the one saved before is untouched" if path.exists() else "none had been saved before"
        raise CheckpointError(
            f"the checkpoint {path} could not be written ({_reason(error)}); {kept}. Free some space or check "
            "the permissions, then resume."
        ) from error


def write_tensors(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and plain values to a file, whole or not at all."""
    write_atomically(path, lambda file: torch.save(state, file), twice=True)


def read_tensors(path: Path, advice: str, what: str = "checkpoint") -> dict[str, Any]:
    """Return what `write_tensors` wrote, its tensors on the CPU. Nothing in the file is executed (`weights_only`).

    Args:
        path: of the file.
        advice: what to do if it cannot be read; the end of the message.
        what: a word for the file.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: it is truncated or corrupt, holds more than tensors and plain values, or has no format.
    """
    if not path.exists():
        raise FileNotFoundError(f"there is no {what} {path}")
    try:
        with path.open("rb") as file:
            with zipfile.ZipFile(file) as archive:
                if broken := archive.testzip():  # torch itself does not look at the checksums
                    raise zipfile.BadZipFile(f"{broken} is damaged")
            file.seek(0)
            state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a broken file makes the reader raise
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise CheckpointError(f"{path} is not a whole {what} ({reason}); {advice}") from error
    if not isinstance(state, dict) or "format" not in state:
        raise CheckpointError(f"{path} is not a {what} of a training run; {advice}")
    return state


def _reason(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def load(path: Path) -> dict[str, Any]:
    """Return the state that `save` wrote, its tensors on the CPU. Nothing in the file is executed (`weights_only`).

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: the file is truncated, corrupt, of another format, or holds more than tensors and plain values.
    """
    advice = "delete it to start this run again from its beginning"
    state = read_tensors(path, advice)
    if (written := state["format"]) not in (FORMAT, *_LATER):
        raise CheckpointError(
            f"{path} has checkpoint format {written!r}, this version reads {', '.join(map(str, (*_LATER, FORMAT)))}: "
            "resume with the version that started the run"
        )
    state = {**_LATER.get(written, {}), **state}
    if set(state) != _KEYS:
        raise CheckpointError(f"{path} lacks {', '.join(sorted(_KEYS - set(state)))}; {advice}")
    return state
