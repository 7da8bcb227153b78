"""Truth tables as short expressions, in the operators of any language.

A table becomes the shortest, by its literals, of: an irredundant sum of products of it or of its complement (S. Minato,
"Fast generation of irredundant sum-of-products forms from binary decision diagrams", 1992), and its expansions
`x ? f : g` in one variable, which are `x & f`, `x | f` or `x ^ f` where the cofactors allow it. Functions of four
variables are looked up among the best of all 65,536; those of five and six take the best expansion into such. All
tables of a rank are worked on at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist, table_mask
from lutsmith.circuit.tables import VARIABLES

_SMALL = 4
"""Functions of so many variables have a table of all."""

_ALL = 0xFFFF
"""The constant one of four variables."""

_SUM, _COMPLEMENT = 6, 7
"""Forms; 0 to 5 are expansions in that variable."""

_LITERAL, _NEGATION, _MUX = 4, 1, 8
"""Costs of a literal, of a negation, and of `x ? f : g` beside f and g: literals count first, then negations."""

_NEVER = 10_000
"""A cost above any other."""

_CHUNK = 4096
"""Tables that are worked on at a time."""

_Tables = NDArray[np.uint64]
_Costs = NDArray[np.int16]
_Text = tuple[str, str]
"""An expression and the operator that holds it together: "" for a name, a call or a constant."""

_BLOCKS: _Tables = ~VARIABLES
"""Entries at which each variable is 0: 2**j ones, 2**j zeros, and so on."""


@dataclass(frozen=True)
class Syntax:
    """How a language writes logic.

    Attributes:
        negation: stands before an operand and binds tighter than anything else.
        conjunction, disjunction, exclusive: infix operators with their spaces; no two of them are mixed without
            parentheses.
        choice: of `{0} ? {1} : {2}`; doubled braces where the language has them.
        zero, one: the constants.
        call: whether `choice` is a function call, which needs no parentheses around it or its operands.
    """

    negation: str
    conjunction: str
    disjunction: str
    exclusive: str
    choice: str
    zero: str
    one: str
    call: bool = False


def templates(tables: _Tables, rank: int, syntax: Syntax) -> Iterator[str]:
    """Yield an expression for each table (D,) of one rank, with `{j}` for input j: for `str.format`."""
    if rank <= _SMALL:
        small = _Small.of(syntax)
        spread = tables.copy()
        for size in range(rank, _SMALL):
            spread |= spread << np.uint64(1 << size)
        yield from (small.text(table)[0] for table in spread.tolist())
        return
    for start in range(0, tables.size, _CHUNK):
        yield from _large(tables[start : start + _CHUNK], rank, syntax)


def matters(netlist: Netlist) -> NDArray[np.bool_]:
    """Return, for each fan-in of each node, whether the node's table depends on it."""
    slot = np.arange(netlist.fanin.size) - np.repeat(netlist.fanin_ptr[:-1], netlist.ranks)
    tables = np.repeat(netlist.tables(), netlist.ranks)
    blocks = _BLOCKS[slot]
    differing: NDArray[np.bool_] = ((tables >> (np.uint64(1) << slot.astype(np.uint64)) ^ tables) & blocks) != 0
    return differing


def sums_of_products(tables: _Tables, rank: int) -> NDArray[np.bool_]:
    """Return bool (3**rank, D): which cubes make an irredundant sum of products of each table (D,).

    Digit j of a cube's number in base 3 is 0 where variable j does not occur, 1 where it does, and 2 where its
    complement does.
    """
    chosen = np.zeros((3**rank, tables.size), np.bool_)
    _cover(tables, tables, rank, 0, chosen)
    return chosen


def _cover(lower: _Tables, upper: _Tables, rank: int, cube: int, chosen: NDArray[np.bool_]) -> _Tables:
    """Choose cubes whose sum lies between `lower` and `upper`, and return that sum."""
    if rank == 0:
        chosen[cube] = lower & np.uint64(1)
        return lower
    step, half = 3 ** (rank - 1), np.uint64(1 << rank - 1)
    low = np.uint64((1 << (1 << rank - 1)) - 1)
    lower0, lower1, upper0, upper1 = lower & low, lower >> half, upper & low, upper >> half
    sum0 = _cover(lower0 & ~upper1, upper0, rank - 1, cube + 2 * step, chosen)
    sum1 = _cover(lower1 & ~upper0, upper1, rank - 1, cube + step, chosen)
    rest = lower0 & ~sum0 | lower1 & ~sum1
    both = _cover(rest, upper0 & upper1, rank - 1, cube, chosen)
    return sum0 | both | (sum1 | both) << half


def _cofactor(tables: _Tables, rank: int, variable: int, value: int) -> _Tables:
    """Return the tables of rank - 1 with a variable set, the others moved together."""
    part: _Tables = tables >> np.uint64(value << variable) & _BLOCKS[variable]
    for size in range(variable, rank - 1):
        part = (part | part >> np.uint64(1 << size)) & _BLOCKS[size + 1]
    return part


