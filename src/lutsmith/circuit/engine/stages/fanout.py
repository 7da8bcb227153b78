"""Who reads a signal: the fan-out of a netlist, in lists from which a wire can be moved to another signal at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist
from lutsmith.kernels.engine import lanes


class Fanout:
    """The wires of a netlist, from both ends. Entry e of `fanin` is an input of a node.

    Attributes:
        fanin: int32, the signal that each entry reads, then padding for the kernels.
        first: int32 (signals,), the first entry that reads each signal, or -1.
        following: int32 (entries,), the next entry that reads the same signal, or -1.
        node: int32 (entries,), the node of each entry.
    """

    def __init__(self, netlist: Netlist) -> None:
        fanin = netlist.fanin
        order = np.argsort(fanin, kind="stable").astype(np.int32)
        same = fanin[order[1:]] == fanin[order[:-1]]
        self.fanin = padded(fanin)
        self.node = np.repeat(np.arange(netlist.num_nodes, dtype=np.int32), netlist.ranks)
        self.following, self._before = (np.full(fanin.size, -1, np.int32) for _ in range(2))
        self.following[order[:-1][same]] = order[1:][same]
        self._before[order[1:][same]] = order[:-1][same]
        self.first = np.full(netlist.num_signals, -1, np.int32)
        begins = order[np.append(True, ~same)[: order.size]]
        self.first[fanin[begins]] = begins

    def copy(self) -> Fanout:
        """Return wires that can be moved without moving these."""
        new = object.__new__(Fanout)
        new.node = self.node
        new.fanin, new.first, new.following, new._before = (
            array.copy() for array in (self.fanin, self.first, self.following, self._before)
        )
        return new

    @property
    def readers(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """What `scattered.evaluate_cone` wants to know of who reads what."""
        return self.first, self.following, self.node

    def move(self, entry: int, signal: int) -> None:
        """Let an entry read another signal."""
        before, after = self._before[entry], self.following[entry]
        if before < 0:
            self.first[self.fanin[entry]] = after
        else:
            self.following[before] = after
        if after >= 0:
            self._before[after] = before
        head = self.first[signal]
        self._before[entry], self.following[entry] = -1, head
        if head >= 0:
            self._before[head] = entry
        self.first[signal], self.fanin[entry] = entry, signal


def padded(fanin: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return signals that nodes read as the kernels of `lanes` want them."""
    return np.concatenate([fanin, np.zeros(lanes.PADDING, np.int32)])
