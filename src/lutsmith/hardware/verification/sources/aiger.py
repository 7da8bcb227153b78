"""Where the comment of an AIGER file begins: behind the gates and the symbols, at a line that is `c`."""

from __future__ import annotations

import re

from lutsmith.hardware.verification.sources.comments import Comment
from lutsmith.hardware.verification.sources.text import Refused, Source


def read_aiger_comment(data: bytes) -> Source:
    """Return the comment of an AIGER file, line by line, and the name that it gives the design.

    Raises:
        Refused: there is no such file, or its header counts more than inputs, latches, outputs and gates.
    """
    header = re.match(rb"(aig|aag) \d+ \d+ \d+ \d+ \d+\r?\n", data)
    if header is None:
        raise Refused("refused: the first line is not the header of an AIGER file of plain logic: aag M I L O A")
    try:
        return _read(data)
    except Refused:
        raise
    except (ValueError, IndexError):
        raise Refused("refused: the file ends before its symbols") from None


def _read(data: bytes) -> Source:
    place = data.index(b"\n") + 1
    kind, _, inputs, latches, outputs, gates = data[:place].split()[:6]
    lines = int(latches) + int(outputs) + (int(inputs) + int(gates) if kind == b"aag" else 0)
    for _ in range(lines):
        place = data.index(b"\n", place) + 1
    if kind == b"aig":
        for _ in range(2 * int(gates)):  # two differences a gate, seven bits a byte, the last one below 128
            while data[place] >= 128:
                place += 1
            place += 1
    symbols = re.compile(rb"(?:[ilo]\d[^\n]*\n)*").match(data, place)
    begin = place if symbols is None else symbols.end()
    if not data[begin:]:
        return Source()
    if not re.match(rb"c\r?\n", data[begin:]):
        raise Refused("refused: neither symbols nor a line c, where the comment begins, follow the gates")
    text = data[begin + 1 :].decode("utf-8", "replace").replace("\r\n", "\n")
    first = data.count(b"\n", 0, begin) + 1
    found = [Comment(first + number, " ".join(line.split())) for number, line in enumerate(text.split("\n"))]
    name = re.search(r'^lutsmith name: "(\w+)"$', text, re.MULTILINE)
    return Source((name[1],) if name else (), (), tuple(comment for comment in found if comment.text))
