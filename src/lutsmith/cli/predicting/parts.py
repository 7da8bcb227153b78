"""The parts of an input: files that are given by name, by a pattern or by their folder, and where predictions go."""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lutsmith.cli.predicting.predictions import COLUMNAR

_ENDINGS = {
    ".csv.gz": ".csv", ".tsv.gz": ".csv", ".csv": ".csv", ".tsv": ".csv",
    ".npy": ".npy", ".npz": ".npy", ".idx.gz": ".npy", ".idx": ".npy", "-ubyte.gz": ".npy", "-ubyte": ".npy",
    **dict.fromkeys(COLUMNAR, ".parquet"),
}  # fmt: skip
"""What a part may end in, and what its predictions end in where nothing is said."""
_LEFT_OUT = (".", "_")
"""What names begin with that other readers of folders leave out, too."""


@dataclass(frozen=True)
class InputPart:
    """One file of an input.

    Attributes:
        source: its absolute path.
        target: where its predictions go, below the folder of all of them, with slashes.
    """

    source: Path
    target: str


def is_pattern(path: Path) -> bool:
    """Return whether a path is the name of nothing, and stands for all files that match it."""
    return not os.path.lexists(path) and _first_star(path) is not None


def _first_star(path: Path) -> int | None:
    """Return the place of the first step of a path that is a pattern; a folder named `data[1]` is none."""
    for place, step in enumerate(path.parts):
        if glob.has_magic(step) and not os.path.lexists(Path(*path.parts[: place + 1])):
            return place
    return None


def find_parts(inputs: Sequence[Path], folder: Path, ending: str | None = None) -> list[InputPart]:
    """Return the parts of an input, by the names of their targets.

    Of a folder, and of a pattern, these are the files that can be read, in it and in the folders in it; names that
    begin with a dot or an underscore are left out, as other readers do (`_SUCCESS`), and so is what lies below
    `folder`. Links to folders are followed where they are named or match a star, and not below a folder or by `**`.

    The target of a part has its name, with the ending of predictions. It lies as deep below `folder` as the part lies
    below what all inputs have in common: the folder that was given, what stands before the first star of a pattern, the
    folder that holds files given by name. A part whose name would be another one's as well keeps its own ending, too.

    Args:
        inputs: files, folders and patterns such as `data/*.parquet` or `data/**/*.csv`.
        folder: where the predictions go.
        ending: of their names; None: that which suits the part.

    Raises:
        FileNotFoundError: a file that is not there; a pattern or a folder with no part.
        OSError: a folder that cannot be listed.
        ValueError: a file of an unknown kind, or parts whose predictions would have one name.
    """
    bases: list[Path] = []
    sources: dict[Path, None] = {}
    out = Path(os.path.realpath(folder))
    for given in inputs:
        base, found = _found(Path(os.path.normpath(given.expanduser().absolute())), given)
        if Path(os.path.realpath(base)) == out:
            raise ValueError(f"{folder} holds the input {given}; give OUT another folder")
        found = [path for path in found if not Path(os.path.realpath(path)).is_relative_to(out)]
        if not found:
            raise FileNotFoundError(f"{given}: no part is there that can be read; expected {', '.join(_ENDINGS)}")
        bases.append(base)
        sources.update(dict.fromkeys(found))
    common = Path(os.path.commonpath(bases))
    return _named({source: source.relative_to(common).as_posix() for source in sources}, ending)


def _found(path: Path, given: Path) -> tuple[Path, Iterable[Path]]:
    """Return what parts of one input lie below, and the parts."""
    if is_pattern(path):
        first = _first_star(path)
        base = Path(*path.parts[:first])
        return base, [part for match in _matching(base, path.parts[first:]) for part in _matched(match)]
    if path.is_dir():
        return path, _within(path)
    if not path.exists():
        raise FileNotFoundError(f"{given} does not exist; expected a file, a folder, or a pattern such as 'data/*.csv'")
    if _ending(path.name) is None:
        raise ValueError(f"{given}: unknown kind of file; expected {', '.join(_ENDINGS)}")
    if not path.is_file():
        raise ValueError(f"{given} is a pipe or a device; expected a file, which can be read again after a stop")
    return path.parent, [path]


def _matching(folder: Path, steps: Sequence[str]) -> Iterator[Path]:
    """Yield what a pattern stands for below a folder; `**` is the folder and all in it."""
    if not steps:
        yield folder
    elif steps[0] == "**":
        for root, _ in _walk(folder):
            yield from _matching(root, steps[1:])
    elif not glob.has_magic(steps[0]):
        if os.path.lexists(folder / steps[0]):
            yield from _matching(folder / steps[0], steps[1:])
    elif folder.is_dir():
        for name in sorted(os.listdir(folder)):  # noqa: PTH208 - names alone
            if fnmatch.fnmatch(name, steps[0]) and (not name.startswith(_LEFT_OUT) or name[0] == steps[0][0]):
                yield from _matching(folder / name, steps[1:])


def _matched(path: Path) -> Iterable[Path]:
    return _within(path) if path.is_dir() else [path] * _is_part(path)


def _within(folder: Path) -> Iterator[Path]:
    """Yield the parts in a folder and in those in it, sorted; links to folders are not followed."""
    for root, files in _walk(folder):
        yield from (root / name for name in sorted(files) if _is_part(root / name))


def _walk(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield a folder and those in it, sorted, each with the names of its files."""
    for root, folders, files in os.walk(folder, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith(_LEFT_OUT))
        yield Path(root), files


def _raise(error: OSError) -> None:
    """Parts in a folder that cannot be listed are not to be left out in silence."""
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):  # removed meanwhile, or a file that matched
        raise error


def _is_part(path: Path) -> bool:
    """Return whether a file is a part; a link to nothing is one, which cannot be read."""
    if path.name.startswith(_LEFT_OUT) or _ending(path.name) is None:
        return False
    return path.is_file() or (path.is_symlink() and not path.exists())


def _ending(name: str) -> str | None:
    return next((ending for ending in _ENDINGS if name.lower().endswith(ending)), None)


def _named(names: dict[Path, str], ending: str | None) -> list[InputPart]:
    """Return parts with targets of their own: short names, and of those that meet all but one long ones."""
    targets: dict[Path, str] = {}
    wished: dict[str, list[Path]] = {}
    for source, name in names.items():
        own = _ending(name)
        assert own is not None
        wanted = ending or _ENDINGS[own]
        stem = name[: -len(own)] if own.startswith(".") else name.removesuffix(".gz")
        targets[source] = stem + wanted
        wished.setdefault(targets[source].casefold(), []).append(source)
    for meeting in wished.values():
        if len(meeting) > 1:
            for source in meeting:
                wanted = ending or _ENDINGS[_ending(source.name) or ""]
                if not names[source].lower().endswith(wanted):
                    targets[source] = names[source] + wanted
    taken: dict[str, Path] = {}
    for source, target in targets.items():
        other = taken.setdefault(target.casefold(), source)
        if other != source:
            raise ValueError(
                f"the predictions of {other} and of {source} would both be {target}: predict them into folders of "
                "their own"
            )
    return sorted((InputPart(source, target) for source, target in targets.items()), key=lambda part: part.target)
