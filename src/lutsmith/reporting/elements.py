"""Elements of a page as values: text stays text until a template escapes it, and nothing is ever marked safe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Value = str | int | float | None


@dataclass(frozen=True)
class Element:
    """One element of SVG, with what is in it.

    Attributes:
        tag: its name: always a literal of this room, as the names of attributes are.
        attributes: names and values; the template escapes values.
        children: elements and texts; the template escapes texts.
    """

    tag: str
    attributes: tuple[tuple[str, str], ...] = ()
    children: tuple[Element | str, ...] = ()


def element(tag: str, *children: Element | str, **attributes: Value) -> Element:
    """Return an element. In names of attributes `_` is `-`, and a last one is left out: `class_`. None: no value."""
    named = ((name.rstrip("_"), value) for name, value in attributes.items())
    shown = ((_spelled(name), _text(value)) for name, value in named if value is not None)
    return Element(tag, tuple(shown), children)


def group(children: Iterable[Element | str], **attributes: Value) -> Element:
    """Return elements as one."""
    return element("g", *children, **attributes)


def _spelled(name: str) -> str:
    return name if name == "viewBox" else name.replace("_", "-")


def _text(value: str | int | float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
