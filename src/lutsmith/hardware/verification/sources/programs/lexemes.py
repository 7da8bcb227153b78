"""The tokens, preprocessor lines and comments of C and JavaScript, for a comparison of two files.

Files whose tokens are equal are the same program to every compiler: what compilers may split up differently (trigraphs,
lines joined by a backslash, control characters) is refused, line breaks that mean something are tokens, and all
punctuation of two characters or more is taken whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from lutsmith.hardware.verification.readers.boxes import Mismatch
from lutsmith.hardware.verification.sources.comments import Comment


@dataclass(frozen=True)
class Lexeme:
    """A piece of a program.

    Attributes:
        kind: what it is; a directive is a whole line of the preprocessor without its comments.
        text: as it stands there; runs of white space in directives are one blank.
        line: where it begins, from 1.
    """

    kind: Literal["token", "string", "directive"]
    text: str
    line: int


@dataclass(frozen=True)
class Lexemes:
    """A program in pieces.

    Attributes:
        code: tokens, strings and directives.
        comments: each with its place in the code.
    """

    code: list[Lexeme] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)


_COMMON = r"""
    (?P<blank>[ \t]+) | (?P<break>\n) | (?P<comment>/\*(?s:.*?)\*/ | //[^\n]*)
    | (?P<string>"(?:[^"\\\n]|\\[^\n])*" | '(?:[^'\\\n]|\\[^\n])*')
    | (?P<number>\.?[0-9](?:[eEpP][+-]|[0-9A-Za-z_.])*) | (?P<word>[A-Za-z_$][0-9A-Za-z_$]*)
"""
_C = re.compile(
    _COMMON
    + r"""| (?P<joined>(?<=[ \t])\\\n|\\\n(?=[ \t]))
    | (?P<sign>%:%:|\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|[-+*/%&^|<>=!]=|&&|\|\||\#\#|<:|:>|<%|%>|%:|::|.)""",
    re.VERBOSE,
)
_JAVASCRIPT = re.compile(
    r"(?P<regular>/\.\./g\b)|"
    + _COMMON
    + r"""| (?P<sign>>>>=|\.\.\.|===|!==|\*\*=|<<=|>>=|>>>|&&=|\|\|=|\?\?=|=>|[-+*/%&^|<>=!]=|&&|\|\||\?\?|\?\.
    |\+\+|--|<<|>>|\*\*|.)""",
    re.VERBOSE,
)
"""The one regular expression that exports have is a token: within one, what looks like a comment is none."""

_TRIGRAPH = re.compile(r"\?\?[=/'()!<>-]")
_HELD_APART = ("return", "throw", "break", "continue", "yield", "async")
"""Words of JavaScript that a line break after them ends the statement of."""


def c_lexemes(data: bytes) -> Lexemes:
    """Return the pieces of a C file.

    Comments of the form // are refused, which exports do not write: to C89 `a //* b */ c` is a division.

    Raises:
        Mismatch: not UTF-8, or something that compilers read differently.
    """
    text = _text(data)
    for pattern, what in ((_TRIGRAPH, "a trigraph"), (re.compile(r"\\[ \t]+\n"), "a backslash before the line's end")):
        match = pattern.search(text)
        if match:
            raise Mismatch(f"line {_line(text, match.start())} has {what}, which compilers read differently")
    found = Lexemes()
    directive: list[str] | None = None
    began, fresh = 0, True  # whether nothing but blanks and comments stands before on the line
    for kind, piece, line in _pieces(_C, text):
        if kind == "comment":
            if piece.startswith("//"):
                raise Mismatch(
                    f"line {line} has a comment of the form //, which C89 reads as two divisions: write /* */ instead"
                )
            if "/*" in piece[2:] or piece[1:3] == "*/":
                raise Mismatch(f"line {line} has a comment in a comment, which compilers read differently")
            if "\\\n" in piece:
                raise Mismatch(
                    f"line {line} has a comment with a line that a backslash ends, which joins it to the next"
                )
            found.comments.append(Comment(line, _plain(piece), len(found.code)))
        if kind in ("comment", "blank", "joined"):
            if directive is not None:
                directive.append(" ")
        elif kind == "break":
            if directive is not None:
                found.code.append(Lexeme("directive", _plain("".join(directive)), began))
            directive, fresh = None, True
        elif directive is not None:
            directive.append(piece)
        elif piece == "#" and fresh:
            directive, began = [piece], line
        else:
            found.code.append(Lexeme("string" if kind == "string" else "token", piece, line))
            fresh = False
    if directive is not None:
        found.code.append(Lexeme("directive", _plain("".join(directive)), began))
    return found


def javascript_lexemes(data: bytes) -> Lexemes:
    """Return the pieces of a JavaScript file; a line break is a token where it may end a statement.

    Raises:
        Mismatch: not UTF-8, or something that engines read differently.
    """
    found = Lexemes()
    broken = False
    for kind, piece, line in _pieces(_JAVASCRIPT, _text(data)):
        broken |= "\n" in piece
        if kind == "comment":
            found.comments.append(Comment(line, _plain(piece), len(found.code)))
        elif kind not in ("blank", "break"):
            before = found.code[-1].text if found.code else ""
            if broken and (before in _HELD_APART or piece in ("++", "--", "=>")):
                found.code.append(Lexeme("token", "\n", line))
            found.code.append(Lexeme("string" if kind == "string" else "token", piece, line))
            broken = False
    return found


def _pieces(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, str, int]]:
    line = 1
    for match in pattern.finditer(text):
        yield str(match.lastgroup), match[0], line
        line += match[0].count("\n")


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise Mismatch(f"the file is not UTF-8: {error}") from None
    for match in re.finditer(r"[^\n\t -~]", text):
        if unicodedata.category(match[0]) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            line = _line(text, match.start())
            raise Mismatch(
                f"line {line} has the control character U+{ord(match[0]):04X}, which may hide what stands there"
            )
    return text


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _plain(text: str) -> str:
    """Return a text with one blank for each run of white space: that of the languages, other blanks are kept."""
    return re.sub(r"[ \t\n]+", " ", text).strip(" ")
