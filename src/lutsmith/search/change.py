"""A change of a network: other tables, and other wires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.engine.stages import PackedEvaluation

_NONE: NDArray[np.int64] = np.empty((0, 3), np.int64)


@dataclass(frozen=True, eq=False)
class Change:
    """New tables for nodes, and new signals for them to read, made in one step.

    Attributes:
        nodes: int64 (k,), each once.
        tables: uint64 (k,), their new tables.
        wires: int64 (w, 3): a node, which of its inputs (0 is the least significant), and the signal that it reads.
    """

    nodes: NDArray[np.int64]
    tables: NDArray[np.uint64]
    wires: NDArray[np.int64] = field(default_factory=lambda: _NONE)

    def make(self, evaluation: PackedEvaluation) -> None:
        """Change an evaluation; `evaluation.undo()` takes it back, called `steps` times."""
        if len(self.wires):
            evaluation.rewire(*self.wires.T)
        if len(self.nodes):
            evaluation.change(self.nodes, self.tables)

    @property
    def steps(self) -> int:
        """How many changes of an evaluation it takes."""
        return (len(self.wires) > 0) + (len(self.nodes) > 0)


class TableChanges(Sequence[Change]):
    """Changes that give the same nodes other tables.

    Args:
        nodes: int64 (k,), each once.
        tables: uint64 (K, k), their new tables in each of K changes.

    Attributes:
        nodes: as given.
        tables: as given.
    """

    def __init__(self, nodes: NDArray[np.int64], tables: NDArray[np.uint64]) -> None:
        self.nodes, self.tables = nodes, tables

    def __len__(self) -> int:
        return len(self.tables)

    @overload
    def __getitem__(self, place: int) -> Change: ...
    @overload
    def __getitem__(self, place: slice) -> TableChanges: ...
    def __getitem__(self, place: int | slice) -> Change | TableChanges:
        tables = self.tables[place]
        return TableChanges(self.nodes, tables) if isinstance(place, slice) else Change(self.nodes, tables)


def together(changes: Sequence[Change]) -> Change:
    """Return changes of different nodes as one."""
    return Change(
        np.concatenate([change.nodes for change in changes] or [np.empty(0, np.int64)]),
        np.concatenate([change.tables for change in changes] or [np.empty(0, np.uint64)]),
        np.concatenate([change.wires for change in changes] or [_NONE]),
    )
