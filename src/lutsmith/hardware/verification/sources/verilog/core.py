"""The core of Verilog 2001 that all tools read alike: what exports are written in, and little more."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from lutsmith.export.hdl.names import VERILOG_WORDS
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
from lutsmith.hardware.verification.sources.verilog.drivers import check_drivers

_CORE = """
    module endmodule input output wire reg assign always posedge negedge begin end if else case endcase default initial
    localparam integer
"""

KEYWORDS = frozenset(_CORE.split())
"""Keywords of a file that is read."""

_COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/|\"[^\"\n]*\"", re.DOTALL)

_PATTERN = re.compile(
    r"""\s+
    |(?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<harmless>`timescale[ \t]+1?0?0?[ \t]*[munpf]?s[ \t]*/[ \t]*1?0?0?[ \t]*[munpf]?s(?=\s)
                 |`default_nettype[ \t]+(?:none|wire)(?=\s))
    |(?P<directive>`\w*)
    |(?P<system>\$\w*)
    |(?P<escaped>\\\S*)
    |(?P<string>\"[^\"\n]*\"?)
    |(?P<attribute>\(\*(?!\s*\)))
    |(?P<number>(?:\d[\d_]*)?\s*'[sS]?[bodhBODH]\s*[0-9a-fA-F_]+|\d[\d_]*)(?![\w.'])
    |(?P<word>[A-Za-z_]\w*)(?![\w$])
    |(?P<sign><=|>=|[=!]==|==|!=|&&|\|\||<<|>>|~\^|\^~|\*\*|[][(){}.,;:?=<>!~&|^+*/%@#-])
    """,
    re.DOTALL | re.VERBOSE,
)

_REFUSED = {
    "directive": "a compiler directive: tools may select other text by it",
    "system": "a system task or function",
    "escaped": "an escaped identifier",
    "string": "a string",
    "attribute": "an attribute, which is an order to some tools",
}


def read_verilog_source(data: bytes, written: Mapping[str, object] | None) -> Source:
    """Return what Verilog holds, once it is plain enough that every tool reads the same in it.

    Args:
        data: a file.
        written: the texts of the comments that the export of the model writes, some of which are for Verilator;
            None for the export itself, whose comments are what they are.

    Raises:
        Refused: directives, system tasks, attributes, delays, strings, escaped identifiers, parameters, keywords
            outside of `KEYWORDS`, undefined or floating values, sensitivity lists, initial values of what is not a
            register, two drivers of a bit, blocking assignments at a clock's edge, models of primitives, orders to
            tools in comments.
    """
    text = decoded(data, comments=_COMMENTS)
    words: list[Token] = []
    comments: list[Comment] = []
    for token in tokens(text, _PATTERN):
        if token.kind == "comment":
            comments += _said(token, words)
        elif token.kind in _REFUSED:
            raise Refused(f"refused: line {token.line} holds {token.text[:20]!r}, {_REFUSED[token.kind]}")
        elif token.kind != "harmless":
            words.append(token)
    if written is not None:
        check_comments(comments, written)
    _check_words(words)
    check_drivers(words)
    return Source(tuple(_modules(words)), tuple(_constants(words)), tuple(comments), tuple(_declared(words)))


def _said(token: Token, before: Sequence[Token]) -> list[Comment]:
    """Return the lines of a comment; the bit of a port that its line assigns or reads is part of what it says."""
    if token.text.startswith("//"):
        return [said_beside(token, token.text[2:], before, r"(\w+) \[ (\d+) \]")]
    if "/*" in token.text[2:]:
        raise Refused(f"refused: the comment in line {token.line} holds another one, which some tools nest")
    return [
        Comment(token.line + number, " ".join(line.split())) for number, line in enumerate(token.text[2:-2].split("\n"))
    ]


def _check_words(words: Sequence[Token]) -> None:
    texts = [word.text for word in words]
    registers = _taken_at_edges(words)
    for place, word in enumerate(words):
        before, after = texts[place - 1] if place else "", texts[place + 1 : place + 6]
        problem = None
        if word.kind == "word" and word.text in VERILOG_WORDS and word.text not in KEYWORDS:
            problem = f"{word.text}, which is not in the core of Verilog"
        elif word.text == "#" and not (before.startswith("LUT") and after[:3] == ["(", ".", "INIT"]):
            problem = "a delay or a parameter"
        elif word.text in ("/", "%", "**", "===", "!=="):
            problem = f"{word.text}, which gives or sees undefined values"
        elif word.text == "always" and not _is_plain_event(after):
            problem = "a list of events, which only simulators read"
        elif word.text == "begin" and after[:1] == [":"]:
            problem = "a block with a name and variables of its own"
        elif word.text == "reg" and "=" in _until(texts, place, (";", ")")):
            problem = "a variable that gets its value where it is declared"
        elif word.text == "integer" and before != "localparam":
            problem = "an integer, which is not in the core of Verilog"
        elif word.text == "module" and re.fullmatch(r"(?i)lut\d", after[0] if after else ""):
            problem = f"a model of {after[0]}: other tools have their own"
        elif word.text == "initial" and not _initial_values(texts, place) <= registers:
            problem = "an initial value of something else than a register"
        if problem:
            raise Refused(f"refused: line {word.line} holds {problem}")


def _is_plain_event(after: Sequence[str]) -> bool:
    """Whether `always` goes on as `@*`, `@(*)`, `@(posedge NAME)` or `@(negedge NAME)`."""
    if after[:2] == ["@", "*"] or after[:4] == ["@", "(", "*", ")"]:
        return True
    return after[:2] == ["@", "("] and after[2] in ("posedge", "negedge") and after[4:5] == [")"]


def _taken_at_edges(words: Sequence[Token]) -> set[tuple[int, str]]:
    """Return what is assigned at edges of clocks, each with the number of its module.

    Raises:
        Refused: a blocking assignment there: what others read at the same edge is anybody's guess.
    """
    found, module, inside = set(), 0, False
    for place, word in enumerate(words):
        if word.text in ("always", "assign", "wire", "reg", "initial", "endmodule", "module", "localparam"):
            event = words[place + 3].text if place + 3 < len(words) else ""
            inside = word.text == "always" and event in ("posedge", "negedge")
            module += word.text == "module"
        elif inside and word.text == "=":
            raise Refused(f"refused: line {word.line} holds a blocking assignment at the edge of a clock")
        elif inside and word.text == "<=" and words[place - 1].kind == "word":
            found.add((module, words[place - 1].text))
    return found


def _initial_values(texts: Sequence[str], place: int) -> set[tuple[int, str]]:
    """Return what an initial block sets to 0 or 1, each with the number of its module; (0, "") for anything else."""
    module, block = texts[:place].count("module"), _until(texts, place, ("end",))
    rows = [tuple(block[start : start + 4]) for start in range(2, len(block), 4)]
    plain = block[1:2] == ["begin"] and all(len(row) == 4 and row[1::2] == ("=", ";") for row in rows)
    if not plain or any(row[2] not in ("1'b0", "1'b1") for row in rows):
        return {(0, "")}
    return {(module, row[0]) for row in rows}


def _until(texts: Sequence[str], place: int, ends: Sequence[str]) -> Sequence[str]:
    stop = place
    while stop < len(texts) and texts[stop] not in ends:
        stop += 1
    return texts[place:stop]


def _modules(words: Sequence[Token]) -> list[str]:
    return [after.text for word, after in pairwise(words) if word.text == "module"]


def _declared(words: Sequence[Token]) -> list[str]:
    """Return the names behind `wire`, `reg`, `input` and `output`, and those of instances and modules."""
    kinds = ("wire", "reg", "input", "output", "module")
    found, declaring, depth = [], False, 0
    for word, after in pairwise([*words, Token("sign", ";", 0)]):
        depth += (word.text == "[") - (word.text == "]")
        declaring = word.text in kinds or (declaring and word.text not in ("=", ";", "(", ")"))
        plain = word.kind == "word" and word.text not in KEYWORDS
        if plain and depth == 0 and (declaring or after.text == "("):
            found.append(word.text)
    return found


def _constants(words: Sequence[Token]) -> list[tuple[str, str]]:
    """Return names and values of `localparam integer NAME = VALUE;`.

    Raises:
        Refused: other parameters.
    """
    found = []
    for place, word in enumerate(words):
        if word.text == "localparam":
            kind, name, sign, value, end = ([after.text for after in words[place + 1 : place + 6]] + [""] * 5)[:5]
            if (kind, sign, end) != ("integer", "=", ";") or not value.isdecimal():
                raise Refused(f"refused: line {word.line} holds a parameter that is not the number of a class")
            found.append((name, value))
    return found
