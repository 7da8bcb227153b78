"""A builder that folds LUTs as they are made: constants, repeated inputs and inverters cost nothing.

Its signals are **literals**, as in AIGER: `2 s` is signal s and `2 s + 1` its complement; 0 is false, 1 is true.
So arithmetic can pad words with zeros and complement bits freely, and the LUTs only get smaller.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.netlist import MAX_RANK, Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.circuit.tables import cofactors, depends, merged_inputs, negated_input
from lutsmith.ground.arrays import integers, packed

FALSE, TRUE = 0, 1

Literals = NDArray[np.int64]


class FoldingBuilder:
    """Collects inputs and LUTs on literals, and builds a `Netlist`. LUTs that are equal in one call are made once.

    Given a builder, it adds its LUTs to that one, so that arithmetic can stand in the middle of a network:

        logic = FoldingBuilder(builder)
        count = popcount(logic, logic.literals(signals))
        more = builder.lut(logic.signals(count), tables)

    Args:
        builder: where LUTs go; None: a builder of its own, to be used with `input` and `build`.
    """

    def __init__(self, builder: NetlistBuilder | CircuitBuilder | None = None) -> None:
        if not isinstance(builder, NetlistBuilder | CircuitBuilder | None):
            raise TypeError(f"builder is a {type(builder).__name__}, expected a NetlistBuilder or a CircuitBuilder")
        self._builder = NetlistBuilder() if builder is None else builder
        self._signal = np.full(1, -1, np.int64)  # the builder's signal of each of ours; ours 0 is the constant
        self._inverse = np.full(1, -1, np.int64)  # the builder's signal of the complement, -1 where there is none yet
        self._depth = np.zeros(1, np.int64)
        self._literal = np.zeros(0, np.int64)  # ours of each of the builder's signals, -1 where we do not know it

    def input(self, count: int) -> Literals:
        """Add `count` inputs and return their literals, int64 (count,).

        Raises:
            TypeError: the builder is a `CircuitBuilder`, whose inputs are on features.
        """
        return self._new(self._own_netlist("input").input(count), np.zeros(count, np.int64))

    def literals(self, signals: ArrayLike) -> Literals:
        """Return signals of the builder as literals, int64 of the shape of `signals`; its constants are constants.

        Raises:
            TypeError, ValueError: not signals of the builder.
        """
        depth = self._builder.depth(signals).reshape(-1).astype(np.int64)
        taken = np.asarray(signals, np.int64)
        for value in (FALSE, TRUE):
            self._name(np.array([self._builder.constant(bool(value))]), np.array([value]))
        unique, first = np.unique(taken, return_index=True)
        known = self._literal_of(unique) >= 0
        self._new(unique[~known].astype(np.int32), depth[first[~known]])
        return self._literal_of(taken)

    def lut(self, literals: ArrayLike, tables: ArrayLike) -> Literals:
        """Return the literals (W,) of W functions of up to six literals each.

        Args:
            literals: (W, n); input 0 is the least significant bit of the address.
            tables: uint64 words, bit a the value at address a: one for all, or (W,). Bits from 2**n up are not read.

        Raises:
            TypeError, ValueError: not literals of this builder, other shapes, or tables that are no such words.
        """
        reads = integers("literals", literals, low=0, high=2 * self._signal.size).astype(np.int64)
        if reads.ndim != 2 or reads.shape[1] > MAX_RANK:
            raise ValueError(f"literals has shape {reads.shape}, expected (functions, inputs) with up to {MAX_RANK}")
        count, rank = reads.shape
        words = integers("tables", tables, low=0, high=1 << 64).astype(np.uint64)
        if words.shape not in ((), (1,), (count,)):
            raise ValueError(f"tables has shape {words.shape}, expected one word or ({count},)")
        words = np.broadcast_to(words, (count,)).copy()
        inverted, inputs = (reads & 1).astype(np.bool_), reads >> 1
        for j in range(rank):
            words = np.where(inverted[:, j], negated_input(words, j), words)
            words = np.where(inputs[:, j] == 0, cofactors(words, j)[0], words)
            for i in range(j):
                words = np.where(inputs[:, i] == inputs[:, j], merged_inputs(words, i, j), words)
        supports = np.zeros(count, np.int64)
        for j in range(rank):
            supports |= depends(words, j).astype(np.int64) << j
        result = np.zeros(count, np.int64)
        for support in np.unique(supports):
            rows = np.flatnonzero(supports == support)
            kept = [j for j in range(rank) if support >> j & 1]
            result[rows] = self._folded(inputs[rows][:, kept], _shrunk(words[rows], kept))
        return result

    def depth(self, literals: Literals) -> NDArray[np.int64]:
        """Return the number of LUTs on the longest path to each literal, in the shape of `literals`."""
        levels: NDArray[np.int64] = self._depth[literals >> 1]
        return levels

    def signals(self, literals: ArrayLike) -> NDArray[np.int32]:
        """Return literals as signals of the builder, int32 of the shape of `literals`.

        Complements and constants become LUTs of the builder here, one each, however often they are used.

        Raises:
            TypeError, ValueError: not literals of this builder.
        """
        ends = integers("literals", literals, low=0, high=2 * self._signal.size).astype(np.int64)
        number, inverted = ends >> 1, (ends & 1).astype(np.bool_) & (ends > TRUE)
        missing = np.unique(number[inverted & (self._inverse[number] < 0)])
        made = self._builder.lut(self._signal[missing][:, None], np.full(missing.size, 0b01, np.uint64))
        self._inverse[missing] = made
        self._name(made, 2 * missing + 1)
        result = np.where(inverted, self._inverse[number], self._signal[number])
        for value in (FALSE, TRUE):
            if (ends == value).any():
                result[ends == value] = self._builder.constant(bool(value))
        return np.asarray(result, np.int32)

    def build(self, outputs: ArrayLike) -> Netlist:
        """Return the netlist whose outputs are these literals (O,); complements become inverters here.

        Raises:
            TypeError: the builder is a `CircuitBuilder`, which builds a circuit of signals.
        """
        return self._own_netlist("build").build(self.signals(outputs))

    def _own_netlist(self, method: str) -> NetlistBuilder:
        if isinstance(self._builder, NetlistBuilder):
            return self._builder
        raise TypeError(
            f"{method} is for netlists, and this goes into a circuit: take its signals by literals(), and "
            "give it those of signals()"
        )

    def _folded(self, inputs: NDArray[np.int64], words: NDArray[np.uint64]) -> Literals:
        """Add LUTs (W, n) that depend on all of their inputs, equal ones once, and return their literals."""
        rank = inputs.shape[1]
        if rank == 0:
            return (words & np.uint64(1)).astype(np.int64)
        if rank == 1:
            return 2 * inputs[:, 0] + (words & np.uint64(1)).astype(np.int64)
        keys = np.concatenate([inputs, words.view(np.int64)[:, None]], axis=1)
        distinct, place = np.unique(keys, axis=0, return_inverse=True)
        sources = distinct[:, :rank]
        made = self._builder.lut(self._signal[sources], distinct[:, rank].copy().view(np.uint64))
        return self._new(made, self._depth[sources].max(axis=1) + 1)[place.reshape(-1)]

    def _new(self, signals: NDArray[np.int32], depth: NDArray[np.int64]) -> Literals:
        """Number signals of the builder that are new to us, and return their literals."""
        first = self._signal.size
        self._signal = np.concatenate([self._signal, signals])
        self._inverse = np.concatenate([self._inverse, np.full(signals.size, -1)])
        self._depth = np.concatenate([self._depth, depth])
        literals = 2 * np.arange(first, first + signals.size, dtype=np.int64)
        self._name(signals, literals)
        return literals

    def _name(self, signals: NDArray[Any], literals: Literals) -> None:
        """Keep which literals signals of the builder are."""
        missing = int(signals.max(initial=-1)) + 1 - self._literal.size
        if missing > 0:
            self._literal = np.concatenate([self._literal, np.full(max(missing, self._literal.size), -1)])
        self._literal[signals] = literals

    def _literal_of(self, signals: NDArray[np.int64]) -> Literals:
        """Return the literals of signals, -1 where they are not known."""
        inside = signals < self._literal.size
        return np.where(inside, self._literal[np.where(inside, signals, 0)], -1)


def table(values: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return the words (...,) of truth tables (..., 2**n), n up to 6: what `FoldingBuilder.lut` takes."""
    return packed(values)[..., 0]


def address_bits(rank: int) -> list[NDArray[np.int64]]:
    """Return the value of each input at each address, `rank` arrays (2**rank,): tables are written with them."""
    return list(np.arange(1 << rank) >> np.arange(rank)[:, None] & 1)


def _shrunk(words: NDArray[np.uint64], kept: list[int]) -> NDArray[np.uint64]:
    """Return the tables as ones of the inputs in `kept` alone; they do not depend on the others."""
    small = np.zeros_like(words)
    for address in range(1 << len(kept)):
        source = sum((address >> place & 1) << j for place, j in enumerate(kept))
        small |= (words >> np.uint64(source) & np.uint64(1)) << np.uint64(address)
    return small
