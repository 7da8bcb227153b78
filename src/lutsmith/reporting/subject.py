"""The subject of a report: a run's folder, a model file, a circuit or a run in memory, as one value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from lutsmith.alu.assembly import KEY as ALU
from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.file import load, to_bytes
from lutsmith.ground.arguments import is_finite
from lutsmith.ground.metrics_log import METRICS
from lutsmith.runs.folder import MODEL, RECORD, Run, RunFolder
from lutsmith.runs.plan import Plan

ALU_RECORD = "report.json"
"""What `lutsmith train alu` writes beside its model."""

MOST_BYTES = 1 << 28
"""Of a file of metrics or of an ALU's record that is read."""


@dataclass(frozen=True, eq=False)
class Subject:
    """All that is known about the subject of a report.

    Attributes:
        name: what it is called: the folder's or the file's name, the task, or "circuit".
        kind: what it is, in words.
        circuit: None where a run has no model yet.
        result: what a run reached, fields of `runs.Run`; None without a finished run.
        plan: the plan of a run.
        versions: those that a run began with.
        steps: the lines of metrics.jsonl, in their order.
        alu: what `train alu` wrote down; None otherwise.
        folder: of the run; None without one.
        model: the model's file; None without one.
        content: the bytes of the model file, or those that it would have.
        notes: what is odd or missing, one line each.
    """

    name: str
    kind: str
    circuit: Circuit | None
    result: Mapping[str, Any] | None = None
    plan: Plan | None = None
    versions: Mapping[str, Any] | None = None
    steps: tuple[Mapping[str, Any], ...] = ()
    alu: Mapping[str, Any] | None = None
    folder: Path | None = None
    model: Path | None = None
    content: bytes = b""
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, source: Any) -> Subject:
        """Return what is known about a folder of a run, a model file, a circuit or a run.

        Raises:
            TypeError: something else.
            FileNotFoundError: nothing is there.
            ValueError: a folder without a run, a run.json that is damaged, or what is not a model file.
        """
        if isinstance(source, Circuit):
            return cls("circuit", "a circuit in memory", source, content=to_bytes(source))
        if isinstance(source, Run):
            return _of_run(source)
        if not isinstance(source, (str, PathLike)):
            raise TypeError(
                f"source is a {type(source).__name__}; expected the folder of a run, a model file, a Circuit or a Run"
            )
        path = Path(source).expanduser()
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist; expected the folder of a run, or a model file")
        return _of_folder(path) if path.is_dir() else _of_model(path)

    @property
    def is_alu(self) -> bool:
        """Whether it is a learned ALU, by its record or by its circuit."""
        return self.alu is not None or (self.circuit is not None and ALU in self.circuit.metadata.other)

    @property
    def task(self) -> str | None:
        """The name of the data."""
        if self.plan is not None and self.plan.task is not None:
            return self.plan.task
        return None if self.circuit is None else self.circuit.metadata.task

    def recorded_score(self) -> tuple[float, str] | None:
        """Return the recorded score and its rows: from the run, else from the model file; None where nothing is
        recorded, or the value is not possible.
        """
        objective = None if self.circuit is None else self.circuit.objective or "classification"
        value: Any = None if self.result is None else self.result.get("score")
        measured_on = None if self.result is None else self.result.get("measured_on")
        told = None if self.circuit is None else self.circuit.metadata.accuracy
        if value is None and told is not None:
            value, measured_on = told.value if objective == "classification" else told.score, told.measured_on
        least = float("-inf") if objective == "regression" else 0.0
        return (float(value), str(measured_on)) if is_finite(value) and least <= value <= 1 else None

    @property
    def checksum(self) -> str:
        """SHA-256 of the model file."""
        return hashlib.sha256(self.content).hexdigest()


def _of_run(run: Run) -> Subject:
    if run.model is not None and (found := RunFolder(Path(run.model).parent)).read() is not None:
        read = _of_folder(found.path)
        if read.circuit is not None and read.content == to_bytes(run.circuit):
            return read
    name = run.task or run.preset
    return Subject(
        name, "a run in memory", run.circuit, run.to_json(), content=to_bytes(run.circuit),
        notes=("The run was not kept in a folder, so its curves are not known.",),
    )  # fmt: skip


