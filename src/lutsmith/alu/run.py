"""Learning an ALU into a folder: its circuit, what each operation took, and how right it is."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

from lutsmith.alu.check import check
from lutsmith.alu.learning import LearnedOperation, learn_operations
from lutsmith.circuit.file import save
from lutsmith.ground.arguments import one_of
from lutsmith.ground.atomic import write_atomically

METHODS = ("sat",)
"""The ways to learn an ALU."""


def train_alu(
    ops: Iterable[str] | str | None = None,
    bits: int | None = None,
    method: str | None = None,
    seed: int | None = None,
    out: str | PathLike[str] | None = None,
    *,
    overwrite: bool = False,
    max_seconds: float | None = None,
) -> dict[str, Any]:
    """Learn an ALU, check it on fresh points, and save it; return what it took as JSON values.

    Args:
        ops: names of operations; None: the twelve of ALU_Net.
        bits: of the operands, 15 by default.
        method: "sat".
        seed: of the examples, 0 by default.
        out: the folder: `model.lut`, and `report.json` with what each operation took; None: runs/alu.
        overwrite: whether a model in the folder is replaced.
        max_seconds: for each operation, 300 by default.

    Raises:
        ValueError: arguments that cannot be, or a model that is there already.
        NotDecidedError: a limit was reached; nothing is written.
    """
    one_of("method", "sat" if method is None else method, METHODS)
    folder = Path("runs/alu" if out is None else out)
    model = folder / "model.lut"
    if model.exists() and not overwrite:
        raise ValueError(f"{model} is there already: give overwrite=True, or another folder")
    begun = time.monotonic()
    alu, learned = learn_operations(
        ops, 15 if bits is None else bits, seed=seed or 0, max_seconds=300.0 if max_seconds is None else max_seconds
    )
    seconds = time.monotonic() - begun
    report = check(alu)
    folder.mkdir(parents=True, exist_ok=True)
    save(alu.circuit, model)
    result = {
        "task": "alu",
        "method": "sat",
        "model": str(model),
        "bits": alu.bits,
        "luts": alu.circuit.info()["luts"],
        "examples": sum(one.examples for one in learned),
        "train_seconds": seconds,
        "learned": [one.to_json() for one in learned],
        "check": report.to_json(),
    }
    write_atomically(folder / "report.json", (json.dumps(result, indent=1) + "\n").encode())
    return result


__all__ = ["METHODS", "LearnedOperation", "train_alu"]
