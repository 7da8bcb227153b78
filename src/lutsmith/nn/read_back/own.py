"""What layers of the user's own state: their nodes, if they compute exactly these."""

from __future__ import annotations

import math

import numpy as np

from lutsmith.nn.node_layer import NodeLayer
from lutsmith.nn.read_back.statements import LutGroups, Luts, families

FIXED = ("__call__", "_call_impl", "forward", "_looked_up", "checked_nodes", "lower", "train", "eval")
"""What makes a layer the look-up in its nodes: a subclass that has its own of these may be anything."""


@families(NodeLayer)
def _nodes(layer: NodeLayer, shape: tuple[int, ...]) -> LutGroups:
    """State the nodes for all rows of bits `(..., in_dim)`, each with signals of its own."""
    kind = type(layer)
    for name in FIXED:
        if getattr(kind, name, None) is not getattr(NodeLayer, name, None) or name in vars(layer):
            raise ValueError(f"it has its own {name}, so that it may compute something else than its nodes")
    if shape[-1:] != (layer.in_dim,):
        raise ValueError(f"it reads {layer.in_dim} bits, and there are {shape}")
    stated, again = layer.checked_nodes(), layer.checked_nodes()
    same = len(stated) == len(again) and all(
        inputs.equal(others) and tables.equal(entries)
        for (inputs, tables), (others, entries) in zip(stated, again, strict=True)
    )
    if not same:
        raise ValueError("its nodes are others each time that they are asked for")
    rows = math.prod(shape[:-1])
    numbers = np.arange(rows * layer.in_dim).reshape(rows, layer.in_dim)  # of the signals of each row
    groups, after = [], numbers.size + 2  # behind the constants
    for inputs, tables in stated:
        count = len(inputs)
        reads = numbers[:, inputs.numpy()].reshape(rows * count, -1)
        groups.append(Luts(after, reads, np.tile(tables.numpy(), (rows, 1))))
        found = after + np.arange(rows * count).reshape(rows, count)
        numbers, after = np.concatenate([numbers, found], axis=1), after + found.size
    return LutGroups(tuple(groups), found.reshape(*shape[:-1], -1))
