"""The pages of the site: all in the contents, and what they tell you to type runs, or the page says why it does not."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lutsmith.cli import run
from tests.own_parts import registries_kept

from .preambles import PREAMBLES

DOCS = Path(__file__).parents[1] / "docs"
TOCTREE = re.compile(r"```\{toctree\}\n(.*?)```", re.S)
BLOCK = re.compile(r"^(?:<!-- not run: (?P<why>[^>]+) -->\n)?```(?P<language>[^\n]*)\n(?P<text>.*?)^```$", re.S | re.M)
ANSWER = re.compile(r"print\(.*\)  # ([\d\[][^:\n]*)", re.M)
"""What a page says that a line prints, up to a colon."""
COMING = tuple(f"coming/{path.stem}" for path in sorted((DOCS / "coming").glob("*.md")))
RUN = (
    "../README",
    "index",
    "start",
    "ideas",
    "features",
    "tables",
    "sklearn",
    "convolution",
    "searching",
    "sweeps",
    "own",
    "search_method",
    "circuits",
    "export",
    "hardware",
    "devices",
    "reports",
    "alu",
    "neurons",
    "interop",
    "lowering",
    "simplify",
    *COMING,
)
"""Pages of which at least one block is run here."""
PYTHON_RUN_IN = {
    "../README": "test_readme.py",
    "tables": "test_readme.py",
    "sklearn": "test_readme.py",
    "additive": "additive/test_page.py",
    "circuits": "circuit/test_page.py",
    "reports": "reporting/test_page_of_docs.py",
    "alu": "alu/test_alu.py",
}
"""Pages whose Python another test runs, with what it looks at afterwards."""
SHOWN = ("text", "c", "html", "js", "json", "toml")
"""Languages of blocks that are there to be read."""
SHORTER = {
    '"digits", epochs=20': '"digits", epochs=1, luts=(20,)',
    "Settings(epochs=20)": "Settings(epochs=1)",
    "epochs=10": "epochs=1",
    "--luts 300": "--luts 20",
    "--epochs 20": "--epochs 1",
    "steps=60": "steps=4",
    "--target outcome": "--target outcome --max-luts 20",
    "64, 256, padding=1, lut_rank=4), OrPool2d(2)": "64, 8, padding=1, lut_rank=4), OrPool2d(2)",
    "LogicDense(256 * 8 * 8, 4000, 4)": "LogicDense(8 * 8 * 8, 200, 4)",
    '"steps": 500': '"steps": 5',
    "verify runs/digits/model.lut\n": "verify runs/digits/model.lut --format json\n",
    "verify runs/digits/model.lut --format verilog": "verify runs/digits/model.lut --format verilog --proofs-only",
    "--file edited.v": "--file edited.v --proofs-only",
    "pipeline=2)\nprint(found)": "pipeline=2, layers=('read-back', 'formal'))\nprint(found)",
    "BinaryLinear(784 * 3, 256), nn.BatchNorm1d(256)": "BinaryLinear(784 * 3, 4), nn.BatchNorm1d(4)",
    "BinaryLinear(256, 256), nn.BatchNorm1d(256)": "BinaryLinear(4, 8), nn.BatchNorm1d(8)",
    "BinaryLinear(256, 10),": "BinaryLinear(8, 10),",
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


class Block(NamedTuple):
    """A block of a page: its language, its text, and why it is not run, if the page says so."""

    language: str
    text: str
    why: str | None


def pages() -> list[str]:
    """Return all pages that have text of their own, README and CONTRIBUTING among them, relative to docs/."""
    found = [path.relative_to(DOCS) for path in DOCS.rglob("*.md") if "_build" not in path.parts]
    return ["../README", "../CONTRIBUTING", *sorted(path.with_suffix("").as_posix() for path in found)]


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page, in order, but for those that are Sphinx's directives."""
    found = BLOCK.finditer((DOCS / f"{page}.md").read_text("utf-8"))
    return [Block(m["language"], m["text"], m["why"]) for m in found if not m["language"].startswith("{")]


def run_here(page: str) -> list[Block]:
    """Return the blocks of a page that are run in this file."""
    languages = ("console",) if page in PYTHON_RUN_IN else ("console", "python")
    return [block for block in blocks(page) if block.language in languages and block.why is None]


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
    for number, (language, text, _) in enumerate(run_here(page)):
        exec(PREAMBLES.get((page, number), ""), names)
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


def test_every_block_is_run_or_says_why_not() -> None:
    assert {page for page in pages() if run_here(page)} == set(RUN)
    assert {block.language for page in pages() for block in blocks(page)} <= {"python", "console", *SHOWN}
    for page in pages():
        text = (DOCS / f"{page}.md").read_text("utf-8")
        assert len(re.findall("^ *```", text, re.M)) == 2 * len(BLOCK.findall(text)), (
            f"{page}: a fence that is not read"
        )


def test_what_is_run_elsewhere_is_run_there_and_what_is_prepared_is_used() -> None:
    for page, test in PYTHON_RUN_IN.items():
        assert any(block.language == "python" for block in blocks(page)), page
        assert f"{Path(page).name}.md" in (Path(__file__).parent / test).read_text("utf-8"), (
            f"{test} does not read {page}"
        )
    assert [where for where in PREAMBLES if where[1] >= len(run_here(where[0]))] == []
