"""Why the textbook's cells are the operations: for each the law of one step, an equation of integers about a table.

Induction over the places makes of a law the claim for words. Write a_i for the lowest i bits of a.

- `+`, `-`: a_i +- b_i = out_i +- 2^i c, which begins with c = 0. A step adds 2^i (a +- b +- c) = 2^i (out +- 2 c').
- comparisons: the state is that of a_i and b_i, at the beginning of 0 and 0. A higher bit that differs decides, an
  equal one leaves it as it was.
- min, max: the flag is a < b, and each place takes the bit of the one or the other.
- `*`: a row adds b_j 2^j a to the sums: p + a b + c = p' + 2 c', its last carry being the next sum's; p < 2^(n + j).
- quotient, remainder, root: the chain of a row is `-`'s, its last carry says whether the operand is larger; then the
  digit is 0 and the rest stays, else the digit is 1 and the rest is the difference. That is long division, of which
  each row keeps rest < b and a's bits so far = quotient b + rest; where b = 0, it keeps all bits of a. Of a root w,
  4 w + 1 is what (2 w + 1)^2 has more than (2 w)^2, and the rows keep rest <= 2 w.
- neg: the chain of `-`, whose minuend is 0. abs: an operand without a sign is its own.
- C, Z, N, V: the carry is `+`'s, a + b + c = out + 2 c'. C is the last carry, Z whether every out is 0, N the last out,
  V whether the last a and b are equal and out is not: two summands of one sign, and a sum of the other.
- popcount: p + c = p' + 2 c', the carry into a row being the bit. Shifts: a row moves by 2^j, or not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product

from lutsmith.cells.arrays import RowFeedback, Shifter
from lutsmith.cells.fabrics import Tap
from lutsmith.cells.learned import LearnedCell
from lutsmith.cells.serial import SerialCell
from lutsmith.cells.textbook import specification
from lutsmith.ground.arguments import one_of

Look = Callable[..., tuple[int, ...]]
"""The outputs of a table of a cell, by its name and its inputs."""
Law = Callable[[LearnedCell, Look], bool]


def holds(cell: LearnedCell, operation: str) -> bool:
    """Return whether a cell's tables follow an operation's law, which makes them right at every width.

    A cell that does not may be right all the same: `prove` says.

    Raises:
        ValueError: an operation that has no law here.
    """
    one_of("operation", operation, LAWS)
    if not _is_wired(cell, operation):
        return False

    def look(name: str, *inputs: int) -> tuple[int, ...]:
        column = cell.tables[name][:, sum(bit << place for place, bit in enumerate(inputs))]
        return tuple(int(bit) for bit in column)

    return LAWS[operation](cell, look)


def _is_wired(cell: LearnedCell, operation: str) -> bool:
    """Return whether a cell's fabric is the one that the operation's law speaks of, in as many bits as may be."""
    right = specification(operation, cell.fabric)
    if right is None or isinstance(cell.fabric, Tap):
        return False
    if isinstance(cell.fabric, SerialCell) and isinstance(right.fabric, SerialCell) and right.fabric.read == "stream":
        return replace(cell.fabric, extra=0) == replace(right.fabric, extra=0)
    return cell.fabric == right.fabric


def _bits(count: int) -> list[tuple[int, ...]]:
    return list(product((0, 1), repeat=count))


def _bitwise(function: Callable[[int, int], int]) -> Law:
    return lambda _, look: all(look("cell", a, b) == (function(a, b) & 1,) for a, b in _bits(2))


def _chain(name: str, sign: int) -> Law:
    """a +- b +- c = out +- 2 c', begun with 0."""

    def law(_: LearnedCell, look: Look) -> bool:
        steps = ((a, b, c, *look(name, a, b, c)) for a, b, c in _bits(3))
        return look("start") == (0,) and all(
            a + sign * (b + c) == out + sign * 2 * after for a, b, c, out, after in steps
        )

    return law


def _negation(_: LearnedCell, look: Look) -> bool:
    """The chain of 0 - a, whatever b is."""
    steps = ((a, c, *look("cell", a, b, c)) for a, b, c in _bits(3))
    return look("start") == (0,) and all(-a - c == out - 2 * after for a, c, out, after in steps)


def _last_carry(_: LearnedCell, look: Look) -> bool:
    steps = ((a + b + c, *look("cell", a, b, c)) for a, b, c in _bits(3))
    return look("start") == (0,) and all(0 <= total - 2 * after <= 1 for total, after in steps)


