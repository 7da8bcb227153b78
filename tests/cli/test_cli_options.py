"""The library's messages speak of Python arguments; a command's speak of its options, by its own parameters."""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lutsmith
from lutsmith import runs
from lutsmith.cli.errors import Command, in_options

SOURCES = Path(lutsmith.__file__).parent
OPTION = re.compile(r"(?<![\w-])--?[a-z]")
TABLE = "a;b\n" + "".join(f"{row};{'xy'[row % 2]}\n" for row in range(40))


@pytest.fixture
def folder(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LUTSMITH_DATA", raising=False)
    (tmp_path / "t.csv").write_text(TABLE)
    (tmp_path / "words.csv").write_text("1,yes\n2,no\n")
    (tmp_path / "file").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.lut").touch()
    (tmp_path / "model.lut").write_bytes(model.read_bytes())
    return tmp_path


def train(task: str, **arguments: Any) -> Callable[[], Any]:
    return lambda: runs.train(task, quiet=True, **arguments)


MISTAKES: list[tuple[str, Callable[[], Any], str, str]] = [
    ("train mist", train("mist"), "TASK is 'mist'", "task is 'mist'"),
    ("train csv", train("csv"), "give --data FILE", "give data=FILE"),
    ("train csv --data t.csv", train("csv", data="t.csv"), "give --target COLUMN", "give target=COLUMN"),
    ("train digits --data x", train("digits", data="x"), "takes no --data FOLDER", "takes no data=FOLDER"),
    ("train digits --target y", train("digits", target="y"), "takes no --target y", "takes no target='y'"),
    ("train digits --test 'a b'", train("digits", test="a b"), "takes no --test 'a b'", "takes no test='a b'"),
    ("train digits --header", train("digits", table={"header": True}), "takes no --header", "takes no header=True"),
    ("train digits --no-header", train("digits", table={"header": False}), "takes no --no-header", "no header=False"),
    ("train digits --drop a --drop 'b c'", train("digits", table={"drop": ["a", "b c"]}),
     "takes no --drop a --drop 'b c'", "takes no drop=['a', 'b c']"),
    ("train digits --missing '?,na'", train("digits", table={"missing": ["?", "na"]}), "takes no --missing ",
     "takes no missing=['', '?', 'na']"),
    ("train mnist", train("mnist"), "give --data FOLDER", "give data=FOLDER"),
    ("train digits --test-share 0.5", train("digits", test_share=0.5), "leave out --test-share 0.5",
     "leave out test_share=0.5"),
    ("train csv --data t.csv --target b --test-share 2", train("csv", data="t.csv", target="b", test_share=2.0),
     "--test-share is 2.0; expected", "test_share is 2.0; expected"),
    ("train digits --resume --overwrite", train("digits", resume=True, overwrite=True),
     "--resume goes on with a run, --overwrite removes it", "resume=True goes on with a run, overwrite=True removes"),
    ("train digits --allow-new", train("digits", allow_new=True), "--allow-new lets --resume begin",
     "allow_new=True lets resume=True begin"),
    ("train digits --rank 9", train("digits", rank=9), "--rank is 9; expected", "rank is 9; expected"),
    ("train digits --bits 0", train("digits", bits=0), "--bits is 0; expected", "bits is 0; expected"),
    ("train digits --epochs 0", train("digits", epochs=0), "--epochs 0: expected", "epochs=0: expected"),
    ("train digits --preset fst", train("digits", preset="fst"), "--preset is 'fst'; expected one of",
     "preset is 'fst'; expected one of"),
    ("train digits --out file", train("digits", out="file"), "--out FOLDER takes", "out=FOLDER takes"),
    ("train digits --out other", train("digits", out="other"), "with --out FOLDER", "with out=FOLDER"),
    ("train digits --out new --resume", train("digits", out="new", resume=True),
     "let --resume --allow-new begin one there", "let resume=True, allow_new=True begin one there"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "call", "on_the_command_line", "in_python"), MISTAKES, ids=[row[0] for row in MISTAKES]
)
def test_a_message_speaks_the_language_of_whoever_made_the_mistake(
    lutsmith, folder: Path, line: str, call: Callable[[], Any], on_the_command_line: str, in_python: str
) -> None:
    outcome = lutsmith(*shlex.split(line))
    assert outcome.code == 2
    assert on_the_command_line in outcome.err
    assert not re.search(r"\b[a-z_]+=", outcome.err)
    with pytest.raises((ValueError, OSError)) as raised:
        call()
    assert in_python in str(raised.value)
    assert not OPTION.search(str(raised.value))


@pytest.mark.filterwarnings("default")
def test_warnings_speak_of_options_too(lutsmith, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def warned(*_: Any, **__: Any) -> None:
        warnings.warn("column 'a': 9 are read as missing; give missing=() if that is a category", stacklevel=2)
        raise KeyboardInterrupt("stopped; go on with resume=True, out='x'")

    monkeypatch.setattr("lutsmith.runs.train", warned)
    outcome = lutsmith("train", "digits")
    assert outcome.code == 130
    assert outcome.err.splitlines() == [
        "warning: column 'a': 9 are read as missing; give --missing '' if that is a category",
        "lutsmith: stopped; go on with --resume --out x",
    ]


def test_the_options_of_a_command_are_found_by_its_parameters(lutsmith, folder: Path, monkeypatch) -> None:
    said = (
        "give header=False, drop=['how much', \"it's\"] or missing=(); target=None, luts=(20, 10): rank is 9, "
        "test_share is 0.5, nonesuch=3, /tmp/data=5/x, numbers=[3], decimal=','; go on with resume=True, out='a b'"
    )

    def fail(*_: Any, **__: Any) -> None:
        raise ValueError(said)

    monkeypatch.setattr("lutsmith.runs.train", fail)
    assert lutsmith("train", "digits").err == (
        "lutsmith: give --no-header --drop 'how much' --drop 'it'\"'\"'s' or --missing ''; no --target --luts 20,10: "
        "--rank is 9, --test-share is 0.5, nonesuch=3, /tmp/data=5/x, --numbers 3 --decimal ,; go on with --resume "
        "--out 'a b'\n"
    )
    monkeypatch.setattr("lutsmith.runs.evaluate", fail)
    assert "luts=(20, 10): rank is 9" in lutsmith("eval", "model.lut").err
    assert in_options(said) == said  # no command runs


def test_every_command_speaks_of_its_options() -> None:
    from typer.main import get_command

    from lutsmith.cli import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    within = commands.pop("alu").commands  # a group
    assert (len(commands), len(within)) == (21, 2)
    assert all(isinstance(command, Command) for command in (*commands.values(), *within.values()))


def test_no_message_of_the_library_speaks_of_options() -> None:
    """Options of other programs, which rooms run, stand in lists and never in messages."""
    found = {}
    for path in SOURCES.rglob("*.py"):
        if path.is_relative_to(SOURCES / "cli"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Raise | ast.Call) and _is_message(node):
                texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
                if wrong := [text for text in texts if isinstance(text, str) and re.search(r"(?<![\w-])--[a-z]", text)]:
                    found[f"{path.name}:{node.lineno}"] = wrong
    assert found == {}


def _is_message(node: ast.Raise | ast.Call) -> bool:
    """Whether a node raises, warns, or appends to what is told."""
    if isinstance(node, ast.Raise):
        return True
    return ast.unparse(node.func) in ("warnings.warn", "told.append", "DataError", "ValueError")
