"""Every public name has a docstring and stands once in docs/reference.md."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from typing import Any

import pytest

import lutsmith
from tests.reference import PAGE, ROOM_PAGES, ROOMS, page, room_pages, rows, sentence

PUBLIC = [("lutsmith", name) for name in lutsmith.__all__] + [
    (f"lutsmith.{room}", name) for room in ROOMS for name in importlib.import_module(f"lutsmith.{room}").__all__
]


def attribute(room: str, name: str) -> Any:
    return getattr(importlib.import_module(room), name)


@pytest.mark.parametrize(("room", "name"), PUBLIC)
def test_every_public_name_says_what_it_is(room: str, name: str) -> None:
    said = sentence(room, name)
    assert len(said.split()) >= 3, f"{room}.{name} says {said!r}"


def test_the_page_is_what_the_names_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "python -m tests.reference writes it anew"


def test_the_pages_of_rooms_are_what_the_names_say() -> None:
    assert {path.name: path.read_text("utf-8") for path in ROOM_PAGES.iterdir()} == room_pages()


def test_every_public_object_is_shown_once_by_the_pages_of_rooms() -> None:
    shown = Counter(re.findall(r"^\.\. [\w:]+:: (lutsmith[\w.]*\.\w+)$", "\n".join(room_pages().values()), re.M))
    rooms = {f"lutsmith.{room}" for room in ROOMS}
    listed = {
        f"lutsmith.{name}" if room == "lutsmith" else f"lutsmith.{room}.{name}"
        for room, names in rows().items()
        for name in names
    }
    assert set(shown) - rooms == {name for name in listed if name not in rooms}
    assert {name for name, times in shown.items() if times > 1} == set()


def test_every_public_object_stands_once_in_the_page_and_nothing_that_is_gone() -> None:
    sections = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.M)[1:]
    listed = {
        section.split("\n", 1)[0]: dict(re.findall(r"^- `(\w+)`( \\\*)?:", section, flags=re.M)) for section in sections
    }
    objects: Counter[int] = Counter()
    for room, names in listed.items():
        module = importlib.import_module(room)
        assert set(names) <= set(module.__all__)
        objects.update({id(getattr(module, name)) for name in names if callable(getattr(module, name))})
        for name, star in names.items():
            assert bool(star) == (room != "lutsmith" and getattr(lutsmith, name, None) is getattr(module, name))
    assert max(objects.values()) == 1
    for home, name in PUBLIC:
        value = attribute(home, name)
        places = [room for room, names in listed.items() if name in names and attribute(room, name) is value]
        assert len(places) == 1, f"{home}.{name} stands in {places}"


def test_all_rooms_that_users_need_are_in_the_page() -> None:
    assert {"lutsmith", *ROOMS} == set(rows())
    assert {room.partition(".")[0] for room in ROOMS} <= set(lutsmith.__all__)


def test_a_name_without_a_docstring_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lutsmith.circuit.Comparators, "__doc__", None)
    assert sentence("lutsmith.circuit", "Comparators") == ""
    assert PAGE.read_text("utf-8") != page()
