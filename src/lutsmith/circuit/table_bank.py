"""Banks of tables: a finite set from which every LUT takes its table. It is kept with the circuit, and training stays
in it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.metadata import Metadata
from lutsmith.circuit.netlist import MAX_RANK, Netlist, checked_tables, table_mask
from lutsmith.ground.arguments import whole_number
from lutsmith.ground.arrays import frozen_integers, integers

_KEY = "table_bank"
"""Of the metadata's `other`."""

MAX_TABLES = 1 << 16
"""Of a bank."""


class TableBank:
    """Tables of one rank that the LUTs of a network are drawn from and stay in. Immutable.

    Args:
        tables: integers (K,), bit a of a table is its entry a.
        rank: inputs of a LUT, 0 to 6.

    Attributes:
        tables: uint64 (K,), in the order in which they were given.
        rank: as given.

    Raises:
        TypeError, ValueError: no tables, or one that has bits beyond its 2**rank entries.
    """

    tables: NDArray[np.uint64]
    rank: int

    def __init__(self, tables: ArrayLike, rank: int = MAX_RANK) -> None:
        width = whole_number("rank", rank, 0, MAX_RANK, "inputs of the LUTs of a bank")
        entries = 1 << width
        words = frozen_integers("the tables of a bank", tables, np.uint64, low=0, high=1 << entries)
        if not 1 <= words.size <= MAX_TABLES:
            raise ValueError(f"a bank of {words.size} tables; expected 1 to {MAX_TABLES} (without a bank, give None)")
        self.__dict__.update(tables=words, rank=width, _sorted=np.unique(words))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a bank cannot be changed: {name}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.tables, self.rank)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TableBank) and self.rank == other.rank and np.array_equal(self.tables, other.tables)

    def __hash__(self) -> int:
        return hash((self.rank, self.tables.tobytes()))

    def __len__(self) -> int:
        """K, how many tables there are."""
        return self.tables.size

    def __repr__(self) -> str:
        return f"TableBank({len(self)} tables of rank {self.rank})"

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.uint64]:
        """Return tables drawn uniformly, uint64 (count,)."""
        return self.tables[rng.integers(0, len(self), count)]

    def contains(self, tables: ArrayLike) -> NDArray[np.bool_]:
        """Return whether each of some tables is in the bank, bool of their shape."""
        words = integers("tables", tables, low=0, high=1 << 64).astype(np.uint64, copy=False)
        known: NDArray[np.uint64] = self.__dict__["_sorted"]
        place = np.searchsorted(known, words)
        found: NDArray[np.bool_] = known[np.minimum(place, known.size - 1)] == words
        return found

    def nearest(self, table: int, effects: ArrayLike) -> tuple[int, float]:
        """Return the table of the bank that lowers the loss most, and by how much: the amount is below 0 where all of
        them raise it.

        Each table is judged by the sum of the effects of the entries in which it differs from the LUT's present table,
        and the lowest sum wins. Among equal sums, the table with the fewest such entries wins, then the first. So a LUT
        keeps its table of the bank where nothing is better.

        Args:
            table: of the LUT now; it need not be in the bank.
            effects: real numbers (2**rank,), by how much the loss rises if an entry is inverted
                (`search.effects.table_effects`).

        Raises:
            ValueError: effects of another shape.
        """
        rises = np.asarray(effects, np.float64)
        if rises.shape != (1 << self.rank,):
            raise ValueError(f"effects have shape {rises.shape}; expected ({1 << self.rank},), one of each entry")
        changed = self.tables ^ np.uint64(int(table) & int(table_mask(np.array(self.rank))))
        flips = (changed[:, None] >> np.arange(rises.size, dtype=np.uint64) & np.uint64(1)).astype(np.bool_)
        sums = np.where(flips, rises, 0.0).sum(axis=1)
        best = np.lexsort((flips.sum(axis=1), sums))[0]
        return int(self.tables[best]), float(-sums[best])

    def check(self, netlist: Netlist, tables: ArrayLike | None = None) -> None:
        """Raise ValueError, naming the node and its table, where a LUT's table is not in the bank.

        Args:
            netlist: whose LUTs.
            tables: uint64 (nodes,), to look at instead of the netlist's own.
        """
        words = netlist.tables() if tables is None else checked_tables(tables, netlist.num_nodes)
        other = np.flatnonzero(netlist.ranks != self.rank)
        if other.size:
            node = int(other[0])
            raise ValueError(f"node {node} has rank {netlist.ranks[node]}; the bank has tables of rank {self.rank}")
        outside = np.flatnonzero(~self.contains(words))
        if outside.size:
            node, digits = int(outside[0]), max(1, (1 << self.rank) // 4)
            raise ValueError(
                f"node {node} has the table 0x{int(words[node]):0{digits}x}, which is not in the bank of {len(self)} "
                f"tables ({outside.size} of {netlist.num_nodes} nodes are outside)"
            )

    def to_json(self) -> dict[str, Any]:
        """Return the bank as JSON holds it: its rank, and its tables in hexadecimal."""
        digits = max(1, (1 << self.rank) // 4)
        return {"rank": self.rank, "tables": [f"{table:0{digits}x}" for table in self.tables.tolist()]}

    @classmethod
    def of_circuit(cls, circuit: Circuit) -> TableBank | None:
        """Return the bank that a circuit's metadata hold, or None.

        Raises:
            ValueError: the metadata do not hold a valid bank, or a LUT's table is not in it.
        """
        told = circuit.metadata.other.get(_KEY)
        if told is None:
            return None
        try:
            bank = cls([int(digits, 16) for digits in told["tables"]], told["rank"])
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"the circuit's {_KEY} is not a bank of tables: {error}") from error
        try:
            bank.check(circuit.netlist)
        except ValueError as error:
            raise ValueError(
                f"the circuit names a bank of tables that its LUTs no longer use, for example after "
                f"simplification: {error}; to go on without it, remove {_KEY} from metadata.other"
            ) from error
        return bank

    def kept_in(self, circuit: Circuit) -> Circuit:
        """Return the circuit with the bank in its metadata: a model file keeps it, and `of_circuit` reads it back.

        Raises:
            ValueError: a LUT's table is not in the bank.
        """
        self.check(circuit.netlist)
        return replace(circuit, metadata=self.told_in(circuit.metadata))

    def told_in(self, metadata: Metadata) -> Metadata:
        """Return metadata that hold the bank."""
        return replace(metadata, other={**metadata.other, _KEY: self.to_json()})


def random_tables(rng: np.random.Generator, count: int, rank: int) -> NDArray[np.uint64]:
    """Return tables that are uniformly random, uint64 (count,), of LUTs of rank 0 to 6 without a bank."""
    words = rng.integers(0, 2**64, count, dtype=np.uint64)
    masked: NDArray[np.uint64] = words & table_mask(np.array(rank))
    return masked
