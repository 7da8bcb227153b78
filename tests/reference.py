"""docs/reference.md, from the names that lutsmith makes public and what their docstrings say first; docs/reference/, of
which Sphinx makes a page for each room.

    python -m tests.reference   # writes the pages

Each object stands once: in the room that has it, or in the first section where only `lutsmith` itself has it.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import re
import sys
from pathlib import Path
from typing import Any

import lutsmith

PAGE = Path(__file__).parents[1] / "docs" / "reference.md"
ROOM_PAGES = PAGE.parent / "reference"
ROOMS = (
    "data", "nn", "nn.neurons", "training", "additive", "ensembles", "explaining", "reporting", "runs", "sweeps",
    "presets", "circuit", "search", "serving", "export", "hardware", "logic", "formats", "interop", "dwn", "deeplut",
)  # fmt: skip
HEADER = """# Every public name

Each name is listed once, with the first sentence of its docstring: `help(lutsmith.fit)` shows the rest. Names with a
star are attributes of `lutsmith` too: `lutsmith.nn.LogicDense` is `lutsmith.LogicDense`. `python -m tests.reference`
writes this page. The pages of the rooms, in `reference/`, are lists of names that `make docs` turns into full texts.
"""


def sentence(room: str, name: str) -> str:
    """Return the first sentence about a public name: of its docstring, or of the text below a constant; "" without."""
    value: Any = getattr(importlib.import_module(room), name)
    documented = inspect.ismodule(value) or inspect.isclass(value) or inspect.isroutine(value)
    text = inspect.getdoc(value) if documented else described(name, value)
    paragraph = " ".join((text or "").split("\n\n")[0].split())
    found = re.match(r".*?[^.]\.(?= |$)", paragraph)
    return (found.group() if found else paragraph).rstrip(":.") + "." if paragraph else ""


def described(name: str, value: Any) -> str | None:
    """Return the text that stands below the assignment of a constant, in the module that makes it."""
    if name == "__version__":
        return "The version of lutsmith."
    for module in [found for found in sys.modules.values() if getattr(found, "__name__", "").startswith("lutsmith.")]:
        if vars(module).get(name) is not value or not getattr(module, "__file__", None):
            continue
        body = ast.parse(Path(str(module.__file__)).read_text("utf-8")).body
        for statement, below in itertools.pairwise(body):
            targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                text = getattr(getattr(below, "value", None), "value", None)
                if isinstance(text, str):
                    return text
    return None


def rows() -> dict[str, dict[str, tuple[str, bool]]]:
    """Return by room, "lutsmith" first, each name with its sentence and whether `lutsmith` has it too."""
    found: dict[str, dict[str, tuple[str, bool]]] = {"lutsmith": {}}
    placed: dict[int, str] = {}
    for room in ROOMS:
        module = importlib.import_module(f"lutsmith.{room}")
        found[room] = {}
        for name in sorted(module.__all__, key=str.lower):
            value = getattr(module, name)
            if placed.setdefault(id(value), room) != room and not isinstance(value, (tuple, str)):
                continue
            top = name in lutsmith.__all__ and getattr(lutsmith, name) is value
            found[room][name] = sentence(f"lutsmith.{room}", name), top
    for name in sorted(lutsmith.__all__, key=str.lower):
        if not any(name in found[room] and found[room][name][1] for room in ROOMS):
            found["lutsmith"][name] = sentence("lutsmith", name), False
    return found


def page() -> str:
    """Return the page."""
    parts = [HEADER]
    for room, names in rows().items():
        title = room if room == "lutsmith" else f"lutsmith.{room}"
        star = {True: " \\*", False: ""}
        lines = [f"- `{name}`{star[top]}: {text}" for name, (text, top) in names.items()]
        parts.append(f"## {title}\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def public_places() -> dict[int, str]:
    """Return by `id` of each class, function and exception the dotted name under which it is documented."""
    homes = {room: "lutsmith" if room == "lutsmith" else f"lutsmith.{room}" for room in rows()}
    return {
        id(value): f"{homes[room]}.{name}"
        for room, names in rows().items()
        for name in names
        if inspect.isclass(value := getattr(importlib.import_module(homes[room]), name)) or inspect.isroutine(value)
    }


def room_pages() -> dict[str, str]:
    """Return by file name in docs/reference/ the page of each room, which tells Sphinx to show each name."""
    pages = {}
    for room, names in rows().items():
        home = "lutsmith" if room == "lutsmith" else f"lutsmith.{room}"
        parts = [f"# {home}\n\n{sentence_of_module(home)}\n", f"```{{eval-rst}}\n.. py:module:: {home}\n```\n"]
        for name, (text, top) in names.items():
            value = getattr(importlib.import_module(home), name)
            if inspect.ismodule(value):
                continue
            parts.append(f"```{{eval-rst}}\n{directive(home, name, value, text)}\n```\n")
            if top:
                parts[-1] += f"\nAlso `lutsmith.{name}`.\n"
        pages[f"{home}.md"] = "\n".join(parts)
    return pages


def sentence_of_module(home: str) -> str:
    """Return what a module's docstring says first."""
    return " ".join((inspect.getdoc(importlib.import_module(home)) or "").split("\n\n")[0].split())


def directive(home: str, name: str, value: Any, text: str) -> str:
    """Return what makes Sphinx describe one name."""
    if inspect.isclass(value):
        kind = "autoexception" if issubclass(value, BaseException) else "autoclass"
        fields = f"\n   :exclude-members: {', '.join(value._fields)}" if hasattr(value, "_fields") else ""
        return f".. {kind}:: {home}.{name}\n   :members:{fields}"
    if inspect.isroutine(value):
        return f".. autofunction:: {home}.{name}"
    return f".. py:data:: {home}.{name}\n\n   {text}"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    ROOM_PAGES.mkdir(exist_ok=True)
    for file, text in room_pages().items():
        (ROOM_PAGES / file).write_text(text, "utf-8")
