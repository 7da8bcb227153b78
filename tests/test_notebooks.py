"""The notebooks of the course: Jupyter can open them, they have what a course needs, and their code reads like ours.

They are run when the site is built (`make docs`), where a cell that fails is an error.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

DOCS = Path(__file__).parents[1] / "docs"
COURSE = sorted((DOCS / "notebooks").glob("*.md"))
NOTEBOOKS = [*COURSE, DOCS / "gallery.md"]
HEAD = re.compile(r"\A---\n(.*?)^---\n", re.S | re.M)
CELL = re.compile(r"^```\{code-cell\}\n(?:---\n(.*?)^---\n)?(.*?)^```$", re.S | re.M)
LONGEST = 100  # signs of a line that the site shows without scrolling


def cells(text: str) -> list[tuple[dict[str, object], str]]:
    """Return what is said of each code cell, and its code."""
    return [(yaml.safe_load(options) or {}, code) for options, code in CELL.findall(text)]


def page_of(path: Path) -> str:
    return path.relative_to(DOCS).with_suffix("").as_posix()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=page_of)
def test_a_notebook_has_a_head_that_jupytext_reads_and_the_kernel_that_is_everywhere(path: Path) -> None:
    head = yaml.safe_load(HEAD.search(path.read_text("utf-8"))[1])
    assert head["jupytext"]["text_representation"] == {"extension": ".md", "format_name": "myst"}
    assert head["kernelspec"] == {"display_name": "Python 3", "language": "python", "name": "python3"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=page_of)
def test_every_block_of_python_of_a_notebook_is_run(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(cells(text)) == text.count("```{code-cell}") > 3
    assert "```python" not in text
    tags = {tag for options, _ in cells(text) for tag in options.get("tags", [])}
    assert tags <= {"hide-cell", "hide-output"}  # none that lets a cell fail or not run


@pytest.mark.parametrize("path", COURSE, ids=page_of)
def test_a_notebook_of_the_course_begins_with_what_it_is_for_and_ends_with_three_exercises(path: Path) -> None:
    lesson, _, exercises = path.read_text("utf-8").partition("\n## Exercises\n")
    number = re.search(r"^# (\d)\. ", lesson, re.M)[1]
    assert f"| {number} | [" in (DOCS / "course.md").read_text("utf-8")
    assert lesson.index("**You learn**") < lesson.index("**You need** ") < lesson.index("\n## ")
    assert re.findall(r"^\*\*(\d)\.\*\*", exercises, re.M) == ["1", "2", "3"]
    answers = [options for options, _ in cells(exercises)]
    assert answers == [{"tags": ["hide-cell"], "jupyter": {"source_hidden": True}}] * 3


def test_the_course_is_in_the_contents_in_its_order() -> None:
    entries = re.findall(r"^notebooks/(\w+)$", (DOCS / "index.md").read_text("utf-8"), re.M)
    linked = re.findall(r"\]\(notebooks/(\w+)\.md\)", (DOCS / "course.md").read_text("utf-8"))
    titles = [
        re.search(r"^# (\d)\. ", (DOCS / "notebooks" / f"{name}.md").read_text("utf-8"), re.M)[1] for name in entries
    ]
    assert entries == linked
    assert titles == [str(number + 1) for number in range(len(COURSE))]


def test_the_code_of_notebooks_is_formatted_and_checked_as_ours_is(tmp_path: Path) -> None:
    for path in NOTEBOOKS:
        code = [
            {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": cell.rstrip("\n")}
            for _, cell in cells(path.read_text("utf-8"))
        ]
        notebook = {
            "cells": code,
            "metadata": {"language_info": {"name": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        (tmp_path / f"{path.stem}.ipynb").write_text(json.dumps(notebook), "utf-8")
    shared = [
        "--no-cache",
        "--config",
        str(DOCS.parent / "pyproject.toml"),
        "--line-length",
        str(LONGEST),
        str(tmp_path),
    ]
    for step in (["check", "--quiet", "--extend-ignore", "D,T20"], ["format", "--diff"]):
        done = subprocess.run([sys.executable, "-m", "ruff", *step, *shared], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
