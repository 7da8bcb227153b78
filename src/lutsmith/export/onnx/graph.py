"""The graph of a model as it is built."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Graph:
    """Nodes and constants as they are added; values have names.

    Args:
        prefix: before the names of all values but those that leave the graph.
        ends: what leaves it.
    """

    def __init__(self, prefix: str = "", ends: Collection[str] = ()) -> None:
        self._prefix, self._ends = prefix, frozenset(ends)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Add numbers and return their name."""
        from onnx import numpy_helper

        name = self._prefix + name
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, operator: str, inputs: list[str], name: str, **attributes: Any) -> str:
        """Add a node of one result and return its name."""
        from onnx import helper

        name = name if name in self._ends else self._prefix + name
        self.nodes.append(helper.make_node(operator, inputs, [name], name=f"{name}:{operator}", **attributes))
        return name

    def cast(self, value: str, name: str, kind: str) -> str:
        """Add a change of type."""
        from onnx import TensorProto

        return self.add("Cast", [value], name, to=getattr(TensorProto, kind))

    def rows(self, value: str, places: NDArray[Any], name: str) -> str:
        """Gather rows by their places."""
        return self.add("Gather", [value, self.constant(f"{name}.rows", places.astype(np.int32))], name, axis=0)
