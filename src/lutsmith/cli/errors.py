"""Which exceptions are the user's to mend, and the one line that each becomes."""

from __future__ import annotations

from typing import cast

import typer

UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])
"""The class of wrong arguments, in the click that typer imports or carries within itself."""

_LESS = "use less data or a smaller network"
_EXTRAS = {
    "torch": "train",
    "lightning_fabric": "train",
    "lightning": "train",
    "sklearn": "train",
    "onnx": "hardware",
    "onnxruntime": "hardware",
    "narwhals": "tables",
    "pyarrow": "tables",
}
"""Which extra brings a module."""


def describe(error: Exception) -> str | None:
    """Return one line about an error that the user can mend, or None where the error is a fault of the program.

    Bad input is a ValueError in all rooms; files and the machine raise OSError and MemoryError; exceptions that
    lutsmith defines are written for users; and a package of an extra may be missing.
    """
    if isinstance(error, ModuleNotFoundError):
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            return None
        return f"this command needs {error.name}, which is not installed: pip install 'lutsmith[{extra}]'"
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.strerror}: {error.filename}"
    if isinstance(error, MemoryError):
        return f"out of memory{f' ({error})' if str(error) else ''}; {_LESS}"
    if isinstance(error, RuntimeError) and _is_torch_out_of_memory(error):
        return f"out of memory; {_LESS}"
    if not isinstance(error, (ValueError, OSError)) and not type(error).__module__.startswith("lutsmith."):
        return None
    return " ".join(str(error).split()) or type(error).__name__


def _is_torch_out_of_memory(error: RuntimeError) -> bool:
    """Torch has a class of its own for a full GPU, and none for a machine that is out of memory."""
    gpu = type(error).__name__ == "OutOfMemoryError" and type(error).__module__.partition(".")[0] == "torch"
    return gpu or "can't allocate memory" in str(error)
