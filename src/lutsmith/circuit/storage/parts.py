"""Parts and their instances, as tensors and JSON, from version 3 on.

In JSON a part is [name, inputs, nodes, levels, outputs, registers, instances]. The tensors hold the netlists of the
parts, one behind the other, and for each instance its nodes and its registers in the flat netlist.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.parts import SharedPart
from lutsmith.circuit.storage.narrow import UNSIGNED, Tensors, count, narrow, offsets, pieces

PART_TENSORS: dict[str, tuple[str, ...]] = {
    "part_rank": ("U8",),
    "part_fanin": UNSIGNED,
    "part_table": (*UNSIGNED, "U64"),
    "part_level_size": UNSIGNED,
    "part_outputs": UNSIGNED,
    "part_register_next": UNSIGNED,
    "part_register_init": ("U8",),
    "part_nodes": UNSIGNED,
    "part_registers": UNSIGNED,
}
"""The types that each may have."""


def parts_json(parts: Sequence[SharedPart]) -> list[list[Any]]:
    """Return name and sizes of each part."""
    return [
        [
            part.name,
            part.netlist.num_inputs,
            part.netlist.num_nodes,
            part.netlist.level_ptr.size - 1,
            part.netlist.outputs.size,
            part.netlist.num_registers,
            len(part),
        ]
        for part in parts
    ]


def part_tensors(parts: Sequence[SharedPart]) -> Tensors:
    """Return the tensors of parts; none where there are no parts."""
    if not parts:
        return {}
    netlists = [part.netlist for part in parts]
    wide = {
        "part_fanin": [netlist.fanin for netlist in netlists],
        "part_level_size": [np.diff(netlist.level_ptr) for netlist in netlists],
        "part_outputs": [netlist.outputs for netlist in netlists],
        "part_register_next": [netlist.register_next for netlist in netlists],
        "part_nodes": [part.nodes.reshape(-1) for part in parts],
        "part_registers": [part.registers.reshape(-1) for part in parts],
    }
    tensors = {name: narrow(np.concatenate(arrays), np.uint32) for name, arrays in wide.items()}
    tensors["part_rank"] = np.concatenate([netlist.ranks for netlist in netlists]).astype(np.uint8)
    tensors["part_table"] = narrow(np.concatenate([netlist.tables() for netlist in netlists]), np.uint64)
    tensors["part_register_init"] = np.concatenate([each.register_init for each in netlists]).astype(np.uint8)
    return tensors


def parts_of(told: Any, tensors: Tensors) -> tuple[SharedPart, ...]:
    """Return the parts of these names, sizes and tensors.

    Raises:
        TypeError, ValueError: they are none, or do not fit together.
    """
    if not isinstance(told, list) or not all(isinstance(each, list) and len(each) == 7 for each in told):
        raise ValueError("its parts are not a list of name and sizes")
    named = {name for name in PART_TENSORS if name in tensors}
    if named != (set(PART_TENSORS) if told else set()):
        raise ValueError(f"it has {len(told)} parts, and of their tensors {', '.join(sorted(named)) or 'none'}")
    if not told:
        return ()
    kinds = ("inputs", "nodes", "levels", "outputs", "registers", "instances")
    sizes = [
        {kind: count(f"{kind} of a part", value) for kind, value in zip(kinds, each[1:], strict=True)} for each in told
    ]
    by_nodes, by_registers = ([size[kind] for size in sizes] for kind in ("nodes", "registers"))
    ranks = pieces("part_rank", tensors["part_rank"], by_nodes)
    cut = {
        "ranks": ranks,
        "fanin": pieces("part_fanin", tensors["part_fanin"], [int(rank.sum(dtype=np.int64)) for rank in ranks]),
        "table": pieces("part_table", tensors["part_table"], by_nodes),
        "levels": pieces("part_level_size", tensors["part_level_size"], [size["levels"] for size in sizes]),
        "outputs": pieces("part_outputs", tensors["part_outputs"], [size["outputs"] for size in sizes]),
        "next": pieces("part_register_next", tensors["part_register_next"], by_registers),
        "init": pieces("part_register_init", tensors["part_register_init"], by_registers),
        "nodes": pieces("part_nodes", tensors["part_nodes"], [size["instances"] * size["nodes"] for size in sizes]),
        "registers": pieces(
            "part_registers", tensors["part_registers"], [size["instances"] * size["registers"] for size in sizes]
        ),
    }
    return tuple(
        _part(each[0], size, {name: cut[name][place] for name in cut})
        for place, (each, size) in enumerate(zip(told, sizes, strict=True))
    )


def _part(name: Any, size: dict[str, int], own: Tensors) -> SharedPart:
    netlist = Netlist(
        num_inputs=size["inputs"],
        fanin=own["fanin"],
        fanin_ptr=offsets(own["ranks"]),
        table_pool=own["table"],
        table_index=np.arange(size["nodes"], dtype=np.int32),
        level_ptr=offsets(own["levels"]),
        outputs=own["outputs"],
        register_next=own["next"],
        register_init=own["init"],
    )
    rows = size["instances"]
    return SharedPart(
        name, netlist, own["nodes"].reshape(rows, size["nodes"]), own["registers"].reshape(rows, size["registers"])
    )
