"""The folder of a run: what may be written into it, and what it remembers."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from lutsmith.ground.atomic import write_atomically
from lutsmith.runs.plan import Plan

FORMAT = 1
RECORD, MODEL = "run.json", "model.lut"
_FILES = (RECORD, MODEL, "checkpoint.pt", "metrics.jsonl")
_FOLDERS = ("tensorboard",)


@dataclass(frozen=True)
class Run:
    """What a run reached; its JSON object is what `lutsmith train --json` prints.

    Attributes:
        task, preset, seed: what was trained.
        accuracy: of the circuit, in [0, 1], on the rows that `measured_on` names.
        soft_accuracy: of the network before hardening, on the same rows.
        measured_on: "test"; "held-out" where rows of a table without a test set were held out of everything; or
            "validation", the rows that chose the epoch, where none were.
        luts: nodes of rank <= 6 in the saved netlist: those of the encoder and of the network; comparators and the
            head's sums are not counted.
        depth: levels of the netlist.
        best_epoch: the epoch that the circuit is of, counted from 1.
        train_seconds: from the first batch to the last, validation included, over all sittings.
        setup_seconds: of the last sitting, before its first batch: data, encoder, compiling or loading kernels.
        model: absolute path of the model file.
        comparators: of the encoder, those that something reads; None in records of earlier versions.
        encoder_luts: nodes among `luts` that the encoder emits: none by thermometers, the XORs of other codes; None in
            records of earlier versions.
        lowering: "proved" where the circuit was read back and is the network, as `nn.prove_lowering` says; "not
            established" and why, where a module is not known to it; None in records of earlier versions.
    """

    task: str
    preset: str
    seed: int
    accuracy: float
    soft_accuracy: float
    measured_on: str
    luts: int
    depth: int
    best_epoch: int
    train_seconds: float
    setup_seconds: float
    model: str
    comparators: int | None = None
    encoder_luts: int | None = None
    lowering: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)


class Recorded(NamedTuple):
    """What run.json holds: the plan, the result of a finished run, and whether the data may still round the plan's last
    layer, because the run was stopped before they were loaded.
    """

    plan: Plan
    run: Run | None
    provisional: bool


class RunFolder:
    """A folder that holds at most one run.

    A run is never written over another: without `resume` a folder that holds files of a run is refused, unless
    `overwrite` removes them first. Files of other names are left alone; a folder with another model file is refused,
    so that a run's model is the only one in its folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()

    @classmethod
    def choose(cls, out: str | os.PathLike[str] | None, name: str, *, resume: bool, overwrite: bool) -> RunFolder:
        """Return the folder `out`, or without one the first free of runs/NAME, runs/NAME-2, ...

        To resume or overwrite without `out` is to take the last of these that is not free.
        """
        if out is not None:
            return cls(Path(out))
        numbered = [cls(Path("runs") / name)]
        while numbered[-1].present():
            numbered.append(cls(Path("runs") / f"{name}-{len(numbered) + 1}"))
        return numbered[-2] if (resume or overwrite) and len(numbered) > 1 else numbered[-1]

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
                "move the other away, or take another --out"
            )
        if found and not overwrite:
            raise ValueError(
                f"{self.path} holds {', '.join(found)} of a run: --resume goes on with it, --overwrite starts again, "
                "--out takes another folder"
            )
        if self.path.exists() and not self.path.is_dir():
            raise NotADirectoryError(f"{self.path} is a file: --out takes a folder")

    def claim(self, plan: Plan, *, overwrite: bool) -> None:
        """Remove the run in the folder, if there is one and `overwrite` says so, and write down the plan of a new one.

        Raises:
            ValueError, OSError: as for `check`, or the folder cannot be written to.
        """
        self.check(overwrite=overwrite)
        found = self.present()
        self.path.mkdir(parents=True, exist_ok=True)
        for name in found:
            (self.path / name).unlink()
        for name in _FOLDERS if found else ():
            shutil.rmtree(self.path / name, ignore_errors=True)
        self.write(plan, None)

    @contextlib.contextmanager
    def claimed(self, plan: Plan, *, provisional: bool) -> Iterator[None]:
        """Write the plan into a folder without a run before the long work in the block begins: whatever stops that, a
        run can be resumed with its arguments. An error in the block refuses the plan, and is left no trace of.
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
        """Write run.json: the plan, the versions at work, and the result once there is one."""
        record = {
            "format": FORMAT,
            "arguments": plan.to_json(),
            "versions": versions(),
            "result": None if run is None else run.to_json(),
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
                result = Run(**{**result, "model": str(self.model)})  # the folder may have been moved
            return Recorded(Plan(**record["arguments"]), result, bool(record.get("provisional")))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is not the record of a run ({error}); --overwrite starts again") from error


def versions() -> dict[str, str]:
    """Return the versions of lutsmith, Python and the packages that decide the numbers."""
    import platform
    from importlib import metadata

    from lutsmith.version import __version__

    names = ("numpy", "numba", "torch", "lightning-fabric")
    return {
        "lutsmith": __version__,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in names},
    }
