"""Levels of LUTs: tables that are gathered from, one row a signal and one column a sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist
from lutsmith.export.onnx.graph import Graph


def network(graph: Graph, netlist: Netlist, bits: str | None) -> tuple[str | None, str | None]:
    """Return the outputs, int32 (O, N), and what registers take, int32 (R, N); None where there are none.

    Args:
        graph: what the LUTs are added to.
        netlist: the LUTs.
        bits: int32 (I + R, N), inputs and registers.
    """
    last_read = _last_read(netlist)
    place = np.full(netlist.num_signals, -1, np.int64)  # of each signal among the rows
    first = netlist.num_inputs + netlist.num_registers
    place[:first] = np.arange(first)
    kept = np.arange(first)
    rows = bits
    for level, (start, stop) in enumerate(zip(netlist.level_ptr[:-1], netlist.level_ptr[1:], strict=True), 1):
        made, order = _level(graph, netlist, rows, place, level, int(start), int(stop))
        live = kept[last_read[kept] > level]
        old = []
        if live.size and rows is not None:
            old = [rows if live.size == kept.size else graph.rows(rows, place[live], f"level_{level}.kept")]
        kept = np.concatenate([live, first + order])
        place[kept] = np.arange(kept.size)
        parts = [*old, *made]
        rows = parts[0] if len(parts) == 1 else graph.add("Concat", parts, f"level_{level}", axis=0)
    ends = {"output_bits": netlist.outputs, "register_bits": netlist.register_next}
    found = [
        graph.rows(rows, place[signals], name) if signals.size and rows is not None else None
        for name, signals in ends.items()
    ]
    return found[0], found[1]


def _last_read(netlist: Netlist) -> NDArray[np.int64]:
    """Return the level (from 1) that is the last to read each signal; beyond all levels for outputs."""
    levels = netlist.level_ptr.size - 1
    of_node = np.repeat(np.arange(1, levels + 1), np.diff(netlist.level_ptr))
    last = np.zeros(netlist.num_signals, np.int64)
    np.maximum.at(last, netlist.fanin, np.repeat(of_node, netlist.ranks))
    last[netlist.outputs] = last[netlist.register_next] = levels + 1
    return last


def _level(
    graph: Graph, netlist: Netlist, rows: str | None, place: NDArray[np.int64], level: int, start: int, stop: int
) -> tuple[list[str], NDArray[np.int64]]:
    """Add the LUTs of a level; return their values, int32 (W, N) for each rank, and the nodes in their order."""
    ranks, tables = netlist.ranks[start:stop], netlist.tables()[start:stop]
    made, order = [], []
    for rank in np.unique(ranks).tolist():
        nodes = start + np.flatnonzero(ranks == rank)
        name = f"level_{level}.lut{rank}"
        words = tables[nodes - start]
        entries = (words[:, None] >> np.arange(1 << rank, dtype=np.uint64) & np.uint64(1)).astype(np.uint8)
        order.append(nodes)
        if rank == 0 or rows is None:
            made.append(constant_rows(graph, entries, name))
            continue
        address = ""
        for slot in range(rank):
            reads = place[netlist.fanin[netlist.fanin_ptr[nodes] + slot]]
            bit = graph.rows(rows, reads, f"{name}.in{slot}")
            if slot:
                weight = graph.constant(f"{name}.weight{slot}", np.array(1 << slot, np.int32))
                term = graph.add("Mul", [bit, weight], f"{name}.term{slot}")
                address = graph.add("Add", [address, term], f"{name}.address{slot}")
            else:
                address = bit
        table = graph.constant(f"{name}.tables", entries)
        looked_up = graph.add("GatherElements", [table, address], f"{name}.entry", axis=1)
        made.append(graph.cast(looked_up, f"{name}.out", "INT32"))
    return made, np.concatenate(order)


def constant_rows(graph: Graph, values: NDArray[np.uint8], name: str) -> str:
    """Return constant rows, int32 (W, N)."""
    column = graph.constant(f"{name}.values", values.astype(np.int32))
    return graph.add("Expand", [column, _row_shape(graph, len(values), name)], f"{name}.out")


def _row_shape(graph: Graph, rows: int, name: str) -> str:
    """Return the shape (rows, N)."""
    samples = graph.add("Shape", ["x"], f"{name}.samples", start=0, end=1)
    return graph.add("Concat", [graph.constant(f"{name}.count", np.array([rows])), samples], f"{name}.shape", axis=0)
