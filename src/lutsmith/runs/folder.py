"""The folder of a run: what may be written into it, and what it records."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from lutsmith import presets
from lutsmith.circuit.circuit import Circuit
from lutsmith.data.report import Report
from lutsmith.ground.atomic import write_atomically
from lutsmith.ground.metrics_log import BOARD, METRICS
from lutsmith.ground.printable import html_table
from lutsmith.runs.methods import METHODS, asked_method
from lutsmith.runs.plan import Plan

FORMAT = 1
RECORD, MODEL = "run.json", "model.lut"
_FILES = (RECORD, MODEL, METRICS, *(method.checkpoint for method in METHODS.values()))


@dataclass(frozen=True, kw_only=True)
class Run(Report):
    """The result of a run, with its circuit and network; its JSON object is what `lutsmith train --json` prints.

    Attributes:
        task: what was trained; None for data in memory.
        preset: the row from which the architecture and the settings come.
        model: absolute path of the model file; None where nothing is kept on disk.
        circuit: the circuit that was checked, and saved where there is a folder.
        network: the trained network, a `torch.nn.Sequential` in eval mode; None for a finished run that was read again,
            and for additive learning, where the circuit is the network.
    """

    task: str | None
    preset: str
    model: str | None
    circuit: Circuit = field(compare=False, repr=False)
    network: Any = field(default=None, compare=False, repr=False)

    def report(self, path: str | os.PathLike[str] | None = None, **options: Any) -> Any:
        """Return the run as a page, and write it if a path is given: see `lutsmith.report`."""
        import lutsmith  # the floor above is reached by its public name

        return lutsmith.report(self, path, **options)

    def _repr_html_(self) -> str:
        facts = {
            f"{self.measure}, {self.measured_on} rows": f"{self.score:.4f}",
            "LUTs": f"{self.luts:,}",
            "depth": self.depth,
            "network to circuit": self.lowering or f"scores equal on {self.checked_rows or 0:,} rows",
            "training": f"{self.method}, {self.train_seconds:,.1f} s",
            "model": self.model or "not kept on disk",
        }
        return html_table(f"Run: {self.task or 'data in memory'}, {self.preset}", facts)

    @classmethod
    def from_json(cls, values: Mapping[str, Any], model: str, circuit: Circuit) -> Run:
        """Return the run of a record, also of earlier versions; TypeError or KeyError where it is not valid."""
        given = {"score": values.get("accuracy"), "soft_score": values.get("soft_accuracy"), **values}
        for name in ("accuracy", "soft_accuracy", "measure"):  # they follow from the others
            given.pop(name, None)
        return cls(**{**given, "model": model, "circuit": circuit})


class Recorded(NamedTuple):
    """What run.json holds: the plan, the result of a finished run, and whether the data may still round the plan's last
    layer, because the run was stopped before they were loaded.
    """

    plan: Plan
    result: Mapping[str, Any] | None
    provisional: bool


def default_folder(
    task: str,
    preset: str | None,
    seed: int | None,
    *,
    resume: bool,
    overwrite: bool,
    method: str | None = None,
    given: Mapping[str, Any] | None = None,
) -> Path:
    """Return the first free folder among runs/TASK-PRESET-seedSEED and the same name with -2, -3, ...

    Resuming and overwriting take the last of these that is not free. Without a preset it is the task's, for the method
    that the arguments ask for (`given` are those that not every method has). If they ask for no method and there is no
    run of the default method, the run of another method is resumed.

    Raises:
        ValueError: an unknown preset or method, or arguments of different methods.
    """
    asked = asked_method(method, preset, given or {})
    rows = [presets.default(task, asked) if preset is None else presets.get(preset)]
    if resume and preset is None and asked is None:
        rows += [presets.default(task, name) for name in METHODS]
    numbered = next((found for row in rows if len(found := _numbered(task, row, seed)) > 1), None)
    if numbered is None:
        return _numbered(task, rows[0], seed)[0].path
    return numbered[-2 if resume or overwrite else -1].path


def _numbered(task: str, row: presets.Preset, seed: int | None) -> list[RunFolder]:
    """Return the folders that hold runs of a row, and the first free one."""
    name = f"{task}-{row.name}-seed{row.settings.get('seed', 0) if seed is None else seed}"
    numbered = [RunFolder(Path("runs") / name)]
    while numbered[-1].present():
        numbered.append(RunFolder(Path("runs") / f"{name}-{len(numbered) + 1}"))
    return numbered


class RunFolder:
    """A folder that holds at most one run.

    A run is never written over another: without `resume` a folder that holds files of a run is refused, unless
    `overwrite` removes them first. Files of other names are left alone; a folder with another model file is refused,
    so that a run's model is the only one in its folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()

    @property
    def model(self) -> Path:
        """Where the model file is."""
        return self.path / MODEL

    def present(self) -> list[str]:
        """Return the names of a run's files that the folder holds, other model files included."""
        if not self.path.is_dir():
            return []
        return sorted({entry.name for entry in self.path.iterdir() if entry.name in _FILES or entry.suffix == ".lut"})

    def check(self, *, overwrite: bool) -> None:
        """Raise where a new run may not begin; touch nothing.

        Raises:
            ValueError: the folder holds a run and `overwrite` is false, or a model file that is not a run's.
            OSError: it is a file.
        """
        found = self.present()
        if others := [name for name in found if name not in _FILES]:
            raise ValueError(
                f"{self.path} holds {', '.join(others)}, and a run's {MODEL} is the only model file in its folder: "
                "move the other away, or take another folder with out=FOLDER"
            )
        if found and not overwrite:
            raise ValueError(
                f"{self.path} holds {', '.join(found)} of a run: resume=True goes on with it, overwrite=True starts "
                "again, out=FOLDER takes another folder"
            )
        if self.path.exists() and not self.path.is_dir():
            raise NotADirectoryError(f"{self.path} is a file: out=FOLDER takes a folder")

    def claim(self, plan: Plan, *, overwrite: bool) -> None:
        """Remove the run in the folder, if there is one and `overwrite` is set, and write down the plan of a new one.

        Raises:
            ValueError, OSError: as for `check`, or the folder cannot be written to.
        """
        self.check(overwrite=overwrite)
        found = self.present()
        self.path.mkdir(parents=True, exist_ok=True)
        for name in found:
            (self.path / name).unlink()
        if found:
            shutil.rmtree(self.path / BOARD, ignore_errors=True)
        for method in METHODS.values() if found else ():
            for own in [each for pattern in method.folders for each in self.path.glob(pattern) if each.is_dir()]:
                for name in (method.checkpoint, METRICS, *method.kept):
                    (own / name).unlink(missing_ok=True)
                shutil.rmtree(own / BOARD, ignore_errors=True)
                with contextlib.suppress(OSError):  # it is not there, or holds what is not ours
                    own.rmdir()
        self.write(plan, None)

    @contextlib.contextmanager
    def claimed(self, plan: Plan, *, provisional: bool) -> Iterator[None]:
        """Write the plan into a folder without a run before the long work in the block begins: whatever stops that, a
        run can be resumed with its arguments. An error in the block refuses the plan, and leaves no trace.
        """
        made = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.write(plan, None, provisional=provisional)
            yield
        except Exception:
            (self.path / RECORD).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # another has put something there
                for folder in made:
                    folder.rmdir()
            raise

    def write(self, plan: Plan, run: Run | None, *, provisional: bool = False) -> None:
        """Write run.json: the plan, the versions at work, and once there is one the result, and which model file it is
        of: its SHA-256.
        """
        finished = run is not None and self.model.is_file()
        record = {
            "format": FORMAT,
            "arguments": plan.to_json(),
            "versions": versions(),
            "result": None if run is None else run.to_json(),
            **({"sha256": hashlib.sha256(self.model.read_bytes()).hexdigest()} if finished else {}),
            **({"provisional": True} if provisional else {}),
        }
        write_atomically(self.path / RECORD, (json.dumps(record, indent=2) + "\n").encode())

    def read(self) -> Recorded | None:
        """Return what run.json holds; None where there is no run.

        Raises:
            ValueError: run.json is damaged, or of another version.
        """
        path = self.path / RECORD
        if not path.is_file():
            return None
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            if record["format"] != FORMAT:
                raise ValueError(f"it has format {record['format']!r}, this version reads {FORMAT}")
            result = record["result"]
            if result is not None:
                Run.from_json(result, "", None)  # type: ignore[arg-type] # only to see that it can be read
            return Recorded(Plan(**record["arguments"]), result, bool(record.get("provisional")))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is not the record of a run ({error}); overwrite=True starts again") from error


def versions() -> dict[str, str]:
    """Return the versions of lutsmith, Python and the packages that decide the numbers, where they are installed."""
    import platform
    from importlib import metadata

    from lutsmith.version import __version__

    found = {"lutsmith": __version__, "python": platform.python_version()}
    for name in ("numpy", "numba", "torch", "lightning-fabric"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