def _flag(function: Callable[[int, int, int, int], int], start: int | None = None) -> Law:
    """The carry is a sum's, and the flag after a step is `function` of a, b, the flag before, and the bit of the sum;
    it begins as `start`, or as anything.
    """

    def law(_: LearnedCell, look: Look) -> bool:
        flag, carry = look("start")
        steps = (
            look("cell", a, b, flag, c) == (function(a, b, flag, (a + b + c) % 2), (a + b + c) // 2)
            for a, b, flag, c in _bits(4)
        )
        return carry == 0 and start in (None, flag) and all(steps)

    return law


def _comparison(function: Callable[[int, int], bool], prefix: str = "") -> Law:
    def law(_: LearnedCell, look: Look) -> bool:
        steps = (
            look(f"{prefix}cell", a, b, state) == (int(function(a, b)) if a != b else state,)
            for a, b, state in _bits(3)
        )
        return look(f"{prefix}start") == (int(function(0, 0)),) and all(steps)

    return law


def _equality(equal: int) -> Law:
    """The state stays as it was where bits are equal, and is decided for good where they differ."""

    def law(_: LearnedCell, look: Look) -> bool:
        steps = (look("cell", a, b, state) == (state if a == b else 1 - equal,) for a, b, state in _bits(3))
        return look("start") == (equal,) and all(steps)

    return law


def _chosen(function: Callable[[int, int, int], int]) -> Law:
    first = _comparison(lambda a, b: a < b, "first_")
    return lambda cell, look: (
        first(cell, look) and all(look("cell", a, b, flag) == (function(a, b, flag),) for a, b, flag in _bits(3))
    )


def _product(_: LearnedCell, look: Look) -> bool:
    steps = ((p + a * b + c, look("cell", p, a, b, c)) for p, a, b, c in _bits(4))
    return look("start") == (0,) and all(total == out + 2 * carry for total, (out, carry) in steps)


def _rows(*results: str) -> Law:
    def law(cell: LearnedCell, look: Look) -> bool:
        assert isinstance(cell.fabric, RowFeedback)
        digits = all(look("decide", carry) == (1 - carry,) for carry in (0, 1))
        kept = all(look("restore", c, d, r) == (r if c else d,) for c, d, r in _bits(3))
        return cell.fabric.result in results and _chain("subtract", -1)(cell, look) and digits and kept

    return law


def _count(_: LearnedCell, look: Look) -> bool:
    steps = ((p + c, look("cell", p, c)) for p, c in _bits(2))
    return all(total == out + 2 * carry for total, (out, carry) in steps)


def _shift(direction: str, rotate: bool) -> Law:
    return lambda cell, look: (
        cell.fabric == Shifter(direction, rotate)
        and all(look("cell", bit, moved, row) == (moved if row else bit,) for bit, moved, row in _bits(3))
    )


LAWS: Mapping[str, Law] = {
    "+": _chain("cell", 1),
    "-": _chain("cell", -1),
    "*": _product,
    "/": _rows("quotient", "both"),
    "%": _rows("remainder", "both"),
    "AND": _bitwise(lambda a, b: a & b),
    "OR": _bitwise(lambda a, b: a | b),
    "XOR": _bitwise(lambda a, b: a ^ b),
    ">": _comparison(lambda a, b: a > b),
    "<": _comparison(lambda a, b: a < b),
    "=": _equality(1),
    "!=": _equality(0),
    ">=": _comparison(lambda a, b: a >= b),
    "<=": _comparison(lambda a, b: a <= b),
    "NOT": _bitwise(lambda a, _: ~a),
    "NAND": _bitwise(lambda a, b: ~(a & b)),
    "NOR": _bitwise(lambda a, b: ~(a | b)),
    "min": _chosen(lambda a, b, flag: a if flag else b),
    "max": _chosen(lambda a, b, flag: b if flag else a),
    "abs": _bitwise(lambda a, _: a),
    "neg": _negation,
    "isqrt": _rows("root"),
    "popcount": _count,
    "SHL": _shift("left", rotate=False),
    "SHR": _shift("right", rotate=False),
    "ROL": _shift("left", rotate=True),
    "ROR": _shift("right", rotate=True),
    "C": _last_carry,
    "Z": _flag(lambda _a, _b, flag, out: flag * (1 - out), start=1),
    "N": _flag(lambda _a, _b, _flag, out: out),
    "V": _flag(lambda a, b, _flag, out: int(a == b != out)),
}
"""The law of each of the textbook's operations."""
