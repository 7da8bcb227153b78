"""Circuits of parts, simplified as parts: each part once, and the logic around its instances, which are boxes there.

For the logic around them, the outputs of instances are further inputs, and their inputs are further outputs: the result
is equal whatever the boxes compute.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist, level_offsets
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.circuit.parts import SharedPart, block_levels, check_part
from lutsmith.ground.arrays import runs


class Boxed(NamedTuple):
    """A netlist around boxes.

    Attributes:
        netlist: I inputs, then the outputs of the boxes; O outputs, then the inputs of the boxes.
        parts: name, netlist and number of boxes of each part; the boxes are in this order.
        inputs: I.
        outputs: O.
    """

    netlist: Netlist
    parts: tuple[tuple[str, Netlist, int], ...]
    inputs: int
    outputs: int


def boxed(netlist: Netlist, parts: Sequence[SharedPart]) -> Boxed:
    """Return the logic of a netlist around the instances of parts."""
    given = np.concatenate([part.outputs(netlist).reshape(-1) for part in parts])
    read = np.concatenate([part.inputs(netlist).reshape(-1) for part in parts])
    first = netlist.num_inputs + netlist.num_registers
    loose, held = np.ones(netlist.num_nodes, np.bool_), np.ones(netlist.num_registers, np.bool_)
    for part in parts:
        loose[part.nodes] = False
        held[part.registers] = False
    inputs, registers = netlist.num_inputs + given.size, int(np.count_nonzero(held))
    number = np.full(netlist.num_signals, -1, np.int32)
    number[: netlist.num_inputs] = np.arange(netlist.num_inputs)
    number[netlist.num_inputs + np.flatnonzero(held)] = inputs + np.arange(registers)
    number[first + np.flatnonzero(loose)] = inputs + registers + np.arange(np.count_nonzero(loose))
    number[given] = netlist.num_inputs + np.arange(given.size)
    ranks = netlist.ranks
    level = np.repeat(np.arange(netlist.level_ptr.size - 1), np.diff(netlist.level_ptr))
    around = Netlist(
        num_inputs=inputs,
        fanin=number[netlist.fanin[np.repeat(loose, ranks)]],
        fanin_ptr=np.append(0, np.cumsum(ranks[loose])),
        table_pool=netlist.table_pool,
        table_index=netlist.table_index[loose],
        level_ptr=level_offsets(level[loose]) if loose.any() else np.zeros(1, np.int64),
        outputs=number[np.concatenate([netlist.outputs, read])],
        register_next=number[netlist.register_next[held]],
        register_init=netlist.register_init[held],
    )
    told = tuple((part.name, part.netlist, len(part)) for part in parts)
    return Boxed(around, told, netlist.num_inputs, netlist.outputs.size)


def unboxed(boxes: Boxed) -> tuple[Netlist, tuple[SharedPart, ...]] | None:
    """Return the flat netlist with the boxes in it, and where they are. Inputs and outputs keep their order.

    None where boxes read each other in a circle: when two equal nodes become one, the node that stays may read more
    than it needs.
    """
    netlist = boxes.netlist
    owners, first_given, first_read = box_places(boxes)
    count, first = owners.size, netlist.num_inputs + netlist.num_registers
    giver = np.repeat(np.arange(count), np.diff(first_given))  # of each output of a box
    reader = np.repeat(np.arange(count), np.diff(first_read))
    block = np.full(netlist.num_signals, -1, np.int64)  # boxes, then nodes
    block[boxes.inputs : netlist.num_inputs] = giver
    block[first:] = count + np.arange(netlist.num_nodes)
    sources = np.concatenate([block[netlist.fanin], block[netlist.outputs[boxes.outputs :]]])
    targets = np.concatenate([np.repeat(block[first:], netlist.ranks), reader])
    inner = (sources >= 0) & (sources != targets)
    edges = np.unique(np.stack([sources[inner], targets[inner]]), axis=1)
    level = block_levels(count + netlist.num_nodes, edges[0], edges[1])
    if (level < 0).any():
        return None

    builder = NetlistBuilder(boxes.inputs)
    number = np.full(netlist.num_signals, -1, np.int64)
    number[: boxes.inputs] = np.arange(boxes.inputs)
    registers = builder.register(netlist.num_registers, netlist.register_init)
    number[netlist.num_inputs : first] = registers
    ranks, tables = netlist.ranks, netlist.tables()
    order = np.argsort(level, kind="stable")
    for some in np.split(order, np.flatnonzero(np.diff(level[order])) + 1):
        nodes = some[some >= count] - count
        for rank in np.unique(ranks[nodes]):
            same = nodes[ranks[nodes] == rank]
            reads = netlist.fanin[netlist.fanin_ptr[same][:, None] + np.arange(rank)]
            number[first + same] = builder.lut(number[reads], tables[same])
        own = some[some < count]
        for part in np.unique(owners[own]).tolist():
            name, inside, _ = boxes.parts[part]
            same = own[owners[own] == part]
            places = boxes.outputs + first_read[same][:, None] + np.arange(inside.num_inputs)
            made = builder.instances(name, inside, number[netlist.outputs[places]])
            number[boxes.inputs + first_given[same][:, None] + np.arange(inside.outputs.size)] = made
    builder.connect(registers, number[netlist.register_next])
    flat, parts = builder.build_parts(number[netlist.outputs[: boxes.outputs]])
    names = [name for name, *_ in boxes.parts]
    return flat, tuple(sorted(parts, key=lambda part: names.index(part.name)))


def simplify_around(
    netlist: Netlist,
    parts: Sequence[SharedPart],
    around: Callable[[Netlist], Netlist],
    inside: Callable[[Netlist], Netlist],
) -> tuple[Netlist, tuple[SharedPart, ...]]:
    """Return an equal netlist, and its parts. Instances that nothing depends on are gone.

    Args:
        netlist: any.
        parts: of it.
        around: simplifies the netlist around the boxes; inputs and outputs keep their number and order.
        inside: simplifies that of a part, likewise. A result that cannot be a part any more, such as one with a
            constant output, is not used: the part stays as it was.
    """
    boxes = boxed(netlist, parts)
    boxes = boxes._replace(parts=tuple((name, _still_a_part(name, part, inside), n) for name, part, n in boxes.parts))
    while True:
        boxes = boxes._replace(netlist=around(boxes.netlist))
        used = _used(boxes)
        if used.all():
            return unboxed(boxes) or (netlist, tuple(parts))
        boxes = _without(boxes, used)


def _still_a_part(name: str, part: Netlist, inside: Callable[[Netlist], Netlist]) -> Netlist:
    small = inside(part)
    try:
        check_part(name, small)
    except ValueError:
        return part
    return small


def box_places(boxes: Boxed) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the part of each box, and where its outputs begin among the inputs, its inputs among the outputs."""
    counts = [count for *_, count in boxes.parts]
    owners = np.repeat(np.arange(len(counts)), counts)
    given = np.array([inside.outputs.size for _, inside, _ in boxes.parts], np.int64)[owners]
    read = np.array([inside.num_inputs for _, inside, _ in boxes.parts], np.int64)[owners]
    return owners, np.append(0, np.cumsum(given)), np.append(0, np.cumsum(read))