def _of_model(path: Path) -> Subject:
    """A model file; in the folder of its run, what the run says too."""
    if path.name == MODEL and ((path.parent / RECORD).is_file() or (path.parent / ALU_RECORD).is_file()):
        return _of_folder(path.parent)
    return Subject(path.name, "a model file", load(path), model=path.absolute(), content=path.read_bytes())


def _of_folder(path: Path) -> Subject:
    folder = RunFolder(path)
    recorded = folder.read()
    alu = _alu_record(folder.path / ALU_RECORD) if recorded is None else None
    if recorded is None and not folder.model.is_file():
        others = sorted(entry.name for entry in folder.path.glob("*.lut"))
        instead = f"; it holds {', '.join(others)}: give one of these files" if others else ""
        raise ValueError(f"{path} holds neither {RECORD} of a run nor {MODEL}{instead}")
    steps, notes = _steps(folder.path / METRICS)
    result = None if recorded is None else recorded.result
    circuit, content = None, b""
    if folder.model.is_file() and (recorded is None or result is not None):
        circuit, content = load(folder.model), folder.model.read_bytes()
    if alu is not None and circuit is not None and not _is_alu_of(circuit, content, alu):
        notes.append(f"{ALU_RECORD} describes another circuit than the one in {MODEL}: its proofs are left out.")
        alu = None
    if recorded is not None and result is None:
        done = len(steps)
        notes.append(
            f"The run has not finished: it is still training, or was stopped, after {done:,} recorded "
            f"step{'' if done == 1 else 's'}. There is no model yet; resume=True goes on with it."
        )
    elif recorded is not None and circuit is None:
        notes.append(f"The run has finished, and its {MODEL} is gone.")
    versions, checksum = (None, None) if recorded is None else _entries(folder.path / RECORD)
    if circuit is not None and result is not None and not _belongs(circuit, content, result, checksum):
        notes.append(f"{RECORD} describes another circuit than the one in {MODEL}: its figures are left out.")
        result = None
    return Subject(
        folder.path.name, "a run" if recorded is not None else "an ALU" if alu is not None else "a model file",
        circuit, result, None if recorded is None else recorded.plan,
        versions, tuple(steps), alu, folder.path,
        folder.model if circuit is not None else None, content, tuple(notes),
    )  # fmt: skip


def _belongs(circuit: Circuit, content: bytes, result: Mapping[str, Any], checksum: Any) -> bool:
    """Whether the record of a run tells of a circuit: by its file's checksum, or, of earlier records that hold none, by
    its size.
    """
    if checksum is not None:
        return bool(checksum == hashlib.sha256(content).hexdigest())
    return (result.get("luts"), result.get("depth")) == (circuit.netlist.num_nodes, circuit.depth)


def _is_alu_of(circuit: Circuit, content: bytes, alu: Mapping[str, Any]) -> bool:
    """Whether the record of an ALU tells of a circuit, as `_belongs` of a run's."""
    if (checksum := alu.get("sha256")) is not None:
        return bool(checksum == hashlib.sha256(content).hexdigest())
    return "luts" not in alu or bool(alu["luts"] == circuit.info()["luts"])


def _entries(path: Path) -> tuple[Mapping[str, Any] | None, Any]:
    """The versions and the model's checksum in a record."""
    record = json.loads(path.read_text("utf-8"))  # `RunFolder.read` has read it before
    versions = record.get("versions")
    return versions if isinstance(versions, Mapping) else None, record.get("sha256")


def _alu_record(path: Path) -> Mapping[str, Any] | None:
    """What `train alu` wrote; None where there is nothing of that kind."""
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        return None
    try:
        told = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, Mapping) and told.get("task") == "alu" else None


def _steps(path: Path) -> tuple[list[Mapping[str, Any]], list[str]]:
    """The lines of metrics.jsonl, and what is wrong with it. A last line without an end is still being written."""
    if not path.is_file():
        return [], []
    if path.stat().st_size > MOST_BYTES:
        return [], [f"{METRICS} is larger than {MOST_BYTES >> 20} MB: no curves are drawn."]
    lines = path.read_bytes().decode("utf-8", "replace").split("\n")
    found: list[Mapping[str, Any]] = []
    damaged = 0
    for line in lines[:-1]:
        try:
            step = json.loads(line)
        except (ValueError, RecursionError):
            step = None
        if isinstance(step, dict) and step:
            found.append(step)
        else:
            damaged += 1
    return found, [
        f"{damaged:,} of {len(lines) - 1:,} lines of {METRICS} cannot be read and are left out."
    ] if damaged else []
