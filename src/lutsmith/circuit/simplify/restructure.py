"""Another structure of the same function: LUTs are taken apart into gates, and the gates are mapped to LUTs anew.

The other passes take the nodes of a netlist as they are. Logic from other tools is often cut up for another purpose:
into cells of a library, or covers of many cubes. Here each table becomes gates of two inputs, equal gates become one,
and cones of gates become LUTs again. The new LUTs hold other parts of the function than the old ones did, so that a
second round may gain again. (Structural hashing and technology mapping: Mishchenko, Chatterjee, Brayton, DAC 2006;
mapping again with other structures: "lossless synthesis", Chatterjee et al., ICCAD 2005.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import MAX_RANK, Netlist, level_offsets
from lutsmith.circuit.simplify.cones import checked_rank
from lutsmith.circuit.simplify.local import settled
from lutsmith.circuit.simplify.luts import Luts
from lutsmith.circuit.tables import VARIABLES

ROUNDS = 12
"""Times that a netlist is taken apart at most."""

IN_VAIN = 3
"""Times in a row that this gains nothing to speak of before it ends."""

GAIN = 0.002
"""Of the LUTs: what is to speak of."""

WHOLE = 24
"""Gates above which a table is left whole: a random one takes 31, and no part of it serves another."""

MAX_GATES = 1 << 22
"""A network of more gates is not taken apart: the cuts of one gate take 500 bytes."""


def to_gates(netlist: Netlist, rank: int = MAX_RANK, *, in_order: bool = False) -> Netlist | None:
    """Return the netlist in gates of two inputs; None where they would be more than 4 million, or all LUTs stay whole.

    Tables of more than 24 gates stay whole unless they have more than `rank` inputs. Registers, inputs and outputs keep
    their places.
    """
    from lutsmith.kernels.netlists import structures

    luts = Luts.of(netlist)
    pool, which = np.unique(luts.words, return_inverse=True)
    start, gates, outputs = structures.gates_of(pool, VARIABLES, in_order)
    counts = np.diff(start)[which] + 1
    whole = (counts > WHOLE + 1) & (netlist.ranks <= rank)
    total = int(np.where(whole, 1, counts).sum())
    if total > MAX_GATES or whole.all():
        return None
    reads, tables, levels, number = structures.apart(
        luts.reads, luts.first_node, which.reshape(-1), whole, start, gates, outputs, total
    )
    return _netlist(netlist, reads, tables, levels, number)


def restructure(netlist: Netlist, rank: int = MAX_RANK) -> Netlist:
    """Return an equal netlist of fewer LUTs, made of other parts; the netlist itself where none was found.

    The only pass that may add levels, or nodes on its way. In the result no LUT has more than `rank` inputs, so that
    wider ones are taken apart, whatever that costs; otherwise it has fewer LUTs than the netlist, or as many that read
    fewer signals. One of more than 4 million gates stays as it is.

    Args:
        netlist: any. Registers stay, and are where cones end.
        rank: the most inputs of a LUT.

    Raises:
        TypeError, ValueError: a rank that is not 2 to 6.
    """
    rank = checked_rank(rank)
    mapped = settled(netlist, rank)
    best = min(netlist, mapped, key=lambda each: _size(each, rank))
    current, in_order, vain = netlist, False, 0
    for _ in range(ROUNDS):
        gates = to_gates(current, rank, in_order=in_order)
        if gates is None:
            break
        current = settled(gates, rank)
        before = _size(best, rank)
        best = min(best, current, key=lambda each: _size(each, rank))
        wider, nodes, _ = _size(best, rank)
        if wider < before[0] or nodes < (1 - GAIN) * before[1]:
            vain = 0
            continue
        in_order, vain = not in_order, vain + 1
        if vain == IN_VAIN:
            break
    return best


def _size(netlist: Netlist, rank: int) -> tuple[int, int, int]:
    return int(np.count_nonzero(netlist.ranks > rank)), netlist.num_nodes, netlist.fanin.size


def _netlist(
    source: Netlist,
    reads: NDArray[np.int32],
    tables: NDArray[np.int32],
    levels: NDArray[np.int32],
    number: NDArray[np.int32],
) -> Netlist:
    """Return the netlist of what `structures.apart` made, sorted by level."""
    first_node = source.num_inputs + source.num_registers
    order = np.argsort(levels, kind="stable")
    place = np.arange(first_node + order.size, dtype=np.int32)
    place[first_node + order] = first_node + np.arange(order.size, dtype=np.int32)
    reads, tables = reads[order], tables[order]
    used = reads >= 0
    ranks = np.count_nonzero(used, axis=1)
    words = tables.astype(np.int64).astype(np.uint64) & np.array([1, 3, 15, 0, 0, 0, 0], np.uint64)[ranks]
    kept = tables < 0
    words[kept] = source.tables()[-1 - tables[kept]]
    table_pool, table_index = np.unique(words, return_inverse=True)
    return Netlist(
        num_inputs=source.num_inputs,
        fanin=place[reads[used]],
        fanin_ptr=np.append(0, np.cumsum(ranks)),
        table_pool=table_pool,
        table_index=table_index.reshape(-1).astype(np.int32),
        level_ptr=level_offsets(levels),
        outputs=place[number[source.outputs]],
        register_next=place[number[source.register_next]],
        register_init=source.register_init,
    )
