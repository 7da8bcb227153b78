"""The core of VHDL-93 that all tools read alike: what exports are written in, and little more."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lutsmith.export.hdl.names import VHDL_WORDS
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
from lutsmith.hardware.verification.sources.vhdl.entities import Entity, read_entities

_CORE = """
    library use entity is port in out end architecture of begin signal constant function return if then process
    downto generic map not and or xor nand nor xnor all
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
            `USES`, orders to tools in comments, and whatever `read_entities` refuses.
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
    entities, constants = read_entities(words)
    return Source(tuple(entity.name for entity in entities), tuple(constants), tuple(comments))


def _check_words(words: Sequence[Token]) -> None:
    texts = [word.text.lower() for word in words]
    for place, (word, text) in enumerate(zip(words, texts, strict=True)):
        after = texts[place + 1 : place + 7]
        if text in VHDL_WORDS and text not in KEYWORDS:
            raise Refused(f"refused: line {word.line} holds {word.text}, which is not in the core of VHDL")
        if text == "use" and ("".join(after[:5]) not in USES or after[5:] != [";"]):
            raise Refused(f"refused: line {word.line} uses {''.join(after[:5])}, expected {' or '.join(USES)}")
        if text == "library" and (after[:1] not in (["ieee"], ["unisim"]) or after[1:2] != [";"]):
            raise Refused(f"refused: line {word.line} names another library than ieee and unisim")
        if text == "process" and after[:3] != ["(", "clk", ")"] and after[:1] != [";"]:
            raise Refused(f"refused: line {word.line} holds a process that waits for something else than clk")
        if text == "function" and texts[place - 1] != "end" and after[:1] != ["mux"]:
            raise Refused(f"refused: line {word.line} defines a function, expected none but mux")


def vhdl_entities(data: bytes) -> dict[str, Entity]:
    """Return the entities of a file that `read_vhdl_source` reads, by their names in lower case."""
    found, _ = read_entities([token for token in tokens(data.decode("utf-8"), _PATTERN) if token.kind != "comment"])
    return {entity.name.lower(): entity for entity in found}
