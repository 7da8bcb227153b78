"""The lines of a BLIF file: comments gone, continuations joined, numbered."""

from __future__ import annotations

from collections.abc import Iterator

from lutsmith.formats.named import FormatError


class Lines:
    """The number of the first line and the words of each command or row; comments gone, continuations joined."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._number = 1
        """Of the line that begins at `_place`."""

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        words: list[str] = []
        begin = 0
        while self._place <= len(self._text):
            line = self._text[self._place : self._end("\n")]
            self._place += len(line) + 1
            if "#" in line:
                line = line[: line.index("#")]
            line = line.rstrip()
            goes_on = line.endswith("\\")
            if not words:
                begin = self._number
            self._number += 1
            words += (line[:-1] if goes_on else line).split()
            if words and not goes_on:
                yield begin, words
                words = []
        if words:
            raise FormatError(f"line {begin} goes on in a line that is not there: the file is cut off")

    def left(self) -> int:
        """Return the number of the first line from here on that is more than a comment, or 0."""
        for number, line in enumerate(self._text[self._place :].split("\n"), self._number):
            if line.partition("#")[0].strip():
                return number
        return 0

    def block(self) -> str:
        """Return all up to the next line that begins with a dot."""
        return self._text[self._place : self._end("\n.")]

    def skip_block(self) -> None:
        """Go on behind `block()`."""
        end = self._end("\n.")
        self._number += self._text.count("\n", self._place, end) + 1
        self._place = end + 1

    def _end(self, mark: str) -> int:
        end = self._text.find(mark, self._place)
        return len(self._text) if end < 0 else end