def _expansion_cost(f0: _Tables, f1: _Tables, cost0: _Costs, cost1: _Costs, one: _Tables | np.uint64) -> _Costs:
    """What `x ? f1 : f0` costs, given what the cofactors cost."""
    constant0, constant1 = (f0 == 0) | (f0 == one), (f1 == 0) | (f1 == one)
    negated = np.where((f0 == one) | (f1 == 0), _LITERAL + _NEGATION, _LITERAL)
    cost = np.where(constant0, cost1 + negated, cost0 + cost1 + _MUX)
    cost = np.where(constant1, cost0 + negated, cost)
    cost = np.where(f0 ^ f1 == one, cost0 + _LITERAL, cost)
    return np.where(f0 == f1, np.int16(_NEVER), cost).astype(np.int16)  # x is not there


def _sum_costs(tables: _Tables, rank: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_], _Costs, _Costs]:
    """Return the sums of products of tables and of their complements, and what each costs."""
    digits = np.array([_digits(cube, rank) for cube in range(3**rank)], np.int16).reshape(3**rank, rank)
    literals = ((digits > 0) * _LITERAL + (digits == 2) * _NEGATION).sum(axis=1).astype(np.float32)
    sums = [sums_of_products(words, rank) for words in (tables, ~tables & table_mask(np.full(1, rank)))]
    costs = [(literals @ chosen.astype(np.float32)).astype(np.int16) for chosen in sums]
    return sums[0], sums[1], costs[0], costs[1] + np.int16(_NEGATION)