def _used(boxes: Boxed) -> NDArray[np.bool_]:
    """Return bool (boxes,), whether an output or a register depends on each."""
    netlist = boxes.netlist
    owners, first_given, first_read = box_places(boxes)
    giver = np.full(netlist.num_signals, -1, np.int64)
    giver[boxes.inputs : netlist.num_inputs] = np.repeat(np.arange(owners.size), np.diff(first_given))
    first = netlist.num_inputs + netlist.num_registers
    used, seen = np.zeros(owners.size, np.bool_), np.zeros(netlist.num_signals, np.bool_)
    found = np.unique(netlist.outputs[: boxes.outputs])
    while found.size:
        seen[found] = True
        new = np.unique(giver[found])
        new = new[new >= 0]
        new = new[~used[new]]
        used[new] = True
        nodes = found[found >= first] - first
        held = found[(found >= netlist.num_inputs) & (found < first)] - netlist.num_inputs
        reads = [
            netlist.fanin[runs(netlist.fanin_ptr[nodes], netlist.ranks[nodes])],
            netlist.register_next[held],
            netlist.outputs[boxes.outputs + runs(first_read[new], np.diff(first_read)[new])],
        ]
        found = np.unique(np.concatenate(reads))
        found = found[~seen[found]]
    return used


def _without(boxes: Boxed, used: NDArray[np.bool_]) -> Boxed:
    """Return the boxes that are used; what the others gave is an input that nothing may read: the constant 0."""
    owners, first_given, first_read = box_places(boxes)
    netlist = boxes.netlist
    kept_outputs = np.repeat(used, np.diff(first_read))
    kept_inputs = np.repeat(used, np.diff(first_given))
    builder = NetlistBuilder(boxes.inputs + int(np.count_nonzero(kept_inputs)))
    sources = np.full(netlist.num_inputs, builder.constant(False), np.int64)
    sources[: boxes.inputs] = np.arange(boxes.inputs)
    sources[boxes.inputs + np.flatnonzero(kept_inputs)] = boxes.inputs + np.arange(np.count_nonzero(kept_inputs))
    ends = builder.embed(netlist, sources)
    outputs = np.concatenate([ends[: boxes.outputs], ends[boxes.outputs :][kept_outputs]])
    counts = np.bincount(owners[used], minlength=len(boxes.parts)).tolist()
    parts = [(name, inside, count) for (name, inside, _), count in zip(boxes.parts, counts, strict=True)]
    return boxes._replace(netlist=builder.build(outputs), parts=tuple(part for part in parts if part[2]))
