"""Covers of BLIF: the rows after a `.names`, each a cube and the value that the node has there, and truth tables."""

from __future__ import annotations

from collections.abc import Sequence

from lutsmith.circuit.netlist import MAX_RANK


class Covers:
    """Reads covers, and remembers what each cube means: the cubes of a file are few."""

    def __init__(self) -> None:
        self._cubes: dict[str, int] = {}

    def table(self, rank: int, rows: Sequence[Sequence[str]]) -> int:
        """Return the table of a cover, a word of 2**rank bits.

        Args:
            rank: how many signals the node reads.
            rows: the words of each row: a cube of `rank` characters, left out at rank 0, and "0" or "1".

        Raises:
            ValueError: other rows, or ones and zeros together; the message goes on after "the cover".
        """
        table = 0
        values = set()
        for row in rows:
            if len(row) != (2 if rank else 1) or (rank and len(row[0]) != rank) or row[-1] not in ("0", "1"):
                raise ValueError(f"has the row {' '.join(row)[:40]!r} for {rank} inputs")
            values.add(row[-1])
            cube = row[0] if rank else ""
            word = self._cubes.get(cube)
            if word is None:
                word = self._cubes[cube] = _entries(cube)
            table |= word
        if len(values) > 1:
            raise ValueError("lists ones and zeros, expected one of them")
        return _inverted(table, rank) if values == {"0"} else table

    def plain(self, rank: int, text: str) -> int | None:
        """Return the table of a cover from its text, several times as fast as row by row; None where it is not plain.

        Plain is one cube, one space and one value a line, all values the same, and no cube that is met first.
        """
        width = rank + len(" 1\n")
        lines, rest = divmod(len(text) + 1, width)
        if rank < 1 or rest or text[rank::width] != " " * lines or text[width - 1 :: width] != "\n" * (lines - 1):
            return None
        values = set(text[rank + 1 :: width])
        words = text.split()
        cubes = words[::2]
        if values not in ({"0"}, {"1"}) or len(words) != 2 * lines or set(map(len, cubes)) != {rank}:
            return None
        table = 0
        try:
            for cube in cubes:
                table |= self._cubes[cube]
        except KeyError:
            return None
        return _inverted(table, rank) if values == {"0"} else table


def table_of(cubes: Sequence[str]) -> int:
    """Return the table that is 1 on cubes of one length n alone, a word of 2**n bits."""
    table = 0
    for cube in cubes:
        table |= _entries(cube)
    return table


def cover_of(rank: int, table: int) -> str:
    """Return the rows of a table: the cubes of its ones or of its zeros, one a row."""
    size = 1 << rank
    if rank == 0:
        return "1\n" if table else ""
    if table in (0, (1 << size) - 1):  # without a row ABC refuses a constant that has inputs
        return f"{'-' * rank} {table & 1}\n"
    value = int(bin(table).count("1") <= size // 2)
    rows = _ROWS[rank]
    return "".join(f"{rows[address]} {value}\n" for address in range(size) if table >> address & 1 == value)


def _entries(cube: str) -> int:
    """Return the entries that a cube covers, a word of 2**len(cube) bits."""
    word = (1 << (1 << len(cube))) - 1
    for place, bit in enumerate(cube):
        ones = sum(1 << address for address in range(1 << len(cube)) if address >> place & 1)
        if bit == "1":
            word &= ones
        elif bit == "0":
            word &= ~ones
        elif bit != "-":
            raise ValueError(f"has the character {bit!r}, expected 0, 1 or -")
    return word


def _inverted(table: int, rank: int) -> int:
    return table ^ ((1 << (1 << rank)) - 1)


_ROWS = [
    [format(address, f"0{rank}b")[::-1] if rank else "" for address in range(1 << rank)] for rank in range(MAX_RANK + 1)
]
"""The bits of each address, input 0 first."""
