"""BLIF that every reader takes for the same network: one model of tables and registers, and nothing besides."""

from __future__ import annotations

import re

from lutsmith.hardware.verification.sources.comments import Comment
from lutsmith.hardware.verification.sources.text import Refused, Source, decoded

COMMANDS = (".model", ".inputs", ".outputs", ".latch", ".names", ".end")
"""Commands of a file that is read."""

_COMMENTS = re.compile(r"#[^\n]*")


def read_blif(data: bytes) -> Source:
    """Return what BLIF holds, once it is plain enough that every tool reads the same in it.

    Other commands, such as `.subckt`, `.exdc`, `.search` or `.gate`, change what drives a signal, or what it is taken
    for; clocks of registers are read by some tools and passed over by others, ABC among them.

    Raises:
        Refused: other commands than `COMMANDS`, a second model, no `.end`, text after it, registers with a clock of
            their own or without an initial value of 0 or 1.
    """
    text = decoded(data, comments=_COMMENTS)
    models: list[str] = []
    comments: list[Comment] = []
    goes_on = ended = False
    for number, line in enumerate(text.split("\n"), 1):
        code, mark, comment = line.partition("#")
        if mark:
            comments.append(Comment(number, " ".join(comment.split())))
        words = code.split()
        begins, goes_on = not goes_on, code.rstrip().endswith("\\")
        if goes_on and (line != code.rstrip() or not line[:-1].endswith((" ", "\t"))):
            raise Refused(f"refused: line {number} goes on within a word or behind blanks: readers take it differently")
        if mark and words:
            raise Refused(f"refused: line {number} holds a comment behind a command, which some readers take for names")
        if begins and words and words[0].startswith(".") and not line.startswith("."):
            raise Refused(f"refused: line {number} has blanks before a command, which some readers do not know then")
        if not words:
            continue
        if ended:
            raise Refused(f"refused: line {number} stands behind .end, where some readers go on")
        if not begins or not words[0].startswith("."):
            continue
        if words[0] not in COMMANDS:
            raise Refused(f"refused: line {number} is {words[0][:20]}, expected {', '.join(COMMANDS)}")
        if words[0] == ".model":
            models += words[1:2] or ["top"]
        if words[0] == ".latch" and (len(words) != 4 or words[3] not in ("0", "1")):
            raise Refused(f"refused: line {number} is a register with more than input, output, and 0 or 1")
        ended = words[0] == ".end"
    if len(models) != 1 or not ended:
        raise Refused(f"refused: the file holds {len(models)} models and {'an' if ended else 'no'} .end, expected one")
    return Source(tuple(models), (), tuple(comments))
