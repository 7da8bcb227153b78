"""Which statements of Verilog drive which bits. Yosys lets a constant beside another driver of a wire pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lutsmith.hardware.verification.sources.text import Refused, Token

_STATEMENTS = ("always", "assign", "wire", "reg", "input", "output", "initial", "localparam", "module", "endmodule")
_DRIVING = ("always", "assign", "wire")


@dataclass(frozen=True)
class Driven:
    """What stands to the left of an assignment.

    Attributes:
        module, statement: numbers; a block is one statement, and drives a bit as often as it likes.
        name: of the signal.
        bits: those that are assigned, or None for all of them.
        line: where, from 1.
    """

    module: int
    statement: int
    name: str
    bits: frozenset[int] | None
    line: int


def check_drivers(words: Sequence[Token]) -> None:
    """Raise Refused where two statements of a module assign the same bit, or assign to several signals at once."""
    found: dict[tuple[int, str], list[Driven]] = {}
    for target in _targets(words):
        others = found.setdefault((target.module, target.name), [])
        for other in others if target.bits is None or any(other.bits is None for other in others) else ():
            _check_apart(target, other)
        others.append(target)
    for targets in found.values():
        owner: dict[int, Driven] = {}
        for target in targets:
            for bit in target.bits or ():
                _check_apart(target, owner.setdefault(bit, target))


def _check_apart(target: Driven, other: Driven) -> None:
    if target.statement != other.statement:
        raise Refused(f"refused: line {target.line} drives {target.name}, as line {other.line} does")


def _targets(words: Sequence[Token]) -> Iterator[Driven]:
    module = statement = depth = 0
    kind, assigned = "", False
    for place, word in enumerate(words):
        text = word.text
        if text in _STATEMENTS and depth == 0:
            statement, kind, assigned = statement + 1, text, False
            module += text == "module"
        depth += (text in "([{") - (text in ")]}")
        if text == ";" and depth == 0:
            assigned = False
            kind = kind if kind == "always" else ""
        elif text == "," and depth == 0 and kind in ("assign", "wire"):  # another one in the same statement
            statement, assigned = statement + 1, False
        elif text in ("=", "<=") and depth == 0 and not assigned and kind in _DRIVING:
            assigned = True
            yield Driven(module, statement, *_left_of(words, place), word.line)


def _left_of(words: Sequence[Token], place: int) -> tuple[str, frozenset[int] | None]:
    """Return the name and the bits of what stands before an assignment."""
    before = place - 1
    if words[before].text == "]":
        start = before
        while start and words[start].text != "[":
            start -= 1
        inside, name = [word.text for word in words[start + 1 : before]], words[start - 1]
        if len(inside) == 1 and inside[0].isdecimal():
            bits: frozenset[int] | None = frozenset([int(inside[0])])
        elif len(inside) == 3 and inside[1] == ":" and inside[0].isdecimal() and inside[2].isdecimal():
            low, high = sorted((int(inside[0]), int(inside[2])))
            bits = frozenset(range(low, min(high, low + (1 << 20)) + 1))
        else:
            bits = None
    else:
        name, bits = words[before], None
    if name.kind != "word":
        raise Refused(f"refused: line {words[place].line} assigns to several signals at once")
    return name.text, bits
