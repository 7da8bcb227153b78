"""Text of any language as tokens, and what refuses a file.

Tools differ in what they make of directives, pragmas, exotic characters and constructs outside of the common core of a
language. A file that holds such things may be one network for the tools that prove it and another for those that build
it. So only the core is read here, the one that exports are written in, and everything else is refused by its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lutsmith.hardware.verification.sources.comments import Comment, order_in


class Refused(ValueError):  # noqa: N818
    """A file holds what tools may read differently; the message says in which line, and what."""


@dataclass(frozen=True)
class Token:
    """A word, a number or a sign.

    Attributes:
        kind: name of the group of the pattern that it was found by.
        text: as it stands in the file.
        line: its line, from 1.
    """

    kind: str
    text: str
    line: int


@dataclass(frozen=True)
class Source:
    """What was read of a file, or of several.

    Attributes:
        units: the modules, entities or models that it defines, in its order.
        constants: names with the values that the file gives them, for readers alone: nothing computes with them.
        comments: all of them.
        declared: names of signals and the like.
    """

    units: tuple[str, ...] = ()
    constants: tuple[tuple[str, str], ...] = ()
    comments: tuple[Comment, ...] = ()
    declared: tuple[str, ...] = ()

    def __add__(self, other: Source) -> Source:
        return Source(
            self.units + other.units,
            self.constants + other.constants,
            self.comments + other.comments,
            self.declared + other.declared,
        )


def decoded(data: bytes, *, comments: re.Pattern[str]) -> str:
    """Return the text of a file: ASCII that prints, tabs and line feeds; carriage returns only at the end of lines.

    Some tools end a line, or a comment, at characters that others take for blanks.

    Args:
        data: the file.
        comments: what comments look like; beyond ASCII they may hold anything of UTF-8 that prints.

    Raises:
        Refused: other characters.
    """
    try:
        text = data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise Refused(f"refused: byte {error.start} is not UTF-8") from None
    plain = comments.sub(lambda found: re.sub(r"[^\x00-\x7f]", _printing, found[0]), text)
    odd = re.search(r"[^\x20-\x7e\t\n]", plain)
    if odd:
        line = plain.count("\n", 0, odd.start()) + 1
        raise Refused(f"refused: line {line} holds the character {odd[0]!r}, which tools may read differently")
    return text


def _printing(found: re.Match[str]) -> str:
    return "?" if found[0].isprintable() else found[0]


def tokens(text: str, pattern: re.Pattern[str]) -> Iterator[Token]:
    """Yield the tokens of a text: what the named groups of the pattern match, blanks left out.

    Raises:
        Refused: text that the pattern does not match.
    """
    place, line = 0, 1
    while place < len(text):
        found = pattern.match(text, place)
        if found is None or found.end() == place:
            raise Refused(f"refused: line {line} holds {text[place : place + 20]!r}, which is not understood")
        if found.lastgroup is not None:
            yield Token(found.lastgroup, found[0], line)
        line += text.count("\n", place, found.end())
        place = found.end()


def said_beside(token: Token, text: str, before: Sequence[Token], bit: str) -> Comment:
    """Return what a comment at the end of a line says: of the first bit of a port in the line, where it has one.

    Args:
        token: the comment.
        text: it, without its signs.
        before: the tokens before it.
        bit: a pattern with a name and a number as its groups.
    """
    start = len(before)
    while start and before[start - 1].line == token.line:
        start -= 1
    found = re.search(bit, " ".join(word.text for word in before[start:]))
    return Comment(token.line, " ".join([*([f"{found[1]}[{found[2]}]"] if found else []), *text.split()]))


def check_comments(comments: Sequence[Comment], written: Mapping[str, object]) -> None:
    """Raise Refused where a comment may be an order to a tool, unless it is one of those that the export writes."""
    for comment in comments:
        if comment.text not in written and (order := order_in(comment.text)):
            raise Refused(
                f"refused: the comment in line {comment.line} may be an order to a tool ({order!r}): take it out"
            )