def _digits(cube: int, rank: int) -> list[int]:
    return [cube // 3**variable % 3 for variable in range(rank)]


@cache
def _small_forms() -> tuple[_Costs, NDArray[np.int8], dict[int, list[int]]]:
    """Return the cost and the form of each function of four variables, and the cubes of those that are sums."""
    tables = np.arange(_ALL + 1, dtype=np.uint64)
    chosen, _, sum_cost, complement_cost = _sum_costs(tables, _SMALL)
    cost = np.minimum(sum_cost, complement_cost)
    form = np.where(sum_cost <= complement_cost, _SUM, _COMPLEMENT).astype(np.int8)
    cofactors = [[_spread(tables, variable, value) for value in (0, 1)] for variable in range(_SMALL)]
    for _ in range(_SMALL):  # a cofactor of a function of n variables has n - 1: in as many rounds all are best
        for variable, (f0, f1) in enumerate(cofactors):
            new = _expansion_cost(f0, f1, cost[f0], cost[f1], np.uint64(_ALL))
            form[new < cost] = variable
            cost = np.minimum(cost, new)
    needed = np.where(form == _COMPLEMENT, ~tables & np.uint64(_ALL), tables)[form >= _SUM]
    return cost, form, _cube_lists(chosen[:, needed], needed)


def _spread(tables: _Tables, variable: int, value: int) -> _Tables:
    """Return cofactors as tables of four variables, which do not depend on that one."""
    part: _Tables = tables >> np.uint64(value << variable) & _BLOCKS[variable] & np.uint64(_ALL)
    return part | part << np.uint64(1 << variable)


def _cube_lists(chosen: NDArray[np.bool_], keys: _Tables) -> dict[int, list[int]]:
    column, cube = np.nonzero(chosen.T)
    ends = np.cumsum(np.bincount(column, minlength=keys.size)).tolist()
    cubes = cube.tolist()
    return {key: cubes[start:end] for key, start, end in zip(keys.tolist(), [0, *ends], ends, strict=False)}


class _Writer:
    """Puts expressions together in one language."""

    def __init__(self, syntax: Syntax) -> None:
        self.syntax = syntax

    def joined(self, operator: str, parts: list[_Text]) -> _Text:
        if len(parts) == 1:
            return parts[0]
        return operator.join(text if holds in ("", operator) else f"({text})" for text, holds in parts), operator

    def complement(self, part: _Text) -> _Text:
        text, holds = part
        return self.syntax.negation + (f"({text})" if holds else text), ""

    def literal(self, name: str, positive: bool = True) -> _Text:
        return (name if positive else self.syntax.negation + name), ""

    def sum(self, cubes: list[int], rank: int) -> _Text:
        if not cubes:
            return self.syntax.zero, ""
        return self.joined(self.syntax.disjunction, [_cube(self, cube, rank) for cube in cubes])

    def expansion(self, name: str, f0: _Text, f1: _Text, one: int, tables: tuple[int, int]) -> _Text:
        """`name ? f1 : f0` in its shortest form; `tables` are those of the cofactors."""
        syntax, x, (table0, table1) = self.syntax, self.literal(name), tables
        if table0 ^ table1 == one:
            if table0 in (0, one):
                return self.literal(name, table0 == 0)
            return self.joined(syntax.exclusive, [x, f0])
        if table0 == 0:
            return self.joined(syntax.conjunction, [x, f1])
        if table1 == one:
            return self.joined(syntax.disjunction, [x, f0])
        if table0 == one:
            return self.joined(syntax.disjunction, [self.literal(name, False), f1])
        if table1 == 0:
            return self.joined(syntax.conjunction, [self.literal(name, False), f0])
        inner = [text if syntax.call or not holds else f"({text})" for text, holds in (f1, f0)]
        return syntax.choice.format(name, *inner), "" if syntax.call else "?"


@cache
def _cube(writer: _Writer, cube: int, rank: int) -> _Text:
    literals = [
        writer.literal(f"{{{variable}}}", digit == 1) for variable, digit in enumerate(_digits(cube, rank)) if digit
    ]
    return writer.joined(writer.syntax.conjunction, literals) if literals else (writer.syntax.one, "")


class _Small(_Writer):
    """The expressions of all functions of four variables, written when they are first asked for."""

    def __init__(self, syntax: Syntax) -> None:
        super().__init__(syntax)
        self.cost, self._form, self._cubes = _small_forms()
        self._texts: dict[int, _Text] = {}

    @staticmethod
    @cache
    def of(syntax: Syntax) -> _Small:
        return _Small(syntax)

    def text(self, table: int) -> _Text:
        known = self._texts.get(table)
        if known is None:
            known = self._texts[table] = self._written(table)
        return known

    def _written(self, table: int) -> _Text:
        form = int(self._form[table])
        if form == _SUM:
            return self.sum(self._cubes[table], _SMALL)
        if form == _COMPLEMENT:
            return self.complement(self.sum(self._cubes[table ^ _ALL], _SMALL))
        f0, f1 = (int(_spread(np.array([table], np.uint64), form, value)[0]) for value in (0, 1))
        return self.expansion(f"{{{form}}}", self.text(f0), self.text(f1), _ALL, (f0, f1))


@dataclass(frozen=True)
class _Expanded:
    """The best expansion of functions of five or six variables, if it is one."""

    cost: _Costs
    write: Callable[[int, list[str]], _Text]
    """(place, names of the variables) -> expression."""


def _expanded(tables: _Tables, rank: int, small: _Small) -> _Expanded:
    """Return the best expressions of functions, expansions only down to four variables."""
    if rank == _SMALL:
        words = tables.tolist()

        def lookup(place: int, names: list[str]) -> _Text:
            text, holds = small.text(words[place])
            return text.format(*names), holds

        return _Expanded(small.cost[tables], lookup)

    one = table_mask(np.full(1, rank - 1))[0]
    cofactors = [[_cofactor(tables, rank, variable, value) for value in (0, 1)] for variable in range(rank)]
    inner = [[_expanded(half, rank - 1, small) for half in pair] for pair in cofactors]
    costs = np.stack(
        [
            _expansion_cost(f0, f1, half0.cost, half1.cost, one)
            for (f0, f1), (half0, half1) in zip(cofactors, inner, strict=True)
        ]
    )
    best = costs.argmin(axis=0)
    # A function of fewer variables: any variable that it does not read may be taken away for nothing.
    unread = np.stack([f0 == f1 for f0, f1 in cofactors])
    gone = unread.any(axis=0)
    best = np.where(gone, unread.argmax(axis=0), best)
    without = np.stack([pair[0].cost for pair in inner])
    columns = np.arange(tables.size)
    cost = np.where(gone, without[best, columns], costs[best, columns]).astype(np.int16)
    variables: list[int] = best.tolist()

    def write(place: int, names: list[str]) -> _Text:
        variable = variables[place]
        others = names[:variable] + names[variable + 1 :]
        halves = inner[variable]
        f0 = halves[0].write(place, others)
        if unread[variable, place]:
            return f0
        words = int(cofactors[variable][0][place]), int(cofactors[variable][1][place])
        return small.expansion(names[variable], f0, halves[1].write(place, others), int(one), words)

    return _Expanded(cost, write)


def _large(tables: _Tables, rank: int, syntax: Syntax) -> Iterator[str]:
    """Yield the expressions of tables of rank 5 or 6."""
    small = _Small.of(syntax)
    chosen, complement, sum_cost, complement_cost = _sum_costs(tables, rank)
    expanded = _expanded(tables, rank, small)
    flat = np.minimum(sum_cost, complement_cost) <= expanded.cost
    negated = flat & (complement_cost < sum_cost)
    places = np.arange(tables.size, dtype=np.uint64)
    sums = _cube_lists(np.where(negated, complement, chosen)[:, flat], places[flat])
    names = [f"{{{variable}}}" for variable in range(rank)]
    for place in range(tables.size):
        if not flat[place]:
            yield expanded.write(place, names)[0]
        else:
            text = small.sum(sums[place], rank)
            yield (small.complement(text) if negated[place] else text)[0]
