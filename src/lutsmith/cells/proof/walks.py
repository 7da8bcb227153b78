"""Serial cells at every width: the product of two automata, over all pairs of states that operands reach.

Both cells walk along the operands' bits. What a cell gives at a place may hang on what it knows only at the end (the
flag of `TwoPass`, the final state), so that a walk gives *candidates* at each place and chooses one at the end; a
result of one bit is the candidates 0 and 1 at every place. The product remembers for which choices the two have
differed. It is finite, and what it never reaches at no width happens: breadth first, so that a mismatch is a shortest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any

from lutsmith.cells.fabric import Fabric
from lutsmith.cells.fabrics import Tap
from lutsmith.cells.learned import LearnedCell
from lutsmith.cells.serial import Bitwise, SerialCell, TwoPass

MAX_STATES = 1 << 18
PAIRS = ((0, 0), (1, 0), (0, 1), (1, 1))

State = Any
Operands = tuple[int, int, int]
"""Width, a, b."""


@dataclass(frozen=True)
class Walk:
    """A cell as an automaton.

    Attributes:
        start: its first state.
        step: of the state and the bits of a and b, what may be given here, and the next state.
        choice: of the last state, which candidate is given at every place.
    """

    start: State
    step: Callable[[State, int, int], tuple[tuple[int, ...], State]]
    choice: Callable[[State], int] = lambda state: 0  # noqa: ARG005 - there is one


def walk_of(cell: LearnedCell, order: str) -> Walk | None:
    """Return a cell as a walk from the "lsb" or the "msb"; None where it is none: streams have one order."""
    fabric = cell.fabric
    numbers = {name: _numbers(cell, name) for name in cell.tables}
    if isinstance(fabric, Bitwise):
        return Walk(0, lambda state, a, b: ((numbers["cell"][a | b << 1],), state))
    if isinstance(fabric, SerialCell) and fabric.read == "stream":
        return _stream(numbers) if fabric.order == order else None
    if isinstance(fabric, SerialCell):
        return _final(fabric, numbers, order)
    if isinstance(fabric, TwoPass) and order == "lsb":
        return _two_pass(fabric, numbers)
    return _last_of(cell, fabric, order) if isinstance(fabric, Tap) else None


def mismatch(left: LearnedCell, right: LearnedCell, deadline: float) -> tuple[str, Operands | None] | None:
    """Compare two cells at every width.

    Returns:
        The order of the walk and the shortest operands at which they differ, or None for these: they never do. None
        where the two cannot walk together, or there are too many states or too little time.
    """
    top = [isinstance(cell.fabric, SerialCell) and cell.fabric.order == "msb" for cell in (left, right)]
    for order in ("msb", "lsb") if all(top) else ("lsb", "msb"):  # with the grain where both go the same way
        walks = [walk_of(cell, order) for cell in (left, right)]
        if walks[0] is not None and walks[1] is not None:
            found = _product(walks[0], walks[1], _extra(left.fabric), deadline)
            if found is None:
                return None
            return order, _operands(found, order) if found else None
    return None


def _extra(fabric: Fabric) -> int:
    return fabric.extra if isinstance(fabric, SerialCell) else 0


def _product(left: Walk, right: Walk, extra: int, deadline: float) -> list[tuple[int, int]] | None:
    """Return the shortest pairs of bits after which the two differ, none where they never do; None: not decided."""

    def step(state: State, a: int, b: int) -> State:
        lefts, left_state = left.step(state[0], a, b)
        rights, right_state = right.step(state[1], a, b)
        differ = frozenset((i, j) for i, one in enumerate(lefts) for j, other in enumerate(rights) if one != other)
        return left_state, right_state, state[2] | differ

    def wrong(state: State) -> bool:
        chosen = state
        for _ in range(extra):
            chosen = step(chosen, 0, 0)
        return (left.choice(chosen[0]), right.choice(chosen[1])) in chosen[2]

    start: State = (left.start, right.start, frozenset())
    return breadth_first(start, lambda state: ((pair, step(state, *pair)) for pair in PAIRS), wrong, deadline)


def breadth_first(
    start: State,
    steps: Callable[[State], Iterator[tuple[Any, State]]],
    wrong: Callable[[State], bool],
    deadline: float,
) -> list[Any] | None:
    """Return the labels of the shortest way, of one step or more, to a state that is wrong: none where there is no
    such state; None where states or time ran out.
    """
    came: dict[State, tuple[State, Any] | None] = {start: None}
    seen: set[State] = set()
    queue = deque([start])
    while queue:
        if len(seen) > MAX_STATES or monotonic() > deadline:
            return None
        state = queue.popleft()
        for label, after in steps(state):
            if after in seen:
                continue
            seen.add(after)
            if wrong(after):
                way, at = [label], came[state]
                while at is not None:
                    way.append(at[1])
                    at = came[at[0]]
                return way[::-1]
            if after not in came:
                came[after] = (state, label)
            queue.append(after)
    return []


def _operands(pairs: list[tuple[int, int]], order: str) -> Operands:
    pairs = pairs if order == "lsb" else pairs[::-1]
    return len(pairs), *(sum(pair[which] << place for place, pair in enumerate(pairs)) for which in (0, 1))  # type: ignore[return-value]


def _numbers(cell: LearnedCell, name: str) -> list[int]:
    """Return the outputs of a table at each address as one integer, output 0 its lowest bit."""
    return [sum(int(bit) << place for place, bit in enumerate(column)) for column in cell.tables[name].T.tolist()]


def _stream(numbers: dict[str, list[int]]) -> Walk:
    def step(state: int, a: int, b: int) -> tuple[tuple[int, ...], int]:
        given = numbers["cell"][a | b << 1 | state << 2]
        return (given & 1,), given >> 1

    return Walk(numbers["start"][0], step)


def _last_of(cell: LearnedCell, tap: Tap, order: str) -> Walk | None:
    """Return the walk of the last bit that a stream gives: the highest from the lowest bit on, or the other way."""
    of = tap.fabric
    last = (-1, "lsb") if isinstance(of, SerialCell) and of.order == "lsb" else (0, "msb")
    if not (isinstance(of, SerialCell) and of.read == "stream" and (tap.place, order) == last):
        return None
    stream = _stream({name: _numbers(cell, name) for name in cell.tables})

    def step(state: State, a: int, b: int) -> tuple[tuple[int, ...], State]:
        given, after = stream.step(state[0], a, b)
        return (0, 1), (after, given[0])

    def choice(state: State) -> int:
        for _ in range(of.extra):
            state = step(state, 0, 0)[1]
        return int(state[1])

    return Walk((stream.start, 0), step, choice)


def _final(fabric: SerialCell, numbers: dict[str, list[int]], order: str) -> Walk:
    start, after, readout = numbers["start"][0], numbers["cell"], numbers.get("readout")

    def bit(top: int, state: int) -> int:
        return state & 1 if readout is None else readout[top | state << 2]

    def top_after(top: int | None, a: int, b: int) -> int:
        """Return the highest pair of bits so far: the first from the top, the last from below."""
        return a | b << 1 if order == "lsb" or top is None else top

    if fabric.order == order:
        return Walk(
            (start, None),
            lambda state, a, b: ((0, 1), (after[a | b << 1 | state[0] << 2], top_after(state[1], a, b))),
            lambda state: bit(state[1], state[0]),
        )
    # Walked from its end: what it would give, of each state that it may have come in, and of each highest pair.
    states = range(1 << fabric.state_bits)
    gives = tuple(tuple(bit(top, state) for state in states) for top in (range(4) if readout else range(1)))
    return Walk(
        (gives, None),
        lambda state, a, b: (
            (0, 1),
            (
                tuple(tuple(given[after[a | b << 1 | each << 2]] for each in states) for given in state[0]),
                top_after(state[1], a, b),
            ),
        ),
        lambda state: state[0][state[1] if readout else 0][start],
    )


def _two_pass(fabric: TwoPass, numbers: dict[str, list[int]]) -> Walk:
    first_numbers = {name[6:]: table for name, table in numbers.items() if name.startswith("first_")}
    first = _final(SerialCell(order=fabric.order, read="final"), first_numbers, "lsb")
    begin = numbers["start"][0] if fabric.state_bits else 0

    def step(state: State, a: int, b: int) -> tuple[tuple[int, ...], State]:
        given = [numbers["cell"][a | b << 1 | flag << 2 | state[1 + flag] << 3] for flag in (0, 1)]
        return (given[0] & 1, given[1] & 1), (first.step(state[0], a, b)[1], given[0] >> 1, given[1] >> 1)

    return Walk((first.start, begin, begin), step, lambda state: first.choice(state[0]))
