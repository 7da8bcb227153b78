"""Nodes that read more signals than a LUT does, from their covers: a factored form, in LUTs that are ANDs.

A table of n inputs has 2^n entries; a cover has as many cubes as somebody wrote. So the cubes are factored as they are:
the literal that most cubes share is taken out, with all that these cubes share, and what is left of them is factored in
turn (literal factoring: Brayton, "Factoring logic functions", IBM J. Res. Dev. 31, 1987). Sums that stand beside
several products are multiplied out once: ac + ad + bc + bd is (a + b)(c + d). ORs are ANDs of complements, and equal
ANDs of a file are one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from lutsmith.circuit.netlist import MAX_RANK
from lutsmith.circuit.netlist_builder import MAX_LUT_RANK
from lutsmith.formats.covers import table_of

CHUNK = 4096
"""Cubes that are factored together, so that time and memory grow with the size of the file alone."""

DEEPEST = 100
"""Products in sums in products: below, cubes stay as they are."""

MERGED = 512
"""Inputs up to which pairs of cubes are looked for that differ in one of them."""

_PAIRS = str.maketrans({"1": "01", "0": "10", "-": "00"})
"""Two bits for an input, the one of its complement first."""

SHARED = 6
"""LUTs of a factored form that are as good as one of a table: others share them, and cones of them are collapsed."""

TRUE = -1
"""A literal is 2 s + c: signal s, complemented where c is 1; this one is the constant 1."""


def cubes_of(rank: int, rows: Sequence[Sequence[str]]) -> tuple[list[str], bool]:
    """Return the distinct cubes of a cover and whether they are those of its ones.

    Args:
        rank: how many signals the node reads, at least 1.
        rows: the words of each row: a cube of `rank` characters, and "0" or "1".

    Raises:
        ValueError: other rows, or ones and zeros together; the message goes on after "the cover".
    """
    values = set()
    for row in rows:
        if len(row) != 2 or len(row[0]) != rank or row[1] not in ("0", "1"):
            raise ValueError(f"has the row {' '.join(row)[:40]!r} for {rank} inputs")
        strange = row[0].strip("01-") and set(row[0]) - {"0", "1", "-"}
        if strange:
            raise ValueError(f"has the character {min(strange)!r}, expected 0, 1 or -")
        values.add(row[1])
    if len(values) > 1:
        raise ValueError("lists ones and zeros, expected one of them")
    return list(dict.fromkeys(row[0] for row in rows)), values != {"0"}


class Pieces:
    """LUTs that wide nodes are made of, beside one that has the node's name; ANDs are made once.

    Args:
        first: the signal of the first that is made.

    Attributes:
        reads: the signals that each LUT reads.
        tables: their tables.
        owners: the node that each was first made for.
        owner: the node that LUTs are made for now.
    """

    def __init__(self, first: int) -> None:
        self._first = first
        self.reads: list[list[int]] = []
        self.tables: list[int] = []
        self.owners: list[int] = []
        self.owner = 0
        self._made: dict[tuple[int, ...], int] = {}

    def lut(self, reads: list[int], table: int) -> int:
        """Make a LUT and return its signal."""
        self.reads.append(reads)
        self.tables.append(table)
        self.owners.append(self.owner)
        return self._first + len(self.reads) - 1

    def narrowed(self, literals: Iterable[int]) -> list[int]:
        """Return at most six literals with the same AND; LUTs for the others are made, as few as there can be."""
        queue = sorted(literals)
        begin = 0
        while (left := len(queue) - begin) > MAX_RANK:
            take = min(MAX_RANK, left - MAX_RANK + 1)
            queue.append(self.both(queue[begin : begin + take]))
            begin += take
        return sorted(queue[begin:])

    def both(self, literals: Iterable[int]) -> int:
        """Return the literal of an AND."""
        narrow = self.narrowed(literals)
        if len(narrow) == 1:
            return narrow[0]
        key = tuple(narrow)
        if key not in self._made:
            self._made[key] = 2 * self.lut(*and_lut(narrow))
        return self._made[key]


def and_lut(literals: Sequence[int], inverted: bool = False) -> tuple[list[int], int]:
    """Return what a LUT reads and its table: the AND of up to six literals, or its complement."""
    table = 1 << sum(1 << place for place, literal in enumerate(literals) if not literal & 1)
    if inverted:
        table ^= (1 << (1 << len(literals))) - 1
    return [literal >> 1 for literal in literals], table


def factored(rank: int, cubes: Sequence[str], reads: Sequence[int], parts: Pieces) -> tuple[list[int], bool]:
    """Return the function that is 1 on the cubes: literals, at most six, of whose AND it is the complement or not.

    Args:
        rank: n, the number of inputs.
        cubes: distinct, of n characters 0, 1 and -.
        reads: n signals, what the inputs are.
        parts: makes the LUTs in between.

    Returns:
        literals: their AND; none for the constant 1.
        inverted: whether the function is its complement.
    """
    form = _Form(rank)
    root = form.any_of(form.sum(merged(cubes[low : low + CHUNK])) for low in range(0, len(cubes), CHUNK))
    return form.emitted(root, reads, parts)


def wide_lut(rank: int, cubes: Sequence[str], ones: bool, reads: Sequence[int], parts: Pieces) -> tuple[list[int], int]:
    """Return what the last LUT of a node of more than six inputs reads, and its table.

    Args:
        rank: n, the number of inputs.
        cubes: distinct, of n characters 0, 1 and -.
        ones: whether the node is 1 on the cubes, else 0.
        reads: n signals, what the inputs are.
        parts: makes the LUTs in between: ANDs, or up to rank 8 cofactors in the highest inputs, if these are far fewer.
    """
    if rank <= MAX_LUT_RANK:
        scratch = Pieces(0)
        factored(rank, cubes, range(rank), scratch)
        choices = 1 << (rank - MAX_RANK)
        if len(scratch.reads) > SHARED * choices:
            table = table_of(cubes)
            if not ones:
                table ^= (1 << (1 << rank)) - 1
            words = [table >> (choice << MAX_RANK) & (2**64 - 1) for choice in range(choices)]
            chosen = [parts.lut(list(reads[:MAX_RANK]), word) for word in words]
            size = 1 << (choices + rank - MAX_RANK)
            return [*chosen, *reads[MAX_RANK:]], sum(1 << a for a in range(size) if a >> (a >> choices) & 1)
    literals, inverted = factored(rank, cubes, reads, parts)
    return and_lut(literals, inverted == ones)


def merged(cubes: Sequence[str]) -> list[int]:
    """Return cubes as words of literals, bit 2 j for input j and 2 j + 1 for its complement.

    Pairs that differ in one input alone are one cube without it, input after input.
    """
    ordered = sorted({int(cube[::-1].translate(_PAIRS) or "0", 2) for cube in cubes})
    if len(cubes[0]) > MERGED:
        return ordered
    every = 0
    for word in ordered:
        every |= word
    for place in range(0, every.bit_length(), 2):
        plain, inverted = 1 << place, 2 << place
        if not (every & plain and every & inverted):
            continue
        have = set(ordered)
        gone: set[int] = set()
        new = []
        for word in ordered:
            if word & plain and (other := word ^ plain ^ inverted) in have:
                gone.update((word, other))
                new.append(word ^ plain)
        if new:
            ordered = sorted((have - gone) | set(new))
    return ordered


class _Form:
    """A factored form as ANDs of literals: inputs 2 j + c, then ANDs in an order in which each reads earlier ones."""

    def __init__(self, rank: int) -> None:
        self._rank = rank
        self._gates: list[tuple[int, ...]] = []
        self._made: dict[tuple[int, ...], int] = {}

    def all_of(self, literals: Iterable[int]) -> int:
        """Return the literal of an AND of any literals."""
        given = set(literals) - {TRUE}
        if TRUE ^ 1 in given or any(literal ^ 1 in given for literal in given):
            return TRUE ^ 1
        if len(given) < 2:
            return given.pop() if given else TRUE
        key = tuple(sorted(given))
        if key not in self._made:
            self._made[key] = 2 * (self._rank + len(self._gates))
            self._gates.append(key)
        return self._made[key]

    def any_of(self, literals: Iterable[int]) -> int:
        """Return the literal of an OR of any literals."""
        return self.all_of(literal ^ 1 for literal in literals) ^ 1

    def sum(self, cubes: list[int]) -> int:
        """Return the literal of the OR of cubes, each a word of literals."""
        if 0 in cubes:
            return TRUE
        places: dict[int, list[int]] = {}
        for number, cube in enumerate(cubes):
            for literal in _bits(cube):
                places.setdefault(literal, []).append(number)
        columns = {literal: _word(numbers) for literal, numbers in places.items()}
        shared = sorted(literal for literal, numbers in places.items() if len(numbers) > 1)
        return self._sum(cubes, columns, (1 << len(cubes)) - 1, shared, 0, 0)

    def _sum(
        self, cubes: list[int], columns: dict[int, int], active: int, shared: list[int], out: int, depth: int
    ) -> int:
        """Return the OR of the active cubes without the literals `out`; `shared` are those that two may have."""
        products: dict[int, list[list[int]]] = {}  # by the sum that they are multiplied with
        while active and depth < DEEPEST:
            counts = {literal: (columns[literal] & active).bit_count() for literal in shared}
            shared = [literal for literal in shared if counts[literal] > 1]
            if not shared:
                break
            these = columns[max(shared, key=counts.__getitem__)] & active
            active &= ~these
            common = [literal for literal in shared if these & ~columns[literal] == 0]
            inner = [literal for literal in shared if these & ~columns[literal]]
            rest = self._sum(cubes, columns, these, inner, out | _word(common), depth + 1)
            products.setdefault(rest, []).append(common)
        terms = []
        for number in _bits(active):
            left = cubes[number] & ~out
            if left == 0:
                return TRUE
            terms.append(self.all_of(_bits(left)))
        for rest, factors in products.items():
            if len(factors) > 1 and rest != TRUE:
                terms.append(self.all_of([rest, self.any_of(self.all_of(factor) for factor in factors)]))
            else:
                terms.extend(self.all_of([rest, *factor]) for factor in factors)
        return self.any_of(terms)

    def emitted(self, root: int, reads: Sequence[int], parts: Pieces) -> tuple[list[int], bool]:
        """Make the LUTs of what the root needs, but for its own; return the root's literals as `factored` does."""
        if root < 0:
            return [], root != TRUE
        if root >> 1 < self._rank:
            return [2 * reads[root >> 1] + (root & 1)], False
        top = (root >> 1) - self._rank
        needed = {top}
        for gate in range(top, -1, -1):
            if gate in needed:
                needed.update((literal >> 1) - self._rank for literal in self._gates[gate])
        signals: dict[int, int] = {place: 2 * signal for place, signal in enumerate(reads)}
        for gate in range(top + 1):
            if gate in needed:
                literals = [signals[literal >> 1] ^ (literal & 1) for literal in self._gates[gate]]
                if gate == top:
                    return parts.narrowed(literals), bool(root & 1)
                signals[self._rank + gate] = parts.both(literals)
        raise AssertionError("the root is a gate")


def _bits(word: int) -> list[int]:
    """Return the places of the ones, ascending."""
    data = np.frombuffer(word.to_bytes((word.bit_length() + 7) // 8, "little"), np.uint8)
    places: list[int] = np.flatnonzero(np.unpackbits(data, bitorder="little")).tolist()
    return places


def _word(places: Sequence[int]) -> int:
    """Return the word with ones in these ascending places."""
    row = np.zeros(places[-1] + 1 if places else 0, np.bool_)
    row[places] = True
    return int.from_bytes(np.packbits(row, bitorder="little").tobytes(), "little")
