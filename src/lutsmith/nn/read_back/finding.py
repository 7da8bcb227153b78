"""Adders and comparators of neurons, found in a circuit and proved; and the same on given samples, without a circuit.

Both are makers like those that lower a network (`nn.sums.counting`), so that the adders looked for are the adders that
were emitted. What they compute is not taken from there: sums are compared with the weights by substitution of
polynomials, comparators with integers for every value of a word, and the results of all of it on samples with those of
the modules themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.ground.arrays import packed
from lutsmith.logic.linear import placed
from lutsmith.logic.weighted_sums import WeightedSums, WordBounds
from lutsmith.nn.read_back.functions import MISSING, Functions
from lutsmith.nn.read_back.large_tables import numbers_of
from lutsmith.nn.sums.numbers import Block, Ids, Levels, Sums, evaluated

LOST = np.iinfo(np.int64).min
"""The number of a bit that something before has failed to give."""

ZERO, ONE = -(1 << 40), 1 - (1 << 40)
"""What constant neurons give: this stands for no signal of theirs, unlike the numbers 0 and 1."""

SAMPLES = 128
"""Samples on which neurons are compared with the modules."""

_NUMBERS = 1 << 23  # of all sums on these samples together


class Finder:
    """A maker that looks for adders, comparators and LUTs among the functions of a circuit.

    Args:
        functions: the circuit's.
        merged: whether equal inputs of a layer count as one, as they do if they are one signal.
        folded: whether constant inputs of a network's neurons are left out, as they are if they are the signals 0 and
            1.

    Attributes:
        read: numbers of bits that sums read.
        wrong: by kind, what the circuit lacks, and how many of how many.
        lost: whether something was read that was not found before.
        own: how many LUTs of a layer's own.
        luts_made: how many LUTs in all.
        sums: how many words.
        bounds: how many comparisons.
    """

    constants = ZERO, ONE

    def __init__(self, functions: Functions, proved: set[Any], *, merged: bool, folded: bool) -> None:
        self._functions, self._proved, self._merged, self._folded = functions, proved, merged, folded
        self.read: list[Ids] = []
        self.wrong: dict[str, str] = {}
        self.lost = False
        self.own = self.luts_made = self.sums = self.bounds = 0

    @property
    def found(self) -> bool:
        """Whether all of it is in the circuit."""
        return not self.wrong and not self.lost

    def blocks(self, sums: Sums) -> list[Block]:
        more = [(0, 1)] if self._folded and sums.levels.shared else []
        return sums.blocks(self.constants, *more, merged=self._merged)

    def words(self, sums: WeightedSums, bits: Ids) -> Ids:
        self._prove((sums.weights.tobytes(), sums.weights.shape), sums)
        self.read.append(bits[:, sums.weights.any(axis=0)])
        self.sums += len(sums.places) * len(bits)
        owner = np.repeat(np.arange(len(sums.places)), [len(places) for places in sums.places])
        return self._copies("sums", sums.netlist, bits, owner)

    def compared(self, compared: WordBounds, words: Ids) -> Ids:
        self._prove(compared, compared)
        self.bounds += len(compared.bounds) * len(words)
        return self._copies("thresholds", compared.netlist, words, np.arange(len(compared.bounds)))

    def lut(self, inputs: Ids, table: int) -> Ids:
        found = self._functions.of_luts(inputs, np.full(len(inputs), table, np.uint64))
        return self._told("LUTs behind thresholds", found[None], inputs, np.arange(len(inputs)), len(inputs))

    def luts(self, inputs: Ids, tables: NDArray[np.bool_], table_of: NDArray[np.int64]) -> Ids:
        reads = np.where(inputs == ZERO, 0, np.where(inputs == ONE, 1, inputs))
        found = np.full(len(reads), MISSING, np.int64)
        known = (reads >= 0).all(axis=1)
        found[known] = numbers_of(self._functions, reads[known], packed(tables)[table_of[known]])
        self.read.append(reads)
        self.own += len(reads)
        return self._told("LUTs", found[None], reads, np.arange(len(reads)), len(reads))

    def _prove(self, key: Any, claim: WeightedSums | WordBounds) -> None:
        if key not in self._proved:
            claim.check()
            self._proved.add(key)

    def _copies(self, kind: str, netlist: Any, inputs: Ids, owner: NDArray[np.int64]) -> Ids:
        found = placed(netlist, inputs, self._functions.of_luts)
        return self._told(kind, found, inputs, owner, netlist.num_nodes * len(inputs))

    def _told(self, kind: str, found: Ids, inputs: Ids, owner: NDArray[np.int64], luts: int) -> Ids:
        self.luts_made += luts
        absent = found == MISSING
        if absent.any():
            if (inputs < 0).any():
                self.lost = True
            else:
                place, first = np.argwhere(absent)[0]
                where = f", at place {place}" if len(found) > 1 else ""
                kinds = int(owner.max()) + 1
                missing = np.unique(owner[absent.any(axis=0)]).size
                self.wrong.setdefault(
                    kind, f"{missing} of {kinds} {kind} are not in the circuit, first {owner[first]}{where}"
                )
        found = np.where(found == MISSING, LOST, found)
        return found[0] if kind.startswith("LUTs") else found


class Simulated:
    """A maker that computes what adders, comparators and LUTs give for samples: `rows` holds each bit, bool (S,)."""

    constants = 0, 1

    def __init__(self, samples: int) -> None:
        self.rows = np.zeros((2, samples), np.bool_)
        self.rows[1] = True

    def blocks(self, sums: Sums) -> list[Block]:
        return sums.blocks(self.constants)

    def words(self, sums: WeightedSums, bits: Ids) -> Ids:
        """Each word by integers, not by its LUTs."""
        places = np.concatenate([np.array(shifts) for shifts in sums.places])
        owner = np.repeat(np.arange(len(sums.places)), [len(shifts) for shifts in sums.places])
        ends = np.zeros((len(bits), places.size), np.int64)
        for number, inputs in enumerate(bits):
            whole = sums.weights.astype(np.float64) @ self.rows[inputs]  # exact: below 2**53
            words = (whole.astype(np.int64) - sums.offset[:, None]) // sums.step[:, None]
            ends[number] = self._new(words[owner] >> places[:, None] & 1 == 1)
        return ends

    def compared(self, compared: WordBounds, words: Ids) -> Ids:
        starts = np.cumsum([0, *map(len, compared.places)])
        ends = np.zeros((len(words), len(compared.bounds)), np.int64)
        for number, bits in enumerate(words):
            found = []
            for word, bound, below in compared.bounds:
                own = self.rows[bits[starts[word] : starts[word + 1]]].astype(np.int64)
                places = np.array(compared.places[word])
                found.append(((own << places[:, None]).sum(axis=0) >= bound) ^ below)
            ends[number] = self._new(np.array(found))
        return ends

    def lut(self, inputs: Ids, table: int) -> Ids:
        address = (self.rows[inputs].astype(np.int64) << np.arange(inputs.shape[1])[:, None]).sum(axis=1)
        entries = np.array([table >> place & 1 for place in range(1 << inputs.shape[1])], np.bool_)
        return self._new(entries[address])

    def luts(self, inputs: Ids, tables: NDArray[np.bool_], table_of: NDArray[np.int64]) -> Ids:
        address = np.zeros((len(inputs), self.rows.shape[1]), np.int64)
        for slot in range(inputs.shape[1]):
            address += self.rows[inputs[:, slot]].astype(np.int64) << slot
        return self._new(tables[table_of[:, None], address])

    def numbers(self, levels: Levels) -> NDArray[np.float64]:
        """Levels on the samples, (S, *shape)."""
        bits = self.rows[levels.bits]  # (*shape, M, S)
        whole = levels.offset[..., None] + (levels.weights[..., None] * bits).sum(axis=-2)
        return np.moveaxis(whole * levels.unit, -1, 0)

    def _new(self, rows: NDArray[np.bool_]) -> Ids:
        first = len(self.rows)
        self.rows = np.concatenate([self.rows, rows])
        return np.arange(first, first + len(rows))


def on_samples(sums: Sums) -> tuple[Simulated, Sums, Tensor]:
    """Random samples of the bits that sums read: a maker, the sums over its rows, and what the modules make of these.

    Bits of one number are one, and constants are constant. How many bits are 1 differs from sample to sample.
    """
    size = max(1, int(np.prod(sums.sums)), sums.levels.bits.size)
    count = max(16, min(SAMPLES, _NUMBERS // size))
    rng = np.random.default_rng(0)
    maker = Simulated(count)
    names, place = np.unique(sums.levels.bits, return_inverse=True)
    density = rng.random((1, count))
    rows = rng.random((names.size, count)) < density
    rows[np.isin(names, [0, ZERO])], rows[np.isin(names, [1, ONE])] = False, True
    maker.rows = np.concatenate([maker.rows, rows])
    levels = Levels(
        place.reshape(sums.levels.bits.shape) + 2, sums.levels.weights, sums.levels.offset, sums.levels.unit
    )
    levels.bits[sums.levels.bits == ZERO], levels.bits[sums.levels.bits == ONE] = 0, 1
    x = torch.from_numpy(maker.numbers(levels)).float()
    steps: list[Callable[[Tensor], Tensor]] = list(sums.whole().steps)
    if sums.forward is not None:
        steps[0] = sums.forward
    for step in steps:
        x = evaluated(step, x)
    return maker, Sums(**{**vars(sums), "levels": levels}), x
