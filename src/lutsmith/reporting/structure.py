"""How a circuit is built: how often signals are read, LUTs by level, and counts of encoder, network and head."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lutsmith import logic
from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.netlist import Netlist


class LutCounts(NamedTuple):
    """The LUTs of a circuit that is written as logic as a whole, without simplification.

    Attributes:
        comparators: of thresholds with words; None where features are floats, which words do not hold.
        encoder: that the netlist spends on codes of the encoder.
        network: the others of the netlist.
        head: of popcounts and the decision.
    """

    comparators: int | None
    encoder: int
    network: int
    head: int


def counts(circuit: Circuit) -> LutCounts:
    """Return the LUTs of each part, of up to six inputs; the head by `logic.elaborate`.

    Raises:
        ValueError: a circuit that has no design.
    """
    names = circuit.metadata.encoder_luts or 0
    names = names if 0 <= names <= circuit.netlist.num_nodes else 0  # a file may say anything
    design = logic.elaborate(circuit, encoder=False)
    head = sum(part.netlist.num_nodes for part in design.parts if part.name not in ("encoder", "network"))
    return LutCounts(_comparators(circuit), names, circuit.netlist.num_nodes - names, head)


def _comparators(circuit: Circuit) -> int | None:
    """LUTs of the comparators, where words of fixed point hold the features."""
    if not circuit.metadata.integer_features:
        return None
    design = logic.elaborate(circuit, head=False)
    return sum(part.netlist.num_nodes for part in design.parts if part.name == "encoder")


def fanout(netlist: Netlist) -> NDArray[np.int64]:
    """Return int64 (signals,), how often each signal is read: by LUTs, by registers and as an output."""
    reads = [
        np.bincount(each, minlength=netlist.num_signals)
        for each in (netlist.fanin, netlist.register_next, netlist.outputs)
    ]
    total: NDArray[np.int64] = np.sum(reads, axis=0)
    return total


def fanout_groups(counts: NDArray[np.int64]) -> list[tuple[str, int]]:
    """Return how many signals are read so often: 0, 1, 2, 3 to 4, 5 to 8, ... times."""
    found, low = [("0", int((counts == 0).sum()))], 1
    while low <= counts.max(initial=0):
        high = 1 if low == 1 else 2 * (low - 1)
        found.append((f"{low}" if low == high else f"{low}–{high}", int(((counts >= low) & (counts <= high)).sum())))
        low = high + 1
    return found


def luts_by_level(netlist: Netlist) -> NDArray[np.int64]:
    """Return int64 (levels,), how many LUTs each level has; constants are not counted."""
    ranks = netlist.ranks
    sizes = [int((ranks[a:b] > 0).sum()) for a, b in zip(netlist.level_ptr[:-1], netlist.level_ptr[1:], strict=True)]
    return np.array([size for size in sizes if size], np.int64)


def reads_by_feature(circuit: Circuit) -> NDArray[np.int64]:
    """Return int64 (F,), how often something reads an input that is of each feature."""
    inputs = len(circuit.inputs)
    reads = fanout(circuit.netlist)[:inputs]
    return np.bincount(circuit.inputs.feature, reads, circuit.encoder.num_features).astype(np.int64)
