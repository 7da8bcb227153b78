"""The pages of the site: all in the contents, and what the first ones tell you to type runs as it stands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lutsmith.cli import run
from tests.own_parts import registries_kept

DOCS = Path(__file__).parents[1] / "docs"
TOCTREE = re.compile(r"```\{toctree\}\n(.*?)```", re.S)
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```", re.S | re.M)
ANSWER = re.compile(r"print\(.*\)  # ([\d\[][^:\n]*)", re.M)
"""What a page says that a line prints, up to a colon."""
COMING = tuple(f"coming/{path.stem}" for path in sorted((DOCS / "coming").glob("*.md")))
RUN = ("index", "start", "ideas", "glossary", "own", "search_method", "devices", *COMING)
SHORTER = {
    "epochs=20": "epochs=1, luts=(20,)",
    "--luts 300": "--luts 20",
    "--epochs 20": "--epochs 1",
    "steps=60": "steps=4",
    "range(10):\n    for rows": "range(1):\n    for rows",
    ".split(32)": ".split(900)",
    ".split(100)": ".split(900)",
    ".split(128)": ".split(900)",
    '"steps": 300': '"steps": 3',
    '"steps": 200': '"steps": 3',
    "lutsmith train alu --out": "lutsmith train alu --ops + --out",
    "points=1000": "points=100",
    "--prove": "--prove --points 100",
    "'22 * 33'": "'22 + 33'",
}
"""What the tests make quicker: as many steps as show that the code runs."""


def blocks(page: str) -> list[tuple[str, str]]:
    """Return language and text of the blocks of a page that can be run, in order."""
    return BLOCK.findall((DOCS / f"{page}.md").read_text("utf-8"))


def in_the_contents() -> list[str]:
    """Return the pages that the contents in index.md name, in order."""
    entries = "\n".join(TOCTREE.findall((DOCS / "index.md").read_text("utf-8"))).splitlines()
    return [entry for entry in entries if entry and not entry.startswith(":")]


def test_every_page_stands_once_in_the_contents() -> None:
    pages = {
        path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md") if "_build" not in path.parts
    }
    assert sorted(in_the_contents()) == sorted(pages - {"index"})


def commands(text: str) -> Iterator[list[str]]:
    """Yield the arguments of each `lutsmith ...` of a console block; `pip install` is for the reader alone."""
    for line in text.splitlines():
        program, *arguments = shlex.split(line, comments=True)
        assert program in ("lutsmith", "pip"), line
        if program == "lutsmith":
            yield arguments


@pytest.mark.needs("torch", "pyosys")
@pytest.mark.parametrize("page", RUN)
def test_what_a_page_tells_you_to_type_runs(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with registries_kept():
        run_page(page, capsys)


def run_page(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Run the blocks of a page one after the other, and compare what they print with what the page says."""
    names: dict[str, Any] = {}
    for language, text in blocks(page):
        for given, shorter in SHORTER.items():
            text = text.replace(given, shorter)
        if language == "console":
            for arguments in commands(text):
                assert run(arguments) == 0, (arguments, capsys.readouterr())
        else:
            exec(compile(text, f"{page}.md", "exec"), names)
            said = capsys.readouterr().out
            for line in ANSWER.findall(text):
                assert line in said, f"{page}.md says {line}, and prints {said}"


def test_the_first_pages_have_something_to_run() -> None:
    assert {page: len(blocks(page)) > 0 for page in RUN} == {page: page != "glossary" for page in RUN}
