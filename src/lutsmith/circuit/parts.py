"""Parts: sub-circuits that occur in several places of a netlist, each defined once.

The netlist of a circuit is flat, and evaluation uses this flat form. A part records which nodes and registers are an
instance of which sub-circuit, so that files, hardware modules, loops in C and proofs can treat the sub-circuit once.
All of it is checked when a circuit is made: a part never disagrees with the netlist.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.results import check_distinct, checked_name
from lutsmith.ground.arrays import MAX_SIGNALS, frozen, integers, runs


@dataclass(frozen=True, eq=False, repr=False)
class SharedPart:
    """A sub-circuit and its positions in a netlist. Immutable.

    Attributes:
        name: an identifier, the name of the part.
        netlist: n nodes, none of them a constant, and r registers. Each input is read, and each output is a node or a
            register of its own.
        nodes: int32 (K, n), for each instance the nodes of the flat netlist that are the part's, in the part's order.
        registers: int32 (K, r), likewise its registers.

    Raises:
        TypeError, ValueError: another name, a netlist that is not a part, arrays of other shapes.
    """

    name: str
    netlist: Netlist
    nodes: NDArray[np.int32]
    registers: NDArray[np.int32]

    def __post_init__(self) -> None:
        check_part(self.name, self.netlist)
        sizes = {"nodes": self.netlist.num_nodes, "registers": self.netlist.num_registers}
        for name, size in sizes.items():
            array = integers(name, getattr(self, name), low=0, high=MAX_SIGNALS)
            if array.ndim != 2 or array.shape[1] != size:
                raise ValueError(f"{name} of part {self.name} have shape {array.shape}, expected (instances, {size})")
            object.__setattr__(self, name, frozen(array, np.int32))
        if len(self.nodes) != len(self.registers) or not len(self.nodes):
            raise ValueError(
                f"part {self.name} has {len(self.nodes)} rows of nodes and {len(self.registers)} of registers: "
                "expected one of each for each instance, and at least one instance"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, item.name) for item in fields(self))

    def __repr__(self) -> str:
        return f"SharedPart({self.name!r}, {len(self)} instances of {self.netlist!r})"

    def __len__(self) -> int:
        """K, the number of instances."""
        return len(self.nodes)

    def signals(self, netlist: Netlist) -> NDArray[np.int32]:
        """Return the flat signal of each signal of the part in each instance, int32 (K, signals of the part): of its
        inputs what it reads, then its registers and nodes.
        """
        part, sources = self.netlist, netlist.num_inputs + netlist.num_registers
        flat = np.empty((len(self), part.num_signals), np.int32)
        own = part.num_inputs
        flat[:, own : own + part.num_registers] = netlist.num_inputs + self.registers
        flat[:, own + part.num_registers :] = sources + self.nodes
        flat[:, :own] = self._reads(netlist)[:, self._first_reads]
        return flat

    def inputs(self, netlist: Netlist) -> NDArray[np.int32]:
        """Return the flat signals that each instance reads, int32 (K, inputs of the part)."""
        return self.signals(netlist)[:, : self.netlist.num_inputs]

    def outputs(self, netlist: Netlist) -> NDArray[np.int32]:
        """Return the flat signals that each instance gives, int32 (K, outputs of the part)."""
        return self.signals(netlist)[:, self.netlist.outputs]

    def problem(self, netlist: Netlist) -> str | None:
        """Return how the netlist differs from the part, or None."""
        part = self.netlist
        for name, numbers, count in (
            ("node", self.nodes, netlist.num_nodes),
            ("register", self.registers, netlist.num_registers),
        ):
            if numbers.size and numbers.max() >= count:
                return f"names {name} {numbers.max()} of {count}"
        for what, found, wanted in (
            ("the rank", netlist.fanin_ptr[self.nodes + 1] - netlist.fanin_ptr[self.nodes], part.ranks),
            ("the table", netlist.table_pool[netlist.table_index[self.nodes]], part.tables()),
            ("the initial value", netlist.register_init[self.registers], part.register_init),
        ):
            wrong = np.argwhere(found != wanted)
            if wrong.size:
                instance, place = wrong[0].tolist()
                kind = "register" if what.endswith("value") else "node"
                return f"has another {what[4:]} in {kind} {place} of instance {instance}"
        wrong = np.argwhere(self._reads(netlist) != self.signals(netlist)[:, self._read])
        if wrong.size:
            instance, entry = wrong[0].tolist()
            return f"is wired otherwise in instance {instance}, where it reads signal {self._read[entry]} of its own"
        return None

    @cached_property
    def _read(self) -> NDArray[np.int32]:
        """Every signal of the part that is read: by nodes, then by registers."""
        return np.concatenate([self.netlist.fanin, self.netlist.register_next])

    @cached_property
    def _first_reads(self) -> NDArray[np.int64]:
        """int64 (inputs,), where in `_read` each input is read first."""
        first = np.zeros(self.netlist.num_inputs, np.int64)
        order = np.arange(self._read.size)[::-1]
        of_input = self._read[order] < first.size
        first[self._read[order][of_input]] = order[of_input]
        return first

    def _reads(self, netlist: Netlist) -> NDArray[np.int32]:
        """Return what stands in the flat netlist where `_read` stands in the part, int32 (K, reads)."""
        part = self.netlist
        node = np.repeat(np.arange(part.num_nodes), part.ranks)
        slot = np.arange(part.fanin.size) - part.fanin_ptr[node]
        entries = netlist.fanin_ptr[self.nodes][:, node] + slot
        taken = netlist.register_next[self.registers]
        return np.concatenate([netlist.fanin[entries.reshape(len(self), -1)], taken], axis=1)


class PartOrder:
    """Instances and loose nodes as blocks, in an order in which each reads only blocks before it and registers.

    Attributes:
        block: int64 (N,), the block of each node. The instances are blocks 0 .. B - 1: those of the first part, of the
            second, and so on; nodes of none are blocks of their own.
        level: int64 (blocks,), one more than the highest of the blocks that it reads; -1 where there is no order.
    """

    def __init__(self, netlist: Netlist, parts: Sequence[SharedPart]) -> None:
        first = netlist.num_inputs + netlist.num_registers
        self.block = np.full(netlist.num_nodes, -1, np.int64)
        start = 0
        for part in parts:
            self.block[part.nodes] = start + np.arange(len(part))[:, None]
            start += len(part)
        loose = self.block < 0
        self.block[loose] = start + np.arange(np.count_nonzero(loose))
        reader = np.repeat(self.block, netlist.ranks)
        inner = netlist.fanin >= first
        edges = np.stack([self.block[netlist.fanin[inner] - first], reader[inner]])
        edges = edges[:, edges[0] != edges[1]]
        edges = np.unique(edges, axis=1)  # by source
        count = start + int(np.count_nonzero(loose))
        self.level = block_levels(count, edges[0], edges[1])

    @property
    def has_cycle(self) -> bool:
        """Whether there is no such order."""
        return bool((self.level < 0).any())


def check_part(name: str, netlist: Any) -> None:
    """Raise TypeError or ValueError unless a netlist can be a part of this name."""
    checked_name("part", name)
    if not isinstance(netlist, Netlist):
        raise TypeError(f"part {name} is a {type(netlist).__name__}, expected a Netlist")
    read = np.unique(np.concatenate([netlist.fanin, netlist.register_next]))
    read = read[read < netlist.num_inputs]
    if read.size < netlist.num_inputs:
        unread = int((np.append(read, -1) != np.arange(read.size + 1)).argmax())
        raise ValueError(f"input {unread} of part {name} is read by nothing: leave it out")
    if (netlist.ranks == 0).any():
        raise ValueError(f"part {name} has a constant in it: simplify it, or hand the constant to it as an input")
    outputs = netlist.outputs
    if not outputs.size or (outputs < netlist.num_inputs).any() or np.unique(outputs).size < outputs.size:
        raise ValueError(f"each output of part {name} must be a node or register of its own, and there must be one")


def checked_parts(netlist: Netlist, parts: Iterable[SharedPart]) -> tuple[SharedPart, ...]:
    """Return parts as a tuple, after a check that the netlist is what they say.

    Raises:
        TypeError, ValueError: it is not what they say: another table, wire or initial value; a node in two instances; a
            signal inside an instance that is read from outside; or instances that read each other in a circle.
    """
    some = tuple(parts)
    if not some:
        return ()
    if not all(isinstance(part, SharedPart) for part in some):
        raise TypeError("parts are a sequence of SharedPart")
    check_distinct("parts", [part.name for part in some])
    free_nodes, free_registers = netlist.num_nodes, netlist.num_registers
    for part in some:  # before anything is looked up for each of them
        free_nodes, free_registers = free_nodes - part.nodes.size, free_registers - part.registers.size
        if min(free_nodes, free_registers) < 0:
            raise ValueError(f"a node or register of part {part.name} is in two instances, or in none of the netlist")
    for part in some:
        if (problem := part.problem(netlist)) is not None:
            raise ValueError(f"part {part.name} {problem}")
    owner = np.full(netlist.num_signals, -1, np.int64)
    hidden = np.zeros(netlist.num_signals, np.bool_)
    start = 0
    for part in some:
        own = part.signals(netlist)[:, part.netlist.num_inputs :]
        counts = np.unique(own, return_counts=True)[1]
        if (counts > 1).any() or (owner[own] >= 0).any():
            raise ValueError(f"a node or register of part {part.name} is in two instances")
        owner[own] = start + np.arange(len(part))[:, None]
        hidden[own] = True
        hidden[part.outputs(netlist)] = False
        start += len(part)
    nodes = owner[netlist.num_inputs + netlist.num_registers :]
    registers = owner[netlist.num_inputs : netlist.num_inputs + netlist.num_registers]
    for readers, signals in (
        (np.repeat(nodes, netlist.ranks), netlist.fanin),
        (registers, netlist.register_next),
        (np.full(netlist.outputs.size, -1), netlist.outputs),
    ):
        seen = hidden[signals] & (owner[signals] != readers)
        if seen.any():
            raise ValueError(
                f"signal {signals[seen.argmax()]} is inside of an instance, and is read from outside of it"
            )
    if PartOrder(netlist, some).has_cycle:
        raise ValueError("instances of parts read each other in a circle: cut the parts smaller")
    return some


def block_levels(count: int, source: NDArray[np.int64], target: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the level of each of `count` blocks, int64, where each target reads its source; -1 in and behind a circle.

    Pairs are distinct and sorted by source.
    """
    waiting = np.bincount(target, minlength=count)
    begin = np.searchsorted(source, np.arange(count + 1))
    level = np.full(count, -1, np.int64)
    front, depth = np.flatnonzero(waiting == 0), 0
    while front.size:
        level[front] = depth
        depth += 1
        read = target[runs(begin[front], begin[front + 1] - begin[front])]
        reached, times = np.unique(read, return_counts=True)
        waiting[reached] -= times
        front = reached[waiting[reached] == 0]
    return level
