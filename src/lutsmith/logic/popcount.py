"""The counts of a head's groups as logic: compressors of six bits, in columns."""

from __future__ import annotations

from lutsmith.circuit.heads import Head
from lutsmith.logic.arithmetic import popcount
from lutsmith.logic.design import Part, Port
from lutsmith.logic.folding import FoldingBuilder


def popcount_part(head: Head, num_outputs: int) -> Part:
    """Return the part `popcount`: port outputs, the bits of the network, to port counts, one word a group."""
    logic = FoldingBuilder()
    bits = logic.input(num_outputs).reshape(head.num_groups, num_outputs // head.num_groups)
    counts = popcount(logic, bits)
    netlist = logic.build(counts.reshape(-1))
    return Part("popcount", netlist, (Port("outputs", 1, num_outputs),), (counts_port(head, num_outputs),))


def counts_port(head: Head, num_outputs: int) -> Port:
    """Return the port of the counts: words that hold the size of a group."""
    return Port("counts", (num_outputs // head.num_groups).bit_length(), head.num_groups)
