"""LUTs as straight-line code of a programming language, on words of samples.

Each LUT is one expression of `export.expressions` in bitwise operators. They stand in functions of bounded length, so
that the time to compile them grows with the number of LUTs and no faster.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from lutsmith.export.expressions import Syntax, templates
from lutsmith.export.programs.order import LutList

CHUNK = 12_000
"""Characters of expressions after which a function ends."""

_OPERATORS = Syntax(
    negation="~",
    conjunction=" & ",
    disjunction=" | ",
    exclusive=" ^ ",
    choice="(({0} & ({1})) | (~{0} & ({2})))",
    zero="0",
    one="1",
    call=True,
)
_NAMES = "abcdef"


@dataclass(frozen=True)
class Language:
    """What differs between languages with C's bitwise operators and braces.

    Attributes:
        opening: the first line of a function, `{}` in place of its name.
        constant: what declares constant words.
        zeros, ones: words of one bit.
    """

    opening: str
    constant: str
    zeros: str
    ones: str


def functions(luts: LutList, language: Language, name: str, number: int = 0) -> list[str]:
    """Return the functions `<name>_<number>`, `<name>_<number + 1>`, ..., to be called in order.

    `s` holds a word for each signal; bit i of every word belongs to sample i. The functions give the LUTs' signals
    their values.
    """
    fanin, ptr = luts.fanin.tolist(), luts.fanin_ptr.tolist()
    levels, level = luts.level.tolist(), None
    constants = {"0": language.zeros, "1": language.ones}
    done: list[str] = []
    lines: list[str] = []
    length = 0
    for node, (text, used) in enumerate(_expressions(luts)):
        if levels[node] != level:
            level = levels[node]
            lines.append(f"    /* level {level} */")
        if used:
            reads = fanin[ptr[node] : ptr[node + 1]]
            given = ", ".join(f"{_NAMES[slot]} = s[{reads[slot]}]" for slot in used)
            lines.append(f"    {{ {language.constant} {given}; s[{luts.first + node}] = {text}; }}")
        else:
            lines.append(f"    s[{luts.first + node}] = {constants[text]};")
        length += len(lines[-1])
        if length >= CHUNK or node + 1 == len(luts):
            done.append("\n".join([language.opening.format(f"{name}_{number + len(done)}"), "{", *lines, "}", ""]))
            lines, length = [], 0
    return done


def _expressions(luts: LutList) -> list[tuple[str, list[int]]]:
    """Return the expression of each LUT, and the inputs that it names."""
    tables, ranks = luts.tables, luts.ranks
    result: list[tuple[str, list[int]]] = [("0", [])] * len(luts)
    for rank in np.unique(ranks).tolist():
        nodes = np.flatnonzero(ranks == rank)
        pool, place = np.unique(tables[nodes], return_inverse=True)
        texts = [_named(template, rank) for template in templates(pool, rank, _OPERATORS)]
        for node, number in zip(nodes.tolist(), place.reshape(-1).tolist(), strict=True):
            result[node] = texts[number]
    return result


def _named(template: str, rank: int) -> tuple[str, list[int]]:
    text = template.format(*_NAMES[:rank])
    used = set(re.findall("[a-f]", text))
    return text, [slot for slot in range(rank) if _NAMES[slot] in used]
