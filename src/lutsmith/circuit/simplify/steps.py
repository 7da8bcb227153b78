"""What passes did to a netlist, step by step, and the table that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lutsmith.circuit.netlist import MAX_RANK, Netlist, read_inputs
from lutsmith.ground.alignment import aligned


@dataclass(frozen=True)
class Step:
    """A netlist after a pass that changed it.

    Attributes:
        name: the pass; "given" and "result" are the first and the last row of a report.
        luts: nodes of rank 1 to 6.
        constants: nodes of rank 0.
        luts_by_rank: how many nodes there are of each rank that occurs.
        depth: levels of LUTs.
        inputs: inputs that are read; the encoder needs as many comparators.
        registers: R.
        seconds: what the pass took; all of it in the last row.
    """

    name: str
    luts: int
    constants: int
    luts_by_rank: dict[int, int]
    depth: int
    inputs: int
    registers: int
    seconds: float

    @classmethod
    def of(cls, name: str, netlist: Netlist, seconds: float) -> Step:
        """Return the row of a netlist."""
        ranks = netlist.luts_by_rank()
        constants = ranks.get(0, 0)
        inputs = int(np.count_nonzero(read_inputs(netlist)))
        luts = netlist.num_nodes - constants
        return cls(name, luts, constants, ranks, netlist.depth, inputs, netlist.num_registers, seconds)


def facts(steps: Sequence[Step], equal: str) -> dict[str, str]:
    """Return the facts for a short view: LUTs, depth and inputs before and after, and where the circuits are equal."""
    before, after = steps[0], steps[-1]
    return {
        "LUTs": f"{before.luts:,} to {after.luts:,}",
        "depth": f"{before.depth:,} to {after.depth:,}",
        "inputs": f"{before.inputs:,} to {after.inputs:,}",
        "passes that changed something": f"{max(len(steps) - 2, 0):,}",
        "equal": equal,
    }


def table(steps: Sequence[Step]) -> str:
    """Return the steps as lines of text: LUTs by rank, depth, inputs, registers where there are any, milliseconds."""
    ranks = [rank for rank in range(MAX_RANK + 1) if any(rank in step.luts_by_rank for step in steps)]
    registers = any(step.registers for step in steps)
    names = {0: "constants"}
    head = ["pass", "LUTs", *(names.get(rank, f"rank {rank}") for rank in ranks), "depth", "inputs"]
    rows = [head + ["registers"] * registers + ["ms"]]
    for step in steps:
        counts = [step.luts, *(step.luts_by_rank.get(rank, 0) for rank in ranks), step.depth, step.inputs]
        numbers = [*counts, *[step.registers] * registers, round(1000 * step.seconds)]
        rows.append([step.name, *(f"{number:,}" for number in numbers)])
    return "\n".join(aligned(rows))
