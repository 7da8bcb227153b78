"""The blocks of which a section of a page is made."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lutsmith.reporting.elements import Element
from lutsmith.reporting.png import png

WIDE = 5
"""Columns that still fit beside something else."""


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class LeftOut:
    """One line about what is left out, and why."""

    kind: ClassVar[str] = "left-out"
    text: str


@dataclass(frozen=True)
class PageTable:
    """Rows of cells.

    Attributes:
        caption: what the rows are.
        header: of the columns.
        rows: as many cells each; the first names the row.
        numbers: the columns that are set to the right.
        verdicts: the column whose cells are verdicts, which have a colour beside their word; None without.
        wide: whether it has the whole width of the page.
    """

    kind: ClassVar[str] = "table"
    caption: str
    header: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    numbers: tuple[int, ...] = ()
    verdicts: int | None = None
    wide: bool = False

    @property
    def is_wide(self) -> bool:
        """Whether it has the whole width: of many columns always."""
        return self.wide or len(self.header) > WIDE


@dataclass(frozen=True)
class Figure:
    """A chart with a caption."""

    kind: ClassVar[str] = "figure"
    chart: Element
    caption: str


@dataclass(frozen=True)
class Picture:
    """An image with its texts.

    Attributes:
        pixels: uint8 (H, W), (H, W, 3) or (H, W, 4): grey, RGB, RGBA.
        alt: what it shows, for readers who do not see it.
        caption: below it.
    """

    pixels: NDArray[np.uint8]
    alt: str
    caption: str

    @property
    def source(self) -> str:
        """The image as a `data:` address: a PNG file."""
        return f"data:image/png;base64,{base64.b64encode(png(self.pixels)).decode()}"


@dataclass(frozen=True)
class Pictures:
    """Images beside each other; `large` ones are maps, the others small."""

    kind: ClassVar[str] = "pictures"
    pictures: tuple[Picture, ...]
    large: bool = False


Block = Text | LeftOut | PageTable | Figure | Pictures


@dataclass
class Section:
    """A part of a page with a heading; blocks are added as they are made.

    Attributes:
        anchor: its name in addresses.
        title: the heading.
        blocks: what is in it.
    """

    anchor: str
    title: str
    blocks: list[Block] = field(default_factory=list)
