"""What a circuit costs in logic, whatever device it is for: LUTs of six inputs, AND nodes, and depth."""

from __future__ import annotations

from dataclasses import dataclass

from lutsmith.circuit import Circuit
from lutsmith.ground.arguments import instance_of
from lutsmith.hardware import abc
from lutsmith.hardware.synthesis import TIMEOUT


@dataclass(frozen=True)
class Cost:
    """What ABC counts.

    Attributes:
        lut6: LUTs of up to six inputs, mapped for area (`if -K 6 -a`).
        depth: levels of them, mapped for depth (`if -K 6`); between registers where there are some.
        ands: ANDs of two inputs, inverters for nothing, after `dc2`.
        registers: bits of state.
    """

    lut6: int
    depth: int
    ands: int
    registers: int


def cost(circuit: Circuit, timeout: float | None = TIMEOUT) -> Cost:
    """Return what the network of a circuit costs, without comparators and popcounts; words are wires.

    Args:
        circuit: any.
        timeout: seconds for each of three runs of ABC; None waits for ever.

    Raises:
        ToolMissing, ToolFailed: ABC is not there, or takes too long.
    """
    instance_of("circuit", circuit, Circuit)
    small, shallow, ands = (
        abc.run(circuit.netlist, commands, timeout).netlist for commands in ("if -K 6 -a", "if -K 6", "dc2")
    )
    luts = int((small.ranks > 0).sum())
    return Cost(luts, shallow.depth, int((ands.ranks > 1).sum()), circuit.netlist.num_registers)
