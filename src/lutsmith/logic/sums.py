"""A proof that outputs of a netlist, as binary numbers, are a sum of weighted inputs: by substitution.

SAT solvers cannot prove that adder trees of different shape are equal, not even for forty bits. But numbers are
polynomials. Start with the outputs, each times the weight of its place; replace, from the last node to the first, each
node by the multilinear polynomial of its table over what it reads. In a tree of adders all products cancel as soon as
the last output of an adder is replaced, and what is left over the inputs is the sum itself, or the netlist is wrong: a
multilinear polynomial over the inputs is unique. Coefficients are taken modulo 2^width, as the carry out of the highest
place is dropped. The idea is that of algebraic rewriting of multipliers (M. Ciesielski and others, DAC 2015).
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist

MAX_TERMS = 50_000
"""Of a polynomial: a netlist that is not a tree of adders reaches this soon."""

_Monomial = tuple[int, ...]


class NotDecided(Exception):  # noqa: N818
    """A polynomial became too large, or the time ran out."""


def sum_of(
    netlist: Netlist,
    output_bits: Sequence[int],
    modulus: int,
    deadline: float = float("inf"),
    leaves: Collection[int] = (),
) -> dict[_Monomial, int]:
    """Return the number that outputs make up as a polynomial over the inputs, modulo `modulus`.

    Args:
        netlist: without registers.
        output_bits: the signals of the number, least significant first; -1 is a bit that is 0.
        modulus: 2 to the power of the number of bits, at most.
        deadline: of `time.monotonic()`.
        leaves: signals that stay as they are, as inputs do.

    Returns:
        Coefficients 1 to modulus - 1 of the products of inputs; () is the constant. A sum of inputs has no longer ones.

    Raises:
        NotDecided: the polynomial grows beyond `MAX_TERMS`, or the time is over.
    """
    return _Rewriting(netlist, modulus, deadline, frozenset(leaves)).reduce(output_bits)


def expected_sum(weights: Mapping[int, int], constant: int, modulus: int) -> dict[_Monomial, int]:
    """Return the polynomial of `constant + sum weights[input] * input`, modulo `modulus`."""
    terms: dict[_Monomial, int] = {(signal,): weight % modulus for signal, weight in weights.items()}
    terms[()] = constant % modulus
    return {monomial: value for monomial, value in terms.items() if value}


class _Rewriting:
    """The polynomial, and in which of its products each node occurs."""

    def __init__(self, netlist: Netlist, modulus: int, deadline: float, leaves: frozenset[int]) -> None:
        self._netlist = netlist
        self._modulus = modulus
        self._deadline = deadline
        self._leaves = leaves
        self._first_node = netlist.num_inputs + netlist.num_registers
        self._tables = netlist.tables()
        self._terms: dict[_Monomial, int] = {}
        self._products: dict[int, set[_Monomial]] = {}
        self._waiting: list[tuple[int, int]] = []
        self._place = _order(netlist)

    def reduce(self, output_bits: Sequence[int]) -> dict[_Monomial, int]:
        for place, signal in enumerate(output_bits):
            if signal >= 0:
                self._add((int(signal),), 1 << place)
        count = 0
        while self._waiting:
            node = heapq.heappop(self._waiting)[1]
            self._replace(node)
            count += 1
            if len(self._terms) > MAX_TERMS:
                raise NotDecided(f"no tree of adders: more than {MAX_TERMS:,} products")
            if count % 64 == 0 and time.monotonic() > self._deadline:
                raise NotDecided("not decided within the time limit")
        return self._terms

    def _replace(self, node: int) -> None:
        start, stop = self._netlist.fanin_ptr[node : node + 2].tolist()
        reads = self._netlist.fanin[start:stop].tolist()
        polynomial = _polynomial(int(self._tables[node]), len(reads))
        for product in self._products.pop(node, set()):
            factor = self._terms.pop(product)
            others = tuple(signal for signal in product if signal != node + self._first_node)
            for signal in others:
                if signal >= self._first_node and signal not in self._leaves:
                    self._products[signal - self._first_node].discard(product)
            for slots, coefficient in polynomial:
                signals = {*others, *(reads[slot] for slot in slots)}
                self._add(tuple(sorted(signals)), factor * coefficient)

    def _add(self, product: _Monomial, value: int) -> None:
        known = product in self._terms
        total = (self._terms.get(product, 0) + value) % self._modulus
        if total:
            self._terms[product] = total
        elif known:
            del self._terms[product]
        if known == bool(total):
            return
        for signal in product:
            node = signal - self._first_node
            if node < 0 or signal in self._leaves:
                continue
            if not total:
                self._products[node].discard(product)
            elif node in self._products:
                self._products[node].add(product)
            else:
                self._products[node] = {product}
                heapq.heappush(self._waiting, (self._place[node], node))


def _order(netlist: Netlist) -> list[int]:
    """Return the place of each node among those to replace: the highest level first, nodes of equal inputs together."""
    least = np.full(netlist.num_nodes, -1, np.int64)
    some = netlist.ranks > 0
    if some.any():
        least[some] = np.minimum.reduceat(netlist.fanin, netlist.fanin_ptr[:-1][some])
    level = np.repeat(np.arange(netlist.level_ptr.size - 1), np.diff(netlist.level_ptr))
    place = np.empty(netlist.num_nodes, np.int64)
    place[np.lexsort((least, -level))] = np.arange(netlist.num_nodes)
    return [int(number) for number in place]


@lru_cache(maxsize=4096)
def _polynomial(table: int, rank: int) -> tuple[tuple[tuple[int, ...], int], ...]:
    """Return the multilinear polynomial of a table: the inputs of each product, and its coefficient."""
    values: NDArray[np.int64] = np.array([table >> address & 1 for address in range(1 << rank)], np.int64)
    for slot in range(rank):
        pairs = values.reshape(-1, 2, 1 << slot)
        pairs[:, 1] -= pairs[:, 0]
    return tuple(
        (tuple(slot for slot in range(rank) if address >> slot & 1), int(values[address]))
        for address in np.flatnonzero(values).tolist()
    )


class LinearRewriting:
    """The same for sums of many outputs of one netlist, where it is all adders: nodes of equal inputs at once, by a
    polynomial without products, or not at all.
    """

    def __init__(self, netlist: Netlist) -> None:
        self._first_node = netlist.num_inputs + netlist.num_registers
        self._tables = netlist.tables().tolist()
        pointers, fanin = netlist.fanin_ptr.tolist(), netlist.fanin.tolist()
        self._reads = [tuple(fanin[start:stop]) for start, stop in itertools.pairwise(pointers)]
        groups: dict[tuple[int, ...], int] = {}
        numbers = [groups.setdefault(reads, len(groups)) for reads in self._reads]
        level = np.repeat(np.arange(netlist.level_ptr.size - 1), np.diff(netlist.level_ptr)).tolist()
        self._place = [(-level[node], number) for node, number in enumerate(numbers)]

    def sum_of(
        self, output_bits: Sequence[int], modulus: int, leaves: Collection[int] = ()
    ) -> dict[_Monomial, int] | None:
        """Return what `sum_of` does, or None where nodes of equal inputs are not a sum of their inputs."""
        known: dict[int, int] = {}  # coefficients of the inputs and leaves
        waiting: dict[tuple[int, int], dict[int, int]] = {}
        heap: list[tuple[int, int]] = []
        constant = 0

        def add(signal: int, value: int) -> None:
            node = signal - self._first_node
            if node < 0 or signal in leaves:
                known[signal] = (known.get(signal, 0) + value) % modulus
                return
            place = self._place[node]
            group = waiting.get(place)
            if group is None:
                group = waiting[place] = {}
                heapq.heappush(heap, place)
            group[node] = (group.get(node, 0) + value) % modulus

        for place, signal in enumerate(output_bits):
            if signal >= 0:
                add(signal, 1 << place)
        while heap:
            group = waiting.pop(heapq.heappop(heap))
            reads = self._reads[next(iter(group))]
            factors = tuple((self._tables[node], value) for node, value in sorted(group.items()))
            linear = _linear(factors, len(reads), modulus)
            if linear is None:
                return None
            constant += linear[0]
            for signal, value in zip(reads, linear[1:], strict=True):
                if value:
                    add(signal, value)
        terms: dict[_Monomial, int] = {(signal,): value for signal, value in known.items() if value}
        if constant % modulus:
            terms[()] = constant % modulus
        return terms


@lru_cache(maxsize=65536)
def _linear(factors: tuple[tuple[int, int], ...], rank: int, modulus: int) -> tuple[int, ...] | None:
    """Return the constant and the coefficients of a sum of tables times factors; None where it has products."""
    terms: dict[tuple[int, ...], int] = {}
    for table, factor in factors:
        for slots, coefficient in _polynomial(table, rank):
            terms[slots] = (terms.get(slots, 0) + factor * coefficient) % modulus
    if any(value for slots, value in terms.items() if len(slots) > 1):
        return None
    return terms.get((), 0), *(terms.get((slot,), 0) for slot in range(rank))
