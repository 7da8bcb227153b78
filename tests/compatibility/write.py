"""Write model files and what they answer, for kinds that have none yet. Never overwrites: `python -m
tests.compatibility.write [--to FOLDER] [KIND ...]`. README.md says when.

A kind `NAME` becomes `NAME.lut`; `NAME.npz`, rows and what the circuit says of them; and `NAME.json`: labels, `info()`,
facts, the classes of the layers that it was lowered from, the commit that answered. A table also has `NAME.csv`, and
what `lutsmith predict` says of it. A `.lut` file without answers, which an earlier version wrote, gets its answers.
Sums go to `SHA256SUMS`.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import lutsmith
from lutsmith.cli import run

from .answers import answers, as_json, document, joined, rows

FILES = Path(__file__).parent / "files"
SUMS = "SHA256SUMS"


def write(folder: Path, names: Sequence[str] = ()) -> list[str]:
    """Write kinds into a folder, all that have no file there where no names are given; return the names.

    Raises:
        FileExistsError: a kind that has a file.
        KeyError: no such kind.
    """
    from .kinds import KINDS  # needs torch

    folder.mkdir(exist_ok=True)
    if taken := [name for name in names if (folder / f"{name}.lut").exists()]:
        raise FileExistsError(f"{taken[0]} has a file in {folder}, never rewritten: give a new kind a new name")
    for name in names or [name for name in KINDS if not (folder / f"{name}.lut").exists()]:
        made = KINDS[name]()
        lutsmith.save(made.circuit, folder / f"{name}.lut")
        modules = [] if made.model is None else made.model.modules()
        told = {"layers": sorted({name_of(type(module)) for module in modules if is_lowered(type(module))})}
        if made.records:
            told["records"] = made.records
        if made.text:
            _new(folder / f"{name}.csv", made.text.encode())
            told["text answered"] = table_labels(folder, name)
        _answer(folder, name, told)
    written = sorted(path.stem for path in folder.glob("*.lut") if not path.with_suffix(".json").exists())
    for name in written:  # by an earlier version
        _answer(folder, name, {"layers": []})
    summed = {line.split()[1] for line in sums(folder)}
    new = sorted(path.name for path in folder.iterdir() if path.name not in {SUMS, *summed})
    with (folder / SUMS).open("a", encoding="utf-8", newline="\n") as stream:
        stream.writelines(f"{digest(folder / name)}  {name}\n" for name in new)
    return [name.removesuffix(".lut") for name in new if name.endswith(".lut")]


def is_lowered(kind: type) -> bool:
    """Whether modules of a class become comparators, LUTs, wires, sums or a head."""
    return any(hasattr(kind, method) for method in ("lower_features", "lower", "lower_head", "lower_numbers"))


def name_of(kind: type) -> str:
    """A class by room and name, such as `nn.GroupSum`."""
    return f"{kind.__module__.split('.')[1]}.{kind.__name__}"


def document_keys(header: dict[str, Any]) -> tuple[str, ...]:
    """What is kept of a model file's JSON object."""
    return ("input_shape", *(("classes", "task") if header["version"] < 3 else ("head", "parts")), "facts")


def table_labels(folder: Path, name: str) -> list[str]:
    """What `lutsmith predict` says of a table's text file."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        code = run(["predict", str(folder / f"{name}.lut"), str(folder / f"{name}.csv")])
    assert code == 0, told.getvalue()
    return told.getvalue().splitlines()


def sums(folder: Path) -> list[str]:
    """Lines of a sum and a name each."""
    path = folder / SUMS
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def as_bytes(value: dict[str, Any]) -> bytes:
    """JSON, one line a key."""
    lines = [f"{json.dumps(key)}: {json.dumps(as_json(item), ensure_ascii=False)}" for key, item in value.items()]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _answer(folder: Path, name: str, told: dict[str, Any]) -> None:
    """Write what a model file answers now."""
    data = (folder / f"{name}.lut").read_bytes()
    circuit = lutsmith.load(folder / f"{name}.lut")
    if "records" in told:
        said = answers(circuit, told["records"])
        told["records answered"] = {key: as_json(said[key]) for key in ("scores", "predictions", "labels")}
    given = rows(data)
    said = {dtype: answers(circuit, X) for dtype, X in given.items()}
    header = document(data)
    stored = {
        "answered by": {"lutsmith": lutsmith.__version__, "commit": _commit()},
        "file version": header["version"],
        **{key: header[key] for key in document_keys(header)},
        "info": circuit.info(),
        **told,
        "labels": as_json(said["float32"].get("labels")),
        "warned": {dtype: part["warned"] for dtype, part in said.items()},
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **given, **joined(said))
    _new(folder / f"{name}.npz", buffer.getvalue())
    _new(folder / f"{name}.json", as_bytes(stored))


def _new(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)


def _commit() -> str | None:
    """The commit of the code that runs, where it lies in a checkout."""
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    found = subprocess.run(command, cwd=Path(lutsmith.__file__).parent, capture_output=True, text=True)
    return found.stdout.strip() or None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND")
    parser.add_argument("--to", type=Path, default=FILES, metavar="FOLDER")
    arguments = parser.parse_args()
    print("\n".join(write(arguments.to, arguments.kinds)) or "no kind without a file")


if __name__ == "__main__":
    main()
