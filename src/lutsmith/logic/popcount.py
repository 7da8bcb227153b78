"""The counts of a head's groups as logic: compressors of six bits, in columns."""

from __future__ import annotations

import numpy as np

from lutsmith.circuit.heads import Head
from lutsmith.circuit.results import AnyHead
from lutsmith.logic.arithmetic import popcount
from lutsmith.logic.design import Part, Port
from lutsmith.logic.folding import FoldingBuilder
from lutsmith.logic.heads import EachHead, heads_of


def popcount_part(head: AnyHead, num_outputs: int) -> Part | None:
    """Return the part `popcount`: port outputs, the bits of the network, to ports of counts, one word a group, and of
    the bits that integers are made of as they are. None where no head counts.
    """
    heads = heads_of(head, num_outputs)
    if not any(isinstance(each.head, Head) for each in heads):
        return None
    logic = FoldingBuilder()
    bits = logic.input(num_outputs)
    ends = []
    for each in heads:
        own = bits[each.first : each.first + each.outputs]
        if isinstance(each.head, Head):
            groups = each.head.places * each.head.num_groups
            own = popcount(logic, own.reshape(groups, each.outputs // groups)).reshape(-1)
        ends.append(own)
    ports = counted_ports(heads)
    return Part("popcount", logic.build(np.concatenate(ends)), (Port("outputs", 1, num_outputs),), ports)


def counts_port(each: EachHead) -> Port:
    """Return the port of a head's counts, words that hold the size of a group; of integers that of their bits."""
    if not isinstance(each.head, Head):
        return Port(f"{each.prefix}bits_of_words", 1, each.outputs)
    groups = each.head.places * each.head.num_groups
    return Port(f"{each.prefix}counts", (each.outputs // groups).bit_length(), groups)


def counted_ports(heads: tuple[EachHead, ...]) -> tuple[Port, ...]:
    """Return the ports between the parts `popcount` and `decision`."""
    return tuple(counts_port(each) for each in heads)
