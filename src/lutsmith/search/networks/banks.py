"""Banks of tables by name: none, n random tables, and LUTNets' two diverse ones, corrected.

- `diverse-16`: constants, inputs alone, AND, OR and XOR of two and of all inputs, the majority (more than half:
  LUTNets' counts 3 of 6 as one), a multiplexer, a formula of degree 2, and one table without a pattern.
- `diverse-256`: all 64 XORs of some inputs, all AND2, OR2 and multiplexers, and of the 128 symmetric functions those
  that change least, or nearly always, with the number of ones. LUTNets sorts all 280 by their numbers and cuts, which
  loses constant 1, x4, x5, OR6, nine OR2 and nine multiplexers.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from functools import reduce
from operator import xor
from typing import Any

import numpy as np

from lutsmith.circuit.netlist import MAX_RANK
from lutsmith.circuit.table_bank import MAX_TABLES, TableBank, random_tables
from lutsmith.circuit.tables import VARIABLES
from lutsmith.ground.arguments import one_of, whole_number

_X: list[int] = VARIABLES.tolist()
_ALL = (1 << 64) - 1
_RANDOM = re.compile(r"random-([0-9]{1,5})")
_PATTERNLESS = 0xE220A8397B1DCDAF  # the first number of splitmix64


def random_bank(size: int, rank: int = MAX_RANK, seed: int = 0) -> TableBank:
    """Return `size` tables drawn uniformly, all different, where there are so many.

    Raises:
        TypeError, ValueError: sizes that cannot be.
    """
    whole_number("rank", rank, 0, MAX_RANK, "inputs of the LUTs of a bank")
    whole_number("size", size, 1, min(MAX_TABLES, 1 << (1 << rank)), f"different tables of rank {rank}")
    rng = np.random.default_rng([seed, 2])
    if rank <= 4:  # at most 65,536 tables in all
        return TableBank(rng.permutation(1 << (1 << rank))[:size], rank)
    found: dict[int, None] = {}
    while len(found) < size:
        found.update(dict.fromkeys(random_tables(rng, size - len(found), rank).tolist()))
    return TableBank(list(found), rank)


def diverse_16() -> TableBank:
    """Return sixteen tables of six inputs of very different kinds."""
    x0, x1, x2, x3, x4, x5 = _X
    parity = reduce(xor, _X)
    return TableBank(
        [
            0,
            _ALL,
            x0,
            x5,
            x0 & x1,
            x0 | x1,
            x0 ^ x1,
            x0 & x1 & x2 & x3 & x4 & x5,
            x0 | x1 | x2 | x3 | x4 | x5,
            parity,
            parity ^ _ALL,
            _symmetric(0b1110000),
            _multiplexer(2, 0, 1),
            ((x0 & x1) ^ (x2 & x3)) | (x4 & x5),
            _PATTERNLESS,
            x0 ^ x2 ^ x4,
        ]
    )


def diverse_256() -> TableBank:
    """Return 256 tables of six inputs: XORs, AND2, OR2, multiplexers, and symmetric functions."""
    xors = [reduce(xor, some, 0) for size in range(7) for some in itertools.combinations(_X, size)]
    ands = [a & b for a, b in itertools.combinations(_X, 2)]
    ors = [a | b for a, b in itertools.combinations(_X, 2)]
    choices = [
        _multiplexer(selector, low, high)
        for selector in range(6)
        for low, high in itertools.combinations([i for i in range(6) if i != selector], 2)
    ]
    values = sorted(range(128), key=lambda value: (min(_changes(value), 6 - _changes(value)), value))
    every = dict.fromkeys([*xors, *ands, *ors, *choices, *map(_symmetric, values)])
    return TableBank(list(every)[:256])


BANKS: Mapping[str, Callable[[], TableBank]] = {"diverse-16": diverse_16, "diverse-256": diverse_256}
"""The banks that need no size, by name; besides there are `none` and `random-N`."""


def bank_of(given: Any, rank: int = MAX_RANK, seed: int = 0) -> TableBank | None:
    """Return a bank; None where there is to be none.

    Args:
        given: a `TableBank`; None, 0 or "none"; a number n, or "random-n", of tables to draw; "diverse-16" or
            "diverse-256"; or tables of your own, as integers.
        rank: of the LUTs.
        seed: of the tables that are drawn.

    Raises:
        TypeError, ValueError: no such bank, or one of another rank.
    """
    if given is None or given == "none" or (isinstance(given, int) and not isinstance(given, bool) and given == 0):
        return None
    if isinstance(given, str):
        drawn = _RANDOM.fullmatch(given)
        if drawn is not None:
            return random_bank(int(drawn[1]), rank, seed)
        one_of("bank", given, ["none", "random-16", *BANKS])
        bank = BANKS.get(given, lambda: random_bank(16, rank, seed))()
    elif isinstance(given, int):
        return random_bank(given, rank, seed)
    else:
        bank = given if isinstance(given, TableBank) else TableBank(given, rank)
    if bank.rank != rank:
        raise ValueError(f"the bank has tables of rank {bank.rank}; the LUTs are of rank {rank}")
    return bank


def _symmetric(value: int) -> int:
    """The table whose entry is bit n of `value`, with n the number of ones among the six inputs."""
    return sum(1 << a for a in range(64) if value >> a.bit_count() & 1)


def _changes(value: int) -> int:
    """How often the value of a symmetric function changes as the ones go from 0 to 6."""
    return ((value ^ value >> 1) & 0b111111).bit_count()


def _multiplexer(selector: int, low: int, high: int) -> int:
    """x_selector ? x_high : x_low."""
    chooses = _X[selector]
    return (chooses & _X[high]) | (~chooses & _X[low])
