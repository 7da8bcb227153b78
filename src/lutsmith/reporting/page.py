"""Pages of HTML: one file, style and charts inside, no script, nothing from a network. The template escapes every text.

Names in models and data may hold anything. What is not printable is shown as an escape before it is escaped for HTML,
and nothing is ever marked safe: charts are elements whose texts and attributes the template writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from os import PathLike
from typing import TYPE_CHECKING, Any

from lutsmith.ground.atomic import write_atomically
from lutsmith.ground.printable import printable
from lutsmith.reporting.blocks import Section
from lutsmith.reporting.overview import Tile

if TYPE_CHECKING:
    from jinja2 import Environment

TONES = {
    "proved": "tone-good",
    "checked": "tone-good",
    "simulated": "tone-good",
    "equal by construction": "tone-good",
    "failed": "tone-bad",
    "refuted": "tone-bad",
    "not established": "tone-open",
    "not decided": "tone-open",
}
"""The colour of each verdict, beside its word."""

HEIGHT = 640
"""Of the frame in a notebook, in pixels."""


@dataclass(frozen=True, repr=False)
class HtmlPage:
    """A page, as text. Notebooks show it in a frame of its own.

    Attributes:
        title: what it is called.
        html: the whole document.
    """

    title: str
    html: str

    def __repr__(self) -> str:
        return f"HtmlPage({self.title!r}, {len(self.html):,} signs)"

    def save(self, path: str | PathLike[str]) -> None:
        """Write the page to a file, whole or not at all; one that is there is replaced.

        Raises:
            OSError: the file cannot be written.
        """
        write_atomically(path, self.html.encode())

    def _repr_html_(self) -> str:
        """A frame that runs no scripts, apart from the notebook's own style."""
        return (
            f'<iframe sandbox="" title="{escape(printable(self.title))}" style="width:100%;height:{HEIGHT}px;border:0" '
            f'srcdoc="{escape(self.html)}"></iframe>'
        )


def page(
    kind: str, title: str, summary: str, tiles: Sequence[Tile], notes: Sequence[str], sections: Sequence[Section]
) -> HtmlPage:
    """Return a page of sections below a head of numbers; `kind` stands above its title."""
    from lutsmith.version import __version__

    shown = printable(title)
    values = {
        "kind": kind,
        "title": title,
        "summary": summary,
        "tiles": tiles,
        "notes": notes,
        "sections": sections,
        "tones": TONES,
        "version": __version__,
    }
    return HtmlPage(shown, _environment().get_template("page.html.jinja").render(values))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        autoescape=True,
        finalize=_finalized,
        loader=PackageLoader("lutsmith.reporting"),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )


def _finalized(value: Any) -> Any:
    """What a template writes of a value: texts printable; what the template's own macros wrote as it is."""
    return printable(value) if type(value) is str else value
