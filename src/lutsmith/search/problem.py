"""The problem of a search: a network, labelled samples in parts, a head and a loss; and the present state of the
network.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.engine.stages import PackedSamples
from lutsmith.circuit.heads import Head
from lutsmith.circuit.netlist import Netlist, table_mask
from lutsmith.ground.arguments import instance_of, number, whole_number
from lutsmith.ground.arrays import integers, numbered, packed, unpacked
from lutsmith.search.change import Change
from lutsmith.search.mutation import Bank
from lutsmith.search.part import LabelledPart

INPUTS = 256
"""Inputs whose bits are unpacked at a time."""


@dataclass(frozen=True)
class BatchSchedule:
    """Which samples a step reads.

    Attributes:
        batch: samples of a batch, at most; None: all.
        growth: what the size of a batch is multiplied by after every `passes` passes over all samples.
        passes: see there.
        accept_share: the share of samples that steps do not read and changes are accepted on; 0: on the batch itself.

    Raises:
        TypeError, ValueError: values that they cannot have.
    """

    batch: int | None = None
    growth: float = 1.0
    passes: int = 1
    accept_share: float = 0.0

    def __post_init__(self) -> None:
        if self.batch is not None:
            whole_number("batch", self.batch, 1)
        whole_number("passes", self.passes, 1)
        number("growth", self.growth, lambda value: 1 <= value < np.inf, "a number of at least 1")
        number("accept_share", self.accept_share, lambda value: 0 <= value < 1, "a share from 0, below 1")

    def place(self, step: int, samples: int) -> tuple[int, int]:
        """Return the size of the batches at a step, and which of them it reads: as few as there can be, of equal size;
        the last one may be smaller by less than there are batches.
        """
        size, left = min(self.batch or samples, samples), step
        while True:
            count = max(1, -(-samples // max(size, 1)))
            if left < count * self.passes or count == 1 or self.growth == 1:
                return -(-samples // count), left % count
            left -= count * self.passes
            size = max(size + 1, round(min(size * self.growth, samples)))
            size = min(samples, size)


class Problem:
    """A network that is being searched, and the samples on which it is judged.

    Batches are drawn once, by the seed, from the samples that steps read. What a step asks of a batch is of the network
    as it is, whatever was accepted on other batches meanwhile.

    Args:
        netlist: the network to begin with. Registers hold their initial values.
        samples: the bits of its inputs.
        labels: int (N,).
        head: from output bits to scores.
        loss: by name, see `losses`.
        schedule: which samples a step reads; None: all of them.
        validation: samples and labels that no step reads.
        bank: tables that nodes are kept to.
        seed: for batches.
        threads: to judge with; by default LUTSMITH_NUM_THREADS, else all cores. The results are the same.

    Attributes:
        step: how many steps were made; it says which batch is next.
        bank: as given.

    Raises:
        TypeError, ValueError: arguments that do not fit each other; no samples; a node whose table is not of the bank.
    """

    def __init__(
        self,
        netlist: Netlist,
        samples: PackedSamples,
        labels: ArrayLike,
        head: Head,
        *,
        loss: str = "wrong-bits",
        schedule: BatchSchedule | None = None,
        validation: tuple[PackedSamples, ArrayLike] | None = None,
        bank: Bank | None = None,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        instance_of("netlist", netlist, Netlist)
        instance_of("samples", samples, PackedSamples)
        instance_of("head", head, Head)
        whole_number("seed", seed, 0)
        self._schedule, self.bank, self.step = schedule or BatchSchedule(), bank, 0
        self._made = head, loss, threads
        self._start = netlist
        self._now: Netlist | None = netlist
        self._tables, self._fanin = netlist.tables() & table_mask(netlist.ranks), netlist.fanin.copy()
        self._labels = _checked_labels(samples, labels)
        if not len(samples):
            raise ValueError("there are no samples to search on")
        if bank is not None and not np.all(inside := bank.contains(netlist.tables())):
            raise ValueError(f"the table of node {int(np.argmin(inside))} is not in the bank")
        order = np.random.default_rng([seed, 0]).permutation(len(samples))
        aside = round(self._schedule.accept_share * len(samples))
        if self._schedule.accept_share and not 0 < aside < len(samples):
            raise ValueError(
                f"accept_share is {self._schedule.accept_share} of {len(samples)} samples: some must be on either side"
            )
        self._samples, self._read = samples, order[aside:]
        self._size, self._parts = 0, dict[int, LabelledPart]()
        self._accepting = self._part(np.sort(order[:aside])) if aside else None
        self._validation: LabelledPart | None = None
        if validation is not None:
            self._validation = LabelledPart(netlist, validation[0], _checked_labels(*validation), head, loss, threads)
        self.batch()  # what does not fit shows here

    @property
    def start(self) -> Netlist:
        """The network that the search began with."""
        return self._start

    @property
    def netlist(self) -> Netlist:
        """The network as it is."""
        if self._now is None:
            first, index = numbered(self._tables)
            self._now = replace(self._start, fanin=self._fanin, table_pool=self._tables[first], table_index=index)
        return self._now

    @property
    def tables(self) -> NDArray[np.uint64]:
        """uint64 (nodes,), a copy of the tables as they are; bits from 2**rank up are 0."""
        return self._tables.copy()

    @property
    def fanin(self) -> NDArray[np.int32]:
        """int32, a copy of the signals that nodes read, as in a netlist."""
        return self._fanin.copy()

    @property
    def ranks(self) -> NDArray[np.int64]:
        """int64 (nodes,)."""
        return self._start.ranks

    @property
    def num_nodes(self) -> int:
        """How many nodes there are."""
        return self._start.num_nodes

    def batch(self) -> LabelledPart:
        """Return the samples that the next step reads, with the network as it is."""
        size, number = self._schedule.place(self.step, len(self._read))
        if size != self._size:
            self._size, self._parts = size, {}
        if number not in self._parts:
            self._parts[number] = self._part(np.sort(self._read[number * size : (number + 1) * size]))
        return self._synced(self._parts[number])

    def accepting(self) -> LabelledPart:
        """Return the samples that changes are accepted on: those set apart for it, or the batch itself."""
        return self.batch() if self._accepting is None else self._synced(self._accepting)

    @property
    def validation(self) -> LabelledPart | None:
        """The samples that no step reads, with the network as it is; None: there are none."""
        return None if self._validation is None else self._synced(self._validation)

    def accept(self, change: Change) -> None:
        """Make a change for good.

        Raises:
            ValueError: a table that is not in the bank.
        """
        words = change.tables & table_mask(self.ranks[change.nodes])
        if self.bank is not None and not np.all(inside := self.bank.contains(words)):
            raise ValueError(f"node {change.nodes[np.argmin(inside)]} would get a table that is not in the bank")
        self._tables[change.nodes] = words
        nodes, slots, signals = change.wires.T
        self._fanin[self._start.fanin_ptr[nodes] + slots] = signals
        self._now = None

    def restore(self, step: int, tables: NDArray[np.uint64], fanin: NDArray[np.int32]) -> None:
        """Go on from a step with the tables and wires that the network had then."""
        if tables.shape != self._tables.shape or fanin.shape != self._fanin.shape:
            raise ValueError("the state is of another network")
        self.step, self._now = step, None
        self._tables[:], self._fanin[:] = tables, fanin

    def _synced(self, part: LabelledPart) -> LabelledPart:
        """Let a part follow what was accepted since it was read last."""
        part.follow(self._start, self._tables, self._fanin)
        return part

    def _part(self, rows: NDArray[np.int64]) -> LabelledPart:
        head, loss, threads = self._made
        return LabelledPart(self._start, _of_rows(self._samples, rows), self._labels[rows], head, loss, threads)


def _of_rows(samples: PackedSamples, rows: NDArray[np.int64]) -> PackedSamples:
    """Return some of the samples, packed anew."""
    if rows.size == len(samples) and np.array_equal(rows, np.arange(rows.size)):
        return samples
    words = np.empty((samples.num_inputs, -(-rows.size // 64)), np.uint64)
    for start in range(0, samples.num_inputs, INPUTS):
        part = slice(start, start + INPUTS)
        words[part] = packed(unpacked(samples.words[part], len(samples))[rows].T)
    return PackedSamples.of_words(words, rows.size)


def _checked_labels(samples: PackedSamples, labels: ArrayLike) -> NDArray[np.int64]:
    given = integers("labels", labels, low=0, high=2**31).astype(np.int64, copy=False)
    if given.shape != (len(samples),):
        raise ValueError(f"labels has shape {given.shape}, expected one of each of {len(samples)} samples")
    return given
