"""Learning an ALU into a folder: its circuit, a record of each operation, and how often it is right."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from lutsmith.alu.check import check
from lutsmith.alu.learners import METHODS, LearnedOperation
from lutsmith.alu.learning import learn_operations
from lutsmith.alu.proofs import prove_cell
from lutsmith.circuit.file import save
from lutsmith.data.alu.operations import operations
from lutsmith.ground.arguments import one_of, whole_number
from lutsmith.ground.atomic import remove_leftovers, write_atomically
from lutsmith.ground.metrics_log import METRICS, MetricsLog
from lutsmith.ground.strict_json import strict_loads

DENSE = "dense"
MODELS = ("model.lut", "model.pt")
CHECKPOINT = "checkpoint.pt"
LEARNED = "operations.json"
"""The operations that an unfinished run has learned, and what was asked for: what `resume` goes on from."""


def train_alu(
    ops: Iterable[str] | str | None = None,
    bits: int | None = None,
    method: str | None = None,
    seed: int | None = None,
    out: str | PathLike[str] | None = None,
    *,
    model: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    max_seconds: float | None = None,
) -> dict[str, Any]:
    """Learn an ALU, prove its cells, check it on fresh points, and save it; return its report as JSON values.

    Args:
        ops: names of operations; None: the twelve of ALU_Net.
        bits: of the operands, 15 by default.
        method: of `learn_operations`, "sat" by default; or "dense": one of ALU_Net's own models, for comparison, which
            has no cells and no proof (`alu.dense.train_dense`).
        seed: of the examples, 0 by default.
        out: the folder: `model.lut`, `report.json` with what each operation took, `metrics.jsonl` and TensorBoard's
            events; None: runs/alu, or runs/alu-dense.
        model: of "dense" alone: a name of `alu.dense.MODELS`, "res_mod" by default.
        resume: go on with the folder's unfinished run, if there is one.
        overwrite: whether a model in the folder is replaced.
        max_seconds: for each operation, 300 by default; of "dense" for all of training, 1,800.

    Raises:
        ValueError: invalid arguments, a model that is there already, or an unfinished run with other arguments.
        NotDecidedError: a limit was reached, or no cell agrees with all examples; what was learned is kept in the
            folder for `resume`, and there is no model.
    """
    method = one_of("method", "sat" if method is None else method, (*METHODS, DENSE))
    folder = Path(out if out is not None else "runs/alu-dense" if method == DENSE else "runs/alu")
    given: dict[str, Any] = {
        "bits": 15 if bits is None else bits,
        "seed": 0 if seed is None else seed,
        "method": method,
    }
    whole_number("seed", given["seed"], 0)
    unfinished = resume and (folder / (CHECKPOINT if method == DENSE else LEARNED)).exists()
    for name in MODELS:
        if (folder / name).exists() and not overwrite and not unfinished:
            raise ValueError(f"{folder / name} is there already: give overwrite=True, or another folder")
    if overwrite and not unfinished:
        for name in (*MODELS, LEARNED, CHECKPOINT, "report.json", METRICS):
            (folder / name).unlink(missing_ok=True)
    if folder.is_dir():
        remove_leftovers(folder)
    if method == DENSE:
        return _dense(ops, given, folder, model, resume=resume, max_seconds=max_seconds)
    if model is not None:
        raise ValueError(f"model={model!r} goes with method='dense', not with {method!r}")
    given["operations"] = [each.name for each in operations(ops)]
    learned = _Learned(folder, given, resume=resume, overwrite=overwrite)
    alu, each = learn_operations(
        given["operations"], given["bits"], method=method, seed=given["seed"], known=learned.known,
        max_seconds=300.0 if max_seconds is None else max_seconds, tell=learned.add,
    )  # fmt: skip
    begun = time.monotonic()
    proofs = {one.name: prove_cell(one.cell, one.name, width=alu.bits) for one in each}
    proof_seconds = time.monotonic() - begun
    report = check(alu)
    if not (overwrite or unfinished) and (folder / "model.lut").exists():
        raise ValueError(f"{folder / 'model.lut'} was written by another run meanwhile: take another folder")
    save(alu.circuit, folder / "model.lut")
    result = {
        "task": "alu",
        "method": method,
        "model": str(folder / "model.lut"),
        "bits": alu.bits,
        "luts": alu.circuit.info()["luts"],
        "examples": sum(one.examples for one in each),
        "train_seconds": sum(one.seconds for one in each),
        "proof_seconds": proof_seconds,
        "learned": [{**one.to_json(), "proof": proofs[one.name].to_json()} for one in each],
        "check": report.to_json(),
        "sha256": hashlib.sha256((folder / "model.lut").read_bytes()).hexdigest(),
    }
    write_atomically(folder / "report.json", (json.dumps(result, indent=1) + "\n").encode())
    learned.done()
    return result


class _Learned:
    """What a run has learned so far, in its folder."""

    def __init__(self, folder: Path, given: Mapping[str, Any], *, resume: bool, overwrite: bool) -> None:
        self._path, self._given = folder / LEARNED, dict(given)
        self.known: dict[str, LearnedOperation] = {}
        if self._path.exists() and resume:
            self.known = self._read()
        elif self._path.exists() and not overwrite:
            raise ValueError(
                f"{self._path} is of an unfinished run: resume=True goes on with it; or take another folder"
            )
        folder.mkdir(parents=True, exist_ok=True)
        self._log = MetricsLog(folder, [_figures(place, one) for place, one in enumerate(self.known.values())])

    def add(self, one: LearnedOperation) -> None:
        """Keep an operation that was learned."""
        self._log.append(_figures(len(self.known), one))
        self.known[one.name] = one
        told = {**self._given, "learned": [each.to_json() for each in self.known.values()]}
        write_atomically(self._path, (json.dumps(told, indent=1) + "\n").encode())

    def done(self) -> None:
        """The model is there."""
        self._log.close()
        self._path.unlink(missing_ok=True)

    def _read(self) -> dict[str, LearnedOperation]:
        try:
            told = strict_loads(self._path.read_text())
            before = {name: told[name] for name in self._given}
            found = [LearnedOperation.of_json(values) for values in told["learned"]]
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"{self._path} is damaged ({error}): delete it, or give overwrite=True") from error
        if before != self._given:
            other = next(name for name in before if before[name] != self._given[name])
            raise ValueError(
                f"{self._path} is of a run with {other} {before[other]!r}, and {self._given[other]!r} was given: "
                "give the same, or another folder"
            )
        return {one.name: one for one in found}


def _figures(place: int, one: LearnedOperation) -> dict[str, Any]:
    values = {name: value for name, value in one.to_json().items() if name != "cell"}
    return {"number": place + 1, **values, "fabric": one.cell.fabric.kind}


def _dense(
    ops: Iterable[str] | str | None, given: Mapping[str, Any], folder: Path, model: str | None, *, resume: bool,
    max_seconds: float | None,
) -> dict[str, Any]:  # fmt: skip
    from lutsmith.alu.dense import train_dense

    report = train_dense(
        ops, given["bits"], "res_mod" if model is None else model, seed=given["seed"], out=folder, resume=resume,
        seconds=1800.0 if max_seconds is None else max_seconds,
        held_out=0.05 if given["bits"] > 3 else 0.25,  # few bits have few points
    )  # fmt: skip
    return {"task": "alu", "method": DENSE, "model": str(folder / "model.pt"), **_told(report.to_json())}


def _told(report: dict[str, Any]) -> dict[str, Any]:
    """Return a dense report, in which `model` is the name of the network, as `network`."""
    return {"network" if name == "model" else name: value for name, value in report.items()}
