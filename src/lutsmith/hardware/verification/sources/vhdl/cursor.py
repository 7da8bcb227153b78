"""The words of VHDL one after the other: a word that is not the expected one refuses the file, by its line."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import NoReturn

from lutsmith.export.hdl.names import VHDL_OWN, VHDL_WORDS
from lutsmith.export.hdl.notes import INDEX_NAMES
from lutsmith.hardware.verification.sources.text import Refused, Token

_INDEX = re.compile(rf"({'|'.join(('class', *INDEX_NAMES.values()))})_(?!(\w+_)?(counts|bits_of_words)(_o)?(_\d+)*$)")
"""How the constants begin that tell who reads a file which number a class has; counts of a head may begin so, too."""


class Cursor:
    """Goes from word to word.

    Args:
        words: a file without its comments.
    """

    def __init__(self, words: Sequence[Token]) -> None:
        self.words = words
        self.texts = [word.text.lower() for word in words]
        self.place = 0

    @property
    def at_end(self) -> bool:
        return self.place >= len(self.words)

    @property
    def word(self) -> str:
        return "" if self.at_end else self.texts[self.place]

    def refuse(self, why: str) -> NoReturn:
        """Raise Refused for the line."""
        raise Refused(f"refused: line {self.words[min(self.place, len(self.words) - 1)].line}: {why}")

    def unexpected(self, wanted: str) -> NoReturn:
        """Raise Refused for the word."""
        found = "the end of the file" if self.at_end else self.words[self.place].text
        self.refuse(f"{found} is there, expected {wanted}, as in the export")

    def take(self, wanted: str = "") -> str:
        """Go past a word, or past these, and return the last."""
        text = self.word
        for want in wanted.split():
            text = self.word
            if text != want:
                self.unexpected(want)
            self.place += 1
        if not wanted:
            if self.at_end:
                self.unexpected("more")
            self.place += 1
        return text

    def took(self, wanted: str) -> bool:
        """Go past a word if it is this one."""
        found = self.word == wanted
        self.place += found
        return found

    def kind(self, kind: str, wanted: str) -> str:
        """Go past a word of a kind, and return it."""
        if self.at_end or self.words[self.place].kind != kind:
            self.unexpected(wanted)
        return self.take()

    def name(self) -> str:
        """Go past a name, and return it in lower case."""
        if self.word in VHDL_WORDS:
            self.unexpected("a name")
        return self.kind("word", "a name")

    def number(self) -> int:
        """Go past a number, and return it."""
        return int(self.kind("number", "a number")[:9])

    def vector(self) -> int:
        """Go past a type, and return how many bits a vector of it has, or 0."""
        if self.took("std_logic"):
            return 0
        if self.word != "std_logic_vector":
            self.unexpected("std_logic or std_logic_vector(... downto 0)")
        self.take("std_logic_vector (")
        size = self.number() + 1
        self.take("downto 0 )")
        return size

    def closed(self, kind: str, name: str) -> None:
        """Go past an end."""
        self.take("end")
        self.took(kind)
        self.took(name)
        self.take(";")

    def bit(self) -> int | None:
        """Go past `(3)`, if it is there."""
        if not self.took("("):
            return None
        number = self.number()
        self.take(")")
        return number

    def new(self, name: str, known: Container[str], *, local: bool = False) -> str:
        """Return a name that is given to something, unless it stands for something else."""
        if VHDL_OWN.fullmatch(name) or name in known:
            self.refuse(f"the name {name} is given to something else than it stands for")
        if local and _INDEX.match(name):
            self.refuse(f"the name {name} is like those of the constants for classes, and not one of them")
        return name
