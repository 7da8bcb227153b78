"""What layers of the user's own state: their nodes, if they compute exactly these."""

from __future__ import annotations

import math

import numpy as np

from lutsmith.nn.node_layer import NodeLayer
from lutsmith.nn.read_back.statements import LutGroups, Luts, families

OWN = frozenset({
    "nodes", "soft", "extra_repr", "get_extra_state", "set_extra_state", "__init__", "__module__", "__doc__",
    "__dict__", "__annotations__", "__abstractmethods__", "_abc_impl", "__parameters__",
    "__static_attributes__", "__firstlineno__",
})  # fmt: skip
"""Names of `NodeLayer` that a subclass may have too. With any other it may be more than the look-up in its nodes."""
ASKED = ("training", "in_dim")
"""Attributes of an instance that its forward pass asks for: in a class they would be computed."""


def _changed(layer: NodeLayer) -> str | None:
    """Return a name by which a layer may compute something else than `NodeLayer` does; None if there is none."""
    for base in type(layer).__mro__:
        for name in () if base in NodeLayer.__mro__ else vars(base):
            if name in ASKED or (hasattr(NodeLayer, name) and name not in OWN):
                return name
    return next((name for name in vars(layer) if callable(getattr(NodeLayer, name, None))), None)


@families(NodeLayer)
def _nodes(layer: NodeLayer, shape: tuple[int, ...]) -> LutGroups:
    """State the nodes for all rows of bits `(..., in_dim)`, each with signals of its own."""
    if name := _changed(layer):
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
