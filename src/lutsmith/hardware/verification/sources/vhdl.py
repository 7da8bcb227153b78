"""The core of VHDL-93 that all tools read alike: what exports are written in, and little more."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lutsmith.export.names import VHDL_WORDS
from lutsmith.hardware.verification.sources.comments import Comment
from lutsmith.hardware.verification.sources.text import (
    Refused,
    Source,
    Token,
    check_comments,
    decoded,
    said_beside,
    tokens,
)

_CORE = """
    library use entity is port in out end architecture of begin signal constant function return if then else elsif
    process downto others generic map not and or xor nand nor xnor when all
"""

KEYWORDS = frozenset(_CORE.split())
"""Reserved words of a file that is read."""

USES = ("ieee.std_logic_1164.all", "unisim.vcomponents.all")
"""What a file may use of libraries."""

_COMMENTS = re.compile(r"--[^\n]*|\"[^\"\n]*\"")

_PATTERN = re.compile(
    r"""\s+
    |(?P<comment>--[^\n]*)
    |(?P<block>/\*)
    |(?P<directive>`\w*)
    |(?P<escaped>\\[^\\\n]*\\?)
    |(?P<bits>[xXbB]?\"[0-9a-fA-F]*\")
    |(?P<string>\"[^\"\n]*\"?)
    |(?P<bit>'[01]')
    |(?P<value>'[^\n]')
    |(?P<number>\d+)(?![\w.#])
    |(?P<word>[A-Za-z]\w*)
    |(?P<sign><=|>=|/=|=>|:=|[](){}.,;:=<>&|+*/[-])
    """,
    re.VERBOSE,
)

_REFUSED = {
    "block": "a comment that only VHDL-2008 knows",
    "directive": "a directive: tools may select other text by it",
    "escaped": "an extended identifier",
    "string": "a string or an operator of its own",
    "value": "a value that is neither 0 nor 1",
}


def read_vhdl_source(data: bytes, written: Mapping[str, object] | None) -> Source:
    """Return what VHDL holds, once it is plain enough that every tool reads the same in it.

    Args:
        data: a file.
        written: the texts of the comments that the export of the model writes; None for the export itself.

    Raises:
        Refused: directives, reserved words outside of `KEYWORDS`, values that are neither 0 nor 1, libraries besides
            `USES`, attributes, processes that wait for something else than the clock, two architectures of an entity,
            orders to tools in comments.
    """
    text = decoded(data, comments=_COMMENTS)
    words: list[Token] = []
    comments: list[Comment] = []
    for token in tokens(text, _PATTERN):
        if token.kind == "comment":
            comments.append(said_beside(token, token.text[2:], words, r"(\w+) \( (\d+) \)"))
        elif token.kind in _REFUSED:
            raise Refused(f"refused: line {token.line} holds {token.text[:20]!r}, {_REFUSED[token.kind]}")
        else:
            words.append(token)
    if written is not None:
        check_comments(comments, written)
    _check_words(words)
    return Source(tuple(_entities(words)), tuple(_constants(words)), tuple(comments))


def _check_words(words: Sequence[Token]) -> None:
    texts = [word.text.lower() for word in words]
    for place, (word, text) in enumerate(zip(words, texts, strict=True)):
        after = texts[place + 1 : place + 7]
        if text in VHDL_WORDS and text not in KEYWORDS:
            raise Refused(f"refused: line {word.line} holds {word.text}, which is not in the core of VHDL")
        if text == "use" and "".join(after[:5]) not in USES:
            raise Refused(f"refused: line {word.line} uses {''.join(after[:5])}, expected {' or '.join(USES)}")
        if text == "library" and (after[:1] not in (["ieee"], ["unisim"]) or after[1:2] != [";"]):
            raise Refused(f"refused: line {word.line} names another library than ieee and unisim")
        if text == "process" and after[:3] != ["(", "clk", ")"] and after[:1] != [";"]:
            raise Refused(f"refused: line {word.line} holds a process that waits for something else than clk")
        if text == "function" and texts[place - 1] != "end" and after[:1] != ["mux"]:
            raise Refused(f"refused: line {word.line} defines a function, expected none but mux")
    for kind in ("entity", "architecture"):
        names = [
            texts[place + (1 if kind == "entity" else 3)]
            for place, text in enumerate(texts[:-3])
            if text == kind and texts[place - 1] not in ("end", ":")
        ]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise Refused(f"refused: there are two of {kind} {twice}, and tools may take either")


def _entities(words: Sequence[Token]) -> list[str]:
    texts = [word.text.lower() for word in words]
    return [
        words[place + 1].text
        for place, text in enumerate(texts[:-1])
        if text == "entity" and texts[place - 1] not in ("end", ":")
    ]


def _constants(words: Sequence[Token]) -> list[tuple[str, str]]:
    """Return names and values of `constant NAME : integer := VALUE;`.

    Raises:
        Refused: other constants.
    """
    found = []
    for place, word in enumerate(words):
        if word.text.lower() == "constant":
            name, colon, kind, sign, value, end = ([w.text for w in words[place + 1 : place + 7]] + [""] * 6)[:6]
            if (colon, kind.lower(), sign, end) != (":", "integer", ":=", ";") or not value.isdecimal():
                raise Refused(f"refused: line {word.line} holds a constant that is not the number of a class")
            found.append((name, value))
    return found
